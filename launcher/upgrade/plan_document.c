/* The plan as a document: its shape, checked when it is read, and its digest. */
#include "launcher/upgrade/plan.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json_fields.h"
#include "launcher/upgrade/steps.h"

#define PLAN_SCHEMA 1
#define PORT_MAX 65535

#define FIELD(type_, presence_, name_, struct_, member)                                  \
    {                                                                                    \
        .name = (name_), .type = JSON_FIELD_##type_, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct struct_, member),                                      \
    }

/* ---- tables ---- */

static const struct json_field health_items[] = {
    FIELD(TEXT, NEEDED, "url", plan_health, url),
    FIELD(TEXT, NULLABLE, "host_ip", plan_health, host_ip),
    FIELD(BOOL, OPTIONAL, "local", plan_health, local),
    FIELD(BOOL, OPTIONAL, "inside", plan_health, inside),
    FIELD(BOOL, OPTIONAL, "no_container", plan_health, no_container),
    FIELD(BOOL, OPTIONAL, "no_console", plan_health, no_console),
    FIELD(BOOL, OPTIONAL, "no_endpoint", plan_health, no_endpoint),
    FIELD(BOOL, OPTIONAL, "no_server", plan_health, no_server),
    FIELD(BOOL, OPTIONAL, "no_heartbeat", plan_health, no_heartbeat),
};
static const struct json_fields health_fields = JSON_FIELDS(health_items);

static const struct json_field version_items[] = {
    FIELD(TEXT, NEEDED, "tag", plan_version, tag),
    FIELD(TEXT, NULLABLE, "version", plan_version, version),
};
static const struct json_fields version_fields = JSON_FIELDS(version_items);

static const struct json_field metadb_items[] = {
    FIELD(TEXT, NEEDED, "host", plan_metadb, host),
    FIELD(NUMBER, NEEDED, "port", plan_metadb, port),
    FIELD(TEXT, NEEDED, "user", plan_metadb, user),
    FIELD(TEXT, NEEDED, "rm", plan_metadb, rm),
    FIELD(TEXT, NEEDED, "cm", plan_metadb, cm),
    FIELD(TEXTS, NEEDED, "heartbeat", plan_metadb, heartbeat),
};
static const struct json_fields metadb_fields = JSON_FIELDS(metadb_items);

static const struct json_field mount_items[] = {
    FIELD(TEXT, NEEDED, "type", mount, type),
    FIELD(TEXT, NEEDED, "source", mount, source),
    FIELD(TEXT, NEEDED, "destination", mount, destination),
    FIELD(BOOL, NEEDED, "read_only", mount, read_only),
    FIELD(TEXT, NEEDED, "options", mount, options),
};
static const struct json_fields mount_fields = JSON_FIELDS(mount_items);

/* Members that are documents themselves are read in a second step. */
struct raw_old {
    struct plan_old old;
    json_t *health;
};
static const struct json_field old_items[] = {
    FIELD(TEXT, NEEDED, "id", raw_old, old.id),
    FIELD(TEXT, NEEDED, "name", raw_old, old.name),
    FIELD(TEXT, NEEDED, "image", raw_old, old.image),
    FIELD(TEXT, NEEDED, "image_id", raw_old, old.image_id),
    FIELD(BOOL, NEEDED, "running", raw_old, old.running),
    FIELD(OBJECT, NEEDED, "health", raw_old, health),
    FIELD(OBJECT, NULLABLE, "restart_policy", raw_old, old.restart_policy),
};
static const struct json_fields old_fields = JSON_FIELDS(old_items);

struct raw_new {
    struct plan_new new;
    json_t *health, *mounts;
};
static const struct json_field new_items[] = {
    FIELD(TEXT, NEEDED, "name", raw_new, new.desired.name),
    FIELD(TEXT, NEEDED, "image", raw_new, new.desired.image_ref),
    FIELD(TEXT, NULLABLE, "image_id", raw_new, new.image_id),
    FIELD(OBJECT, NEEDED, "health", raw_new, health),
    FIELD(TEXTS, NEEDED, "secrets_given", raw_new, new.secrets_given),
    FIELD(OBJECT, NEEDED, "config", raw_new, new.desired.config),
    FIELD(OBJECT, NEEDED, "host_config", raw_new, new.desired.host_config),
    FIELD(ARRAY, NEEDED, "mounts", raw_new, mounts),
};
static const struct json_fields new_fields = JSON_FIELDS(new_items);

