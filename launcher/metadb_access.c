#include "launcher/metadb_access.h"

#include <stdlib.h>

#include "inspect/alive.h"
#include "inspect/config_seen.h"
#include "inspect/container.h"
#include "inspect/host_facts.h"
#include "launcher/base/parallel.h"
#include "launcher/engine/engine.h"
#include "launcher/state/state.h"

#define TIMEOUT_MS (24ULL * 60 * 60 * 1000)

void metadb_access_none(const struct session *session, struct metadb_access *ret)
{
    *ret = (struct metadb_access){.session = session};
    watch_init(&ret->watch);
    ret->db = (struct metadb){
        .program = session->metadb_program,
        .host = "nowhere", /* nobody is asked, but a request has an address */
        .port = 1,
        .user = "nobody",
        .password = &ret->config.meta_password,
        .rm_db = "",
        .cm_db = "",
        .heartbeat_dbs = &ret->heartbeat_dbs,
    };
}

/* What one node says of the MetaDB. */
struct node_word {
    const char *container, *endpoint;
    struct oms_config config;
    bool running;
    int rc;
    struct err err;
};

/* What is done to the databases of the file must be done to those that OMS works on. */
static int check_same_place(struct engine *e, const json_t *answer, const struct oms_config *config,
                            struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    CLEANUP(host_facts_free) struct host_facts host = {.name = NULL};
    CLEANUP(config_seen_free) struct config_seen seen = {.state = CONFIG_UNKNOWN};
    if (container_from_engine(answer, &c, err) != 0 || host_facts_observe(e, &host, err) != 0) {
        return -1;
    }
    config_seen_observe(e, &c, host.local, config, NULL, &seen);
    if (!config_seen_is_elsewhere(&seen)) {
        return 0;
    }
    return err_fail(err, ERR_CONFIG,
                    "the running OMS '%s' works on another database than the config.yaml on the "
                    "host names: '%s' differs\n"
                    "HINT: a container keeps the file that it was started with: undo the edit, or "
                    "take it into use with 'docker restart %s'",
                    c.name, seen.keys.items[0], c.name);
}

static int ask_node(struct node_word *w, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *answer = NULL;
    const struct engine_options options = {.endpoint = w->endpoint, .read_only = true};
    if (engine_open(&options, &engine, err) != 0) {
        return -1;
    }
    if (engine_container_inspect(engine, w->container, &answer, err) != 0) {
        return session_suggest_container(w->endpoint, w->container, err);
    }
    w->running = json_bool(answer, "State.Running", false);
    if (oms_config_read(engine, w->container, NULL, &w->config, err) != 0) {
        return -1;
    }
    return check_same_place(engine, answer, &w->config, err);
}

struct node_words {
    struct node_word *items;
    size_t count;
};

static void node_words_free(struct node_words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        oms_config_free(&w->items[i].config);
    }
    free(w->items);
}

static void ask_one(void *arg, size_t i)
{
    struct node_word *w = &((struct node_words *)arg)->items[i];
    w->rc = ask_node(w, &w->err);
}

/* Each region has a heartbeat database of its own; all else must be the same. */
static int take_config(struct node_word *w, const char *node, struct metadb_access *ret,
                       struct err *err)
{
    const struct oms_config *first = &ret->config;
    if (w->rc != 0) {
        *err = w->err;
        return node == NULL ? -1 : err_wrap(err, "node '%s'", node);
    }
    ret->running = ret->running || w->running;
    if (first->meta_host == NULL) {
        ret->config = w->config;
        w->config = (struct oms_config){.meta_host = NULL};
        strv_add(&ret->heartbeat_dbs, first->heartbeat_db);
        return 0;
    }
    if (!str_eq(first->meta_host, w->config.meta_host) || first->meta_port != w->config.meta_port ||
        !str_eq(first->rm_db, w->config.rm_db) || !str_eq(first->cm_db, w->config.cm_db)) {
        return err_fail(err, ERR_CONFIG,
                        "node '%s' has another MetaDB than the first node\n"
                        "HINT: all nodes of a deployment have one; leave out those of another one",
                        node);
    }
    if (!strv_has(&ret->heartbeat_dbs, w->config.heartbeat_db)) {
        strv_add(&ret->heartbeat_dbs, w->config.heartbeat_db);
    }
    return 0;
}

