#include "launcher/spec/spec.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_secret.h"

/* `--ulimit nproc=65535:65535` of the runbook. */
#define NPROC_LIMIT 65535
/* The engine names a container by so many digits of its ID when nobody says otherwise. */
#define SHORT_ID_LEN 12

static json_t *section_of(const struct container *c, const char *section)
{
    return str_eq(section, "Config") ? c->config : c->host_config;
}

/* A name that nobody chose: the engine's own, out of the container's ID, or the host's. */
static bool hostname_is_given(const struct container *c)
{
    const char *hostname = json_text(c->config, "Hostname", "");
    return str_eq(json_text(c->host_config, "UTSMode", ""), "host") ||
           (c->id != NULL && strlen(hostname) == SHORT_ID_LEN &&
            strncmp(c->id, hostname, SHORT_ID_LEN) == 0);
}

json_t *spec_user_value(const struct container *old, const json_t *old_image,
                        const struct spec_field *f)
{
    const json_t *value = json_object_get(section_of(old, f->section), f->name);
    if (str_eq(f->name, "Entrypoint") && spec_is_empty(value) &&
        !spec_is_empty(json_object_get(old_image, f->name))) {
        /* Taken away by the user; this is how the engine is told so. */
        return json_make("[s]", "");
    }
    if (f->fate == SPEC_DERIVED || f->fate == SPEC_LOST || spec_is_empty(value) ||
        (str_eq(f->name, "Hostname") && hostname_is_given(old))) {
        return spec_subtract(f->shape, NULL, NULL);
    }
    return spec_subtract(f->shape, value, spec_image_default(f, old->config, old_image));
}

/* What the user set in one section of the old container. */
static json_t *keep_section(const struct container *old, const json_t *old_image,
                            const char *section)
{
    json_t *kept = json_object();
    size_t count;
    const struct spec_field *fields = spec_field_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(fields[i].section, section)) {
            continue;
        }
        json_t *own = spec_user_value(old, old_image, &fields[i]);
        if (spec_is_empty(own)) {
            json_decref(own);
        } else {
            json_put(kept, fields[i].name, own);
        }
    }
    return kept;
}

static int set_environment(const struct spec_request *request, json_t *config, struct err *err)
{
    json_t *env = json_object_get(config, "Env");
    if (env == NULL) {
        env = json_array();
        json_put(config, "Env", env);
    }
    const char *host_ip =
        request->host_ip != NULL ? request->host_ip : container_env(request->old, "OMS_HOST_IP");
    if (host_ip != NULL) {
        spec_env_set(env, "OMS_HOST_IP", host_ip);
    }
    if (request->is_upgrade) {
        spec_env_set(env, "IS_UPGRADE", "true");
    } else {
        spec_env_drop(env, "IS_UPGRADE");
    }
    for (size_t i = 0; request->set_env != NULL && i < request->set_env->count; i++) {
        const char *entry = request->set_env->items[i];
        const char *equals = strchr(entry, '=');
        if (equals == NULL || equals == entry) {
            return err_fail(err, ERR_USAGE,
                            "--set-env '%s' is no variable\nHINT: write it as NAME=VALUE", entry);
        }
        AUTO_FREE char *name = mem_strndup(entry, (size_t)(equals - entry));
        spec_env_set(env, name, equals + 1);
    }
    return 0;
}

/* A privileged container has no label of SELinux: the engine adds this by itself, the plan says it.
 */
static void set_privileged(json_t *host_config)
{
    if (!json_bool(host_config, "Privileged", false)) {
        json_t *options = json_object_get(host_config, "SecurityOpt");
        if (options == NULL) {
            options = json_array();
            json_put(host_config, "SecurityOpt", options);
        }
        json_add(options, json_from_text("label=disable"));
    }
    json_put(host_config, "Privileged", json_true());
}