struct raw_node {
    struct plan_node node;
    json_t *old, *new;
};
static const struct json_field node_items[] = {
    FIELD(TEXT, NEEDED, "name", raw_node, node.name),
    FIELD(TEXT, NEEDED, "endpoint", raw_node, node.endpoint),
    FIELD(TEXT, OPTIONAL, "engine_id", raw_node, node.engine_id),
    FIELD(OBJECT, NEEDED, "old", raw_node, old),
    FIELD(OBJECT, NEEDED, "new", raw_node, new),
    FIELD(ARRAY, NEEDED, "changes", raw_node, node.changes),
    FIELD(NUMBER, NEEDED, "region", raw_node, node.region),
};
static const struct json_fields node_fields = JSON_FIELDS(node_items);

struct raw_options {
    char *load_file;
    struct plan_options options;
};
static const struct json_field options_items[] = {
    FIELD(TEXT, NULLABLE, "load_file", raw_options, load_file),
    FIELD(MS, NEEDED, "stop_timeout_ms", raw_options, options.stop_timeout_ms),
    FIELD(MS, NEEDED, "health_timeout_ms", raw_options, options.health_timeout_ms),
    FIELD(NUMBER, NEEDED, "refetch_reserve_min", raw_options, options.refetch_reserve_min),
    FIELD(BOOL, NEEDED, "perceive_checkpoint", raw_options, options.perceive_checkpoint),
};
static const struct json_fields options_fields = JSON_FIELDS(options_items);

struct raw_plan {
    int64_t schema;
    char *tool, *action, *deployment;
    json_t *from, *to, *metadb, *nodes, *options, *waived, *rows, *findings, *hooks, *calls;
};
static const struct json_field plan_items[] = {
    FIELD(NUMBER, NEEDED, "schema", raw_plan, schema),
    FIELD(TEXT, NEEDED, "tool", raw_plan, tool),
    FIELD(TEXT, NEEDED, "action", raw_plan, action),
    FIELD(TEXT, NEEDED, "deployment", raw_plan, deployment),
    FIELD(OBJECT, NEEDED, "from", raw_plan, from),
    FIELD(OBJECT, NEEDED, "to", raw_plan, to),
    FIELD(OBJECT, NEEDED, "metadb", raw_plan, metadb),
    FIELD(ARRAY, NEEDED, "nodes", raw_plan, nodes),
    FIELD(OBJECT, NEEDED, "options", raw_plan, options),
    FIELD(ARRAY, NEEDED, "waived", raw_plan, waived),
    FIELD(ARRAY, NEEDED, "rows", raw_plan, rows),
    FIELD(ARRAY, NEEDED, "findings", raw_plan, findings),
    FIELD(ARRAY, OPTIONAL, "hooks", raw_plan, hooks),
    FIELD(ARRAY, OPTIONAL, "calls", raw_plan, calls),
};
static const struct json_fields plan_fields = JSON_FIELDS(plan_items);

static void raw_plan_free(struct raw_plan *raw)
{
    json_fields_free(&plan_fields, raw);
}

/* ---- the digest ---- */

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

static void digest_document(const json_t *document, char *ret)
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

/* ---- writing ---- */

static json_t *write(const struct json_fields *fields, const void *from)
{
    json_t *object = json_object();
    json_fields_write(fields, from, object);
    return object;
}

static json_t *old_to_json(const struct plan_old *old)
{
    AUTO_JSON json_t *health = write(&health_fields, &old->health);
    const struct raw_old raw = {.old = *old, .health = health};
    return write(&old_fields, &raw);
}

static json_t *new_to_json(const struct plan_new *new)
{
    AUTO_JSON json_t *health = write(&health_fields, &new->health);
    AUTO_JSON json_t *mounts = json_array();
    for (size_t i = 0; i < new->desired.mount_count; i++) {
        json_add(mounts, write(&mount_fields, &new->desired.mounts[i]));
    }
    const struct raw_new raw = {.new = *new, .health = health, .mounts = mounts};
    return write(&new_fields, &raw);
}

