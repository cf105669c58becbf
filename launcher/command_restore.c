/* restore: databases as they were at a backup. */
#include <stdio.h>
#include <string.h>

#include "launcher/answer.h"
#include "launcher/backup_choice.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/locked.h"
#include "launcher/state/changes.h"
#include "launcher/state/restores.h"

/* What is to be restored: databases of the backup, and the names that they get. */
struct selection {
    struct strv from, to;
};

static void selection_free(struct selection *s)
{
    strv_free(&s->from);
    strv_free(&s->to);
}

static void append_quoted(struct str *s, const char *name)
{
    str_appendf(s, "%s'%s'", s->len > 0 ? ", " : "", name);
}

static int select_one(const struct kept_backup *b, const char *option, const char *name,
                      const char *other, struct selection *ret, struct err *err)
{
    AUTO_STR struct str all = STR_INIT;
    if (strv_has(&ret->from, name)) {
        return err_fail(err, ERR_USAGE,
                        "--%s names the database '%s', which was named before\n"
                        "HINT: name each database once",
                        option, name);
    }
    if (strv_has(&b->databases, name)) {
        strv_add(&ret->from, name);
        strv_add(&ret->to, other != NULL ? other : name);
        return 0;
    }
    for (size_t i = 0; i < b->databases.count; i++) {
        append_quoted(&all, b->databases.items[i]);
    }
    return err_fail(
        err, ERR_USAGE, "--%s '%s%s%s': backup '%s' has no database '%s'\nHINT: it has %s", option,
        name, other != NULL ? "=" : "", other != NULL ? other : "", b->id, name, str_get(&all));
}

static int select_into(const struct kept_backup *b, const char *entry, struct selection *ret,
                       struct err *err)
{
    size_t len = strcspn(entry, "=");
    if (len == 0 || entry[len] == '\0' || entry[len + 1] == '\0') {
        return err_fail(err, ERR_USAGE,
                        "--into '%s' does not name two databases\nHINT: write it as DB=OTHER",
                        entry);
    }
    AUTO_FREE char *name = mem_strndup(entry, len);
    return select_one(b, "into", name, entry + len + 1, ret, err);
}