/* In its place, so that the others stay as they were written. */
static void set_nproc(json_t *host_config)
{
    json_t *nproc =
        json_make("{s:s, s:i, s:i}", "Name", "nproc", "Soft", NPROC_LIMIT, "Hard", NPROC_LIMIT);
    json_t *limits = json_object_get(host_config, "Ulimits");
    if (limits == NULL) {
        limits = json_array();
        json_put(host_config, "Ulimits", limits);
    }
    for (size_t i = 0; i < json_array_size(limits); i++) {
        if (str_eq(json_text(json_array_get(limits, i), "Name", ""), "nproc")) {
            json_array_set_new(limits, i, nproc);
            return;
        }
    }
    json_add(limits, nproc);
}

static void add_mount(struct container *c, const struct mount *m)
{
    c->mounts = mem_grow(c->mounts, c->mount_count + 1, sizeof(*c->mounts));
    c->mounts[c->mount_count++] = (struct mount){
        .type = mem_strdup(m->type),
        .source = mem_strdup(m->source),
        .destination = mem_strdup(m->destination),
        .read_only = m->read_only,
        .options = mem_strdup(m->options),
    };
}

/* "/host/x:/inside/x:ro" mounts at `destination`. */
static bool bind_is_at(const char *bind, const char *destination)
{
    const char *colon = strchr(bind, ':');
    if (colon == NULL) {
        return false;
    }
    AUTO_FREE char *inside = mem_strndup(colon + 1, strcspn(colon + 1, ":"));
    AUTO_FREE char *clean = path_clean(inside);
    return str_eq(clean, destination);
}

static void drop_mount_at(json_t *host_config, const char *destination)
{
    json_t *binds = json_object_get(host_config, "Binds");
    for (size_t i = json_array_size(binds); i-- > 0;) {
        if (bind_is_at(json_string_value(json_array_get(binds, i)), destination)) {
            json_array_remove(binds, i);
        }
    }
    json_t *mounts = json_object_get(host_config, "Mounts");
    for (size_t i = json_array_size(mounts); i-- > 0;) {
        AUTO_FREE char *clean = path_clean(json_text(json_array_get(mounts, i), "Target", ""));
        if (str_eq(clean, destination)) {
            json_array_remove(mounts, i);
        }
    }
}

/* What the configuration asks for at a mount's place. */
enum asked {
    ASKED_NOT,   /* only the old image did, or nobody */
    ASKED_SAME,  /* the very source that the old container has */
    ASKED_EMPTY, /* an anonymous volume: each container gets a new one */
    ASKED_MAX
};

static enum asked mount_asked(const struct container *c, const struct mount *m)
{
    const json_t *binds = json_object_get(c->host_config, "Binds");
    const json_t *mounts = json_object_get(c->host_config, "Mounts");
    for (size_t i = 0; i < json_array_size(binds); i++) {
        if (bind_is_at(json_string_value(json_array_get(binds, i)), m->destination)) {
            return ASKED_SAME;
        }
    }
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *mount = json_array_get(mounts, i);
        AUTO_FREE char *clean = path_clean(json_text(mount, "Target", ""));
        if (str_eq(clean, m->destination)) {
            return str_eq(m->type, "volume") && json_text(mount, "Source", "")[0] == '\0'
                       ? ASKED_EMPTY
                       : ASKED_SAME;
        }
    }
    if (json_array_size(json_object_get(c->host_config, "VolumesFrom")) > 0) {
        return ASKED_SAME;
    }
    return spec_has_volume(c->config, m->destination) ? ASKED_EMPTY : ASKED_NOT;
}

bool spec_has_volume(const json_t *config, const char *destination)
{
    const char *path;
    json_t *ignored;
    json_object_foreach (json_object_get(config, "Volumes"), path, ignored) {
        AUTO_FREE char *clean = path_clean(path);
        if (str_eq(clean, destination)) {
            return true;
        }
    }
    return false;
}

