#include "launcher/spec/spec_say.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/foreign.h"
#include "launcher/base/yaml.h"
#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_line.h"
#include "launcher/spec/spec_secret.h"
#include "launcher/spec/spec_words.h"

/* What is to be said: secrets are hidden, and what says nothing is dropped. */
struct said {
    json_t *config, *host_config;
};

static void said_free(struct said *s)
{
    json_decref(s->config);
    json_decref(s->host_config);
}

static const json_t *section_of(const struct said *s, const char *section)
{
    return str_eq(section, "Config") ? s->config : s->host_config;
}

static bool says_nothing(const struct spec_word *w, const json_t *value)
{
    if (w->shape == WORD_AMOUNT) {
        return !json_is_integer(value);
    }
    return w->shape == WORD_SWITCH ? !json_is_boolean(value) : spec_is_empty(value);
}

/* A variable of any name may hold a secret that is known from elsewhere. */
static void hide_known(json_t *env)
{
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        AUTO_STR struct str shown = STR_INIT;
        str_append(&shown, entry);
        foreign_redact(&shown);
        if (!str_eq(str_get(&shown), entry)) {
            AUTO_FREE char *name = mem_strndup(entry, strcspn(entry, "="));
            json_array_set_new(env, i, json_from_text(name));
        }
    }
}

static void make_said(const struct container *desired, struct said *ret)
{
    ret->config = json_deep_copy(desired->config);
    ret->host_config = json_deep_copy(desired->host_config);
    spec_secrets_hide(ret->config, ret->host_config);
    hide_known(json_object_get(ret->config, "Env"));
}

/* Fields that hold something and that the tool has no word for. */
static int check_words(const struct said *s, bool compose, struct err *err)
{
    static const char *const sections[] = {"Config", "HostConfig"};
    AUTO_STR struct str lost = STR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const char *field;
        json_t *value;
        json_object_foreach ((json_t *)(uintptr_t)section_of(s, sections[i]), field, value) {
            const struct spec_word *w = spec_word_find(sections[i], field);
            const struct spec_field *f = spec_field_find(sections[i], field);
            bool has_word = w != NULL && (w->shape == WORD_SILENT ||
                                          (compose ? w->key != NULL : w->option != NULL));
            if (!has_word && !spec_is_empty(value) && (f == NULL || f->fate != SPEC_DERIVED)) {
                str_appendf(&lost, "%s%s.%s", lost.len > 0 ? ", " : "", sections[i], field);
            }
        }
    }
    if (lost.len == 0) {
        return 0;
    }
    return err_fail(err, ERR_REFUSED, "%s has no word for %s\nHINT: --format json has it",
                    compose ? "compose" : "docker run", str_get(&lost));
}

/* ---- the engine's own form ---- */

static char *placeholder(const char *name)
{
    AUTO_FREE char *variable =
        spec_is_identifier(name) ? mem_strdup(name) : spec_variable_name(name);
    return mem_printf("${%s}", variable);
}

static void fill_env(json_t *env)
{
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        if (strchr(entry, '=') != NULL) {
            continue;
        }
        AUTO_FREE char *value = placeholder(entry);
        AUTO_FREE char *both = mem_printf("%s=%s", entry, value);
        json_array_set_new(env, i, json_from_text(both));
    }
}

static void fill_map(json_t *map)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(map, next, key, value)
    {
        if (json_is_null(value)) {
            AUTO_FREE char *text = placeholder(key);
            json_put_text(map, key, text);
        }
    }
}

static void fill_words(json_t *words)
{
    for (size_t i = 0; i < json_array_size(words); i++) {
        if (json_is_null(json_array_get(words, i))) {
            AUTO_FREE char *text = mem_printf("${SECRET_%zu}", i + 1);
            json_array_set_new(words, i, json_from_text(text));
        }
    }
}

static void fill_in(struct said *s)
{
    fill_env(json_object_get(s->config, "Env"));
    fill_map(json_object_get(s->config, "Labels"));
    fill_map(json_object_get(s->host_config, "Annotations"));
    fill_map(json_walk(s->host_config, "LogConfig.Config"));
    fill_words(json_object_get(s->config, "Cmd"));
    fill_words(json_object_get(s->config, "Entrypoint"));
    fill_words(json_walk(s->config, "Healthcheck.Test"));
}

