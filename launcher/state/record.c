#include "launcher/state/record.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json_fields.h"

static const char *const type_names[] = {
    [RECORD_BEGIN] = "begin",   [RECORD_INTENT] = "intent",     [RECORD_OUTCOME] = "outcome",
    [RECORD_UNDONE] = "undone", [RECORD_ROLLBACK] = "rollback", [RECORD_END] = "end",
};
_Static_assert(ARRAY_LEN(type_names) == RECORD_TYPE_MAX, "a type of records has no name");

const char *run_end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_UPGRADED] = "upgraded",   [RUN_UPGRADED_WITH_FAULT] = "upgraded-with-fault",
        [RUN_UNCHANGED] = "unchanged", [RUN_ROLLED_BACK] = "rolled-back",
        [RUN_HELD] = "held",           [RUN_ROLLBACK_FAILED] = "rollback-failed",
        [RUN_ABANDONED] = "abandoned",
    };
    _Static_assert(ARRAY_LEN(names) == RUN_END_MAX, "an end has no name");
    return names[end];
}

void record_free(struct record *r)
{
    free(r->begin.run);
    free(r->begin.plan);
    free(r->begin.deployment);
    free(r->begin.endpoint);
    free(r->begin.tool);
    free(r->begin.identity);
    prepared_free(&r->prepared);
    evidence_free(&r->evidence);
    free(r->error);
    free(r->reason);
    memset(r, 0, sizeof(*r));
}

/* ---- reading ---- */

/* A record as it lies in the file, before its words are understood. */
struct raw {
    struct record r;
    int64_t seq;
    char *time, *type, *step, *kind, *result;
    int64_t node, region, hook; /* -1: none */
    json_t *prepared, *evidence;
};

#define F(kind_, presence_, name_, member)                                               \
    {                                                                                    \
        .name = (name_), .type = JSON_FIELD_##kind_, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct raw, member),                                          \
    }
#define COMMON                                                    \
    F(NUMBER, NEEDED, "seq", seq), F(TEXT, NEEDED, "time", time), \
        F(MS, NEEDED, "wall_ms", r.wall_ms), F(TEXT, NEEDED, "type", type)
#define ROW                                                           \
    F(TEXT, NEEDED, "step", step), F(NUMBER, OPTIONAL, "node", node), \
        F(NUMBER, OPTIONAL, "region", region), F(NUMBER, OPTIONAL, "hook", hook)

static const struct json_field begin_fields[] = {
    COMMON,
    F(TEXT, NEEDED, "run", r.begin.run),
    F(TEXT, NEEDED, "plan", r.begin.plan),
    F(TEXT, NEEDED, "deployment", r.begin.deployment),
    F(TEXT, NEEDED, "endpoint", r.begin.endpoint),
    F(TEXT, NEEDED, "tool", r.begin.tool),
    F(TEXT, OPTIONAL, "identity", r.begin.identity),
};
static const struct json_field intent_fields[] = {
    COMMON,
    ROW,
    F(OBJECT, OPTIONAL, "prepared", prepared),
};
static const struct json_field outcome_fields[] = {
    COMMON,
    ROW,
    F(BOOL, NEEDED, "ok", r.ok),
    F(OBJECT, OPTIONAL, "evidence", evidence),
    F(TEXT, OPTIONAL, "kind", kind),
    F(TEXT, OPTIONAL, "error", r.error),
};
static const struct json_field undone_fields[] = {
    COMMON,
    ROW,
};
static const struct json_field rollback_fields[] = {
    COMMON,
    F(TEXT, NULLABLE, "reason", r.reason),
};
static const struct json_field end_fields[] = {
    COMMON,
    F(TEXT, NEEDED, "result", result),
    F(TEXT, OPTIONAL, "reason", r.reason),
};

static const struct json_fields fields_of[] = {
    [RECORD_BEGIN] = JSON_FIELDS(begin_fields),       [RECORD_INTENT] = JSON_FIELDS(intent_fields),
    [RECORD_OUTCOME] = JSON_FIELDS(outcome_fields),   [RECORD_UNDONE] = JSON_FIELDS(undone_fields),
    [RECORD_ROLLBACK] = JSON_FIELDS(rollback_fields), [RECORD_END] = JSON_FIELDS(end_fields),
};

static void raw_free(struct raw *raw)
{
    record_free(&raw->r);
    free(raw->time);
    free(raw->type);
    free(raw->step);
    free(raw->kind);
    free(raw->result);
    json_decref(raw->prepared);
    json_decref(raw->evidence);
}

#define HINT_OTHER_VERSION "HINT: go on with the version of omslaunch that began the run"

static int read_type(const json_t *json, const char *what, enum record_type *ret, struct err *err)
{
    const char *name;
    if (json_need_text(json, "type", what, &name, err) != 0) {
        err->kind = ERR_STATE;
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (str_eq(type_names[i], name)) {
            *ret = (enum record_type)i;
            return 0;
        }
    }
    return err_fail(err, ERR_STATE,
                    "%s is of a type that this omslaunch does not know: '%s'\n" HINT_OTHER_VERSION,
                    what, name);
}

static int read_subject(const struct raw *raw, const char *what, struct subject *ret,
                        struct err *err)
{
    const struct subject given[] = {
        {SUBJECT_NODE, (int)raw->node},
        {SUBJECT_REGION, (int)raw->region},
        {SUBJECT_HOOK, (int)raw->hook},
    };
    int found = 0;
    *ret = subject_deployment();
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        if (given[i].index != -1) {
            *ret = given[i];
            found++;
        }
    }
    if (found > 1 || ret->index < 0) {
        return err_fail(err, ERR_STATE, "%s does not say what its step was done to", what);
    }
    return 0;
}

