/* The journal's vocabulary: what its records say, as values. */
#ifndef OMSLAUNCH_STATE_RECORD_H
#define OMSLAUNCH_STATE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/state/evidence.h"
#include "launcher/state/step_id.h"

/* How a run ended. */
enum run_end {
    RUN_UPGRADED,
    RUN_UPGRADED_WITH_FAULT, /* the new version serves; something after that failed */
    RUN_UNCHANGED,           /* failed before anything that matters was touched */
    RUN_ROLLED_BACK,
    RUN_HELD, /* stopped midway: `resume` or `rollback` */
    RUN_ROLLBACK_FAILED,
    RUN_ABANDONED, /* a person gave it up, and finishes by hand */
    RUN_END_MAX
};

const char *run_end_name(enum run_end end); /* "rolled-back", as the journal spells it */

enum record_type {
    RECORD_BEGIN,    /* of the run */
    RECORD_INTENT,   /* a row begins */
    RECORD_OUTCOME,  /* … and has ended */
    RECORD_UNDONE,   /* what it had done was found undone */
    RECORD_ROLLBACK, /* from here on it goes back */
    RECORD_END,      /* of a process's part of the run */
    RECORD_TYPE_MAX
};

struct record {
    enum record_type type;
    uint64_t wall_ms; /* when it was written: the journal's */
    struct {          /* begin */
        char *run;
        char *plan; /* its digest */
        char *deployment, *endpoint;
        char *tool;     /* "omslaunch 0.1.0" */
        char *identity; /* of the deployment (identity.h); NULL: an older omslaunch wrote it */
    } begin;
    enum step_id step; /* intent, outcome, undone */
    struct subject subject;
    bool has_prepared; /* intent */
    struct prepared prepared;
    bool ok; /* outcome: `evidence` if so, else kind and error */
    struct evidence evidence;
    enum err_kind kind;
    char *error;
    char *reason; /* rollback: NULL: a person asked for it; end: why it was abandoned, or NULL */
    enum run_end end; /* end */
};

#define AUTO_RECORD CLEANUP(record_free)

/* `json` is a record of the journal that `what` names: "record 3 of the journal '/x'".
 * ERR_STATE for one that is not known, or has a member that is missing, of another type, or not
 * known. `ret` must be zeroed; is freed by the caller also after a failure. */
int record_from_json(const json_t *json, const char *what, struct record *ret,
                     struct err *err) MUST_USE;
/* As journal_append() takes it. Caller owns. */
json_t *record_to_json(const struct record *r);
void record_free(struct record *r);

#endif