json_t *spec_say_body(const struct container *desired)
{
    CLEANUP(said_free) struct said s;
    make_said(desired, &s);
    fill_in(&s);
    json_t *body = json_incref(s.config);
    json_put(body, "HostConfig", json_incref(s.host_config));
    return body;
}

/* ---- docker run ---- */

static void say_list(struct spec_line *l, const struct spec_word *w, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        spec_line_add(l, w->option, json_string_value(json_array_get(value, i)));
    }
}

static void say_map(struct spec_line *l, const struct spec_word *w, const json_t *value)
{
    const char *key;
    json_t *text;
    json_object_foreach ((json_t *)(uintptr_t)value, key, text) {
        AUTO_FREE char *prefix = mem_printf("%s=", key);
        if (w->shape == WORD_KEYS) {
            spec_line_add(l, w->option, key);
        } else if (json_is_string(text)) {
            spec_line_add_take(l, w->option, mem_printf("%s%s", prefix, json_string_value(text)));
        } else {
            spec_line_add_secret(l, w->option, prefix, key);
        }
    }
}

static int say_word(struct spec_line *l, const struct spec_word *w, const json_t *value,
                    struct err *err)
{
    switch (w->shape) {
    case WORD_FLAG:
        spec_line_add(l, w->option, NULL);
        return 0;
    case WORD_SWITCH: {
        AUTO_FREE char *option = mem_printf("%s%s", w->option, json_is_true(value) ? "" : "=false");
        spec_line_add(l, option, NULL);
        return 0;
    }
    case WORD_TEXT:
        spec_line_add(l, w->option, json_string_value(value));
        return 0;
    case WORD_NUMBER:
    case WORD_AMOUNT:
        spec_line_add_take(l, w->option, mem_printf("%lld", json_integer_value(value)));
        return 0;
    case WORD_LIST:
        say_list(l, w, value);
        return 0;
    case WORD_MAP:
    case WORD_KEYS:
        say_map(l, w, value);
        return 0;
    case WORD_OWN:
        return w->say(l, w->option, value, err);
    case WORD_SILENT:
    case WORD_SHAPE_MAX:
    default:
        return 0;
    }
}

/* Words behind the image; secrets among them are null. */
static void say_words(struct spec_line *l, const json_t *words, size_t from)
{
    for (size_t i = from; i < json_array_size(words); i++) {
        const json_t *word = json_array_get(words, i);
        if (json_is_string(word)) {
            spec_line_add(l, NULL, json_string_value(word));
        } else {
            AUTO_FREE char *name = mem_printf("SECRET_%zu", i + 1);
            spec_line_add_secret(l, NULL, "", name);
        }
    }
}

int spec_say_docker_run(const struct container *desired, struct str *ret, struct err *err)
{
    CLEANUP(said_free) struct said s;
    CLEANUP(spec_line_free) struct spec_line l = {.text = STR_INIT};
    make_said(desired, &s);
    if (check_words(&s, false, err) != 0) {
        return -1;
    }
    spec_line_add(&l, "--name", desired->name);
    for (size_t i = 0; spec_word_at(i) != NULL; i++) {
        const struct spec_word *w = spec_word_at(i);
        const json_t *value = json_object_get(section_of(&s, w->section), w->field);
        if (!says_nothing(w, value) && say_word(&l, w, value, err) != 0) {
            return -1;
        }
    }
    const json_t *entrypoint = json_object_get(s.config, "Entrypoint");
    const char *first = json_string_value(json_array_get(entrypoint, 0));
    if (first != NULL) {
        spec_line_add(&l, "--entrypoint", first);
    }
    spec_line_add(&l, NULL, desired->image_ref);
    say_words(&l, entrypoint, 1);
    say_words(&l, json_object_get(s.config, "Cmd"), 0);
    str_appendf(ret, "%sdocker run -d%s\n", str_get(&l.variables), str_get(&l.text));
    return 0;
}

/* ---- compose ---- */