static int read_row(struct raw *raw, const char *what, struct err *err)
{
    struct record *r = &raw->r;
    AUTO_FREE char *inside = NULL;
    if (!step_from_name(raw->step, &r->step)) {
        return err_fail(
            err, ERR_STATE,
            "%s is of a step that this omslaunch does not know: '%s'\n" HINT_OTHER_VERSION, what,
            raw->step);
    }
    if (read_subject(raw, what, &r->subject, err) != 0) {
        return -1;
    }
    inside = mem_printf("%s: %s of '%s'", what,
                        r->type == RECORD_INTENT ? "'prepared'" : "'evidence'", raw->step);
    if (r->type == RECORD_INTENT && prepared_is_needed(r->step) && raw->prepared == NULL) {
        return err_fail(err, ERR_STATE, "%s has no 'prepared'", what);
    }
    if (raw->prepared != NULL) {
        r->has_prepared = true;
        return prepared_from_json(r->step, raw->prepared, inside, &r->prepared, err);
    }
    if (r->type == RECORD_OUTCOME && r->ok) {
        return evidence_from_json(r->step, raw->evidence, inside, &r->evidence, err);
    }
    if (r->type == RECORD_OUTCOME && (raw->kind == NULL || r->error == NULL)) {
        return err_fail(err, ERR_STATE, "%s has no '%s'", what,
                        raw->kind == NULL ? "kind" : "error");
    }
    r->kind = err_kind_from_name(raw->kind != NULL ? raw->kind : "");
    return 0;
}

static int read_end(struct raw *raw, const char *what, struct err *err)
{
    for (enum run_end end = RUN_UPGRADED; end < RUN_END_MAX; end++) {
        if (str_eq(run_end_name(end), raw->result)) {
            raw->r.end = end;
            return 0;
        }
    }
    return err_fail(
        err, ERR_STATE,
        "%s has a 'result' that this omslaunch does not know: '%s'\n" HINT_OTHER_VERSION, what,
        raw->result);
}

static int read_words(struct raw *raw, const char *what, struct err *err)
{
    switch (raw->r.type) {
    case RECORD_INTENT:
    case RECORD_OUTCOME:
    case RECORD_UNDONE:
        return read_row(raw, what, err);
    case RECORD_END:
        return read_end(raw, what, err);
    case RECORD_BEGIN:
    case RECORD_ROLLBACK:
    case RECORD_TYPE_MAX:
    default:
        return 0;
    }
}

int record_from_json(const json_t *json, const char *what, struct record *ret, struct err *err)
{
    CLEANUP(raw_free) struct raw raw = {.node = -1, .region = -1, .hook = -1};
    if (read_type(json, what, &raw.r.type, err) != 0 ||
        json_fields_read(&fields_of[raw.r.type], json, what, &raw, err) != 0 ||
        read_words(&raw, what, err) != 0) {
        return err_hint(err, "nothing was changed; restore the file from a backup, or look at the "
                             "containers and go on by hand");
    }
    *ret = raw.r;
    memset(&raw.r, 0, sizeof(raw.r));
    return 0;
}

/* ---- writing ---- */

static void put_row(json_t *json, const struct record *r)
{
    const char *kind = subject_kind_name(r->subject.kind);
    json_put_text(json, "step", step_name(r->step));
    if (kind != NULL) {
        json_put(json, kind, json_integer(r->subject.index));
    }
}

static void put_outcome(json_t *json, const struct record *r)
{
    put_row(json, r);
    json_put(json, "ok", json_boolean(r->ok));
    if (r->ok) {
        json_put(json, "evidence", evidence_to_json(&r->evidence));
    } else {
        json_put_text(json, "kind", err_kind_name(r->kind));
        json_put_text(json, "error", r->error);
    }
}

static void put_begin(json_t *json, const struct record *r)
{
    json_put_text(json, "run", r->begin.run);
    json_put_text(json, "plan", r->begin.plan);
    json_put_text(json, "deployment", r->begin.deployment);
    json_put_text(json, "endpoint", r->begin.endpoint);
    json_put_text(json, "tool", r->begin.tool);
    if (r->begin.identity != NULL) {
        json_put_text(json, "identity", r->begin.identity);
    }
}

json_t *record_to_json(const struct record *r)
{
    json_t *json = json_object();
    json_put_text(json, "type", type_names[r->type]);
    switch (r->type) {
    case RECORD_BEGIN:
        put_begin(json, r);
        break;
    case RECORD_INTENT:
        put_row(json, r);
        if (r->has_prepared) {
            json_put(json, "prepared", prepared_to_json(&r->prepared));
        }
        break;
    case RECORD_OUTCOME:
        put_outcome(json, r);
        break;
    case RECORD_UNDONE:
        put_row(json, r);
        break;
    case RECORD_ROLLBACK:
        json_put_text(json, "reason", r->reason);
        break;
    case RECORD_END:
        json_put_text(json, "result", run_end_name(r->end));
        if (r->reason != NULL) {
            json_put_text(json, "reason", r->reason);
        }
        break;
    case RECORD_TYPE_MAX:
    default:
        break;
    }
    return json;
}
