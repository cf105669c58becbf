/* What the steps of a run share, and what is told of it. */
#include "launcher/upgrade/run.h"

#include <stdlib.h>

#include "inspect/container.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/run_impl.h"

/* ---- the ledger ---- */

const struct ledger_row *run_row(const struct run *r, enum step_id step, struct subject subject)
{
    wave_lock_data(&r->wave);
    const struct ledger_row *row = ledger_row(&r->ledger, step, subject);
    wave_unlock_data(&r->wave);
    return row;
}

const struct evidence *run_evidence(const struct run *r, enum step_id step, struct subject subject)
{
    wave_lock_data(&r->wave);
    const struct evidence *e = ledger_evidence(&r->ledger, step, subject);
    wave_unlock_data(&r->wave);
    return e;
}

bool run_has_begun(const struct run *r, enum step_id step)
{
    wave_lock_data(&r->wave);
    bool begun = ledger_has_begun(&r->ledger, step);
    wave_unlock_data(&r->wave);
    return begun;
}

const struct plan_node *run_node_plan(const struct run *r, int node)
{
    return &r->plan->nodes[node];
}

const char *run_old_id(const struct run *r, int node)
{
    return r->plan->nodes[node].old.id;
}

const char *run_new_id(const struct run *r, int node)
{
    const struct evidence *created = run_evidence(r, STEP_CREATE_NEW, subject_node(node));
    return created != NULL ? created->created.new_id : r->nodes[node].found_id;
}

char *run_container_name(const struct run *r, int node, const char *kind)
{
    return mem_printf("%s.%s-%s", r->plan->nodes[node].old.name, kind, r->id);
}

/* ---- the observer ---- */

/* The row whose job this thread is. */
static _Thread_local const struct run_row *current_row;

void run_set_current_row(const struct run_row *row)
{
    current_row = row;
}

struct said {
    const struct run_observer *observer;
    const struct run_row *row;
    const char *text;
    uint64_t done, total;
    bool bytes;
};

static int say_progress(void *arg, struct err *err)
{
    (void)err;
    const struct said *s = arg;
    s->observer->progress(s->observer->arg, s->row, s->text, s->done, s->total, s->bytes);
    return 0;
}

static int say_output(void *arg, struct err *err)
{
    (void)err;
    const struct said *s = arg;
    s->observer->output(s->observer->arg, s->row, s->text);
    return 0;
}

static void say(struct run *r, wave_fn fn, struct said *s)
{
    struct err ignored;
    (void)wave_call(&r->wave, fn, s, &ignored);
}

void run_say_progress(struct run *r, const char *text, uint64_t done, uint64_t total, bool bytes)
{
    struct said s = {.observer = r->observer,
                     .row = current_row,
                     .text = text,
                     .done = done,
                     .total = total,
                     .bytes = bytes};
    if (r->observer != NULL && r->observer->progress != NULL) {
        say(r, say_progress, &s);
    }
}

void run_say_output(struct run *r, const char *line)
{
    struct said s = {.observer = r->observer, .row = current_row, .text = line};
    if (r->observer != NULL && r->observer->output != NULL) {
        say(r, say_output, &s);
    }
}

/* ---- the MetaDB ---- */

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

int run_engine(struct run *r, int node, struct engine **ret, struct err *err)
{
    const struct engine_options options = {.endpoint = r->plan->nodes[node].endpoint};
    if (r->nodes[node].engine == NULL && engine_open(&options, &r->nodes[node].engine, err) != 0) {
        return -1;
    }
    *ret = r->nodes[node].engine;
    return 0;
}

int run_inspect(struct run *r, int node, const char *id, struct container *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    struct engine *e;
    if (run_engine(r, node, &e, err) != 0 || engine_container_inspect(e, id, &answer, err) != 0) {
        return -1;
    }
    return container_from_engine(answer, ret, err);
}

/* ---- what became of it ---- */

const char *run_id(const struct run *r)
{
    return r->id;
}

const struct plan *run_plan(const struct run *r)
{
    return r->plan;
}

char *run_folder(const struct run *r)
{
    return state_run_folder(r->state, r->id);
}

const struct ledger *run_ledger(const struct run *r)
{
    return &r->ledger;
}

char *run_kept_name(const struct run *r, int node)
{
    return run_container_name(r, node, "old");
}

static void say_container(struct run *r, int node, const char *id, const char *what,
                          struct str *ret)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    struct err why = ERR_INIT;
    const char *on = r->plan->node_count > 1 ? " on " : "";
    const char *name = r->plan->node_count > 1 ? r->plan->nodes[node].name : "";
    str_appendf(ret, "  %s container%s%s: ", what, on, name);
    if (id == NULL) {
        str_append(ret, "was not created\n");
    } else if (run_inspect(r, node, id, &c, &why) != 0) {
        str_appendf(ret, "%.12s %s\n", id,
                    why.kind == ERR_NOT_FOUND ? "is gone" : "(the engine does not tell)");
    } else {
        str_appendf(ret, "'%s', %s\n", c.name, c.status);
    }
}

void run_say_where(struct run *r, int node, struct str *ret)
{
    say_container(r, node, run_old_id(r, node), "old", ret);
    say_container(r, node, run_new_id(r, node), "new", ret);
}

void run_list_warnings(const struct run *r, struct strv *ret)
{
    for (size_t i = 0; i < r->ledger.row_count; i++) {
        const struct ledger_row *row = r->ledger.rows[i];
        bool warned = row->subject.kind == SUBJECT_HOOK && row->state == ROW_DONE &&
                      row->evidence.hook.warning != NULL;
        if (warned) {
            const struct plan_row planned = {.step = row->step, .subject = row->subject};
            AUTO_FREE char *name = plan_row_name(r->plan, &planned);
            strv_addf(ret, "%s: %s", name, row->evidence.hook.warning);
        }
    }
}

json_t *run_rows_to_json(const struct run *r)
{
    AUTO_STRV struct strv nodes = STRV_INIT;
    AUTO_STRV struct strv calls = STRV_INIT;
    plan_list_nodes(r->plan, &nodes);
    plan_list_calls(r->plan, &calls);
    return ledger_rows_to_json(&r->ledger, &nodes, &calls);
}
