#include "inspect/deployment.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/oms_version.h"
#include "launcher/base/fs.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)

void node_free(struct node *n)
{
    if (!n) {
        return;
    }
    free(n->name);
    free(n->endpoint);
    free(n->listed_ip);
    container_free(&n->old);
    oms_config_free(&n->config);
    config_seen_free(&n->seen);
    free(n->host_ip);
    json_decref(n->old_image);
    free(n->old_image_tag);
    free(n->old_image_repository);
    free(n->old_image_note);
    mount_facts_free(&n->mounts);
    tls_facts_free(&n->tls);
    host_facts_free(&n->host);
    port_facts_free(&n->ports);
    neighbours_free(&n->neighbours);
    oms_health_free(&n->health);
    *n = (struct node){0};
}

void deployment_init(struct deployment *d)
{
    *d = (struct deployment){0};
}

void deployment_free(struct deployment *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < d->node_count; i++) {
        node_free(&d->nodes[i]);
    }
    free(d->nodes);
    for (size_t i = 0; i < d->lost_count; i++) {
        free(d->lost[i].name);
        free(d->lost[i].ip);
    }
    free(d->lost);
    metadb_facts_free(&d->metadb);
    servers_free(&d->servers);
    deployment_init(d);
}

void deployment_add_take(struct deployment *d, struct node *node)
{
    d->nodes = mem_grow(d->nodes, d->node_count + 1, sizeof(*d->nodes));
    d->nodes[d->node_count++] = *node;
    *node = (struct node){0};
}

void deployment_add_lost(struct deployment *d, const char *name, const char *ip,
                         const struct err *why)
{
    d->lost = mem_grow(d->lost, d->lost_count + 1, sizeof(*d->lost));
    d->lost[d->lost_count++] = (struct lost_node){
        .name = mem_strdup(name), .ip = ip == NULL ? NULL : mem_strdup(ip), .err = *why};
}

/* Turns "no such container" into an answer that names the ones that could have been meant. */
static int explain_unknown(struct engine *e, const char *name, struct err *err)
{
    AUTO_JSON json_t *list = NULL;
    AUTO_STR struct str found = STR_INIT;
    CLEANUP(neighbours_free) struct neighbours all = {0};
    struct err ignored = ERR_INIT;

    if (engine_container_list(e, NULL, &list, &ignored) == 0) {
        neighbours_from_list(list, NULL, &all);
    }
    neighbours_describe_oms(&all, &found);
    err_fail(err, ERR_NOT_FOUND, "there is no container '%s' on engine '%s'", name,
             engine_endpoint_shown(e));
    if (found.len > 0) {
        return err_hint(err, "OMS containers here: %s", str_get(&found));
    }
    return err_hint(err, "no container here has OMS binds; is this the right engine (--host)?");
}

static int observe_container(struct engine *e, const char *name, struct container *ret,
                             struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    if (engine_container_inspect(e, name, &answer, err)) {
        return err->kind == ERR_NOT_FOUND ? explain_unknown(e, name, err)
                                          : err_wrap(err, "container '%s'", name);
    }
    if (container_from_engine(answer, &c, err)) {
        return err_wrap(err, "container '%s'", name);
    }
    if (!container_is_oms(&c)) {
        return err_fail(err, ERR_CONFIG,
                        "container '%s' is not an OMS container: it has none of the OMS binds\n"
                        "HINT: looked for mounts at " OMS_PATH_CONFIG ", " OMS_PATH_LOGS
                        ", " OMS_PATH_STORE " and " OMS_PATH_RUN
                        "; `docker inspect %s` shows what it has",
                        c.name, c.name);
    }
    *ret = c;
    c = (struct container)CONTAINER_INIT;
    return 0;
}

static int observe_neighbours(struct engine *e, struct node *n, struct err *err)
{
    AUTO_JSON json_t *list = NULL;

    if (engine_container_list(e, NULL, &list, err)) {
        return err_wrap(err, "list of containers");
    }
    neighbours_from_list(list, n->old.id, &n->neighbours);
    return 0;
}