/* What is named, and nothing else; all of the backup when nothing is. */
static int select_databases(const struct options *o, const struct kept_backup *b,
                            struct selection *ret, struct err *err)
{
    for (size_t i = 0; i < o->into.count; i++) {
        if (select_into(b, o->into.items[i], ret, err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < o->only.count; i++) {
        if (select_one(b, "only", o->only.items[i], NULL, ret, err) != 0) {
            return -1;
        }
    }
    bool all = ret->from.count == 0;
    for (size_t i = 0; all && i < b->databases.count; i++) {
        strv_add(&ret->from, b->databases.items[i]);
        strv_add(&ret->to, b->databases.items[i]);
    }
    return 0;
}

static bool is_in_use(const struct metadb_access *a, const char *database)
{
    return str_eq(database, a->config.rm_db) || str_eq(database, a->config.cm_db) ||
           strv_has(&a->heartbeat_dbs, database);
}

/* OMS writes all the time: what it writes into a database that is being replaced would be lost. */
static int check_stopped(const struct metadb_access *a, const struct selection *s, struct err *err)
{
    AUTO_STR struct str names = STR_INIT;
    for (size_t i = 0; i < s->to.count; i++) {
        if (is_in_use(a, s->to.items[i])) {
            append_quoted(&names, s->to.items[i]);
        }
    }
    if (!a->running || names.len == 0) {
        return metadb_access_check_alone(a, &s->to, err);
    }
    return err_fail(err, ERR_REFUSED,
                    "the container '%s' runs: %s cannot be restored under it\n"
                    "HINT: stop it first (docker stop %s), or restore each database beside it with "
                    "--into DB=OTHER",
                    a->container, str_get(&names), a->container);
}

/* ---- told ---- */

static void append_selection(const struct selection *s, struct str *ret)
{
    for (size_t i = 0; i < s->from.count; i++) {
        str_appendf(ret, "%s%s", i > 0 ? ", " : "", s->from.items[i]);
        if (!str_eq(s->from.items[i], s->to.items[i])) {
            str_appendf(ret, " as %s", s->to.items[i]);
        }
    }
}

/* Before anything is done: what will be moved, and what stays. */
static void say_selection(const struct locked *l, const struct kept_backup *b,
                          const struct selection *s)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_STR struct str left = STR_INIT;
    str_appendf(&text, "%s from backup %s into the MetaDB of '%s' at %s:%d:",
                l->session.options->dry_run ? "Would restore" : "Restore", b->id,
                l->access.container, l->access.config.meta_host, (int)l->access.config.meta_port);
    for (size_t i = 0; i < s->from.count; i++) {
        bool in_place = str_eq(s->from.items[i], s->to.items[i]);
        str_appendf(&text, "\n  %s%s%s: what is in '%s' now is moved aside, to '%s__old_%s'",
                    s->from.items[i], in_place ? "" : " as ", in_place ? "" : s->to.items[i],
                    s->to.items[i], s->to.items[i], l->session.options->dry_run ? "RUN" : l->run);
    }
    for (size_t i = 0; i < b->databases.count; i++) {
        if (!strv_has(&s->from, b->databases.items[i])) {
            append_quoted(&left, b->databases.items[i]);
        }
    }
    if (left.len > 0) {
        str_appendf(&text, "\n  not named, and left alone: %s", str_get(&left));
    }
    log_info("%s", str_get(&text));
}

/* The restore is done: that it could not be written down must not make a failure of it. */
static void note(const struct locked *l, const struct kept_backup *b, const struct selection *s,
                 const json_t *answer)
{
    struct err err = ERR_INIT;
    AUTO_STRV struct strv kept = STRV_INIT;
    AUTO_STR struct str text = STR_INIT;
    const struct metadb_access *a = &l->access;
    restores_list_kept(answer, &kept);
    if (restores_note(l->session.state, l->run, a->container, a->endpoint, answer, &err) != 0) {
        log_warn("what was there has to be dropped by hand one day, for its names could not be "
                 "written down: %s",
                 err.text);
    } else if (kept.count > 0) {
        log_info("'omslaunch prune --databases-of %s' drops what was there", l->run);
    }
    str_appendf(&text, "backup %s: ", b->id);
    append_selection(s, &text);
    if (changes_note(l->session.state, l->run, "restore", a->container, a->endpoint, str_get(&text),
                     &err) != 0) {
        log_warn("'omslaunch runs' will not tell of it: %s", err.text);
    }
}

static void say_restored(const json_t *answer)
{
    const json_t *databases = json_object_get(answer, "databases");
    for (size_t i = 0; i < json_array_size(databases); i++) {
        const json_t *d = json_array_get(databases, i);
        const char *quarantine = json_text(d, "quarantine", NULL);
        const char *name = json_text(d, "name", "");
        const char *target = json_text(d, "target", name);
        bool in_place = str_eq(name, target);
        log_info("%s%s%s: %lld tables, %lld rows%s%s", name, in_place ? "" : " as ",
                 in_place ? "" : target, (long long)json_int(d, "tables", 0),
                 (long long)json_int(d, "rows", 0),
                 quarantine != NULL ? "; what was there is kept as " : "",
                 quarantine != NULL ? quarantine : "");
    }
    const json_t *warnings = json_object_get(answer, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        log_warn("%s", json_string_value(json_array_get(warnings, i)));
    }
}

/* ---- done ---- */

static json_t *make_parameters(const struct options *o, const struct kept_backup *b,
                               const struct selection *s)
{
    json_t *databases = json_array();
    json_t *into = json_object();
    for (size_t i = 0; i < s->from.count; i++) {
        json_add(databases, json_from_text(s->from.items[i]));
        if (!str_eq(s->from.items[i], s->to.items[i])) {
            json_put_text(into, s->from.items[i], s->to.items[i]);
        }
    }
    return json_make("{s:s, s:I, s:o, s:o}", "folder", b->folder, "workers", (json_int_t)o->workers,
                     "databases", databases, "into", into);
}

static int restore(struct locked *l, const struct kept_backup *b, const struct selection *s,
                   struct err *err)
{
    const struct options *o = l->session.options;
    AUTO_JSON json_t *done = NULL;
    AUTO_JSON json_t *parameters = make_parameters(o, b, s);
    say_selection(l, b, s);
    if (o->dry_run) {
        return answer_done(o, TAKE(parameters));
    }
    if (!answer_is_yes(o, "Go on?")) {
        return answer_nothing(o, "not confirmed; nothing was changed", NULL);
    }
    if (metadb_access_ask(&l->access, "restore", l->run, TAKE(parameters), &done, err) != 0) {
        return answer_fail(o, err);
    }
    say_restored(done);
    note(l, b, s, done);
    return answer(o, &(struct answer){.code = 0, .run = l->run, .data_take = TAKE(done)});
}

int command_restore(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_LOCKED struct locked l = {.lock = -1};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    CLEANUP(selection_free) struct selection selection = {.from = STRV_INIT};
    const struct kept_backup *b;
    const char *container;
    const char *endpoint;
    if (session_open(options, &l.session, &err) != 0 ||
        backup_choose(&l.session, &list, &b, &err) != 0 ||
        backup_choose_container(options, b, &container, &endpoint, &err) != 0 ||
        select_databases(options, b, &selection, &err) != 0 ||
        locked_open(&l, container, endpoint, &err) != 0 ||
        check_stopped(&l.access, &selection, &err) != 0) {
        return answer_fail(options, &err);
    }
    return restore(&l, b, &selection, &err);
}
