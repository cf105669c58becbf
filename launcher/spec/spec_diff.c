#include <string.h>

#include "launcher/spec/spec.h"
#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_secret.h"

/* Differences of a field, one row for each name inside it where it has names. */
struct diff {
    json_t *rows;
    const char *by;
};

static void add_row(const struct diff *d, const char *field, json_t *old_take, json_t *new_take)
{
    json_add(d->rows, json_make("{s:s, s:o, s:o, s:s}", "field", field, "old",
                                old_take == NULL ? json_null() : old_take, "new",
                                new_take == NULL ? json_null() : new_take, "by", d->by));
}

static json_t *env_value(const json_t *env, const char *name)
{
    const char *value = spec_env_get(env, name);
    if (value == NULL) {
        return NULL;
    }
    return json_from_text(spec_is_secret(name) ? "***" : value);
}

static void diff_env_names(const struct diff *d, const char *field, const json_t *names_of,
                           const json_t *old, const json_t *new, bool only_new)
{
    for (size_t i = 0; i < json_array_size(names_of); i++) {
        const char *entry = json_string_value(json_array_get(names_of, i));
        if (entry == NULL || spec_env_is_repeated(names_of, i)) {
            continue;
        }
        AUTO_FREE char *name = mem_strndup(entry, strcspn(entry, "="));
        const char *before = spec_env_get(old, name);
        const char *after = spec_env_get(new, name);
        if (str_eq(before, after) || (only_new && before != NULL)) {
            continue;
        }
        AUTO_FREE char *path = mem_printf("%s.%s", field, name);
        add_row(d, path, env_value(old, name), env_value(new, name));
    }
}

static void diff_map(const struct diff *d, const char *field, const json_t *old, const json_t *new)
{
    AUTO_JSON json_t *all = spec_overlay(SPEC_MAP, new, old);
    const char *key;
    json_t *ignored;
    json_object_foreach (all, key, ignored) {
        json_t *before = json_object_get(old, key);
        json_t *after = json_object_get(new, key);
        if ((before == NULL) != (after == NULL) || !spec_is_equal(SPEC_VALUE, before, after)) {
            AUTO_FREE char *path = mem_printf("%s.%s", field, key);
            add_row(d, path, spec_shown(key, before), spec_shown(key, after));
        }
    }
}

static void diff_field(const struct diff *d, const struct spec_field *f, const json_t *old,
                       const json_t *new)
{
    AUTO_FREE char *field = mem_printf("%s.%s", f->section, f->name);
    if (f->shape == SPEC_ENV) {
        diff_env_names(d, field, old, old, new, false);
        diff_env_names(d, field, new, old, new, true);
    } else if (f->shape == SPEC_MAP) {
        diff_map(d, field, old, new);
    } else if (f->shape != SPEC_MOUNTS && !spec_is_equal(f->shape, old, new)) {
        add_row(d, field, spec_shown(f->name, old), spec_shown(f->name, new));
    }
}

#define NEW_VOLUME "volume, new and empty"

static json_t *mount_text(const struct mount *m)
{
    if (m == NULL) {
        return NULL;
    }
    if (str_eq(m->type, "volume") && m->source[0] == '\0') {
        return json_from_text(NEW_VOLUME);
    }
    AUTO_FREE char *text =
        mem_printf("%s %s (%s%s%s)", m->type, m->source, m->read_only ? "ro" : "rw",
                   m->options[0] != '\0' ? "," : "", m->options);
    return json_from_text(text);
}

static bool mount_is_equal(const struct mount *a, const struct mount *b)
{
    return str_eq(a->type, b->type) && str_eq(a->source, b->source) &&
           a->read_only == b->read_only && str_eq(a->options, b->options);
}

static void add_mount_row(const struct diff *d, const char *destination, json_t *old_take,
                          json_t *new_take)
{
    AUTO_FREE char *path = mem_printf("Mounts.%s", destination);
    add_row(d, path, old_take, new_take);
}

/* Mounts of the desired container, and the volumes that the new image makes where it has none. */
static void diff_mounts(const struct diff *own, const struct diff *image,
                        const struct container *old, const struct container *new,
                        const json_t *new_image)
{
    for (size_t i = 0; i < old->mount_count; i++) {
        const struct mount *before = &old->mounts[i];
        const struct mount *after = container_mount_at(new, before->destination);
        if (after == NULL && spec_has_volume(new_image, before->destination)) {
            add_mount_row(image, before->destination, mount_text(before),
                          json_from_text(NEW_VOLUME));
        } else if (after == NULL || !mount_is_equal(before, after)) {
            add_mount_row(own, before->destination, mount_text(before), mount_text(after));
        }
    }
    for (size_t i = 0; i < new->mount_count; i++) {
        const struct mount *after = &new->mounts[i];
        if (container_mount_at(old, after->destination) == NULL) {
            add_mount_row(own, after->destination, NULL, mount_text(after));
        }
    }
    const char *path;
    json_t *ignored;
    json_object_foreach (json_object_get(new_image, "Volumes"), path, ignored) {
        AUTO_FREE char *clean = path_clean(path);
        if (container_mount_at(old, clean) == NULL && container_mount_at(new, clean) == NULL) {
            add_mount_row(image, clean, NULL, json_from_text(NEW_VOLUME));
        }
    }
}

