/* The staging databases, and the marker in each: what of the work is done, so that it can be taken
 * up again after a kill. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/owned.h"
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
    sql_table(sql, db->staging, NAMES_MARKER);
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
    return read_note(r, database, swapped ? NAMES_SWAPPED : NAMES_MARKER, id, ret, err);
}

int restore_is_swapped(struct restore *r, bool *ret, struct err *err)
{
    AUTO_FREE char *text = NULL;
    if (read_note(r, 0, NAMES_SWAPPED, NOTE_BACKUP, &text, err) < 0) {
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
        AUTO_FREE char *head = names_head(db->target);
        for (const char *p = head; *p; p++) {
            str_append(&pattern, *p == '_' || *p == '%' ? "\\" : "");
            str_append_c(&pattern, *p);
        }
        err_hint(err,
                 "a restore loads into databases of its own first; as an administrator: GRANT ALL "
                 "ON `%s%%`.* TO the user '%s'",
                 str_get(&pattern), r->request->user);
    }
    return -1;
}

static int make_fail(struct restore *r, const struct restore_db *db, const char *name,
                     struct err *err)
{
    return err->kind == ERR_REFUSED ? -1 : create_fail(r, db, name, err);
}

/* What an earlier run left is used if it was of this very backup, and thrown away if not: that it
 * is ours shows in the marker. */
int restore_open_staging(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    const char *expected = json_text(r->manifest, "digest", "");
    AUTO_FREE char *digest = NULL, *tables = NULL;
    if (restore_noted(r, i, false, NOTE_BACKUP, &digest, err) < 0 ||
        restore_noted(r, i, false, NOTE_TABLES, &tables, err) < 0) {
        return -1;
    }
    db->resumed = !r->rehearse && tables != NULL && str_eq(digest, expected);
    if (db->resumed) {
        return 0;
    }
    return owned_make(&r->lead, db->staging, expected, err) < 0 ? make_fail(r, db, db->staging, err)
                                                                : 0;
}

/* The first one's marker tells whether the swap has happened: it goes last. */
int restore_drop_staging(struct restore *r, struct err *err)
{
    for (size_t i = r->count; i-- > 0;) {
        if (owned_drop(&r->lead, r->dbs[i].staging, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- can tables be moved at all? ------------------------------------------------------------- */

#define TRY "omslaunch_try"

static int move_table(struct restore *r, const char *from, const char *to, struct err *err)
{
    AUTO_STR struct str make = STR_INIT, move = STR_INIT;
    str_append(&make, "CREATE TABLE ");
    sql_table(&make, from, TRY);
    str_append(&make, " (id int PRIMARY KEY)");
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

int restore_try_rename(struct restore *r, size_t database, struct err *err)
{
    const struct restore_db *db = &r->dbs[database];
    const char *scratch[] = {db->scratch, db->scratch_to};
    struct err ignored = ERR_INIT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(scratch); i++) {
        rc = owned_make(&r->lead, scratch[i], "rename", err) < 0 ? make_fail(r, db, scratch[i], err)
                                                                 : 0;
    }
    rc = rc < 0 ? rc : move_table(r, scratch[0], scratch[1], err);
    for (size_t i = 0; i < ARRAY_LEN(scratch); i++) {
        int dropped = owned_drop(&r->lead, scratch[i], rc < 0 ? &ignored : err);
        rc = rc < 0 ? rc : dropped;
    }
    return rc;
}
