/* From a plan to a run that can be carried out: folder, journal, engines, MetaDB. */
#include "launcher/upgrade/run.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/container.h"
#include "launcher/base/fs.h"
#include "launcher/spec/spec_secret.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/run_impl.h"

#define PROBE_TIMEOUT_MS 60000U
#define PLAN_SIZE_MAX (64U * 1024 * 1024)
/* What the records of a way back take at most, also where each says why it failed. */
#define RESERVE_BYTES (256U * 1024)
#define RESERVE_BYTES_OF_NODE (16U * 1024)

void run_free(struct run *r)
{
    if (r == NULL) {
        return;
    }
    metadb_waiting_free(r->backup);
    metadb_lock_free(r->lock);
    for (size_t i = 0; r->nodes != NULL && i < r->plan->node_count; i++) {
        engine_free(r->nodes[i].engine);
        free(r->nodes[i].found_id);
    }
    free(r->nodes);
    oms_config_free(&r->config);
    journal_free(r->journal);
    ledger_free(&r->ledger);
    wave_free(&r->wave);
    free(r->failure);
    free(r->id);
    free(r->state);
    free(r);
}

void run_free_ptr(struct run **r)
{
    run_free(*r);
}

static struct run *run_new(const struct run_request *request)
{
    struct run *r = mem_alloc(sizeof(*r));
    size_t count = request->plan->node_count;
    r->id = mem_strdup(request->run);
    r->state = mem_strdup(request->state);
    r->request = *request;
    r->plan = request->plan;
    r->observer = request->observer;
    r->nodes = mem_alloc(count * sizeof(*r->nodes));
    wave_init(&r->wave);
    return r;
}

/* ---- engines ---- */

static int open_node(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    const struct plan_node *node = &r->plan->nodes[index];
    const struct engine_options options = {.endpoint = node->endpoint};
    return engine_open(&options, &r->nodes[index].engine, err);
}

/* Everything stands on the old containers: the password, the state, the way back. */
static int check_old_is_there(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    const struct plan_old *old = &r->plan->nodes[index].old;
    AUTO_CONTAINER struct container ignored = CONTAINER_INIT;
    if (run_inspect(r, (int)index, old->id, &ignored, err) == 0 || err->kind != ERR_NOT_FOUND) {
        return ignored.id != NULL ? 0 : -1;
    }
    AUTO_FREE char *folder = state_run_folder(r->state, r->id);
    return err_fail(err, ERR_FAILED,
                    "the old container '%s' (%.12s) is gone: somebody has removed it since run "
                    "%s began\n"
                    "HINT: nothing was changed; '%s/old-%zu.json' says how it was made, and "
                    "'omslaunch backups' lists the backup: go on by hand",
                    old->name, old->id, r->id, folder, index);
}

/* While this run waited for its locks, another may have upgraded what this plan was made for. */
static int check_as_planned(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    const struct plan_old *old = &r->plan->nodes[index].old;
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    if (run_inspect(r, (int)index, old->name, &now, err) != 0) {
        return -1;
    }
    if (str_eq(now.id, old->id) && now.running == old->running) {
        return 0;
    }
    return err_fail(err, ERR_FAILED,
                    "'%s' is not what it was when the plan was made: somebody replaced, "
                    "started or stopped it\nHINT: nothing was changed; run the command again",
                    old->name);
}

/* The password is in no plan: it is read from the old container's config.yaml each time. Any node's
 * will do: the MetaDB is the same for all. */
static int open_metadb(struct run *r, struct err *err)
{
    const struct plan_metadb *metadb = &r->plan->metadb;
    size_t node = 0;
    while (node + 1 < r->plan->node_count && r->nodes[node].engine == NULL) {
        node++;
    }
    if (oms_config_read(r->nodes[node].engine, run_old_id(r, (int)node), NULL, &r->config, err) !=
        0) {
        return -1;
    }
    r->metadb = (struct metadb){
        .program = r->request.metadb_program,
        .host = metadb->host,
        .port = (uint16_t)metadb->port,
        .user = metadb->user,
        .password = &r->config.meta_password,
        .rm_db = metadb->rm,
        .cm_db = metadb->cm,
        .heartbeat_dbs = &metadb->heartbeat,
    };
    return 0;
}

