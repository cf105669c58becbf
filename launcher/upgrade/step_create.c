/* load_image and create_new: everything slow and harmless, while the old container still serves. */
#include <string.h>

#include "inspect/container.h"
#include "launcher/spec/spec.h"
#include "launcher/spec/spec_secret.h"
#include "launcher/upgrade/containers.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

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

static int load_archive(struct run *r, struct engine *e, const char *ref, struct err *err)
{
    const char *file = r->plan->options.load_file;
    AUTO_STRV struct strv loaded = STRV_INIT;
    AUTO_JSON json_t *image = NULL;
    AUTO_STR struct str names = STR_INIT;
    struct err missing = ERR_INIT;
    if (engine_image_load(e, file, say_load, r, &loaded, err) != 0) {
        return -1;
    }
    if (engine_image_inspect(e, ref, &image, &missing) == 0) {
        return 0;
    }
    if (missing.kind != ERR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    list_names(&loaded, &names);
    return err_fail(err, ERR_FAILED,
                    "the archive '%s' was loaded, but it does not hold '%s': it holds %s\n"
                    "HINT: name the repository in the archive with --image, and its tag with --tag",
                    file, ref, names.len > 0 ? str_get(&names) : "nothing with a name");
}

/* The ID of the image of that name. Caller frees. */
static int image_id(struct engine *e, const char *ref, char **ret, struct err *err)
{
    AUTO_JSON json_t *image = NULL;
    const char *id;
    if (engine_image_inspect(e, ref, &image, err) != 0) {
        return err->kind == ERR_NOT_FOUND
                   ? err_hint(err, "give the image's archive with --load FILE")
                   : -1;
    }
    if (json_need_text(image, "Id", "answer of the engine about the image", &id, err) != 0) {
        return -1;
    }
    *ret = mem_strdup(id);
    return 0;
}

int load_image_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const struct plan_new *new = &run_node_plan(r, call->node)->new;
    const char *ref = new->desired.image_ref;
    bool loads = r->plan->options.load_file != NULL;
    struct engine *e;
    if (run_engine(r, call->node, &e, err) != 0 || (loads && load_archive(r, e, ref, err) != 0) ||
        image_id(e, ref, &ret->image.id, err) != 0) {
        return -1;
    }
    const char *id = ret->image.id;
    if (!loads && new->image_id != NULL && !str_eq(new->image_id, id)) {
        return err_fail(err, ERR_FAILED,
                        "the image '%s' is not what was planned: it is %s now, it was %s\n"
                        "HINT: somebody tagged another image; make a new plan",
                        ref, id, new->image_id);
    }
    const char *hex = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
    ret->summary = mem_printf("%s is %s (%.12s)", ref, loads ? "loaded" : "there", hex);
    ret->image.loaded = loads;
    return 0;
}

/* ---- create_new ---- */

static const char *set_env_value(const struct run *r, const char *name)
{
    size_t len = strlen(name);
    const char *value = NULL;
    const struct strv *set_env = r->request.set_env;
    for (size_t i = 0; set_env != NULL && i < set_env->count; i++) {
        const char *entry = set_env->items[i];
        if (strncmp(entry, name, len) == 0 && entry[len] == '=') {
            value = entry + len + 1; /* the last of several counts */
        }
    }
    return value;
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
        if (value == NULL && !strv_has(&run_node_plan(r, node)->new.secrets_given, entry)) {
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

/* The desired container, with what the plan does not store because it looks like a secret. */
static int desire(struct run *r, int node, struct container *ret, struct err *err)
{
    AUTO_CONTAINER struct container desired = CONTAINER_INIT;
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    container_copy(&run_node_plan(r, node)->new.desired, &desired);
    if (has_hidden(&desired) && (run_inspect(r, node, run_old_id(r, node), &old, err) != 0 ||
                                 fill_in_variables(r, node, &old, &desired, err) != 0 ||
                                 spec_secrets_fill_in(&desired, &old, err) != 0)) {
        return -1;
    }
    *ret = desired;
    desired = (struct container)CONTAINER_INIT;
    return 0;
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
    const struct evidence *loaded = run_evidence(r, STEP_LOAD_IMAGE, subject_node(node));
    AUTO_JSON json_t *image = NULL;
    AUTO_CONTAINER struct container created = CONTAINER_INIT;
    struct engine *e;
    if (run_engine(r, node, &e, err) != 0 || run_inspect(r, node, id, &created, err) != 0 ||
        engine_image_inspect(e, created.image_id, &image, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *rows =
        spec_compare_created(desired, json_object_get(image, "Config"), &created);
    if (!str_eq(created.image_id, loaded->image.id)) {
        json_add(rows, json_make("{s:s, s:s, s:s}", "field", "Image", "old", loaded->image.id,
                                 "new", created.image_id));
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
    if (container_remove_unused(r, node, id, &failure) != 0 && failure.kind != ERR_NOT_FOUND) {
        return err_hint(err, "the container %.12s could not be removed: %s", id, failure.text);
    }
    return -1;
}

static void tell_created(const char *id, const char *name, size_t mounts, struct evidence *ret)
{
    ret->summary = mem_printf("%.12s is exact: %zu mounts, limits, environment, image", id, mounts);
    ret->created.new_id = mem_strdup(id);
    ret->created.name = mem_strdup(name);
}

int create_new_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    AUTO_CONTAINER struct container desired = CONTAINER_INIT;
    AUTO_FREE char *name = run_container_name(r, call->node, "new");
    AUTO_FREE char *id = NULL;
    struct engine *e;
    if (run_engine(r, call->node, &e, err) != 0 || desire(r, call->node, &desired, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *body = spec_create_body(&desired, r->id);
    if (engine_container_create(e, name, body, &id, NULL, err) != 0 ||
        prove_or_remove(r, call->node, id, &desired, err) != 0) {
        return -1;
    }
    tell_created(id, name, desired.mount_count, ret);
    return 0;
}

/* The name alone is not enough: what somebody else has made is not ours to judge or to remove. */
static int check_label(const struct run *r, const struct container *c, struct err *err)
{
    if (str_eq(container_label(c, SPEC_LABEL_RUN), r->id)) {
        return 0;
    }
    return err_fail(err, ERR_FAILED,
                    "there is a container '%s' that this run did not create\n"
                    "HINT: find out whose it is, and rename or remove it; then 'omslaunch resume "
                    "%s'",
                    c->name, r->id);
}

int create_new_probe(const struct step_call *call, enum step_answer *ret,
                     struct evidence *ret_evidence, struct err *err)
{
    struct run *r = call->run;
    AUTO_FREE char *name = run_container_name(r, call->node, "new");
    AUTO_CONTAINER struct container found = CONTAINER_INIT;
    AUTO_CONTAINER struct container desired = CONTAINER_INIT;
    if (run_inspect(r, call->node, name, &found, err) != 0) {
        *ret = STEP_NOT_DONE;
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    if (check_label(r, &found, err) != 0 || desire(r, call->node, &desired, err) != 0 ||
        prove_or_remove(r, call->node, found.id, &desired, err) != 0) {
        return -1;
    }
    *ret = STEP_DONE;
    tell_created(found.id, name, desired.mount_count, ret_evidence);
    return 0;
}
