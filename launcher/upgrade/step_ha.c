/* ha_off and ha_on (domain, "The MetaDB": ha.config; "The runbook", steps 1 and 7). */
#include "launcher/upgrade/step_impl.h"

#include <stdlib.h>
#include <strings.h>

#include "launcher/base/clock.h"

#define MINUTE_MS 60000U
#define HA_TIMEOUT_MS 60000U

/* Values of ha.config may come quoted. */
static bool ha_flag(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_is_true(value) ||
           (json_is_string(value) && strcasecmp(json_string_value(value), "true") == 0);
}

static int64_t ha_number(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                 : json_integer_value(value);
}

static int ha_get(struct run *r, json_t **ret, struct err *err)
{
    return run_metadb(r, "ha-get", NULL, HA_TIMEOUT_MS, ret, err);
}

/* Changes the keys in `set` if the row still holds `expect`. */
static int ha_set(struct run *r, const char *expect, json_t *set, json_t **ret, struct err *err)
{
    json_t *change = json_make("{s:s, s:O}", "expect", expect, "set", set);
    return run_metadb(r, "ha-set", change, HA_TIMEOUT_MS, ret, err);
}

/* The exact text must be on the disk before it is changed. */
STEP_PREPARE(ha_off_prepare)
{
    (void)node;
    AUTO_JSON json_t *answer = NULL;
    if (ha_get(r, &answer, err) != 0) {
        return -1;
    }
    *ret = json_make("{s:s?, s:b}", "text", json_text(answer, "text", NULL), "enabled",
                     (int)ha_flag(json_object_get(answer, "config"), "enable"));
    return 0;
}

static json_t *ha_off_evidence(const json_t *prepared, const char *after)
{
    const char *before = json_text(prepared, "text", NULL);
    bool enabled = json_bool(prepared, "enabled", false);
    const char *summary = before == NULL ? "this OMS has no ha.config"
                          : enabled      ? "HA is off"
                                         : "HA was off already";
    return json_make("{s:s, s:s?, s:s?, s:b}", "summary", summary, "before", before, "after", after,
                     "enabled", (int)enabled);
}

STEP_APPLY(ha_off_apply)
{
    (void)node;
    const char *before = json_text(prepared, "text", NULL);
    if (before == NULL || !json_bool(prepared, "enabled", false)) {
        *ret = ha_off_evidence(prepared, before);
        return 0;
    }
    AUTO_JSON json_t *off = json_make("{s:b}", "enable", 0);
    AUTO_JSON json_t *answer = NULL;
    if (ha_set(r, before, off, &answer, err) != 0) {
        return -1;
    }
    *ret = ha_off_evidence(prepared, json_text(answer, "after", NULL));
    return 0;
}

STEP_PROBE(ha_off_probe)
{
    AUTO_JSON json_t *now = NULL;
    if (ha_off_prepare(r, node, &now, err) != 0) {
        return -1;
    }
    if (json_bool(prepared, "enabled", false) && json_bool(now, "enabled", false)) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    *ret_evidence = ha_off_evidence(prepared, json_text(now, "text", NULL));
    return 0;
}

/* The earliest time that the rows of a step noted under `field`; 0 if none did. */
static uint64_t earliest_ms(const struct run *r, enum step_id step, const char *field)
{
    uint64_t first_ms = 0;
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        uint64_t at_ms = (uint64_t)json_int(run_evidence(r, step, (int)i), field, 0);
        first_ms = at_ms != 0 && (first_ms == 0 || at_ms < first_ms) ? at_ms : first_ms;
    }
    return first_ms;
}

/* T1: when the first node stopped serving; 0 if none did. */
static uint64_t outage_began_ms(const struct run *r)
{
    return earliest_ms(r, STEP_STOP_OLD, "t1_ms");
}

/* T3: when the first new container stopped serving, if it ever did. */
static uint64_t new_outage_began_ms(const struct run *r)
{
    return earliest_ms(r, STEP_BACK_STOP_NEW, "t3_ms");
}

/* Whole minutes that the stores have to look back, with the reserve. */
static int64_t refetch_minutes(const struct run *r, uint64_t outage_ms)
{
    int64_t minutes = (int64_t)((outage_ms + MINUTE_MS - 1) / MINUTE_MS);
    return minutes + json_int(r->plan->json, "options.refetch_reserve_min", 0);
}