static int lock_metadb(struct run *r, struct err *err)
{
    AUTO_FREE char *holder = state_describe_holder(r->id);
    return metadb_lock_take(&r->metadb, r->id, holder, r->request.lock_wait_ms, &r->lock, err);
}

/* ---- a new one ---- */

static int store_json(const struct run *r, const char *name, const json_t *document,
                      struct err *err)
{
    AUTO_FREE char *path = state_run_file(r->state, r->id, name);
    AUTO_FREE char *text = json_pretty(document);
    return fs_write_atomic(path, text, strlen(text), err);
}

/* What the old container was, for the day when somebody has to make it again by hand. */
static int store_old(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    AUTO_JSON json_t *answer = NULL;
    AUTO_FREE char *name = mem_printf("old-%zu.json", index);
    if (engine_container_inspect(r->nodes[index].engine, run_old_id(r, (int)index), &answer, err) !=
        0) {
        return -1;
    }
    spec_secrets_mask(answer);
    return store_json(r, name, answer, err);
}

static size_t reserve_bytes(const struct run *r)
{
    return RESERVE_BYTES + r->plan->node_count * RESERVE_BYTES_OF_NODE;
}

static int begin_journal(struct run *r, struct err *err)
{
    AUTO_FREE char *path = state_run_file(r->state, r->id, "journal.jsonl");
    const char *identity = r->request.identity;
    AUTO_RECORD struct record record = {
        .type = RECORD_BEGIN,
        .begin = {.run = mem_strdup(r->id),
                  .plan = mem_strdup(r->plan->digest),
                  .deployment = mem_strdup(r->plan->deployment),
                  .endpoint = mem_strdup(r->plan->nodes[0].endpoint),
                  .tool = mem_strdup("omslaunch " OMSLAUNCH_VERSION),
                  .identity = identity == NULL ? NULL : mem_strdup(identity)},
    };
    if (journal_create(path, &r->journal, err) != 0 ||
        journal_reserve(r->journal, reserve_bytes(r), err) != 0) {
        return -1;
    }
    return ledger_append(&r->ledger, r->journal, &record, err);
}

/* An account that could not restore is found out now, while the old version serves. */
static int probe_metadb(struct run *r, struct err *err)
{
    AUTO_JSON json_t *ignored = NULL;
    if (r->request.no_probe) {
        return 0;
    }
    if (run_metadb(r, "probe", NULL, PROBE_TIMEOUT_MS, &ignored, err) != 0) {
        return err_wrap(err, "nothing was changed");
    }
    return 0;
}

static int fill_folder(struct run *r, struct err *err)
{
    AUTO_JSON json_t *document = plan_to_json(r->plan);
    if (store_json(r, "plan.json", document, err) != 0 || run_each_node(r, store_old, err) != 0) {
        return -1;
    }
    return begin_journal(r, err);
}

int run_begin(const struct run_request *request, struct run **ret, struct err *err)
{
    AUTO_RUN struct run *r = run_new(request);
    if (run_each_node(r, open_node, err) != 0 || open_metadb(r, err) != 0 ||
        lock_metadb(r, err) != 0 || run_each_node(r, check_as_planned, err) != 0 ||
        probe_metadb(r, err) != 0 || state_create_run(r->state, r->id, err) != 0) {
        return -1;
    }
    if (fill_folder(r, err) != 0) {
        state_drop_run(r->state, r->id); /* a run that never began would be listed as damaged */
        return -1;
    }
    *ret = TAKE(r);
    return 0;
}

/* ---- one of an earlier process ---- */

