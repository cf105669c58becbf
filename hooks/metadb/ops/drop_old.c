/* `drop-old`: drops quarantine databases, in which a restore has kept what was there before. The
 * caller says which names its runs have written down; but a name tells nothing. One is dropped only
 * when it says itself that it is of that run, holds what was put there and nothing else, and when
 * nothing outside stands on its tables. Its tables go one by one, the list of them last: who is
 * killed goes on with what is left. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/names.h"
#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/restore/restore.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/stop.h"

/* For somebody's open transaction; the default is a day. */

struct old {
    const char *name, *run;
    bool gone;
    bool begun;                /* an earlier call has begun to drop it */
    char *why;                 /* it is left alone; NULL: it can go */
    bool has_list;             /* NAMES_DEFINITIONS */
    struct strv tables, views; /* but that one */
    uint64_t bytes;
};

struct old_list {
    struct conn conn;
    struct old *items;
    size_t count;
};

static void old_list_free(struct old_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].why);
        strv_free(&l->items[i].tables);
        strv_free(&l->items[i].views);
    }
    free(l->items);
    conn_close(&l->conn);
}

static bool can_go(const struct old *o)
{
    return !o->gone && o->why == NULL;
}

/* `head` 'text' `tail`, the text quoted; all its rows. */
static int query_of(struct conn *c, const char *head, const char *text, const char *tail,
                    struct rows *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, head);
    sql_text(&sql, text, strlen(text));
    str_append(&sql, tail);
    return conn_query(c, str_get(&sql), ret, err);
}

/* ---- one database: does it hold what was put there? -------------------------------------------
 */

static int read_objects(struct conn *c, struct old *o, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    strv_free(&o->tables);
    strv_free(&o->views);
    o->bytes = 0;
    if (query_of(c,
                 "SELECT table_name, table_type, COALESCE(data_length, 0) + COALESCE(index_length, "
                 "0) FROM information_schema.tables WHERE table_schema = ",
                 o->name, " ORDER BY table_name", &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        const char *name = rows_text(&rows, 0, "");
        if (str_eq(name, NAMES_DEFINITIONS)) {
            o->has_list = true;
        } else {
            strv_add(str_eq(rows_text(&rows, 1, ""), "VIEW") ? &o->views : &o->tables, name);
            o->bytes += rows_u64(&rows, 2, 0);
        }
    }
    return 0;
}

/* What no restore ever puts there. */
static int check_code(struct conn *c, struct old *o, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    AUTO_STR struct str events = STR_INIT;
    str_append(&events, " UNION ALL SELECT 'event', event_name FROM information_schema.events "
                        "WHERE event_schema = ");
    sql_text(&events, o->name, strlen(o->name));
    if (query_of(c,
                 "SELECT LOWER(routine_type), routine_name FROM information_schema.routines WHERE "
                 "routine_schema = ",
                 o->name, str_get(&events), &rows, err) < 0) {
        return -1;
    }
    if (rows_next(&rows)) {
        o->why = mem_printf("it holds the %s '%s', which no restore has put there",
                            rows_text(&rows, 0, ""), rows_text(&rows, 1, ""));
    }
    return 0;
}

struct noted {
    struct strv runs, tables, views;
};

static void noted_free(struct noted *n)
{
    strv_free(&n->runs);
    strv_free(&n->tables);
    strv_free(&n->views);
}

static int read_list(struct conn *c, struct old *o, struct noted *n, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SELECT type, name FROM ");
    sql_table(&sql, o->name, NAMES_DEFINITIONS);
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        const char *type = rows_text(&rows, 0, "");
        const char *name = rows_text(&rows, 1, "");
        if (str_eq(type, "RUN")) {
            strv_add(&n->runs, name);
        } else if (str_eq(type, "TABLE")) {
            strv_add(&n->tables, name);
        } else if (str_eq(type, "VIEW")) {
            strv_add(&n->views, name);
        }
        o->begun = o->begun || str_eq(type, "DROP");
    }
    return 0;
}

static const char *find_other(const struct strv *in, const struct strv *than)
{
    for (size_t i = 0; i < in->count; i++) {
        if (!strv_has(than, in->items[i])) {
            return in->items[i];
        }
    }
    return NULL;
}

