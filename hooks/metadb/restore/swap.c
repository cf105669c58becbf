/* The staging tables take the place of the real ones, which go into quarantine. One RENAME moves
 * everything, in all databases: at no moment is there a mix. Views and triggers cannot be renamed
 * into another database: their text is kept in the quarantine, and the backup's are made anew. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/view.h"

#define RENAME "RENAME TABLE "
#define QUARANTINES_MAX 100

struct names {
    struct strv tables, views;
};

static void names_free(struct names *n)
{
    strv_free(&n->tables);
    strv_free(&n->views);
}

static int list_column(struct conn *c, const char *head, const char *database, struct strv *ret,
                       struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, head);
    sql_text(&sql, database, strlen(database));
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        strv_add(ret, rows_text(&rows, 0, ""));
    }
    return 0;
}

static int list_names(struct conn *c, const char *database, struct names *n, struct err *err)
{
    if (list_column(c,
                    "SELECT table_name FROM information_schema.tables WHERE table_type <> 'VIEW' "
                    "AND table_schema = ",
                    database, &n->tables, err) < 0) {
        return -1;
    }
    return list_column(c,
                       "SELECT table_name FROM information_schema.tables WHERE table_type = 'VIEW' "
                       "AND table_schema = ",
                       database, &n->views, err);
}

static int exec_str(struct conn *c, const struct str *sql, struct err *err)
{
    return conn_exec(c, str_get(sql), sql->len, err);
}

/* ---- the target and its quarantine ----------------------------------------------------------- */

static int create_database(struct conn *c, const char *name, const struct restore_db *like,
                           struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    const char *collation = json_text(like->entry, "collation", "");
    str_append(&sql, "CREATE DATABASE IF NOT EXISTS ");
    sql_name(&sql, name);
    str_appendf(&sql, " CHARACTER SET %s", json_text(like->entry, "charset", "utf8mb4"));
    if (*collation) {
        str_appendf(&sql, " COLLATE %s", collation);
    }
    return exec_str(c, &sql, err);
}

/* A quarantine that an earlier restore of the same name has filled is left alone: the next free
 * name is taken. One that holds nothing but definitions is of a run that was killed before it moved
 * a table. */
static int choose_quarantine(struct restore *r, struct restore_db *db, struct err *err)
{
    for (int i = 2; i < QUARANTINES_MAX; i++) {
        struct names there = {.tables = STRV_INIT};
        int rc = list_names(&r->lead, db->quarantine, &there, err);
        bool ours = strv_has(&there.tables, NAMES_DEFINITIONS);
        size_t count = there.tables.count - ours;
        names_free(&there);
        if (rc < 0 || count == 0) {
            return rc;
        }
        if (ours) {
            strv_add(&db->earlier, db->quarantine);
        }
        AUTO_FREE char *run = mem_printf("%s_%d", r->run, i);
        free(db->quarantine);
        db->quarantine = names_of(db->target, NAMES_QUARANTINE, run);
    }
    return err_fail(err, ERR_REFUSED, "there are too many quarantine databases like '%s'",
                    db->quarantine);
}

