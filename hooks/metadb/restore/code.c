/* Views and triggers of what a restore puts into quarantine. RENAME takes neither into another
 * database: views stay behind, and a table with triggers is refused. Their text goes into a table
 * of the quarantine before they are dropped. */
#include <string.h>

#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/trigger.h"
#include "hooks/metadb/model/view.h"

enum { SHOW_VIEW_TEXT = 1, SHOW_VIEW_CHARSET, SHOW_VIEW_COLLATION };

static int keep(struct restore *r, const struct restore_db *db, const char *type,
                const json_t *definition, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FREE char *text = json_compact(definition);
    const char *name = json_text(definition, "name", "");
    str_append(&sql, "REPLACE INTO ");
    sql_table(&sql, db->quarantine, NAMES_DEFINITIONS);
    str_append(&sql, " VALUES (");
    sql_text(&sql, name, strlen(name));
    str_appendf(&sql, ", '%s', ", type);
    sql_text(&sql, text, strlen(text));
    str_append_c(&sql, ')');
    return conn_exec(&r->lead, str_get(&sql), sql.len, err);
}

static int drop(struct restore *r, const struct restore_db *db, const char *type,
                const json_t *definition, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    const char *name = json_text(definition, "name", "");
    str_appendf(&sql, "DROP %s ", type);
    sql_table(&sql, db->target, name);
    if (keep(r, db, type, definition, err) < 0 ||
        conn_exec(&r->lead, str_get(&sql), sql.len, err) < 0) {
        return err_wrap(err, "putting %s '%s.%s' aside", type, db->target, name);
    }
    return 0;
}

static int read_view(struct restore *r, const struct restore_db *db, const char *name, json_t **ret,
                     struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (view_show(&r->lead, db->target, name, &rows, err) < 0) {
        return err_wrap(err, "reading view '%s.%s'", db->target, name);
    }
    bool any = rows_next(&rows);
    *ret = json_object();
    json_put(*ret, "name", json_from_text(name));
    json_put(*ret, "charset",
             json_from_text(any ? rows_text(&rows, SHOW_VIEW_CHARSET, "utf8mb4") : "utf8mb4"));
    json_put(*ret, "collation",
             json_from_text(any ? rows_text(&rows, SHOW_VIEW_COLLATION, "utf8mb4_general_ci")
                                : "utf8mb4_general_ci"));
    json_put(*ret, "create", definition_to_json(any ? rows_text(&rows, SHOW_VIEW_TEXT, "") : ""));
    return 0;
}

int restore_note_moved(struct restore *r, const struct restore_db *db, const struct strv *tables,
                       struct err *err)
{
    AUTO_STR struct str clear = STR_INIT, sql = STR_INIT;
    str_append(&clear, "DELETE FROM ");
    sql_table(&clear, db->quarantine, NAMES_DEFINITIONS);
    str_append(&clear, " WHERE type IN ('RUN', 'TABLE')");
    str_append(&sql, "INSERT INTO ");
    sql_table(&sql, db->quarantine, NAMES_DEFINITIONS);
    str_append(&sql, " (name, type) VALUES (");
    sql_text(&sql, r->run, strlen(r->run));
    str_append(&sql, ", 'RUN')");
    for (size_t i = 0; i < tables->count; i++) {
        str_append(&sql, ", (");
        sql_text(&sql, tables->items[i], strlen(tables->items[i]));
        str_append(&sql, ", 'TABLE')");
    }
    return conn_exec(&r->lead, str_get(&clear), clear.len, err) < 0
               ? -1
               : conn_exec(&r->lead, str_get(&sql), sql.len, err);
}

#define COPY "omslaunch_try"

/* The server takes a trigger on a copy of its table if it takes it on the table. */
static int try_trigger(struct restore *r, const struct restore_db *db, const json_t *trigger,
                       struct err *err)
{
    AUTO_STR struct str drop = STR_INIT, make = STR_INIT;
    AUTO_JSON json_t *on_copy = json_copy((json_t *)(uintptr_t)trigger);
    struct err e = ERR_INIT;
    json_put_text(on_copy, "table", COPY);
    str_append(&drop, "DROP TABLE IF EXISTS ");
    sql_table(&drop, db->quarantine, COPY);
    str_append(&make, "CREATE TABLE ");
    sql_table(&make, db->quarantine, COPY);
    str_append(&make, " LIKE ");
    sql_table(&make, db->target, json_text(trigger, "table", ""));
    if (conn_exec(&r->lead, str_get(&drop), drop.len, err) < 0) {
        return -1;
    }
    if (conn_exec(&r->lead, str_get(&make), make.len, &e) == 0 &&
        trigger_make(&r->lead, db->quarantine, on_copy, false, &e) < 0) {
        err_wrap(&e,
                 "should the swap fail, the trigger '%s.%s', which has to go before it, cannot be "
                 "put back; its text is kept in '%s." NAMES_DEFINITIONS "'",
                 db->target, json_text(trigger, "name", ""), db->quarantine);
    }
    if (*e.text && restore_soften(r, &e, err) < 0) {
        return -1;
    }
    return conn_exec(&r->lead, str_get(&drop), drop.len, err);
}

