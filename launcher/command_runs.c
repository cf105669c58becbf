/* runs: what was done from here, by commands of every kind. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/answer.h"
#include "launcher/base/clock.h"
#include "launcher/base/fold.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/past.h"
#include "launcher/session.h"
#include "launcher/state/backups.h"
#include "launcher/state/changes.h"
#include "launcher/state/history.h"
#include "launcher/table.h"

static int add_upgrades(const struct session *s, json_t *list, struct err *err)
{
    AUTO_HISTORY struct history history = {.items = NULL};
    if (history_read(s->state, &history, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < history.count; i++) {
        json_add(list, past_to_json(s, &history, &history.items[i]));
    }
    return 0;
}

static bool has_run(const json_t *list, const char *run)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_text(json_array_get(list, i), "run", NULL), run)) {
            return true;
        }
    }
    return false;
}

/* The backup of an upgrade is a part of that run. */
static int add_backups(const struct session *s, json_t *list, struct err *err)
{
    AUTO_BACKUPS struct backup_list backups = {.items = NULL};
    if (backups_read(s->state, &backups, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < backups.count; i++) {
        const struct kept_backup *b = &backups.items[i];
        char begun[CLOCK_TEXT_MAX];
        AUTO_STR struct str size = STR_INIT;
        str_append_size(&size, b->bytes);
        if (!has_run(list, b->id)) {
            json_add(list, json_make("{s:s, s:s, s:s?, s:s?, s:s, s:s, s:s}", "run", b->id, "kind",
                                     "backup", "deployment", b->deployment, "endpoint", b->endpoint,
                                     "result", b->whole ? "done" : "never-finished", "begun",
                                     clock_format(b->created_ms, begun), "text", str_get(&size)));
        }
    }
    return 0;
}

static int add_changes(const struct session *s, json_t *list, struct err *err)
{
    AUTO_JSON json_t *changes = NULL;
    if (changes_read(s->state, &changes, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *c = json_array_get(changes, i);
        char begun[CLOCK_TEXT_MAX];
        json_add(list, json_make("{s:O?, s:O?, s:O?, s:O?, s:s, s:s, s:O?}", "run",
                                 json_object_get(c, "run"), "kind", json_object_get(c, "kind"),
                                 "deployment", json_object_get(c, "deployment"), "endpoint",
                                 json_object_get(c, "endpoint"), "result", "done", "begun",
                                 clock_format((uint64_t)json_int(c, "wall_ms", 0), begun), "text",
                                 json_object_get(c, "text")));
    }
    return 0;
}

/* An ID begins with the time. */
static int by_run(const void *a, const void *b)
{
    const json_t *const *x = a;
    const json_t *const *y = b;
    return strcmp(json_text(*x, "run", ""), json_text(*y, "run", ""));
}

static json_t *sorted(const json_t *list)
{
    size_t count = json_array_size(list);
    AUTO_FREE json_t **items = mem_grow(NULL, count + 1, sizeof(*items));
    json_t *ret = json_array();
    for (size_t i = 0; i < count; i++) {
        items[i] = json_array_get(list, i);
    }
    qsort(items, count, sizeof(*items), by_run);
    for (size_t i = 0; i < count; i++) {
        json_add(ret, json_incref(items[i]));
    }
    return ret;
}

static void print(const json_t *list)
{
    static const char *const headers[] = {"RUN", "DATE (UTC)", "CONTAINER", "WHAT", "RESULT", ""};
    AUTO_TABLE struct table table = {.headers = headers, .columns = ARRAY_LEN(headers)};
    AUTO_STR struct str text = STR_INIT;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *run = json_array_get(list, i);
        const char *begun = json_text(run, "begun", "");
        const char *what = json_text(run, "versions", json_text(run, "text", ""));
        bool stopped = json_text(run, "last_step", NULL) != NULL &&
                       (str_eq(json_text(run, "result", ""), "unfinished") ||
                        str_eq(json_text(run, "result", ""), "held"));
        table_add(&table, json_text(run, "run", "?"));
        table_addf(&table, "%.10s %.5s", begun, strlen(begun) > 11 ? begun + 11 : "");
        table_add(&table, json_text(run, "deployment", "?"));
        table_add(&table, json_text(run, "kind", "?"));
        table_add(&table, json_text(run, "result", "?"));
        table_addf(&table, "%s%s%s", what, stopped ? ", at " : "",
                   stopped ? json_text(run, "last_step", "") : "");
    }
    table_render(&table, fold_terminal_width(STDOUT_FILENO), &text);
    answer_print(str_get(&text));
}

int command_runs(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_JSON json_t *list = json_array();
    if (session_open(options, &session, &err) != 0 || add_upgrades(&session, list, &err) != 0 ||
        add_backups(&session, list, &err) != 0 || add_changes(&session, list, &err) != 0) {
        return answer_fail(options, &err);
    }
    json_t *runs = sorted(list);
    if (json_array_size(runs) == 0) {
        log_info("There are no runs in '%s'.", session.state);
    } else if (!answer_is_json(options)) {
        print(runs);
    }
    return answer_done(options, json_make("{s:o}", "runs", runs));
}
