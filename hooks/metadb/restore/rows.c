#include "hooks/metadb/restore/rows.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/wire/sql.h"

/* What a value takes in a packet beside its bytes, at most. */
#define VALUE_OVERHEAD 12
/* Of one statement; the protocol counts them in 16 bits. */
#define PARAMETERS_MAX 65535

bool restore_rows_init(struct restore_rows *rows, const struct schema_table *table)
{
    *rows = (struct restore_rows){.insert = STR_INIT, .table = table};
    if (table->type != SCHEMA_TABLE || !table->transactional || table->column_count == 0 ||
        table->all_generated) {
        return false;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const struct literal_type *type = &table->columns[i].type;
        if (type->as_number || type->only_literal || type->kind == LITERAL_BIT) {
            return false;
        }
    }
    str_append(&rows->insert, "INSERT INTO ");
    sql_name(&rows->insert, table->name);
    str_append(&rows->insert, " (");
    schema_append_columns(&rows->insert, table);
    str_append(&rows->insert, ") VALUES\n");
    return true;
}

void restore_rows_free(struct restore_rows *rows)
{
    str_free(&rows->insert);
}

/* ---- reading --------------------------------------------------------------------------------- */

static char meaning_of(char letter)
{
    switch (letter) {
    case '0':
        return '\0';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 'Z':
        return '\x1a';
    default:
        return letter;
    }
}

static void take(struct rows_value *ret, struct str *out, const char *start, const char *end)
{
    *ret = (struct rows_value){.at = out->len, .len = (size_t)(end - start)};
    str_append_n(out, start, ret->len);
}

/* From behind the opening quote to behind the closing one; NULL when there is none. */
static const char *read_quoted(const char *p, const char *end, struct str *out,
                               struct rows_value *ret)
{
    size_t at = out->len;
    for (const char *start = p; (p = sql_find(p, end, '\'')) < end; start = p += 2) {
        str_append_n(out, start, (size_t)(p - start));
        if (*p == '\'') {
            *ret = (struct rows_value){.at = at, .len = out->len - at};
            return p + 1;
        }
        if (end - p < 2) {
            return NULL;
        }
        str_append_c(out, meaning_of(p[1]));
    }
    return NULL;
}

