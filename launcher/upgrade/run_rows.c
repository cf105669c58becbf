/* One row: intent, deed, outcome; and a wave of them. */
#include <stdlib.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/answers.h"
#include "launcher/upgrade/run_impl.h"

/* ---- records ---- */

struct written {
    struct run *run;
    const struct record *record;
};

/* The databases are restored, or were never changed: all that is left to do is right from any state
 * and can be done again. */
static bool has_nothing_to_lose(const struct run *r)
{
    if (!r->ledger.goes_back) {
        return false;
    }
    bool changed = false;
    for (size_t i = 0; i < r->ledger.row_count; i++) {
        changed = changed || (step_get(r->ledger.rows[i]->step)->marks & STEP_CHANGES_METADB) != 0;
    }
    return !changed || ledger_done_ms(&r->ledger, STEP_BACK_METADB) != 0;
}

static int write_record(void *arg, struct err *err)
{
    const struct written *w = arg;
    struct run *r = w->run;
    wave_lock_data(&r->wave);
    int rc = ledger_append(&r->ledger, r->journal, w->record, err);
    if (rc != 0 && has_nothing_to_lose(r) && !journal_is_in_memory(r->journal)) {
        journal_go_on_in_memory(r->journal);
        rc = ledger_append(&r->ledger, r->journal, w->record, err);
        wave_unlock_data(&r->wave);
        run_say_progress(r,
                         "the journal cannot be written: the way back goes on, and keeps its "
                         "records in memory",
                         0, 0, false);
        return rc;
    }
    wave_unlock_data(&r->wave);
    return rc;
}

int run_append(struct run *r, const struct record *record, struct err *err)
{
    struct written w = {.run = r, .record = record};
    return wave_call(&r->wave, write_record, &w, err);
}

static int record_undone(struct run *r, enum step_id step, struct subject subject, struct err *err)
{
    const struct record record = {.type = RECORD_UNDONE, .step = step, .subject = subject};
    return run_append(r, &record, err);
}

