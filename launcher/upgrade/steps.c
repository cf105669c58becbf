#include "launcher/upgrade/steps.h"

#include "launcher/base/mem.h"
#include "launcher/upgrade/step_impl.h"

/* Of the site's, wherever the plan has one (plan_hooks.c). */
static const struct step hook = {
    .id = STEP_HOOK,
    .title = "run hook",
    .rows = STEP_ROWS_OF_HOOKS,
    .prepare = hook_prepare,
    .apply = hook_apply,
    .probe = hook_probe,
};

static const struct step back_hook = {
    .id = STEP_BACK_HOOK,
    .title = "run hook",
    .rows = STEP_ROWS_OF_HOOKS,
    .prepare = back_hook_prepare,
    .apply = back_hook_apply,
    .probe = back_hook_probe,
};

static const struct step undo_hook = {
    .id = STEP_UNDO_HOOK,
    .title = "undo hook",
    .rows = STEP_ROWS_OF_HOOKS,
    .prepare = back_hook_prepare,
    .apply = back_hook_apply,
    .probe = back_hook_probe,
};

static const struct step *const of_hooks[] = {&hook, &back_hook, &undo_hook};

/* From here on: what is reached by going back is another table's. */
#define STEP_FORWARD_MAX STEP_BACK_HA_OFF

static const struct step load_image = {
    .id = STEP_LOAD_IMAGE,
    .title = "have the new image",
    .rows = STEP_ROWS_OF_NODES,
    .apply = load_image_apply,
};

static const struct step create_new = {
    .id = STEP_CREATE_NEW,
    .title = "create the new container and compare it with the plan",
    .rows = STEP_ROWS_OF_NODES,
    .needs = STEP_BIT(STEP_LOAD_IMAGE),
    .is_patient = true,
    .apply = create_new_apply,
    .probe = create_new_probe,
};

static const struct step trim_heartbeats = {
    .id = STEP_TRIM_HEARTBEATS,
    .title = "clear old heartbeat sequences",
    .rows = STEP_ROW_OF_ALL,
    .apply = trim_apply,
};

static const struct step prepare_backup = {
    .id = STEP_PREPARE_BACKUP,
    .title = "prepare the backup of the MetaDB",
    .rows = STEP_ROW_OF_ALL,
    .apply = prepare_backup_apply,
};

static const struct step ha_off = {
    .id = STEP_HA_OFF,
    .title = "turn HA off",
    .rows = STEP_ROW_OF_ALL,
    .marks = STEP_TOUCHES,
    .is_patient = true,
    .prepare = ha_off_prepare,
    .apply = ha_off_apply,
    .probe = ha_off_probe,
};

static const struct step stop_old = {
    .id = STEP_STOP_OLD,
    .title = "stop the old container",
    .rows = STEP_ROWS_OF_NODES,
    .needs = STEP_BIT(STEP_CREATE_NEW) | STEP_BIT(STEP_HA_OFF),
    .marks = STEP_TOUCHES,
    .is_patient = true,
    .apply = stop_old_apply,
    .probe = stop_old_probe,
};

static const struct step backup_metadb = {
    .id = STEP_BACKUP_METADB,
    .title = "back up the MetaDB",
    .rows = STEP_ROW_OF_ALL,
    .needs = STEP_BIT(STEP_STOP_OLD),
    .marks = STEP_WRITES_METADB,
    .apply = backup_apply,
};

static const struct step swap_names = {
    .id = STEP_SWAP_NAMES,
    .title = "hand the name over",
    .rows = STEP_ROWS_OF_NODES,
    .needs = STEP_BIT(STEP_CREATE_NEW) | STEP_BIT(STEP_STOP_OLD),
    .is_patient = true,
    .apply = swap_names_apply,
};

static const struct step start_new = {
    .id = STEP_START_NEW,
    .title = "start the new container",
    .rows = STEP_ROWS_OF_NODES,
    .needs = STEP_BIT(STEP_CREATE_NEW) | STEP_BIT(STEP_STOP_OLD) | STEP_BIT(STEP_BACKUP_METADB),
    .marks = STEP_CHANGES_METADB | STEP_WRITES_METADB,
    .is_patient = true,
    .is_volatile = true,
    .proved_by = STEP_BIT(STEP_WAIT_HEALTHY),
    .apply = start_new_apply,
    .probe = start_new_probe,
};

static const struct step init_metadata = {
    .id = STEP_INIT_METADATA,
    .title = "run docker_init.sh",
    .rows = STEP_ROWS_OF_INIT,
    .needs = STEP_BIT(STEP_BACKUP_METADB) | STEP_BIT(STEP_START_NEW),
    .marks = STEP_CHANGES_METADB | STEP_WRITES_METADB,
    .prepare = init_prepare,
    .apply = init_apply,
    .probe = init_probe,
};

