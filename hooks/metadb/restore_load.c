/* Into the staging databases: tables, rows on all connections at once, then the indexes, then every
 * row read back and compared with the manifest. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/compare.h"
#include "hooks/metadb/frame_read.h"
#include "hooks/metadb/pool.h"
#include "hooks/metadb/report.h"
#include "hooks/metadb/restore.h"
#include "hooks/metadb/split.h"
#include "hooks/metadb/sql.h"
#include "hooks/metadb/trigger.h"

/* Smaller tables are as fast with their indexes in place. */
#define DEFER_FROM_BYTES (4UL * 1024 * 1024)
#define RETRIES_MAX 5

enum { SERVER_DUPLICATE_KEY_NAME = 1061, SERVER_LOCK_TIMEOUT = 1205, SERVER_DEADLOCK = 1213 };

int restore_use(struct conn *c, const char *database, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "USE ");
    sql_name(&sql, database);
    return conn_exec(c, str_get(&sql), sql.len, err);
}

static int exec_with_name(struct conn *c, const char *head, const char *name, const char *tail,
                          struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, head);
    sql_name(&sql, name);
    str_append(&sql, tail);
    return conn_exec(c, str_get(&sql), sql.len, err);
}

/* ---- the marker ------------------------------------------------------------------------------ */

static void append_marker(struct str *sql, const struct restore_db *db)
{
    sql_table(sql, db->staging, RESTORE_MARKER);
}

int restore_note(struct restore *r, size_t database, long long id, const char *text,
                 struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "REPLACE INTO ");
    append_marker(&sql, &r->dbs[database]);
    str_appendf(&sql, " VALUES (%lld, '%s')", id, text);
    return conn_exec(&r->lead, str_get(&sql), sql.len, err);
}

static int read_note(struct restore *r, size_t database, const char *table, long long id,
                     char **ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SELECT note FROM ");
    sql_table(&sql, r->dbs[database].staging, table);
    str_appendf(&sql, " WHERE id = %lld", id);
    if (conn_query_text(&r->lead, str_get(&sql), ret, &e) == 0) {
        return 0;
    }
    /* Some servers say "denied" of a database that is not there. */
    if (e.kind == ERR_NOT_FOUND || e.kind == ERR_PERMISSION) {
        *ret = NULL;
        return 0;
    }
    *err = e;
    return -1;
}

int restore_noted(struct restore *r, size_t database, long long id, bool *ret, struct err *err)
{
    AUTO_FREE char *text = NULL;
    if (read_note(r, database, RESTORE_MARKER, id, &text, err) < 0) {
        return -1;
    }
    *ret = text != NULL;
    return 0;
}

int restore_is_swapped(struct restore *r, bool *ret, struct err *err)
{
    AUTO_FREE char *text = NULL;
    if (read_note(r, 0, RESTORE_SWAPPED, NOTE_BACKUP, &text, err) < 0) {
        return -1;
    }
    *ret = str_eq(text, json_text(r->manifest, "digest", ""));
    return 0;
}

/* ---- the staging databases ------------------------------------------------------------------- */

static int create_fail(struct restore *r, const struct restore_db *db, struct err *err)
{
    err_wrap(err, "making the staging database '%s'", db->staging);
    if (err->kind == ERR_PERMISSION) {
        struct str text = STR_INIT;
        str_append(&text, err->text);
        char *hint = strstr(text.data, "\nHINT: ");
        if (hint) {
            *hint = '\0'; /* it is of the connection's; a better one is known here */
        }
        err_fail(err, ERR_PERMISSION, "%s", text.data);
        str_free(&text);
        err_hint(err,
                 "a restore loads into databases of its own first; as an administrator: GRANT ALL "
                 "ON `%s\\_\\_%%`.* TO the user '%s'",
                 db->target, r->request->user);
    }
    return -1;
}

static int create_staging(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    AUTO_STR struct str marker = STR_INIT;
    if (exec_with_name(&r->lead, "CREATE DATABASE ", db->staging, "", err) < 0) {
        return create_fail(r, db, err);
    }
    str_append(&marker, "CREATE TABLE ");
    append_marker(&marker, db);
    str_append(&marker, " (id bigint PRIMARY KEY, note varchar(100)) ENGINE=InnoDB");
    if (conn_exec(&r->lead, str_get(&marker), marker.len, err) < 0) {
        return -1;
    }
    return restore_note(r, i, NOTE_BACKUP, json_text(r->manifest, "digest", ""), err);
}

static int database_exists(struct restore *r, const char *name, bool *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FREE char *found = NULL;
    str_append(&sql, "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ");
    sql_text(&sql, name, strlen(name));
    if (conn_query_text(&r->lead, str_get(&sql), &found, err) < 0) {
        return -1;
    }
    *ret = found != NULL;
    return 0;
}

