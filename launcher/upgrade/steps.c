#include "launcher/upgrade/steps.h"

#include "launcher/upgrade/step_impl.h"

static const struct step table[] = {
    [STEP_LOAD_IMAGE] = {.undo_class = UNDO_NOTHING, .apply = load_image_apply},
    [STEP_CREATE_NEW] = {.undo_class = UNDO_CHEAP,
                         .is_patient = true,
                         .apply = create_new_apply,
                         .probe = create_new_probe},
    [STEP_TRIM_HEARTBEATS] = {.undo_class = UNDO_NOTHING, .apply = trim_apply},
    [STEP_PREPARE_BACKUP] = {.undo_class = UNDO_NOTHING, .apply = prepare_backup_apply},
    [STEP_HA_OFF] = {.undo_class = UNDO_CHEAP,
                     .is_patient = true,
                     .prepare = ha_off_prepare,
                     .apply = ha_off_apply,
                     .probe = ha_off_probe},
    [STEP_STOP_OLD] = {.undo_class = UNDO_CHEAP,
                       .is_patient = true,
                       .apply = stop_old_apply,
                       .probe = stop_old_probe},
    [STEP_BACKUP_METADB] = {.undo_class = UNDO_NOTHING, .apply = backup_apply},
    [STEP_SWAP_NAMES] = {.undo_class = UNDO_CHEAP, .is_patient = true, .apply = swap_names_apply},
    [STEP_START_NEW] = {.undo_class = UNDO_RESTORE_DB,
                        .is_patient = true,
                        .is_volatile = true,
                        .apply = start_new_apply,
                        .probe = start_new_probe},
    [STEP_INIT_METADATA] = {.undo_class = UNDO_RESTORE_DB,
                            .prepare = init_prepare,
                            .apply = init_apply,
                            .probe = init_probe},
    [STEP_WAIT_HEALTHY] = {.undo_class = UNDO_NOTHING, .apply = health_apply},
    [STEP_HA_ON] = {.undo_class = UNDO_CHEAP, .is_patient = true, .apply = ha_on_apply},
    [STEP_KEEP_RUNNING] = {.undo_class = UNDO_CHEAP,
                           .is_patient = true,
                           .apply = keep_running_apply},

    [STEP_BACK_HA_OFF] = {.undoes = STEP_HA_ON, .apply = back_ha_off_apply},
    [STEP_BACK_STOP_NEW] = {.undoes = STEP_START_NEW,
                            .each_node = true,
                            .apply = back_stop_new_apply},
    [STEP_BACK_NAMES] = {.undoes = STEP_CREATE_NEW, .each_node = true, .apply = back_names_apply},
    [STEP_BACK_METADB] = {.undoes = STEP_START_NEW, .apply = back_metadb_apply},
    [STEP_BACK_START_OLD] = {.undoes = STEP_HA_OFF,
                             .each_node = true,
                             .is_volatile = true,
                             .apply = back_start_old_apply,
                             .probe = back_start_old_probe},
    [STEP_BACK_HEALTHY] = {.undoes = STEP_HA_OFF, .apply = back_healthy_apply},
    [STEP_BACK_HA] = {.undoes = STEP_HA_OFF, .apply = back_ha_apply},
};

_Static_assert(ARRAY_LEN(table) == STEP_MAX, "a step has no row");

const struct step *step_get(enum step_id id)
{
    return &table[id];
}
