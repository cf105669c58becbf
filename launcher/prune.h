/* What prune knows while it works. */
#ifndef OMSLAUNCH_PRUNE_H
#define OMSLAUNCH_PRUNE_H

#include "launcher/session.h"
#include "launcher/state/backups.h"
#include "launcher/state/history.h"
#include "launcher/state/state.h"

struct prune {
    struct session session;
    char run[RUN_ID_MAX]; /* who it is, to others */
    struct backup_list backups;
    struct history history;
    struct history restores; /* those that are no part of a run */
    struct strv needed;      /* runs that still need what they kept */
    int *locks;
    size_t lock_count;
    bool dry_run; /* only say what would go */
    json_t *gone; /* what was deleted, or would be */
};

/* Before anything is deleted: may all databases go that were asked for by the name of their run?
 * ERR_USAGE, ERR_STATE, ERR_REFUSED. */
int prune_check_named(const struct prune *p, struct err *err) MUST_USE;
/* Drops what restores have moved aside, as far as it was asked for and may go. */
int prune_databases(struct prune *p, struct err *err) MUST_USE;

#endif
