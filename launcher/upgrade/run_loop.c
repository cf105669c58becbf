/* The loop: intent, deed, outcome, for row after row; forwards, and back. */
#include "launcher/upgrade/run.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/step_impl.h"
#include "launcher/upgrade/steps.h"

/* ---- records ---- */

static json_t *make_record(const char *type, const struct plan_row *row)
{
    json_t *record = json_make("{s:s, s:s}", "type", type, "step", step_name(row->step));
    if (row->node != PLAN_ALL_NODES) {
        json_put(record, "node", json_integer(row->node));
    }
    return record;
}

static int record_intent(struct run *r, const struct plan_row *row, const json_t *prepared,
                         struct err *err)
{
    json_t *record = make_record("intent", row);
    if (prepared != NULL) {
        json_put(record, "prepared", json_deep_copy(prepared));
    }
    if (journal_append(r->journal, record, err) != 0) {
        return -1;
    }
    run_mark_begun(r, row->step, row->node, prepared);
    return 0;
}

static int record_done(struct run *r, const struct plan_row *row, const json_t *evidence,
                       struct err *err)
{
    json_t *record = make_record("outcome", row);
    json_put(record, "ok", json_true());
    json_put(record, "evidence", json_deep_copy(evidence));
    if (journal_append(r->journal, record, err) != 0) {
        return -1;
    }
    run_remember(r, row->step, row->node, evidence);
    return 0;
}

/* The failure itself matters more than that it could not be written down. */
static void record_failed(struct run *r, const struct plan_row *row, const struct err *failure)
{
    json_t *record = make_record("outcome", row);
    json_put(record, "ok", json_false());
    json_put_text(record, "kind", err_kind_name(failure->kind));
    AUTO_FREE char *whole = err_join(failure);
    json_put_text(record, "error", whole);
    struct err ignored;
    if (journal_append(r->journal, record, &ignored) != 0) {
        return;
    }
}

/* ---- one row ---- */

static const char *person_says(const struct run *r, enum step_id step)
{
    const char *name = step_name(step);
    size_t len = strlen(name);
    for (size_t i = 0; r->answers != NULL && i < r->answers->count; i++) {
        const char *answer = r->answers->items[i];
        if (strncmp(answer, name, len) == 0 && answer[len] == '=') {
            return answer + len + 1;
        }
    }
    return NULL;
}

int run_check_answers(const struct strv *answers, struct err *err)
{
    for (size_t i = 0; answers != NULL && i < answers->count; i++) {
        const char *answer = answers->items[i];
        const char *word = strchr(answer, '=');
        AUTO_FREE char *name = mem_strndup(answer, strcspn(answer, "="));
        enum step_id step;
        if (word == NULL || (!str_eq(word, "=done") && !str_eq(word, "=again"))) {
            return err_fail(err, ERR_USAGE,
                            "--answer '%s' is no answer\nHINT: write it as STEP=done or STEP=again",
                            answer);
        }
        if (!step_from_name(name, &step)) {
            return err_fail(err, ERR_USAGE,
                            "--answer '%s' names no step\n"
                            "HINT: the question that it answers names the step",
                            answer);
        }
    }
    return 0;
}

/* A row that was begun and has no good outcome: the world says what became of it. */
static int settle(struct run *r, const struct plan_row *row, const json_t *prepared, bool *ret_done,
                  struct err *err)
{
    const struct step *step = step_get(row->step);
    AUTO_JSON json_t *evidence = NULL;
    enum step_answer answer = STEP_NOT_DONE;
    *ret_done = false;
    if (step->probe == NULL) {
        return 0;
    }
    if (step->probe(r, row->node, prepared, &answer, &evidence, err) != 0) {
        return -1;
    }
    const char *word = person_says(r, row->step);
    if (answer == STEP_UNKNOWN && word == NULL) {
        err_hint(err,
                 "find out, then 'omslaunch resume %s --answer %s=done' (or =again), or go "
                 "back with 'omslaunch rollback %s'",
                 r->id, step_name(row->step), r->id);
        return err_ask_person(err);
    }
    if (answer == STEP_UNKNOWN && str_eq(word, "done")) {
        evidence = json_make("{s:s}", "summary", "done, says the person who resumed");
        answer = STEP_DONE;
    }
    *ret_done = answer == STEP_DONE;
    return *ret_done ? record_done(r, row, evidence, err) : 0;
}

/* The deed. A step that changes the engine or the MetaDB by one call ends it before a first signal
 * stops the run: what is cut off goes on behind our back. Going back, only a second one counts. */
static int apply(struct run *r, const struct plan_row *row, const json_t *prepared,
                 json_t **ret_evidence, struct err *err)
{
    const struct step *step = step_get(row->step);
    bool patient = step->is_patient && !r->going_back;
    if (patient) {
        stop_tolerate(1);
    }
    int rc = step->apply(r, row->node, prepared, ret_evidence, err);
    if (patient) {
        stop_tolerate(0);
    }
    return rc;
}