static int compare_mounts(const void *a, const void *b)
{
    const struct mount *left = a;
    const struct mount *right = b;
    return strcmp(left->destination, right->destination);
}

static void set_mounts(const struct spec_request *request, struct container *c)
{
    const char *const inside[] = {OMS_PATH_TLS_CRT, OMS_PATH_TLS_KEY};
    const char *const outside[] = {request->https_crt, request->https_key};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        if (outside[i] == NULL) {
            continue;
        }
        drop_mount_at(c->host_config, inside[i]);
        json_t *binds = json_object_get(c->host_config, "Binds");
        if (binds == NULL) {
            binds = json_array();
            json_put(c->host_config, "Binds", binds);
        }
        AUTO_FREE char *bind = mem_printf("%s:%s", outside[i], inside[i]);
        json_add(binds, json_from_text(bind));
        char type[] = "bind";
        char none[] = "";
        AUTO_FREE char *source = path_clean(outside[i]);
        AUTO_FREE char *destination = mem_strdup(inside[i]);
        add_mount(c,
                  &(struct mount){
                      .type = type, .source = source, .destination = destination, .options = none});
    }
    for (size_t i = 0; i < request->old->mount_count; i++) {
        struct mount m = request->old->mounts[i];
        enum asked asked = mount_asked(c, &m);
        char empty[] = "";
        if (asked == ASKED_EMPTY) {
            m.source = empty;
        }
        if (asked != ASKED_NOT && container_mount_at(c, m.destination) == NULL) {
            add_mount(c, &m);
        }
    }
    if (c->mount_count > 0) {
        qsort(c->mounts, c->mount_count, sizeof(*c->mounts), compare_mounts);
    }
}

int spec_desired(const struct spec_request *request, struct container *ret, struct err *err)
{
    const struct container *old = request->old;
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    c.name = mem_strdup(request->name);
    c.image_ref = mem_strdup(request->image_ref);
    c.config = keep_section(old, request->old_image, "Config");
    c.host_config = keep_section(old, request->old_image, "HostConfig");

    if (json_object_get(c.config, "Labels") != NULL) {
        json_object_del(json_object_get(c.config, "Labels"), SPEC_LABEL_RUN);
    }
    json_put_text(c.config, "Image", request->image_ref);
    json_put(c.config, "Tty", json_true());
    json_put(c.config, "OpenStdin", json_true());
    if (set_environment(request, c.config, err) != 0) {
        return -1;
    }
    json_put_text(c.host_config, "NetworkMode", "host");
    set_privileged(c.host_config);
    json_put(c.host_config, "PidsLimit", json_integer(-1));
    set_nproc(c.host_config);
    set_mounts(request, &c);
    *ret = c;
    c = (struct container)CONTAINER_INIT;
    return 0;
}

json_t *spec_unkeepable(const struct container *old)
{
    static const char *const sections[] = {"Config", "HostConfig"};
    json_t *found = json_array();
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const char *name;
        json_t *value;
        json_object_foreach (section_of(old, sections[i]), name, value) {
            const struct spec_field *f = spec_field_find(sections[i], name);
            if ((f == NULL || f->fate == SPEC_LOST) && !spec_is_empty(value)) {
                AUTO_FREE char *field = mem_printf("%s.%s", sections[i], name);
                json_add(found,
                         json_make("{s:s, s:o}", "field", field, "value", spec_shown(name, value)));
            }
        }
    }
    return found;
}

json_t *spec_create_body(const struct container *desired, const char *run)
{
    json_t *body = json_deep_copy(desired->config);
    json_t *host_config = json_deep_copy(desired->host_config);
    json_put(host_config, "RestartPolicy",
             json_make("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0));
    json_put(body, "HostConfig", host_config);
    json_t *labels = json_object_get(body, "Labels");
    if (labels == NULL) {
        labels = json_object();
        json_put(body, "Labels", labels);
    }
    json_put_text(labels, SPEC_LABEL_RUN, run);
    return body;
}
