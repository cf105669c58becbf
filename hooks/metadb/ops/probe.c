/* `probe`: tries what a restore will have to do, in scratch databases beside the real ones, before
 * the outage that would need it: make a database, a table, write, index, lock, move the table to
 * another database, drop all of it. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/ops/privileges.h"
#include "hooks/metadb/wire/sql.h"

#define TABLE "omslaunch_try"
#define NAME_CHARS_MAX 64

struct scratch {
    struct str from, to; /* quoted names of the databases */
    struct str table, moved;
    char *from_name, *to_name;
};

#define AUTO_SCRATCH CLEANUP(scratch_free)

static void scratch_free(struct scratch *s)
{
    str_free(&s->from);
    str_free(&s->to);
    str_free(&s->table);
    str_free(&s->moved);
    free(s->from_name);
    free(s->to_name);
}

static int scratch_name(struct scratch *s, const char *database, struct err *err)
{
    s->from_name = mem_printf("%s__try_a", database);
    s->to_name = mem_printf("%s__try_b", database);
    if (strlen(s->from_name) > NAME_CHARS_MAX) {
        return err_fail(err, ERR_REFUSED,
                        "the name of database '%s' is too long: a restore makes databases beside "
                        "it\nHINT: see docs/policy.md, metadb.privileges",
                        database);
    }
    sql_name(&s->from, s->from_name);
    sql_name(&s->to, s->to_name);
    sql_table(&s->table, s->from_name, TABLE);
    sql_table(&s->moved, s->to_name, TABLE);
    return 0;
}

/* What is not ours is not touched, whatever its name. */
static int refuse_foreign(struct conn *c, const char *name, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FREE char *found = NULL;
    str_append(&sql, "SELECT table_name FROM information_schema.tables WHERE table_name <> '" TABLE
                     "' AND table_schema = ");
    sql_text(&sql, name, strlen(name));
    str_append(&sql, " LIMIT 1");
    if (conn_query_text(c, str_get(&sql), &found, err) < 0) {
        return -1;
    }
    return found == NULL ? 0
                         : err_fail(err, ERR_REFUSED,
                                    "the scratch database '%s' holds '%s', which is not of "
                                    "omslaunch\nHINT: rename or drop it",
                                    name, found);
}

static int drop(struct conn *c, const struct scratch *s, struct err *err)
{
    return conn_execf(c, err, "DROP DATABASE IF EXISTS %s", str_get(&s->from)) < 0
               ? -1
               : conn_execf(c, err, "DROP DATABASE IF EXISTS %s", str_get(&s->to));
}

static int lock_and_unlock(struct conn *c, const struct scratch *s, struct err *err)
{
    struct err e = ERR_INIT;
    if (conn_execf(c, &e, "LOCK TABLES %s READ", str_get(&s->table)) < 0) {
        /* Without it the dump takes one connection; OceanBase has none at all. */
        return e.kind == ERR_UNREACHABLE ? (*err = e, -1) : 0;
    }
    return conn_execf(c, err, "UNLOCK TABLES");
}

static int try_all(struct conn *c, const struct scratch *s, struct err *err)
{
    const char *table = str_get(&s->table);
    if (conn_execf(c, err, "CREATE DATABASE %s", str_get(&s->from)) < 0 ||
        conn_execf(c, err, "CREATE DATABASE %s", str_get(&s->to)) < 0 ||
        conn_execf(c, err, "CREATE TABLE %s (id bigint NOT NULL PRIMARY KEY, note varchar(10))",
                   table) < 0 ||
        conn_execf(c, err, "INSERT INTO %s VALUES (1, 'try')", table) < 0 ||
        conn_execf(c, err, "ALTER TABLE %s ADD INDEX k (note)", table) < 0 ||
        conn_execf(c, err, "UPDATE %s SET note = 'tried' WHERE id = 1", table) < 0 ||
        lock_and_unlock(c, s, err) < 0 ||
        conn_execf(c, err, "RENAME TABLE %s TO %s", table, str_get(&s->moved)) < 0 ||
        conn_execf(c, err, "DELETE FROM %s WHERE id = 1", str_get(&s->moved)) < 0) {
        return -1;
    }
    return 0;
}

/* Whatever the server's words are: what was tried, and what would help. */
static int say_what_it_was_for(struct conn *c, const char *database, struct err *err)
{
    err_wrap(err, "what a restore of '%s' would need was tried in a scratch database", database);
    if (err->kind != ERR_PERMISSION) {
        return -1;
    }
    AUTO_STR struct str pattern = STR_INIT;
    privileges_escape(&pattern, database);
    /* In place of the connection's own: a better one is known here. */
    err->hint[0] = '\0';
    return err_hint(err,
                    "as an administrator: GRANT ALL ON `%s\\_\\_%%`.* TO the user '%s'; or go on "
                    "without a way back: --accept metadb.privileges=REASON",
                    str_get(&pattern), c->request->user);
}

static int probe_database(struct conn *c, const char *database, struct err *err)
{
    AUTO_SCRATCH struct scratch s = {.from = STR_INIT, .to = STR_INIT};
    struct err ignored = ERR_INIT;
    if (scratch_name(&s, database, err) < 0 || refuse_foreign(c, s.from_name, err) < 0 ||
        refuse_foreign(c, s.to_name, err) < 0) {
        return -1;
    }
    if (drop(c, &s, err) < 0 || try_all(c, &s, err) < 0) {
        (void)!drop(c, &s, &ignored);
        return say_what_it_was_for(c, database, err);
    }
    return drop(c, &s, err);
}

int probe_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_STRV struct strv databases = STRV_INIT;
    if (conn_open(request, &c, err) < 0) {
        return -1;
    }
    request_databases(request, &databases);
    for (size_t i = 0; i < databases.count; i++) {
        if (probe_database(&c, databases.items[i], err) < 0) {
            return -1;
        }
    }
    *ret = json_make("{s:I}", "databases", (json_int_t)databases.count);
    return 0;
}