/* Intent, deed, outcome. A step whose intent cannot be written is not begun. */
static int take_row(struct run *r, const struct plan_row *row, struct err *err)
{
    const struct step *step = step_get(row->step);
    AUTO_JSON json_t *prepared = NULL;
    AUTO_JSON json_t *evidence = NULL;
    const json_t *begun = run_begun(r, row->step, row->node);
    if (begun != NULL) {
        bool done;
        int rc = settle(r, row, begun, &done, err);
        if (rc != 0 || done) {
            return rc;
        }
    }
    if (step->prepare != NULL && step->prepare(r, row->node, &prepared, err) != 0) {
        return -1;
    }
    if (record_intent(r, row, prepared, err) != 0) {
        return -1;
    }
    if (apply(r, row, prepared, &evidence, err) != 0) {
        record_failed(r, row, err);
        return -1;
    }
    return record_done(r, row, evidence, err);
}

/* ---- rows ---- */

static const char *summary_of(const struct run *r, const struct plan_row *row)
{
    return json_text(run_evidence(r, row->step, row->node), "summary", "");
}

/* The backup, and what comes after it, are right only while nobody else writes. */
static bool writes_databases(enum step_id step)
{
    return step == STEP_BACKUP_METADB || step == STEP_START_NEW || step == STEP_INIT_METADATA ||
           step == STEP_BACK_METADB || step == STEP_BACK_START_OLD;
}

static int watch_row(struct run *r, const struct plan_row *row, size_t number, size_t total,
                     struct err *err)
{
    const struct run_observer *o = r->observer;
    uint64_t began_ms = clock_mono_ms();
    int rc;
    if (o != NULL && o->row_begins != NULL) {
        o->row_begins(o->arg, number, total, plan_step_title(row->step));
    }
    if (stop_requested()) {
        rc =
            err_fail(err, ERR_INTERRUPTED, "asked to stop before '%s'", plan_step_title(row->step));
    } else if ((r->lock != NULL && metadb_lock_check(r->lock, err) != 0) ||
               (!r->going_back && run_check_old_rests(r, err) != 0) ||
               (writes_databases(row->step) && run_check_alone(r, err) != 0)) {
        rc = -1;
    } else {
        rc = take_row(r, row, err);
    }
    if (o != NULL && o->row_ends != NULL) {
        o->row_ends(o->arg, rc == 0, clock_mono_ms() - began_ms,
                    rc == 0 ? summary_of(r, row) : err->text);
    }
    return rc;
}

/* What was done and may have come undone since, by a reboot, is looked at again. */
static int recheck(struct run *r, const struct plan_row *row, struct err *err)
{
    const struct step *step = step_get(row->step);
    enum step_answer answer = STEP_DONE;
    AUTO_JSON json_t *evidence = NULL;
    if (step->probe(r, row->node, run_begun(r, row->step, row->node), &answer, &evidence, err) !=
        0) {
        return -1;
    }
    if (answer != STEP_DONE) {
        run_forget(r, row->step, row->node);
        /* That OMS was healthy says nothing of the one that is started now. */
        run_forget(r, r->going_back ? STEP_BACK_HEALTHY : STEP_WAIT_HEALTHY, PLAN_ALL_NODES);
    }
    return 0;
}

