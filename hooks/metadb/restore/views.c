/* Views, made when the tables are in place. One may stand on others, of any database and made
 * later: so first a stand-in with the same columns for each of them, in all databases, and then
 * each in turn, as often as that gets any further. What cannot be made is told, and ends nothing:
 * the rows are worth more. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/view.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

struct view {
    size_t database;
    char *name;     /* NULL for a statement that makes none */
    char *create;   /* mapped to where it is made */
    char *settings; /* the SET statements before it, each ended by a NUL; empty at the end */
    bool made;
    struct err err; /* why it is not */
};

struct views {
    struct restore *r;
    bool in_staging;
    struct view *items;
    size_t count;
    struct strv stand_ins;
    size_t *stand_in_database; /* of each of these */
    struct str settings;       /* read since the last view */
    size_t database;           /* that is being read */
};

static void views_free(struct views *v)
{
    for (size_t i = 0; i < v->count; i++) {
        free(v->items[i].name);
        free(v->items[i].create);
        free(v->items[i].settings);
    }
    free(v->items);
    free(v->stand_in_database);
    strv_free(&v->stand_ins);
    str_free(&v->settings);
}

/* ---- what is to be made ---------------------------------------------------------------------- */

/* The first name after "VIEW ", outside of quotes: the definer comes before it. */
static char *name_of(const char *create)
{
    for (const char *p = create; *p;) {
        if (strncmp(p, "VIEW `", 6) == 0) {
            const char *end = sql_skip_quoted(p + 5);
            struct str name = STR_INIT;
            for (p += 6; p < end - 1; p++) {
                str_append_c(&name, *p);
                p += *p == '`';
            }
            str_append(&name, "");
            return str_take(&name);
        }
        p = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
    }
    return NULL;
}

static int read_statement(void *arg, const char *sql, size_t len, struct err *err)
{
    struct views *v = arg;
    AUTO_FREE char *text = mem_strndup(sql, len);
    (void)err;
    if (str_starts_with(text, "SET ")) {
        str_append_n(&v->settings, text, len + 1);
        return 0;
    }
    AUTO_STR struct str mapped = STR_INIT;
    create_map_databases(&mapped, text, v->in_staging ? &v->r->to_staging : &v->r->to_target);
    if (str_starts_with(text, "CREATE VIEW ")) {
        v->stand_in_database =
            mem_grow(v->stand_in_database, v->stand_ins.count + 1, sizeof(*v->stand_in_database));
        v->stand_in_database[v->stand_ins.count] = v->database;
        strv_add(&v->stand_ins, str_get(&mapped));
        return 0;
    }
    str_append_n(&v->settings, "", 1);
    v->items = mem_grow(v->items, v->count + 1, sizeof(*v->items));
    v->items[v->count++] = (struct view){.database = v->database,
                                         .name = name_of(text),
                                         .create = str_take(&mapped),
                                         .settings = str_take(&v->settings)};
    return 0;
}

static const char *place_of(const struct views *v, size_t database)
{
    const struct restore_db *db = &v->r->dbs[database];
    return v->in_staging ? db->staging : db->target;
}

/* ---- making them ----------------------------------------------------------------------------- */

static int make_stand_ins(struct views *v, struct err *err)
{
    for (size_t i = 0; i < v->stand_ins.count; i++) {
        const char *sql = v->stand_ins.items[i];
        struct err e = ERR_INIT;
        size_t database = v->stand_in_database[i];
        if (((i == 0 || database != v->stand_in_database[i - 1]) &&
             restore_use(&v->r->lead, place_of(v, database), &e) < 0) ||
            conn_exec(&v->r->lead, sql, strlen(sql), &e) < 0) {
            if (restore_is_over(&e)) {
                *err = e;
                return -1;
            }
        }
    }
    return 0;
}

