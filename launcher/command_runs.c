/* status and runs: what the state folder remembers. */
#include <stdio.h>

#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/state/history.h"
#include "launcher/state/journal.h"
#include "launcher/state/state.h"

static const char *result_of(const struct past_run *p)
{
    if (p->damage != NULL) {
        return "damaged";
    }
    return p->result != NULL ? p->result : "unfinished";
}

/* Who works on the run's deployment right now; NULL if nobody does. Caller frees. */
static char *holder_of(const struct session *s, const struct past_run *p)
{
    AUTO_STR struct str holder = STR_INIT;
    if (p->deployment == NULL || !state_is_locked(s->state, p->endpoint, p->deployment, &holder)) {
        return NULL;
    }
    return str_take(&holder);
}

/* The next safe command, in a person's words. Caller frees. */
static char *next_step(const struct past_run *p, const char *holder)
{
    if (p->damage != NULL) {
        return mem_strdup("look at the containers and the backup, and go on by hand");
    }
    if (holder != NULL) {
        return mem_strdup("wait: it is being worked on");
    }
    if (p->result == NULL || str_eq(p->result, "held") || str_eq(p->result, "rollback-failed")) {
        return mem_printf("omslaunch resume %s, or omslaunch rollback %s", p->id, p->id);
    }
    if (str_eq(p->result, "upgraded-with-fault")) {
        return mem_printf("omslaunch resume %s", p->id);
    }
    return str_eq(p->result, "upgraded") && !p->backup_gone
               ? mem_printf("nothing; omslaunch rollback %s would go back", p->id)
               : mem_strdup("nothing");
}

static json_t *run_to_json(const struct session *s, const struct past_run *p)
{
    char begun[CLOCK_TEXT_MAX];
    AUTO_FREE char *holder = holder_of(s, p);
    AUTO_FREE char *next = next_step(p, holder);
    return json_make("{s:s, s:s?, s:s?, s:s, s:s?, s:s, s:s?, s:s, s:s?}", "run", p->id,
                     "deployment", p->deployment, "endpoint", p->endpoint, "result", result_of(p),
                     "last_step", p->step, "begun", clock_format(p->begun_ms, begun), "holder",
                     holder, "next", next, "damage", p->damage);
}

int command_runs(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(options, &err);
    }
    AUTO_JSON json_t *runs = json_array();
    for (size_t i = 0; i < history.count; i++) {
        const struct past_run *p = &history.items[i];
        json_add(runs, run_to_json(&session, p));
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

static void print_end(const json_t *run)
{
    printf("\nrun %s on '%s': %s\n", json_text(run, "run", ""), json_text(run, "deployment", "?"),
           json_text(run, "result", ""));
    if (json_text(run, "holder", NULL) != NULL) {
        printf("in work: %s\n", json_text(run, "holder", ""));
    }
    if (json_text(run, "damage", NULL) != NULL) {
        printf("%s\n", json_text(run, "damage", ""));
    }
    printf("next: %s\n", json_text(run, "next", ""));
}

static void print_status(const struct session *s, const struct past_run *p)
{
    AUTO_FREE char *path = state_run_file(s->state, p->id, "journal.jsonl");
    AUTO_JOURNAL struct journal *j = NULL;
    struct err damage = ERR_INIT;
    AUTO_JSON json_t *document = run_to_json(s, p);
    AUTO_JSON json_t *records = json_array();
    bool readable = journal_read(path, &j, &damage) == 0;
    for (size_t i = 0; readable && i < journal_count(j); i++) {
        json_add(records, json_deep_copy(journal_at(j, i)));
        if (!session_wants_json(s->options)) {
            print_record(journal_at(j, i));
        }
    }
    json_object_set(document, "records", records);
    if (session_wants_json(s->options)) {
        session_print_json(document);
    } else {
        print_end(document);
    }
}

int command_status(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(options, &err);
    }
    const char *id = options->arguments.count > 1 ? options->arguments.items[1] : NULL;
    const struct past_run *p = history_find(&history, id);
    if (p == NULL) {
        err_fail(&err, ERR_NOT_FOUND,
                 "there is no run %s%sin '%s'\nHINT: 'omslaunch runs' lists them",
                 id != NULL ? id : "", id != NULL ? " " : "", session.state);
        return session_fail(options, &err);
    }
    print_status(&session, p);
    return EXIT_DONE;
}