static json_t *settings_after(const struct run *r, const json_t *config, bool enable,
                              uint64_t outage_ms)
{
    json_t *set = json_object();
    if (enable && !ha_flag(config, "enable")) {
        json_put(set, "enable", json_true());
    }
    bool perceive = json_bool(r->plan->json, "options.perceive_checkpoint", false);
    if (perceive && !ha_flag(config, "perceiveStoreClientCheckpoint")) {
        json_put(set, "perceiveStoreClientCheckpoint", json_true());
    }
    int64_t wanted = refetch_minutes(r, outage_ms);
    if (outage_ms > 0 && !perceive && !ha_flag(config, "perceiveStoreClientCheckpoint") &&
        ha_number(config, "refetchStoreIntervalMin") < wanted) {
        json_put(set, "refetchStoreIntervalMin", json_integer(wanted));
    }
    return set;
}

static json_t *on_evidence(const json_t *set, uint64_t outage_ms, bool enabled)
{
    AUTO_STR struct str summary = STR_INIT;
    str_append(&summary, enabled ? "HA is on" : "HA stays off, as it was");
    int64_t refetch = json_int(set, "refetchStoreIntervalMin", 0);
    if (refetch > 0) {
        str_appendf(&summary, ", refetchStoreIntervalMin %lld", (long long)refetch);
    }
    if (outage_ms > 0) {
        str_append(&summary, "; OMS was down for ");
        str_append_duration(&summary, outage_ms);
    }
    return json_make("{s:s, s:I, s:O}", "summary", str_get(&summary), "outage_ms",
                     (json_int_t)outage_ms, "set", set);
}

static void add_gap(uint64_t *sum_ms, uint64_t *last_ms, uint64_t now_ms)
{
    *sum_ms += now_ms > *last_ms ? now_ms - *last_ms : 0;
    *last_ms = now_ms;
}

static bool is_outcome_of(const json_t *record, enum step_id step)
{
    return str_eq(json_text(record, "type", ""), "outcome") && json_bool(record, "ok", false) &&
           str_eq(json_text(record, "step", ""), step_name(step));
}

/* How long OMS was down since the step `stopped` it at `began_ms`; 0 if it was not. A clock that
 * was set back must not make it shorter, or the stores would not look back far enough: the times
 * between the journal's records are added up, too. */
static uint64_t outage_since_ms(const struct run *r, enum step_id stopped, uint64_t began_ms)
{
    if (began_ms == 0) {
        return 0;
    }
    uint64_t now_ms = clock_wall_ms(), last_ms = began_ms, sum_ms = 1;
    bool after = false;
    for (size_t i = 0; i < journal_count(r->journal); i++) {
        const json_t *record = journal_at(r->journal, i);
        after = after || is_outcome_of(record, stopped);
        if (after) {
            add_gap(&sum_ms, &last_ms, (uint64_t)json_int(record, "wall_ms", 0));
        }
    }
    add_gap(&sum_ms, &last_ms, now_ms);
    uint64_t wall_ms = now_ms > began_ms ? now_ms - began_ms : 0;
    return wall_ms > sum_ms ? wall_ms : sum_ms;
}

/* docker_init.sh, or a restore, may have changed ha.config: what is edited is what stands there
 * now. */
static int turn_on(struct run *r, uint64_t outage_ms, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *changed = NULL;
    if (ha_get(r, &answer, err) != 0) {
        return -1;
    }
    const char *text = json_text(answer, "text", NULL);
    if (text == NULL) {
        *ret = json_make("{s:s}", "summary", "this OMS has no ha.config");
        return 0;
    }
    bool enable = json_bool(run_begun(r, STEP_HA_OFF, PLAN_ALL_NODES), "enabled", false);
    AUTO_JSON json_t *set = settings_after(r, json_object_get(answer, "config"), enable, outage_ms);
    if (json_object_size(set) > 0 && ha_set(r, text, set, &changed, err) != 0) {
        return -1;
    }
    *ret = on_evidence(set, outage_ms, enable);
    return 0;
}

STEP_APPLY(ha_on_apply)
{
    (void)node, (void)prepared;
    return turn_on(r, outage_since_ms(r, STEP_STOP_OLD, outage_began_ms(r)), ret, err);
}

/* ---- the way back ---- */

STEP_APPLY(back_ha_off_apply)
{
    (void)prepared;
    AUTO_JSON json_t *now = NULL;
    return ha_off_prepare(r, node, &now, err) != 0 ? -1 : ha_off_apply(r, node, now, ret, err);
}

/* A version that never served leaves an outage since T1; one that did, an outage since T3 (domain,
 * "The runbook", step 8). */
STEP_APPLY(back_ha_apply)
{
    (void)node, (void)prepared;
    uint64_t outage_ms = r->was_healthy
                             ? outage_since_ms(r, STEP_BACK_STOP_NEW, new_outage_began_ms(r))
                             : outage_since_ms(r, STEP_STOP_OLD, outage_began_ms(r));
    return turn_on(r, outage_ms, ret, err);
}
