/* Frames of a backup as statements on a connection. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/backup/frame_read.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/model/split.h"

struct frame_run {
    struct restore *r;
    size_t database;
    struct conn *conn;
    struct restore_rows *rows; /* of the table whose rows these are; NULL: as they are */
    struct rows_sender *sender;
    bool *again; /* of restore_run_frame() */
    struct splitter split;
};

uint64_t restore_raw_bytes(struct restore_db *db, const char *table)
{
    if (!db->table_bytes) {
        db->table_bytes = json_object();
        size_t i;
        json_t *frame;
        json_array_foreach (json_walk(db->entry, "frames"), i, frame) {
            const char *name = json_text(frame, "table", NULL);
            if (name) {
                int64_t bytes = json_integer_value(json_object_get(db->table_bytes, name));
                json_put(db->table_bytes, name, json_integer(bytes + json_int(frame, "raw", 0)));
            }
        }
    }
    return (uint64_t)json_integer_value(json_object_get(db->table_bytes, table));
}

/* The transaction has to be undone: some of the rows may be in. What is no lock and no lost
 * connection is something of this table's that is better left to INSERT. */
static int send_failed(struct frame_run *f, const struct err *err)
{
    if (err->kind != ERR_UNREACHABLE && !restore_may_retry(f->conn)) {
        __atomic_store_n(&f->rows->refused, true, __ATOMIC_RELAXED);
        *f->again = true;
    }
    return -1;
}

static int send_rows(struct frame_run *f, bool all, struct err *err)
{
    return rows_sender_send(f->sender, all, err) < 0 ? send_failed(f, err) : 0;
}

static int run_rows(struct frame_run *f, const char *sql, size_t len, struct err *err)
{
    if (!__atomic_load_n(&f->rows->refused, __ATOMIC_RELAXED) &&
        rows_sender_add(f->sender, sql, len)) {
        return send_rows(f, false, err);
    }
    return send_rows(f, true, err) < 0 ? -1 : conn_exec(f->conn, sql, len, err);
}

static int run_statement(void *arg, const char *sql, size_t len, struct err *err)
{
    struct frame_run *f = arg;
    return f->rows ? run_rows(f, sql, len, err) : conn_exec(f->conn, sql, len, err);
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
    rc = rc < 0 || !f->rows ? rc : send_rows(f, true, err);
    split_free(&f->split);
    return rc;
}

int restore_run_frame(struct restore *r, size_t database, unsigned worker, const json_t *entry,
                      bool *ret_again, struct err *err)
{
    struct conn *c = &r->conns[worker];
    struct frame_run f = {.r = r, .database = database, .conn = c, .again = ret_again};
    const struct restore_db *db = &r->dbs[database];
    const char *table = json_text(entry, "table", "");
    for (size_t i = 0; db->prepared && i < db->schema->table_count; i++) {
        if (db->prepared[i].table && strcmp(db->schema->tables[i].name, table) == 0) {
            f.rows = &db->prepared[i];
            f.sender = &r->senders[worker];
            rows_sender_begin(f.sender, c, f.rows);
        }
    }
    return run_frame(&f, entry, err);
}

int restore_run_frames(struct restore *r, size_t database, const char *kind, const char *where,
                       struct err *err)
{
    struct frame_run f = {.r = r, .database = database, .conn = &r->lead};
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

static int feed_other(void *arg, const char *sql, size_t len, struct err *err)
{
    return split_feed(arg, sql, len, err);
}

int restore_read_frames(struct restore *r, size_t database, const char *kind, split_fn fn,
                        void *arg, struct err *err)
{
    struct restore_db *db = &r->dbs[database];
    size_t i;
    json_t *frame;
    json_array_foreach (json_walk(db->entry, "frames"), i, frame) {
        if (!str_eq(json_text(frame, "kind", NULL), kind)) {
            continue;
        }
        struct splitter split;
        split_init(&split, fn, arg);
        int rc = frame_read(db->fd, db->file, frame, db->compressed, feed_other, &split, err);
        rc = rc < 0 ? rc : split_finish(&split, err);
        split_free(&split);
        if (rc < 0) {
            return err_wrap(err, "reading the %s of '%s'", kind, db->name);
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

int restore_read_session(struct restore *r, size_t database, struct err *err)
{
    return restore_read_frames(r, database, "session", collect_session, &r->dbs[database], err);
}