/* What was proved of the one that came undone, or was done again, is proved no more. */
static int forget_proofs(struct run *r, const struct step *step, struct err *err)
{
    for (enum step_id id = STEP_LOAD_IMAGE; id < STEP_MAX; id++) {
        if ((step->proved_by & STEP_BIT(id)) != 0 &&
            run_evidence(r, id, subject_deployment()) != NULL &&
            record_undone(r, id, subject_deployment(), err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int record_intent(struct run *r, const struct plan_row *row, const struct prepared *prepared,
                         struct err *err)
{
    struct record record = {.type = RECORD_INTENT, .step = row->step, .subject = row->subject};
    if (prepared != NULL) {
        record.has_prepared = true;
        record.prepared = *prepared;
    }
    return run_append(r, &record, err);
}

static int record_done(struct run *r, const struct plan_row *row, const struct evidence *evidence,
                       struct err *err)
{
    const struct record record = {.type = RECORD_OUTCOME,
                                  .step = row->step,
                                  .subject = row->subject,
                                  .ok = true,
                                  .evidence = *evidence};
    if (run_append(r, &record, err) != 0) {
        return -1;
    }
    return forget_proofs(r, step_get(row->step), err);
}

/* The failure itself matters more than that it could not be written down. */
static void record_failed(struct run *r, const struct plan_row *row, const struct err *failure)
{
    struct err ignored;
    AUTO_FREE char *whole = err_join(failure);
    const struct record record = {.type = RECORD_OUTCOME,
                                  .step = row->step,
                                  .subject = row->subject,
                                  .kind = failure->kind,
                                  .error = whole};
    (void)!run_append(r, &record, &ignored);
}

/* ---- one row ---- */

static struct step_call call_of(struct run *r, const struct plan_row *row)
{
    int node = plan_node_of(r->plan, row->subject);
    return (struct step_call){.run = r, .subject = row->subject, .node = node >= 0 ? node : 0};
}

static const char *node_name(const struct run *r, const struct plan_row *row)
{
    int node = plan_node_of(r->plan, row->subject);
    return r->plan->node_count > 1 && node >= 0 ? r->plan->nodes[node].name : NULL;
}

static int ask_person(const struct run *r, const struct plan_row *row, struct err *err)
{
    const char *node = node_name(r, row);
    AUTO_FREE char *name = plan_row_name(r->plan, row);
    err_hint(err,
             "find out, then 'omslaunch resume %s --answer %s%s%s=done' (or =again), or go "
             "back with 'omslaunch rollback %s'",
             r->id, name, node != NULL ? "@" : "", node != NULL ? node : "", r->id);
    return err_ask_person(err);
}

/* A row that was begun and has no good outcome: the world says what became of it. */
static int settle(struct run *r, const struct plan_row *row, const struct prepared *prepared,
                  bool *ret_done, struct err *err)
{
    const struct step *step = step_get(row->step);
    AUTO_EVIDENCE struct evidence evidence = {.step = row->step};
    enum step_answer answer = STEP_NOT_DONE;
    struct step_call call = call_of(r, row);
    call.prepared = prepared;
    *ret_done = false;
    if (step->probe == NULL) {
        return 0;
    }
    if (step->probe(&call, &answer, &evidence, err) != 0) {
        return -1;
    }
    AUTO_FREE char *name = plan_row_name(r->plan, row);
    enum answer_word word =
        answers_find(r->request.answers, name, plan_subject_name(r->plan, row->subject));
    if (answer == STEP_UNKNOWN && word == ANSWER_NONE) {
        return ask_person(r, row, err);
    }
    if (answer == STEP_UNKNOWN && word == ANSWER_DONE) {
        evidence_free(&evidence);
        evidence.summary = mem_strdup("done, says the person who resumed");
        answer = STEP_DONE;
    }
    *ret_done = answer == STEP_DONE;
    return *ret_done ? record_done(r, row, &evidence, err) : 0;
}

/* The deed. A step that changes the engine or the MetaDB by one call ends it before a first signal
 * stops the run: what is cut off goes on behind our back. Going back, only a second one counts. */
static int apply(const struct step *step, const struct step_call *call, struct evidence *ret,
                 struct err *err)
{
    int before = stop_tolerance();
    if (step->is_patient && before < 1) {
        stop_tolerate(1);
    }
    int rc = step->apply(call, ret, err);
    stop_tolerate(before);
    return rc;
}

/* Intent, deed, outcome. A step whose intent cannot be written is not begun. */
static int take_row(struct run *r, const struct plan_row *row, struct err *err)
{
    const struct step *step = step_get(row->step);
    const struct ledger_row *last = run_row(r, row->step, row->subject);
    const struct prepared *had = last != NULL && last->has_prepared ? &last->prepared : NULL;
    AUTO_PREPARED struct prepared prepared = {.step = row->step};
    AUTO_EVIDENCE struct evidence evidence = {.step = row->step};
    struct step_call call = call_of(r, row);
    if (last != NULL) {
        bool done;
        int rc = settle(r, row, had, &done, err);
        if (rc != 0 || done) {
            return rc;
        }
    }
    call.prepared = had;
    if (step->prepare != NULL && step->prepare(&call, &prepared, err) != 0) {
        return -1;
    }
    call.prepared = step->prepare != NULL ? &prepared : NULL;
    if (record_intent(r, row, call.prepared, err) != 0) {
        return -1;
    }
    if (apply(step, &call, &evidence, err) != 0) {
        record_failed(r, row, err);
        return -1;
    }
    return record_done(r, row, &evidence, err);
}

/* What was done and may have come undone since, by a reboot, is looked at again. */
static int recheck(struct run *r, const struct plan_row *row, struct err *err)
{
    const struct step *step = step_get(row->step);
    const struct ledger_row *last = run_row(r, row->step, row->subject);
    enum step_answer answer = STEP_DONE;
    AUTO_EVIDENCE struct evidence evidence = {.step = row->step};
    struct step_call call = call_of(r, row);
    call.prepared = last->has_prepared ? &last->prepared : NULL;
    if (step->probe(&call, &answer, &evidence, err) != 0) {
        return -1;
    }
    if (answer == STEP_DONE) {
        return 0;
    }
    return record_undone(r, row->step, row->subject, err) != 0 ? -1 : forget_proofs(r, step, err);
}

/* ---- watched ---- */

struct event {
    const struct run_observer *observer;
    const struct run_row *row;
    bool ok;
    uint64_t took_ms;
    const char *summary;
};

static int tell_beginning(void *arg, struct err *err)
{
    (void)err;
    const struct event *e = arg;
    if (e->observer != NULL && e->observer->row_begins != NULL) {
        e->observer->row_begins(e->observer->arg, e->row);
    }
    return 0;
}

static int tell_end(void *arg, struct err *err)
{
    (void)err;
    const struct event *e = arg;
    if (e->observer != NULL && e->observer->row_ends != NULL) {
        e->observer->row_ends(e->observer->arg, e->row, e->ok, e->took_ms, e->summary);
    }
    return 0;
}

static const char *summary_of(const struct run *r, const struct plan_row *row)
{
    const struct evidence *e = run_evidence(r, row->step, row->subject);
    return e != NULL ? e->summary : "";
}

static int check_alone(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    return r->nodes[index].is_left ? 0 : run_check_alone(r, (int)index, err);
}

static int check_all_alone(struct run *r, struct err *err)
{
    size_t count = r->plan->node_count;
    AUTO_FREE struct wave_result *results = mem_grow(NULL, count, sizeof(*results));
    if (!r->ledger.goes_back) {
        return run_each_node(r, check_alone, err);
    }
    (void)wave_run(&r->wave, count, r->request.parallel, false, check_alone, r, results);
    for (size_t i = 0; i < count; i++) {
        if (results[i].rc != 0 && run_leave_behind(r, (int)i, &results[i].err) != 0) {
            *err = results[i].err;
            return -1;
        }
    }
    return 0;
}

/* What a wave stands on is looked at once, before its first row; its error is that row's. What a
 * site does on the way back stands on nothing of ours. */
static int check_ground(struct run *r, const struct step *step, struct err *err)
{
    if (step->rows == STEP_ROWS_OF_HOOKS && step_goes_back(step->id)) {
        return 0;
    }
    if (r->lock != NULL && metadb_lock_check(r->lock, err) != 0) {
        return -1;
    }
    if (!r->ledger.goes_back && run_check_old_rests(r, err) != 0) {
        return -1;
    }
    return (step->marks & STEP_WRITES_METADB) != 0 ? check_all_alone(r, err) : 0;
}

/* What the jobs of a wave share. */
struct wave_of_rows {
    struct run *run;
    const struct run_wave *wave;
    const struct err *ground; /* why none may be begun; NULL */
};

static int watch_row(const struct wave_of_rows *w, size_t index, struct err *err)
{
    struct run *r = w->run;
    const struct plan_row *row = &w->wave->rows[index];
    AUTO_FREE char *title = plan_row_title(r->plan, row);
    const struct run_row seen = {.number = w->wave->first + index + 1,
                                 .total = w->wave->total,
                                 .step = row->step,
                                 .title = title,
                                 .node = node_name(r, row)};
    struct event event = {.observer = r->observer, .row = &seen};
    struct err ignored;
    uint64_t began_ms = clock_mono_ms();
    int rc = -1;
    (void)wave_call(&r->wave, tell_beginning, &event, &ignored);
    run_set_current_row(&seen);
    if (stop_requested()) {
        err_fail(err, ERR_INTERRUPTED, "asked to stop before '%s'", title);
    } else if (w->ground != NULL) {
        *err = *w->ground;
    } else {
        rc = take_row(r, row, err);
    }
    run_set_current_row(NULL);
    event.ok = rc == 0;
    event.took_ms = clock_mono_ms() - began_ms;
    event.summary = rc == 0 ? summary_of(r, row) : err->text;
    (void)wave_call(&r->wave, tell_end, &event, &ignored);
    return rc;
}

static int take_job(void *arg, size_t index, struct err *err)
{
    const struct wave_of_rows *w = arg;
    const struct plan_row *row = &w->wave->rows[index];
    bool done = run_evidence(w->run, row->step, row->subject) != NULL;
    int node = plan_node_of(w->run->plan, row->subject);
    bool left = node >= 0 && w->run->nodes[node].is_left;
    return done || left ? 0 : watch_row(w, index, err);
}

static int recheck_job(void *arg, size_t index, struct err *err)
{
    const struct wave_of_rows *w = arg;
    const struct plan_row *row = &w->wave->rows[index];
    bool done = run_evidence(w->run, row->step, row->subject) != NULL;
    return done ? recheck(w->run, row, err) : 0;
}

static bool is_all_done(const struct run *r, const struct run_wave *wave)
{
    bool done = true;
    for (size_t i = 0; i < wave->count && done; i++) {
        done = run_evidence(r, wave->rows[i].step, wave->rows[i].subject) != NULL;
    }
    return done;
}

size_t run_take_wave(struct run *r, const struct run_wave *wave, struct wave_result *results)
{
    const struct step *step = step_get(wave->rows[0].step);
    struct err ground = ERR_INIT;
    struct wave_of_rows w = {.run = r, .wave = wave};
    size_t parallel = step->rows == STEP_ROWS_OF_INIT ? 1 : r->request.parallel;
    size_t failed = 0;
    if (step->is_volatile) {
        failed = wave_run(&r->wave, wave->count, parallel, false, recheck_job, &w, results);
    }
    if (failed > 0 || is_all_done(r, wave)) {
        return failed;
    }
    if (!stop_requested() && check_ground(r, step, &ground) != 0) {
        w.ground = &ground;
    }
    return wave_run(&r->wave, wave->count, parallel, !wave->goes_on, take_job, &w, results);
}

/* ---- each node ---- */

void run_join_failures(const struct run *r, const struct plan_row *rows,
                       const struct wave_result *results, size_t count, struct err *ret)
{
    AUTO_STR struct str others = STR_INIT;
    const struct wave_result *first = NULL;
    bool asks_person = false;
    for (size_t i = 0; i < count; i++) {
        if (!results[i].taken || results[i].rc == 0) {
            continue;
        }
        asks_person = asks_person || results[i].err.asks_person;
        if (first != NULL) {
            str_appendf(&others, "\n%s: %s", node_name(r, &rows[i]), results[i].err.text);
            continue;
        }
        first = &results[i];
        *ret = results[i].err;
        if (node_name(r, &rows[i]) != NULL) {
            err_wrap(ret, "%s", node_name(r, &rows[i]));
        }
    }
    if (others.len > 0) {
        struct err all = *ret;
        err_fail(&all, ret->kind, "%s%s", ret->text, str_get(&others));
        (void)snprintf(all.hint, sizeof(all.hint), "%s", ret->hint);
        *ret = all;
    }
    ret->asks_person = asks_person;
}

static bool may_leave(const struct run *r, const struct err *why)
{
    return r->plan->node_count > 1 && why->kind != ERR_INTERRUPTED && why->kind != ERR_STATE &&
           why->kind != ERR_LOCKED && !why->asks_person;
}

int run_leave_behind(struct run *r, int node, const struct err *why)
{
    size_t left = 0;
    if (!may_leave(r, why)) {
        return -1;
    }
    for (size_t i = 0; i < r->plan->node_count; i++) {
        left += r->nodes[i].is_left;
    }
    if (left == 0) {
        r->left_failure = *why;
    }
    r->nodes[node].is_left = true;
    return left + 1 < r->plan->node_count ? 0 : -1;
}

int run_each_node(struct run *r, wave_job_fn fn, struct err *err)
{
    size_t count = r->plan->node_count;
    AUTO_FREE struct wave_result *results = mem_grow(NULL, count, sizeof(*results));
    AUTO_FREE struct plan_row *rows = mem_grow(NULL, count, sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct plan_row){.subject = subject_node((int)i)};
    }
    if (wave_run(&r->wave, count, r->request.parallel, false, fn, r, results) == 0) {
        return 0;
    }
    run_join_failures(r, rows, results, count, err);
    return -1;
}
