#include "hooks/metadb/model/view.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "hooks/metadb/wire/sql.h"

/* ---- as the server tells it ------------------------------------------------------------------ */

/* The account comes as user@host, and there may be an @ in the user. */
static void append_ask_parts(struct str *sql, const char *database, const char *name)
{
    AUTO_STR struct str quoted = STR_INIT;
    sql_name(&quoted, name);
    str_append(sql, "SELECT table_name, CONCAT('CREATE ALGORITHM=UNDEFINED DEFINER=`',"
                    " REPLACE(LEFT(definer, CHAR_LENGTH(definer) - 1 -"
                    " CHAR_LENGTH(SUBSTRING_INDEX(definer, '@', -1))), '`', '``'), '`@`',"
                    " SUBSTRING_INDEX(definer, '@', -1), '` SQL SECURITY ', security_type,"
                    " ' VIEW ', ");
    sql_text(sql, str_get(&quoted), quoted.len);
    str_append(sql, ", ' AS ', view_definition, IF(check_option = 'NONE', '',"
                    " CONCAT(' WITH ', check_option, ' CHECK OPTION'))),"
                    " character_set_client, collation_connection"
                    " FROM information_schema.views WHERE view_definition <> ''"
                    " AND table_schema = ");
    sql_text(sql, database, strlen(database));
    str_append(sql, " AND table_name = ");
    sql_text(sql, name, strlen(name));
}

int view_show(struct conn *c, const char *database, const char *name, struct rows *ret,
              struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows parts = ROWS_INIT;
    struct err refusal = ERR_INIT, ignored = ERR_INIT;
    str_append(&sql, "SHOW CREATE VIEW ");
    sql_table(&sql, database, name);
    if (conn_query(c, str_get(&sql), ret, &refusal) == 0) {
        return 0;
    }
    bool broken = conn_errno(c) == VIEW_IS_BROKEN;
    str_reset(&sql);
    append_ask_parts(&sql, database, name);
    if (!broken || conn_query(c, str_get(&sql), &parts, &ignored) < 0 ||
        mysql_num_rows(parts.result) != 1) {
        *err = refusal;
        return -1;
    }
    *ret = parts;
    parts = (struct rows)ROWS_INIT;
    return 0;
}

/* ---- the database's own name ---------------------------------------------------------------- */

/* Does anything else than the database go by this name, as an alias may? */
static bool name_is_only_prefix(const char *create, const char *quoted)
{
    size_t len = strlen(quoted);
    for (const char *p = create; *p;) {
        if (*p != '`' && *p != '\'') {
            p++;
            continue;
        }
        const char *end = sql_skip_quoted(p);
        if ((size_t)(end - p) == len && memcmp(p, quoted, len) == 0 && *end != '.') {
            return false;
        }
        p = end;
    }
    return true;
}

void view_append_local(struct str *sql, const char *create, const char *database)
{
    AUTO_STR struct str quoted = STR_INIT;
    sql_name(&quoted, database);
    if (!name_is_only_prefix(create, str_get(&quoted))) {
        str_append(sql, create);
        return;
    }
    for (const char *p = create; *p;) {
        const char *end = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
        bool own = (size_t)(end - p) == quoted.len && *p == '`' &&
                   memcmp(p, str_get(&quoted), quoted.len) == 0;
        if (own) {
            end++; /* the dot */
        } else {
            str_append_n(sql, p, (size_t)(end - p));
        }
        p = end;
    }
}

/* ---- whole views ---------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    while (*text > 0) {
        text++;
    }
    return *text == '\0';
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A view remembers the character set that it was written in. It is given back unless the text would
 * need it to be read: then our own is used, and the view means the same. */
static void append_charset(struct str *sql, const struct schema_table *v)
{
    bool ours = starts_with(v->charset, "utf8") || is_ascii(v->create);
    str_appendf(sql, "SET SESSION character_set_client=%s;\nSET SESSION collation_connection=%s;\n",
                ours ? v->charset : "utf8mb4", v->collation);
}

static void append_stand_in(struct str *sql, const struct schema_table *v)
{
    str_append(sql, "CREATE VIEW ");
    sql_name(sql, v->name);
    str_append(sql, " AS SELECT ");
    for (size_t i = 0; i < v->all_columns.count; i++) {
        str_append(sql, i ? ",1 AS " : "1 AS ");
        sql_name(sql, v->all_columns.items[i]);
    }
    str_append(sql, ";\n");
}

