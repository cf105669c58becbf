/* The way of a run, wave after wave: forwards, and back. */
#include <stdlib.h>
#include <string.h>

#include "launcher/base/stop.h"
#include "launcher/upgrade/run_impl.h"

/* Rows of one step, or of one hook, that stand together. */
static size_t wave_length(const struct plan *p, const struct plan_row *rows, size_t count)
{
    size_t length = 1;
    bool of_hook = rows[0].subject.kind == SUBJECT_HOOK;
    while (
        length < count && rows[length].step == rows[0].step &&
        (!of_hook || plan_hook_of(p, rows[length].subject) == plan_hook_of(p, rows[0].subject))) {
        length++;
    }
    return length;
}

/* ---- forwards ---- */

/* What comes after a success: one that fails does not keep the others. */
static bool goes_on(const struct run *r, const struct plan_row *row)
{
    if (row->step != STEP_HOOK) {
        return false;
    }
    const struct hook *h = plan_hook_of(r->plan, row->subject);
    return h->point == HOOK_POST_UPGRADE && h->on_failure == HOOK_WARN;
}

static int go_forward(struct run *r, struct plan_row *ret_failed, struct err *err)
{
    const struct plan_row *rows = r->plan->rows;
    size_t total = r->plan->row_count;
    int rc = 0;
    AUTO_FREE struct wave_result *results =
        mem_grow(NULL, r->plan->node_count + 1, sizeof(*results));
    for (size_t at = 0, length; at < total; at += length) {
        length = wave_length(r->plan, rows + at, total - at);
        const struct run_wave wave = {.rows = rows + at,
                                      .count = length,
                                      .first = at,
                                      .total = total,
                                      .goes_on = goes_on(r, &rows[at])};
        if (run_take_wave(r, &wave, results) == 0) {
            continue;
        }
        if (rc == 0) {
            run_join_failures(r, rows + at, results, length, err);
            *ret_failed = rows[at];
        }
        rc = -1;
        if (!wave.goes_on) {
            break;
        }
    }
    return rc;
}

/* ---- back ---- */

/* The calls of the hooks of a point, as rows. */
static size_t add_hooks(const struct run *r, enum hook_point point, struct plan_row *rows,
                        size_t count)
{
    for (size_t i = 0; i < r->plan->call_count; i++) {
        struct subject subject = subject_hook((int)i);
        if (plan_hook_of(r->plan, subject)->point == point) {
            rows[count++] = (struct plan_row){.step = STEP_BACK_HOOK, .subject = subject};
        }
    }
    return count;
}

/* A hook is undone in the state in which it was done: before which step of the way back. */
static enum step_id undone_before(enum hook_point point)
{
    return point >= HOOK_POST_START  ? STEP_BACK_STOP_NEW
           : point >= HOOK_POST_STOP ? STEP_BACK_START_OLD
                                     : STEP_MAX;
}

static bool is_to_undo(const struct run *r, size_t call)
{
    struct subject subject = subject_hook((int)call);
    const struct hook *h = plan_hook_of(r->plan, subject);
    return h->undo.count > 0 && ledger_row(&r->ledger, STEP_HOOK, subject) != NULL;
}

/* The last one is undone first. */
static size_t add_undos(const struct run *r, enum step_id before, struct plan_row *rows,
                        size_t count)
{
    for (size_t i = r->plan->call_count; i-- > 0;) {
        struct subject subject = subject_hook((int)i);
        if (is_to_undo(r, i) && undone_before(plan_hook_of(r->plan, subject)->point) == before) {
            rows[count++] = (struct plan_row){.step = STEP_UNDO_HOOK, .subject = subject};
        }
    }
    return count;
}

static size_t add_back_step(const struct run *r, const struct back_step *back,
                            struct plan_row *rows, size_t count)
{
    const struct step *step = &back->step;
    size_t nodes = step->rows == STEP_ROW_OF_ALL ? 1 : r->plan->node_count;
    for (size_t node = 0; node < nodes; node++) {
        rows[count++] = (struct plan_row){
            .step = step->id,
            .subject =
                step->rows == STEP_ROW_OF_ALL ? subject_deployment() : subject_node((int)node),
        };
    }
    return count;
}

