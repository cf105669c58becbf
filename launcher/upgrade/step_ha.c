/* ha_off and ha_on (domain, "The MetaDB": ha.config; "The runbook", steps 1 and 7). */
#include <stdlib.h>

#include "launcher/base/clock.h"
#include "launcher/upgrade/metadb_answer.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

#define MINUTE_MS 60000U
#define HA_TIMEOUT_MS 60000U

static int ha_get(struct run *r, struct ha_answer *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    return run_metadb(r, "ha-get", NULL, HA_TIMEOUT_MS, &answer, err) != 0
               ? -1
               : ha_answer_read(answer, ret, err);
}

/* Changes the keys in `set` if the row still holds `expect`. Caller frees *ret_after. */
static int ha_set(struct run *r, const char *expect, json_t *set, char **ret_after, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    json_t *change = json_make("{s:o, s:O}", "expect", json_from_text(expect), "set", set);
    return run_metadb(r, "ha-set", change, HA_TIMEOUT_MS, &answer, err) != 0
               ? -1
               : ha_answer_read_after(answer, ret_after, err);
}

/* The exact text must be on the disk before it is changed. */
int ha_off_prepare(const struct step_call *call, struct prepared *ret, struct err *err)
{
    AUTO_HA_ANSWER struct ha_answer now = {.text = NULL};
    if (ha_get(call->run, &now, err) != 0) {
        return -1;
    }
    ret->ha.text = TAKE(now.text);
    ret->ha.enabled = now.enabled;
    return 0;
}

static void tell_off(const struct prepared *before, const char *after, struct evidence *ret)
{
    const char *text = before->ha.text;
    ret->summary = mem_strdup(text == NULL         ? "this OMS has no ha.config"
                              : before->ha.enabled ? "HA is off"
                                                   : "HA was off already");
    ret->ha_off.before = text == NULL ? NULL : mem_strdup(text);
    ret->ha_off.after = after == NULL ? NULL : mem_strdup(after);
    ret->ha_off.enabled = before->ha.enabled;
}

static int turn_off(struct run *r, const struct prepared *before, struct evidence *ret,
                    struct err *err)
{
    AUTO_FREE char *after = NULL;
    if (before->ha.text == NULL || !before->ha.enabled) {
        tell_off(before, before->ha.text, ret);
        return 0;
    }
    AUTO_JSON json_t *off = json_make("{s:b}", "enable", 0);
    if (ha_set(r, before->ha.text, off, &after, err) != 0) {
        return -1;
    }
    tell_off(before, after, ret);
    return 0;
}

int ha_off_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    return turn_off(call->run, call->prepared, ret, err);
}

int ha_off_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
                 struct err *err)
{
    AUTO_HA_ANSWER struct ha_answer now = {.text = NULL};
    if (ha_get(call->run, &now, err) != 0) {
        return -1;
    }
    if (call->prepared->ha.enabled && now.enabled) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    tell_off(call->prepared, now.text, ret_evidence);
    return 0;
}

/* ---- back on ---- */

/* Whole minutes that the stores have to look back, with the reserve. */
static int64_t refetch_minutes(const struct run *r, uint64_t outage_ms)
{
    int64_t minutes = (int64_t)((outage_ms + MINUTE_MS - 1) / MINUTE_MS);
    return minutes + r->plan->options.refetch_reserve_min;
}

static json_t *settings_after(const struct run *r, const struct ha_answer *now, bool enable,
                              uint64_t outage_ms)
{
    json_t *set = json_object();
    bool perceive = r->plan->options.perceive_checkpoint;
    int64_t wanted = refetch_minutes(r, outage_ms);
    if (enable && !now->enabled) {
        json_put(set, "enable", json_true());
    }
    if (perceive && !now->perceives) {
        json_put(set, "perceiveStoreClientCheckpoint", json_true());
    }
    if (outage_ms > 0 && !perceive && !now->perceives && now->interval < wanted) {
        json_put(set, "refetchStoreIntervalMin", json_integer(wanted));
    }
    return set;
}

static void tell_on(const json_t *set, uint64_t outage_ms, bool enabled, struct evidence *ret)
{
    AUTO_STR struct str summary = STR_INIT;
    const json_t *refetch = json_object_get(set, "refetchStoreIntervalMin");
    str_append(&summary, enabled ? "HA is on" : "HA stays off, as it was");
    if (refetch != NULL) {
        str_appendf(&summary, ", refetchStoreIntervalMin %lld",
                    (long long)json_integer_value(refetch));
    }
    if (outage_ms > 0) {
        str_append(&summary, "; OMS was down for ");
        str_append_duration(&summary, outage_ms);
    }
    ret->summary = str_take(&summary);
    ret->ha_on.outage_ms = outage_ms;
    ret->ha_on.set = json_deep_copy(set);
}

/* docker_init.sh, or a restore, may have changed ha.config: what is edited is what stands there
 * now. */
static int turn_on(struct run *r, struct evidence *ret, struct err *err)
{
    AUTO_HA_ANSWER struct ha_answer now = {.text = NULL};
    AUTO_FREE char *after = NULL;
    const struct ledger_row *off = run_row(r, STEP_HA_OFF, subject_deployment());
    uint64_t outage_ms = ledger_outage_ms(&r->ledger, clock_wall_ms());
    if (ha_get(r, &now, err) != 0) {
        return -1;
    }
    if (now.text == NULL) {
        ret->summary = mem_strdup("this OMS has no ha.config");
        return 0;
    }
    bool enable = off != NULL && off->has_prepared && off->prepared.ha.enabled;
    AUTO_JSON json_t *set = settings_after(r, &now, enable, outage_ms);
    if (json_object_size(set) > 0 && ha_set(r, now.text, set, &after, err) != 0) {
        return -1;
    }
    tell_on(set, outage_ms, enable, ret);
    return 0;
}

int ha_on_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    return turn_on(call->run, ret, err);
}

/* ---- the way back ---- */

int back_ha_off_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    AUTO_PREPARED struct prepared now = {.step = STEP_HA_OFF};
    return ha_off_prepare(call, &now, err) != 0 ? -1 : turn_off(call->run, &now, ret, err);
}

/* A version that never served leaves an outage since T1; one that did, an outage since T3 (domain,
 * "The runbook", step 8): the ledger knows. */
int back_ha_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    return turn_on(call->run, ret, err);
}
