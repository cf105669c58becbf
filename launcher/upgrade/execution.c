#include "launcher/upgrade/execution.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb_lock.h"
#include "launcher/base/fs.h"
#include "launcher/spec/spec_secret.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/step_impl.h"

#define PROBE_TIMEOUT_MS 60000U
#define PLAN_SIZE_MAX (64U * 1024 * 1024)

struct execution {
    struct run run;
    char *id, *state;
    struct run_node *nodes;
    size_t node_count;
    struct oms_config config; /* of the first node: the MetaDB is the same for all */
    struct strv heartbeat_dbs;
    struct journal *journal;
    struct metadb_lock *lock;
};

struct run *execution_run(struct execution *x)
{
    return &x->run;
}

void execution_free(struct execution *x)
{
    if (x == NULL) {
        return;
    }
    metadb_waiting_free(x->run.backup);
    metadb_lock_free(x->lock);
    for (size_t i = 0; i < x->node_count; i++) {
        engine_free(x->nodes[i].engine);
        free(x->nodes[i].old_id);
        free(x->nodes[i].new_id);
    }
    free(x->nodes);
    oms_config_free(&x->config);
    strv_free(&x->heartbeat_dbs);
    journal_free(x->journal);
    json_decref(x->run.memory);
    json_decref(x->run.begun);
    free(x->id);
    free(x->state);
    free(x);
}

void execution_free_ptr(struct execution **x)
{
    execution_free(*x);
}

