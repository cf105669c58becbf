/* One run of a plan: how it is begun, or taken up from the journal of an earlier process, and taken
 * to its end, forwards or back. */
#ifndef OMSLAUNCH_UPGRADE_RUN_H
#define OMSLAUNCH_UPGRADE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/state/ledger.h"
#include "launcher/upgrade/plan.h"

/* A row as observers see it. */
struct run_row {
    size_t number, total; /* its place among those of its way */
    enum step_id step;
    const char *title; /* "stop the old container" */
    const char *node;  /* its name; NULL: it is one of the deployment, or there is one node */
};

/* How the caller watches; any may be NULL. All are called from the thread that runs. `row` is NULL
 * outside of rows. */
struct run_observer {
    void (*row_begins)(void *arg, const struct run_row *row);
    /* `summary` is one line for people: what was done, or what went wrong. */
    void (*row_ends)(void *arg, const struct run_row *row, bool ok, uint64_t took_ms,
                     const char *summary);
    void (*progress)(void *arg, const struct run_row *row, const char *text, uint64_t done,
                     uint64_t total, bool bytes);
    void (*output)(void *arg, const struct run_row *row, const char *line); /* of docker_init.sh */
    void (*goes_back)(void *arg, const struct err *failure); /* the rollback begins */
    void *arg;
};

struct run_request {
    const char *state; /* the state folder, prepared */
    const char *run;   /* ID */
    const struct plan *plan;
    const char *metadb_program;
    const char *identity;       /* of the deployment (identity.h) */
    const struct strv *set_env; /* --set-env, for the values that a plan does not store */
    const struct hook_list
        *hooks;                 /* of the site, for the values that a plan does not store; NULL */
    const struct strv *answers; /* "STEP=done|again": a person's word where the world does not tell
                                 */
    uint64_t lock_wait_ms;      /* for the lock in the MetaDB */
    bool no_probe;              /* somebody accepts that the account may not be able to restore */
    size_t parallel;            /* how many rows of a wave at once; 0: all */
    const struct run_observer *observer;
};

/* What a request points to must outlive the run. */
struct run;

/* Tries a restore in scratch databases, creates the run's folder, stores plan and old containers,
 * begins the journal. Nothing else is touched. ERR_STATE, ERR_PERMISSION, and what engines and
 * config.yaml may fail with. */
int run_begin(const struct run_request *request, struct run **ret, struct err *err) MUST_USE;
/* Takes up a run of an earlier process, from its journal; `request->plan` is the stored one. */
int run_take_up(const struct run_request *request, struct run **ret, struct err *err) MUST_USE;
/* The plan that a run was begun with. ERR_STATE when plan and journal do not belong together. */
int run_load_plan(const char *state, const char *run, struct plan *ret, struct err *err) MUST_USE;
void run_free(struct run *r);
void run_free_ptr(struct run **r);
#define AUTO_RUN CLEANUP(run_free_ptr)

struct run_outcome {
    enum run_end end;
    bool failed; /* `failure` says why the upgrade did not go through */
    struct err failure;
    struct plan_row failed_row;
    bool back_failed; /* `back_failure` says why the rollback did not */
    struct err back_failure;
    bool unwritten; /* it ended so, but the journal does not say it: the disk is full */
};

/* Takes the run on from where its journal stands: forwards, and back when a row fails and
 * `roll_back` is set; only back when the rollback was begun before. Always fills in `ret`. */
void run_to_end(struct run *r, bool roll_back, struct run_outcome *ret);
/* Only back, for whatever reason a person has. */
void run_back(struct run *r, struct run_outcome *ret);

/* Words of a person, "STEP=done" or "STEP=again", of one node "STEP@NODE=done"; a hook of the site
 * is "POINT/HOOK=done". ERR_USAGE for anything else; `plan` may be NULL: then nodes and hooks are
 * not looked at. */
int run_check_answers(const struct strv *answers, const struct plan *plan,
                      struct err *err) MUST_USE;

/* ---- what became of it ---- */

const char *run_id(const struct run *r);
const struct plan *run_plan(const struct run *r);
/* Where its journal and logs are. Caller frees. */
char *run_folder(const struct run *r);
const struct ledger *run_ledger(const struct run *r);
/* "oms_331.old-RUN". Caller frees. */
char *run_kept_name(const struct run *r, int node);
/* Where old and new container of a node are, two lines for people. */
void run_say_where(struct run *r, int node, struct str *ret);
/* "pre-stop/10-drain: it failed with exit code 4": what the hooks of the run had to say that did
 * not stop it. */
void run_list_warnings(const struct run *r, struct strv *ret);
/* [{"step":…,"node":"10.0.0.11","ok":true,"began":…,"took_ms":N,"evidence":{…}}]. Caller owns. */
json_t *run_rows_to_json(const struct run *r);

#endif
