#include "policy/setting.h"

#include <string.h>

static const struct setting settings[] = {
    {"tls.expiry", "min_days", SETTING_NUMBER, 3650},
    {"host.resources", "min_cores", SETTING_NUMBER, 4096},
    {"host.resources", "min_memory_gb", SETTING_NUMBER, 1000000},
    {"engine.version", "min_api", SETTING_VERSION, 0},
    {"engine.storage", "drivers", SETTING_TEXTS, 0},
    {"engine.storage", "status", SETTING_TEXTS, 0},
    {"engine.live-restore", "fixed_in", SETTING_TEXTS, 0},
    {"clock.skew", "max_seconds", SETTING_NUMBER, 86400},
    {"space.disks", "min_free_gb", SETTING_NUMBER, 1000000},
    {"space.engine", "archive_factor", SETTING_NUMBER, 100},
};

const struct setting *setting_find(const char *rule, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (str_eq(settings[i].rule, rule) && str_eq(settings[i].key, key)) {
            return &settings[i];
        }
    }
    return NULL;
}

void setting_list_keys(const char *rule, struct str *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (str_eq(settings[i].rule, rule)) {
            str_appendf(ret, "%s, ", settings[i].key);
        }
    }
}

/* ---- reading ---- */

static int read_number(const struct setting *s, const char *text, const char *where, json_t **ret,
                       struct err *err)
{
    struct err ignored = ERR_INIT;
    uint64_t number = 0;

    if (!text || str_to_u64(text, 0, s->max, s->key, &number, &ignored)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: %s '%s' is no number from 0 to %llu\n"
                        "HINT: docs/policy.md says what it counts",
                        where, s->key, text ? text : "(a list or mapping)",
                        (unsigned long long)s->max);
    }
    *ret = json_make("I", (json_int_t)number);
    return 0;
}

static int read_version(const struct setting *s, const char *text, const char *where, json_t **ret,
                        struct err *err)
{
    if (!text || !*text || strspn(text, "0123456789.") != strlen(text)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: %s '%s' is no version, expected digits and dots\n"
                        "HINT: write it in quotes: \"1.40\"",
                        where, s->key, text ? text : "(a list or mapping)");
    }
    *ret = json_from_text(text);
    return 0;
}

static int read_texts(const struct setting *s, const json_t *value, const char *where, json_t **ret,
                      struct err *err)
{
    const char *name;
    json_t *text;

    if (!json_is_object(value)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: %s is no mapping, expected names and what is said of each\n"
                        "HINT: an empty one is written {}",
                        where, s->key);
    }
    json_object_foreach ((json_t *)(uintptr_t)value, name, text) {
        if (!json_is_string(text) || json_string_length(text) == 0) {
            return err_fail(err, ERR_CONFIG,
                            "%s: %s of '%s' is no text, expected what is said of it\n"
                            "HINT: docs/policy.md shows the form",
                            where, s->key, name);
        }
    }
    *ret = json_deep_copy(value);
    return 0;
}

int setting_read(const struct setting *s, const json_t *value, const char *where, json_t **ret,
                 struct err *err)
{
    switch (s->kind) {
    case SETTING_NUMBER:
        return read_number(s, json_string_value(value), where, ret, err);
    case SETTING_VERSION:
        return read_version(s, json_string_value(value), where, ret, err);
    case SETTING_TEXTS:
    case SETTING_KIND_MAX:
    default:
        return read_texts(s, value, where, ret, err);
    }
}

/* ---- asking ---- */

static const json_t *value_of(const struct waiver_list *l, const char *rule, const char *key)
{
    for (size_t i = l ? l->count : 0; i-- > 0;) {
        const json_t *value = json_object_get(l->items[i].settings, key);

        if (value && str_eq(l->items[i].rule, rule)) {
            return value;
        }
    }
    return NULL;
}

const struct setting *setting_missing(const struct waiver_list *l, const char *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if ((!rule || str_eq(settings[i].rule, rule)) &&
            !value_of(l, settings[i].rule, settings[i].key)) {
            return &settings[i];
        }
    }
    return NULL;
}

uint64_t setting_number(const struct waiver_list *l, const char *rule, const char *key)
{
    return (uint64_t)json_integer_value(value_of(l, rule, key));
}

const char *setting_version(const struct waiver_list *l, const char *rule, const char *key)
{
    return json_string_value(value_of(l, rule, key));
}

const json_t *setting_texts(const struct waiver_list *l, const char *rule, const char *key)
{
    return value_of(l, rule, key);
}
