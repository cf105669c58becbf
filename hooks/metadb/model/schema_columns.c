/* Columns and keys: what an INSERT may name, and where a table may be cut. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hooks/metadb/model/schema.h"
#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/view.h"

/* MySQL 8 says DEFAULT_GENERATED of an ordinary column with an expression as its default. */
static bool is_generated(const char *extra)
{
    return strcasestr(extra, "VIRTUAL") || strcasestr(extra, "STORED") ||
           strcasestr(extra, "PERSISTENT");
}

static void add_column(struct schema_table *t, const char *name, const char *type,
                       const char *collation)
{
    t->columns = mem_grow(t->columns, t->column_count + 1, sizeof(*t->columns));
    t->columns[t->column_count++] = (struct schema_column){
        .name = mem_strdup(name),
        .collation = collation ? mem_strdup(collation) : NULL,
        .type = literal_type_of(type, collation),
    };
}

/* Reads "`na``me`" at `p` into `ret`; returns what follows, or NULL if there is no name. */
static const char *read_name(const char *p, struct str *ret)
{
    str_reset(ret);
    if (*p != '`') {
        return NULL;
    }
    for (p++; *p; p++) {
        if (*p == '`' && *++p != '`') {
            return p;
        }
        str_append_c(ret, *p);
    }
    return NULL;
}

/* The two columns of PERIOD FOR SYSTEM_TIME, which are hidden and so called unless said otherwise.
 */
static void period_names(const char *create, struct str *start, struct str *end)
{
    static const char mark[] = "\n  PERIOD FOR SYSTEM_TIME (";
    const char *p = strstr(create, mark);
    if (p) {
        p = read_name(p + sizeof(mark) - 1, start);
        p = p ? strchr(p, '`') : NULL;
        p = p ? read_name(p, end) : NULL;
    }
    if (!p) {
        str_reset(start);
        str_reset(end);
        str_append(start, "row_start");
        str_append(end, "row_end");
    }
}

static void add_period(struct schema_table *t)
{
    AUTO_STR struct str start = STR_INIT, end = STR_INIT;
    period_names(t->create, &start, &end);
    add_column(t, str_get(&start), "timestamp(6)", NULL);
    add_column(t, str_get(&end), "timestamp(6)", NULL);
}

static int ask_columns(struct conn *c, struct schema_table *t, struct rows *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SHOW FULL COLUMNS FROM ");
    sql_table(&sql, t->schema->name, t->name);
    if (conn_query(c, str_get(&sql), ret, &e) == 0) {
        return 0;
    }
    if (t->type == SCHEMA_VIEW && conn_errno(c) == VIEW_IS_BROKEN) {
        t->broken = true;
        return 1;
    }
    *err = e;
    return err_wrap(err, "reading the columns of '%s' in '%s'", t->name, t->schema->name);
}

/* A server's limit is 64 characters; what is longer would not fit where names are written. */
static int check_name(const struct schema_table *t, const char *name, struct err *err)
{
    if (strlen(t->name) > SCHEMA_NAME_MAX || strlen(name) > SCHEMA_NAME_MAX) {
        err_fail(err, ERR_FAILED, "a name in '%.64s' is longer than %d bytes", t->schema->name,
                 SCHEMA_NAME_MAX);
        return err_hint(err, "no server gives such names: see that what answers there is the "
                             "MetaDB");
    }
    return 0;
}

int schema_read_columns(struct conn *c, struct schema_table *t, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    int rc = ask_columns(c, t, &rows, err);
    if (rc != 0) {
        return rc < 0 ? -1 : 0;
    }
    unsigned type = rows_find(&rows, "Type"), collation = rows_find(&rows, "Collation");
    unsigned extra = rows_find(&rows, "Extra");
    while (rows_next(&rows)) {
        const char *name = rows_text(&rows, 0, "");
        /* A view's may be longer, and are not written here. */
        if (t->type != SCHEMA_VIEW && check_name(t, name, err) < 0) {
            return -1;
        }
        strv_add(&t->all_columns, name);
        if (t->type != SCHEMA_VIEW && !is_generated(rows_text(&rows, extra, ""))) {
            add_column(t, name, rows_text(&rows, type, ""), rows_text(&rows, collation, NULL));
        }
    }
    if (t->history) {
        add_period(t);
    }
    if (t->type == SCHEMA_TABLE && t->column_count == 0 && t->all_columns.count > 0) {
        /* What the columns hold is made by the server; how many rows there are is not. */
        add_column(t, t->all_columns.items[0], "int", NULL);
        t->all_generated = true;
    }
    return 0;
}

static size_t find_column(const struct schema_table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (strcmp(t->columns[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* From the text of CREATE TABLE, where the key's columns stand in the key's order. A column by its
 * first characters only, one in descending order or one that cannot be compared ends the part that
 * is fit for ranges. */
void schema_find_key(struct schema_table *t)
{
    static const char mark[] = "\n  PRIMARY KEY (";
    const char *p = t->type == SCHEMA_TABLE ? strstr(t->create, mark) : NULL;
    if (!p || t->all_generated) {
        return;
    }
    AUTO_STR struct str name = STR_INIT;
    for (p += sizeof(mark) - 1; (p = read_name(p, &name)) != NULL; p++) {
        size_t column = find_column(t, str_get(&name));
        if (column == SIZE_MAX || !t->columns[column].type.key_range || (*p != ',' && *p != ')')) {
            return;
        }
        t->key = mem_grow(t->key, t->key_count + 1, sizeof(*t->key));
        t->key[t->key_count++] = column;
        if (*p == ')') {
            t->key_whole = true;
            return;
        }
    }
}
