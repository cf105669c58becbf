#include "inspect/container.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/mem.h"
#include "launcher/base/str.h"

#define WHAT "answer of the engine about the container"

static const char *const oms_binds[] = {OMS_PATH_CONFIG, OMS_PATH_LOGS, OMS_PATH_STORE,
                                        OMS_PATH_RUN};

/* Drops the last component of `s`, which ends without a slash; "/" and "" stay. */
static void drop_last(struct str *s)
{
    size_t n = s->len;

    while (n > 0 && s->data[n - 1] != '/') {
        n--;
    }
    if (n > 1) {
        n--;
    }
    s->len = n;
    if (s->data) {
        s->data[n] = '\0';
    }
}

char *path_clean(const char *path)
{
    const bool absolute = path[0] == '/';
    AUTO_STR struct str s = STR_INIT;
    size_t fixed = 0; /* leading ".." of a relative path cannot be dropped */

    if (absolute) {
        str_append_c(&s, '/');
    }
    while (*path) {
        const size_t n = strcspn(path, "/");
        const bool up = n == 2 && path[0] == '.' && path[1] == '.';

        if (up && s.len > fixed) {
            drop_last(&s);
        } else if (n > 0 && !(n == 1 && path[0] == '.') && !(up && absolute)) {
            if (s.len > 0 && s.data[s.len - 1] != '/') {
                str_append_c(&s, '/');
            }
            str_append_n(&s, path, n);
            if (up) {
                fixed = s.len;
            }
        }
        path += n;
        path += strspn(path, "/");
    }
    if (s.len == 0) {
        str_append_c(&s, '.');
    }
    return str_take(&s);
}

static void mount_free(struct mount *m)
{
    free(m->type);
    free(m->source);
    free(m->destination);
    free(m->options);
    *m = (struct mount){0};
}

void container_free(struct container *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < c->mount_count; i++) {
        mount_free(&c->mounts[i]);
    }
    free(c->mounts);
    free(c->id);
    free(c->name);
    free(c->image_ref);
    free(c->image_id);
    free(c->status);
    free(c->started_at);
    free(c->finished_at);
    json_decref(c->config);
    json_decref(c->host_config);
    *c = (struct container)CONTAINER_INIT;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "rslave,z" of Mode "z,rw" and Propagation "rslave". The engine repeats a propagation given with
 * -v in both fields, one given with --mount only in the second: both spellings must compare equal.
 */
static char *mount_options(const char *mode, const char *propagation)
{
    AUTO_STRV struct strv flags = STRV_INIT;
    AUTO_STR struct str joined = STR_INIT;

    while (*mode) {
        const size_t n = strcspn(mode, ",");
        AUTO_FREE char *flag = mem_strndup(mode, n);

        if (n > 0 && !str_eq(flag, "rw") && !str_eq(flag, "ro") && !str_eq(flag, "rprivate") &&
            !strv_has(&flags, flag)) {
            strv_add(&flags, flag);
        }
        mode += n;
        mode += strspn(mode, ",");
    }
    if (*propagation && !str_eq(propagation, "rprivate") && !strv_has(&flags, propagation)) {
        strv_add(&flags, propagation);
    }
    if (flags.count > 1) {
        qsort(flags.items, flags.count, sizeof(*flags.items), compare_texts);
    }
    for (size_t i = 0; i < flags.count; i++) {
        str_appendf(&joined, "%s%s", i ? "," : "", flags.items[i]);
    }
    return str_take(&joined);
}

static int mount_from_engine(const json_t *j, struct mount *ret, struct err *err)
{
    const char *type, *destination;
    const char *source = json_text(j, "Source", "");

    if (json_need_text(j, "Type", WHAT ", a mount", &type, err) ||
        json_need_text(j, "Destination", WHAT ", a mount", &destination, err)) {
        return -1;
    }
    if (!json_is_boolean(json_walk(j, "RW"))) {
        return err_fail(err, ERR_FAILED, WHAT ": mount at '%s' has no 'RW'", destination);
    }
    /* A volume's Source is a folder of the engine's own; what a user named is its Name. */
    if (str_eq(type, "volume")) {
        source = json_text(j, "Name", source);
    }
    *ret = (struct mount){
        .type = mem_strdup(type),
        .source = str_eq(type, "bind") && *source ? path_clean(source) : mem_strdup(source),
        .destination = path_clean(destination),
        .read_only = !json_bool(j, "RW", true),
        .options = mount_options(json_text(j, "Mode", ""), json_text(j, "Propagation", "")),
    };
    return 0;
}

static int compare_mounts(const void *a, const void *b)
{
    const struct mount *x = a, *y = b;

    return strcmp(x->destination, y->destination);
}

