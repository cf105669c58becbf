/* Inside of this room only: the functions behind the step table (contracts: struct step). */
#ifndef OMSLAUNCH_UPGRADE_STEP_IMPL_H
#define OMSLAUNCH_UPGRADE_STEP_IMPL_H

#include "launcher/upgrade/steps.h"

/* ---- step_create.c ---- */
int load_image_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int create_new_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int create_new_probe(const struct step_call *call, enum step_answer *ret,
                     struct evidence *ret_evidence, struct err *err);

/* ---- step_ha.c ---- */
int ha_off_prepare(const struct step_call *call, struct prepared *ret, struct err *err);
int ha_off_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int ha_off_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
                 struct err *err);
int ha_on_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_ha_off_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_ha_apply(const struct step_call *call, struct evidence *ret, struct err *err);

/* ---- step_switch.c ---- */
int stop_old_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int stop_old_probe(const struct step_call *call, enum step_answer *ret,
                   struct evidence *ret_evidence, struct err *err);
int swap_names_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int start_new_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int start_new_probe(const struct step_call *call, enum step_answer *ret,
                    struct evidence *ret_evidence, struct err *err);
int keep_running_apply(const struct step_call *call, struct evidence *ret, struct err *err);

/* ---- step_metadb.c ---- */
int trim_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int prepare_backup_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int backup_apply(const struct step_call *call, struct evidence *ret, struct err *err);

/* ---- step_init.c ---- */
int init_prepare(const struct step_call *call, struct prepared *ret, struct err *err);
int init_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int init_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
               struct err *err);

/* ---- step_hook.c ---- */
int hook_prepare(const struct step_call *call, struct prepared *ret, struct err *err);
int hook_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int hook_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
               struct err *err);
int back_hook_prepare(const struct step_call *call, struct prepared *ret, struct err *err);
int back_hook_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_hook_probe(const struct step_call *call, enum step_answer *ret,
                    struct evidence *ret_evidence, struct err *err);

/* ---- step_health.c ---- */
int health_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_healthy_apply(const struct step_call *call, struct evidence *ret, struct err *err);

/* ---- step_back.c ---- */
int back_stop_new_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_names_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_metadb_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_metadb_probe(const struct step_call *call, enum step_answer *ret,
                      struct evidence *ret_evidence, struct err *err);
int back_start_old_apply(const struct step_call *call, struct evidence *ret, struct err *err);
int back_start_old_probe(const struct step_call *call, enum step_answer *ret,
                         struct evidence *ret_evidence, struct err *err);

#endif