/* What an earlier run left is used if it was of this very backup, and thrown away if not: that it
 * is ours shows in the marker. */
static int open_staging(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    AUTO_FREE char *digest = NULL;
    bool exists;
    if (database_exists(r, db->staging, &exists, err) < 0) {
        return -1;
    }
    if (exists) {
        bool tables;
        if (read_note(r, i, RESTORE_MARKER, NOTE_BACKUP, &digest, err) < 0 ||
            restore_noted(r, i, NOTE_TABLES, &tables, err) < 0) {
            return -1;
        }
        if (!digest) {
            err_fail(err, ERR_REFUSED, "there is a database '%s' that no restore has made",
                     db->staging);
            return err_hint(err, "look what it is and drop it, or restore under another name");
        }
        db->resumed = tables && str_eq(digest, json_text(r->manifest, "digest", ""));
        if (db->resumed && !r->rehearse) {
            return 0;
        }
        db->resumed = false;
        if (exec_with_name(&r->lead, "DROP DATABASE ", db->staging, "", err) < 0) {
            return -1;
        }
    }
    return create_staging(r, i, err);
}

int restore_drop_staging(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        if (exec_with_name(&r->lead, "DROP DATABASE IF EXISTS ", r->dbs[i].staging, "", err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- frames before and after the data -------------------------------------------------------- */

struct frame_run {
    struct restore *r;
    size_t database;
    struct conn *conn;
    bool tables; /* CREATE TABLE goes without its indexes */
    struct splitter split;
};

static uint64_t raw_bytes_of(const struct restore_db *db, const char *table)
{
    uint64_t bytes = 0;
    size_t i;
    json_t *frame;
    json_array_foreach (json_walk(db->entry, "frames"), i, frame) {
        if (str_eq(json_text(frame, "table", NULL), table)) {
            bytes += (uint64_t)json_int(frame, "raw", 0);
        }
    }
    return bytes;
}

static char *table_name_of(const char *create)
{
    struct str name = STR_INIT;
    const char *p = strchr(create, '`');
    for (p = p ? p + 1 : ""; *p; p++) {
        if (*p == '`' && *++p != '`') {
            break;
        }
        str_append_c(&name, *p);
    }
    str_append(&name, "");
    return str_take(&name);
}

static void defer(struct frame_run *f, char *table_take, char *keys_take)
{
    struct restore *r = f->r;
    r->deferred = mem_grow(r->deferred, r->deferred_count + 1, sizeof(*r->deferred));
    r->deferred[r->deferred_count++] =
        (struct restore_deferred){.table = table_take, .keys = keys_take, .database = f->database};
}

/* The statement as it is to be run in the staging database. */
static void adapt(struct frame_run *f, const char *sql, struct str *out)
{
    AUTO_STR struct str mapped = STR_INIT, without = STR_INIT, keys = STR_INIT;
    restore_map_references(&mapped, sql, &f->r->to_staging);
    AUTO_FREE char *table = table_name_of(sql);
    if (raw_bytes_of(&f->r->dbs[f->database], table) >= DEFER_FROM_BYTES &&
        restore_split_keys(str_get(&mapped), &without, &keys)) {
        str_append(out, str_get(&without));
        defer(f, TAKE(table), str_take(&keys));
    } else {
        str_append(out, str_get(&mapped));
    }
}

static int run_statement(void *arg, const char *sql, size_t len, struct err *err)
{
    struct frame_run *f = arg;
    if (f->tables && len > 13 && memcmp(sql, "CREATE TABLE ", 13) == 0) {
        AUTO_FREE char *text = mem_strndup(sql, len);
        AUTO_STR struct str adapted = STR_INIT;
        adapt(f, text, &adapted);
        return f->r->dbs[f->database].resumed
                   ? 0
                   : conn_exec(f->conn, str_get(&adapted), adapted.len, err);
    }
    if (f->tables && f->r->dbs[f->database].resumed) {
        return 0;
    }
    return conn_exec(f->conn, sql, len, err);
}

static int feed(void *arg, const char *sql, size_t len, struct err *err)
{
    return split_feed(&((struct frame_run *)arg)->split, sql, len, err);
}

static int run_frame(struct frame_run *f, const json_t *entry, struct err *err)
{
    struct restore_db *db = &f->r->dbs[f->database];
    split_init(&f->split, run_statement, f);
    int rc = frame_read(db->fd, db->file, entry, db->compressed, feed, f, err);
    rc = rc < 0 ? rc : split_finish(&f->split, err);
    split_free(&f->split);
    return rc;
}

int restore_run_frames(struct restore *r, size_t database, const char *kind, const char *where,
                       struct err *err)
{
    struct frame_run f = {
        .r = r, .database = database, .conn = &r->lead, .tables = strcmp(kind, "tables") == 0};
    size_t i;
    json_t *frame;
    if (restore_use(&r->lead, where, err) < 0) {
        return -1;
    }
    json_array_foreach (json_walk(r->dbs[database].entry, "frames"), i, frame) {
        if (str_eq(json_text(frame, "kind", NULL), kind) && run_frame(&f, frame, err) < 0) {
            return err_wrap(err, "restoring the %s of '%s'", kind, r->dbs[database].name);
        }
    }
    return 0;
}

static int collect_session(void *arg, const char *sql, size_t len, struct err *err)
{
    struct restore_db *db = arg;
    (void)err;
    if (len > 4 && memcmp(sql, "SET ", 4) == 0) {
        AUTO_FREE char *text = mem_strndup(sql, len);
        strv_add(&db->session, text);
    }
    return 0;
}

static int feed_session(void *arg, const char *sql, size_t len, struct err *err)
{
    return split_feed(arg, sql, len, err);
}

static int read_session(struct restore *r, size_t database, struct err *err)
{
    struct restore_db *db = &r->dbs[database];
    const json_t *first = json_array_get(json_walk(db->entry, "frames"), 0);
    struct splitter split;
    if (!str_eq(json_text(first, "kind", NULL), "session")) {
        return err_fail(err, ERR_STATE, "'%s' does not begin with its session", db->file);
    }
    split_init(&split, collect_session, db);
    int rc = frame_read(db->fd, db->file, first, db->compressed, feed_session, &split, err);
    split_free(&split);
    return rc;
}

static int make_tables(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    if (open_staging(r, i, err) < 0 || read_session(r, i, err) < 0 ||
        restore_run_frames(r, i, "session", db->staging, err) < 0 ||
        (r->rehearse && restore_run_frames(r, i, "broken", db->staging, err) < 0) ||
        restore_run_frames(r, i, "tables", db->staging, err) < 0) {
        return -1;
    }
    return restore_note(r, i, NOTE_TABLES, "made", err);
}

/* ---- the data -------------------------------------------------------------------------------- */

static int switch_database(struct restore *r, unsigned worker, size_t database, struct err *err)
{
    struct conn *c = &r->conns[worker];
    const struct restore_db *db = &r->dbs[database];
    if (r->conn_database[worker] == database) {
        return 0;
    }
    r->conn_database[worker] = SIZE_MAX;
    if (restore_use(c, db->staging, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < db->session.count; i++) {
        if (conn_exec(c, db->session.items[i], strlen(db->session.items[i]), err) < 0) {
            return -1;
        }
    }
    r->conn_database[worker] = database;
    return 0;
}

/* One frame is one transaction, and the note of it is part of that. */
static int load_once(struct restore *r, struct conn *c, const struct restore_task *t,
                     struct err *err)
{
    struct frame_run f = {.r = r, .database = t->database, .conn = c};
    if (conn_execf(c, err, "START TRANSACTION") < 0 || run_frame(&f, t->entry, err) < 0 ||
        conn_execf(c, err, "INSERT INTO " RESTORE_MARKER " VALUES (%zu, 'frame')", t->frame) < 0) {
        return -1;
    }
    return conn_execf(c, err, "COMMIT");
}

static int load_frame(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct restore *r = arg;
    const struct restore_task *t = &r->tasks[index];
    struct conn *c = &r->conns[worker];
    if (switch_database(r, worker, t->database, err) < 0) {
        return -1;
    }
    for (int i = 0; load_once(r, c, t, err) < 0; i++) {
        unsigned number = conn_errno(c);
        struct err ignored = ERR_INIT;
        if (i == RETRIES_MAX || (number != SERVER_DEADLOCK && number != SERVER_LOCK_TIMEOUT)) {
            return err_wrap(err, "restoring '%s.%s'", r->dbs[t->database].name,
                            json_text(t->entry, "table", ""));
        }
        (void)!conn_execf(c, &ignored, "ROLLBACK");
    }
    uint64_t done =
        __atomic_add_fetch(&r->done, (uint64_t)json_int(t->entry, "raw", 0), __ATOMIC_RELAXED);
    report_progress("restoring", done, r->total, true);
    return 0;
}

static int plan_frames(struct restore *r, size_t database, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    const json_t *frames = json_walk(r->dbs[database].entry, "frames");
    size_t count = json_array_size(frames), i;
    AUTO_FREE bool *done = mem_alloc(count + 1);
    json_t *frame;
    str_append(&sql, "SELECT id FROM ");
    append_marker(&sql, &r->dbs[database]);
    str_append(&sql, " WHERE id >= 0");
    if (conn_query(&r->lead, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        uint64_t id = rows_u64(&rows, 0, UINT64_MAX);
        if (id < count) {
            done[id] = true;
        }
    }
    json_array_foreach (frames, i, frame) {
        if (!str_eq(json_text(frame, "kind", NULL), "data")) {
            continue;
        }
        r->total += (uint64_t)json_int(frame, "raw", 0);
        if (done[i]) {
            r->done += (uint64_t)json_int(frame, "raw", 0);
            continue;
        }
        r->tasks = mem_grow(r->tasks, r->task_count + 1, sizeof(*r->tasks));
        r->tasks[r->task_count++] =
            (struct restore_task){.database = database, .frame = i, .entry = frame};
    }
    return 0;
}

static int open_workers(struct restore *r, struct err *err)
{
    r->conns = mem_alloc(r->workers * sizeof(*r->conns));
    r->conn_database = mem_alloc(r->workers * sizeof(*r->conn_database));
    for (unsigned i = 0; i < r->workers; i++) {
        r->conn_database[i] = SIZE_MAX;
        if (conn_open(r->request, &r->conns[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- indexes and comparison ------------------------------------------------------------------ */

static int add_keys(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct restore *r = arg;
    const struct restore_deferred *d = &r->deferred[index];
    struct conn *c = &r->conns[worker];
    AUTO_STR struct str sql = STR_INIT;
    if (switch_database(r, worker, d->database, err) < 0) {
        return -1;
    }
    str_append(&sql, "ALTER TABLE ");
    sql_name(&sql, d->table);
    str_appendf(&sql, " %s", d->keys);
    report_progress("building indexes", index, r->deferred_count, false);
    if (conn_exec(c, str_get(&sql), sql.len, err) < 0 &&
        conn_errno(c) != SERVER_DUPLICATE_KEY_NAME) {
        return err_wrap(err, "building the indexes of '%s.%s'", r->dbs[d->database].name, d->table);
    }
    return 0;
}

static int refuse_findings(struct restore *r, const json_t *findings, struct err *err)
{
    size_t count = json_array_size(findings);
    if (count == 0) {
        return 0;
    }
    err_fail(err, ERR_STATE,
             "what was restored from '%s' is not what was backed up (%zu findings): "
             "%s",
             r->folder, count, json_string_value(json_array_get(findings, 0)));
    return err_hint(err, "nothing was put in place. If the server is of another version than the "
                         "one backed up, restore by hand: zstd -dc FILE | mysql DATABASE");
}

static int compare_staging(struct restore *r, bool rows, struct err *err)
{
    AUTO_FREE struct compare_database *list = mem_alloc(r->count * sizeof(*list));
    AUTO_JSON json_t *findings = json_array();
    uint64_t count;
    for (size_t i = 0; i < r->count; i++) {
        list[i] = (struct compare_database){.entry = r->dbs[i].entry,
                                            .database = r->dbs[i].staging,
                                            .ignore_views = true,
                                            .no_rows = !rows,
                                            .names = &r->to_staging};
    }
    if (compare_run(r->request, r->workers, list, r->count, findings, &count, err) < 0) {
        return -1;
    }
    return refuse_findings(r, findings, err);
}

/* Views are tried in the staging database and made again in the real one: RENAME cannot move them.
 */
static int try_views(struct restore *r, size_t i, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows views = ROWS_INIT;
    const struct restore_db *db = &r->dbs[i];
    if (restore_run_frames(r, i, "views", db->staging, err) < 0) {
        return -1;
    }
    str_append(&sql, "SELECT table_name FROM information_schema.views WHERE table_schema = ");
    sql_text(&sql, db->staging, strlen(db->staging));
    if (conn_query(&r->lead, str_get(&sql), &views, err) < 0) {
        return -1;
    }
    while (rows_next(&views)) {
        if (exec_with_name(&r->lead, "DROP VIEW ", rows_text(&views, 0, ""), "", err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The same with triggers; only now, so that none fired at a row. */
static int try_triggers(struct restore *r, size_t i, struct err *err)
{
    const struct restore_db *db = &r->dbs[i];
    const json_t *triggers = json_walk(db->entry, "triggers");
    return trigger_create(&r->lead, db->staging, triggers, false, err) < 0
               ? -1
               : trigger_drop(&r->lead, db->staging, triggers, err);
}

int restore_load(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        if (make_tables(r, i, err) < 0 || plan_frames(r, i, err) < 0) {
            return -1;
        }
        size_t k;
        json_t *table;
        json_array_foreach (json_walk(r->dbs[i].entry, "tables"), k, table) {
            r->dbs[i].rows += (uint64_t)json_int(table, "rows", 0);
        }
    }
    if (open_workers(r, err) < 0 || pool_run(r->workers, r->task_count, load_frame, r, err) < 0 ||
        pool_run(r->workers, r->deferred_count, add_keys, r, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (try_views(r, i, err) < 0 || try_triggers(r, i, err) < 0) {
            return -1;
        }
    }
    return compare_staging(r, true, err);
}
