/* Tables of the staging databases. A server waits for its disk with each one, so all connections
 * make them side by side; sequences, of which tables may take their defaults, go before. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/pool.h"
#include "hooks/metadb/wire/sql.h"

/* Smaller tables are as fast with their indexes in place. */
#define DEFER_FROM_BYTES (4UL * 1024 * 1024)

struct table {
    size_t database;
    char *name, *create;
};

struct tables {
    struct restore *r;
    size_t database; /* that is being read */
    struct table *items;
    size_t count;
    pthread_mutex_t lock; /* of what restore_keep_text() changes */
};

static void tables_free(struct tables *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].name);
        free(t->items[i].create);
    }
    free(t->items);
}

static char *name_of(const char *create)
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

static void defer(struct restore *r, size_t database, const char *table, char *keys_take)
{
    r->deferred = mem_grow(r->deferred, r->deferred_count + 1, sizeof(*r->deferred));
    r->deferred[r->deferred_count++] = (struct restore_deferred){
        .table = mem_strdup(table), .keys = keys_take, .database = database};
}

/* The statement as it is to be run in the staging database. */
static void add_table(struct tables *t, char *name_take, const char *sql)
{
    struct restore *r = t->r;
    AUTO_STR struct str mapped = STR_INIT, without = STR_INIT, keys = STR_INIT;
    create_map_references(&mapped, sql, &r->to_staging);
    bool deferred = restore_raw_bytes(&r->dbs[t->database], name_take) >= DEFER_FROM_BYTES &&
                    create_split_keys(str_get(&mapped), &without, &keys);
    if (deferred) {
        defer(r, t->database, name_take, str_take(&keys));
    }
    t->items = mem_grow(t->items, t->count + 1, sizeof(*t->items));
    t->items[t->count++] = (struct table){.database = t->database,
                                          .name = name_take,
                                          .create = str_take(deferred ? &without : &mapped)};
}

/* When definitions alone are tried, each goes its own way. */
static int refused(struct tables *t, size_t database, const char *name, const char *create,
                   const struct err *e, struct err *err)
{
    if (t->r->findings == NULL || restore_is_over(e)) {
        *err = *e;
        return err_wrap(err, "making '%s.%s'", t->r->dbs[database].name, name);
    }
    pthread_mutex_lock(&t->lock);
    restore_keep_text(t->r, database, "table", name, NULL, create, e);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static int read_statement(void *arg, const char *sql, size_t len, struct err *err)
{
    struct tables *t = arg;
    struct err e = ERR_INIT;
    AUTO_FREE char *text = mem_strndup(sql, len);
    AUTO_FREE char *name = name_of(text);
    if (str_starts_with(text, "CREATE TABLE ")) {
        add_table(t, TAKE(name), text);
    } else if (!t->r->dbs[t->database].resumed && conn_exec(&t->r->lead, text, len, &e) < 0) {
        return refused(t, t->database, name, text, &e, err);
    }
    return 0;
}

static int make_one(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct tables *t = arg;
    const struct table *table = &t->items[index];
    struct err e = ERR_INIT;
    if (t->r->dbs[table->database].resumed) {
        return 0;
    }
    if (restore_switch(t->r, worker, table->database, err) < 0) {
        return -1;
    }
    return conn_exec(&t->r->conns[worker], table->create, strlen(table->create), &e) < 0
               ? refused(t, table->database, table->name, table->create, &e, err)
               : 0;
}

int restore_make_tables(struct restore *r, struct err *err)
{
    CLEANUP(tables_free) struct tables t = {.r = r, .lock = PTHREAD_MUTEX_INITIALIZER};
    for (t.database = 0; t.database < r->count; t.database++) {
        if (restore_use(&r->lead, r->dbs[t.database].staging, err) < 0 ||
            restore_read_frames(r, t.database, "tables", read_statement, &t, err) < 0) {
            return -1;
        }
    }
    return pool_run(r->workers, t.count, make_one, &t, err);
}
