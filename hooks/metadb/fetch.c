#include "hooks/metadb/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hooks/metadb/digits.h"
#include "hooks/metadb/double_text.h"

/* Values of statements are copied, and the copy is kept: longer ones come as text, which is read
 * where the library received it. */
#define COPIED_MAX (1024UL * 1024)
#define BYTES_FIRST 1024UL /* room for the first value of a column; more as it is needed */
#define DECIMALS_MAX 6     /* of a second */

enum cell_kind { CELL_BYTES, CELL_INTEGER, CELL_DOUBLE, CELL_DATE, CELL_DATETIME, CELL_TIME };

/* my_bool in one of the two client libraries, bool in the other. */
typedef __typeof__(*((MYSQL_BIND *)0)->is_null) null_flag;

struct fetch_column {
    enum cell_kind kind;
    bool is_unsigned;
    unsigned width; /* of ZEROFILL numbers; decimals of times */
    null_flag is_null;
    union {
        uint64_t integer;
        double number;
        MYSQL_TIME time;
    } value;
    char text[DOUBLE_TEXT_MAX]; /* of all kinds but bytes; a double takes most */
    char *bytes;
};

/* ---- text ------------------------------------------------------------------------------------ */

static char *put_integer(char *out, const struct fetch_column *column)
{
    uint64_t value = column->value.integer;
    if (!column->is_unsigned && value >> 63) {
        *out++ = '-';
        value = -value;
    }
    char *end = digits_put(out, value);
    size_t count = (size_t)(end - out);
    if (count >= column->width) {
        return end;
    }
    memmove(out + column->width - count, out, count);
    memset(out, '0', column->width - count);
    return out + column->width;
}

/* The parts of a date come from the server: no number of its own is trusted to have two digits. */
static inline char *put_two(char *out, unsigned long value)
{
    return digits_put_two(out, (unsigned)(value % 100));
}

static char *put_date(char *out, const MYSQL_TIME *t)
{
    out = put_two(out, t->year / 100);
    out = put_two(out, t->year);
    *out++ = '-';
    out = put_two(out, t->month);
    *out++ = '-';
    return put_two(out, t->day);
}

static char *put_hour(char *out, unsigned hours)
{
    return hours < 100 ? digits_put_two(out, hours) : digits_put(out, hours);
}

static char *put_seconds(char *out, const MYSQL_TIME *t, unsigned decimals)
{
    *out++ = ':';
    out = put_two(out, t->minute);
    *out++ = ':';
    out = put_two(out, t->second);
    if (decimals > 0) {
        *out++ = '.';
        (void)put_two(out, t->second_part / 10000);
        (void)put_two(out + 2, t->second_part / 100);
        (void)put_two(out + 4, t->second_part);
        out += decimals;
    }
    return out;
}

static char *put_cell(struct fetch_column *column)
{
    const MYSQL_TIME *t = &column->value.time;
    char *out = column->text;
    switch (column->kind) {
    case CELL_INTEGER:
        return put_integer(out, column);
    case CELL_DOUBLE:
        return double_text(out, column->value.number);
    case CELL_DATE:
        return put_date(out, t);
    case CELL_DATETIME:
        out = put_date(out, t);
        *out++ = ' ';
        return put_seconds(put_hour(out, t->hour), t, column->width);
    case CELL_TIME:
        if (t->neg) {
            *out++ = '-';
        }
        return put_seconds(put_hour(out, t->day * 24 + t->hour), t, column->width);
    case CELL_BYTES:
    default:
        return out;
    }
}

/* ---- a prepared statement -------------------------------------------------------------------- */

static void describe(struct fetch_column *column, const MYSQL_FIELD *field)
{
    bool zerofill = field->flags & ZEROFILL_FLAG;
    unsigned digits = field->length < 21 ? (unsigned)field->length : 21;
    unsigned decimals = field->decimals < DECIMALS_MAX ? field->decimals : DECIMALS_MAX;
    column->is_unsigned = field->flags & UNSIGNED_FLAG;
    switch ((int)field->type) { /* the two libraries know different ones */
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        column->kind = CELL_INTEGER;
        column->width = zerofill ? digits : 1;
        break;
    case MYSQL_TYPE_DOUBLE:
        column->kind = CELL_DOUBLE;
        break;
    case MYSQL_TYPE_DATE:
        column->kind = CELL_DATE;
        break;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        column->kind = CELL_DATETIME;
        column->width = decimals;
        break;
    case MYSQL_TYPE_TIME:
        column->kind = CELL_TIME;
        column->width = decimals;
        break;
    default:
        column->kind = CELL_BYTES;
    }
}

static void bind_column(struct fetch *f, unsigned i, const MYSQL_FIELD *field)
{
    struct fetch_column *column = &f->of[i];
    MYSQL_BIND *b = &f->binds[i];
    describe(column, field);
    *b = (MYSQL_BIND){.buffer_type = field->type,
                      .buffer = &column->value,
                      .buffer_length = sizeof(column->value),
                      .length = &f->own_lens[i],
                      .is_null = &column->is_null,
                      .is_unsigned = column->is_unsigned};
    if (column->kind == CELL_INTEGER) {
        b->buffer_type = MYSQL_TYPE_LONGLONG;
    } else if (column->kind == CELL_BYTES) {
        size_t room = field->length < BYTES_FIRST ? field->length + 1 : BYTES_FIRST;
        column->bytes = mem_grow(NULL, room, 1);
        b->buffer_type = MYSQL_TYPE_BLOB;
        b->buffer = column->bytes;
        b->buffer_length = room;
    }
}

