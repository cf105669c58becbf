/* backup, restore and ha: the MetaDB of a container, without an upgrade. */
#include <stdio.h>
#include <string.h>

#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/metadb_access.h"
#include "launcher/session.h"
#include "launcher/state/backups.h"
#include "launcher/state/restores.h"
#include "launcher/state/state.h"

/* A container's MetaDB under both locks, for a command that changes something. */
struct locked {
    struct session session;
    struct metadb_access access;
    char run[RUN_ID_MAX];
    int lock;
};

static void locked_free(struct locked *l)
{
    metadb_access_free(&l->access);
    session_free(&l->session);
    fd_close_ptr(&l->lock);
}

static int locked_open(struct locked *l, const char *container, const char *endpoint,
                       struct err *err)
{
    const struct session *s = &l->session;
    state_make_run_id(l->run);
    if (state_prepare(s->state, err) != 0 ||
        state_lock(s->state, endpoint != NULL ? endpoint : s->endpoint, container, l->run,
                   s->options->lock_wait_ms, &l->lock, err) != 0 ||
        metadb_access_open(s, container, endpoint, &l->access, err) != 0) {
        return -1;
    }
    return metadb_access_lock(&l->access, l->run, err);
}

/* ---- backup ---- */

static json_t *dump_parameters(const struct options *o, const struct metadb_access *a,
                               const char *folder)
{
    return json_make("{s:s, s:s, s:I, s:b, s:b, s:b, s:{s:s, s:s}}", "folder", folder, "compress",
                     o->compress, "workers", (json_int_t)o->workers, "triggers", (int)o->triggers,
                     "routines", (int)o->routines, "events", (int)o->events, "labels", "deployment",
                     a->container, "endpoint", a->endpoint);
}

static int take_backup(struct locked *l, const struct options *o, struct err *err)
{
    AUTO_FREE char *folder = state_backup_folder(l->session.state, l->run);
    AUTO_JSON json_t *answer = NULL;
    log_info("Backup %s of the MetaDB of '%s' …", l->run, l->access.container);
    if (metadb_access_ask(&l->access, "dump", l->run, dump_parameters(o, &l->access, folder),
                          &answer, err) != 0) {
        return -1;
    }
    AUTO_STR struct str size = STR_INIT;
    str_append_size(&size, (uint64_t)json_int(answer, "bytes", 0));
    log_info("%lld tables, %lld rows, %s in %s", (long long)json_int(answer, "tables", 0),
             (long long)json_int(answer, "rows", 0), str_get(&size), folder);
    json_put_text(answer, "backup", l->run);
    if (session_wants_json(o)) {
        session_print_json(answer);
    } else if (!o->quiet) {
        puts(l->run);
    }
    return 0;
}

int command_backup(const struct options *options)
{
    struct err err = ERR_INIT;
    CLEANUP(locked_free) struct locked l = {.lock = -1};
    if (session_open(options, &l.session, &err) != 0 ||
        locked_open(&l, options->arguments.items[1], NULL, &err) != 0 ||
        take_backup(&l, options, &err) != 0) {
        return session_fail(options, &err);
    }
    return EXIT_DONE;
}

/* ---- restore ---- */

static int read_into(const struct options *o, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *into = json_object();
    for (size_t i = 0; i < o->into.count; i++) {
        const char *entry = o->into.items[i];
        size_t len = strcspn(entry, "=");
        if (len == 0 || entry[len] == '\0' || entry[len + 1] == '\0') {
            return err_fail(err, ERR_USAGE,
                            "--into '%s' names no two databases\nHINT: write it as DB=OTHER",
                            entry);
        }
        AUTO_FREE char *name = mem_strndup(entry, len);
        json_put_text(into, name, entry + len + 1);
    }
    *ret = TAKE(into);
    return 0;
}

static void append_quoted(struct str *s, const char *name)
{
    str_appendf(s, "%s'%s'", s->len > 0 ? ", " : "", name);
}

/* A slip in a name would restore that database in place. */
static int check_into(const struct kept_backup *b, const json_t *into, struct err *err)
{
    const char *name;
    json_t *other;
    json_object_foreach ((json_t *)(uintptr_t)into, name, other) {
        if (strv_has(&b->databases, name)) {
            continue;
        }
        AUTO_STR struct str all = STR_INIT;
        for (size_t i = 0; i < b->databases.count; i++) {
            append_quoted(&all, b->databases.items[i]);
        }
        return err_fail(err, ERR_USAGE,
                        "--into '%s=%s': backup '%s' has no database '%s'\nHINT: it has %s", name,
                        json_string_value(other), b->id, name, str_get(&all));
    }
    return 0;
}

