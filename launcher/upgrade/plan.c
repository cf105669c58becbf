#include "launcher/upgrade/plan.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/spec/spec.h"
#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_secret.h"

#define PLAN_SCHEMA 1

static const char *const titles[] = {
    [STEP_LOAD_IMAGE] = "have the new image",
    [STEP_CREATE_NEW] = "create the new container and compare it with the plan",
    [STEP_TRIM_HEARTBEATS] = "clear old heartbeat sequences",
    [STEP_PREPARE_BACKUP] = "prepare the backup of the MetaDB",
    [STEP_HA_OFF] = "turn HA off",
    [STEP_STOP_OLD] = "stop the old container",
    [STEP_BACKUP_METADB] = "back up the MetaDB",
    [STEP_SWAP_NAMES] = "hand the name over",
    [STEP_START_NEW] = "start the new container",
    [STEP_INIT_METADATA] = "run docker_init.sh",
    [STEP_WAIT_HEALTHY] = "wait until OMS is healthy",
    [STEP_HA_ON] = "turn HA back on",
    [STEP_KEEP_RUNNING] = "give the new container its restart policy",
    [STEP_BACK_HA_OFF] = "turn HA off again",
    [STEP_BACK_STOP_NEW] = "stop the new container, keep its log",
    [STEP_BACK_NAMES] = "give the old container its name back",
    [STEP_BACK_METADB] = "restore the databases from the backup",
    [STEP_BACK_START_OLD] = "start the old container",
    [STEP_BACK_HEALTHY] = "wait until the old OMS is healthy",
    [STEP_BACK_HA] = "turn HA back on",
};

_Static_assert(ARRAY_LEN(titles) == STEP_MAX, "a step has no title");

const char *plan_step_title(enum step_id step)
{
    return titles[step];
}

void plan_free(struct plan *p)
{
    json_decref(p->json);
    free(p->rows);
    *p = (struct plan){.json = NULL};
}

/* ---- rows ---- */

static void add_row(struct plan *p, enum step_id step, int node)
{
    p->rows = mem_grow(p->rows, p->row_count + 1, sizeof(*p->rows));
    p->rows[p->row_count++] = (struct plan_row){.step = step, .node = node};
}

static void add_row_each_node(struct plan *p, enum step_id step, size_t node_count)
{
    for (size_t i = 0; i < node_count; i++) {
        add_row(p, step, (int)i);
    }
}

/* Nodes of a region that share one configuration file are initialised once; nodes with a file of
 * their own, once each (domain, "The runbook", step 5). */
static void add_init_rows(struct plan *p, const struct deployment *d)
{
    for (size_t i = 0; i < d->node_count; i++) {
        const struct oms_config *config = &d->nodes[i].config;
        bool done = false;
        for (size_t before = 0; before < i && !done; before++) {
            const struct oms_config *other = &d->nodes[before].config;
            done =
                other->cm_location == config->cm_location && str_eq(other->digest, config->digest);
        }
        if (!done) {
            add_row(p, STEP_INIT_METADATA, (int)i);
        }
    }
}

static void add_rows(struct plan *p, const struct deployment *d)
{
    add_row_each_node(p, STEP_LOAD_IMAGE, d->node_count);
    add_row_each_node(p, STEP_CREATE_NEW, d->node_count);
    add_row(p, STEP_TRIM_HEARTBEATS, PLAN_ALL_NODES);
    add_row(p, STEP_PREPARE_BACKUP, PLAN_ALL_NODES);
    add_row(p, STEP_HA_OFF, PLAN_ALL_NODES);
    add_row_each_node(p, STEP_STOP_OLD, d->node_count);
    add_row(p, STEP_BACKUP_METADB, PLAN_ALL_NODES);
    add_row_each_node(p, STEP_SWAP_NAMES, d->node_count);
    add_row_each_node(p, STEP_START_NEW, d->node_count);
    add_init_rows(p, d);
    add_row(p, STEP_WAIT_HEALTHY, PLAN_ALL_NODES);
    /* Before HA: if that fails, OMS must come up again after a reboot all the same. */
    add_row_each_node(p, STEP_KEEP_RUNNING, d->node_count);
    add_row(p, STEP_HA_ON, PLAN_ALL_NODES);
}

static json_t *rows_to_json(const struct plan *p)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < p->row_count; i++) {
        const struct plan_row *row = &p->rows[i];
        json_t *item = json_make("{s:i, s:s, s:s}", "row", (int)i + 1, "step", step_name(row->step),
                                 "title", plan_step_title(row->step));
        if (row->node != PLAN_ALL_NODES) {
            json_put(item, "node", json_integer(row->node));
        }
        json_add(rows, item);
    }
    return rows;
}

