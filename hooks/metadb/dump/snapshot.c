/* One moment for all workers. The rungs are tried, not looked up: what a server or a user can do
 * shows only when it is done (OceanBase, proxies, users without RELOAD or LOCK TABLES). */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/sql.h"

#define LOCK_WAIT_S 10
#define TRIES_MAX 3

static const char *const snapshot_names[] = {[SNAPSHOT_GLOBAL_LOCK] = "global lock",
                                             [SNAPSHOT_TABLE_LOCKS] = "table locks",
                                             [SNAPSHOT_ONE_CONNECTION] = "one connection"};
_Static_assert(ARRAY_LEN(snapshot_names) == SNAPSHOT_MAX, "a rung has no name");

const char *dump_snapshot_name(enum dump_snapshot s)
{
    return snapshot_names[s];
}

/* A statement that a server may not know; only a lost connection is an error. */
static int try_exec(struct conn *c, const char *sql, bool *ret_done, struct err *err)
{
    struct err e = ERR_INIT;
    *ret_done = conn_exec(c, sql, strlen(sql), &e) == 0;
    if (!*ret_done && e.kind == ERR_UNREACHABLE) {
        *err = e;
        return -1;
    }
    return 0;
}

/* Bytes as they are stored. Who waits for a table waits for somebody who alters it, which this
 * snapshot would not survive, or until MySQL has closed it for all: the session's wait is short. */
