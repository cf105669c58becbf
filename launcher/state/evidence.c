#include "launcher/state/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json_fields.h"

#define E(kind, presence_, name_, member)                                               \
    {                                                                                   \
        .name = (name_), .type = JSON_FIELD_##kind, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct evidence, member),                                    \
    }
#define SUMMARY E(TEXT, NEEDED, "summary", summary)

static const struct json_field image_fields[] = {
    SUMMARY,
    E(TEXT, NEEDED, "image_id", image.id),
    E(BOOL, NEEDED, "loaded", image.loaded),
};
static const struct json_field created_fields[] = {
    SUMMARY,
    E(TEXT, NEEDED, "new_id", created.new_id),
    E(TEXT, NEEDED, "name", created.name),
};
static const struct json_field trim_fields[] = {
    SUMMARY,
    E(NUMBER, NEEDED, "deleted", trim.deleted),
};
static const struct json_field ready_fields[] = {
    SUMMARY,
    E(OBJECT, NEEDED, "prepared", ready.prepared),
};
static const struct json_field ha_off_fields[] = {
    SUMMARY,
    E(TEXT, NULLABLE, "before", ha_off.before),
    E(TEXT, NULLABLE, "after", ha_off.after),
    E(BOOL, NEEDED, "enabled", ha_off.enabled),
};
static const struct json_field stopped_fields[] = {
    SUMMARY,
    E(MS, NEEDED, "t1_ms", stopped.t1_ms),
    E(NUMBER, NEEDED, "exit_code", stopped.exit_code),
    E(TEXT, NEEDED, "started_at", stopped.started_at),
};
static const struct json_field backup_fields[] = {
    SUMMARY,
    E(TEXT, NEEDED, "folder", backup.folder),
    E(OBJECT, NEEDED, "dump", backup.dump),
};
static const struct json_field names_fields[] = {
    SUMMARY,
    E(TEXT, NEEDED, "old_name", names.old_name),
    E(TEXT, NEEDED, "new_name", names.new_name),
};
static const struct json_field started_fields[] = {
    SUMMARY,
    E(MS, OPTIONAL, "started_ms", started.started_ms),
};
static const struct json_field init_fields[] = {
    SUMMARY,
    E(TEXT, OPTIONAL, "log", init.log),
};
static const struct json_field summary_fields[] = {
    SUMMARY,
};
static const struct json_field ha_on_fields[] = {
    SUMMARY,
    E(MS, OPTIONAL, "outage_ms", ha_on.outage_ms),
    E(OBJECT, OPTIONAL, "set", ha_on.set),
};
static const struct json_field stopped_new_fields[] = {
    SUMMARY,
    E(MS, OPTIONAL, "t3_ms", stopped_new.t3_ms),
};
static const struct json_field names_back_fields[] = {
    SUMMARY,
    E(TEXT, NEEDED, "failed_name", names_back.failed_name),
    E(BOOL, NEEDED, "never_ran", names_back.never_ran),
};
static const struct json_field restored_fields[] = {
    SUMMARY,
    E(OBJECT, OPTIONAL, "restore", restored.restore),
};

static const struct json_field hook_fields[] = {
    SUMMARY,
    E(OBJECT, OPTIONAL, "result", hook.result),
    E(TEXT, OPTIONAL, "warning", hook.warning),
};

static const struct json_fields evidence_fields[] = {
    [STEP_LOAD_IMAGE] = JSON_FIELDS(image_fields),
    [STEP_CREATE_NEW] = JSON_FIELDS(created_fields),
    [STEP_TRIM_HEARTBEATS] = JSON_FIELDS(trim_fields),
    [STEP_PREPARE_BACKUP] = JSON_FIELDS(ready_fields),
    [STEP_HA_OFF] = JSON_FIELDS(ha_off_fields),
    [STEP_STOP_OLD] = JSON_FIELDS(stopped_fields),
    [STEP_BACKUP_METADB] = JSON_FIELDS(backup_fields),
    [STEP_SWAP_NAMES] = JSON_FIELDS(names_fields),
    [STEP_START_NEW] = JSON_FIELDS(started_fields),
    [STEP_INIT_METADATA] = JSON_FIELDS(init_fields),
    [STEP_WAIT_HEALTHY] = JSON_FIELDS(summary_fields),
    [STEP_HA_ON] = JSON_FIELDS(ha_on_fields),
    [STEP_KEEP_RUNNING] = JSON_FIELDS(summary_fields),
    [STEP_HOOK] = JSON_FIELDS(hook_fields),
    [STEP_BACK_HA_OFF] = JSON_FIELDS(ha_off_fields),
    [STEP_BACK_STOP_NEW] = JSON_FIELDS(stopped_new_fields),
    [STEP_BACK_NAMES] = JSON_FIELDS(names_back_fields),
    [STEP_BACK_METADB] = JSON_FIELDS(restored_fields),
    [STEP_BACK_START_OLD] = JSON_FIELDS(started_fields),
    [STEP_BACK_HEALTHY] = JSON_FIELDS(summary_fields),
    [STEP_BACK_HA] = JSON_FIELDS(ha_on_fields),
    [STEP_BACK_HOOK] = JSON_FIELDS(hook_fields),
    [STEP_UNDO_HOOK] = JSON_FIELDS(hook_fields),
};
_Static_assert(ARRAY_LEN(evidence_fields) == STEP_MAX, "a step has no evidence");

#define P(kind, presence_, name_, member)                                               \
    {                                                                                   \
        .name = (name_), .type = JSON_FIELD_##kind, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct prepared, member),                                    \
    }

static const struct json_field ha_fields[] = {
    P(TEXT, NULLABLE, "text", ha.text),
    P(BOOL, NEEDED, "enabled", ha.enabled),
};
static const struct json_field attempt_fields[] = {
    P(TEXT, NEEDED, "fingerprint", init.fingerprint),
    P(TEXT, NEEDED, "exec_id", init.exec_id),
};
static const struct json_field call_fields[] = {
    P(TEXT, NULLABLE, "exec_id", hook.exec_id),
};

static const struct json_fields prepared_fields[STEP_MAX] = {
    [STEP_HA_OFF] = JSON_FIELDS(ha_fields),      [STEP_INIT_METADATA] = JSON_FIELDS(attempt_fields),
    [STEP_HOOK] = JSON_FIELDS(call_fields),      [STEP_BACK_HOOK] = JSON_FIELDS(call_fields),
    [STEP_UNDO_HOOK] = JSON_FIELDS(call_fields),
};

bool prepared_is_needed(enum step_id step)
{
    return prepared_fields[step].count > 0;
}

int evidence_from_json(enum step_id step, const json_t *json, const char *what,
                       struct evidence *ret, struct err *err)
{
    ret->step = step;
    return json_fields_read(&evidence_fields[step], json, what, ret, err);
}

int prepared_from_json(enum step_id step, const json_t *json, const char *what,
                       struct prepared *ret, struct err *err)
{
    ret->step = step;
    return json_fields_read(&prepared_fields[step], json, what, ret, err);
}

json_t *evidence_to_json(const struct evidence *e)
{
    json_t *json = json_object();
    json_fields_write(&evidence_fields[e->step], e, json);
    return json;
}

json_t *prepared_to_json(const struct prepared *p)
{
    json_t *json = json_object();
    json_fields_write(&prepared_fields[p->step], p, json);
    return json;
}

void evidence_free(struct evidence *e)
{
    json_fields_free(&evidence_fields[e->step], e);
}

void prepared_free(struct prepared *p)
{
    json_fields_free(&prepared_fields[p->step], p);
}
