#include "launcher/spec/spec_secret.h"

#include <string.h>

#include "launcher/base/str.h"

/* Where users put secrets besides variables. What the fields hold comes from the old container as
 * it is, so that a hidden value is found again in its place. */
static const struct {
    const char *section, *path;
} places[] = {
    {"Config", "Labels"},         {"Config", "Cmd"},           {"Config", "Entrypoint"},
    {"Config", "Healthcheck"},    {"HostConfig", "LogConfig"}, {"HostConfig", "Annotations"},
    {"HostConfig", "StorageOpt"},
};

bool spec_is_secret(const char *name)
{
    static const char *const words[] = {"PASSWORD",    "PASSWD",    "SECRET",  "TOKEN",
                                        "APIKEY",      "API_KEY",   "API-KEY", "PRIVATE_KEY",
                                        "PRIVATE-KEY", "CREDENTIAL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasestr(name, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_secret_text(const json_t *value)
{
    return json_is_string(value) && spec_is_secret(json_string_value(value));
}

/* Puts `mark` in the place of each secret inside; `mark` is borrowed. */
static void cover(json_t *value, json_t *mark)
{
    const char *key;
    json_t *item;
    json_object_foreach (value, key, item) {
        if (!json_is_string(item) && !json_is_null(item)) {
            cover(item, mark);
        } else if (spec_is_secret(key)) {
            json_object_set(value, key, mark);
        }
    }
    /* "--password=x", and the word after "--password". */
    bool follows = false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        item = json_array_get(value, i);
        bool names_one = is_secret_text(item);
        if (json_is_object(item) || json_is_array(item)) {
            cover(item, mark);
        } else if (names_one || follows) {
            json_array_set(value, i, mark);
        }
        follows = names_one;
    }
}

/* ---- variables ---- */

/* "NAME", or "NAME=***". */
static void hide_variables(json_t *env, const char *instead)
{
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        AUTO_FREE char *name = mem_strndup(entry, strcspn(entry, "="));
        if (spec_is_secret(name)) {
            AUTO_FREE char *hidden = mem_printf("%s%s", name, instead);
            json_array_set_new(env, i, json_from_text(hidden));
        }
    }
}

static void hide(json_t *config, json_t *host_config, const char *value, json_t *mark)
{
    hide_variables(json_object_get(config, "Env"), value);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        json_t *section = str_eq(places[i].section, "Config") ? config : host_config;
        cover(json_object_get(section, places[i].path), mark);
    }
}

void spec_secrets_hide(json_t *config, json_t *host_config)
{
    AUTO_JSON json_t *mark = json_null();
    hide(config, host_config, "", mark);
}

void spec_secrets_mask(json_t *inspect)
{
    AUTO_JSON json_t *mark = json_from_text("***");
    hide(json_object_get(inspect, "Config"), json_object_get(inspect, "HostConfig"), "=***", mark);
    cover(json_object_get(inspect, "Args"), mark); /* the command once more */
}

/* ---- back again ---- */

/* False when `from` has nothing in the place of a null. */
static bool fill_in(json_t *value, const json_t *from)
{
    const char *key;
    json_t *item;
    bool found = true;
    json_object_foreach (value, key, item) {
        json_t *was = json_object_get(from, key);
        if (json_is_null(item)) {
            found = was != NULL && json_object_set(value, key, was) == 0 && found;
        } else {
            found = fill_in(item, was) && found;
        }
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *was = json_array_get(from, i);
        item = json_array_get(value, i);
        if (json_is_null(item)) {
            found = was != NULL && json_array_set(value, i, was) == 0 && found;
        } else {
            found = fill_in(item, was) && found;
        }
    }
    return found;
}

static json_t *section_of(const struct container *c, size_t place)
{
    json_t *section = str_eq(places[place].section, "Config") ? c->config : c->host_config;
    return json_object_get(section, places[place].path);
}

int spec_secrets_fill_in(struct container *desired, const struct container *old, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!fill_in(section_of(desired, i), section_of(old, i))) {
            return err_fail(
                err, ERR_FAILED,
                "a value of '%s.%s' is not known any more: the plan does not store what "
                "looks like a secret, and the old container does not have it\n"
                "HINT: make a new plan: nothing was changed yet",
                places[i].section, places[i].path);
        }
    }
    return 0;
}

static bool has_null(const json_t *value)
{
    const char *key;
    json_t *item;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        if (json_is_null(item) || has_null(item)) {
            return true;
        }
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        item = json_array_get(value, i);
        if (json_is_null(item) || has_null(item)) {
            return true;
        }
    }
    return false;
}

bool spec_has_hidden(const struct container *desired)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (has_null(section_of(desired, i))) {
            return true;
        }
    }
    return false;
}

/* ---- for people ---- */

json_t *spec_shown(const char *name, const json_t *value)
{
    if (value == NULL) {
        return NULL;
    }
    if (json_is_string(value)) {
        return spec_is_secret(name) ? json_from_text("***") : json_deep_copy(value);
    }
    AUTO_JSON json_t *mark = json_from_text("***");
    json_t *copy = json_deep_copy(value);
    cover(copy, mark);
    return copy;
}
