/* A container's MetaDB under both locks, for a command that changes something without a plan. */
#ifndef OMSLAUNCH_LOCKED_H
#define OMSLAUNCH_LOCKED_H

#include "launcher/metadb_access.h"
#include "launcher/session.h"
#include "launcher/state/state.h"

struct locked {
    struct session session; /* opened by the caller */
    struct metadb_access access;
    char run[RUN_ID_MAX]; /* who it is, to others */
    int lock;             /* -1 at first */
};

/* A dry run looks at the container, and neither waits for a lock nor takes one. */
int locked_open(struct locked *l, const char *container, const char *endpoint,
                struct err *err) MUST_USE;
void locked_free(struct locked *l);
#define AUTO_LOCKED CLEANUP(locked_free)

#endif