/* The steps of the way back that what was begun makes necessary, in their order. */
static struct plan_row *list_rows_back(const struct run *r, size_t *ret_count)
{
    size_t steps_count;
    const struct back_step *steps = steps_back(&steps_count);
    size_t most = steps_count * r->plan->node_count + 2 * r->plan->call_count + 1;
    struct plan_row *rows = mem_grow(NULL, most, sizeof(*rows));
    size_t count = add_hooks(r, HOOK_PRE_ROLLBACK, rows, 0);
    for (size_t i = 0; i < steps_count; i++) {
        count = add_undos(r, steps[i].step.id, rows, count);
        if (ledger_has_begun(&r->ledger, steps[i].undoes)) {
            count = add_back_step(r, &steps[i], rows, count);
        }
    }
    count = add_undos(r, STEP_MAX, rows, count);
    *ret_count = add_hooks(r, HOOK_POST_ROLLBACK, rows, count);
    return rows;
}

static int begin_back(struct run *r, const struct err *failure, struct err *err)
{
    if (r->ledger.goes_back) {
        return 0;
    }
    AUTO_FREE char *reason = failure != NULL ? err_join(failure) : NULL;
    const struct record record = {.type = RECORD_ROLLBACK, .reason = reason};
    return run_append(r, &record, err);
}

/* Before the first thing that anybody but us would notice. */
static bool is_untouched(const struct run *r)
{
    for (size_t i = 0; i < r->ledger.row_count; i++) {
        if ((step_get(r->ledger.rows[i]->step)->marks & STEP_TOUCHES) != 0) {
            return false;
        }
    }
    return true;
}

/* Those whose nodes were not left behind. */
static size_t drop_left(const struct run *r, const struct plan_row *rows, size_t count,
                        struct plan_row *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int node = plan_node_of(r->plan, rows[i].subject);
        if (node < 0 || !r->nodes[node].is_left) {
            ret[kept++] = rows[i];
        }
    }
    return kept;
}

/* 0 when it may go on. */
static int leave_behind(struct run *r, const struct plan_row *rows,
                        const struct wave_result *results, size_t count, struct err *err)
{
    run_join_failures(r, rows, results, count, err);
    for (size_t i = 0; i < count; i++) {
        bool failed = results[i].taken && results[i].rc != 0;
        int node = plan_node_of(r->plan, rows[i].subject);
        if (failed && (node < 0 || run_leave_behind(r, node, &results[i].err) != 0)) {
            return -1;
        }
    }
    return 0;
}

static int go_all_the_way_back(struct run *r, struct err *err)
{
    size_t total;
    AUTO_FREE struct plan_row *rows = list_rows_back(r, &total);
    AUTO_FREE struct plan_row *wave_rows = mem_grow(NULL, r->plan->node_count + 1, sizeof(*rows));
    AUTO_FREE struct wave_result *results =
        mem_grow(NULL, r->plan->node_count + 1, sizeof(*results));
    for (size_t at = 0, length; at < total; at += length) {
        length = wave_length(r->plan, rows + at, total - at);
        size_t count = drop_left(r, rows + at, length, wave_rows);
        const struct run_wave wave = {
            .rows = wave_rows, .count = count, .first = at, .total = total, .goes_on = true};
        if (count > 0 && run_take_wave(r, &wave, results) > 0 &&
            leave_behind(r, wave_rows, results, count, err) != 0) {
            return -1;
        }
    }
    return is_untouched(r) ? 0 : run_check_serves(r, false, err);
}

/* What is to be done there and here on the day on which the nodes return. */
static void hint_left(const struct run *r, const char *names, struct err *err)
{
    AUTO_STR struct str hint = STR_INIT;
    for (size_t i = 0; i < r->plan->node_count; i++) {
        const char *id = r->nodes[i].is_left ? run_new_id(r, (int)i) : NULL;
        if (id != NULL) {
            str_appendf(&hint, "%s'docker stop %.12s' on %s", hint.len > 0 ? ", " : "", id,
                        r->plan->nodes[i].name);
        }
    }
    (void)snprintf(err->hint, sizeof(err->hint),
                   "the new OMS must not run on %s%s%s; when its engine answers again, 'omslaunch "
                   "resume %s' brings it back, too",
                   names, hint.len > 0 ? ": " : "", str_get(&hint), r->id);
}

