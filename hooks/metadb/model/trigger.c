#include "hooks/metadb/model/trigger.h"

#include <string.h>

#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/wire/sql.h"

/* Of SHOW TRIGGERS and of SHOW CREATE TRIGGER. */
enum show_column { SHOW_NAME, SHOW_EVENT, SHOW_TABLE, SHOW_STATEMENT, SHOW_TIMING };
enum { CREATE_TEXT = 2 };

static void put_column(json_t *entry, const char *key, const struct rows *rows, unsigned column)
{
    json_put(entry, key, definition_to_json(rows_text(rows, column, "")));
}

static int read_create(struct conn *c, const char *database, json_t *entry, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    const char *name = json_text(entry, "name", "");
    str_append(&sql, "SHOW CREATE TRIGGER ");
    sql_table(&sql, database, name);
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return err_wrap(err, "reading how trigger '%s' in '%s' is made", name, database);
    }
    if (rows_next(&rows)) {
        put_column(entry, "create", &rows, CREATE_TEXT);
    }
    return 0;
}

int trigger_read(struct conn *c, const char *database, json_t **ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    AUTO_JSON json_t *list = json_array();
    struct err e = ERR_INIT;
    str_append(&sql, "SHOW TRIGGERS FROM ");
    sql_name(&sql, database);
    if (conn_query(c, str_get(&sql), &rows, &e) < 0) {
        if (e.kind == ERR_UNREACHABLE) {
            *err = e;
            return -1;
        }
        *ret = TAKE(list);
        return 0;
    }
    while (rows_next(&rows)) {
        json_t *entry = json_object();
        json_add(list, entry);
        put_column(entry, "name", &rows, SHOW_NAME);
        put_column(entry, "table", &rows, SHOW_TABLE);
        put_column(entry, "timing", &rows, SHOW_TIMING);
        put_column(entry, "event", &rows, SHOW_EVENT);
        put_column(entry, "definer", &rows, rows_find(&rows, "Definer"));
        put_column(entry, "sql_mode", &rows, rows_find(&rows, "sql_mode"));
        put_column(entry, "charset", &rows, rows_find(&rows, "character_set_client"));
        put_column(entry, "collation", &rows, rows_find(&rows, "collation_connection"));
        put_column(entry, "statement", &rows, SHOW_STATEMENT);
        if (read_create(c, database, entry, err) < 0) {
            return -1;
        }
    }
    *ret = TAKE(list);
    return 0;
}

/* `user`@`host` from user@host, or `role`: a user's name may hold an @, a host's may not. */
static void append_definer(struct str *sql, const char *definer)
{
    const char *at = strrchr(definer, '@');
    if (!*definer) {
        return;
    }
    AUTO_FREE char *user = mem_strndup(definer, at ? (size_t)(at - definer) : strlen(definer));
    str_append(sql, "DEFINER=");
    sql_name(sql, user);
    if (at && at[1]) {
        str_append_c(sql, '@');
        sql_name(sql, at + 1);
    }
    str_append_c(sql, ' ');
}

void trigger_append(struct str *sql, const json_t *trigger)
{
    str_append(sql, "CREATE ");
    append_definer(sql, json_text(trigger, "definer", ""));
    str_append(sql, "TRIGGER ");
    sql_name(sql, json_text(trigger, "name", ""));
    str_appendf(sql, " %s %s ON ", json_text(trigger, "timing", ""),
                json_text(trigger, "event", ""));
    sql_name(sql, json_text(trigger, "table", ""));
    str_append(sql, " FOR EACH ROW ");
    AUTO_FREE char *statement = definition_of(trigger, "statement");
    str_append(sql, statement);
}

static int exec_str(struct conn *c, const struct str *sql, struct err *err)
{
    return conn_exec(c, str_get(sql), sql->len, err);
}

static bool is_ascii(const char *text)
{
    while (*text > 0) {
        text++;
    }
    return *text == '\0';
}

/* A trigger remembers the session that it was written in. Its text is UTF-8 here, whatever it was:
 * a character set that would read it otherwise is not given back. */
void trigger_append_session(struct str *sql, const json_t *trigger, const char *text)
{
    const char *charset = json_text(trigger, "charset", "utf8mb4");
    const char *mode = json_text(trigger, "sql_mode", "");
    bool theirs = *charset && (str_starts_with(charset, "utf8") || is_ascii(text));
    str_append(sql, "SET SESSION sql_mode = ");
    sql_text(sql, mode, strlen(mode));
    str_append(sql, ", character_set_client = ");
    sql_name(sql, theirs ? charset : "utf8mb4");
    str_append(sql, ", collation_connection = ");
    sql_name(sql,
             theirs ? json_text(trigger, "collation", "utf8mb4_general_ci") : "utf8mb4_general_ci");
}

static int set_session(struct conn *c, const json_t *trigger, const char *text, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    trigger_append_session(&sql, trigger, text);
    return exec_str(c, &sql, err);
}

static int reset_session(struct conn *c, struct err *err)
{
    static const char names[] = "SET NAMES utf8mb4", mode[] = "SET SESSION sql_mode=''";
    return conn_exec(c, names, sizeof(names) - 1, err) < 0
               ? -1
               : conn_exec(c, mode, sizeof(mode) - 1, err);
}

static int use(struct conn *c, const char *database, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "USE ");
    sql_name(&sql, database);
    return exec_str(c, &sql, err);
}

static int create_one(struct conn *c, const json_t *trigger, bool as_given, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FREE char *given = definition_of(trigger, "create");
    if (as_given && *given) {
        str_append(&sql, given);
    } else {
        trigger_append(&sql, trigger);
    }
    return set_session(c, trigger, str_get(&sql), err) < 0 ? -1 : exec_str(c, &sql, err);
}

int trigger_make(struct conn *c, const char *database, const json_t *trigger, bool as_given,
                 struct err *err)
{
    AUTO_STR struct str drop = STR_INIT;
    struct err ignored = ERR_INIT;
    str_append(&drop, "DROP TRIGGER IF EXISTS ");
    sql_table(&drop, database, json_text(trigger, "name", ""));
    if (use(c, database, err) < 0 || exec_str(c, &drop, err) < 0) {
        return -1;
    }
    int rc = create_one(c, trigger, as_given, err);
    int reset = reset_session(c, rc < 0 ? &ignored : err);
    return rc < 0 ? rc : reset;
}
