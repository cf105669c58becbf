#include "launcher/metadb_access.h"

#include <stdlib.h>

#include "inspect/container.h"
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

int metadb_access_open(const struct session *session, const char *container, const char *endpoint,
                       struct metadb_access *ret, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *answer = NULL;
    const char *where = endpoint != NULL ? endpoint : session->endpoint;
    const struct engine_options options = {.endpoint = where, .read_only = true};
    metadb_access_none(session, ret);
    if (engine_open(&options, &engine, err) != 0) {
        return -1;
    }
    if (engine_container_inspect(engine, container, &answer, err) != 0) {
        return session_suggest_container(where, container, err);
    }
    if (oms_config_read(engine, container, NULL, &ret->config, err) != 0) {
        return -1;
    }
    ret->container = mem_strdup(container);
    ret->endpoint = mem_strdup(where);
    ret->running = json_bool(answer, "State.Running", false);
    strv_add(&ret->heartbeat_dbs, ret->config.heartbeat_db);
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
        .progress = a->watch.observer.progress,
        .arg = a->watch.observer.arg,
    };
    int rc = metadb_call(&a->db, &request, ret, err);
    watch_free(&a->watch);
    return rc;
}
