#include "launcher/upgrade/steps.h"

#include "launcher/upgrade/step_impl.h"

static const struct step table[] = {
    [STEP_LOAD_IMAGE] = {.undo_class = UNDO_NOTHING,
                         .apply = load_image_apply,
                         .probe = step_again_probe},
    [STEP_CREATE_NEW] = {.undo_class = UNDO_CHEAP,
                         .apply = create_new_apply,
                         .probe = create_new_probe},
    [STEP_HA_OFF] = {.undo_class = UNDO_CHEAP,
                     .prepare = ha_off_prepare,
                     .apply = ha_off_apply,
                     .probe = ha_off_probe},
    [STEP_STOP_OLD] = {.undo_class = UNDO_CHEAP,
                       .is_outage = true,
                       .apply = stop_old_apply,
                       .probe = stop_old_probe},
    [STEP_TRIM_HEARTBEATS] = {.undo_class = UNDO_NOTHING,
                              .is_outage = true,
                              .apply = trim_apply,
                              .probe = step_again_probe},
    [STEP_BACKUP_METADB] = {.undo_class = UNDO_NOTHING,
                            .is_outage = true,
                            .apply = backup_apply,
                            .probe = step_again_probe},
    [STEP_SWAP_NAMES] = {.undo_class = UNDO_CHEAP,
                         .is_outage = true,
                         .apply = swap_names_apply,
                         .probe = step_again_probe},
    [STEP_START_NEW] = {.undo_class = UNDO_RESTORE_DB,
                        .is_outage = true,
                        .apply = start_new_apply,
                        .probe = start_new_probe},
    [STEP_INIT_METADATA] = {.undo_class = UNDO_RESTORE_DB,
                            .is_outage = true,
                            .apply = init_apply,
                            .probe = init_probe},
    [STEP_WAIT_HEALTHY] = {.undo_class = UNDO_NOTHING,
                           .is_outage = true,
                           .apply = health_apply,
                           .probe = step_again_probe},
    [STEP_HA_ON] = {.undo_class = UNDO_CHEAP, .apply = ha_on_apply, .probe = step_again_probe},
    [STEP_KEEP_RUNNING] = {.undo_class = UNDO_CHEAP,
                           .apply = keep_running_apply,
                           .probe = step_again_probe},
};

_Static_assert(ARRAY_LEN(table) == STEP_MAX, "a step has no row");

const struct step *step_get(enum step_id id)
{
    return &table[id];
}

STEP_PROBE(step_again_probe)
{
    (void)r, (void)node, (void)prepared, (void)ret_evidence, (void)err;
    *ret = STEP_NOT_DONE;
    return 0;
}