static int rows_from_json(struct plan *p, const char *name, struct err *err)
{
    const json_t *rows = json_object_get(p->json, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *item = json_array_get(rows, i);
        const char *step = json_text(item, "step", "");
        enum step_id id = STEP_MAX;
        int64_t node = json_int(item, "node", PLAN_ALL_NODES);
        if (!step_from_name(step, &id) || id >= STEP_BACK_HA_OFF || node < PLAN_ALL_NODES ||
            node >= (int64_t)plan_node_count(p)) {
            return err_fail(err, ERR_STATE,
                            "the plan '%s' has a row that this omslaunch does not know: '%s'\n"
                            "HINT: resume with the version of omslaunch that began the run",
                            name, step);
        }
        add_row(p, id, (int)node);
    }
    return 0;
}

/* ---- nodes ---- */

/* Variables that the user set anew: if they look like secrets, their values are nowhere to be read
 * when the new container is created. */
static json_t *secrets_given(const struct container *old, const struct container *desired)
{
    json_t *names = json_array();
    const json_t *env = json_object_get(desired->config, "Env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        AUTO_FREE char *name = mem_strndup(entry, strcspn(entry, "="));
        if (spec_is_secret(name) && !str_eq(spec_env_get(env, name), container_env(old, name))) {
            json_add(names, json_from_text(name));
        }
    }
    return names;
}

static json_t *mounts_to_json(const struct container *c)
{
    json_t *mounts = json_array();
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];
        json_add(mounts, json_make("{s:s, s:s, s:s, s:b, s:s}", "type", m->type, "source",
                                   m->source, "destination", m->destination, "read_only",
                                   (int)m->read_only, "options", m->options));
    }
    return mounts;
}

/* Where OMS answers when it runs in this container. */
static json_t *health_to_json(const struct node *n, const struct container *c)
{
    const char *host = spec_env_get(json_object_get(c->config, "Env"), "OMS_HOST_IP");
    AUTO_FREE char *url = oms_health_url(host != NULL ? host : "127.0.0.1", n->config.nginx_port,
                                         container_has_tls(c));
    return json_make("{s:s, s:s?}", "url", url, "host_ip", host);
}

static json_t *node_to_json(const struct plan_request *r, size_t i)
{
    const struct node *n = &r->deployment->nodes[i];
    const struct container *desired = &r->desired[i];
    json_t *restart = json_object_get(n->old.host_config, "RestartPolicy");
    json_t *config = json_deep_copy(desired->config);
    json_t *host_config = json_deep_copy(desired->host_config);
    spec_secrets_hide(config, host_config);
    json_t *node = json_object();
    json_put_text(node, "name", n->name);
    json_put_text(node, "endpoint", n->endpoint);
    json_put(node, "old",
             json_make("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "id", n->old.id, "name", n->old.name,
                       "image", n->old.image_ref, "image_id", n->old.image_id, "running",
                       (int)n->old.running, "health", health_to_json(n, &n->old), "restart_policy",
                       restart == NULL ? json_null() : json_deep_copy(restart)));
    json_put(node, "new",
             json_make("{s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o}", "name", desired->name, "image",
                       desired->image_ref, "image_id", r->images[i].id, "health",
                       health_to_json(n, desired), "secrets_given", secrets_given(&n->old, desired),
                       "config", config, "host_config", host_config, "mounts",
                       mounts_to_json(desired)));
    json_put(node, "changes", spec_diff(&n->old, n->old_image, desired, r->new_image_configs[i]));
    json_put(node, "region", json_integer(n->config.cm_location));
    return node;
}

/* Each heartbeat database once, whatever many nodes share it. */
static json_t *heartbeat_databases(const struct deployment *d)
{
    AUTO_STRV struct strv names = STRV_INIT;
    json_t *list = json_array();
    for (size_t i = 0; i < d->node_count; i++) {
        const char *name = d->nodes[i].config.heartbeat_db;
        if (!strv_has(&names, name)) {
            strv_add(&names, name);
            json_add(list, json_from_text(name));
        }
    }
    return list;
}

static json_t *version_to_json(const struct oms_version *v, const char *tag)
{
    char text[OMS_VERSION_TEXT_MAX];
    return json_make("{s:s, s:s?}", "tag", tag, "version",
                     v == NULL ? NULL : oms_version_format(v, text));
}

static json_t *waived_to_json(const struct findings *findings)
{
    json_t *waived = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (f->verdict == VERDICT_WAIVED) {
            json_add(waived, json_make("{s:s, s:s?, s:s, s:s?}", "rule", f->rule, "node", f->node,
                                       "text", f->text, "reason", f->waiver_reason));
        }
    }
    return waived;
}

static json_t *options_to_json(const struct plan_options *o)
{
    return json_make("{s:s?, s:I, s:I, s:i, s:b}", "load_file", o->load_file, "stop_timeout_ms",
                     (json_int_t)o->stop_timeout_ms, "health_timeout_ms",
                     (json_int_t)o->health_timeout_ms, "refetch_reserve_min",
                     (int)o->refetch_reserve_min, "perceive_checkpoint",
                     (int)o->perceive_checkpoint);
}

/* The words of a waived rule may hold figures of the moment: free space, a clock's drift. */
static void drop_words(json_t *document)
{
    json_t *waived = json_array();
    const json_t *all = json_object_get(document, "waived");
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *item = json_copy(json_array_get(all, i));
        json_object_del(item, "text");
        json_add(waived, item);
    }
    json_put(document, "waived", waived);
}

