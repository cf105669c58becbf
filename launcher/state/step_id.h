/* What plan and journal call the steps of a run, and what each of them is done to. */
#ifndef OMSLAUNCH_STATE_STEP_ID_H
#define OMSLAUNCH_STATE_STEP_ID_H

#include <stdbool.h>

/* In the order in which they are taken, but for hooks; the way back follows. */
enum step_id {
    STEP_LOAD_IMAGE,
    STEP_CREATE_NEW,
    STEP_TRIM_HEARTBEATS,
    STEP_PREPARE_BACKUP,
    STEP_HA_OFF,
    STEP_STOP_OLD,
    STEP_BACKUP_METADB,
    STEP_SWAP_NAMES,
    STEP_START_NEW,
    STEP_INIT_METADATA,
    STEP_WAIT_HEALTHY,
    STEP_HA_ON,
    STEP_KEEP_RUNNING,
    STEP_HOOK,        /* of the site's, wherever the plan has one */
    STEP_BACK_HA_OFF, /* from here on: the way back; never in a plan */
    STEP_BACK_STOP_NEW,
    STEP_BACK_NAMES,
    STEP_BACK_METADB,
    STEP_BACK_START_OLD,
    STEP_BACK_HEALTHY,
    STEP_BACK_HA,
    STEP_BACK_HOOK, /* a hook of the way back, or of the failure before it */
    STEP_UNDO_HOOK, /* what a hook of the way forward wants undone */
    STEP_MAX
};

const char *step_name(enum step_id step); /* "load_image" */
/* False if no step has that name. */
bool step_from_name(const char *name, enum step_id *ret);

/* What a row of a step is about. */
enum subject_kind {
    SUBJECT_DEPLOYMENT, /* as a whole; its index is 0 */
    SUBJECT_NODE,
    SUBJECT_REGION,
    SUBJECT_HOOK, /* on what it runs: one of the plan's calls */
    SUBJECT_KIND_MAX
};

struct subject {
    enum subject_kind kind;
    int index; /* in the plan's list of that kind */
};

struct subject subject_deployment(void);
struct subject subject_node(int node);
struct subject subject_hook(int call);
bool subject_eq(struct subject a, struct subject b);
/* "node", as records spell it; NULL for the deployment. */
const char *subject_kind_name(enum subject_kind kind);

#endif