static int put_triggers_aside(struct restore *r, const struct restore_db *db, struct err *err)
{
    AUTO_JSON json_t *triggers = NULL;
    size_t i;
    json_t *trigger;
    if (trigger_read(&r->lead, db->target, &triggers, err) < 0) {
        return -1;
    }
    json_array_foreach (triggers, i, trigger) {
        if (try_trigger(r, db, trigger, err) < 0) {
            return -1;
        }
    }
    json_array_foreach (triggers, i, trigger) {
        if (drop(r, db, "TRIGGER", trigger, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int restore_put_code_aside(struct restore *r, const struct restore_db *db, const struct strv *views,
                           struct err *err)
{
    /* While all of them are there: the text of a view on one that is gone cannot be had. */
    for (size_t i = 0; i < views->count; i++) {
        AUTO_JSON json_t *view = NULL;
        struct err e = ERR_INIT;
        if (read_view(r, db, views->items[i], &view, &e) < 0 || keep(r, db, "VIEW", view, &e) < 0) {
            if (restore_soften(r, &e, err) < 0) {
                return -1;
            }
        }
    }
    return put_triggers_aside(r, db, err);
}

static bool is_broken(const struct restore_db *db, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_walk(db->entry, "tables"), i, entry) {
        if (json_bool(entry, "broken", false) && str_eq(json_text(entry, "name", NULL), name)) {
            return true;
        }
    }
    return false;
}

int restore_drop_views(struct restore *r, const struct restore_db *db, bool broken, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows views = ROWS_INIT;
    str_append(&sql, "SELECT table_name FROM information_schema.tables WHERE table_type = 'VIEW' "
                     "AND table_schema = ");
    sql_text(&sql, db->target, strlen(db->target));
    if (conn_query(&r->lead, str_get(&sql), &views, err) < 0) {
        return -1;
    }
    while (rows_next(&views)) {
        const char *name = rows_text(&views, 0, "");
        struct err e = ERR_INIT;
        if (!broken && is_broken(db, name)) {
            continue;
        }
        str_reset(&sql);
        str_append(&sql, "DROP VIEW IF EXISTS ");
        sql_table(&sql, db->target, name);
        if (conn_exec(&r->lead, str_get(&sql), sql.len, &e) < 0 && restore_soften(r, &e, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- made again ------------------------------------------------------------------------------ */

static int read_kept(struct restore *r, const struct restore_db *db, const char *type, json_t *list)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err ignored = ERR_INIT;
    str_append(&sql, "SELECT text FROM ");
    sql_table(&sql, db->quarantine, NAMES_DEFINITIONS);
    str_appendf(&sql, " WHERE type = '%s' ORDER BY name", type);
    if (conn_query(&r->lead, str_get(&sql), &rows, &ignored) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        json_t *definition = NULL;
        if (json_parse(rows.row[0], rows.len[0], "a kept definition", &definition, &ignored) == 0) {
            json_add(list, definition);
        }
    }
    return 0;
}

enum { SERVER_TABLE_EXISTS = 1050 };

/* Is it there afterwards? */
static bool make_view(struct restore *r, const struct restore_db *db, const json_t *view,
                      bool there)
{
    AUTO_STR struct str sql = STR_INIT, own = STR_INIT;
    sql_name(&own, db->target);
    str_append_c(&own, '.');
    struct err ignored = ERR_INIT;
    AUTO_FREE char *create = definition_of(view, "create");
    view_append_local(&sql, create, db->target);
    if (!there && strstr(str_get(&sql), str_get(&own))) {
        return false; /* its text cannot be told from one for the real database */
    }
    bool made = conn_execf(&r->lead, &ignored, "SET SESSION character_set_client=%s",
                           json_text(view, "charset", "utf8mb4")) == 0 &&
                conn_execf(&r->lead, &ignored, "SET SESSION collation_connection=%s",
                           json_text(view, "collation", "utf8mb4_general_ci")) == 0 &&
                (conn_exec(&r->lead, str_get(&sql), sql.len, &ignored) == 0 ||
                 conn_errno(&r->lead) == SERVER_TABLE_EXISTS);
    (void)!conn_execf(&r->lead, &ignored, "SET NAMES utf8mb4");
    return made;
}

static void add_lost(struct strv *lost, const struct restore_db *db, const char *kind,
                     const json_t *definition)
{
    if (lost != NULL) {
        strv_addf(lost, "%s '%s.%s'", kind, db->target, json_text(definition, "name", ""));
    }
}

/* A view may stand on one that is made later: as often as there are views, what failed is tried
 * again. */
static void make_views(struct restore *r, const struct restore_db *db, const json_t *views,
                       bool there, struct strv *lost)
{
    size_t count = json_array_size(views), i;
    AUTO_FREE bool *made = mem_alloc(count + 1);
    json_t *view;
    for (bool further = true; further;) {
        further = false;
        json_array_foreach (views, i, view) {
            if (!made[i]) {
                made[i] = make_view(r, db, view, there);
                further = further || made[i];
            }
        }
    }
    json_array_foreach (views, i, view) {
        if (!made[i]) {
            add_lost(lost, db, "view", view);
        }
    }
}

static void make_all(struct restore *r, const struct restore_db *db, const char *where,
                     struct strv *lost)
{
    AUTO_JSON json_t *views = json_array(), *triggers = json_array();
    struct err ignored = ERR_INIT;
    if (!db->quarantined || read_kept(r, db, "VIEW", views) < 0 ||
        read_kept(r, db, "TRIGGER", triggers) < 0 || restore_use(&r->lead, where, &ignored) < 0) {
        return;
    }
    bool there = strcmp(where, db->target) == 0;
    size_t i;
    json_t *trigger;
    make_views(r, db, views, there, lost);
    json_array_foreach (triggers, i, trigger) {
        if (trigger_make(&r->lead, where, trigger, there, &ignored) < 0) {
            add_lost(lost, db, "trigger", trigger);
        }
    }
}

void restore_put_code_back(struct restore *r, const struct restore_db *db, struct strv *lost)
{
    make_all(r, db, db->target, lost);
}

void restore_remake_code(struct restore *r, const struct restore_db *db)
{
    make_all(r, db, db->quarantine, NULL);
}