/* Any other read of it would make the engine create the missing bind sources as folders. */
static int read_config_on_host(struct node *n, struct err *err)
{
    const struct mount *m = container_mount_at(&n->old, OMS_PATH_CONFIG);
    const struct mount_fact *fact = mount_facts_at(&n->mounts, OMS_PATH_CONFIG);
    AUTO_FREE char *name = NULL;
    AUTO_STR struct str text = STR_INIT;
    int failed;

    if (!m || !fact->on_host) {
        return err_fail(err, ERR_CONFIG,
                        "container '%s' binds a source that is missing on the host\n"
                        "HINT: compare `docker inspect %s` with the host's folders",
                        n->old.name, n->old.name);
    }
    name = mem_printf("config.yaml of container '%s' ('%s' on the host)", n->old.name, m->source);
    if (fact->kind != PATH_FILE) {
        return err_fail(err, ERR_CONFIG,
                        "%s is %s, expected a file\n"
                        "HINT: put the file back where the container binds it from",
                        name, path_kind_text(fact->kind));
    }
    failed = fs_read(m->source, CONFIG_SIZE_MAX, false, &text, err);
    if (failed) {
        err_wrap(err, "%s", name);
        if (err->kind != ERR_PERMISSION) {
            err->kind = ERR_CONFIG;
        }
    } else {
        failed = oms_config_parse(str_get(&text), text.len, name, &n->config, err);
    }
    if (text.data) {
        secret_wipe(text.data, text.cap);
    }
    return failed;
}

static int observe_config(struct engine *e, struct node *n, struct err *err)
{
    const struct mount *m = container_mount_at(&n->old, OMS_PATH_CONFIG);
    const struct mount_fact *fact = mount_facts_at(&n->mounts, OMS_PATH_CONFIG);

    if (n->mounts.source_missing || n->mounts.source_wrong) {
        return read_config_on_host(n, err);
    }
    return oms_config_read(e, n->old.name, m && fact && fact->on_host ? m->source : NULL,
                           &n->config, err);
}

/* A container that was made from an image's ID or digest has no tag; the image may have some. Tags
 * of several versions tell none. */
static void name_of_image(const json_t *image, char **ret_repository, char **ret_tag)
{
    const json_t *tags = json_object_get(image, "RepoTags");
    AUTO_FREE char *found = NULL;
    AUTO_FREE char *found_repository = NULL;
    struct oms_version first = {0};
    struct err ignored = ERR_INIT;

    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *ref = json_string_value(json_array_get(tags, i));
        AUTO_FREE char *repository = NULL;
        AUTO_FREE char *tag = NULL;
        struct oms_version version;

        if (!ref) {
            continue;
        }
        image_ref_split(ref, &repository, &tag);
        if (oms_version_parse(tag, &version, &ignored)) {
            continue;
        }
        if (found &&
            (version.edition != first.edition || oms_version_compare(&version, &first) != 0)) {
            *ret_repository = mem_strdup("");
            *ret_tag = mem_strdup("");
            return;
        }
        if (!found) {
            found = TAKE(tag);
            found_repository = TAKE(repository);
            first = version;
        }
    }
    *ret_repository = found ? TAKE(found_repository) : mem_strdup("");
    *ret_tag = found ? TAKE(found) : mem_strdup("");
}

/* Was the container made from an image's ID, whole or shortened? That names no repository. */
static bool is_made_from_id(const struct container *c)
{
    const char *hex = str_starts_with(c->image_id, "sha256:") ? c->image_id + 7 : c->image_id;
    const char *ref = str_starts_with(c->image_ref, "sha256:") ? c->image_ref + 7 : c->image_ref;

    return *ref && str_starts_with(hex, ref);
}

/* What the reference does not tell, the image's own names may. */
static void fill_in_name(const json_t *image, struct node *n)
{
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;

    name_of_image(image, &repository, &tag);
    if (!*n->old_image_repository) {
        free(n->old_image_repository);
        n->old_image_repository = TAKE(repository);
    }
    if (!*n->old_image_tag) {
        free(n->old_image_tag);
        n->old_image_tag = TAKE(tag);
    }
}