static int mounts_from_engine(const json_t *answer, struct container *c, struct err *err)
{
    const json_t *array = json_walk(answer, "Mounts");
    const size_t count = json_array_size(array);

    if (array && !json_is_array(array)) {
        return err_fail(err, ERR_FAILED, WHAT ": 'Mounts' is no list");
    }
    if (count == 0) {
        return 0;
    }
    c->mounts = mem_alloc(count * sizeof(*c->mounts));
    for (size_t i = 0; i < count; i++) {
        if (mount_from_engine(json_array_get(array, i), &c->mounts[i], err)) {
            return -1;
        }
        c->mount_count++;
    }
    qsort(c->mounts, count, sizeof(*c->mounts), compare_mounts);
    return 0;
}

/* A deep copy: what is desired is made from it by changing it. */
static int copy_object(const json_t *answer, const char *key, json_t **ret, struct err *err)
{
    const json_t *j = json_object_get(answer, key);

    if (!json_is_object(j)) {
        return err_fail(err, ERR_FAILED, WHAT ": '%s' is missing or no object", key);
    }
    *ret = json_deep_copy(j);
    return 0;
}

int container_from_engine(const json_t *answer, struct container *ret, struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    const char *id, *name, *image_id, *image_ref, *status;

    if (!json_is_object(answer)) {
        return err_fail(err, ERR_FAILED, WHAT " is no JSON object");
    }
    if (json_need_text(answer, "Id", WHAT, &id, err) ||
        json_need_text(answer, "Name", WHAT, &name, err) ||
        json_need_text(answer, "Image", WHAT, &image_id, err) ||
        json_need_text(answer, "Config.Image", WHAT, &image_ref, err) ||
        json_need_text(answer, "State.Status", WHAT, &status, err)) {
        return -1;
    }
    if (copy_object(answer, "Config", &c.config, err) ||
        copy_object(answer, "HostConfig", &c.host_config, err) ||
        mounts_from_engine(answer, &c, err)) {
        return -1;
    }
    c.id = mem_strdup(id);
    c.name = mem_strdup(name[0] == '/' ? name + 1 : name);
    c.image_id = mem_strdup(image_id);
    c.image_ref = mem_strdup(image_ref);
    c.status = mem_strdup(status);
    c.started_at = mem_strdup(json_text(answer, "State.StartedAt", ""));
    c.finished_at = mem_strdup(json_text(answer, "State.FinishedAt", ""));
    c.running = json_bool(answer, "State.Running", false);
    c.restarting = json_bool(answer, "State.Restarting", false);
    c.exit_code = (int)json_int(answer, "State.ExitCode", 0);
    c.pid = (int)json_int(answer, "State.Pid", 0);
    *ret = c;
    c = (struct container)CONTAINER_INIT;
    return 0;
}

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : mem_strdup(text);
}

void container_copy(const struct container *c, struct container *ret)
{
    *ret = *c;
    ret->id = copy_text(c->id);
    ret->name = copy_text(c->name);
    ret->image_ref = copy_text(c->image_ref);
    ret->image_id = copy_text(c->image_id);
    ret->status = copy_text(c->status);
    ret->started_at = copy_text(c->started_at);
    ret->finished_at = copy_text(c->finished_at);
    ret->config = json_deep_copy(c->config);
    ret->host_config = json_deep_copy(c->host_config);
    ret->mounts = mem_grow(NULL, c->mount_count + 1, sizeof(*ret->mounts));
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];
        ret->mounts[i] = (struct mount){
            .type = copy_text(m->type),
            .source = copy_text(m->source),
            .destination = copy_text(m->destination),
            .read_only = m->read_only,
            .options = copy_text(m->options),
        };
    }
}

const struct mount *container_mount_at(const struct container *c, const char *destination)
{
    AUTO_FREE char *clean = path_clean(destination);

    for (size_t i = 0; i < c->mount_count; i++) {
        if (str_eq(c->mounts[i].destination, clean)) {
            return &c->mounts[i];
        }
    }
    return NULL;
}

const char *container_env(const struct container *c, const char *name)
{
    const json_t *env = json_object_get(c->config, "Env");
    const size_t n = strlen(name);
    const char *found = NULL;

    /* The last one of several wins, as in the runtime. */
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));

        if (entry && strncmp(entry, name, n) == 0 && entry[n] == '=') {
            found = entry + n + 1;
        }
    }
    return found;
}

const char *container_label(const struct container *c, const char *name)
{
    return json_string_value(json_object_get(json_object_get(c->config, "Labels"), name));
}

const char *container_restart_policy(const struct container *c)
{
    const char *name = json_text(c->host_config, "RestartPolicy.Name", "no");

    return name[0] == '\0' ? "no" : name;
}

bool container_is_oms(const struct container *c)
{
    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        if (container_mount_at(c, oms_binds[i])) {
            return true;
        }
    }
    return false;
}

bool container_has_tls(const struct container *c)
{
    return container_mount_at(c, OMS_PATH_TLS_CRT) && container_mount_at(c, OMS_PATH_TLS_KEY);
}
