/* One run of a plan: what its steps share, and the loop that takes its rows one after the other. */
#ifndef OMSLAUNCH_UPGRADE_RUN_H
#define OMSLAUNCH_UPGRADE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks/metadb_call.h"
#include "inspect/oms_config.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/engine/engine.h"
#include "launcher/upgrade/journal.h"
#include "launcher/upgrade/plan.h"

/* How the caller watches; any may be NULL. Called from the thread that runs. */
struct run_observer {
    void (*row_begins)(void *arg, size_t row, const char *doing);
    /* `summary` is one line for people: what was done, or what went wrong. */
    void (*row_ends)(void *arg, size_t row, bool ok, uint64_t took_ms, const char *summary);
    void (*progress)(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes);
    void (*output)(void *arg, const char *line); /* of docker_init.sh */
    void *arg;
};

struct run_node {
    struct engine *engine; /* read-write; the caller's */
    char *old_id;
    char *new_id; /* NULL until it was created */
};

/* Everything borrowed unless said otherwise. */
struct run {
    const char *id;
    const char *state; /* the state folder */
    const struct plan *plan;
    struct journal *journal;
    struct run_node *nodes; /* plan_node_count() of them */
    struct metadb metadb;
    const struct strv *set_env; /* --set-env, for the values that a plan does not store */
    const struct run_observer *observer;
    json_t *memory; /* evidence of finished rows, by run_memory_key() */
};

/* How a run ended, in the order of how much is left to do. */
enum run_end {
    RUN_UPGRADED,
    RUN_UPGRADED_WITH_FAULT, /* the new version serves; something after that failed */
    RUN_UNCHANGED,           /* failed before anything that matters was touched */
    RUN_ROLLED_BACK,
    RUN_HELD, /* stopped midway */
    RUN_ROLLBACK_FAILED,
    RUN_END_MAX
};

/* Takes the rows in order. A failed row stops the run there: 0 or -1 with the row's error;
 * `ret_end` and `ret_row` (the row that failed; row_count if none) are set in both cases. */
int run_forward(struct run *r, enum run_end *ret_end, size_t *ret_row, struct err *err) MUST_USE;

/* Evidence of a finished row of this run, or NULL; borrowed. */
const json_t *run_evidence(const struct run *r, enum step_id step, int node);
void run_remember(struct run *r, enum step_id step, int node, const json_t *evidence);

/* "NAME.KIND-RUN": "oms_331.old-20261122-…", made from the name of the old container. Caller frees.
 */
char *run_container_name(const struct run *r, int node, const char *kind);

/* Tell the observer. */
void run_say_progress(const struct run *r, const char *text, uint64_t done, uint64_t total,
                      bool bytes);
void run_say_output(const struct run *r, const char *line);

#endif
