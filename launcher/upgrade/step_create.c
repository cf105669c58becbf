/* load_image and create_new: everything slow and harmless, while the old container still serves. */
#include "launcher/upgrade/step_impl.h"

#include <string.h>

#include "launcher/spec/spec.h"
#include "launcher/spec/spec_secret.h"

/* ---- load_image ---- */

static void say_load(void *arg, uint64_t done, uint64_t total)
{
    run_say_progress(arg, "image sent to the engine", done, total, true);
}

static void list_names(const struct strv *names, struct str *ret)
{
    for (size_t i = 0; i < names->count; i++) {
        str_appendf(ret, "%s'%s'", i == 0 ? "" : ", ", names->items[i]);
    }
}

static int load_archive(struct run *r, int node, const char *file, const char *ref, struct err *err)
{
    AUTO_STRV struct strv loaded = STRV_INIT;
    struct engine *e = r->nodes[node].engine;
    if (engine_image_load(e, file, say_load, r, &loaded, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *image = NULL;
    struct err missing = ERR_INIT;
    if (engine_image_inspect(e, ref, &image, &missing) == 0) {
        return 0;
    }
    if (missing.kind != ERR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    AUTO_STR struct str names = STR_INIT;
    list_names(&loaded, &names);
    return err_fail(err, ERR_FAILED,
                    "the archive '%s' was loaded, but it does not hold '%s': it holds %s\n"
                    "HINT: name the repository in the archive with --image, and its tag with --tag",
                    file, ref, names.len > 0 ? str_get(&names) : "nothing with a name");
}

static json_t *image_evidence(const json_t *image, const char *ref, bool loaded)
{
    const char *id = json_text(image, "Id", "");
    const char *hex = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
    AUTO_FREE char *summary = mem_printf("%s is %s (%.12s)", ref, loaded ? "loaded" : "there", hex);
    return json_make("{s:s, s:s, s:b}", "summary", summary, "image_id", id, "loaded", (int)loaded);
}

STEP_APPLY(load_image_apply)
{
    (void)prepared;
    const char *ref = json_text(plan_node(r->plan, node), "new.image", "");
    const char *file = json_text(r->plan->json, "options.load_file", NULL);
    if (file != NULL && load_archive(r, node, file, ref, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *image = NULL;
    if (engine_image_inspect(r->nodes[node].engine, ref, &image, err) != 0) {
        return err->kind == ERR_NOT_FOUND
                   ? err_hint(err, "give the image's archive with --load FILE")
                   : -1;
    }
    const char *planned = json_text(plan_node(r->plan, node), "new.image_id", NULL);
    if (file == NULL && planned != NULL && !str_eq(planned, json_text(image, "Id", ""))) {
        return err_fail(err, ERR_FAILED,
                        "the image '%s' is not what was planned: it is %s now, it was %s\n"
                        "HINT: somebody tagged another image; make a new plan",
                        ref, json_text(image, "Id", "?"), planned);
    }
    *ret = image_evidence(image, ref, file != NULL);
    return 0;
}

/* ---- create_new ---- */

static const char *set_env_value(const struct run *r, const char *name)
{
    size_t len = strlen(name);
    const char *value = NULL;
    for (size_t i = 0; r->set_env != NULL && i < r->set_env->count; i++) {
        const char *entry = r->set_env->items[i];
        if (strncmp(entry, name, len) == 0 && entry[len] == '=') {
            value = entry + len + 1; /* the last of several counts */
        }
    }
    return value;
}

/* The user set it anew: what the old container has must not slip in. */
static bool was_given(const struct run *r, int node, const char *name)
{
    const json_t *given = json_walk(plan_node(r->plan, node), "new.secrets_given");
    for (size_t i = 0; i < json_array_size(given); i++) {
        if (str_eq(json_string_value(json_array_get(given, i)), name)) {
            return true;
        }
    }
    return false;
}

/* A name alone takes the image's variable of that name away. */
static bool takes_away(const struct container *old, const char *name)
{
    const json_t *env = json_object_get(old->config, "Env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        if (str_eq(json_string_value(json_array_get(env, i)), name)) {
            return true;
        }
    }
    return false;
}

/* A variable of which the plan has the name alone. */
static bool is_hidden(const json_t *entry)
{
    const char *text = json_string_value(entry);
    return strchr(text, '=') == NULL && spec_is_secret(text);
}

static int fill_in_variables(const struct run *r, int node, const struct container *old,
                             struct container *desired, struct err *err)
{
    json_t *env = json_object_get(desired->config, "Env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        if (!is_hidden(json_array_get(env, i))) {
            continue;
        }
        const char *value = set_env_value(r, entry);
        if (value == NULL && !was_given(r, node, entry)) {
            value = container_env(old, entry);
            if (value == NULL && takes_away(old, entry)) {
                continue;
            }
        }
        if (value == NULL) {
            return err_fail(err, ERR_FAILED,
                            "the value of the variable '%s' is not known any more\n"
                            "HINT: give it again with --set-env %s=VALUE",
                            entry, entry);
        }
        AUTO_FREE char *whole = mem_printf("%s=%s", entry, value);
        json_array_set_new(env, i, json_from_text(whole));
    }
    return 0;
}

static bool has_hidden(const struct container *desired)
{
    const json_t *env = json_object_get(desired->config, "Env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        if (is_hidden(json_array_get(env, i))) {
            return true;
        }
    }
    return spec_has_hidden(desired);
}

/* The plan stores nothing that looks like a secret. */
static int fill_in_secrets(struct run *r, int node, struct container *desired, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    if (!has_hidden(desired)) {
        return 0;
    }
    if (engine_container_inspect(r->nodes[node].engine, r->nodes[node].old_id, &answer, err) != 0 ||
        container_from_engine(answer, &old, err) != 0 ||
        fill_in_variables(r, node, &old, desired, err) != 0) {
        return -1;
    }
    return spec_secrets_fill_in(desired, &old, err);
}

static int refuse_difference(const char *name, const json_t *rows, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        AUTO_FREE char *want = json_compact(json_object_get(row, "old"));
        AUTO_FREE char *got = json_compact(json_object_get(row, "new"));
        str_appendf(&text, "\n  %s: wanted %s, got %s", json_text(row, "field", ""), want, got);
    }
    return err_fail(err, ERR_FAILED,
                    "the engine made a container '%s' that is not what was planned:%s\n"
                    "HINT: the old container still serves and was not touched; report this with "
                    "the engine's version",
                    name, str_get(&text));
}

/* Inspects a created container and compares it with the plan, so that mounts, limits and image are
 * proved while the old one still serves. */
static int prove_created(struct run *r, int node, const char *id, const struct container *desired,
                         struct err *err)
{
    struct engine *e = r->nodes[node].engine;
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *image = NULL;
    AUTO_CONTAINER struct container created = CONTAINER_INIT;
    if (engine_container_inspect(e, id, &answer, err) != 0 ||
        container_from_engine(answer, &created, err) != 0 ||
        engine_image_inspect(e, created.image_id, &image, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *rows = spec_compare_created(desired, json_walk(image, "Config"), &created);
    const json_t *loaded = run_evidence(r, STEP_LOAD_IMAGE, node);
    const char *wanted = json_text(loaded, "image_id", "");
    if (!str_eq(created.image_id, wanted)) {
        json_add(rows, json_make("{s:s, s:s, s:s}", "field", "Image", "old", wanted, "new",
                                 created.image_id));
    }
    return json_array_size(rows) == 0 ? 0 : refuse_difference(created.name, rows, err);
}

/* What is not exact must not stay: it has never run, and holds nothing. */
static int prove_or_remove(struct run *r, int node, const char *id, const struct container *desired,
                           struct err *err)
{
    struct err failure = ERR_INIT;
    if (prove_created(r, node, id, desired, err) == 0) {
        return 0;
    }
    if (engine_container_remove_created(r->nodes[node].engine, id, &failure) != 0 &&
        failure.kind != ERR_NOT_FOUND) {
        return err_hint(err, "the container %.12s could not be removed: %s", id, failure.text);
    }
    return -1;
}

static json_t *create_evidence(const char *id, const char *name, size_t mounts)
{
    AUTO_FREE char *summary =
        mem_printf("%.12s is exact: %zu mounts, limits, environment, image", id, mounts);
    return json_make("{s:s, s:s, s:s}", "summary", summary, "new_id", id, "name", name);
}

STEP_APPLY(create_new_apply)
{
    (void)prepared;
    AUTO_CONTAINER struct container desired = CONTAINER_INIT;
    if (plan_desired(r->plan, node, &desired, err) != 0 ||
        fill_in_secrets(r, node, &desired, err) != 0) {
        return -1;
    }
    AUTO_FREE char *name = run_container_name(r, node, "new");
    AUTO_JSON json_t *body = spec_create_body(&desired, r->id);
    AUTO_FREE char *id = NULL;
    if (engine_container_create(r->nodes[node].engine, name, body, &id, NULL, err) != 0 ||
        prove_or_remove(r, node, id, &desired, err) != 0) {
        return -1;
    }
    *ret = create_evidence(id, name, desired.mount_count);
    return 0;
}

STEP_PROBE(create_new_probe)
{
    (void)prepared;
    AUTO_FREE char *name = run_container_name(r, node, "new");
    AUTO_JSON json_t *answer = NULL;
    if (engine_container_inspect(r->nodes[node].engine, name, &answer, err) != 0) {
        *ret = STEP_NOT_DONE;
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    AUTO_CONTAINER struct container desired = CONTAINER_INIT;
    const char *id = json_text(answer, "Id", "");
    if (plan_desired(r->plan, node, &desired, err) != 0 ||
        fill_in_secrets(r, node, &desired, err) != 0 ||
        prove_or_remove(r, node, id, &desired, err) != 0) {
        return -1;
    }
    *ret = STEP_DONE;
    *ret_evidence = create_evidence(id, name, desired.mount_count);
    return 0;
}
