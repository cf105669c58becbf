#include "policy/waiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/near.h"
#include "policy/rule.h"
#include "policy/setting.h"

#define NEAR_DISTANCE 3

static void waiver_free(struct waiver *w)
{
    free(w->rule);
    free(w->reason);
    free(w->owner);
    json_decref(w->settings);
    *w = (struct waiver){.rule = NULL};
}

void waiver_list_free(struct waiver_list *l)
{
    if (!l) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        waiver_free(&l->items[i]);
    }
    free(l->items);
    *l = (struct waiver_list){.items = NULL};
}

static void add_take(struct waiver_list *l, struct waiver *w)
{
    l->items = mem_grow(l->items, l->count + 1, sizeof(*l->items));
    l->items[l->count++] = *w;
    *w = (struct waiver){.rule = NULL};
}

/* Same part before or after the dot, or a slip of the fingers. */
static bool is_near(const char *typed, const char *id)
{
    const size_t group = strcspn(id, ".");

    if (strncmp(typed, id, group) == 0 && (typed[group] == '.' || typed[group] == '\0')) {
        return true;
    }
    return str_eq(typed, id + group + 1) || near_distance(typed, id) <= NEAR_DISTANCE;
}

static int complain_unknown(const char *rule, const char *where, enum err_kind kind,
                            struct err *err)
{
    AUTO_STR struct str near = STR_INIT;
    AUTO_STR struct str all = STR_INIT;

    for (size_t i = 0; i < policy_rule_count; i++) {
        const char *id = policy_rules[i].id;

        str_appendf(&all, "%s%s", all.len ? ", " : "", id);
        if (strlen(rule) < 64 && is_near(rule, id)) {
            str_appendf(&near, "%s%s", near.len ? ", " : "", id);
        }
    }
    if (near.len > 0) {
        return err_fail(err, kind, "%s: there is no rule '%s'\nHINT: did you mean %s?", where, rule,
                        str_get(&near));
    }
    return err_fail(err, kind, "%s: there is no rule '%s'\nHINT: the rules are %s", where, rule,
                    str_get(&all));
}

int waiver_list_add_argument(struct waiver_list *l, const char *argument, struct err *err)
{
    const char *equals = strchr(argument, '=');
    CLEANUP(waiver_free) struct waiver w = {.rule = NULL};
    const char *reason = equals ? equals + 1 : "";

    w.rule = mem_strndup(argument, strcspn(argument, "="));
    if (!policy_rule_find(w.rule)) {
        return complain_unknown(w.rule, "--accept", ERR_USAGE, err);
    }
    if (reason[strspn(reason, " \t\r\n")] == '\0') {
        return err_fail(err, ERR_USAGE,
                        "--accept '%s' gives no reason, expected RULE=REASON\n"
                        "HINT: the reason is kept in the plan, the journal and the report; say "
                        "why this is right: --accept '%s=…'",
                        argument, w.rule);
    }
    w.reason = mem_strdup(reason);
    add_take(l, &w);
    return 0;
}

const struct waiver *waiver_list_find(const struct waiver_list *l, const char *rule,
                                      uint64_t now_ms)
{
    for (size_t i = 0; l && i < l->count; i++) {
        if (l->items[i].reason && str_eq(l->items[i].rule, rule) &&
            (!l->items[i].expires_ms || l->items[i].expires_ms > now_ms)) {
            return &l->items[i];
        }
    }
    return NULL;
}

/* ---- YAML ---- */

static int read_severity(const char *text, const char *where, struct waiver *w, struct err *err)
{
    static const char *const texts[] = {
        [SEVERITY_ERROR] = "error", [SEVERITY_WARN] = "warn", [SEVERITY_OFF] = "off"};

    for (size_t i = 0; i < SEVERITY_MAX; i++) {
        if (str_eq(text, texts[i])) {
            w->severity = (enum severity)i;
            w->has_severity = 1;
            return 0;
        }
    }
    return err_fail(err, ERR_CONFIG,
                    "%s: severity '%s' is unknown, expected error, warn or off\n"
                    "HINT: for one known exception use reason, owner and expires instead",
                    where, text);
}

/* A day ends when the day is over, in UTC. */
static int read_expiry(const char *text, const char *where, struct waiver *w, struct err *err)
{
    AUTO_FREE char *full = mem_printf("%sT23:59:59Z", text);

    if (strlen(text) != strlen("2026-12-31") || clock_parse(full, &w->expires_ms)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: expires '%s' is no date, expected YYYY-MM-DD\n"
                        "HINT: the waiver holds through that day, in UTC",
                        where, text);
    }
    return 0;
}

