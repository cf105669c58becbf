/* `trim`: keeps the newest row of each heartbeat sequence, or the newest thousands while OMS runs
 * (domain page, "The MetaDB": old rows are useless and grow without bound). In bounded
 * transactions; a huge table is swapped for a new one that holds the newest row, which takes the
 * same moment for any size. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/stop.h"

#define SEQUENCE "heatbeat_sequence" /* so spelled */
#define BATCH_ROWS 20000
/* Deleting this many takes about a second; a swap takes a twentieth of that. */
#define SWAP_FROM_ROWS 300000
/* While OMS runs so many of the newest ids stay: hours of heartbeats, more than anybody can still
 * mean. */
#define LIVE_KEEP_IDS 10000

struct sequence {
    struct conn *conn;
    const char *database;
    struct str name;         /* `database`.`heatbeat_sequence` */
    uint64_t min_id, max_id; /* rows from max_id on are kept */
    bool live;               /* OMS writes to it meanwhile */
};

/* 0 when there is nothing to do: no table, or one row at most. */
static int read_range(struct sequence *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err e = ERR_INIT;
    str_appendf(&sql, "SELECT MIN(id), MAX(id) FROM %s", str_get(&s->name));
    if (conn_query(s->conn, str_get(&sql), &rows, &e) < 0) {
        if (conn_errno(s->conn) == 1146) {
            return 0;
        }
        *err = e;
        return -1;
    }
    if (!rows_next(&rows) || !rows_text(&rows, 1, NULL)) {
        return 0;
    }
    s->min_id = rows_u64(&rows, 0, 0);
    s->max_id = rows_u64(&rows, 1, 0);
    if (s->live) {
        s->max_id = s->max_id > LIVE_KEEP_IDS ? s->max_id - LIVE_KEEP_IDS : 0;
    }
    return s->min_id < s->max_id ? 1 : 0;
}

static int query_u64(struct conn *c, const char *sql, uint64_t otherwise, uint64_t *ret,
                     struct err *err)
{
    AUTO_FREE char *text = NULL;
    if (conn_query_text(c, sql, &text, err) < 0) {
        return -1;
    }
    *ret = text ? strtoull(text, NULL, 10) : otherwise;
    return 0;
}

/* Each batch ends at the id of a row that exists, so that gaps cost nothing and rows that are
 * deleted but not yet purged are not walked over again. */
static int delete_batches(struct sequence *s, uint64_t *ret_deleted, struct err *err)
{
    uint64_t from = s->min_id, deleted = 0;
    while (from < s->max_id) {
        AUTO_STR struct str sql = STR_INIT;
        uint64_t to;
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
        }
        str_appendf(
            &sql, "SELECT id FROM %s WHERE id >= %llu AND id < %llu ORDER BY id LIMIT 1 OFFSET %d",
            str_get(&s->name), (unsigned long long)from, (unsigned long long)s->max_id, BATCH_ROWS);
        if (query_u64(s->conn, str_get(&sql), s->max_id, &to, err) < 0 ||
            conn_execf(s->conn, err, "DELETE FROM %s WHERE id >= %llu AND id < %llu",
                       str_get(&s->name), (unsigned long long)from, (unsigned long long)to) < 0) {
            return err_wrap(err, "clearing the heartbeat sequence of '%s'", s->database);
        }
        deleted += conn_affected(s->conn);
        from = to;
        report_progress("clearing the heartbeat sequence", from - s->min_id, s->max_id - s->min_id,
                        false);
    }
    *ret_deleted = deleted;
    return 0;
}

/* The AUTO_INCREMENT of the last line of `create`; 0 when it says none. */
static uint64_t auto_increment_of(const char *create)
{
    const char *options = strrchr(create, '\n');
    const char *at = options ? strstr(options, " AUTO_INCREMENT=") : NULL;
    return at ? strtoull(at + strlen(" AUTO_INCREMENT="), NULL, 10) : 0;
}

/* A swap would lose foreign keys and triggers, and needs rights that a delete does not. */
static int may_swap(struct sequence *s, uint64_t *ret_next_id, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows create = ROWS_INIT, triggers = ROWS_INIT;
    str_appendf(&sql, "SHOW CREATE TABLE %s", str_get(&s->name));
    if (conn_query(s->conn, str_get(&sql), &create, err) < 0) {
        return -1;
    }
    const char *text = rows_next(&create) ? rows_text(&create, 1, "") : "";
    *ret_next_id = auto_increment_of(text);
    str_reset(&sql);
    str_append(&sql, "SHOW TRIGGERS FROM ");
    sql_name(&sql, s->database);
    str_append(&sql, " LIKE '" SEQUENCE "'");
    if (conn_query(s->conn, str_get(&sql), &triggers, err) < 0) {
        return -1;
    }
    return *text && !strstr(text, "FOREIGN KEY") && !rows_next(&triggers);
}

