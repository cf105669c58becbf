/* From a plan to a run that can be carried out: folder, journal, engines, MetaDB. */
#ifndef OMSLAUNCH_UPGRADE_EXECUTION_H
#define OMSLAUNCH_UPGRADE_EXECUTION_H

#include "launcher/upgrade/run.h"

struct execution_request {
    const char *state; /* the state folder, prepared */
    const char *run;   /* ID */
    const struct plan *plan;
    const char *metadb_program;
    const struct strv *set_env;
    const struct strv *answers; /* see struct run */
    uint64_t lock_wait_ms;      /* for the lock in the MetaDB */
    bool no_probe;              /* somebody accepts that the account may not be able to restore */
    const struct run_observer *observer;
};

struct execution;

/* Tries a restore in scratch databases, creates the run's folder, stores plan and old containers,
 * begins the journal. Nothing else is touched. ERR_STATE, ERR_PERMISSION, and what engines and
 * config.yaml may fail with. */
int execution_begin(const struct execution_request *request, struct execution **ret,
                    struct err *err) MUST_USE;
/* Takes up a run of an earlier process, from its journal; `request->plan` is the stored one. */
int execution_take_up(const struct execution_request *request, struct execution **ret,
                      struct err *err) MUST_USE;
/* The plan that a run was begun with. ERR_STATE when plan and journal do not belong together. */
int execution_load_plan(const char *state, const char *run, struct plan *ret,
                        struct err *err) MUST_USE;
void execution_free(struct execution *x);
void execution_free_ptr(struct execution **x);
#define AUTO_EXECUTION CLEANUP(execution_free_ptr)

struct run *execution_run(struct execution *x);

#endif