/* The engine names an anonymous volume by 64 hexadecimal digits. */
static bool is_anonymous(const struct mount *m)
{
    return str_eq(m->type, "volume") && strlen(m->source) == 64 &&
           strspn(m->source, "0123456789abcdef") == 64;
}

static void compare_created_mounts(const struct diff *d, const struct container *desired,
                                   const json_t *new_image, const struct container *created)
{
    for (size_t i = 0; i < desired->mount_count; i++) {
        const struct mount *want = &desired->mounts[i];
        const struct mount *got = container_mount_at(created, want->destination);
        bool equal = got != NULL && (want->source[0] == '\0' && str_eq(want->type, "volume")
                                         ? is_anonymous(got)
                                         : mount_is_equal(want, got));
        if (!equal) {
            add_mount_row(d, want->destination, mount_text(want), mount_text(got));
        }
    }
    for (size_t i = 0; i < created->mount_count; i++) {
        const struct mount *got = &created->mounts[i];
        bool by_image = is_anonymous(got) && spec_has_volume(new_image, got->destination);
        if (container_mount_at(desired, got->destination) == NULL && !by_image) {
            add_mount_row(d, got->destination, NULL, mount_text(got));
        }
    }
}

static const json_t *value_of(const struct container *c, const struct spec_field *f)
{
    return json_object_get(str_eq(f->section, "Config") ? c->config : c->host_config, f->name);
}

json_t *spec_diff(const struct container *old, const json_t *old_image,
                  const struct container *desired, const json_t *new_image)
{
    struct diff own = {.rows = json_array(), .by = "omslaunch"};
    struct diff image = {.rows = own.rows, .by = "image"};
    size_t count;
    const struct spec_field *fields = spec_field_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct spec_field *f = &fields[i];
        if (f->fate == SPEC_DERIVED || f->fate == SPEC_LOST) {
            continue;
        }
        const json_t *after = value_of(desired, f);
        AUTO_JSON json_t *user_before = spec_user_value(old, old_image, f);
        if (str_eq(f->name, "Hostname") &&
            !str_eq(json_text(old->host_config, "UTSMode", ""), "host")) {
            json_decref(user_before);
            user_before = json_deep_copy(value_of(old, f));
        }
        AUTO_JSON json_t *user_after =
            after == NULL ? spec_subtract(f->shape, NULL, NULL) : json_deep_copy(after);
        diff_field(&own, f, user_before, user_after);
        if (f->from_image && new_image != NULL && old_image != NULL) {
            AUTO_JSON json_t *from =
                spec_mask(f->shape, spec_image_default(f, old->config, old_image), user_after);
            AUTO_JSON json_t *to =
                spec_mask(f->shape, spec_image_brings(f, desired->config, new_image), user_after);
            diff_field(&image, f, from, to);
        }
    }
    diff_mounts(&own, &image, old, desired, new_image);
    return own.rows;
}

/* An entrypoint that the user took away from the image: asked for as [""], shown as null. */
static bool is_taken_away(const json_t *entrypoint)
{
    return json_array_size(entrypoint) == 1 &&
           str_eq(json_string_value(json_array_get(entrypoint, 0)), "");
}

/* Fields that the engine fills in by itself when they are left out. */
static bool engine_fills_in(const struct spec_field *f, const json_t *desired)
{
    return f->fate == SPEC_KEPT && spec_is_empty(desired) &&
           (str_eq(f->section, "HostConfig") || str_eq(f->name, "Hostname"));
}

json_t *spec_compare_created(const struct container *desired, const json_t *new_image,
                             const struct container *created)
{
    struct diff d = {.rows = json_array(), .by = "engine"};
    size_t count;
    const struct spec_field *fields = spec_field_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct spec_field *f = &fields[i];
        const json_t *want = value_of(desired, f);
        if (f->fate == SPEC_DERIVED || f->fate == SPEC_LOST || f->shape == SPEC_MOUNTS ||
            str_eq(f->name, "RestartPolicy") || engine_fills_in(f, want)) {
            continue;
        }
        const json_t *image = spec_image_brings(f, desired->config, new_image);
        AUTO_JSON json_t *expected =
            spec_overlay(f->shape, want == NULL ? json_null() : want, image);
        if (str_eq(f->name, "Entrypoint") && is_taken_away(expected)) {
            json_array_clear(expected);
        }
        const json_t *got = value_of(created, f);
        AUTO_JSON json_t *actual = got == NULL ? json_null() : json_deep_copy(got);
        if (str_eq(f->name, "Labels")) {
            json_object_del(actual, SPEC_LABEL_RUN);
        }
        diff_field(&d, f, expected, actual);
    }
    compare_created_mounts(&d, desired, new_image, created);
    return d.rows;
}