/* Nothing was left behind, or the error that says what was. */
static int check_left(const struct run *r, struct err *err)
{
    AUTO_STR struct str names = STR_INIT;
    size_t back = 0;
    for (size_t i = 0; i < r->plan->node_count; i++) {
        if (r->nodes[i].is_left) {
            str_appendf(&names, "%s%s", names.len > 0 ? ", " : "", r->plan->nodes[i].name);
        } else {
            back++;
        }
    }
    if (names.len == 0) {
        return 0;
    }
    *err = r->left_failure;
    err_wrap(err, "%zu of %zu nodes are back on the old version, but not %s", back,
             r->plan->node_count, str_get(&names));
    hint_left(r, str_get(&names), err);
    return -1;
}

static void go_back(struct run *r, const struct err *failure, struct run_outcome *ret)
{
    const struct run_observer *o = r->observer;
    if (o != NULL && o->goes_back != NULL) {
        o->goes_back(o->arg, failure);
    }
    /* Who goes back because of a first signal must not be stopped by it. */
    stop_tolerate(1);
    if (begin_back(r, failure, &ret->back_failure) != 0) {
        /* Without a journal nothing may be done, not even going back. */
        ret->back_failed = true;
        ret->end = RUN_HELD;
        return;
    }
    struct err err = ERR_INIT;
    if (go_all_the_way_back(r, &err) == 0 && check_left(r, &err) == 0) {
        ret->end = is_untouched(r) ? RUN_UNCHANGED : RUN_ROLLED_BACK;
        return;
    }
    ret->back_failed = true;
    ret->back_failure = err;
    bool given_up = err.kind == ERR_INTERRUPTED || err.kind == ERR_LOCKED;
    ret->end = given_up ? RUN_HELD : RUN_ROLLBACK_FAILED;
}

/* ---- to the end ---- */

static bool has_served(const struct run *r)
{
    for (size_t i = 0; i < r->ledger.row_count; i++) {
        const struct ledger_row *row = r->ledger.rows[i];
        if ((step_get(row->step)->marks & STEP_SERVES) != 0 && row->done_ms != 0) {
            return true;
        }
    }
    return false;
}

static bool needs_no_way_back(const struct run *r)
{
    size_t count;
    const struct back_step *steps = steps_back(&count);
    for (size_t i = 0; i < count; i++) {
        if (ledger_has_begun(&r->ledger, steps[i].undoes)) {
            return false;
        }
    }
    for (size_t i = 0; i < r->plan->call_count; i++) {
        if (is_to_undo(r, i)) {
            return false;
        }
    }
    return true;
}

/* Hooks that are told of a failure; once a run, and what they do changes nothing of it. */
static void take_failure_hooks(struct run *r)
{
    AUTO_FREE struct plan_row *rows = mem_grow(NULL, r->plan->call_count + 1, sizeof(*rows));
    AUTO_FREE struct wave_result *results =
        mem_grow(NULL, r->plan->node_count + 1, sizeof(*results));
    size_t total = add_hooks(r, HOOK_ON_FAILURE, rows, 0);
    int before = stop_tolerance();
    /* They tell of the signal that stopped the run, too. */
    stop_tolerate(before < 1 ? 1 : before);
    for (size_t at = 0, length; at < total; at += length) {
        length = wave_length(r->plan, rows + at, total - at);
        const struct run_wave wave = {
            .rows = rows + at, .count = length, .first = at, .total = total, .goes_on = true};
        (void)run_take_wave(r, &wave, results);
    }
    stop_tolerate(before);
}

/* What only a person knows, only a person can settle; and a version that has served is not taken
 * away because of what came after. */
static void end_failed(struct run *r, bool roll_back, struct run_outcome *ret)
{
    ret->failed = true;
    free(r->failure);
    r->failure = err_join(&ret->failure);
    take_failure_hooks(r);
    if (has_served(r)) {
        ret->end = RUN_UPGRADED_WITH_FAULT;
    } else if (needs_no_way_back(r) && !ret->failure.asks_person) {
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
    const struct record record = {.type = RECORD_END, .end = o->end};
    if (run_append(r, &record, &unwritten) != 0 && !o->failed) {
        o->failed = true;
        o->failure = unwritten;
        o->end = RUN_UPGRADED_WITH_FAULT;
    }
    o->unwritten = journal_is_in_memory(r->journal);
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
    struct err err = ERR_INIT;
    if (r->ledger.goes_back) {
        go_back(r, NULL, ret);
    } else if (go_forward(r, &ret->failed_row, &err) != 0) {
        ret->failure = err;
        end_failed(r, roll_back, ret);
    } else if (check_end(r, &ret->failure) != 0) {
        ret->failed_row.step = STEP_START_NEW;
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
