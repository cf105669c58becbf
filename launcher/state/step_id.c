#include "launcher/state/step_id.h"

#include "launcher/base/mem.h"
#include "launcher/base/str.h"

static const char *const names[] = {
    [STEP_LOAD_IMAGE] = "load_image",
    [STEP_CREATE_NEW] = "create_new",
    [STEP_TRIM_HEARTBEATS] = "trim_heartbeats",
    [STEP_PREPARE_BACKUP] = "prepare_backup",
    [STEP_HA_OFF] = "ha_off",
    [STEP_STOP_OLD] = "stop_old",
    [STEP_BACKUP_METADB] = "backup_metadb",
    [STEP_SWAP_NAMES] = "swap_names",
    [STEP_START_NEW] = "start_new",
    [STEP_INIT_METADATA] = "init_metadata",
    [STEP_WAIT_HEALTHY] = "wait_healthy",
    [STEP_HA_ON] = "ha_on",
    [STEP_KEEP_RUNNING] = "keep_running",
    [STEP_HOOK] = "hook",
    [STEP_BACK_HA_OFF] = "back_ha_off",
    [STEP_BACK_STOP_NEW] = "back_stop_new",
    [STEP_BACK_NAMES] = "back_names",
    [STEP_BACK_METADB] = "back_metadb",
    [STEP_BACK_START_OLD] = "back_start_old",
    [STEP_BACK_HEALTHY] = "back_healthy",
    [STEP_BACK_HA] = "back_ha",
    [STEP_BACK_HOOK] = "back_hook",
    [STEP_UNDO_HOOK] = "undo_hook",
};

_Static_assert(ARRAY_LEN(names) == STEP_MAX, "a step has no name");

const char *step_name(enum step_id step)
{
    return names[step];
}

bool step_from_name(const char *name, enum step_id *ret)
{
    for (enum step_id id = 0; id < STEP_MAX; id++) {
        if (str_eq(names[id], name)) {
            *ret = id;
            return true;
        }
    }
    return false;
}

struct subject subject_deployment(void)
{
    return (struct subject){.kind = SUBJECT_DEPLOYMENT};
}

struct subject subject_node(int node)
{
    return (struct subject){.kind = SUBJECT_NODE, .index = node};
}

struct subject subject_hook(int call)
{
    return (struct subject){.kind = SUBJECT_HOOK, .index = call};
}

bool subject_eq(struct subject a, struct subject b)
{
    return a.kind == b.kind && a.index == b.index;
}

const char *subject_kind_name(enum subject_kind kind)
{
    static const char *const kinds[SUBJECT_KIND_MAX] = {
        [SUBJECT_NODE] = "node",
        [SUBJECT_REGION] = "region",
        [SUBJECT_HOOK] = "hook",
    };
    return kinds[kind];
}