static json_t *node_to_json(const struct plan_node *node)
{
    AUTO_JSON json_t *old = old_to_json(&node->old);
    AUTO_JSON json_t *new = new_to_json(&node->new);
    const struct raw_node raw = {.node = *node, .old = old, .new = new};
    return write(&node_fields, &raw);
}

static json_t *document_of(const struct plan *p)
{
    static char action[] = "upgrade";
    AUTO_JSON json_t *nodes = json_array();
    AUTO_JSON json_t *rows = plan_rows_to_json(p);
    AUTO_JSON json_t *hooks = plan_hooks_to_json(p);
    AUTO_JSON json_t *calls = plan_calls_to_json(p);
    AUTO_JSON json_t *from = write(&version_fields, &p->from);
    AUTO_JSON json_t *to = write(&version_fields, &p->to);
    AUTO_JSON json_t *metadb = write(&metadb_fields, &p->metadb);
    const struct raw_options raw_options = {.load_file = p->load_file, .options = p->options};
    AUTO_JSON json_t *options = write(&options_fields, &raw_options);
    for (size_t i = 0; i < p->node_count; i++) {
        json_add(nodes, node_to_json(&p->nodes[i]));
    }
    const struct raw_plan raw = {.schema = PLAN_SCHEMA,
                                 .tool = p->tool,
                                 .action = action,
                                 .deployment = p->deployment,
                                 .from = from,
                                 .to = to,
                                 .metadb = metadb,
                                 .nodes = nodes,
                                 .options = options,
                                 .waived = p->waived,
                                 .rows = rows,
                                 .findings = p->findings,
                                 .hooks = hooks,
                                 .calls = calls};
    return write(&plan_fields, &raw);
}

json_t *plan_to_json(const struct plan *p)
{
    json_t *document = document_of(p);
    json_put_text(document, "digest", p->digest);
    return document;
}

void plan_sign(struct plan *p)
{
    AUTO_JSON json_t *document = document_of(p);
    digest_document(document, p->digest);
}

/* ---- reading ---- */

static int read_health(const json_t *json, const char *what, struct plan_health *ret,
                       struct err *err)
{
    AUTO_FREE char *inside = mem_printf("%s: 'health'", what);
    return json_fields_read(&health_fields, json, inside, ret, err);
}

static int read_old(const json_t *json, const char *where, struct plan_old *ret, struct err *err)
{
    AUTO_FREE char *what = mem_printf("%s: 'old'", where);
    struct raw_old raw = {.health = NULL};
    int rc = json_fields_read(&old_fields, json, what, &raw, err);
    *ret = raw.old;
    rc = rc == 0 ? read_health(raw.health, what, &ret->health, err) : rc;
    json_decref(raw.health);
    return rc;
}