/* By ID: the tag may have moved to another image since. */
static int observe_image(struct engine *e, struct node *n, struct err *err)
{
    AUTO_JSON json_t *image = NULL;

    image_ref_split(n->old.image_ref, &n->old_image_repository, &n->old_image_tag);
    if (is_made_from_id(&n->old)) {
        n->old_image_repository[0] = '\0';
    }
    if (engine_image_inspect(e, n->old.image_id, &image, err)) {
        if (err->kind != ERR_NOT_FOUND) {
            return err_wrap(err, "image of container '%s'", n->old.name);
        }
        n->old_image_note = mem_printf("image '%s' (%s) is no longer on the engine",
                                       n->old.image_ref, n->old.image_id);
        return 0;
    }
    n->old_image = json_incref(json_object_get(image, "Config"));
    fill_in_name(image, n);
    return 0;
}

int node_observe(struct engine *e, const char *container_name, struct node *ret, struct err *err)
{
    AUTO_NODE struct node n = {0};
    const char *ip;

    n.name = mem_strdup(engine_endpoint_shown(e));
    n.endpoint = mem_strdup(engine_endpoint(e));
    if (observe_container(e, container_name, &n.old, err) || host_facts_observe(e, &n.host, err) ||
        observe_neighbours(e, &n, err) ||
        mount_facts_observe(e, &n.old, n.host.local, &n.mounts, err) ||
        observe_config(e, &n, err) ||
        tls_facts_observe(e, &n.old, n.mounts.source_missing || n.mounts.source_wrong, &n.tls,
                          err) ||
        observe_image(e, &n, err)) {
        return -1;
    }
    ip = container_env(&n.old, "OMS_HOST_IP");
    n.host_ip = ip && *ip ? mem_strdup(ip) : NULL;
    *ret = n;
    n = (struct node){0};
    return 0;
}

void node_look_at_config(struct engine *e, struct node *n)
{
    const struct mount *m = container_mount_at(&n->old, OMS_PATH_CONFIG);
    const struct mount_fact *fact = mount_facts_at(&n->mounts, OMS_PATH_CONFIG);
    const bool on_host = m && fact && fact->on_host;

    /* As when it was read first: the engine would create the missing sources. */
    if (!n->mounts.source_missing && !n->mounts.source_wrong) {
        config_seen_observe(e, &n->old, n->host.local, &n->config, on_host ? m->source : NULL,
                            &n->seen);
    }
}

void node_look_at_ports(struct node *n)
{
    if (n->host.local) {
        port_facts_read("/proc", &n->config, n->old.id, n->host_ip, &n->ports);
    }
}

/* Someone has edited the port in the container (domain, "Sites as they are"): which of the ports
 * that it listens on, and that config.yaml does not name, is the console's? */
static void find_console(struct node *n, struct health_place *place, uint64_t timeout_ms)
{
    for (size_t i = 0; i < n->ports.other_count; i++) {
        AUTO_OMS_HEALTH struct oms_health health = {.answer = HEALTH_NOT_ASKED};

        place->port = n->ports.others[i];
        oms_health_find(place, timeout_ms, &health);
        if (health.answer == HEALTH_WELL) {
            n->console_port = n->ports.others[i];
            oms_health_free(&n->health);
            n->health = health;
            health = (struct oms_health){.answer = HEALTH_NOT_ASKED};
            return;
        }
    }
}

void node_ask_health(struct engine *e, struct node *n, uint64_t timeout_ms)
{
    struct health_place place = {
        .host_ip = n->host_ip,
        .port = n->config.nginx_port,
        .tls = container_has_tls(&n->old),
        .local = n->host.local,
        .engine = e,
        .container = n->old.id,
    };

    if (!n->old.running || (!n->host_ip && !n->host.local && !e)) {
        return;
    }
    oms_health_free(&n->health);
    oms_health_find(&place, timeout_ms, &n->health);
    if (n->health.answer == HEALTH_SILENT) {
        find_console(n, &place, timeout_ms);
    }
}
