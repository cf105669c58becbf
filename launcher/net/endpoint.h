/* Where an engine is: today a unix socket ("unix:///path"); tcp and ssh have their place here. */
#ifndef OMSLAUNCH_NET_ENDPOINT_H
#define OMSLAUNCH_NET_ENDPOINT_H

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

#define ENDPOINT_DEFAULT "unix:///var/run/docker.sock"

/* The path of the socket, borrowed from `endpoint`. ERR_USAGE. */
int endpoint_parse(const char *endpoint, const char **ret_socket_path, struct err *err) MUST_USE;

/* Why no connection comes about: libcurl says only that it does not, so this tries again and looks.
 * Returns -1: ERR_UNREACHABLE or ERR_PERMISSION. */
int endpoint_fail(const char *endpoint, const char *socket_path, struct err *err);

#endif
