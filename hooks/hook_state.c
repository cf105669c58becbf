#include "hooks/hook_state.h"

#include <string.h>

#define SAMPLE_PASSWORD "not-the-password"

static json_t *container_to_json(const struct hook_container *c)
{
    if (c == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    json_put_text(object, "name", c->name);
    json_put_text(object, "id", c->id);
    json_put_text(object, "image", c->image);
    json_put_text(object, "version", c->version);
    return object;
}

static json_t *metadb_to_json(const struct metadb *db, bool secrets)
{
    if (db == NULL) {
        return json_null();
    }
    json_t *heartbeat = json_array();
    for (size_t i = 0; i < db->heartbeat_dbs->count; i++) {
        json_add(heartbeat, json_from_text(db->heartbeat_dbs->items[i]));
    }
    json_t *databases = json_object();
    json_put_text(databases, "rm", db->rm_db);
    json_put_text(databases, "cm", db->cm_db);
    json_put(databases, "heartbeat", heartbeat);
    json_t *object = json_object();
    json_put_text(object, "host", db->host);
    json_put(object, "port", json_integer(db->port));
    json_put_text(object, "user", db->user);
    if (secrets) {
        json_put_text(object, "password", db->password->bytes != NULL ? db->password->bytes : "");
    }
    json_put(object, "databases", databases);
    return object;
}

static json_t *node_to_json(const struct hook_state *s)
{
    if (s->node == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    json_put_text(object, "name", s->node);
    json_put_text(object, "endpoint", s->endpoint);
    json_put_text(object, "host_ip", s->host_ip);
    return object;
}

json_t *hook_state_to_json(const struct hook_state *s)
{
    json_t *object = json_object();
    json_t *paths = json_object();
    json_put_text(paths, "run", s->run_folder);
    json_put_text(paths, "backup", s->backup_folder);
    json_put_text(paths, "work", s->folder);
    json_put(object, "schema", json_integer(HOOK_STATE_SCHEMA));
    json_put_text(object, "run", s->run);
    json_put_text(object, "point", hook_point_name(s->hook->point));
    json_put_text(object, "hook", s->hook->name);
    json_put_text(object, "scope", hook_scope_name(s->hook->scope));
    json_put_text(object, "deployment", s->deployment);
    json_put_text(object, "region", s->region);
    json_put(object, "node", node_to_json(s));
    json_put(object, "old", container_to_json(s->old));
    json_put(object, "new", container_to_json(s->created));
    json_put(object, "metadb", metadb_to_json(s->metadb, s->hook->secrets));
    json_put(object, "paths", paths);
    json_put_text(object, "failure", s->failure);
    json_put(object, "undo", json_boolean(s->undo));
    json_put(object, "result",
             s->undo_result != NULL ? json_deep_copy(s->undo_result) : json_null());
    return object;
}

static void add_variable(struct strv *ret, const char *name, const char *value)
{
    if (value != NULL) {
        strv_addf(ret, "OMSLAUNCH_%s=%s", name, value);
    }
}

void hook_state_environment(const struct hook_state *s, struct strv *ret)
{
    const struct hook_container none = {.name = NULL};
    const struct hook_container *old = s->old != NULL ? s->old : &none;
    const struct hook_container *created = s->created != NULL ? s->created : &none;
    add_variable(ret, "RUN", s->run);
    add_variable(ret, "DEPLOYMENT", s->deployment);
    add_variable(ret, "REGION", s->region);
    add_variable(ret, "NODE", s->node);
    add_variable(ret, "HOST_IP", s->host_ip);
    add_variable(ret, "OLD_CONTAINER", old->name);
    add_variable(ret, "OLD_VERSION", old->version);
    add_variable(ret, "NEW_CONTAINER", created->name);
    add_variable(ret, "NEW_VERSION", created->version);
    add_variable(ret, "BACKUP_FOLDER", s->backup_folder);
    add_variable(ret, "FAILURE", s->failure);
}

void hook_state_sample(const struct hook *hook, const char *folder, json_t **ret,
                       struct strv *ret_environment)
{
    struct strv heartbeat = STRV_INIT;
    struct secret password = SECRET_INIT;
    bool is_node = hook->scope == HOOK_NODE;
    bool has_failed = hook->point == HOOK_ON_FAILURE || hook->point >= HOOK_PRE_ROLLBACK;
    const struct hook_container old = {"oms_331", "0123456789ab", "reg/oms:feature_3.3.1", "3.3.1"};
    const struct hook_container created = {"oms_331", "ba9876543210", "reg/oms:feature_4.0.0-ce",
                                           "4.0.0"};
    const struct metadb db = {.host = "127.0.0.1",
                              .port = 2883,
                              .user = "sample",
                              .password = &password,
                              .rm_db = "rm_331",
                              .cm_db = "cm_331",
                              .heartbeat_dbs = &heartbeat};
    const struct hook_state s = {
        .hook = hook,
        .run = "20260101-000000-0000",
        .deployment = "oms_331",
        .region = hook->scope != HOOK_DEPLOYMENT ? "cn-hangzhou" : NULL,
        .node = is_node ? "oms_331" : NULL,
        .endpoint = is_node ? "unix:///var/run/docker.sock" : NULL,
        .host_ip = is_node ? "192.0.2.11" : NULL,
        .old = &old,
        .created = &created,
        .metadb = &db,
        .run_folder = folder,
        .backup_folder = folder,
        .folder = folder,
        .failure = has_failed ? "start_new: a sample of a failure" : NULL,
    };
    strv_add(&heartbeat, "cm_hb_331");
    secret_set(&password, SAMPLE_PASSWORD, strlen(SAMPLE_PASSWORD));
    *ret = hook_state_to_json(&s);
    hook_state_environment(&s, ret_environment);
    secret_free(&password);
    strv_free(&heartbeat);
}
