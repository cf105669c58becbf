/* backups: what the state folder keeps. */
#include <stdio.h>

#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/state/backups.h"

static void print_backup(const struct kept_backup *b)
{
    AUTO_STR struct str size = STR_INIT;
    str_append_size(&size, b->bytes);
    const char *state = "verified when written";
    if (!b->whole) {
        state = "never finished";
    } else if (b->verified_how != NULL) {
        state = b->verified_how;
    }
    printf("%s  %-20s %10s %12llu rows  %s\n", b->id, b->deployment != NULL ? b->deployment : "?",
           str_get(&size), (unsigned long long)b->rows, state);
}

int command_backups(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        backups_read(session.state, &list, &err) != 0) {
        return session_fail(options, &err);
    }
    AUTO_JSON json_t *all = json_array();
    for (size_t i = 0; i < list.count; i++) {
        json_add(all, backups_to_json(&list.items[i]));
        if (!session_wants_json(options)) {
            print_backup(&list.items[i]);
        }
    }
    if (session_wants_json(options)) {
        session_print_json(all);
    }
    return EXIT_DONE;
}