static bool is_in_use(const struct metadb_access *a, const char *database)
{
    return str_eq(database, a->config.rm_db) || str_eq(database, a->config.cm_db) ||
           strv_has(&a->heartbeat_dbs, database);
}

/* OMS writes all the time: what it writes into a database that is being replaced would be lost. */
static int check_stopped(const struct metadb_access *a, const struct kept_backup *b,
                         const json_t *into, struct err *err)
{
    AUTO_STR struct str names = STR_INIT;
    for (size_t i = 0; i < b->databases.count; i++) {
        const char *name = b->databases.items[i];
        const char *other = json_string_value(json_object_get(into, name));
        const char *target = other != NULL ? other : name;
        if (is_in_use(a, target)) {
            append_quoted(&names, target);
        }
    }
    if (!a->running || names.len == 0) {
        return 0;
    }
    return err_fail(err, ERR_REFUSED,
                    "the container '%s' runs: %s cannot be restored under it\n"
                    "HINT: stop it first (docker stop %s), or restore each database beside it with "
                    "--into DB=OTHER",
                    a->container, str_get(&names), a->container);
}

/* The restore is done: that it could not be written down must not make a failure of it. */
static void note_kept(const struct locked *l, const json_t *answer)
{
    struct err err = ERR_INIT;
    AUTO_STRV struct strv kept = STRV_INIT;
    restores_list_kept(answer, &kept);
    if (restores_note(l->session.state, l->run, l->access.container, l->access.endpoint, answer,
                      &err) != 0) {
        log_warn("what was there has to be dropped by hand one day, for its names could not be "
                 "written down: %s",
                 err.text);
    } else if (kept.count > 0) {
        log_info("'omslaunch prune --databases-of %s' drops what was there", l->run);
    }
}

static void say_restored(const json_t *answer)
{
    const json_t *databases = json_object_get(answer, "databases");
    for (size_t i = 0; i < json_array_size(databases); i++) {
        const json_t *d = json_array_get(databases, i);
        const char *quarantine = json_text(d, "quarantine", NULL);
        log_info("%s: %lld tables, %lld rows%s%s", json_text(d, "name", ""),
                 (long long)json_int(d, "tables", 0), (long long)json_int(d, "rows", 0),
                 quarantine != NULL ? "; what was there is kept as " : "",
                 quarantine != NULL ? quarantine : "");
    }
    const json_t *warnings = json_object_get(answer, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        log_warn("%s", json_string_value(json_array_get(warnings, i)));
    }
}

static int restore(struct locked *l, const struct kept_backup *b, const struct options *o,
                   struct err *err)
{
    AUTO_JSON json_t *into = NULL;
    AUTO_JSON json_t *answer = NULL;
    if (read_into(o, &into, err) != 0 || check_into(b, into, err) != 0 ||
        check_stopped(&l->access, b, into, err) != 0) {
        return -1;
    }
    json_t *parameters = json_make("{s:s, s:I, s:O}", "folder", b->folder, "workers",
                                   (json_int_t)o->workers, "into", into);
    if (metadb_access_ask(&l->access, "restore", l->run, parameters, &answer, err) != 0) {
        return -1;
    }
    say_restored(answer);
    note_kept(l, answer);
    if (session_wants_json(o)) {
        session_print_json(answer);
    }
    return 0;
}

/* The container that knows the MetaDB: the one that is named, or the one that was backed up. */
static int choose_container(const struct options *o, const struct kept_backup *b,
                            const char **ret_container, const char **ret_endpoint, struct err *err)
{
    *ret_container = o->container != NULL ? o->container : b->deployment;
    *ret_endpoint = o->container != NULL || o->endpoint != NULL ? NULL : b->endpoint;
    if (*ret_container == NULL) {
        return err_fail(err, ERR_USAGE,
                        "the backup '%s' does not say which container it is of\n"
                        "HINT: name one with --container",
                        b->id);
    }
    return 0;
}

static int find_backup(const struct session *s, struct backup_list *list,
                       const struct kept_backup **ret, struct err *err)
{
    if (backups_read(s->state, list, err) != 0) {
        return -1;
    }
    return backups_find(list, s->options->arguments.items[1], ret, err);
}