static int open_nodes(struct execution *x, const struct plan *plan, struct err *err)
{
    size_t count = plan_node_count(plan);
    x->nodes = mem_grow(NULL, count, sizeof(*x->nodes));
    memset(x->nodes, 0, count * sizeof(*x->nodes));
    x->node_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *node = plan_node(plan, (int)i);
        const struct engine_options options = {.endpoint = json_text(node, "endpoint", NULL)};
        x->nodes[i].old_id = mem_strdup(json_text(node, "old.id", ""));
        if (engine_open(&options, &x->nodes[i].engine, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Everything stands on the old containers: the password, the state, the way back. */
static int check_old_are_there(const struct execution *x, const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < x->node_count; i++) {
        AUTO_JSON json_t *ignored = NULL;
        if (engine_container_inspect(x->nodes[i].engine, x->nodes[i].old_id, &ignored, err) == 0) {
            continue;
        }
        if (err->kind != ERR_NOT_FOUND) {
            return -1;
        }
        AUTO_FREE char *folder = state_run_folder(x->state, x->id);
        return err_fail(err, ERR_FAILED,
                        "the old container '%s' (%.12s) is gone: somebody has removed it since run "
                        "%s began\n"
                        "HINT: nothing was changed; '%s/old-%zu.json' says how it was made, and "
                        "'omslaunch backups' lists the backup: go on by hand",
                        json_text(plan_node(plan, (int)i), "old.name", ""), x->nodes[i].old_id,
                        x->id, folder, i);
    }
    return 0;
}

/* The password is in no plan: it is read from the old container's config.yaml each time. */
static int open_metadb(struct execution *x, const struct plan *plan, const char *program,
                       struct err *err)
{
    const json_t *metadb = json_object_get(plan->json, "metadb");
    const json_t *heartbeat = json_object_get(metadb, "heartbeat");
    if (oms_config_read(x->nodes[0].engine, x->nodes[0].old_id, NULL, &x->config, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(heartbeat); i++) {
        strv_add(&x->heartbeat_dbs, json_string_value(json_array_get(heartbeat, i)));
    }
    x->run.metadb = (struct metadb){
        .program = program,
        .host = json_text(metadb, "host", ""),
        .port = (uint16_t)json_int(metadb, "port", 0),
        .user = json_text(metadb, "user", ""),
        .password = &x->config.meta_password,
        .rm_db = json_text(metadb, "rm", ""),
        .cm_db = json_text(metadb, "cm", ""),
        .heartbeat_dbs = &x->heartbeat_dbs,
    };
    return 0;
}

static int store_json(const struct execution *x, const char *name, const json_t *document,
                      struct err *err)
{
    AUTO_FREE char *path = state_run_file(x->state, x->id, name);
    AUTO_FREE char *text = json_pretty(document);
    return fs_write_atomic(path, text, strlen(text), err);
}

/* What the old container was, for the day when somebody has to make it again by hand. */
static int store_old(const struct execution *x, size_t node, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    if (engine_container_inspect(x->nodes[node].engine, x->nodes[node].old_id, &answer, err) != 0) {
        return -1;
    }
    spec_secrets_mask(answer);
    AUTO_FREE char *name = mem_printf("old-%zu.json", node);
    return store_json(x, name, answer, err);
}

static int begin_journal(struct execution *x, const struct plan *plan, struct err *err)
{
    AUTO_FREE char *path = state_run_file(x->state, x->id, "journal.jsonl");
    if (journal_create(path, &x->journal, err) != 0) {
        return -1;
    }
    json_t *record = json_make(
        "{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "begin", "run", x->id, "plan", plan->digest,
        "deployment", json_text(plan->json, "deployment", ""), "endpoint",
        json_text(plan_node(plan, 0), "endpoint", ""), "tool", "omslaunch " OMSLAUNCH_VERSION);
    return journal_append(x->journal, record, err);
}

static int open_world(const struct execution_request *request, struct execution *x, struct err *err)
{
    x->id = mem_strdup(request->run);
    x->state = mem_strdup(request->state);
    bool has_begun = x->journal != NULL;
    if (open_nodes(x, request->plan, err) != 0 ||
        (has_begun && check_old_are_there(x, request->plan, err) != 0) ||
        open_metadb(x, request->plan, request->metadb_program, err) != 0) {
        return -1;
    }
    AUTO_FREE char *holder = state_describe_holder(x->id);
    if (metadb_lock_take(&x->run.metadb, x->id, holder, request->lock_wait_ms, &x->lock, err) !=
        0) {
        return -1;
    }
    x->run.lock = x->lock;
    x->run.id = x->id;
    x->run.state = x->state;
    x->run.plan = request->plan;
    x->run.nodes = x->nodes;
    x->run.set_env = request->set_env;
    x->run.answers = request->answers;
    x->run.observer = request->observer;
    x->run.memory = json_object();
    x->run.begun = json_object();
    return 0;
}

/* While this run waited for its locks, another may have upgraded what this plan was made for. */
static int check_as_planned(const struct execution *x, const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < x->node_count; i++) {
        const json_t *old = json_object_get(plan_node(plan, (int)i), "old");
        const char *name = json_text(old, "name", "");
        AUTO_JSON json_t *now = NULL;
        if (engine_container_inspect(x->nodes[i].engine, name, &now, err) != 0) {
            return -1;
        }
        if (!str_eq(json_text(now, "Id", ""), x->nodes[i].old_id) ||
            json_bool(now, "State.Running", false) != json_bool(old, "running", false)) {
            return err_fail(
                err, ERR_FAILED,
                "'%s' is not what it was when the plan was made: somebody replaced, "
                "started or stopped it\nHINT: nothing was changed; run the command again",
                name);
        }
    }
    return 0;
}

/* An account that could not restore is found out now, while the old version serves. */
static int probe_metadb(const struct execution_request *request, struct execution *x,
                        struct err *err)
{
    AUTO_JSON json_t *ignored = NULL;
    if (request->no_probe) {
        return 0;
    }
    if (run_metadb(&x->run, "probe", NULL, PROBE_TIMEOUT_MS, &ignored, err) != 0) {
        return err_wrap(err, "nothing was changed");
    }
    return 0;
}

static int fill_folder(struct execution *x, const struct plan *plan, struct err *err)
{
    AUTO_JSON json_t *document = plan_to_json(plan);
    if (store_json(x, "plan.json", document, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < x->node_count; i++) {
        if (store_old(x, i, err) != 0) {
            return -1;
        }
    }
    return begin_journal(x, plan, err);
}

int execution_begin(const struct execution_request *request, struct execution **ret,
                    struct err *err)
{
    AUTO_EXECUTION struct execution *x = mem_alloc(sizeof(*x));
    if (open_world(request, x, err) != 0 || check_as_planned(x, request->plan, err) != 0 ||
        probe_metadb(request, x, err) != 0 || state_create_run(x->state, x->id, err) != 0) {
        return -1;
    }
    if (fill_folder(x, request->plan, err) != 0) {
        state_drop_run(x->state, x->id); /* a run that never began would be listed as damaged */
        return -1;
    }
    x->run.journal = x->journal;
    *ret = TAKE(x);
    return 0;
}

int execution_take_up(const struct execution_request *request, struct execution **ret,
                      struct err *err)
{
    AUTO_EXECUTION struct execution *x = mem_alloc(sizeof(*x));
    AUTO_FREE char *path = state_run_file(request->state, request->run, "journal.jsonl");
    if (run_check_answers(request->answers, err) != 0 ||
        journal_open(path, &x->journal, err) != 0 || open_world(request, x, err) != 0) {
        return -1;
    }
    x->run.journal = x->journal;
    if (run_replay(&x->run, err) != 0) {
        return -1;
    }
    *ret = TAKE(x);
    return 0;
}

int execution_load_plan(const char *state, const char *run, struct plan *ret, struct err *err)
{
    AUTO_FREE char *plan_path = state_run_file(state, run, "plan.json");
    AUTO_FREE char *quoted = mem_printf("'%s'", plan_path);
    AUTO_FREE char *journal_path = state_run_file(state, run, "journal.jsonl");
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    AUTO_JOURNAL struct journal *journal = NULL;
    AUTO_PLAN struct plan plan = {.json = NULL};
    if (fs_read(plan_path, PLAN_SIZE_MAX, true, &text, err) != 0 ||
        json_parse(str_get(&text), text.len, quoted, &document, err) != 0) {
        err->kind = ERR_STATE;
        return err_hint(err, "the plan is damaged: nothing was changed; go on by hand, the old "
                             "container and the backup are kept");
    }
    if (plan_from_json(document, plan_path, &plan, err) != 0 ||
        journal_read(journal_path, &journal, err) != 0) {
        return -1;
    }
    const char *begun_with = json_text(journal_at(journal, 0), "plan", "");
    if (!str_eq(begun_with, plan.digest)) {
        return err_fail(err, ERR_STATE,
                        "the journal '%s' was begun with the plan %.12s, but '%s' is %.12s\n"
                        "HINT: nothing was changed; files of two runs were mixed",
                        journal_path, begun_with, plan_path, plan.digest);
    }
    *ret = plan;
    plan = (struct plan){.json = NULL};
    return 0;
}
