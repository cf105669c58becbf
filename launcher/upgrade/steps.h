/* The step table: for each step how to look at it and how to do it. The way back is made of steps
 * of the same kind: each names the forward step that makes it necessary. */
#ifndef OMSLAUNCH_UPGRADE_STEPS_H
#define OMSLAUNCH_UPGRADE_STEPS_H

#include <stdbool.h>

#include "launcher/upgrade/run.h"

enum step_answer {
    STEP_NOT_DONE,
    STEP_DONE,
    STEP_UNKNOWN, /* the world does not tell: a person has to */
    STEP_ANSWER_MAX
};

/* What it takes to go back once a step was begun. */
enum undo_class {
    UNDO_NOTHING,    /* nothing to undo */
    UNDO_CHEAP,      /* one call puts it back */
    UNDO_RESTORE_DB, /* the databases may have changed: the backup must be restored */
    UNDO_CLASS_MAX
};

struct step {
    enum undo_class undo_class;
    bool is_patient;  /* ends what it began before a first signal stops the run */
    bool is_volatile; /* may come undone by itself (a reboot stops a container): looked at again */
    bool each_node;   /* of the way back: a row for each node */
    enum step_id undoes; /* of the way back: needed once this step was begun */
    /* Facts that must be on the disk before the step changes them (the text of ha.config); goes
     * into the intent. Before each attempt; run_begun() has what the last one had prepared. NULL:
     * none. Caller owns *ret. */
    int (*prepare)(struct run *r, int node, json_t **ret, struct err *err);
    /* Does it. `prepared` is what prepare() gave. Evidence has a "summary" for people. Caller owns
     * *ret. */
    int (*apply)(struct run *r, int node, const json_t *prepared, json_t **ret, struct err *err);
    /* Was it done? For an intent without an outcome. DONE comes with evidence; UNKNOWN with an
     * error that holds the exact question. NULL: doing it again is right in any state. */
    int (*probe)(struct run *r, int node, const json_t *prepared, enum step_answer *ret,
                 json_t **ret_evidence, struct err *err);
};

const struct step *step_get(enum step_id id);

#endif
