/* What a restore will do, tried before the outage that would need it: the definitions of the live
 * databases, without a row, through the restore's own code into scratch databases, compared by the
 * code that compares a restore; and a table moved to another database. What does not come back is
 * told by name. The scratch databases are dropped again. */
#include <string.h>

#include "hooks/metadb/model/owned.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

static void append_names(struct str *sql, const struct restore *r)
{
    for (size_t i = 0; i < r->count; i++) {
        str_append(sql, i ? ", " : "(");
        sql_text(sql, r->dbs[i].name, strlen(r->dbs[i].name));
    }
    str_append_c(sql, ')');
}

static void find_text(struct restore *r, const char *database, const char *name, const char *what)
{
    AUTO_FREE char *text = mem_printf("%s.%s: %s", database, name, what);
    json_add(r->findings, json_from_text(text));
}

/* After a swap such a key leads into the quarantine. */
static int find_foreign_keys(struct restore *r, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SELECT unique_constraint_schema, referenced_table_name, constraint_schema, "
                     "table_name, constraint_name FROM "
                     "information_schema.referential_constraints WHERE "
                     "unique_constraint_schema IN ");
    append_names(&sql, r);
    str_append(&sql, " AND constraint_schema NOT IN ");
    append_names(&sql, r);
    if (conn_query(&r->lead, str_get(&sql), &rows, &e) < 0) {
        if (restore_is_over(&e)) {
            *err = e;
            return -1;
        }
        return 0; /* a server that does not tell */
    }
    while (rows_next(&rows)) {
        AUTO_FREE char *what =
            mem_printf("the foreign key '%s' of '%s.%s', in a database that is not backed up, "
                       "would refer to the table that a way back puts aside",
                       rows_text(&rows, 4, ""), rows_text(&rows, 2, ""), rows_text(&rows, 3, ""));
        find_text(r, rows_text(&rows, 0, ""), rows_text(&rows, 1, ""), what);
    }
    return 0;
}

/* A table that cannot be read (its tablespace discarded, a part of it missing, a file damaged) can
 * be defined well enough, but not backed up. */
static int read_one(struct restore *r, size_t database, const char *name, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SELECT 1 FROM ");
    sql_table(&sql, r->dbs[database].name, name);
    str_append(&sql, " LIMIT 1");
    if (conn_exec(&r->lead, str_get(&sql), sql.len, &e) < 0) {
        if (restore_is_over(&e)) {
            *err = e;
            return -1;
        }
        err_wrap(&e, "cannot be read");
        restore_find(r, database, name, &e);
    }
    return 0;
}

static int find_unreadable(struct restore *r, size_t database, struct err *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_walk(r->dbs[database].entry, "tables"), i, entry) {
        const char *name = json_text(entry, "name", "");
        if (names_is_own_table(name)) {
            find_text(
                r, r->dbs[database].name, name,
                "omslaunch gives a table of its own this name, beside those that it restores");
        }
        if (str_eq(json_text(entry, "type", NULL), "table") &&
            read_one(r, database, name, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int restore_try_definitions(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        if (restore_try_rename(r, i, err) < 0) {
            return -1;
        }
    }
    if (restore_load(r, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (find_unreadable(r, i, err) < 0) {
            return -1;
        }
    }
    return find_foreign_keys(r, err);
}
