/* What the steps of a run share. */
#include "launcher/upgrade/run.h"

#include <stdlib.h>

#include "inspect/container.h"
#include "launcher/upgrade/step_impl.h"

static char *row_key(enum step_id step, int node)
{
    return mem_printf("%s@%d", step_name(step), node);
}

const json_t *run_evidence(const struct run *r, enum step_id step, int node)
{
    AUTO_FREE char *key = row_key(step, node);
    return json_object_get(r->memory, key);
}

/* IDs that later rows need are taken out of the evidence: of this process or of an earlier one. */
void run_remember(struct run *r, enum step_id step, int node, const json_t *evidence)
{
    AUTO_FREE char *key = row_key(step, node);
    json_put(r->memory, key, json_deep_copy(evidence));
    if (step == STEP_CREATE_NEW) {
        free(r->nodes[node].new_id);
        r->nodes[node].new_id = mem_strdup(json_text(evidence, "new_id", ""));
    }
    r->was_healthy = r->was_healthy || step == STEP_WAIT_HEALTHY;
}

void run_forget(struct run *r, enum step_id step, int node)
{
    AUTO_FREE char *key = row_key(step, node);
    json_object_del(r->memory, key);
}

const json_t *run_begun(const struct run *r, enum step_id step, int node)
{
    AUTO_FREE char *key = row_key(step, node);
    return json_object_get(r->begun, key);
}

void run_mark_begun(struct run *r, enum step_id step, int node, const json_t *prepared)
{
    AUTO_FREE char *key = row_key(step, node);
    json_put(r->begun, key, prepared == NULL ? json_null() : json_deep_copy(prepared));
}

bool run_begun_anywhere(const struct run *r, enum step_id step)
{
    bool begun = run_begun(r, step, PLAN_ALL_NODES) != NULL;
    for (size_t i = 0; i < plan_node_count(r->plan) && !begun; i++) {
        begun = run_begun(r, step, (int)i) != NULL;
    }
    return begun;
}

void run_say_progress(const struct run *r, const char *text, uint64_t done, uint64_t total,
                      bool bytes)
{
    if (r->observer != NULL && r->observer->progress != NULL) {
        r->observer->progress(r->observer->arg, text, done, total, bytes);
    }
}

void run_say_output(const struct run *r, const char *line)
{
    if (r->observer != NULL && r->observer->output != NULL) {
        r->observer->output(r->observer->arg, line);
    }
}

char *run_container_name(const struct run *r, int node, const char *kind)
{
    const char *name = json_text(plan_node(r->plan, node), "old.name", "");
    return mem_printf("%s.%s-%s", name, kind, r->id);
}

static void metadb_progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes)
{
    run_say_progress(arg, text, done, total, bytes);
}

struct metadb_request run_metadb_request(struct run *r, const char *command,
                                         const json_t *parameters, uint64_t timeout_ms)
{
    return (struct metadb_request){
        .command = command,
        .run = r->id,
        .parameters = parameters,
        .timeout_ms = timeout_ms,
        .stop_on_signal = true,
        .progress = metadb_progress,
        .arg = r,
    };
}

int run_metadb(struct run *r, const char *command, json_t *parameters_take, uint64_t timeout_ms,
               json_t **ret, struct err *err)
{
    AUTO_JSON json_t *parameters = parameters_take;
    const struct metadb_request request = run_metadb_request(r, command, parameters, timeout_ms);
    return metadb_call(&r->metadb, &request, ret, err);
}

int run_inspect(struct run *r, int node, const char *id, struct container *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    if (engine_container_inspect(r->nodes[node].engine, id, &answer, err) != 0) {
        return -1;
    }
    return container_from_engine(answer, ret, err);
}

int run_rename(struct run *r, int node, const char *id, const char *name, struct err *err)
{
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    if (run_inspect(r, node, id, &now, err) != 0) {
        return -1;
    }
    return str_eq(now.name, name) ? 0
                                  : engine_container_rename(r->nodes[node].engine, id, name, err);
}
