/* Inside of this room only: the functions behind the step table (contracts: struct step), and what
 * they share. */
#ifndef OMSLAUNCH_UPGRADE_STEP_IMPL_H
#define OMSLAUNCH_UPGRADE_STEP_IMPL_H

#include "launcher/upgrade/steps.h"

#define STEP_APPLY(name) \
    int name(struct run *r, int node, const json_t *prepared, json_t **ret, struct err *err)
#define STEP_PREPARE(name) int name(struct run *r, int node, json_t **ret, struct err *err)
#define STEP_PROBE(name)                                                             \
    int name(struct run *r, int node, const json_t *prepared, enum step_answer *ret, \
             json_t **ret_evidence, struct err *err)

STEP_APPLY(load_image_apply);
STEP_APPLY(create_new_apply);
STEP_PROBE(create_new_probe);

STEP_PREPARE(ha_off_prepare);
STEP_APPLY(ha_off_apply);
STEP_PROBE(ha_off_probe);
STEP_APPLY(ha_on_apply);

STEP_APPLY(stop_old_apply);
STEP_PROBE(stop_old_probe);
STEP_APPLY(swap_names_apply);
STEP_APPLY(start_new_apply);
STEP_PROBE(start_new_probe);
STEP_APPLY(keep_running_apply);

STEP_APPLY(trim_apply);
STEP_APPLY(prepare_backup_apply);
STEP_APPLY(backup_apply);
STEP_PREPARE(init_prepare);
STEP_APPLY(init_apply);
STEP_PROBE(init_probe);
STEP_APPLY(health_apply);

STEP_APPLY(back_ha_off_apply);
STEP_APPLY(back_stop_new_apply);
STEP_APPLY(back_names_apply);
STEP_APPLY(back_metadb_apply);
STEP_APPLY(back_start_old_apply);
STEP_PROBE(back_start_old_probe);
STEP_APPLY(back_healthy_apply);
STEP_APPLY(back_ha_apply);

/* Once stopped, the old containers must rest: ERR_FAILED, and may ask a person. */
int run_check_old_rests(struct run *r, struct err *err) MUST_USE;
/* Nobody else's OMS runs on the disks of this deployment, started by hand or by another run.
 * ERR_FAILED names it, and asks a person. */
int run_check_alone(struct run *r, struct err *err) MUST_USE;
/* At the end: the new containers (or the old ones) still run, as the health check had found them.
 */
int run_check_serves(struct run *r, bool new_ones, struct err *err) MUST_USE;

void run_forget(struct run *r, enum step_id step, int node);
void run_mark_begun(struct run *r, enum step_id step, int node, const json_t *prepared);

/* What every request to the MetaDB has: progress to the observer, and a stop ends it. */
struct metadb_request run_metadb_request(struct run *r, const char *command,
                                         const json_t *parameters, uint64_t timeout_ms);
/* One request to the MetaDB, with progress to the observer. `parameters_take` may be NULL. */
int run_metadb(struct run *r, const char *command, json_t *parameters_take, uint64_t timeout_ms,
               json_t **ret, struct err *err) MUST_USE;

/* The container of that ID as it is now. */
int run_inspect(struct run *r, int node, const char *id, struct container *ret,
                struct err *err) MUST_USE;
/* Gives it that name, unless it has it already. */
int run_rename(struct run *r, int node, const char *id, const char *name, struct err *err) MUST_USE;

#endif