static void compare(struct old *o, const struct noted *n)
{
    const char *table = find_other(&o->tables, &n->tables);
    const char *view = find_other(&o->views, &n->views);
    const char *missing = o->begun ? NULL : find_other(&n->tables, &o->tables);
    if (n->runs.count == 0) {
        o->why = mem_strdup("it does not tell what was put there");
    } else if (!strv_has(&n->runs, o->run)) {
        o->why = mem_printf("it is of run %s", n->runs.items[0]);
    } else if (table != NULL) {
        o->why = mem_printf("it holds the table '%s', which no restore has put there", table);
    } else if (view != NULL) {
        o->why = mem_printf("it holds the view '%s', which no restore has put there", view);
    } else if (missing != NULL) {
        o->why = mem_printf("the table '%s', which was put there, is not in it any more", missing);
    }
}

static int judge(struct conn *c, struct old *o, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    CLEANUP(noted_free) struct noted noted = {.runs = STRV_INIT};
    if (query_of(c, "SELECT 1 FROM information_schema.schemata WHERE schema_name = ", o->name, "",
                 &rows, err) < 0) {
        return -1;
    }
    o->gone = !rows_next(&rows);
    if (o->gone) {
        return 0;
    }
    if (read_objects(c, o, err) < 0 || check_code(c, o, err) < 0) {
        return -1;
    }
    /* An empty one is what a kill right before the end leaves. */
    bool empty = !o->has_list && o->tables.count + o->views.count == 0;
    if (o->why != NULL || empty) {
        return 0;
    }
    if (o->has_list && read_list(c, o, &noted, err) < 0) {
        return -1;
    }
    compare(o, &noted);
    return 0;
}

/* ---- all of them: does anything outside stand on them? ----------------------------------------
 */

static void append_names(const struct old_list *l, struct str *sql)
{
    const char *before = "(";
    for (size_t i = 0; i < l->count; i++) {
        if (can_go(&l->items[i])) {
            str_append(sql, before);
            sql_text(sql, l->items[i].name, strlen(l->items[i].name));
            before = ", ";
        }
    }
    str_append_c(sql, ')');
}

static int check_outside(struct old_list *l, struct old *o, struct err *err)
{
    AUTO_STR struct str others = STR_INIT, quoted = STR_INIT;
    AUTO_ROWS struct rows keys = ROWS_INIT;
    AUTO_ROWS struct rows views = ROWS_INIT;
    sql_name(&quoted, o->name);
    str_append_c(&quoted, '.');
    str_append(&others, " AND constraint_schema NOT IN ");
    append_names(l, &others);
    if (query_of(&l->conn,
                 "SELECT constraint_schema, table_name FROM "
                 "information_schema.referential_constraints WHERE unique_constraint_schema = ",
                 o->name, str_get(&others), &keys, err) < 0) {
        return -1;
    }
    str_reset(&others);
    str_append(&others, ", view_definition) > 0 AND table_schema NOT IN ");
    append_names(l, &others);
    if (query_of(&l->conn,
                 "SELECT table_schema, table_name FROM information_schema.views WHERE LOCATE(",
                 str_get(&quoted), str_get(&others), &views, err) < 0) {
        return -1;
    }
    if (rows_next(&keys)) {
        o->why = mem_printf("the table '%s.%s' refers to it", rows_text(&keys, 0, ""),
                            rows_text(&keys, 1, ""));
    } else if (rows_next(&views)) {
        o->why = mem_printf("the view '%s.%s' reads it", rows_text(&views, 0, ""),
                            rows_text(&views, 1, ""));
    }
    return 0;
}

static size_t count_leaving(const struct old_list *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) {
        count += can_go(&l->items[i]);
    }
    return count;
}