/* Rows that came in between the copy and the rename are carried over, so the newest is never lost.
 */
static int swap_in(struct sequence *s, const char *fresh, const char *old, uint64_t next_id,
                   struct err *err)
{
    struct conn *c = s->conn;
    unsigned long long max_id = s->max_id;
    if (conn_execf(c, err, "CREATE TABLE %s LIKE %s", fresh, str_get(&s->name)) < 0) {
        return -1;
    }
    if (conn_execf(c, err, "INSERT INTO %s SELECT * FROM %s WHERE id = %llu", fresh,
                   str_get(&s->name), max_id) < 0 ||
        (next_id > 0 && conn_execf(c, err, "ALTER TABLE %s AUTO_INCREMENT = %llu", fresh,
                                   (unsigned long long)next_id) < 0) ||
        conn_execf(c, err, "RENAME TABLE %s TO %s, %s TO %s", str_get(&s->name), old, fresh,
                   str_get(&s->name)) < 0) {
        struct err dropped = ERR_INIT;
        (void)!conn_execf(c, &dropped, "DROP TABLE IF EXISTS %s", fresh);
        return -1;
    }
    if (conn_execf(c, err, "INSERT IGNORE INTO %s SELECT * FROM %s WHERE id > %llu",
                   str_get(&s->name), old, max_id) < 0) {
        return -1;
    }
    return conn_execf(c, err, "DROP TABLE %s", old);
}

/* 1 when swapped, 0 when it has to be done by deleting. */
static int try_swap(struct sequence *s, uint64_t *ret_deleted, struct err *err)
{
    struct err e = ERR_INIT;
    uint64_t next_id = 0;
    AUTO_STR struct str count = STR_INIT, fresh = STR_INIT, old = STR_INIT;
    int may = may_swap(s, &next_id, &e);
    if (may <= 0) {
        return 0;
    }
    str_appendf(&count, "SELECT COUNT(*) FROM %s", str_get(&s->name));
    uint64_t rows;
    if (query_u64(s->conn, str_get(&count), 0, &rows, err) < 0) {
        return -1;
    }
    if (rows < SWAP_FROM_ROWS) {
        return 0;
    }
    sql_table(&fresh, s->database, SEQUENCE "__new");
    sql_table(&old, s->database, SEQUENCE "__old");
    if (swap_in(s, str_get(&fresh), str_get(&old), next_id, &e) == 0) {
        *ret_deleted = rows - 1;
        return 1;
    }
    if (e.kind == ERR_PERMISSION) {
        return 0;
    }
    *err = e;
    return err_wrap(err, "swapping the heartbeat sequence of '%s'", s->database);
}

/* What an earlier run left that was ended in the middle of a swap. Both hold nothing but old rows:
 * the real table is in place before and after the rename. */
static int drop_leftovers(struct sequence *s, struct err *err)
{
    static const char *const names[] = {SEQUENCE "__new", SEQUENCE "__old"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_STR struct str name = STR_INIT;
        struct err e = ERR_INIT;
        sql_table(&name, s->database, names[i]);
        if (conn_execf(s->conn, &e, "DROP TABLE IF EXISTS %s", str_get(&name)) < 0 &&
            e.kind != ERR_PERMISSION && e.kind != ERR_NOT_FOUND) {
            *err = e;
            return -1;
        }
    }
    return 0;
}

static int trim_one(struct conn *c, const char *database, bool live, json_t *list, struct err *err)
{
    struct sequence s = {.conn = c, .database = database, .name = STR_INIT, .live = live};
    sql_table(&s.name, database, SEQUENCE);
    uint64_t deleted = 0;
    const char *method = "nothing";
    int rc = read_range(&s, err);
    if (rc > 0) {
        /* What OMS writes between the copy and the rename would get ids twice. */
        bool huge = !live && s.max_id - s.min_id >= SWAP_FROM_ROWS;
        method = "batches";
        rc = huge ? drop_leftovers(&s, err) : 0;
        if (rc == 0 && huge) {
            rc = try_swap(&s, &deleted, err);
            method = rc > 0 ? "swap" : method;
        }
        if (rc == 0) {
            rc = delete_batches(&s, &deleted, err);
        }
    }
    str_free(&s.name);
    if (rc < 0) {
        return -1;
    }
    json_add(list, json_make("{s:s, s:I, s:s}", "database", database, "deleted",
                             (json_int_t)deleted, "method", method));
    return 0;
}

int trim_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_JSON json_t *list = json_array();
    if (conn_open(request, &c, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < request->heartbeat_dbs.count; i++) {
        if (trim_one(&c, request->heartbeat_dbs.items[i],
                     json_bool(request->parameters, "live", false), list, err) < 0) {
            return -1;
        }
    }
    *ret = TAKE(list);
    return 0;
}