static void append_view(struct str *sql, const struct schema_table *v)
{
    static const char head[] = "CREATE ";
    AUTO_STR struct str text = STR_INIT;
    view_append_local(&text, v->create, v->schema->name);
    bool usual = starts_with(str_get(&text), head);
    append_charset(sql, v);
    str_appendf(sql, "%s%s;\n", usual ? "CREATE OR REPLACE " : "",
                str_get(&text) + (usual ? sizeof(head) - 1 : 0));
}

void view_append_all(struct str *sql, const struct schema *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].type == SCHEMA_VIEW && !s->tables[i].broken) {
            append_stand_in(sql, &s->tables[i]);
        }
    }
    bool any = sql->len > 0;
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].type == SCHEMA_VIEW && !s->tables[i].broken) {
            append_view(sql, &s->tables[i]);
        }
    }
    if (any) {
        str_append(sql, "SET NAMES utf8mb4;\n");
    }
}

/* ---- broken views --------------------------------------------------------------------------- */

struct mentions {
    struct strv tables, columns;
    bool hopeless; /* calls a stored function, or reaches into another database */
};

/* The word that ends before `p`, over spaces and opening brackets. */
static bool follows_from_or_join(const char *start, const char *p)
{
    while (p > start && (p[-1] == ' ' || p[-1] == '(' || p[-1] == '\n')) {
        p--;
    }
    const char *end = p;
    while (p > start && isalpha((unsigned char)p[-1])) {
        p--;
    }
    size_t len = (size_t)(end - p);
    return (len == 4 && (strncasecmp(p, "from", 4) == 0 || strncasecmp(p, "join", 4) == 0)) ||
           (len == 13 && strncasecmp(p, "straight_join", 13) == 0);
}

static char *unquoted(const char *p, const char *end)
{
    struct str name = STR_INIT;
    for (p++; p < end - 1; p++) {
        str_append_c(&name, *p);
        p += *p == '`';
    }
    str_append(&name, "");
    return str_take(&name);
}

static void add_once(struct strv *list, const char *name)
{
    if (!strv_has(list, name)) {
        strv_add(list, name);
    }
}

/* The text that the server gives is regular: every table after FROM or JOIN, every column as
 * `table`.`column`. */
static void collect(const char *select, struct mentions *m)
{
    bool after_dot = false;
    for (const char *p = select; *p;) {
        if (*p != '`') {
            after_dot = *p == '.';
            p = *p == '\'' ? sql_skip_quoted(p) : p + 1;
            continue;
        }
        const char *end = sql_skip_quoted(p);
        AUTO_FREE char *name = unquoted(p, end);
        if (*end == '(') {
            m->hopeless = true;
        } else if (!after_dot && follows_from_or_join(select, p)) {
            m->hopeless = m->hopeless || *end == '.';
            add_once(&m->tables, name);
        } else if (after_dot) {
            add_once(&m->columns, name);
        }
        after_dot = false;
        p = end;
    }
}

static void append_commented(struct str *sql, const struct schema_table *view)
{
    str_append(sql, "-- This view is broken and cannot be created again:\n-- ");
    for (const char *p = view->create; *p; p++) {
        str_append_c(sql, *p);
        str_append(sql, *p == '\n' ? "-- " : "");
    }
    str_append(sql, "\n");
}

static void append_stand_in_table(struct str *sql, const char *name, const struct strv *columns)
{
    str_append(sql, "CREATE TABLE ");
    sql_name(sql, name);
    str_append(sql, columns->count ? " (" : " (`omslaunch` int");
    for (size_t i = 0; i < columns->count; i++) {
        str_append(sql, i ? "," : "");
        sql_name(sql, columns->items[i]);
        str_append(sql, " int");
    }
    str_append(sql, ") COMMENT='" VIEW_STAND_IN "';\n");
}

void view_append_broken(struct str *sql, const struct schema_table *view)
{
    AUTO_STR struct str text = STR_INIT;
    struct mentions m = {.tables = STRV_INIT, .columns = STRV_INIT};
    view_append_local(&text, view->create, view->schema->name);
    const char *select = strstr(str_get(&text), " AS ");
    if (select) {
        collect(select, &m);
    }
    if (!select || m.hopeless || m.tables.count == 0) {
        append_commented(sql, view);
    } else {
        for (size_t i = 0; i < m.tables.count; i++) {
            append_stand_in_table(sql, m.tables.items[i], &m.columns);
        }
        append_charset(sql, view);
        str_appendf(sql, "%s;\nSET NAMES utf8mb4;\n", str_get(&text));
        for (size_t i = 0; i < m.tables.count; i++) {
            str_append(sql, "DROP TABLE ");
            sql_name(sql, m.tables.items[i]);
            str_append(sql, ";\n");
        }
    }
    strv_free(&m.tables);
    strv_free(&m.columns);
}
