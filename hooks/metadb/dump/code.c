/* Triggers, routines and events: left out of the SQL as in the runbook, unless asked for. Each is
 * written in the session that it remembers, between delimiters that the stock clients know. */
#include <string.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/trigger.h"
#include "hooks/metadb/model/view.h"

#define DELIMITER "//__//"

static bool is_ascii(const char *text)
{
    while (*text > 0) {
        text++;
    }
    return *text == '\0';
}

/* `kind` is the word of SHOW CREATE and DROP. */
struct code {
    const char *kind, *name, *text, *sql_mode, *charset, *collation;
    const char *time_zone; /* an event's; NULL for others */
};

static void append_code(struct str *sql, const struct schema *s, const struct code *c)
{
    bool theirs = str_starts_with(c->charset, "utf8") || is_ascii(c->text);
    str_append(sql, "SET SESSION sql_mode=");
    sql_text(sql, c->sql_mode, strlen(c->sql_mode));
    str_appendf(sql,
                ";\nSET SESSION character_set_client=%s;\nSET SESSION collation_connection=%s;\n",
                theirs ? c->charset : "utf8mb4", theirs ? c->collation : "utf8mb4_general_ci");
    if (c->time_zone) {
        str_append(sql, "SET SESSION time_zone=");
        sql_text(sql, c->time_zone, strlen(c->time_zone));
        str_append(sql, ";\n");
    }
    str_appendf(sql, "DROP %s IF EXISTS ", c->kind);
    sql_name(sql, c->name);
    str_append(sql, ";\nDELIMITER " DELIMITER "\n");
    view_append_local(sql, c->text, s->name);
    str_append(sql, "\n" DELIMITER "\nDELIMITER ;\n");
}

static void append_triggers(struct str *sql, const struct schema *s)
{
    size_t i;
    json_t *trigger;
    json_array_foreach (s->triggers, i, trigger) {
        AUTO_STR struct str text = STR_INIT;
        trigger_append(&text, trigger);
        append_code(
            sql, s,
            &(struct code){.kind = "TRIGGER",
                           .name = json_text(trigger, "name", ""),
                           .text = str_get(&text),
                           .sql_mode = json_text(trigger, "sql_mode", ""),
                           .charset = json_text(trigger, "charset", "utf8mb4"),
                           .collation = json_text(trigger, "collation", "utf8mb4_general_ci")});
    }
}

static int append_one(struct str *sql, struct conn *c, const struct schema *s, const char *kind,
                      const char *name, struct err *err)
{
    AUTO_STR struct str show = STR_INIT, column = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_appendf(&show, "SHOW CREATE %s ", kind);
    sql_table(&show, s->name, name);
    str_appendf(&column, "Create %s", kind);
    if (conn_query(c, str_get(&show), &rows, err) < 0) {
        return err_wrap(err, "reading %s '%s' of '%s'", kind, name, s->name);
    }
    const char *text =
        rows_next(&rows) ? rows_text(&rows, rows_find(&rows, str_get(&column)), NULL) : NULL;
    if (!text) {
        err_fail(err, ERR_PERMISSION, "the text of %s '%s' of '%s' is not shown to user '%s'", kind,
                 name, s->name, c->request->user);
        return err_hint(err, "use the user who made it, or leave routines and events out");
    }
    append_code(
        sql, s,
        &(struct code){
            .kind = kind,
            .name = name,
            .text = text,
            .sql_mode = rows_text(&rows, rows_find(&rows, "sql_mode"), ""),
            .charset = rows_text(&rows, rows_find(&rows, "character_set_client"), "utf8mb4"),
            .collation =
                rows_text(&rows, rows_find(&rows, "collation_connection"), "utf8mb4_general_ci"),
            .time_zone = rows_text(&rows, rows_find(&rows, "time_zone"), NULL)});
    return 0;
}

/* Everything that `list`, which ends in the database's name, lists in the column "Name". */
static int append_kind(struct str *sql, struct conn *c, const struct schema *s, const char *kind,
                       const char *list, struct err *err)
{
    AUTO_STR struct str ask = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&ask, list);
    sql_text(&ask, s->name, strlen(s->name));
    if (conn_query(c, str_get(&ask), &rows, err) < 0) {
        return err_wrap(err, "listing what there is of %s in '%s'", kind, s->name);
    }
    unsigned name = rows_find(&rows, "Name");
    while (rows_next(&rows)) {
        if (append_one(sql, c, s, kind, rows_text(&rows, name, ""), err) < 0) {
            return -1;
        }
    }
    return 0;
}

int dump_write_code(struct dump *d, size_t database, struct frame_writer *w, struct err *err)
{
    const struct schema *s = d->schemas[database];
    AUTO_STR struct str sql = STR_INIT;
    struct frame_about about = {.kind = "code"};
    if ((d->options.routines &&
         (append_kind(&sql, &d->lead, s, "FUNCTION", "SHOW FUNCTION STATUS WHERE Db = ", err) < 0 ||
          append_kind(&sql, &d->lead, s, "PROCEDURE", "SHOW PROCEDURE STATUS WHERE Db = ", err) <
              0)) ||
        (d->options.events &&
         append_kind(&sql, &d->lead, s, "EVENT",
                     "SELECT event_name AS Name FROM information_schema.events "
                     "WHERE event_schema = ",
                     err) < 0)) {
        return -1;
    }
    if (d->options.triggers) {
        append_triggers(&sql, s);
    }
    if (sql.len == 0) {
        return 0;
    }
    frame_begin(w, d->files[database]);
    if (frame_append(w, str_get(&sql), sql.len, err) < 0) {
        return -1;
    }
    return frame_end(w, &about, err);
}