static const struct step wait_healthy = {
    .id = STEP_WAIT_HEALTHY,
    .title = "wait until OMS is healthy",
    .rows = STEP_ROW_OF_ALL,
    .needs = STEP_BIT(STEP_START_NEW),
    .marks = STEP_SERVES,
    .apply = health_apply,
};

static const struct step keep_running = {
    .id = STEP_KEEP_RUNNING,
    .title = "give the new container its restart policy",
    .rows = STEP_ROWS_OF_NODES,
    .needs = STEP_BIT(STEP_WAIT_HEALTHY),
    .is_patient = true,
    .apply = keep_running_apply,
};

static const struct step ha_on = {
    .id = STEP_HA_ON,
    .title = "turn HA back on",
    .rows = STEP_ROW_OF_ALL,
    .needs = STEP_BIT(STEP_HA_OFF) | STEP_BIT(STEP_WAIT_HEALTHY),
    .is_patient = true,
    .apply = ha_on_apply,
};

/* The order of a plan. */
static const struct step *const forward[] = {
    &load_image,
    &create_new,
    &trim_heartbeats,
    &prepare_backup,
    &ha_off,
    &stop_old,
    &backup_metadb,
    &swap_names,
    &start_new,
    &init_metadata,
    &wait_healthy,
    /* Before HA: if that fails, OMS must come up again after a reboot all the same. */
    &keep_running,
    &ha_on,
};
_Static_assert(ARRAY_LEN(forward) + 1 == STEP_FORWARD_MAX, "a step has no row");

static const struct back_step back[] = {
    {
        .undoes = STEP_HA_ON,
        .step = {.id = STEP_BACK_HA_OFF,
                 .title = "turn HA off again",
                 .rows = STEP_ROW_OF_ALL,
                 .apply = back_ha_off_apply},
    },
    {
        .undoes = STEP_START_NEW,
        .step = {.id = STEP_BACK_STOP_NEW,
                 .title = "stop the new container, keep its log",
                 .rows = STEP_ROWS_OF_NODES,
                 .apply = back_stop_new_apply},
    },
    {
        .undoes = STEP_CREATE_NEW,
        .step = {.id = STEP_BACK_NAMES,
                 .title = "give the old container its name back",
                 .rows = STEP_ROWS_OF_NODES,
                 .apply = back_names_apply},
    },
    {
        .undoes = STEP_START_NEW,
        .step = {.id = STEP_BACK_METADB,
                 .title = "restore the databases from the backup",
                 .rows = STEP_ROW_OF_ALL,
                 .marks = STEP_WRITES_METADB,
                 .apply = back_metadb_apply,
                 .probe = back_metadb_probe},
    },
    {
        .undoes = STEP_HA_OFF,
        .step = {.id = STEP_BACK_START_OLD,
                 .title = "start the old container",
                 .rows = STEP_ROWS_OF_NODES,
                 .marks = STEP_WRITES_METADB,
                 .is_volatile = true,
                 .proved_by = STEP_BIT(STEP_BACK_HEALTHY),
                 .apply = back_start_old_apply,
                 .probe = back_start_old_probe},
    },
    {
        .undoes = STEP_HA_OFF,
        .step = {.id = STEP_BACK_HEALTHY,
                 .title = "wait until the old OMS is healthy",
                 .rows = STEP_ROW_OF_ALL,
                 .apply = back_healthy_apply},
    },
    {
        .undoes = STEP_HA_OFF,
        .step = {.id = STEP_BACK_HA,
                 .title = "turn HA back on",
                 .rows = STEP_ROW_OF_ALL,
                 .apply = back_ha_apply},
    },
};
_Static_assert(ARRAY_LEN(back) + 2 == STEP_MAX - STEP_FORWARD_MAX,
               "a step of the way back has no row");

const struct step *const *steps_forward(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(forward);
    return forward;
}

const struct back_step *steps_back(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(back);
    return back;
}

bool step_goes_back(enum step_id id)
{
    return id >= STEP_FORWARD_MAX;
}

const struct step *step_get(enum step_id id)
{
    for (size_t i = 0; i < ARRAY_LEN(forward); i++) {
        if (forward[i]->id == id) {
            return forward[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(back); i++) {
        if (back[i].step.id == id) {
            return &back[i].step;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(of_hooks); i++) {
        if (of_hooks[i]->id == id) {
            return of_hooks[i];
        }
    }
    return NULL;
}
