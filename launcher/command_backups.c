/* backups: what the state folder keeps. */
#include <string.h>
#include <unistd.h>

#include "launcher/answer.h"
#include "launcher/base/clock.h"
#include "launcher/base/fold.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/session.h"
#include "launcher/state/backups.h"
#include "launcher/table.h"

static void add_backup(struct table *t, const struct kept_backup *b)
{
    char created[CLOCK_TEXT_MAX];
    AUTO_STR struct str size = STR_INIT;
    const char *state = "verified when written";
    if (!b->whole) {
        state = "never finished";
    } else if (b->verified_how != NULL) {
        state = b->verified_how;
    }
    str_append_size(&size, b->bytes);
    clock_format(b->created_ms, created);
    table_add(t, b->id);
    table_addf(t, b->whole ? "%.10s %.5s" : "-", created, created + 11);
    table_add(t, b->deployment);
    table_add(t, str_get(&size));
    table_addf(t, "%llu", (unsigned long long)b->rows);
    table_add(t, state);
}

static void print(const struct backup_list *list)
{
    static const char *const headers[] = {"BACKUP", "DATE (UTC)", "CONTAINER",
                                          "SIZE",   "ROWS",       "VERIFIED"};
    AUTO_TABLE struct table table = {
        .headers = headers, .columns = ARRAY_LEN(headers), .right = 1 << 3 | 1 << 4};
    AUTO_STR struct str text = STR_INIT;
    for (size_t i = 0; i < list->count; i++) {
        add_backup(&table, &list->items[i]);
    }
    table_render(&table, fold_terminal_width(STDOUT_FILENO), &text);
    answer_print(str_get(&text));
}

int command_backups(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        backups_read(session.state, &list, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (list.count == 0) {
        log_info("There are no backups in '%s'.", session.state);
    } else if (!answer_is_json(options)) {
        print(&list);
    }
    json_t *all = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_add(all, backups_to_json(&list.items[i]));
    }
    return answer_done(options, json_make("{s:o}", "backups", all));
}
