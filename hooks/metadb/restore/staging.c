/* The staging databases, and the marker in each: what of the work is done, so that it can be taken
 * up again after a kill. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

int restore_use(struct conn *c, const char *database, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "USE ");
    sql_name(&sql, database);
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
    str_appendf(&sql, " VALUES (%lld, ", id);
    sql_text(&sql, text, strlen(text));
    str_append_c(&sql, ')');
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

int restore_noted(struct restore *r, size_t database, bool swapped, long long id, char **ret,
                  struct err *err)
{
    return read_note(r, database, swapped ? RESTORE_SWAPPED : RESTORE_MARKER, id, ret, err);
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

static int create_fail(struct restore *r, const struct restore_db *db, const char *name,
                       struct err *err)
{
    err_wrap(err, "making the database '%s'", name);
    if (err->kind == ERR_PERMISSION) {
        err->hint[0] = '\0'; /* it is the connection's; a better one is known here */
        AUTO_STR struct str pattern = STR_INIT;
        for (const char *p = db->target; *p; p++) {
            str_append(&pattern, *p == '_' || *p == '%' ? "\\" : "");
            str_append_c(&pattern, *p);
        }
        err_hint(err,
                 "a restore loads into databases of its own first; as an administrator: GRANT ALL "
                 "ON `%s\\_\\_%%`.* TO the user '%s'",
                 str_get(&pattern), r->request->user);
    }
    return -1;
}

static int create_staging(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    AUTO_STR struct str marker = STR_INIT;
    if (conn_exec_name(&r->lead, "CREATE DATABASE ", db->staging, "", err) < 0) {
        return create_fail(r, db, db->staging, err);
    }
    str_append(&marker, "CREATE TABLE ");
    append_marker(&marker, db);
    str_append(&marker, " (id bigint PRIMARY KEY, note varchar(100)) ENGINE=InnoDB"
                        " DEFAULT CHARACTER SET utf8mb4");
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

/* Does it hold nothing but that table of ours? */
static int is_empty(struct restore *r, const char *database, const char *but, bool *ret,
                    struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FREE char *found = NULL;
    str_append(&sql, "SELECT table_name FROM information_schema.tables WHERE table_schema = ");
    sql_text(&sql, database, strlen(database));
    str_append(&sql, " AND table_name <> ");
    sql_text(&sql, but, strlen(but));
    str_append(&sql, " LIMIT 1");
    if (conn_query_text(&r->lead, str_get(&sql), &found, err) < 0) {
        return -1;
    }
    *ret = found == NULL;
    return 0;
}

static int refuse_foreign(const char *name, struct err *err)
{
    err_fail(err, ERR_REFUSED, "there is a database '%s' that no restore has made", name);
    return err_hint(err, "look what it is and drop it, or restore under another name");
}

/* What an earlier run left is used if it was of this very backup, and thrown away if not: that it
 * is ours shows in the marker. */
int restore_open_staging(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    AUTO_FREE char *digest = NULL, *tables = NULL;
    bool exists, empty;
    if (database_exists(r, db->staging, &exists, err) < 0) {
        return -1;
    }
    if (exists) {
        /* Killed before the marker was made, it left nothing, or an empty marker alone. */
        if (read_note(r, i, RESTORE_MARKER, NOTE_BACKUP, &digest, err) < 0 ||
            restore_noted(r, i, false, NOTE_TABLES, &tables, err) < 0 ||
            is_empty(r, db->staging, RESTORE_MARKER, &empty, err) < 0) {
            return -1;
        }
        if (!digest && !empty) {
            return refuse_foreign(db->staging, err);
        }
        db->resumed = tables && str_eq(digest, json_text(r->manifest, "digest", ""));
        if (db->resumed && !r->rehearse) {
            return 0;
        }
        db->resumed = false;
        if (conn_exec_name(&r->lead, "DROP DATABASE ", db->staging, "", err) < 0) {
            return -1;
        }
    }
    return create_staging(r, i, err);
}

/* The first one's marker tells whether the swap has happened: it goes last. */
int restore_drop_staging(struct restore *r, struct err *err)
{
    for (size_t i = r->count; i-- > 0;) {
        if (conn_exec_name(&r->lead, "DROP DATABASE IF EXISTS ", r->dbs[i].staging, "", err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- can tables be moved at all? ------------------------------------------------------------- */

#define TRY "omslaunch_try"

/* Of this run or of one like it that was killed. */
static int drop_scratch(struct restore *r, const char *name, struct err *err)
{
    bool exists, empty;
    if (database_exists(r, name, &exists, err) < 0 || is_empty(r, name, TRY, &empty, err) < 0) {
        return -1;
    }
    if (!exists) {
        return 0;
    }
    return empty ? conn_exec_name(&r->lead, "DROP DATABASE ", name, "", err)
                 : refuse_foreign(name, err);
}

static int move_table(struct restore *r, const char *from, const char *to, struct err *err)
{
    AUTO_STR struct str make = STR_INIT, move = STR_INIT;
    str_append(&make, "CREATE TABLE ");
    sql_table(&make, from, TRY);
    str_append(&make, " (id int)");
    str_append(&move, "RENAME TABLE ");
    sql_table(&move, from, TRY);
    str_append(&move, " TO ");
    sql_table(&move, to, TRY);
    if (conn_exec(&r->lead, str_get(&make), make.len, err) < 0) {
        return -1;
    }
    if (conn_exec(&r->lead, str_get(&move), move.len, err) < 0) {
        err_wrap(err, "moving a table from one database to another, tried in '%s'", from);
        return err->kind == ERR_UNREACHABLE
                   ? -1
                   : err_hint(err, "nothing was changed. A restore puts tables in place so; on "
                                   "this server restore by hand: drop and create each database, "
                                   "then zstd -dc FILE | mysql DATABASE");
    }
    return 0;
}

int restore_try_rename(struct restore *r, struct err *err)
{
    const struct restore_db *db = &r->dbs[0];
    const char *scratch[] = {db->scratch_from, db->scratch_to};
    struct err ignored = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(scratch); i++) {
        if (drop_scratch(r, scratch[i], err) < 0) {
            return -1;
        }
        if (conn_exec_name(&r->lead, "CREATE DATABASE ", scratch[i], "", err) < 0) {
            return create_fail(r, db, scratch[i], err);
        }
    }
    int rc = move_table(r, scratch[0], scratch[1], err);
    for (size_t i = 0; i < ARRAY_LEN(scratch); i++) {
        int dropped = drop_scratch(r, scratch[i], rc < 0 ? &ignored : err);
        rc = rc < 0 ? rc : dropped;
    }
    return rc;
}
