#include "launcher/state/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/state/restores.h"

static void row_free(struct ledger_row *row)
{
    prepared_free(&row->prepared);
    evidence_free(&row->evidence);
    free(row->error);
    free(row);
}

void ledger_free(struct ledger *l)
{
    for (size_t i = 0; i < l->row_count; i++) {
        row_free(l->rows[i]);
    }
    free(l->rows);
    free(l->run);
    free(l->plan);
    free(l->deployment);
    free(l->endpoint);
    free(l->identity);
    free(l->back_reason);
    free(l->times);
    memset(l, 0, sizeof(*l));
}

/* ---- one record ---- */

static struct ledger_row *find_row(const struct ledger *l, enum step_id step,
                                   struct subject subject)
{
    for (size_t i = 0; i < l->row_count; i++) {
        if (l->rows[i]->step == step && subject_eq(l->rows[i]->subject, subject)) {
            return l->rows[i];
        }
    }
    return NULL;
}

static struct ledger_row *need_row(struct ledger *l, const struct record *r)
{
    struct ledger_row *row = find_row(l, r->step, r->subject);
    if (row != NULL) {
        return row;
    }
    l->rows = mem_grow(l->rows, l->row_count + 1, sizeof(*l->rows));
    row = mem_alloc(sizeof(*row));
    l->rows[l->row_count++] = row;
    *row = (struct ledger_row){.step = r->step, .subject = r->subject, .began_ms = r->wall_ms};
    return row;
}

static void apply_begin(struct ledger *l, struct record *r)
{
    free(l->run);
    free(l->plan);
    free(l->deployment);
    free(l->endpoint);
    free(l->identity);
    l->run = TAKE(r->begin.run);
    l->plan = TAKE(r->begin.plan);
    l->deployment = TAKE(r->begin.deployment);
    l->endpoint = TAKE(r->begin.endpoint);
    l->identity = TAKE(r->begin.identity);
    l->begun_ms = r->wall_ms;
}

static void apply_intent(struct ledger_row *row, struct record *r)
{
    prepared_free(&row->prepared);
    evidence_free(&row->evidence);
    row->state = ROW_BEGUN;
    row->began_ms = r->wall_ms;
    row->has_prepared = r->has_prepared;
    row->prepared = r->prepared;
    memset(&r->prepared, 0, sizeof(r->prepared));
}

static void apply_outcome(struct ledger *l, struct ledger_row *row, struct record *r)
{
    row->ended_ms = r->wall_ms;
    evidence_free(&row->evidence);
    if (!r->ok) {
        row->state = ROW_FAILED;
        row->kind = r->kind;
        free(row->error);
        row->error = TAKE(r->error);
        return;
    }
    row->state = ROW_DONE;
    row->done_at = row->done_ms == 0 ? l->time_count - 1 : row->done_at;
    row->done_ms = r->wall_ms;
    row->evidence = r->evidence;
    memset(&r->evidence, 0, sizeof(r->evidence));
}

static void apply_row(struct ledger *l, struct record *r)
{
    struct ledger_row *row = need_row(l, r);
    l->has_step = true;
    l->last_step = r->step;
    if (r->type == RECORD_INTENT) {
        apply_intent(row, r);
    } else if (r->type == RECORD_OUTCOME) {
        apply_outcome(l, row, r);
    } else if (row->state == ROW_DONE) {
        evidence_free(&row->evidence);
        row->state = ROW_UNDONE;
    }
}

void ledger_apply_take(struct ledger *l, struct record *r)
{
    l->times = mem_grow(l->times, l->time_count + 1, sizeof(*l->times));
    l->times[l->time_count++] = r->wall_ms;
    /* Anything after an end means that the run was taken up again. */
    l->has_ended = r->type == RECORD_END;
    switch (r->type) {
    case RECORD_BEGIN:
        apply_begin(l, r);
        break;
    case RECORD_INTENT:
    case RECORD_OUTCOME:
    case RECORD_UNDONE:
        apply_row(l, r);
        break;
    case RECORD_ROLLBACK:
        l->goes_back = true;
        free(l->back_reason);
        l->back_reason = TAKE(r->reason);
        break;
    case RECORD_END:
        l->end = r->end;
        l->ended_ms = r->wall_ms;
        break;
    case RECORD_TYPE_MAX:
    default:
        break;
    }
    record_free(r);
}

/* ---- all records ---- */

static int apply_at(struct ledger *l, const struct journal *j, size_t index, const char *path,
                    struct err *err)
{
    AUTO_RECORD struct record record = {.wall_ms = 0};
    AUTO_FREE char *what = mem_printf("record %zu of the journal '%s'", index + 1, path);
    if (record_from_json(journal_at(j, index), what, &record, err) != 0) {
        return -1;
    }
    if ((record.type == RECORD_BEGIN) != (index == 0)) {
        return err_fail(err, ERR_STATE,
                        "%s %s\n"
                        "HINT: nothing was changed; files of two runs were mixed",
                        what, index == 0 ? "is not the beginning of a run" : "begins a second run");
    }
    ledger_apply_take(l, &record);
    return 0;
}

int ledger_read(const struct journal *j, const char *path, struct ledger *ret, struct err *err)
{
    AUTO_LEDGER struct ledger l = {.run = NULL};
    for (size_t i = 0; i < journal_count(j); i++) {
        if (apply_at(&l, j, i, path, err) != 0) {
            return -1;
        }
    }
    *ret = l;
    memset(&l, 0, sizeof(l));
    return 0;
}

