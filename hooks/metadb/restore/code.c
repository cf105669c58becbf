/* Views and triggers of what a restore puts into quarantine. RENAME takes neither into another
 * database: views stay behind, and a table with triggers is refused. Their text goes into a table
 * of the quarantine before they are dropped. */
#include <string.h>

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
    sql_table(&sql, db->quarantine, RESTORE_DEFINITIONS);
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
    json_put(*ret, "create", json_from_text(any ? rows_text(&rows, SHOW_VIEW_TEXT, "") : ""));
    return 0;
}

int restore_note_moved(struct restore *r, const struct restore_db *db, const struct strv *tables,
                       struct err *err)
{
    AUTO_STR struct str clear = STR_INIT, sql = STR_INIT;
    str_append(&clear, "DELETE FROM ");
    sql_table(&clear, db->quarantine, RESTORE_DEFINITIONS);
    str_append(&clear, " WHERE type IN ('RUN', 'TABLE')");
    str_append(&sql, "INSERT INTO ");
    sql_table(&sql, db->quarantine, RESTORE_DEFINITIONS);
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

int restore_put_code_aside(struct restore *r, const struct restore_db *db, const struct strv *views,
                           struct err *err)
{
    AUTO_JSON json_t *triggers = NULL;
    size_t i;
    json_t *trigger;
    if (trigger_read(&r->lead, db->target, &triggers, err) < 0) {
        return -1;
    }
    json_array_foreach (triggers, i, trigger) {
        if (drop(r, db, "TRIGGER", trigger, err) < 0) {
            return -1;
        }
    }
    /* With every view still there: the text of one on a view that is gone cannot be had. */
    AUTO_JSON json_t *list = json_array();
    for (i = 0; i < views->count; i++) {
        json_t *view = NULL;
        if (read_view(r, db, views->items[i], &view, err) < 0) {
            return -1;
        }
        json_add(list, view);
        if (keep(r, db, "VIEW", view, err) < 0) {
            return -1;
        }
    }
    json_t *view;
    json_array_foreach (list, i, view) {
        if (drop(r, db, "VIEW", view, err) < 0) {
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
    sql_table(&sql, db->quarantine, RESTORE_DEFINITIONS);
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

static void make_view(struct restore *r, const struct restore_db *db, const json_t *view,
                      bool there)
{
    AUTO_STR struct str sql = STR_INIT, own = STR_INIT;
    sql_name(&own, db->target);
    str_append_c(&own, '.');
    struct err ignored = ERR_INIT;
    view_append_local(&sql, json_text(view, "create", ""), db->target);
    if (!there && strstr(str_get(&sql), str_get(&own))) {
        return; /* its text cannot be told from one for the real database */
    }
    if (conn_execf(&r->lead, &ignored, "SET SESSION character_set_client=%s",
                   json_text(view, "charset", "utf8mb4")) == 0 &&
        conn_execf(&r->lead, &ignored, "SET SESSION collation_connection=%s",
                   json_text(view, "collation", "utf8mb4_general_ci")) == 0) {
        (void)!conn_exec(&r->lead, str_get(&sql), sql.len, &ignored);
    }
    (void)!conn_execf(&r->lead, &ignored, "SET NAMES utf8mb4");
}

/* A view may stand on one that is made later: as often as there are views, what failed is tried
 * again. */
static void make_all(struct restore *r, const struct restore_db *db, const char *where)
{
    AUTO_JSON json_t *views = json_array(), *triggers = json_array();
    struct err ignored = ERR_INIT;
    if (!db->quarantined || read_kept(r, db, "VIEW", views) < 0 ||
        read_kept(r, db, "TRIGGER", triggers) < 0 || restore_use(&r->lead, where, &ignored) < 0) {
        return;
    }
    bool there = strcmp(where, db->target) == 0;
    size_t count = json_array_size(views), rounds = count < 8 ? count : 8, i;
    json_t *definition;
    for (size_t round = 0; round < rounds; round++) {
        json_array_foreach (views, i, definition) {
            make_view(r, db, definition, there);
        }
    }
    json_array_foreach (triggers, i, definition) {
        AUTO_JSON json_t *one = json_array();
        json_add(one, json_incref(definition));
        (void)!trigger_create(&r->lead, where, one, there, &ignored);
    }
}

void restore_put_code_back(struct restore *r, const struct restore_db *db)
{
    make_all(r, db, db->target);
}

void restore_remake_code(struct restore *r, const struct restore_db *db)
{
    make_all(r, db, db->quarantine);
}