static int check_all_outside(struct old_list *l, struct err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        if (can_go(&l->items[i]) && check_outside(l, &l->items[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int judge_all(struct old_list *l, struct err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        if (judge(&l->conn, &l->items[i], err) < 0) {
            return -1;
        }
    }
    /* One that is left alone is outside of the others: they are looked at again. */
    size_t before = SIZE_MAX;
    while (count_leaving(l) < before) {
        before = count_leaving(l);
        if (check_all_outside(l, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- their end --------------------------------------------------------------------------------
 */

static int note_begun(struct conn *c, const struct old *o, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    if (!o->has_list) {
        return 0;
    }
    str_append(&sql, "REPLACE INTO ");
    sql_table(&sql, o->name, NAMES_DEFINITIONS);
    str_append(&sql, " (name, type) VALUES ('', 'DROP')");
    return conn_exec(c, str_get(&sql), sql.len, err);
}

static int drop_tables(struct conn *c, const struct old *o, struct err *err)
{
    for (size_t i = 0; i < o->tables.count; i++) {
        AUTO_STR struct str sql = STR_INIT;
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop");
        }
        report_progress(o->name, i, o->tables.count, false);
        /* The server may still be at the last statement of one who was killed. */
        str_append(&sql, "DROP TABLE IF EXISTS ");
        sql_table(&sql, o->name, o->tables.items[i]);
        if (conn_exec(c, str_get(&sql), sql.len, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int drop_one(struct conn *c, const struct old *o, struct err *err)
{
    struct old left = {.name = o->name};
    if (note_begun(c, o, err) < 0 || drop_tables(c, o, err) < 0 ||
        read_objects(c, &left, err) < 0) {
        return -1;
    }
    size_t more = left.tables.count;
    strv_free(&left.tables);
    strv_free(&left.views);
    if (more > 0) {
        err_fail(err, ERR_REFUSED, "somebody has put a table there meanwhile");
        return err_hint(err, "move it to another database; the same command goes on with the rest");
    }
    return conn_exec_name(c, "DROP DATABASE IF EXISTS ", o->name, "", err);
}

static int drop_all(struct old_list *l, struct err *err)
{
    /* Foreign keys among these tables allow no order that is right for all. */
    if (conn_execf(&l->conn, err, "SET SESSION foreign_key_checks=0") < 0) {
        return -1;
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct old *o = &l->items[i];
        if (can_go(o) && drop_one(&l->conn, o, err) < 0) {
            return err_wrap(err, "dropping the database '%s'", o->name);
        }
    }
    return 0;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static int read_names(const struct request *r, struct old_list *l, struct err *err)
{
    const json_t *list = json_walk(r->parameters, "databases");
    AUTO_STRV struct strv real = STRV_INIT;
    size_t i;
    json_t *item;
    request_databases(r, &real);
    l->items = mem_alloc((json_array_size(list) + 1) * sizeof(*l->items));
    json_array_foreach (list, i, item) {
        struct old *o = &l->items[l->count++];
        *o = (struct old){.name = json_text(item, "name", ""), .run = json_text(item, "run", "")};
        if (!names_is_quarantine(o->name) || strv_has(&real, o->name)) {
            return err_fail(err, ERR_USAGE, "'%s' is no name that a restore gives", o->name);
        }
    }
    return 0;
}

static json_t *make_result(const struct old_list *l, bool dry_run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->count; i++) {
        const struct old *o = &l->items[i];
        const char *state = o->gone ? "gone" : o->why ? "left" : dry_run ? "there" : "dropped";
        json_add(list, json_make("{s:s, s:s, s:s, s:o, s:I, s:I}", "name", o->name, "run", o->run,
                                 "state", state, "why", json_from_text(o->why), "tables",
                                 (json_int_t)o->tables.count, "bytes", (json_int_t)o->bytes));
    }
    return json_make("{s:o}", "databases", list);
}

int drop_old_run(const struct request *request, json_t **ret, struct err *err)
{
    CLEANUP(old_list_free) struct old_list l = {.conn = CONN_INIT};
    bool dry_run = json_bool(request->parameters, "dry_run", false);
    if (read_names(request, &l, err) < 0 || conn_open(request, &l.conn, err) < 0) {
        return -1;
    }
    if (judge_all(&l, err) < 0 || (!dry_run && drop_all(&l, err) < 0)) {
        return -1;
    }
    *ret = make_result(&l, dry_run);
    return 0;
}