static int read_mounts(const json_t *json, const char *where, struct container *ret,
                       struct err *err)
{
    size_t count = json_array_size(json);
    ret->mounts = mem_grow(NULL, count + 1, sizeof(*ret->mounts));
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *what = mem_printf("%s: mount %zu", where, i + 1);
        struct mount *m = &ret->mounts[ret->mount_count++];
        memset(m, 0, sizeof(*m));
        if (json_fields_read(&mount_fields, json_array_get(json, i), what, m, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_new(const json_t *json, const char *where, struct plan_new *ret, struct err *err)
{
    AUTO_FREE char *what = mem_printf("%s: 'new'", where);
    struct raw_new raw = {.health = NULL};
    int rc = json_fields_read(&new_fields, json, what, &raw, err);
    *ret = raw.new;
    rc = rc == 0 ? read_health(raw.health, what, &ret->health, err) : rc;
    rc = rc == 0 ? read_mounts(raw.mounts, what, &ret->desired, err) : rc;
    json_decref(raw.health);
    json_decref(raw.mounts);
    return rc;
}

static int read_nodes(const json_t *json, const char *name, struct plan *p, struct err *err)
{
    size_t count = json_array_size(json);
    p->nodes = mem_grow(NULL, count + 1, sizeof(*p->nodes));
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *what = mem_printf("node %zu of the plan '%s'", i + 1, name);
        struct raw_node raw = {.old = NULL};
        struct plan_node *node = &p->nodes[p->node_count++];
        int rc = json_fields_read(&node_fields, json_array_get(json, i), what, &raw, err);
        *node = raw.node;
        rc = rc == 0 ? read_old(raw.old, what, &node->old, err) : rc;
        rc = rc == 0 ? read_new(raw.new, what, &node->new, err) : rc;
        json_decref(raw.old);
        json_decref(raw.new);
        if (rc != 0) {
            return -1;
        }
    }
    return count > 0 ? 0 : err_fail(err, ERR_STATE, "the plan '%s' has no node", name);
}

static int read_options(const json_t *json, const char *what, struct plan *p, struct err *err)
{
    AUTO_FREE char *inside = mem_printf("%s: 'options'", what);
    struct raw_options raw = {.load_file = NULL};
    int rc = json_fields_read(&options_fields, json, inside, &raw, err);
    p->load_file = raw.load_file;
    p->options = raw.options;
    p->options.load_file = p->load_file;
    return rc;
}

static int read_metadb(const json_t *json, const char *what, struct plan_metadb *ret,
                       struct err *err)
{
    AUTO_FREE char *inside = mem_printf("%s: 'metadb'", what);
    if (json_fields_read(&metadb_fields, json, inside, ret, err) != 0) {
        return -1;
    }
    return ret->port >= 1 && ret->port <= PORT_MAX
               ? 0
               : err_fail(err, ERR_STATE, "%s: 'port' is not a port: %lld", inside,
                          (long long)ret->port);
}

static int read_parts(struct raw_plan *raw, const char *name, struct plan *p, struct err *err)
{
    AUTO_FREE char *what = mem_printf("the plan '%s'", name);
    AUTO_FREE char *from = mem_printf("%s: 'from'", what);
    AUTO_FREE char *to = mem_printf("%s: 'to'", what);
    p->tool = TAKE(raw->tool);
    p->deployment = TAKE(raw->deployment);
    p->waived = TAKE(raw->waived);
    p->findings = TAKE(raw->findings);
    if (json_fields_read(&version_fields, raw->from, from, &p->from, err) != 0 ||
        json_fields_read(&version_fields, raw->to, to, &p->to, err) != 0 ||
        read_metadb(raw->metadb, what, &p->metadb, err) != 0 ||
        read_nodes(raw->nodes, name, p, err) != 0 ||
        read_options(raw->options, what, p, err) != 0 ||
        plan_read_hooks(raw->hooks, raw->calls, name, p, err) != 0) {
        return -1;
    }
    return plan_read_rows(raw->rows, name, p, err);
}

static int check_signed(const json_t *document, const char *name, struct plan *p, struct err *err)
{
    const char *stored = json_text(document, "digest", "");
    digest_document(document, p->digest);
    if (!str_eq(stored, p->digest)) {
        return err_fail(err, ERR_STATE,
                        "the plan '%s' is not what was stored: its digest is %.12s, it says %.12s\n"
                        "HINT: nothing was changed; do not edit a stored plan",
                        name, p->digest, stored);
    }
    int schema = (int)json_int(document, "schema", 0);
    return schema == PLAN_SCHEMA ? 0
                                 : err_fail(err, ERR_STATE,
                                            "the plan '%s' has schema %d, expected %d\n"
                                            "HINT: use the version of omslaunch that made it",
                                            name, schema, PLAN_SCHEMA);
}

int plan_from_json(const json_t *document, const char *name, struct plan *ret, struct err *err)
{
    AUTO_PLAN struct plan p = PLAN_INIT;
    CLEANUP(raw_plan_free) struct raw_plan raw = {.schema = 0};
    AUTO_FREE char *what = mem_printf("the plan '%s'", name);
    if (check_signed(document, name, &p, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *unsigned_copy = json_copy((json_t *)(uintptr_t)document);
    json_object_del(unsigned_copy, "digest");
    if (json_fields_read(&plan_fields, unsigned_copy, what, &raw, err) != 0 ||
        read_parts(&raw, name, &p, err) != 0) {
        return err_hint(err, "nothing was changed; resume with the version of omslaunch that began "
                             "the run");
    }
    *ret = p;
    p = (struct plan)PLAN_INIT;
    return 0;
}
