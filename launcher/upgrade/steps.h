/* The step table: all that is special about a step. The way back is made of steps of the same kind,
 * each with the forward step that makes it necessary.
 *
 * To add a step: its ID and name (state/step_id), the shape of its evidence (state/evidence.c), its
 * row here, its functions, its test. */
#ifndef OMSLAUNCH_UPGRADE_STEPS_H
#define OMSLAUNCH_UPGRADE_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/state/evidence.h"
#include "launcher/state/step_id.h"

struct run;

#define STEP_BIT(id) (1U << (unsigned)(id))
_Static_assert(STEP_MAX <= 32, "a set of steps has 32 bits");

/* One row of a run, as its functions get it. */
struct step_call {
    struct run *run;
    struct subject subject;
    int node; /* of a row that is about a node: its index; else 0 */
    /* prepare: what the last attempt had put down, NULL if there was none; apply and probe: what
     * this one has. */
    const struct prepared *prepared;
};

enum step_answer {
    STEP_NOT_DONE,
    STEP_DONE,
    STEP_UNKNOWN, /* the world does not tell: a person has to */
    STEP_ANSWER_MAX
};

/* What its rows are about. */
enum step_rows {
    STEP_ROW_OF_ALL,    /* one, for the deployment as a whole */
    STEP_ROWS_OF_NODES, /* one for each node, side by side */
    STEP_ROWS_OF_INIT,  /* one for each configuration file of a region, one after the other */
    STEP_ROWS_OF_HOOKS, /* one for each call of a hook; those of one hook side by side */
    STEP_ROWS_MAX
};

/* What it means for the run as a whole. */
enum step_mark {
    STEP_TOUCHES = 1,        /* begun: somebody but us may have noticed */
    STEP_CHANGES_METADB = 2, /* begun: the new version may have changed the databases */
    STEP_SERVES = 4,         /* done: the version that it leads to serves */
    STEP_WRITES_METADB = 8,  /* is right only while nobody else writes to the databases */
};

struct step {
    enum step_id id;
    const char *title; /* "have the new image" */
    enum step_rows rows;
    unsigned needs; /* STEP_BIT()s of the steps that it stands on */
    unsigned marks;
    bool is_patient;  /* ends what it began before a first signal stops the run */
    bool is_volatile; /* may come undone by itself (a reboot stops a container): looked at again */
    unsigned proved_by; /* STEP_BIT()s of what has to be proved again when it came undone */
    /* Facts that must be on the disk before the step changes them (the text of ha.config); goes
     * into the intent. Before each attempt. NULL: none. */
    int (*prepare)(const struct step_call *call, struct prepared *ret, struct err *err);
    /* Does it. */
    int (*apply)(const struct step_call *call, struct evidence *ret, struct err *err);
    /* Was it done? For an intent without an outcome. DONE comes with evidence; UNKNOWN with an
     * error that holds the exact question. NULL: doing it again is right in any state. */
    int (*probe)(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
                 struct err *err);
};

/* `ret` of these functions comes zeroed, with its step set; what is in it is the caller's also
 * after a failure. */

struct back_step {
    struct step step;
    enum step_id undoes; /* needed once a row of this step was begun */
};

/* In the order in which they are taken; hooks stand between them. */
const struct step *const *steps_forward(size_t *ret_count);
const struct back_step *steps_back(size_t *ret_count);

const struct step *step_get(enum step_id id);
bool step_goes_back(enum step_id id);

#endif
