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
#include "launcher/state/state.h"
#include "launcher/table.h"
#include "launcher/upgrade/execution.h"

static json_t *find_step(const json_t *steps, const json_t *record)
{
    for (size_t i = json_array_size(steps); i-- > 0;) {
        json_t *step = json_array_get(steps, i);
        if (str_eq(json_text(step, "step", ""), json_text(record, "step", NULL)) &&
            json_int(step, "node", -1) == json_int(record, "node", -1)) {
            return step;
        }
    }
    return NULL;
}

static json_t *add_step(json_t *steps, const json_t *row, const char *outcome)
{
    json_t *step =
        json_make("{s:O, s:O?, s:s, s:n, s:s}", "step", json_object_get(row, "step"), "node",
                  json_object_get(row, "node"), "outcome", outcome, "seconds", "text", "");
    json_add(steps, step);
    return step;
}

/* A step that was taken up again counts by its last attempt. */
static void note_record(json_t *steps, const json_t *record)
{
    const char *type = json_text(record, "type", "");
    bool is_end = str_eq(type, "outcome");
    if (!is_end && !str_eq(type, "intent")) {
        return;
    }
    json_t *step = find_step(steps, record);
    step = step != NULL ? step : add_step(steps, record, "begun");
    if (!is_end) {
        json_put_text(step, "outcome", "begun");
        json_put(step, "seconds", json_null());
        json_put_text(step, "text", "");
        json_put(step, "begun_ms", json_integer(json_int(record, "wall_ms", 0)));
        return;
    }
    bool ok = json_bool(record, "ok", false);
    int64_t begun_ms = json_int(step, "begun_ms", json_int(record, "wall_ms", 0));
    json_put_text(step, "outcome", ok ? "ok" : "failed");
    json_put(step, "seconds",
             json_real((double)(json_int(record, "wall_ms", 0) - begun_ms) / 1000));
    json_put_text(step, "text", json_text(record, ok ? "evidence.summary" : "error", ""));
}

/* What the plan still holds, of a run that may go on. */
static void add_rest(const struct session *s, const struct past_run *p, json_t *steps)
{
    AUTO_PLAN struct plan plan = {.json = NULL};
    struct err ignored;
    if (past_is_over(p) || execution_load_plan(s->state, p->id, &plan, &ignored) != 0) {
        return;
    }
    const json_t *rows = json_object_get(plan.json, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (find_step(steps, row) == NULL) {
            add_step(steps, row, "not begun");
        }
    }
}

static json_t *list_steps(const struct session *s, const struct past_run *p, json_t *records)
{
    AUTO_FREE char *path = state_run_file(s->state, p->id, "journal.jsonl");
    AUTO_JOURNAL struct journal *j = NULL;
    struct err damage = ERR_INIT;
    json_t *steps = json_array();
    if (journal_read(path, &j, &damage) != 0) {
        return steps;
    }
    for (size_t i = 0; i < journal_count(j); i++) {
        json_add(records, json_deep_copy(journal_at(j, i)));
        note_record(steps, journal_at(j, i));
    }
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_object_del(json_array_get(steps, i), "begun_ms");
    }
    add_rest(s, p, steps);
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
    const char *versions = json_text(run, "versions", NULL);
    str_appendf(&text, "run %s on '%s'%s%s: %s\n", json_text(run, "run", ""),
                json_text(run, "deployment", "?"), versions != NULL ? ", " : "",
                versions != NULL ? versions : "", json_text(run, "result", ""));
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
