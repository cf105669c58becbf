/* status and runs: what the state folder remembers. */
#include <stdio.h>

#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/upgrade/history.h"
#include "launcher/upgrade/journal.h"
#include "launcher/upgrade/state.h"

static const char *result_of(const struct past_run *p)
{
    if (p->damage != NULL) {
        return "damaged";
    }
    return p->result != NULL ? p->result : "unfinished";
}

static json_t *run_to_json(const struct past_run *p)
{
    char begun[CLOCK_TEXT_MAX];
    return json_make("{s:s, s:s?, s:s?, s:s, s:s?, s:s}", "run", p->id, "deployment", p->deployment,
                     "endpoint", p->endpoint, "result", result_of(p), "last_step", p->step, "begun",
                     clock_format(p->begun_ms, begun));
}

int command_runs(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(&err);
    }
    AUTO_JSON json_t *runs = json_array();
    for (size_t i = 0; i < history.count; i++) {
        const struct past_run *p = &history.items[i];
        json_add(runs, run_to_json(p));
        if (!session_wants_json(options)) {
            printf("%s  %-20s %-20s %s\n", p->id, p->deployment != NULL ? p->deployment : "?",
                   result_of(p), p->step != NULL ? p->step : "");
        }
    }
    if (session_wants_json(options)) {
        session_print_json(runs);
    }
    return EXIT_DONE;
}

static void print_record(const json_t *record)
{
    const char *type = json_text(record, "type", "");
    const char *time = json_text(record, "time", "");
    if (str_eq(type, "outcome") && json_bool(record, "ok", false)) {
        printf("%s  ok      %-16s %s\n", time, json_text(record, "step", ""),
               json_text(record, "evidence.summary", ""));
    } else if (str_eq(type, "outcome")) {
        printf("%s  failed  %-16s %s\n", time, json_text(record, "step", ""),
               json_text(record, "error", ""));
    } else if (str_eq(type, "intent")) {
        printf("%s  begins  %s\n", time, json_text(record, "step", ""));
    } else {
        printf("%s  %s\n", time, type);
    }
}

static int print_status(const struct session *s, const struct past_run *p, struct err *err)
{
    AUTO_FREE char *path = state_run_file(s->state, p->id, "journal.jsonl");
    AUTO_JOURNAL struct journal *j = NULL;
    if (journal_read(path, &j, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *records = json_array();
    for (size_t i = 0; i < journal_count(j); i++) {
        json_add(records, json_deep_copy(journal_at(j, i)));
        if (!session_wants_json(s->options)) {
            print_record(journal_at(j, i));
        }
    }
    if (session_wants_json(s->options)) {
        AUTO_JSON json_t *document = run_to_json(p);
        json_object_set(document, "records", records);
        session_print_json(document);
    } else {
        printf("run %s on '%s': %s\n", p->id, p->deployment, result_of(p));
    }
    return 0;
}

int command_status(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(&err);
    }
    const char *id = options->arguments.count > 1 ? options->arguments.items[1] : NULL;
    const struct past_run *p = history_find(&history, id);
    if (p == NULL) {
        err_fail(&err, ERR_NOT_FOUND,
                 "there is no run %s%sin '%s'\nHINT: 'omslaunch runs' lists them",
                 id != NULL ? id : "", id != NULL ? " " : "", session.state);
        return session_fail(&err);
    }
    return print_status(&session, p, &err) == 0 ? EXIT_DONE : session_fail(&err);
}
