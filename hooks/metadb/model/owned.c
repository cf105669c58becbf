#include "hooks/metadb/model/owned.h"

#include <string.h>

#include "hooks/metadb/model/names.h"
#include "hooks/metadb/wire/sql.h"

/* `head` 'database': the first column of all rows. */
static int ask(struct conn *c, const char *head, const char *database, struct rows *ret,
               struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, head);
    sql_text(&sql, database, strlen(database));
    return conn_query(c, str_get(&sql), ret, err);
}

/* In two steps: a server that joins the two opens every table that it has. */
int owned_look(struct conn *c, const char *database, enum owned_state *ret, struct err *err)
{
    AUTO_ROWS struct rows there = ROWS_INIT;
    AUTO_ROWS struct rows tables = ROWS_INIT;
    if (ask(c, "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ", database,
            &there, err) < 0) {
        return -1;
    }
    if (!rows_next(&there)) {
        *ret = OWNED_MISSING;
        return 0;
    }
    if (ask(c, "SELECT table_name FROM information_schema.tables WHERE table_schema = ", database,
            &tables, err) < 0) {
        return -1;
    }
    *ret = OWNED_EMPTY;
    while (*ret != OWNED_OURS && rows_next(&tables)) {
        const char *name = rows_text(&tables, 0, "");
        *ret =
            str_eq(name, NAMES_MARKER) || str_eq(name, NAMES_SWAPPED) ? OWNED_OURS : OWNED_FOREIGN;
    }
    return 0;
}

int owned_refuse(const char *database, struct err *err)
{
    err_fail(err, ERR_REFUSED, "there is a database '%s' that no restore has made", database);
    return err_hint(err, "look what it is and drop it, or restore under another name");
}

static int put_marker(struct conn *c, const char *database, const char *note, struct err *err)
{
    AUTO_STR struct str make = STR_INIT, row = STR_INIT;
    str_append(&make, "CREATE TABLE ");
    sql_table(&make, database, NAMES_MARKER);
    str_append(&make, " (id bigint PRIMARY KEY, note varchar(100)) ENGINE=InnoDB"
                      " DEFAULT CHARACTER SET utf8mb4");
    str_append(&row, "INSERT INTO ");
    sql_table(&row, database, NAMES_MARKER);
    str_append(&row, " VALUES (-1, ");
    sql_text(&row, note, strlen(note));
    str_append_c(&row, ')');
    return conn_exec(c, str_get(&make), make.len, err) < 0
               ? -1
               : conn_exec(c, str_get(&row), row.len, err);
}

int owned_make(struct conn *c, const char *database, const char *note, struct err *err)
{
    enum owned_state state;
    if (owned_look(c, database, &state, err) < 0) {
        return -1;
    }
    if (state == OWNED_FOREIGN) {
        return owned_refuse(database, err);
    }
    if (state == OWNED_OURS) {
        if (conn_exec_name(c, "DROP DATABASE ", database, "", err) < 0) {
            return -1;
        }
        state = OWNED_MISSING;
    }
    /* An empty one is what a kill right after its making leaves. */
    if (state == OWNED_MISSING && conn_exec_name(c, "CREATE DATABASE ", database, "", err) < 0) {
        return -1;
    }
    return put_marker(c, database, note, err);
}

int owned_drop(struct conn *c, const char *database, struct err *err)
{
    enum owned_state state;
    if (owned_look(c, database, &state, err) < 0) {
        return -1;
    }
    return state == OWNED_OURS ? conn_exec_name(c, "DROP DATABASE IF EXISTS ", database, "", err)
                               : 0;
}
