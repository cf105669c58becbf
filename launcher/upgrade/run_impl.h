/* Inside of this room only: what the steps of a run share. */
#ifndef OMSLAUNCH_UPGRADE_RUN_IMPL_H
#define OMSLAUNCH_UPGRADE_RUN_IMPL_H

#include "hooks/metadb_call.h"
#include "hooks/metadb_lock.h"
#include "inspect/oms_config.h"
#include "launcher/engine/engine.h"
#include "launcher/engine/exec.h"
#include "launcher/state/journal.h"
#include "launcher/upgrade/run.h"
#include "launcher/upgrade/steps.h"
#include "launcher/upgrade/wave.h"

struct run_node {
    struct engine *engine; /* read-write; one thread at a time. NULL: it was silent: run_engine() */
    char *found_id;        /* of the new container, where only the world knew it; NULL */
    bool is_left;          /* on the way back: left behind, for this process */
};

struct run {
    char *id, *state;
    const struct plan *plan;
    struct run_request request; /* what it points to is the caller's */
    struct journal *journal;
    struct ledger ledger;     /* behind `wave`'s lock while a wave runs */
    struct run_node *nodes;   /* plan->node_count of them */
    struct oms_config config; /* of the first node: the MetaDB is the same for all */
    struct metadb metadb;
    struct metadb_lock *lock;
    struct metadb_waiting *backup; /* prepared before the outage; NULL: none */
    const struct run_observer *observer;
    struct wave wave;
    struct err left_failure; /* of the first node that was left behind */
    char *failure;           /* what hooks are told of it; NULL: nothing has failed */
};

/* Rows of one step. */
struct run_wave {
    const struct plan_row *rows;
    size_t count;
    size_t first, total; /* their place among the rows of this way */
    bool goes_on;        /* one that fails does not keep others from being begun */
};

/* ---- the ledger, from any row ---- */

/* Borrowed; stay as they are for as long as the row is not taken again. NULL: not done. */
const struct evidence *run_evidence(const struct run *r, enum step_id step, struct subject subject);
const struct ledger_row *run_row(const struct run *r, enum step_id step, struct subject subject);
bool run_has_begun(const struct run *r, enum step_id step);

const struct plan_node *run_node_plan(const struct run *r, int node);
const char *run_old_id(const struct run *r, int node);
/* NULL until it was created. */
const char *run_new_id(const struct run *r, int node);
/* "NAME.KIND-RUN": "oms_331.old-20261122-…", made from the name of the old container. Caller frees.
 */
char *run_container_name(const struct run *r, int node, const char *kind);

/* ---- run_check.c: that nobody moved what the steps stand on ---- */

/* Once stopped, the old containers must rest: ERR_FAILED, which may ask a person. */
int run_check_old_rests(struct run *r, struct err *err) MUST_USE;
/* Nobody else's OMS runs on the disks of this node, started by hand or by another run.
 * ERR_FAILED names it, and asks a person. */
int run_check_alone(struct run *r, int node, struct err *err) MUST_USE;
/* At the end: the new containers (or the old ones) still run, as the health check had found them.
 */
int run_check_serves(struct run *r, bool new_ones, struct err *err) MUST_USE;

/* ---- run_rows.c: rows, one after the other and side by side ---- */

/* Does it for each node, side by side; the first error, which names its node where there are
 * several. Only from the thread that runs. */
int run_each_node(struct run *r, wave_job_fn fn, struct err *err) MUST_USE;
/* One or several rows of one step, which meet at its end. `results` has one for each. Returns how
 * many failed. */
size_t run_take_wave(struct run *r, const struct run_wave *wave, struct wave_result *results);
/* On the way back a node that cannot be brought back must not keep the others: it is left behind,
 * and the whole is a failure at the end. -1 when `why` is no reason to go on, or none is left. */
int run_leave_behind(struct run *r, int node, const struct err *why) MUST_USE;
/* The failures of a wave as one error. */
void run_join_failures(const struct run *r, const struct plan_row *rows,
                       const struct wave_result *results, size_t count, struct err *ret);
/* Appends to the journal and to the ledger; from any row. Where the way back has nothing left to
 * lose, a record that cannot be written stays in memory. ERR_STATE. */
int run_append(struct run *r, const struct record *record, struct err *err) MUST_USE;

/* ---- the observer, from any row ---- */

void run_set_current_row(const struct run_row *row);

void run_say_progress(struct run *r, const char *text, uint64_t done, uint64_t total, bool bytes);
void run_say_output(struct run *r, const char *line);

/* ---- step_hook.c: hooks of the site ---- */

/* How a row is called in the files of the run, and in questions. */
struct run_hook {
    const struct hook *hook;
    int node;                  /* -1: the whole */
    bool undo;                 /* calls its undo, */
    const json_t *undo_result; /* with what it gave; NULL: nothing */
    const char *folder;        /* its working folder; NULL: one of its own */
};

/* Runs a program of the site to its end. Caller owns *ret_result; NULL: it gave none. */
int run_host_hook(struct run *r, const struct run_hook *h, json_t **ret_result,
                  struct err *err) MUST_USE;
/* What became of an exec; NULL or one that the engine does not know is one that never ran. */
int run_look_at_exec(struct run *r, int node, const char *exec_id, bool *ret_known,
                     struct engine_exec_state *ret, struct err *err) MUST_USE;

/* ---- the MetaDB ---- */

/* What every request to the MetaDB has: progress to the observer, and a stop ends it. */
struct metadb_request run_metadb_request(struct run *r, const char *command,
                                         const json_t *parameters, uint64_t timeout_ms);
/* One request to the MetaDB, with progress to the observer. `parameters_take` may be NULL. */
int run_metadb(struct run *r, const char *command, json_t *parameters_take, uint64_t timeout_ms,
               json_t **ret, struct err *err) MUST_USE;

/* ---- containers ---- */

/* The engine of a node; opened again if it was silent when the run was taken up. */
int run_engine(struct run *r, int node, struct engine **ret, struct err *err) MUST_USE;

/* The container of that ID as it is now. */
int run_inspect(struct run *r, int node, const char *id, struct container *ret,
                struct err *err) MUST_USE;

#endif