int command_restore(const struct options *options)
{
    struct err err = ERR_INIT;
    CLEANUP(locked_free) struct locked l = {.lock = -1};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    const struct kept_backup *b;
    const char *container;
    const char *endpoint;
    if (session_open(options, &l.session, &err) != 0 ||
        find_backup(&l.session, &list, &b, &err) != 0 ||
        choose_container(options, b, &container, &endpoint, &err) != 0 ||
        locked_open(&l, container, endpoint, &err) != 0 || restore(&l, b, options, &err) != 0) {
        return session_fail(options, &err);
    }
    return EXIT_DONE;
}

/* ---- verify ---- */

static const char *verify_how(const struct options *o)
{
    if (o->rehearse) {
        return "rehearsal";
    }
    return o->against != NULL ? "live" : "bytes";
}

static int verify(struct metadb_access *a, const struct kept_backup *b, const struct options *o,
                  struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    char run[RUN_ID_MAX];
    state_make_run_id(run);
    json_t *parameters = json_make("{s:s, s:s?, s:I}", "folder", b->folder, "against", o->against,
                                   "workers", (json_int_t)o->workers);
    if (metadb_access_ask(a, o->rehearse ? "rehearse" : "verify", run, parameters, &answer, err) !=
            0 ||
        backups_note_verified(b, verify_how(o), err) != 0) {
        return -1;
    }
    log_info("Backup %s is good (%s): %lld tables, %lld rows", b->id, verify_how(o),
             (long long)json_int(answer, "tables", 0), (long long)json_int(answer, "rows", 0));
    if (session_wants_json(o)) {
        session_print_json(answer);
    }
    return 0;
}

int command_verify(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    AUTO_METADB_ACCESS struct metadb_access access = {.session = NULL};
    const struct kept_backup *b;
    const char *container;
    const char *endpoint;
    if (session_open(options, &session, &err) != 0 || find_backup(&session, &list, &b, &err) != 0) {
        return session_fail(options, &err);
    }
    if (!options->rehearse && options->against == NULL) {
        metadb_access_none(&session, &access);
    } else if (choose_container(options, b, &container, &endpoint, &err) != 0 ||
               metadb_access_open(&session, container, endpoint, &access, &err) != 0) {
        return session_fail(options, &err);
    }
    return verify(&access, b, options, &err) == 0 ? EXIT_DONE : session_fail(options, &err);
}

/* ---- ha ---- */

static int switch_ha(struct metadb_access *a, const char *word, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *before = NULL;
    if (metadb_access_ask(a, "ha-get", NULL, NULL, &before, err) != 0) {
        return -1;
    }
    const char *text = json_text(before, "text", NULL);
    if (text == NULL) {
        return err_fail(
            err, ERR_REFUSED,
            "this OMS has no ha.config\n"
            "HINT: save the HA settings once in the console: System Management > System "
            "Parameters > ha.config");
    }
    if (str_eq(word, "show")) {
        *ret = TAKE(before);
        return 0;
    }
    json_t *change =
        json_make("{s:s, s:{s:b}}", "expect", text, "set", "enable", (int)str_eq(word, "on"));
    return metadb_access_ask(a, "ha-set", NULL, change, ret, err);
}

static int ha(struct metadb_access *a, const struct options *o, struct err *err)
{
    const char *word = o->arguments.items[2];
    AUTO_JSON json_t *answer = NULL;
    if (switch_ha(a, word, &answer, err) != 0) {
        return -1;
    }
    if (session_wants_json(o)) {
        session_print_json(answer);
    } else if (str_eq(word, "show")) {
        puts(json_text(answer, "text", ""));
    } else {
        log_info("HA of '%s' is %s", a->container, word);
    }
    return 0;
}

int command_ha(const struct options *options)
{
    struct err err = ERR_INIT;
    CLEANUP(locked_free) struct locked l = {.lock = -1};
    const char *word = options->arguments.items[2];
    if (!str_eq(word, "on") && !str_eq(word, "off") && !str_eq(word, "show")) {
        err_fail(&err, ERR_USAGE, "'%s' is nothing that HA can be\nHINT: on, off or show", word);
        return session_fail(options, &err);
    }
    int rc = session_open(options, &l.session, &err);
    if (rc == 0 && str_eq(word, "show")) {
        rc = metadb_access_open(&l.session, options->arguments.items[1], NULL, &l.access, &err);
    } else if (rc == 0) {
        rc = locked_open(&l, options->arguments.items[1], NULL, &err);
    }
    return rc == 0 && ha(&l.access, options, &err) == 0 ? EXIT_DONE : session_fail(options, &err);
}
