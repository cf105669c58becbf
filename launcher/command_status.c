/* status: what became of a run, step by step. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/answer.h"
#include "launcher/base/fold.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/past.h"
#include "launcher/session.h"
#include "launcher/state/history.h"
#include "launcher/state/journal.h"
#include "launcher/state/ledger.h"
#include "launcher/state/state.h"
#include "launcher/table.h"
#include "launcher/upgrade/run.h"

/* A plan that cannot be read leaves a hook without its name. */
static json_t *step_to_json(const struct plan *plan, struct plan_row row, const char *outcome,
                            const char *text)
{
    bool known = row.subject.kind != SUBJECT_HOOK || (size_t)row.subject.index < plan->call_count;
    AUTO_FREE char *name = known ? plan_row_name(plan, &row) : mem_strdup(step_name(row.step));
    int node = known ? plan_node_of(plan, row.subject) : -1;
    json_t *json = json_make("{s:s, s:n, s:s, s:n, s:s}", "step", name, "node", "outcome", outcome,
                             "seconds", "text", text);
    if (node >= 0) {
        json_put(json, "node", json_integer(node));
    }
    return json;
}

/* A step that was taken up again counts by its last attempt. */
static json_t *row_to_json(const struct plan *plan, const struct ledger_row *row)
{
    static const char *const outcomes[] = {
        [ROW_BEGUN] = "begun",
        [ROW_DONE] = "ok",
        [ROW_FAILED] = "failed",
        [ROW_UNDONE] = "undone",
    };
    bool over = row->state == ROW_DONE || row->state == ROW_FAILED;
    const struct plan_row planned = {.step = row->step, .subject = row->subject};
    json_t *json = step_to_json(plan, planned, outcomes[row->state],
                                row->state == ROW_DONE     ? row->evidence.summary
                                : row->state == ROW_FAILED ? row->error
                                                           : "");
    if (over) {
        double took_ms = (double)row->ended_ms - (double)row->began_ms;
        json_put(json, "seconds", json_real(took_ms / 1000));
    }
    return json;
}

/* What the plan still holds, of a run that may go on. */
static void add_rest(const struct past_run *p, const struct plan *plan, const struct ledger *l,
                     json_t *steps)
{
    for (size_t i = 0; !past_is_over(p) && i < plan->row_count; i++) {
        const struct plan_row *row = &plan->rows[i];
        if (ledger_row(l, row->step, row->subject) == NULL) {
            json_add(steps, step_to_json(plan, *row, "not begun", ""));
        }
    }
}

static json_t *list_steps(const struct session *s, const struct past_run *p, json_t *records)
{
    AUTO_FREE char *path = state_run_file(s->state, p->id, "journal.jsonl");
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_LEDGER struct ledger ledger = {.run = NULL};
    struct err damage = ERR_INIT;
    json_t *steps = json_array();
    if (journal_read(path, &j, &damage) != 0) {
        return steps;
    }
    for (size_t i = 0; i < journal_count(j); i++) {
        json_add(records, json_deep_copy(journal_at(j, i)));
    }
    if (ledger_read(j, path, &ledger, &damage) != 0) {
        return steps;
    }
    AUTO_PLAN struct plan plan = PLAN_INIT;
    struct err ignored;
    (void)!run_load_plan(s->state, p->id, &plan, &ignored);
    for (size_t i = 0; i < ledger.row_count; i++) {
        json_add(steps, row_to_json(&plan, ledger.rows[i]));
    }
    add_rest(p, &plan, &ledger, steps);
    return steps;
}

static bool has_several_nodes(const json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        if (json_int(json_array_get(steps, i), "node", 0) > 0) {
            return true;
        }
    }
    return false;
}

static void print_steps(const json_t *steps)
{
    static const char *const headers[] = {"STEP", "OUTCOME", "SECONDS", ""};
    AUTO_TABLE struct table table = {
        .headers = headers, .columns = ARRAY_LEN(headers), .right = 1 << 2};
    AUTO_STR struct str text = STR_INIT;
    bool several = has_several_nodes(steps);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *seconds = json_object_get(step, "seconds");
        int64_t node = json_int(step, "node", -1);
        const char *words = json_text(step, "text", "");
        if (several && node >= 0) {
            table_addf(&table, "%s %lld", json_text(step, "step", ""), (long long)node + 1);
        } else {
            table_add(&table, json_text(step, "step", ""));
        }
        table_add(&table, json_text(step, "outcome", ""));
        if (json_is_real(seconds)) {
            table_addf(&table, "%.1f", json_real_value(seconds));
        } else {
            table_add(&table, "");
        }
        table_addf(&table, "%.*s", (int)strcspn(words, "\n"), words);
    }
    if (json_array_size(steps) > 0) {
        table_render(&table, fold_terminal_width(STDOUT_FILENO), &text);
        str_append_c(&text, '\n');
        answer_print(str_get(&text));
    }
}

static void print_end(const json_t *run)
{
    AUTO_STR struct str text = STR_INIT;
    const char *versions =
        json_text(run, "damage", NULL) != NULL ? NULL : json_text(run, "versions", NULL);
    str_appendf(&text, "run %s on '%s': %s%s%s\n", json_text(run, "run", ""),
                json_text(run, "deployment", "?"), json_text(run, "result", ""),
                versions != NULL ? ", " : "", versions != NULL ? versions : "");
    if (json_text(run, "holder", NULL) != NULL) {
        str_appendf(&text, "in work: %s\n", json_text(run, "holder", ""));
    }
    if (json_text(run, "damage", NULL) != NULL) {
        str_appendf(&text, "%s\n", json_text(run, "damage", ""));
    }
    str_appendf(&text, "next: %s\n", json_text(run, "next", ""));
    answer_print(str_get(&text));
}

int command_status(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    const char *which = options->arguments.count > 1 ? options->arguments.items[1] : NULL;
    const struct past_run *p;
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0 ||
        past_find(&session, &history, which, &p, &err) != 0) {
        return answer_fail(options, &err);
    }
    json_t *records = json_array();
    json_t *document = past_to_json(&session, &history, p);
    json_put(document, "steps", list_steps(&session, p, records));
    json_put(document, "records", records);
    if (!answer_is_json(options)) {
        print_steps(json_object_get(document, "steps"));
        print_end(document);
    }
    return answer(options,
                  &(struct answer){
                      .code = 0, .deployment = p->deployment, .run = p->id, .data_take = document});
}