static int take_rows(struct run *r, const struct plan_row *rows, size_t count,
                     enum step_id *ret_failed, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_row *row = &rows[i];
        bool done = run_evidence(r, row->step, row->node) != NULL;
        *ret_failed = row->step;
        if (done && step_get(row->step)->is_volatile && recheck(r, row, err) != 0) {
            return -1;
        }
        if (run_evidence(r, row->step, row->node) == NULL &&
            watch_row(r, row, i + 1, count, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- back ---- */

/* The steps of the way back that what was begun makes necessary, in their order. */
static struct plan_row *rows_back(const struct run *r, size_t *ret_count)
{
    size_t nodes = plan_node_count(r->plan);
    struct plan_row *rows =
        mem_grow(NULL, (STEP_MAX - STEP_BACK_HA_OFF) * (nodes + 1), sizeof(*rows));
    *ret_count = 0;
    for (enum step_id id = STEP_BACK_HA_OFF; id < STEP_MAX; id++) {
        const struct step *step = step_get(id);
        if (!run_begun_anywhere(r, step->undoes)) {
            continue;
        }
        for (size_t node = 0; step->each_node && node < nodes; node++) {
            rows[(*ret_count)++] = (struct plan_row){.step = id, .node = (int)node};
        }
        if (!step->each_node) {
            rows[(*ret_count)++] = (struct plan_row){.step = id, .node = PLAN_ALL_NODES};
        }
    }
    return rows;
}

static int begin_back(struct run *r, const struct err *failure, struct err *err)
{
    if (r->going_back) {
        return 0;
    }
    AUTO_FREE char *reason = failure != NULL ? err_join(failure) : NULL;
    json_t *record = json_make("{s:s}", "type", "rollback");
    json_put_text(record, "reason", reason);
    if (journal_append(r->journal, record, err) != 0) {
        return -1;
    }
    r->going_back = true;
    return 0;
}

/* Before the first thing that anybody but us would notice. */
static bool is_untouched(const struct run *r)
{
    return !run_begun_anywhere(r, STEP_HA_OFF) && !run_begun_anywhere(r, STEP_STOP_OLD);
}

static void go_back(struct run *r, const struct err *failure, struct run_outcome *ret)
{
    const struct run_observer *o = r->observer;
    if (o != NULL && o->goes_back != NULL) {
        o->goes_back(o->arg, failure);
    }
    /* Who goes back because of a first signal must not be stopped by it. */
    stop_tolerate(1);
    size_t count;
    enum step_id failed;
    AUTO_FREE struct plan_row *rows = NULL;
    if (begin_back(r, failure, &ret->back_failure) != 0) {
        /* Without a journal nothing may be done, not even going back. */
        ret->back_failed = true;
        ret->end = RUN_HELD;
        return;
    }
    rows = rows_back(r, &count);
    struct err err = ERR_INIT;
    if (take_rows(r, rows, count, &failed, &err) == 0 &&
        (is_untouched(r) || run_check_serves(r, false, &err) == 0)) {
        ret->end = is_untouched(r) ? RUN_UNCHANGED : RUN_ROLLED_BACK;
        return;
    }
    ret->back_failed = true;
    ret->back_failure = err;
    bool given_up = err.kind == ERR_INTERRUPTED || err.kind == ERR_LOCKED;
    ret->end = given_up ? RUN_HELD : RUN_ROLLBACK_FAILED;
}

/* ---- to the end ---- */

/* What only a person knows, only a person can settle; and a version that has served is not taken
 * away because of what came after. */
static void end_failed(struct run *r, bool roll_back, struct run_outcome *ret)
{
    ret->failed = true;
    if (r->was_healthy) {
        ret->end = RUN_UPGRADED_WITH_FAULT;
    } else if (!run_begun_anywhere(r, STEP_CREATE_NEW)) {
        ret->end = RUN_UNCHANGED;
    } else if (roll_back && !ret->failure.asks_person) {
        go_back(r, &ret->failure, ret);
    } else {
        ret->end = RUN_HELD;
    }
}

static void record_end(struct run *r, struct run_outcome *o)
{
    struct err unwritten = ERR_INIT;
    json_t *record = json_make("{s:s, s:s}", "type", "end", "result", run_end_name(o->end));
    if (journal_append(r->journal, record, &unwritten) != 0 && !o->failed) {
        o->failed = true;
        o->failure = unwritten;
        o->end = RUN_UPGRADED_WITH_FAULT;
    }
}

/* All is done: a first signal has nothing to stop any more. */
static int check_end(struct run *r, struct err *err)
{
    stop_tolerate(1);
    int rc = run_check_serves(r, true, err);
    stop_tolerate(0);
    return rc;
}

void run_to_end(struct run *r, bool roll_back, struct run_outcome *ret)
{
    *ret = (struct run_outcome){.end = RUN_UPGRADED};
    enum step_id failed;
    struct err err = ERR_INIT;
    if (r->going_back) {
        go_back(r, NULL, ret);
    } else if (take_rows(r, r->plan->rows, r->plan->row_count, &failed, &err) != 0) {
        ret->failed_step = failed;
        ret->failure = err;
        end_failed(r, roll_back, ret);
    } else if (check_end(r, &ret->failure) != 0) {
        ret->failed_step = STEP_START_NEW;
        end_failed(r, roll_back, ret);
    }
    record_end(r, ret);
}

void run_back(struct run *r, struct run_outcome *ret)
{
    *ret = (struct run_outcome){.end = RUN_ROLLED_BACK};
    go_back(r, NULL, ret);
    record_end(r, ret);
}

/* ---- replay ---- */

int run_replay(struct run *r, struct err *err)
{
    for (size_t i = 0; i < journal_count(r->journal); i++) {
        const json_t *record = journal_at(r->journal, i);
        const char *type = json_text(record, "type", "");
        int node = (int)json_int(record, "node", PLAN_ALL_NODES);
        enum step_id step;
        if (str_eq(type, "rollback")) {
            r->going_back = true;
        }
        if (!str_eq(type, "intent") && !str_eq(type, "outcome")) {
            continue;
        }
        if (!step_from_name(json_text(record, "step", ""), &step) ||
            node >= (int)plan_node_count(r->plan)) {
            return err_fail(err, ERR_STATE,
                            "the journal of run %s has a step that this omslaunch does not know: "
                            "'%s'\nHINT: go on with the version of omslaunch that began the run",
                            r->id, json_text(record, "step", ""));
        }
        if (str_eq(type, "intent")) {
            run_mark_begun(r, step, node, json_object_get(record, "prepared"));
            run_forget(r, step, node);
        } else if (json_bool(record, "ok", false)) {
            run_remember(r, step, node, json_object_get(record, "evidence"));
        }
    }
    return 0;
}