int ledger_append(struct ledger *l, struct journal *j, const struct record *r, struct err *err)
{
    if (journal_append(j, record_to_json(r), err) != 0) {
        return -1;
    }
    return apply_at(l, j, journal_count(j) - 1, journal_path(j), err);
}

/* ---- questions ---- */

const struct ledger_row *ledger_row(const struct ledger *l, enum step_id step,
                                    struct subject subject)
{
    return find_row(l, step, subject);
}

bool ledger_has_begun(const struct ledger *l, enum step_id step)
{
    for (size_t i = 0; i < l->row_count; i++) {
        if (l->rows[i]->step == step) {
            return true;
        }
    }
    return false;
}

const struct evidence *ledger_evidence(const struct ledger *l, enum step_id step,
                                       struct subject subject)
{
    const struct ledger_row *row = find_row(l, step, subject);
    return row != NULL && row->state == ROW_DONE ? &row->evidence : NULL;
}

uint64_t ledger_done_ms(const struct ledger *l, enum step_id step)
{
    uint64_t last_ms = 0;
    for (size_t i = 0; i < l->row_count; i++) {
        const struct ledger_row *row = l->rows[i];
        last_ms = row->step == step && row->done_ms > last_ms ? row->done_ms : last_ms;
    }
    return last_ms;
}

bool ledger_has_served(const struct ledger *l)
{
    return ledger_done_ms(l, STEP_WAIT_HEALTHY) != 0;
}

void ledger_list_kept(const struct ledger *l, struct strv *ret)
{
    const struct evidence *e = ledger_evidence(l, STEP_BACK_METADB, subject_deployment());
    if (e != NULL) {
        restores_list_kept(e->restored.restore, ret);
    }
}

/* ---- the outage ---- */

static uint64_t stopped_ms(const struct ledger_row *row)
{
    return row->step == STEP_STOP_OLD ? row->evidence.stopped.t1_ms
                                      : row->evidence.stopped_new.t3_ms;
}

/* The earliest stop, and the first record that speaks of one. */
static uint64_t first_stop_ms(const struct ledger *l, enum step_id step, size_t *ret_at)
{
    uint64_t first_ms = 0;
    *ret_at = l->time_count;
    for (size_t i = 0; i < l->row_count; i++) {
        const struct ledger_row *row = l->rows[i];
        if (row->step != step || row->state != ROW_DONE) {
            continue;
        }
        uint64_t at_ms = stopped_ms(row);
        first_ms = at_ms != 0 && (first_ms == 0 || at_ms < first_ms) ? at_ms : first_ms;
        *ret_at = row->done_at < *ret_at ? row->done_at : *ret_at;
    }
    return first_ms;
}

static void add_gap(uint64_t *sum_ms, uint64_t *last_ms, uint64_t now_ms)
{
    *sum_ms += now_ms > *last_ms ? now_ms - *last_ms : 0;
    *last_ms = now_ms;
}

uint64_t ledger_outage_ms(const struct ledger *l, uint64_t now_ms)
{
    size_t at;
    bool since_t3 = l->goes_back && ledger_has_served(l);
    uint64_t began_ms = first_stop_ms(l, since_t3 ? STEP_BACK_STOP_NEW : STEP_STOP_OLD, &at);
    if (began_ms == 0) {
        return 0;
    }
    uint64_t last_ms = began_ms, sum_ms = 1;
    for (size_t i = at; i < l->time_count; i++) {
        add_gap(&sum_ms, &last_ms, l->times[i]);
    }
    add_gap(&sum_ms, &last_ms, now_ms);
    uint64_t wall_ms = now_ms > began_ms ? now_ms - began_ms : 0;
    return wall_ms > sum_ms ? wall_ms : sum_ms;
}

/* ---- for programs ---- */

static json_t *name_or_number(const struct strv *names, int index)
{
    return (size_t)index < names->count ? json_from_text(names->items[index]) : json_integer(index);
}

static json_t *subject_to_json(struct subject s, const struct strv *node_names,
                               const struct strv *hook_names)
{
    return s.kind == SUBJECT_NODE   ? name_or_number(node_names, s.index)
           : s.kind == SUBJECT_HOOK ? name_or_number(hook_names, s.index)
                                    : json_integer(s.index);
}

static json_t *row_to_json(const struct ledger_row *row, const struct strv *node_names,
                           const struct strv *hook_names)
{
    char began[CLOCK_TEXT_MAX];
    const char *kind = subject_kind_name(row->subject.kind);
    bool over = row->state == ROW_DONE || row->state == ROW_FAILED;
    json_t *json = json_object();
    json_put_text(json, "step", step_name(row->step));
    if (kind != NULL) {
        json_put(json, kind, subject_to_json(row->subject, node_names, hook_names));
    }
    json_put(json, "ok", over ? json_boolean(row->state == ROW_DONE) : json_null());
    json_put_text(json, "began", clock_format(row->began_ms, began));
    if (over) {
        uint64_t took_ms = row->ended_ms > row->began_ms ? row->ended_ms - row->began_ms : 0;
        json_put(json, "took_ms", json_integer((json_int_t)took_ms));
    }
    if (row->state == ROW_DONE) {
        json_put(json, "evidence", evidence_to_json(&row->evidence));
    } else if (row->state == ROW_FAILED) {
        json_put_text(json, "error", row->error);
    }
    return json;
}

json_t *ledger_rows_to_json(const struct ledger *l, const struct strv *node_names,
                            const struct strv *hook_names)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < l->row_count; i++) {
        json_add(rows, row_to_json(l->rows[i], node_names, hook_names));
    }
    return rows;
}
