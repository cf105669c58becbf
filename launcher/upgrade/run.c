#include "launcher/upgrade/run.h"

#include <string.h>

#include "inspect/container.h"
#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/step_impl.h"
#include "launcher/upgrade/steps.h"

/* ---- what steps share ---- */

static char *memory_key(enum step_id step, int node)
{
    return mem_printf("%s@%d", plan_step_name(step), node);
}

const json_t *run_evidence(const struct run *r, enum step_id step, int node)
{
    AUTO_FREE char *key = memory_key(step, node);
    return json_object_get(r->memory, key);
}

/* IDs that later rows need are taken out of the evidence: of this process or of an earlier one. */
void run_remember(struct run *r, enum step_id step, int node, const json_t *evidence)
{
    AUTO_FREE char *key = memory_key(step, node);
    json_put(r->memory, key, json_deep_copy(evidence));
    if (step == STEP_CREATE_NEW) {
        free(r->nodes[node].new_id);
        r->nodes[node].new_id = mem_strdup(json_text(evidence, "new_id", ""));
    }
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

int run_metadb(struct run *r, const char *command, json_t *parameters_take, uint64_t timeout_ms,
               json_t **ret, struct err *err)
{
    AUTO_JSON json_t *parameters = parameters_take;
    const struct metadb_request request = {
        .command = command,
        .run = r->id,
        .parameters = parameters,
        .timeout_ms = timeout_ms,
        .stop_on_signal = true,
        .progress = metadb_progress,
        .arg = r,
    };
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

/* ---- the loop ---- */

static void say_begin(const struct run *r, size_t row)
{
    if (r->observer != NULL && r->observer->row_begins != NULL) {
        r->observer->row_begins(r->observer->arg, row, plan_step_title(r->plan->rows[row].step));
    }
}

static void say_end(const struct run *r, size_t row, bool ok, uint64_t began_ms,
                    const char *summary)
{
    if (r->observer != NULL && r->observer->row_ends != NULL) {
        r->observer->row_ends(r->observer->arg, row, ok, clock_mono_ms() - began_ms, summary);
    }
}

static json_t *make_record(const struct run *r, const char *type, size_t row)
{
    const struct plan_row *p = &r->plan->rows[row];
    json_t *record = json_make("{s:s, s:i, s:s}", "type", type, "row", (int)row + 1, "step",
                               plan_step_name(p->step));
    if (p->node != PLAN_ALL_NODES) {
        json_put(record, "node", json_integer(p->node));
    }
    return record;
}

static int record_intent(struct run *r, size_t row, const json_t *prepared, struct err *err)
{
    json_t *record = make_record(r, "intent", row);
    if (prepared != NULL) {
        json_put(record, "prepared", json_deep_copy(prepared));
    }
    return journal_append(r->journal, record, err);
}

static int record_outcome(struct run *r, size_t row, const json_t *evidence,
                          const struct err *failure, struct err *err)
{
    json_t *record = make_record(r, "outcome", row);
    json_put(record, "ok", json_boolean(failure == NULL));
    if (failure != NULL) {
        json_put_text(record, "error", failure->text);
        json_put_text(record, "kind", err_kind_name(failure->kind));
    } else {
        json_put(record, "evidence", json_deep_copy(evidence));
    }
    return journal_append(r->journal, record, err);
}

/* Intent, deed, outcome. A step whose intent cannot be written is not begun. */
static int take_row(struct run *r, size_t row, struct err *err)
{
    const struct plan_row *p = &r->plan->rows[row];
    const struct step *step = step_get(p->step);
    AUTO_JSON json_t *prepared = NULL;
    AUTO_JSON json_t *evidence = NULL;
    if (step->prepare != NULL && step->prepare(r, p->node, &prepared, err) != 0) {
        return -1;
    }
    if (record_intent(r, row, prepared, err) != 0) {
        return -1;
    }
    int rc = step->apply(r, p->node, prepared, &evidence, err);
    struct err unwritten = ERR_INIT;
    if (record_outcome(r, row, evidence, rc == 0 ? NULL : err, &unwritten) != 0 && rc == 0) {
        *err = unwritten;
        return -1;
    }
    if (rc == 0) {
        run_remember(r, p->step, p->node, evidence);
    }
    return rc;
}

/* What a failure of a row leaves behind. */
static enum run_end end_of_failure(const struct run *r, size_t row)
{
    enum step_id step = r->plan->rows[row].step;
    if (step == STEP_LOAD_IMAGE || (step == STEP_CREATE_NEW && row == 0)) {
        return RUN_UNCHANGED;
    }
    return step == STEP_HA_ON || step == STEP_KEEP_RUNNING ? RUN_UPGRADED_WITH_FAULT : RUN_HELD;
}

static const char *end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_UPGRADED] = "upgraded",   [RUN_UPGRADED_WITH_FAULT] = "upgraded-with-fault",
        [RUN_UNCHANGED] = "unchanged", [RUN_ROLLED_BACK] = "rolled-back",
        [RUN_HELD] = "held",           [RUN_ROLLBACK_FAILED] = "rollback-failed",
    };
    return names[end];
}

static int record_end(struct run *r, enum run_end end, struct err *err)
{
    return journal_append(r->journal,
                          json_make("{s:s, s:s}", "type", "end", "result", end_name(end)), err);
}

int run_forward(struct run *r, enum run_end *ret_end, size_t *ret_row, struct err *err)
{
    int rc = 0;
    *ret_row = r->plan->row_count;
    *ret_end = RUN_UPGRADED;
    for (size_t row = 0; row < r->plan->row_count && rc == 0; row++) {
        uint64_t began_ms = clock_mono_ms();
        say_begin(r, row);
        if (stop_requested()) {
            rc = err_fail(err, ERR_INTERRUPTED, "asked to stop before '%s'",
                          plan_step_title(r->plan->rows[row].step));
        } else {
            rc = take_row(r, row, err);
        }
        const json_t *evidence = run_evidence(r, r->plan->rows[row].step, r->plan->rows[row].node);
        say_end(r, row, rc == 0, began_ms,
                rc == 0 ? json_text(evidence, "summary", "") : err->text);
        if (rc != 0) {
            *ret_row = row;
            *ret_end = end_of_failure(r, row);
        }
    }
    struct err unwritten = ERR_INIT;
    if (record_end(r, *ret_end, &unwritten) != 0 && rc == 0) {
        *err = unwritten;
        *ret_end = RUN_UPGRADED_WITH_FAULT;
        rc = -1;
    }
    return rc;
}