static int open_quarantine(struct restore *r, struct restore_db *db, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    if (choose_quarantine(r, db, err) < 0) {
        return -1;
    }
    if (create_database(&r->lead, db->quarantine, db, err) < 0) {
        return err_wrap(err, "making the quarantine database '%s'", db->quarantine);
    }
    str_append(&sql, "CREATE TABLE IF NOT EXISTS ");
    sql_table(&sql, db->quarantine, NAMES_DEFINITIONS);
    str_append(&sql, " (name varchar(64), type varchar(20), text longtext, "
                     "PRIMARY KEY (name, type)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    db->quarantined = true;
    return exec_str(&r->lead, &sql, err) < 0
               ? -1
               : restore_note(r, (size_t)(db - r->dbs), NOTE_QUARANTINE, db->quarantine, err);
}

/* ---- the one RENAME -------------------------------------------------------------------------- */

static void append_move(struct str *sql, const char *from, const char *to, const char *name,
                        const char *new_name)
{
    str_append(sql, sql->len ? ", " : RENAME);
    sql_table(sql, from, name);
    str_append(sql, " TO ");
    sql_table(sql, to, new_name);
}

static void append_out(struct str *sql, const struct restore_db *db, const struct names *target)
{
    for (size_t i = 0; i < target->tables.count; i++) {
        append_move(sql, db->target, db->quarantine, target->tables.items[i],
                    target->tables.items[i]);
    }
}

static void append_in(struct str *sql, const struct restore_db *db, const struct names *staging)
{
    for (size_t i = 0; i < staging->tables.count; i++) {
        const char *name = staging->tables.items[i];
        if (strcmp(name, NAMES_MARKER) != 0) {
            append_move(sql, db->staging, db->target, name, name);
        }
    }
    append_move(sql, db->staging, db->staging, NAMES_MARKER, NAMES_SWAPPED);
}

/* Nothing has moved: what had to go before is put back. */
static int rename_fail(struct restore *r, struct err *err)
{
    AUTO_STRV struct strv lost = STRV_INIT;
    AUTO_STR struct str names = STR_INIT;
    for (size_t i = 0; i < r->count; i++) {
        restore_put_code_back(r, &r->dbs[i], &lost);
    }
    for (size_t i = 0; i < lost.count; i++) {
        str_appendf(&names, "%s%s", i ? ", " : " but for ", lost.items[i]);
    }
    err_wrap(err, "putting the restored tables in place");
    return err_hint(
        err,
        "the real databases are as they were%s%s, and everything restored stands, compared, "
        "in '%s' and its like: once the cause is gone, the same call goes on from there",
        str_get(&names),
        lost.count ? ", whose text is kept in '" NAMES_DEFINITIONS "' of the quarantine" : "",
        r->dbs[0].staging);
}

/* The tables that were there are in quarantine, the restored ones not yet in their place. */
static int emptied_fail(struct restore *r, struct err *err)
{
    err_wrap(err, "putting the restored tables in place");
    return err_hint(err,
                    "the real databases are empty for now: what was there is in '%s' and its like, "
                    "and everything restored, compared, in '%s' and its like: once the cause is "
                    "gone, the same call goes on from there",
                    r->dbs[0].quarantine, r->dbs[0].staging);
}

static int run_rename(struct restore *r, const struct str *sql, struct err *err)
{
    if (sql->len == 0) {
        return 0;
    }
    /* Foreign keys follow the tables, in whatever order these move. */
    if (conn_execf(&r->lead, err, "SET SESSION foreign_key_checks=0") < 0) {
        return -1;
    }
    return exec_str(&r->lead, sql, err);
}

/* A view in the way of a table that comes in. Its text is kept by now. */
static int drop_views_in_the_way(struct restore *r, const struct restore_db *db,
                                 const struct names *target, const struct names *staging,
                                 struct err *err)
{
    for (size_t i = 0; i < target->views.count; i++) {
        AUTO_STR struct str sql = STR_INIT;
        const char *name = target->views.items[i];
        if (!strv_has(&staging->tables, name)) {
            continue;
        }
        str_append(&sql, "DROP VIEW ");
        sql_table(&sql, db->target, name);
        if (exec_str(&r->lead, &sql, err) < 0) {
            return err_wrap(err, "putting view '%s.%s' aside", db->target, name);
        }
    }
    return 0;
}

static int prepare_target(struct restore *r, size_t i, struct names *target, struct names *staging,
                          struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    if (create_database(&r->lead, db->target, db, err) < 0) {
        return err_wrap(err, "making the database '%s'", db->target);
    }
    if (list_names(&r->lead, db->target, target, err) < 0 ||
        list_names(&r->lead, db->staging, staging, err) < 0) {
        return -1;
    }
    if (target->tables.count + target->views.count == 0) {
        return 0;
    }
    return open_quarantine(r, db, err) < 0 || restore_note_moved(r, db, &target->tables, err) < 0 ||
                   restore_put_code_aside(r, db, &target->views, err) < 0 ||
                   drop_views_in_the_way(r, db, target, staging, err) < 0
               ? -1
               : 0;
}

/* Broken views can only be made while the tables that they are at odds with are away, so for a
 * moment the real databases are empty; a run that is killed then takes up here. */
static int swap_around_broken(struct restore *r, const struct str *out, const struct str *in,
                              struct err *err)
{
    if (run_rename(r, out, err) < 0) {
        return rename_fail(r, err);
    }
    for (size_t i = 0; i < r->count; i++) {
        struct restore_db *db = &r->dbs[i];
        if (restore_note(r, i, NOTE_EMPTIED, "emptied", err) < 0 ||
            restore_drop_views(r, db, true, err) < 0 ||
            restore_make_broken(r, i, db->target, err) < 0) {
            return emptied_fail(r, err);
        }
    }
    return run_rename(r, in, err) < 0 ? emptied_fail(r, err) : 0;
}

/* After NOTE_EMPTIED only what this restore made is in the target: stand-ins and broken views. */
static int clear_stand_ins(struct restore *r, const struct restore_db *db, struct err *err)
{
    struct names made = {.tables = STRV_INIT};
    int rc = list_column(&r->lead,
                         "SELECT table_name FROM information_schema.tables WHERE table_comment = "
                         "'" VIEW_STAND_IN "' AND table_schema = ",
                         db->target, &made.tables, err);
    rc = rc < 0 || restore_use(&r->lead, db->target, err) < 0 ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < made.tables.count; i++) {
        rc = conn_exec_name(&r->lead, "DROP TABLE ", made.tables.items[i], "", err);
    }
    size_t k;
    json_t *entry;
    json_array_foreach (json_walk(db->entry, "tables"), k, entry) {
        if (rc == 0 && json_bool(entry, "broken", false)) {
            rc = conn_exec_name(&r->lead, "DROP VIEW IF EXISTS ", json_text(entry, "name", ""), "",
                                err);
        }
    }
    names_free(&made);
    return rc;
}