static int setup_worker(struct conn *c, struct err *err)
{
    bool done;
    if (conn_execf(c, err, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ") < 0 ||
        try_exec(c, "SET character_set_results = NULL", &done, err) < 0) {
        return -1;
    }
    return done ? 0 : conn_execf(c, err, "SET character_set_results = binary");
}

static int start_transaction(struct conn *c, struct err *err)
{
    bool done;
    if (try_exec(c, "START TRANSACTION WITH CONSISTENT SNAPSHOT", &done, err) < 0) {
        return -1;
    }
    return done ? 0 : conn_execf(c, err, "START TRANSACTION");
}

static int lock_tables(struct dump *d, bool *ret_done, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    *ret_done = true;
    for (size_t i = 0; i < d->database_count; i++) {
        for (size_t k = 0; k < d->schemas[i]->table_count; k++) {
            const struct schema_table *t = &d->schemas[i]->tables[k];
            if (t->type != SCHEMA_VIEW) {
                str_append(&sql, sql.len ? ", " : "LOCK TABLES ");
                sql_table(&sql, d->schemas[i]->name, t->name);
                str_append(&sql, " READ");
            }
        }
    }
    return sql.len ? try_exec(&d->lead, str_get(&sql), ret_done, err) : 0;
}

static int take_lock(struct dump *d, struct err *err)
{
    bool done;
    AUTO_FREE char *wait = mem_printf("SET SESSION lock_wait_timeout = %d", LOCK_WAIT_S);
    if (try_exec(&d->lead, wait, &done, err) < 0 ||
        try_exec(&d->lead, "FLUSH TABLES WITH READ LOCK", &done, err) < 0) {
        return -1;
    }
    d->snapshot = SNAPSHOT_GLOBAL_LOCK;
    if (!done) {
        d->snapshot = SNAPSHOT_TABLE_LOCKS;
        if (lock_tables(d, &done, err) < 0) {
            return -1;
        }
    }
    if (!done) {
        d->snapshot = SNAPSHOT_ONE_CONNECTION;
    }
    return 0;
}

/* Where the binary log stands; for people, and only when the server tells. */
static int read_position(struct dump *d, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err e = ERR_INIT;
    if (conn_query(&d->lead, "SHOW MASTER STATUS", &rows, &e) < 0) {
        if (e.kind == ERR_UNREACHABLE) {
            *err = e;
            return -1;
        }
        return 0;
    }
    if (rows_next(&rows)) {
        json_decref(d->position);
        d->position = json_make("{s:s, s:I}", "file", rows_text(&rows, 0, ""), "position",
                                (json_int_t)rows_u64(&rows, 1, 0));
    }
    return 0;
}

/* Did a table come or go since the schema was read? The lead's view is the workers' while it holds
 * the lock. */
static int reread_if_changed(struct dump *d, bool *ret_changed, struct err *err)
{
    *ret_changed = false;
    for (size_t i = 0; i < d->database_count; i++) {
        bool same;
        struct schema *fresh = NULL;
        if (schema_same_tables(&d->lead, d->schemas[i], &same, err) < 0) {
            return -1;
        }
        if (!same) {
            *ret_changed = true;
            if (schema_read(&d->lead, d->schemas[i]->name, &fresh, err) < 0) {
                return -1;
            }
            schema_free(d->schemas[i]);
            d->schemas[i] = fresh;
        }
    }
    return 0;
}

/* Tables without versions stay as they were only as long as the lock is held. */
static bool needs_lock(const struct dump *d)
{
    for (size_t i = 0; i < d->database_count; i++) {
        for (size_t k = 0; k < d->schemas[i]->table_count; k++) {
            if (!d->schemas[i]->tables[k].transactional) {
                return true;
            }
        }
    }
    return false;
}

static int hold_table(struct conn *c, const struct schema_table *t, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SELECT 1 FROM ");
    sql_table(&sql, t->schema->name, t->name);
    str_append(&sql, " LIMIT 0");
    if (conn_exec(c, str_get(&sql), sql.len, &e) == 0 || e.kind == ERR_NOT_FOUND) {
        return 0; /* that one is gone shows when names are compared */
    }
    *err = e;
    err_wrap(err, "backing up '%s.%s'", t->schema->name, t->name);
    return e.kind == ERR_TIMEOUT
               ? err_hint(err,
                          "see who reads or locks that table for long (show full processlist): "
                          "MySQL lets nobody in until that ends; then start again")
               : -1;
}

/* MySQL up to 5.7 empties a table in place: TRUNCATE takes its rows also from those who look at an
 * older moment, and tells nobody. A transaction that has named a table keeps everybody from it. */
static int hold_tables(struct dump *d, struct err *err)
{
    for (size_t i = 0; i < d->database_count && d->server.flavor == FLAVOR_MYSQL; i++) {
        for (size_t k = 0; k < d->schemas[i]->table_count; k++) {
            const struct schema_table *t = &d->schemas[i]->tables[k];
            if (t->type == SCHEMA_TABLE && hold_table(&d->conns[0], t, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int start_all(struct dump *d, struct err *err)
{
    while (d->snapshot == SNAPSHOT_ONE_CONNECTION && d->options.workers > 1) {
        conn_close(&d->conns[--d->options.workers]);
    }
    for (unsigned i = 0; i < d->options.workers; i++) {
        if (start_transaction(&d->conns[i], err) < 0) {
            return -1;
        }
    }
    return hold_tables(d, err) < 0 ? -1 : read_position(d, err);
}

static int open_worker(struct dump *d, struct conn *ret, struct err *err)
{
    return conn_open(d->request, ret, err) < 0 ? -1 : setup_worker(ret, err);
}

int dump_open_workers(struct dump *d, struct err *err)
{
    d->conns = mem_alloc(d->options.workers * sizeof(*d->conns));
    for (unsigned i = 0; i < d->options.workers; i++) {
        if (open_worker(d, &d->conns[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int dump_reopen_workers(struct dump *d, struct err *err)
{
    if (mysql_ping(d->lead.mysql) != 0) {
        conn_close(&d->lead);
        if (conn_open(d->request, &d->lead, err) < 0) {
            return -1;
        }
    }
    for (unsigned i = 0; i < d->options.workers; i++) {
        if (mysql_ping(d->conns[i].mysql) != 0) {
            conn_close(&d->conns[i]);
            if (open_worker(d, &d->conns[i], err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int dump_take_snapshot(struct dump *d, bool *ret_changed, struct err *err)
{
    bool changed = true, unlocked;
    *ret_changed = false;
    for (int i = 0; changed; i++) {
        if (i == TRIES_MAX) {
            err_fail(err, ERR_FAILED,
                     "tables come and go in the databases while they are backed up");
            return err_hint(err, "see who creates or drops tables of the MetaDB now (show full "
                                 "processlist), then start again");
        }
        if (take_lock(d, err) < 0 || start_all(d, err) < 0) {
            return -1;
        }
        /* Under table locks a new table is not readable: let go before reading again. */
        if (d->snapshot == SNAPSHOT_TABLE_LOCKS && !needs_lock(d) &&
            try_exec(&d->lead, "UNLOCK TABLES", &unlocked, err) < 0) {
            return -1;
        }
        if (reread_if_changed(d, &changed, err) < 0) {
            return -1;
        }
        *ret_changed = *ret_changed || changed;
    }
    return needs_lock(d) ? 0 : try_exec(&d->lead, "UNLOCK TABLES", &unlocked, err);
}