static int set_session(struct conn *c, const struct view *view, struct err *err)
{
    for (const char *p = view->settings; *p; p += strlen(p) + 1) {
        if (conn_exec(c, p, strlen(p), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int make_one(struct views *v, struct view *view, struct err *err)
{
    struct conn *c = &v->r->lead;
    view->err = (struct err)ERR_INIT;
    int rc = restore_use(c, place_of(v, view->database), &view->err);
    rc = rc < 0 ? rc : set_session(c, view, &view->err);
    rc = rc < 0 ? rc : conn_exec(c, view->create, strlen(view->create), &view->err);
    view->made = rc == 0;
    if (rc < 0 && restore_is_over(&view->err)) {
        *err = view->err;
        return -1;
    }
    return 0;
}

/* Goes once over what is not made yet; more may be possible after it if *ret. */
static int make_some(struct views *v, bool *ret, struct err *err)
{
    *ret = false;
    for (size_t i = 0; i < v->count; i++) {
        struct view *view = &v->items[i];
        if (view->made) {
            continue;
        }
        if (make_one(v, view, err) < 0) {
            return -1;
        }
        *ret = *ret || view->made;
    }
    return 0;
}

static int make_all(struct views *v, struct err *err)
{
    for (bool further = true; further;) {
        if (make_some(v, &further, err) != 0) {
            return -1;
        }
    }
    return conn_execf(&v->r->lead, err, "SET NAMES utf8mb4");
}

/* In a scratch database a function is missing, and an alias may look like a database: is it made
 * when all that it names is meant as it stands, the real databases? */
static int make_on_real(struct views *v, struct view *view, struct err *err)
{
    const struct restore_db *db = &v->r->dbs[view->database];
    AUTO_STR struct str quoted = STR_INIT, sql = STR_INIT;
    AUTO_FREE char *create = restore_text_of(db, view->name);
    struct err e = ERR_INIT;
    str_append(&quoted, " VIEW ");
    sql_name(&quoted, view->name);
    const char *at = strstr(create, str_get(&quoted));
    if (!str_starts_with(create, "CREATE ") || at == NULL) {
        return 0;
    }
    str_append(&sql, "CREATE OR REPLACE ");
    str_append_n(&sql, create + 7, (size_t)(at - create) - 7);
    str_append(&sql, " VIEW ");
    sql_table(&sql, db->staging, view->name);
    str_append(&sql, at + quoted.len);
    if (restore_use(&v->r->lead, db->name, &e) == 0 && set_session(&v->r->lead, view, &e) == 0 &&
        conn_exec(&v->r->lead, str_get(&sql), sql.len, &e) == 0) {
        view->made = true;
        restore_skip_compare(v->r, view->database, view->name);
    } else if (restore_is_over(&e)) {
        *err = e;
        return -1;
    }
    return conn_execf(&v->r->lead, err, "SET NAMES utf8mb4");
}

static int give_up(struct views *v, struct view *view, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    if (view->name == NULL) {
        return 0;
    }
    str_append(&sql, "DROP VIEW IF EXISTS ");
    sql_table(&sql, place_of(v, view->database), view->name);
    struct err e = ERR_INIT;
    if (conn_exec(&v->r->lead, str_get(&sql), sql.len, &e) < 0 && restore_is_over(&e)) {
        *err = e;
        return -1;
    }
    restore_keep_text(v->r, view->database, "view", view->name, view->settings, view->create,
                      &view->err);
    return 0;
}

/* Who makes them by hand has the same need of stand-ins. */
static void keep_stand_in(struct views *v, const struct view *view)
{
    AUTO_STR struct str head = STR_INIT, sql = STR_INIT;
    str_append(&head, "CREATE VIEW ");
    sql_name(&head, view->name);
    str_append_c(&head, ' ');
    for (size_t i = 0; i < v->stand_ins.count; i++) {
        const char *text = v->stand_ins.items[i];
        if (v->stand_in_database[i] == view->database && str_starts_with(text, str_get(&head))) {
            str_appendf(&sql, "CREATE OR REPLACE %s", text + strlen("CREATE "));
            (void)restore_keep_sql(v->r, view->database, "a stand-in, for others", NULL,
                                   str_get(&sql));
        }
    }
}

static int finish(struct views *v, struct err *err)
{
    for (size_t i = 0; i < v->count; i++) {
        struct view *view = &v->items[i];
        if (!view->made && v->in_staging && view->name != NULL && make_on_real(v, view, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < v->count && !v->in_staging; i++) {
        if (!v->items[i].made && v->items[i].name != NULL) {
            keep_stand_in(v, &v->items[i]);
        }
    }
    for (size_t i = 0; i < v->count; i++) {
        struct view *view = &v->items[i];
        if (!view->made && give_up(v, view, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int restore_make_views(struct restore *r, bool in_staging, struct err *err)
{
    CLEANUP(views_free) struct views v = {.r = r, .in_staging = in_staging};
    for (v.database = 0; v.database < r->count; v.database++) {
        if (restore_read_frames(r, v.database, "views", read_statement, &v, err) < 0) {
            return -1;
        }
    }
    return make_stand_ins(&v, err) < 0 || make_all(&v, err) < 0 ? -1 : finish(&v, err);
}