static int read_setting(const struct setting *s, const json_t *value, const char *where,
                        struct waiver *w, struct err *err)
{
    json_t *read = NULL;

    if (setting_read(s, value, where, &read, err)) {
        return -1;
    }
    if (!w->settings) {
        w->settings = json_object();
    }
    json_put(w->settings, s->key, read);
    return 0;
}

static int complain_key(const char *key, const char *where, const struct waiver *w, struct err *err)
{
    AUTO_STR struct str settings = STR_INIT;

    setting_list_keys(w->rule, &settings);
    return err_fail(err, ERR_CONFIG,
                    "%s: unknown key '%s', expected severity, %sreason, owner or expires\n"
                    "HINT: docs/policy.md shows the form",
                    where, key, str_get(&settings));
}

static int read_key(const char *key, const json_t *value, const char *where, struct waiver *w,
                    struct err *err)
{
    const struct setting *setting = setting_find(w->rule, key);
    const char *text = json_string_value(value);

    if (setting) {
        return read_setting(setting, value, where, w, err);
    }
    if (!text || !*text) {
        return err_fail(err, ERR_CONFIG,
                        "%s: '%s' is no text, expected one value\n"
                        "HINT: docs/policy.md shows the form",
                        where, key);
    }
    if (str_eq(key, "severity")) {
        return read_severity(text, where, w, err);
    }
    if (str_eq(key, "expires")) {
        return read_expiry(text, where, w, err);
    }
    if (str_eq(key, "reason")) {
        w->reason = mem_strdup(text);
    } else if (str_eq(key, "owner")) {
        w->owner = mem_strdup(text);
    } else {
        return complain_key(key, where, w, err);
    }
    return 0;
}

static int read_entry(const char *rule, const json_t *entry, const char *name, struct waiver *w,
                      struct err *err)
{
    AUTO_FREE char *where = mem_printf("%s, policy of '%s'", name, rule);
    const char *key;
    json_t *value;

    if (!policy_rule_find(rule)) {
        return complain_unknown(rule, name, ERR_CONFIG, err);
    }
    if (!json_is_object(entry) || json_object_size(entry) == 0) {
        return err_fail(err, ERR_CONFIG,
                        "%s is no mapping, expected severity, or reason, owner and expires\n"
                        "HINT: docs/policy.md shows the form",
                        where);
    }
    w->rule = mem_strdup(rule);
    json_object_foreach ((json_t *)(uintptr_t)entry, key, value) {
        if (read_key(key, value, where, w, err)) {
            return -1;
        }
    }
    if (!w->reason && (w->owner || w->expires_ms)) {
        return err_fail(err, ERR_CONFIG,
                        "%s has no 'reason', expected one beside owner and expires\n"
                        "HINT: the reason is kept in the plan, the journal and the report",
                        where);
    }
    return 0;
}

int waiver_list_add_yaml_json(struct waiver_list *l, const json_t *policy, const char *name,
                              struct err *err)
{
    const char *rule;
    json_t *entry;

    if (!json_is_object(policy)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: 'policy' is no mapping, expected rules and what is set for them\n"
                        "HINT: docs/policy.md shows the form",
                        name);
    }
    json_object_foreach ((json_t *)(uintptr_t)policy, rule, entry) {
        CLEANUP(waiver_free) struct waiver w = {.rule = NULL};

        if (read_entry(rule, entry, name, &w, err)) {
            return -1;
        }
        add_take(l, &w);
    }
    return 0;
}

RULE_JUDGE(judge_waiver_expired)
{
    size_t dated = 0;

    (void)node;
    for (size_t i = 0; in->waivers && i < in->waivers->count; i++) {
        const struct waiver *w = &in->waivers->items[i];
        char text[CLOCK_TEXT_MAX];

        dated += w->expires_ms != 0;
        if (!w->expires_ms || w->expires_ms > in->now_ms) {
            continue;
        }
        judge_fail(ret, "the waiver of '%s' expired on %.10s", w->rule,
                   clock_format(w->expires_ms, text));
        judge_evidence(ret, "%s: %s%s%s", w->rule, w->reason, w->owner ? ", owner " : "",
                       w->owner ? w->owner : "");
        judge_hint(ret, "mend what it excused, or have its owner renew it");
    }
    /* Accepting the expiry of a waiver would be a waiver without an expiry. */
    ret->never_waived = true;
    if (ret->verdict != VERDICT_PASS) {
        return;
    }
    if (dated == 0) {
        judge_not_applicable(ret, "no waiver has an expiry");
    } else {
        judge_pass(ret, "%zu %s not expired", dated, dated == 1 ? "waiver has" : "waivers have");
    }
}
