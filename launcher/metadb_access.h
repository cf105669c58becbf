/* The MetaDB of an OMS container, for commands that have no plan: found through its config.yaml. */
#ifndef OMSLAUNCH_METADB_ACCESS_H
#define OMSLAUNCH_METADB_ACCESS_H

#include "hooks/metadb_call.h"
#include "hooks/metadb_lock.h"
#include "inspect/oms_config.h"
#include "launcher/session.h"
#include "launcher/watch.h"

struct metadb_access {
    const struct session *session;
    char *container; /* its name */
    char *endpoint;
    bool running; /* on any node */
    struct oms_config config;
    struct strv heartbeat_dbs;
    struct metadb db;
    struct metadb_lock *lock;
    struct watch watch;
};

#define AUTO_METADB_ACCESS CLEANUP(metadb_access_free)

/* Looks at the container. `endpoint` NULL: at all nodes of the deployment that the command line
 * names, side by side; `container` and `endpoint` are then those of the first. ERR_CONFIG
 * when a running OMS works on another MetaDB or other databases than the file on its host names. */
int metadb_access_open(const struct session *session, const char *container, const char *endpoint,
                       struct metadb_access *ret, struct err *err) MUST_USE;
/* No container at all: for what needs no connection. */
void metadb_access_none(const struct session *session, struct metadb_access *ret);
void metadb_access_free(struct metadb_access *a);
/* No OMS of these engines may run on these databases of the MetaDB. ERR_REFUSED names one that
 * does.
 */
int metadb_access_check_alone(const struct metadb_access *a, const struct strv *databases,
                              struct err *err) MUST_USE;
/* Keeps other runs off these databases until it is freed. */
int metadb_access_lock(struct metadb_access *a, const char *run, struct err *err) MUST_USE;
/* One request, with progress on stderr. */
int metadb_access_ask(struct metadb_access *a, const char *command, const char *run,
                      json_t *parameters_take, json_t **ret, struct err *err) MUST_USE;

#endif