/* What a plan does, and nothing of when it was made: the same work has the same digest. */
static void digest_plan(const json_t *document, char *ret)
{
    AUTO_JSON json_t *copy = json_copy((json_t *)(uintptr_t)document);
    json_object_del(copy, "digest");
    json_object_del(copy, "findings");
    if (json_is_object(copy)) {
        drop_words(copy);
    }
    AUTO_FREE char *text = json_canonical(copy);
    digest_of(text, strlen(text), ret);
}

void plan_make(const struct plan_request *r, struct plan *ret)
{
    const struct deployment *d = r->deployment;
    const struct oms_config *config = &d->nodes[0].config;
    struct plan p = {.json = json_object()};
    json_put(p.json, "schema", json_integer(PLAN_SCHEMA));
    json_put_text(p.json, "tool", "omslaunch " OMSLAUNCH_VERSION);
    json_put_text(p.json, "action", "upgrade");
    json_put_text(p.json, "deployment", d->nodes[0].old.name);
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;
    image_ref_split(r->desired[0].image_ref, &repository, &tag);
    json_put(p.json, "from", version_to_json(r->from, d->nodes[0].old_image_tag));
    json_put(p.json, "to", version_to_json(r->to, tag));
    json_put(p.json, "metadb",
             json_make("{s:s, s:i, s:s, s:s, s:s, s:o}", "host", config->meta_host, "port",
                       (int)config->meta_port, "user", config->meta_user, "rm", config->rm_db, "cm",
                       config->cm_db, "heartbeat", heartbeat_databases(d)));
    json_t *nodes = json_array();
    for (size_t i = 0; i < d->node_count; i++) {
        json_add(nodes, node_to_json(r, i));
    }
    json_put(p.json, "nodes", nodes);
    json_put(p.json, "options", options_to_json(&r->options));
    json_put(p.json, "waived", waived_to_json(r->findings));
    add_rows(&p, d);
    json_put(p.json, "rows", rows_to_json(&p));
    json_put(p.json, "findings", findings_to_json(r->findings));
    digest_plan(p.json, p.digest);
    *ret = p;
}

json_t *plan_to_json(const struct plan *p)
{
    json_t *document = json_deep_copy(p->json);
    json_put_text(document, "digest", p->digest);
    return document;
}

int plan_from_json(const json_t *document, const char *name, struct plan *ret, struct err *err)
{
    AUTO_PLAN struct plan p = {.json = json_deep_copy(document)};
    AUTO_FREE char *stored = mem_strdup(json_text(p.json, "digest", ""));
    json_object_del(p.json, "digest");
    digest_plan(p.json, p.digest);
    if (!str_eq(stored, p.digest)) {
        return err_fail(err, ERR_STATE,
                        "the plan '%s' is not what was stored: its digest is %.12s, it says %.12s\n"
                        "HINT: nothing was changed; do not edit a stored plan",
                        name, p.digest, stored);
    }
    if (json_int(p.json, "schema", 0) != PLAN_SCHEMA) {
        return err_fail(err, ERR_STATE,
                        "the plan '%s' has schema %d, expected %d\n"
                        "HINT: use the version of omslaunch that made it",
                        name, (int)json_int(p.json, "schema", 0), PLAN_SCHEMA);
    }
    if (rows_from_json(&p, name, err) != 0) {
        return -1;
    }
    *ret = p;
    p = (struct plan){.json = NULL};
    return 0;
}

const json_t *plan_node(const struct plan *p, int node)
{
    return json_array_get(json_object_get(p->json, "nodes"), (size_t)node);
}

size_t plan_node_count(const struct plan *p)
{
    return json_array_size(json_object_get(p->json, "nodes"));
}

static void mounts_from_json(const json_t *mounts, struct container *c)
{
    size_t count = json_array_size(mounts);
    c->mounts = mem_grow(NULL, count + 1, sizeof(*c->mounts));
    for (size_t i = 0; i < count; i++) {
        const json_t *m = json_array_get(mounts, i);
        c->mounts[c->mount_count++] = (struct mount){
            .type = mem_strdup(json_text(m, "type", "")),
            .source = mem_strdup(json_text(m, "source", "")),
            .destination = mem_strdup(json_text(m, "destination", "")),
            .read_only = json_bool(m, "read_only", false),
            .options = mem_strdup(json_text(m, "options", "")),
        };
    }
}

int plan_desired(const struct plan *p, int node, struct container *ret, struct err *err)
{
    const json_t *new = json_object_get(plan_node(p, node), "new");
    if (new == NULL) {
        return err_fail(err, ERR_STATE, "the plan has no node %d", node);
    }
    struct container c = CONTAINER_INIT;
    c.name = mem_strdup(json_text(new, "name", ""));
    c.image_ref = mem_strdup(json_text(new, "image", ""));
    c.config = json_deep_copy(json_object_get(new, "config"));
    c.host_config = json_deep_copy(json_object_get(new, "host_config"));
    mounts_from_json(json_object_get(new, "mounts"), &c);
    *ret = c;
    return 0;
}