static bool is_short(const MYSQL_FIELD *fields, unsigned columns)
{
    for (unsigned i = 0; i < columns; i++) {
        if (fields[i].length > COPIED_MAX) {
            return false;
        }
    }
    return true;
}

static void close_statement(struct fetch *f)
{
    for (unsigned i = 0; f->of && i < f->columns; i++) {
        free(f->of[i].bytes);
    }
    free(TAKE(f->of));
    free(TAKE(f->binds));
    free(TAKE(f->own_cells));
    free(TAKE(f->own_lens));
    if (f->statement) {
        mysql_stmt_close(TAKE(f->statement));
    }
}

static bool bind_columns(struct fetch *f)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(f->result);
    f->columns = mysql_num_fields(f->result);
    if (!is_short(fields, f->columns)) {
        return false;
    }
    f->of = mem_alloc(f->columns * sizeof(*f->of));
    f->binds = mem_alloc(f->columns * sizeof(*f->binds));
    f->own_cells = mem_alloc(f->columns * sizeof(*f->own_cells));
    f->own_lens = mem_alloc(f->columns * sizeof(*f->own_lens));
    f->cells = f->own_cells;
    f->lens = f->own_lens;
    for (unsigned i = 0; i < f->columns; i++) {
        bind_column(f, i, &fields[i]);
    }
    return mysql_stmt_bind_result(f->statement, f->binds) == 0;
}

/* Whether the rows come this way. If not, an error that matters comes again with the text. */
static bool open_statement(struct fetch *f, const char *sql, size_t len)
{
    f->statement = mysql_stmt_init(f->conn->mysql);
    if (!f->statement) {
        abort(); /* out of memory */
    }
    if (mysql_stmt_prepare(f->statement, sql, (unsigned long)len) == 0 &&
        (f->result = mysql_stmt_result_metadata(f->statement)) && bind_columns(f) &&
        mysql_stmt_execute(f->statement) == 0) {
        return true;
    }
    if (f->result) {
        mysql_free_result(TAKE(f->result));
    }
    close_statement(f);
    return false;
}

static int fail_statement(const struct fetch *f, struct err *err)
{
    if (conn_errno(f->conn)) {
        return conn_fail(f->conn, err);
    }
    return err_fail(err, ERR_FAILED, "the rows cannot be read: %s (error %u)",
                    mysql_stmt_error(f->statement), mysql_stmt_errno(f->statement));
}

/* A value that is longer than any before it in its column. */
static int read_again(struct fetch *f, unsigned i, struct err *err)
{
    MYSQL_BIND *b = &f->binds[i];
    struct fetch_column *column = &f->of[i];
    size_t room = 2 * f->own_lens[i];
    column->bytes = mem_grow(column->bytes, room, 1);
    b->buffer = column->bytes;
    b->buffer_length = room;
    if (mysql_stmt_fetch_column(f->statement, b, i, 0) != 0 ||
        mysql_stmt_bind_result(f->statement, f->binds) != 0) {
        return fail_statement(f, err);
    }
    return 0;
}

static int next_of_statement(struct fetch *f, struct err *err)
{
    int rc = mysql_stmt_fetch(f->statement);
    if (rc == MYSQL_NO_DATA) {
        f->ended = true;
        return 0;
    }
    if (rc != 0 && rc != MYSQL_DATA_TRUNCATED) {
        return fail_statement(f, err);
    }
    for (unsigned i = 0; i < f->columns; i++) {
        struct fetch_column *column = &f->of[i];
        if (column->is_null) {
            f->own_cells[i] = NULL;
            f->own_lens[i] = 0;
        } else if (column->kind != CELL_BYTES) {
            f->own_cells[i] = column->text;
            f->own_lens[i] = (unsigned long)(put_cell(column) - column->text);
        } else {
            if (f->own_lens[i] > f->binds[i].buffer_length && read_again(f, i, err) < 0) {
                return -1;
            }
            f->own_cells[i] = column->bytes;
        }
    }
    return 1;
}

/* ---- either ---------------------------------------------------------------------------------- */

int fetch_open(struct fetch *f, struct conn *c, const char *sql, size_t len, struct err *err)
{
    *f = (struct fetch){.conn = c};
    /* That the values are the same either way was tried on MariaDB and MySQL only. */
    if (c->flavor != FLAVOR_OCEANBASE && open_statement(f, sql, len)) {
        return 0;
    }
    f->ended = true;
    if (mysql_real_query(c->mysql, sql, (unsigned long)len) != 0) {
        return conn_fail(c, err);
    }
    f->result = mysql_use_result(c->mysql);
    if (!f->result) {
        return conn_fail(c, err);
    }
    f->ended = false;
    f->columns = mysql_num_fields(f->result);
    return 0;
}

int fetch_next(struct fetch *f, struct err *err)
{
    if (f->statement) {
        return next_of_statement(f, err);
    }
    f->cells = mysql_fetch_row(f->result);
    if (!f->cells) {
        f->ended = true;
        return conn_errno(f->conn) ? conn_fail(f->conn, err) : 0;
    }
    f->lens = mysql_fetch_lengths(f->result);
    return 1;
}

/* Both libraries read all that is left before they free anything. Resets the connection: the server
 * is out of the statement at once, even where it waits for room to send, and so are the locks of
 * its transaction. */
static void break_off(const struct fetch *f)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    (void)connect(f->conn->mysql->net.fd, &nobody, sizeof(nobody));
}

void fetch_close(struct fetch *f)
{
    if (!f->ended && f->result) {
        break_off(f);
    }
    if (f->result) {
        mysql_free_result(TAKE(f->result));
    }
    close_statement(f);
}