static int swap_one(struct restore *r, size_t i, struct str *out, struct str *in, struct err *err)
{
    struct names target = {.tables = STRV_INIT}, staging = {.tables = STRV_INIT};
    AUTO_FREE char *emptied = NULL;
    int rc = restore_noted(r, i, false, NOTE_EMPTIED, &emptied, err);
    if (rc == 0 && emptied) {
        r->emptied = true;
        rc = clear_stand_ins(r, &r->dbs[i], err);
    }
    rc = rc < 0 ? rc : prepare_target(r, i, &target, &staging, err);
    if (rc == 0) {
        append_out(out, &r->dbs[i], &target);
        append_in(in, &r->dbs[i], &staging);
    }
    names_free(&target);
    names_free(&staging);
    return rc;
}

static int swap_tables(struct restore *r, struct err *err)
{
    AUTO_STR struct str out = STR_INIT, in = STR_INIT;
    for (size_t i = 0; i < r->count; i++) {
        if (swap_one(r, i, &out, &in, err) < 0) {
            return r->emptied ? emptied_fail(r, err) : rename_fail(r, err);
        }
    }
    bool there;
    if (restore_has_broken(r, &there, err) < 0) {
        return r->emptied ? emptied_fail(r, err) : rename_fail(r, err);
    }
    if (!there || r->emptied) {
        return swap_around_broken(r, &out, &in, err);
    }
    if (out.len) {
        str_appendf(&out, ", %s", str_get(&in) + strlen(RENAME));
    }
    return run_rename(r, out.len ? &out : &in, err) < 0 ? rename_fail(r, err) : 0;
}

/* ---- after the tables ------------------------------------------------------------------------ */

static int fix_defaults(struct restore *r, size_t i, struct err *err)
{
    const struct restore_db *db = &r->dbs[i];
    size_t k;
    json_t *entry;
    json_array_foreach (json_walk(db->entry, "tables"), k, entry) {
        AUTO_STR struct str create = STR_INIT, changes = STR_INIT, sql = STR_INIT;
        AUTO_FREE char *text = definition_of(entry, "create");
        view_append_local(&create, text, db->name);
        if (!str_eq(json_text(entry, "type", NULL), "table") ||
            !create_sequence_defaults(str_get(&create), &changes)) {
            continue;
        }
        str_append(&sql, "ALTER TABLE ");
        sql_name(&sql, json_text(entry, "name", ""));
        str_appendf(&sql, " %s", str_get(&changes));
        if (exec_str(&r->lead, &sql, err) < 0) {
            return err_wrap(err, "giving '%s.%s' its sequence back", db->target,
                            json_text(entry, "name", ""));
        }
    }
    return 0;
}

/* Also sets the database's character set; what it repeats is harmless. */
static int finish_tables(struct restore *r, size_t i, struct err *err)
{
    const struct restore_db *db = &r->dbs[i];
    struct err e = ERR_INIT;
    if ((restore_run_frames(r, i, "session", db->target, &e) < 0 || fix_defaults(r, i, &e) < 0) &&
        restore_soften(r, &e, err) < 0) {
        return -1;
    }
    return restore_drop_views(r, db, false, err);
}

/* The tables were compared before the swap; nothing that is found now takes them away again. */
static int compare_target(struct restore *r, struct err *err)
{
    AUTO_FREE struct compare_database *list = mem_alloc(r->count * sizeof(*list));
    uint64_t rows;
    for (size_t i = 0; i < r->count; i++) {
        list[i] = (struct compare_database){.entry = r->dbs[i].entry,
                                            .database = r->dbs[i].target,
                                            .uncompared = r->dbs[i].uncompared,
                                            .no_rows = true,
                                            .names = &r->to_target};
    }
    struct err e = ERR_INIT;
    return compare_run(r->request, 1, list, r->count, r->warnings, &rows, &e) < 0
               ? restore_soften(r, &e, err)
               : 0;
}

static int finish(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        if (finish_tables(r, i, err) < 0) {
            return -1;
        }
    }
    if (restore_make_views(r, false, err) < 0 || restore_make_triggers(r, false, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->count; i++) {
        restore_remake_code(r, &r->dbs[i]);
    }
    return compare_target(r, err);
}

/* What an earlier, killed run has chosen. */
static int recall_quarantines(struct restore *r, bool swapped, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        struct restore_db *db = &r->dbs[i];
        AUTO_FREE char *name = NULL;
        if (restore_noted(r, i, swapped, NOTE_QUARANTINE, &name, err) < 0) {
            return -1;
        }
        if (name) {
            free(db->quarantine);
            db->quarantine = TAKE(name);
            db->quarantined = true;
        }
    }
    return 0;
}

int restore_swap(struct restore *r, struct err *err)
{
    bool swapped;
    if (restore_is_swapped(r, &swapped, err) < 0 || recall_quarantines(r, swapped, err) < 0 ||
        (!swapped && swap_tables(r, err) < 0)) {
        return -1;
    }
    return finish(r, err) < 0 ? err_wrap(err, "after the tables were put in place") : 0;
}