/* compose fills variables in: a dollar of our own is doubled. */
static json_t *escaped(const json_t *value)
{
    if (json_is_string(value)) {
        AUTO_STR struct str s = STR_INIT;
        for (const char *p = json_string_value(value); *p != '\0'; p++) {
            str_append(&s, *p == '$' ? "$" : "");
            str_append_c(&s, *p);
        }
        return json_from_text(str_get(&s));
    }
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_add(list, escaped(json_array_get(value, i)));
        }
        return list;
    }
    if (json_is_object(value)) {
        const char *key;
        json_t *item;
        json_t *object = json_object();
        json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
            json_put(object, key, escaped(item));
        }
        return object;
    }
    return json_deep_copy(value);
}

static json_t *keys_of(const json_t *object)
{
    const char *key;
    json_t *ignored;
    json_t *list = json_array();
    json_object_foreach ((json_t *)(uintptr_t)object, key, ignored) {
        json_add(list, json_from_text(key));
    }
    return list;
}

static json_t *compose_value(const struct spec_word *w, const json_t *value)
{
    if (w->compose != NULL) {
        return w->compose(value);
    }
    return w->shape == WORD_KEYS ? keys_of(value) : json_deep_copy(value);
}

static int add_key(json_t *service, const struct spec_word *w, const json_t *value, struct err *err)
{
    AUTO_JSON json_t *made = compose_value(w, value);
    if (made == NULL) {
        return err_fail(err, ERR_REFUSED,
                        "compose has no word for a part of %s.%s\nHINT: --format json has it",
                        w->section, w->field);
    }
    json_t *clean = escaped(made);
    json_t *there = json_object_get(service, w->key);
    if (json_is_array(there) && json_is_array(clean)) {
        json_array_extend(there, clean);
        json_decref(clean);
    } else {
        json_put(service, w->key, clean);
    }
    return 0;
}

/* A name that compose shall not put its project's before. */
static void add_volume(json_t *volumes, const char *name)
{
    if (name[0] != '\0' && name[0] != '/') {
        json_put(volumes, name, json_make("{s:b}", "external", 1));
    }
}

static json_t *named_volumes(const struct said *s)
{
    json_t *volumes = json_object();
    const json_t *binds = json_object_get(s->host_config, "Binds");
    const json_t *mounts = json_object_get(s->host_config, "Mounts");
    for (size_t i = 0; i < json_array_size(binds); i++) {
        const char *bind = json_string_value(json_array_get(binds, i));
        AUTO_FREE char *source = mem_strndup(bind, strcspn(bind, ":"));
        add_volume(volumes, source);
    }
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        add_volume(volumes, json_text(json_array_get(mounts, i), "Source", ""));
    }
    return volumes;
}

int spec_say_compose(const struct container *desired, struct str *ret, struct err *err)
{
    CLEANUP(said_free) struct said s;
    AUTO_JSON json_t *service = json_object();
    make_said(desired, &s);
    if (check_words(&s, true, err) != 0) {
        return -1;
    }
    json_put_text(service, "image", desired->image_ref);
    json_put_text(service, "container_name", desired->name);
    for (size_t i = 0; spec_word_at(i) != NULL; i++) {
        const struct spec_word *w = spec_word_at(i);
        const json_t *value = json_object_get(section_of(&s, w->section), w->field);
        if (w->shape != WORD_SILENT && !says_nothing(w, value) &&
            add_key(service, w, value, err) != 0) {
            return -1;
        }
    }
    static const char *const words[][2] = {{"Entrypoint", "entrypoint"}, {"Cmd", "command"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const json_t *value = json_object_get(s.config, words[i][0]);
        if (!spec_is_empty(value)) {
            json_put(service, words[i][1], escaped(value));
        }
    }
    fill_env(json_object_get(service, "environment"));
    fill_map(json_object_get(service, "labels"));
    fill_map(json_object_get(service, "annotations"));
    fill_map(json_walk(service, "logging.options"));
    fill_words(json_object_get(service, "command"));
    fill_words(json_object_get(service, "entrypoint"));
    AUTO_JSON json_t *services = json_object();
    json_put(services, desired->name, TAKE(service));
    AUTO_JSON json_t *document = json_make("{s:O}", "services", services);
    AUTO_JSON json_t *volumes = named_volumes(&s);
    if (json_object_size(volumes) > 0) {
        json_put(document, "volumes", json_incref(volumes));
    }
    yaml_write(document, ret);
    return 0;
}
