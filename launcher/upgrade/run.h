/* One run of a plan: what its steps share, and how it is taken to its end, forwards or back. */
#ifndef OMSLAUNCH_UPGRADE_RUN_H
#define OMSLAUNCH_UPGRADE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks/metadb_call.h"
#include "hooks/metadb_lock.h"
#include "inspect/oms_config.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/engine/engine.h"
#include "launcher/state/journal.h"
#include "launcher/state/record.h"
#include "launcher/upgrade/plan.h"

/* How the caller watches; any may be NULL. Called from the thread that runs. */
struct run_observer {
    void (*row_begins)(void *arg, size_t number, size_t total, const char *doing);
    /* `summary` is one line for people: what was done, or what went wrong. */
    void (*row_ends)(void *arg, bool ok, uint64_t took_ms, const char *summary);
    void (*progress)(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes);
    void (*output)(void *arg, const char *line);             /* of docker_init.sh */
    void (*goes_back)(void *arg, const struct err *failure); /* the rollback begins */
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
    struct metadb_lock *lock;      /* NULL: none */
    struct metadb_waiting *backup; /* prepared before the outage; NULL: none. Owned */
    const struct strv *set_env;    /* --set-env, for the values that a plan does not store */
    const struct strv
        *answers; /* "STEP=done|again": a person's word where the world does not tell */
    const struct run_observer *observer;
    json_t *memory;   /* evidence of finished rows, by step and node */
    json_t *begun;    /* what was prepared for rows that were begun, by step and node */
    bool going_back;  /* the rollback was begun, by this process or an earlier one */
    bool was_healthy; /* the new version once served: wait_healthy was passed */
};

struct run_outcome {
    enum run_end end;
    bool failed; /* `failure` says why the upgrade did not go through */
    struct err failure;
    enum step_id failed_step;
    bool back_failed; /* `back_failure` says why the rollback did not */
    struct err back_failure;
};

/* Takes the run on from where its journal stands: forwards, and back when a row fails and
 * `roll_back` is set; only back when the rollback was begun before. Always fills in `ret`. */
void run_to_end(struct run *r, bool roll_back, struct run_outcome *ret);
/* Only back, for whatever reason a person has. */
void run_back(struct run *r, struct run_outcome *ret);
/* Fills memory from the journal of an earlier process. ERR_STATE. */
int run_replay(struct run *r, struct err *err) MUST_USE;

/* Words of a person, "STEP=done" or "STEP=again". ERR_USAGE for anything else. */
int run_check_answers(const struct strv *answers, struct err *err) MUST_USE;

/* Evidence of a finished row of this run, or NULL; borrowed. */
const json_t *run_evidence(const struct run *r, enum step_id step, int node);
void run_remember(struct run *r, enum step_id step, int node, const json_t *evidence);
/* Was a row of this step begun, on any node? What it had prepared (may be null); NULL if not. */
const json_t *run_begun(const struct run *r, enum step_id step, int node);
bool run_begun_anywhere(const struct run *r, enum step_id step);

/* "NAME.KIND-RUN": "oms_331.old-20261122-…", made from the name of the old container. Caller frees.
 */
char *run_container_name(const struct run *r, int node, const char *kind);

/* Tell the observer. */
void run_say_progress(const struct run *r, const char *text, uint64_t done, uint64_t total,
                      bool bytes);
void run_say_output(const struct run *r, const char *line);

#endif
