/* backups and prune: what the state folder keeps, and what of it may go. */
#include <stdio.h>
#include <stdlib.h>

#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/upgrade/backups.h"
#include "launcher/upgrade/history.h"

static json_t *backup_to_json(const struct kept_backup *b)
{
    char created[CLOCK_TEXT_MAX];
    json_t *databases = json_array();
    for (size_t i = 0; i < b->databases.count; i++) {
        json_add(databases, json_string(b->databases.items[i]));
    }
    return json_make("{s:s, s:s, s:b, s:s?, s:s?, s:s, s:I, s:I, s:o, s:s?}", "backup", b->id,
                     "folder", b->folder, "whole", (int)b->whole, "deployment", b->deployment,
                     "endpoint", b->endpoint, "created", clock_format(b->created_ms, created),
                     "bytes", (json_int_t)b->bytes, "rows", (json_int_t)b->rows, "databases",
                     databases, "verified", b->verified_how);
}

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
        json_add(all, backup_to_json(&list.items[i]));
        if (!session_wants_json(options)) {
            print_backup(&list.items[i]);
        }
    }
    if (session_wants_json(options)) {
        session_print_json(all);
    }
    return EXIT_DONE;
}

/* ---- prune ---- */

/* A run that is not over needs its backup to go back. */
static void list_needed(const struct history *h, struct strv *ret)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct past_run *p = &h->items[i];
        if (p->damage != NULL || history_unfinished(h, p->deployment, p->endpoint) == p) {
            strv_add(ret, p->id);
        }
    }
}

/* Is it, or would it be, one of the backups that went just now? */
static bool is_gone(json_t *gone, const char *backup)
{
    size_t i;
    json_t *item;
    json_array_foreach (gone, i, item) {
        if (str_eq(json_text(item, "backup", NULL), backup)) {
            return true;
        }
    }
    return false;
}

/* By its exact name; not there is as good as removed. */
static int prune_container(const struct session *s, struct engine *e, const struct past_run *p,
                           const char *kind, json_t *gone, struct err *err)
{
    AUTO_FREE char *name = mem_printf("%s.%s-%s", p->deployment, kind, p->id);
    AUTO_JSON json_t *container = NULL;
    if (engine_container_inspect(e, name, &container, err) != 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    if (!s->options->dry_run &&
        engine_container_remove_stopped(e, json_text(container, "Id", name), err) != 0) {
        return -1;
    }
    log_info("%s container '%s'", s->options->dry_run ? "Would remove" : "Removed", name);
    json_add(gone, json_make("{s:s, s:s, s:s}", "container", name, "run", p->id, "endpoint",
                             p->endpoint));
    return 0;
}

/* What a run kept to go back to is of no use once its backup is gone. */
static int prune_containers(const struct session *s, const struct history *h,
                            const struct strv *needed, json_t *gone, struct err *err)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct past_run *p = &h->items[i];
        AUTO_ENGINE struct engine *engine = NULL;
        const struct engine_options options = {.endpoint = p->endpoint,
                                               .read_only = s->options->dry_run};
        if (!strv_has(needed, p->id) && (p->backup_gone || is_gone(gone, p->id)) &&
            (engine_open(&options, &engine, err) != 0 ||
             prune_container(s, engine, p, "old", gone, err) != 0 ||
             prune_container(s, engine, p, "failed", gone, err) != 0)) {
            return -1;
        }
    }
    return 0;
}

static int prune_backups(const struct session *s, const struct backup_list *list,
                         const struct strv *needed, json_t *gone, struct err *err)
{
    size_t count;
    AUTO_FREE size_t *chosen = backups_to_prune(list, s->options->keep, needed, &count);
    for (size_t i = 0; i < count; i++) {
        const struct kept_backup *b = &list->items[chosen[i]];
        if (!s->options->dry_run && backups_delete(b, err) != 0) {
            return -1;
        }
        log_info("%s %s", s->options->dry_run ? "Would delete" : "Deleted", b->folder);
        json_add(gone, backup_to_json(b));
    }
    return 0;
}

static int prune(const struct session *s, struct err *err)
{
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    AUTO_STRV struct strv needed = STRV_INIT;
    AUTO_JSON json_t *gone = json_array();
    if (backups_read(s->state, &list, err) != 0 || history_read(s->state, &history, err) != 0) {
        return -1;
    }
    list_needed(&history, &needed);
    if (prune_backups(s, &list, &needed, gone, err) != 0 ||
        (s->options->containers && prune_containers(s, &history, &needed, gone, err) != 0)) {
        return -1;
    }
    if (session_wants_json(s->options)) {
        session_print_json(gone);
    }
    return 0;
}

int command_prune(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    if (session_open(options, &session, &err) != 0 || prune(&session, &err) != 0) {
        return session_fail(options, &err);
    }
    return EXIT_DONE;
}
