/* What earlier runs left in the state folder. */
#ifndef OMSLAUNCH_STATE_HISTORY_H
#define OMSLAUNCH_STATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct past_run {
    char *id;
    char *deployment; /* name of the container that was upgraded */
    char *endpoint;
    char *result; /* "upgraded", "held", …; NULL: it has not ended, or was killed */
    char *step;   /* the last step that was begun; NULL if none */
    char *damage; /* why its journal cannot be read; NULL if it can */
    uint64_t begun_ms, ended_ms;
    uint64_t backup_ms;         /* when the backup was taken; 0 if it was not */
    bool backup_gone;           /* it was taken, and is not there any more (`prune`) */
    uint64_t served_ms;         /* when the new version became healthy; 0 if it never did */
    struct strv kept_databases; /* those that its restore moved aside */
};

struct history {
    struct past_run *items; /* oldest first */
    size_t count;
};

#define AUTO_HISTORY CLEANUP(history_free)

int history_read(const char *state, struct history *ret, struct err *err) MUST_USE;
void history_free(struct history *h);
/* The run of that ID, or the newest if `id` is NULL; NULL if there is none. */
const struct past_run *history_find(const struct history *h, const char *id);
/* Neither ended well nor was undone: it still needs `resume` or `rollback`. Also a damaged one:
 * nobody knows how it ended. */
bool history_is_unfinished(const struct past_run *p);
bool history_is_older(const struct past_run *p, const struct past_run *than);
/* The newest unfinished one of that deployment, or NULL. */
const struct past_run *history_unfinished(const struct history *h, const char *deployment,
                                          const char *endpoint);

#endif