static const char *read_value(const char *p, const char *end, bool quoted, struct str *out,
                              struct rows_value *ret)
{
    static const char binary[] = "_binary'", null[] = "NULL";
    if (end - p > 8 && memcmp(p, binary, 8) == 0) {
        return quoted ? read_quoted(p + 8, end, out, ret) : NULL;
    }
    if (p < end && *p == '\'') {
        return quoted ? read_quoted(p + 1, end, out, ret) : NULL;
    }
    if (end - p > 4 && memcmp(p, null, 4) == 0) {
        *ret = (struct rows_value){.at = SIZE_MAX};
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
    take(ret, out, start, p);
    return p;
}

static const char *read_row(struct rows_sender *s, const char *p, const char *end)
{
    const struct schema_table *t = s->rows->table;
    if (s->count + t->column_count > s->room) {
        s->room = 2 * (s->count + t->column_count);
        s->values = mem_grow(s->values, s->room, sizeof(*s->values));
    }
    for (size_t i = 0; i < t->column_count; i++) {
        if (p >= end || *p != (i ? ',' : '(')) {
            return NULL;
        }
        p = read_value(p + 1, end, literal_is_quoted(&t->columns[i].type), &s->bytes,
                       &s->values[s->count + i]);
        if (!p) {
            return NULL;
        }
    }
    s->count += t->column_count;
    return p < end && *p == ')' ? p + 1 : NULL;
}

bool rows_sender_add(struct rows_sender *s, const char *sql, size_t len)
{
    const struct str *head = &s->rows->insert;
    const char *p = sql + head->len, *end = sql + len;
    size_t count = s->count, bytes = s->bytes.len;
    if (len > ROWS_STATEMENT_MAX || len <= head->len || memcmp(sql, head->data, head->len) != 0) {
        return false;
    }
    str_reserve(&s->bytes, len);
    while ((p = read_row(s, p, end)) != NULL && p != end) {
        if (end - p < 2 || memcmp(p, ",\n", 2) != 0) {
            p = NULL;
            break;
        }
        p += 2;
    }
    if (!p) {
        s->count = count;
        s->bytes.len = bytes;
    }
    return p != NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The statement for 1 << `power` rows, made when it is first wanted. */
static int prepare(struct rows_sender *s, unsigned power, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    if (s->statements[power]) {
        return 0;
    }
    str_append_n(&sql, s->rows->insert.data, s->rows->insert.len);
    for (size_t row = 0; row < (size_t)1 << power; row++) {
        str_append(&sql, row ? ",(" : "(");
        for (size_t i = 0; i < s->rows->table->column_count; i++) {
            str_append(&sql, i ? ",?" : "?");
        }
        str_append_c(&sql, ')');
    }
    MYSQL_STMT *statement = mysql_stmt_init(s->conn->mysql);
    if (!statement) {
        abort(); /* out of memory */
    }
    if (mysql_stmt_prepare(statement, str_get(&sql), sql.len) != 0) {
        int rc = conn_fail(s->conn, err);
        mysql_stmt_close(statement);
        return rc;
    }
    s->statements[power] = statement;
    return 0;
}

/* Every value goes as bytes, which a column of any type and character set reads as it reads the
 * literal. */
static int send_batch(struct rows_sender *s, size_t from, unsigned power, struct err *err)
{
    size_t columns = s->rows->table->column_count, count = columns << power;
    if (prepare(s, power, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        const struct rows_value *v = &s->values[from * columns + i];
        bool null = v->at == SIZE_MAX;
        s->binds[i] = (MYSQL_BIND){.buffer_type = null ? MYSQL_TYPE_NULL : MYSQL_TYPE_BLOB,
                                   .buffer = null ? NULL : s->bytes.data + v->at,
                                   .buffer_length = v->len};
    }
    MYSQL_STMT *statement = s->statements[power];
    if (mysql_stmt_bind_param(statement, s->binds) != 0 || mysql_stmt_execute(statement) != 0) {
        return conn_fail(s->conn, err);
    }
    if (mysql_stmt_affected_rows(statement) != (uint64_t)1 << power ||
        mysql_warning_count(s->conn->mysql) > 0) {
        return err_fail(err, ERR_FAILED, "a prepared statement took other rows than it was given");
    }
    return 0;
}

static size_t rows_most(size_t columns)
{
    size_t most = (size_t)1 << (ROWS_BATCHES - 1);
    return most * columns <= PARAMETERS_MAX ? most : PARAMETERS_MAX / columns;
}

/* How many rows from row `from` on one statement may take; *ret_full when more would not fit. */
static size_t batch_rows(const struct rows_sender *s, size_t from, size_t rows, bool *ret_full)
{
    size_t columns = s->rows->table->column_count, bytes = 0, n = 0, most = rows_most(columns);
    while (from + n < rows && n < most && bytes < ROWS_BATCH_BYTES) {
        for (size_t i = 0; i < columns; i++) {
            bytes += s->values[(from + n) * columns + i].len + VALUE_OVERHEAD;
        }
        n++;
    }
    *ret_full = n == most || bytes >= ROWS_BATCH_BYTES;
    return n;
}

/* What was not sent moves to the front. */
static void drop_rows(struct rows_sender *s, size_t rows)
{
    size_t sent = rows * s->rows->table->column_count, from = 0;
    for (size_t i = 0; i < sent; i++) {
        from += s->values[i].len;
    }
    memmove(s->values, s->values + sent, (s->count - sent) * sizeof(*s->values));
    s->count -= sent;
    for (size_t i = 0; i < s->count; i++) {
        s->values[i].at -= s->values[i].at == SIZE_MAX ? 0 : from;
    }
    s->bytes.len -= from;
    memmove(s->bytes.data, s->bytes.data + from, s->bytes.len);
}

int rows_sender_send(struct rows_sender *s, bool all, struct err *err)
{
    size_t columns = s->rows->table->column_count, rows = s->count / columns, at = 0;
    bool full;
    if (!s->binds) {
        s->binds = mem_alloc(rows_most(columns) * columns * sizeof(*s->binds));
    }
    while (at < rows) {
        size_t n = batch_rows(s, at, rows, &full);
        unsigned power = 0;
        if (!full && !all) {
            break;
        }
        while ((size_t)2 << power <= n) {
            power++;
        }
        if (send_batch(s, at, power, err) < 0) {
            return -1;
        }
        at += (size_t)1 << power;
    }
    if (at > 0) {
        drop_rows(s, at);
    }
    return 0;
}

static void close_statements(struct rows_sender *s)
{
    for (size_t i = 0; i < ROWS_BATCHES; i++) {
        if (s->statements[i]) {
            mysql_stmt_close(s->statements[i]);
            s->statements[i] = NULL;
        }
    }
    free(s->binds);
    s->binds = NULL;
}

void rows_sender_begin(struct rows_sender *s, struct conn *c, const struct restore_rows *rows)
{
    if (s->rows != rows) {
        close_statements(s);
    }
    s->conn = c;
    s->rows = rows;
    s->count = 0;
    str_reset(&s->bytes);
}

void rows_sender_free(struct rows_sender *s)
{
    close_statements(s);
    str_free(&s->bytes);
    free(s->values);
    *s = (struct rows_sender){.rows = NULL};
}
