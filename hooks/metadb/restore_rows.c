#include "hooks/metadb/restore_rows.h"

#include <string.h>

#include "hooks/metadb/sql.h"

/* Neither stands for itself in a literal of a backup: both are always escaped there. */
#define FIELD_END '\r'
#define LINE_END '\n'
/* Longer statements are of long values, which gain nothing and would be in memory twice. */
#define CONVERT_MAX (1024UL * 1024)

bool restore_rows_init(struct restore_rows *rows, const struct schema_table *table)
{
    *rows = (struct restore_rows){.insert = STR_INIT, .load = STR_INIT, .table = table};
    if (table->type != SCHEMA_TABLE || table->history || !table->transactional) {
        return false;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].type.as_number || table->columns[i].type.kind == LITERAL_BIT) {
            return false;
        }
    }
    str_append(&rows->insert, "INSERT INTO ");
    sql_name(&rows->insert, table->name);
    str_append(&rows->insert, " (");
    schema_append_columns(&rows->insert, table);
    str_append(&rows->insert, ") VALUES\n");
    /* "binary": bytes go into a column of any character set as they are. */
    str_append(&rows->load, "LOAD DATA LOCAL INFILE 'rows' INTO TABLE ");
    sql_name(&rows->load, table->name);
    str_append(&rows->load, " CHARACTER SET binary FIELDS TERMINATED BY '\\r' ESCAPED BY '\\\\' "
                            "LINES TERMINATED BY '\\n' (");
    schema_append_columns(&rows->load, table);
    str_append_c(&rows->load, ')');
    return true;
}

void restore_rows_free(struct restore_rows *rows)
{
    str_free(&rows->insert);
    str_free(&rows->load);
}

/* From the opening quote to behind the closing one; the escapes mean the same to LOAD DATA. NULL
 * when there is no closing one. */
static const char *copy_quoted(const char *p, const char *end, struct str *out)
{
    const char *start = ++p;
    for (; p < end && *p != '\''; p++) {
        if (*p == '\\') {
            p++;
        }
    }
    if (p >= end) {
        return NULL;
    }
    str_append_n(out, start, (size_t)(p - start));
    return p + 1;
}

static const char *copy_value(const char *p, const char *end, bool quoted, struct str *out)
{
    static const char binary[] = "_binary'", null[] = "NULL";
    if (end - p > 8 && memcmp(p, binary, 8) == 0) {
        return quoted ? copy_quoted(p + 7, end, out) : NULL;
    }
    if (*p == '\'') {
        return quoted ? copy_quoted(p, end, out) : NULL;
    }
    if (end - p > 4 && memcmp(p, null, 4) == 0) {
        str_append_n(out, "\\N", 2);
        return p + 4;
    }
    /* A bare number in a text column is an ENUM's index: not the text of that number. */
    const char *start = p;
    while (p < end && *p != ',' && *p != ')' && *p != '@' && *p != '(') {
        p++;
    }
    if (quoted || p == end || p == start || *p == '@' || *p == '(') {
        return NULL;
    }
    str_append_n(out, start, (size_t)(p - start));
    return p;
}

static const char *copy_row(const struct schema_table *t, const char *p, const char *end,
                            struct str *out)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (p >= end || *p != (i ? ',' : '(')) {
            return NULL;
        }
        if (i) {
            str_append_c(out, FIELD_END);
        }
        p = copy_value(p + 1, end, literal_is_quoted(&t->columns[i].type), out);
        if (!p) {
            return NULL;
        }
    }
    str_append_c(out, LINE_END);
    return p < end && *p == ')' ? p + 1 : NULL;
}

bool restore_rows_convert(const struct restore_rows *rows, const char *sql, size_t len,
                          struct str *out, uint64_t *ret_rows)
{
    const char *p = sql + rows->insert.len, *end = sql + len;
    uint64_t count = 0;
    if (len > CONVERT_MAX || len <= rows->insert.len ||
        memcmp(sql, rows->insert.data, rows->insert.len) != 0) {
        return false;
    }
    str_reset(out);
    str_reserve(out, len);
    while ((p = copy_row(rows->table, p, end, out)) != NULL) {
        count++;
        if (p == end) {
            *ret_rows = count;
            return true;
        }
        if (end - p < 2 || memcmp(p, ",\n", 2) != 0) {
            return false;
        }
        p += 2;
    }
    return false;
}

int restore_rows_load(struct conn *c, const struct restore_rows *rows, const struct str *lines,
                      uint64_t count, struct err *err)
{
    if (conn_load(c, &rows->load, lines, err) < 0) {
        return -1;
    }
    /* LOCAL turns errors into warnings, and lets rows out. */
    if (conn_affected(c) != count || mysql_warning_count(c->mysql) > 0) {
        return err_fail(err, ERR_FAILED, "LOAD DATA took other rows than it was given");
    }
    return 0;
}
