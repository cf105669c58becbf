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

/* T1: when the first node stopped serving. */
static uint64_t outage_began_ms(const struct run *r)
{
    uint64_t first_ms = UINT64_MAX;
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        const json_t *stopped = run_evidence(r, STEP_STOP_OLD, (int)i);
        uint64_t t1_ms = (uint64_t)json_int(stopped, "t1_ms", INT64_MAX);
        first_ms = t1_ms < first_ms ? t1_ms : first_ms;
    }
    return first_ms;
}

static int64_t refetch_minutes(const struct run *r, uint64_t outage_ms)
{
    int64_t minutes = (int64_t)((outage_ms + MINUTE_MS - 1) / MINUTE_MS);
    return minutes + json_int(r->plan->json, "options.refetch_reserve_min", 0);
}

static json_t *ha_on_settings(const struct run *r, const json_t *config, uint64_t outage_ms)
{
    const json_t *off = run_evidence(r, STEP_HA_OFF, PLAN_ALL_NODES);
    json_t *set = json_object();
    if (json_bool(off, "enabled", false)) {
        json_put(set, "enable", json_true());
    }
    bool perceive = json_bool(r->plan->json, "options.perceive_checkpoint", false);
    if (perceive) {
        json_put(set, "perceiveStoreClientCheckpoint", json_true());
    }
    int64_t wanted = refetch_minutes(r, outage_ms);
    if (!perceive && !ha_flag(config, "perceiveStoreClientCheckpoint") &&
        ha_number(config, "refetchStoreIntervalMin") < wanted) {
        json_put(set, "refetchStoreIntervalMin", json_integer(wanted));
    }
    return set;
}

static json_t *ha_on_evidence(const json_t *set, uint64_t outage_ms, bool enabled)
{
    AUTO_STR struct str summary = STR_INIT;
    str_append(&summary, enabled ? "HA is on" : "HA stays off, as it was");
    int64_t refetch = json_int(set, "refetchStoreIntervalMin", 0);
    if (refetch > 0) {
        str_appendf(&summary, ", refetchStoreIntervalMin %lld", (long long)refetch);
    }
    str_append(&summary, "; OMS was down for ");
    str_append_duration(&summary, outage_ms);
    return json_make("{s:s, s:I, s:O}", "summary", str_get(&summary), "outage_ms",
                     (json_int_t)outage_ms, "set", set);
}

/* docker_init.sh may have changed ha.config: what is edited is what stands there now. */
STEP_APPLY(ha_on_apply)
{
    (void)node, (void)prepared;
    uint64_t t1_ms = outage_began_ms(r);
    uint64_t now_ms = clock_wall_ms();
    uint64_t outage_ms = now_ms > t1_ms ? now_ms - t1_ms : 0;
    AUTO_JSON json_t *answer = NULL;
    if (ha_get(r, &answer, err) != 0) {
        return -1;
    }
    const char *text = json_text(answer, "text", NULL);
    if (text == NULL) {
        *ret = json_make("{s:s}", "summary", "this OMS has no ha.config");
        return 0;
    }
    AUTO_JSON json_t *changed = NULL;
    AUTO_JSON json_t *set = ha_on_settings(r, json_object_get(answer, "config"), outage_ms);
    if (json_object_size(set) > 0 && ha_set(r, text, set, &changed, err) != 0) {
        return -1;
    }
    const json_t *off = run_evidence(r, STEP_HA_OFF, PLAN_ALL_NODES);
    *ret = ha_on_evidence(set, outage_ms, json_bool(off, "enabled", false));
    return 0;
}