/* A node whose engine is silent must not keep the others from being brought back. */
static int open_nodes_again(struct run *r, struct err *err)
{
    struct err first = ERR_INIT;
    size_t open = 0;
    for (size_t i = 0; i < r->plan->node_count; i++) {
        if (open_node(r, i, err) == 0) {
            open++;
        } else if (first.text[0] == '\0') {
            first = *err;
        }
    }
    bool silent = first.kind == ERR_UNREACHABLE || first.kind == ERR_TIMEOUT;
    if (open == r->plan->node_count || (open > 0 && silent)) {
        return 0;
    }
    *err = first;
    return -1;
}

static int check_all_old_are_there(struct run *r, struct err *err)
{
    for (size_t i = 0; i < r->plan->node_count; i++) {
        if (r->nodes[i].engine != NULL && check_old_is_there(r, i, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool has_subject(const struct plan *p, struct subject s)
{
    size_t count = s.kind == SUBJECT_NODE   ? p->node_count
                   : s.kind == SUBJECT_HOOK ? p->call_count
                                            : 1;
    return (size_t)s.index < count;
}

static int check_subjects(const struct run *r, const char *path, struct err *err)
{
    for (size_t i = 0; i < r->ledger.row_count; i++) {
        const struct ledger_row *row = r->ledger.rows[i];
        if (!has_subject(r->plan, row->subject)) {
            return err_fail(err, ERR_STATE,
                            "the journal '%s' has '%s' on %s %d, which its plan does not have\n"
                            "HINT: nothing was changed; files of two runs were mixed",
                            path, step_name(row->step), subject_kind_name(row->subject.kind),
                            row->subject.index);
        }
    }
    return 0;
}

int run_take_up(const struct run_request *request, struct run **ret, struct err *err)
{
    AUTO_RUN struct run *r = run_new(request);
    AUTO_FREE char *path = state_run_file(request->state, request->run, "journal.jsonl");
    struct err ignored;
    if (run_check_answers(request->answers, request->plan, err) != 0 ||
        journal_open(path, &r->journal, err) != 0 ||
        ledger_read(r->journal, path, &r->ledger, err) != 0 || check_subjects(r, path, err) != 0 ||
        open_nodes_again(r, err) != 0 || check_all_old_are_there(r, err) != 0 ||
        open_metadb(r, err) != 0 || lock_metadb(r, err) != 0) {
        return -1;
    }
    /* On a disk that is full already it goes on as far as it gets. */
    (void)!journal_reserve(r->journal, reserve_bytes(r), &ignored);
    *ret = TAKE(r);
    return 0;
}

int run_load_plan(const char *state, const char *run, struct plan *ret, struct err *err)
{
    AUTO_FREE char *plan_path = state_run_file(state, run, "plan.json");
    AUTO_FREE char *quoted = mem_printf("'%s'", plan_path);
    AUTO_FREE char *journal_path = state_run_file(state, run, "journal.jsonl");
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    AUTO_JOURNAL struct journal *journal = NULL;
    AUTO_LEDGER struct ledger ledger = {.run = NULL};
    AUTO_PLAN struct plan plan = PLAN_INIT;
    if (fs_read(plan_path, PLAN_SIZE_MAX, true, &text, err) != 0 ||
        json_parse(str_get(&text), text.len, quoted, &document, err) != 0) {
        err->kind = ERR_STATE;
        return err_hint(err, "the plan is damaged: nothing was changed; go on by hand, the old "
                             "container and the backup are kept");
    }
    if (plan_from_json(document, plan_path, &plan, err) != 0 ||
        journal_read(journal_path, &journal, err) != 0 ||
        ledger_read(journal, journal_path, &ledger, err) != 0) {
        return -1;
    }
    if (!str_eq(ledger.plan, plan.digest)) {
        return err_fail(err, ERR_STATE,
                        "the journal '%s' was begun with the plan %.12s, but '%s' is %.12s\n"
                        "HINT: nothing was changed; files of two runs were mixed",
                        journal_path, ledger.plan, plan_path, plan.digest);
    }
    *ret = plan;
    plan = (struct plan)PLAN_INIT;
    return 0;
}
