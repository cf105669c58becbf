/* A deployment of several nodes, as a person wrote it down (docs/nodes.md). */
#ifndef OMSLAUNCH_DEPLOYMENT_FILE_H
#define OMSLAUNCH_DEPLOYMENT_FILE_H

#include "inspect/node_address.h"
#include "launcher/base/err.h"
#include "launcher/base/str.h"

#define DEPLOYMENTS_FOLDER_DEFAULT "/etc/omslaunch/deployments"

/* The file of the deployment `name` in `folder`, or NULL if there is none; a name that is a path is
 * none. Caller frees. */
char *deployment_file_find(const char *folder, const char *name);

/* The deployment's name: the file's, without its folder and ".yaml". Caller frees. */
char *deployment_file_name(const char *path);

/* Defaults are filled into each node, '{ip}' of the engine is replaced. Unknown keys, secrets and
 * what node_addresses_check() refuses are ERR_CONFIG, naming file and node; a file that is not
 * there is ERR_USAGE. */
int deployment_file_read(const char *path, struct node_addresses *ret, struct err *err) MUST_USE;

/* The same as text, for `discover`: what deployment_file_read() reads back. */
void deployment_file_write(const struct node_addresses *addresses, struct str *ret);

#endif