int metadb_access_open(const struct session *session, const char *container, const char *endpoint,
                       struct metadb_access *ret, struct err *err)
{
    const struct node_addresses *nodes = &session->nodes;
    bool listed = endpoint == NULL && nodes->count > 0;
    size_t count = listed ? nodes->count : 1;
    CLEANUP(node_words_free)
    struct node_words words = {.items = mem_alloc(count * sizeof(struct node_word)),
                               .count = count};
    metadb_access_none(session, ret);
    for (size_t i = 0; i < count; i++) {
        words.items[i] = (struct node_word){
            .container = listed ? nodes->items[i].container : container,
            .endpoint = listed             ? nodes->items[i].endpoint
                        : endpoint != NULL ? endpoint
                                           : session->endpoint,
            .err = ERR_INIT,
        };
    }
    parallel_each(count, 0, ask_one, &words);
    for (size_t i = 0; i < count; i++) {
        const char *node = count > 1 ? nodes->items[i].ip : NULL;
        if (take_config(&words.items[i], node, ret, err) != 0) {
            return -1;
        }
    }
    ret->container = mem_strdup(words.items[0].container);
    ret->endpoint = mem_strdup(words.items[0].endpoint);
    ret->db.host = ret->config.meta_host;
    ret->db.port = ret->config.meta_port;
    ret->db.user = ret->config.meta_user;
    ret->db.rm_db = ret->config.rm_db;
    ret->db.cm_db = ret->config.cm_db;
    return 0;
}

void metadb_access_free(struct metadb_access *a)
{
    metadb_lock_free(a->lock);
    watch_free(&a->watch);
    oms_config_free(&a->config);
    strv_free(&a->heartbeat_dbs);
    free(a->container);
    free(a->endpoint);
}

static int check_engine(const struct metadb_access *a, const char *endpoint,
                        const struct strv *databases, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    const struct engine_options options = {.endpoint = endpoint, .read_only = true};
    const struct strv nobody = STRV_INIT;
    const struct alive_place place = {
        .host = a->db.host, .port = a->db.port, .databases = databases};
    return engine_open(&options, &engine, err) != 0
               ? -1
               : alive_check_engine(engine, &place, &nobody, err);
}

int metadb_access_check_alone(const struct metadb_access *a, const struct strv *databases,
                              struct err *err)
{
    const struct node_addresses *nodes = &a->session->nodes;
    for (size_t i = 0; i < nodes->count; i++) {
        if (!str_eq(nodes->items[i].endpoint, a->endpoint) &&
            check_engine(a, nodes->items[i].endpoint, databases, err) != 0) {
            return -1;
        }
    }
    return check_engine(a, a->endpoint, databases, err);
}

int metadb_access_lock(struct metadb_access *a, const char *run, struct err *err)
{
    AUTO_FREE char *holder = state_describe_holder(run);
    return metadb_lock_take(&a->db, run, holder, a->session->options->lock_wait_ms, &a->lock, err);
}

int metadb_access_ask(struct metadb_access *a, const char *command, const char *run,
                      json_t *parameters_take, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *parameters = parameters_take;
    const struct metadb_request request = {
        .command = command,
        .run = run,
        .parameters = parameters,
        .timeout_ms = TIMEOUT_MS,
        .stop_on_signal = true,
        .progress = watch_progress,
        .arg = &a->watch,
    };
    int rc = metadb_call(&a->db, &request, ret, err);
    watch_free(&a->watch);
    return rc;
}
