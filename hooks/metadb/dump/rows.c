/* Rows into INSERT statements, statements into frames. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/fetch.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/model/rowhash.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/stop.h"

/* Long enough to be fast, short enough for the caches of both sides. */
#define STATEMENT_BYTES (256UL * 1024)
/* The stock clients refuse statements of more than 16 MiB unless told otherwise. */
#define CLIENT_PACKET_MAX (16UL * 1024 * 1024)
#define PACKET_MARGIN 1024UL
#define SLICE_BYTES (256UL * 1024) /* of a long value, encoded at a time */
#define VARIABLE "@omslaunch_"

struct row_writer {
    struct dump *d;
    struct dump_table *table;
    const struct dump_piece *piece;
    struct frame_writer *frame;
    size_t head_len, packet_max, statement_max;
    size_t statement; /* bytes of the open statement; 0 when none is */
    uint64_t rows, hash;
    unsigned columns;
};

static const struct schema_column *column_at(const struct row_writer *w, unsigned i)
{
    return &w->table->table->columns[i];
}

static int end_statement(struct row_writer *w, struct err *err)
{
    if (w->statement == 0) {
        return 0;
    }
    w->statement = 0;
    return frame_append(w->frame, ";\n", 2, err);
}

static int end_frame(struct row_writer *w, struct err *err)
{
    if (!w->frame->file) {
        return 0;
    }
    struct frame_about about = {.kind = "data",
                                .table = w->table->table->name,
                                .range = w->piece->where,
                                .piece = w->piece->number,
                                .rows = w->rows,
                                .hash = w->hash};
    uint64_t raw = frame_raw_size(w->frame);
    if (end_statement(w, err) < 0 || frame_end(w->frame, &about, err) < 0) {
        return -1;
    }
    __atomic_add_fetch(&w->table->rows, w->rows, __ATOMIC_RELAXED);
    __atomic_add_fetch(&w->table->hash, w->hash, __ATOMIC_RELAXED);
    __atomic_add_fetch(&w->d->rows_done, w->rows, __ATOMIC_RELAXED);
    w->rows = w->hash = 0;
    uint64_t done = __atomic_add_fetch(&w->d->raw_done, raw, __ATOMIC_RELAXED);
    uint64_t total = w->d->raw_estimate;
    report_progress("backing up (the total is an estimate)", done, done < total ? total : 0, true);
    return 0;
}

/* Opens a statement, or continues it. Room for the head and 2 bytes more is there. */
static char *begin_row(struct row_writer *w, char *p)
{
    if (w->statement == 0) {
        memcpy(p, w->table->insert, w->head_len);
        p += w->head_len;
    } else {
        memcpy(p, ",\n", 2);
        p += 2;
    }
    return p;
}

static char *put_bytes(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

/* With a comma behind each. */
static char *put_values(const struct row_writer *w, char *p, MYSQL_ROW row,
                        const unsigned long *lens)
{
    for (unsigned i = 0; i < w->columns; i++) {
        p = row[i] ? literal_write(p, &column_at(w, i)->type, row[i], lens[i])
                   : put_bytes(p, "NULL");
        *p++ = ',';
    }
    return p;
}

static int put_small_row(struct row_writer *w, MYSQL_ROW row, const unsigned long *lens,
                         size_t bound, struct err *err)
{
    if (w->statement > 0 && w->statement + bound > w->statement_max && end_statement(w, err) < 0) {
        return -1;
    }
    char *start = frame_room(w->frame, bound + w->head_len + 2, err);
    if (!start) {
        return -1;
    }
    char *p = begin_row(w, start);
    *p++ = '(';
    p = w->table->table->all_generated ? put_bytes(p, "DEFAULT,") : put_values(w, p, row, lens);
    p[-1] = ')';
    w->statement += (size_t)(p - start);
    frame_wrote(w->frame, p);
    return 0;
}

/* ---- rows with long values ----------------------------------------------------------------- */

/* The encoded length of the body of a value, without encoding it. */
static size_t body_length(const char *value, size_t len)
{
    size_t n = len;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        n += c == 0 || c == '\n' || c == '\r' || c == 0x1a || c == '\'' || c == '\\';
    }
    return n;
}

static int put_body(struct row_writer *w, const char *value, size_t len, struct err *err)
{
    while (len > 0) {
        size_t n = len < SLICE_BYTES ? len : SLICE_BYTES;
        char *room = frame_room(w->frame, 2 * n, err);
        if (!room) {
            return -1;
        }
        frame_wrote(w->frame, literal_body(room, value, n));
        value += n;
        len -= n;
    }
    return 0;
}

static int put_text(struct row_writer *w, const char *text, struct err *err)
{
    return frame_append(w->frame, text, strlen(text), err);
}

/* A quoted literal of any length. "_binary" wherever the bytes could be read as something else. */
static int put_long_literal(struct row_writer *w, const struct literal_type *type,
                            const char *value, size_t len, struct err *err)
{
    if ((type->kind != LITERAL_TEXT && put_text(w, "_binary", err) < 0) ||
        put_text(w, "'", err) < 0 || put_body(w, value, len, err) < 0) {
        return -1;
    }
    return put_text(w, "'", err);
}

/* Which values of a row travel in variables, and how long the rest is. */
struct big_row {
    MYSQL_ROW row;
    const unsigned long *lens;
    size_t body_max; /* values with a longer body are set apart */
};

static bool is_apart(const struct row_writer *w, const struct big_row *b, unsigned i)
{
    return b->row[i] && literal_is_quoted(&column_at(w, i)->type) && b->body_max < SIZE_MAX &&
           b->lens[i] > b->body_max / 2 && body_length(b->row[i], b->lens[i]) > b->body_max;
}

/* SET @v = '…'; SET @v = CONCAT(@v, '…'); …: no statement is longer than a packet. */
static int put_variable(struct row_writer *w, unsigned column, const char *value, size_t len,
                        struct err *err)
{
    size_t piece = w->packet_max / 4;
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        AUTO_FREE char *head = mem_printf(at ? "SET " VARIABLE "%u=CONCAT(" VARIABLE "%u,_binary'"
                                             : "SET " VARIABLE "%u=_binary'",
                                          column, column);
        if (put_text(w, head, err) < 0 || put_body(w, value + at, n, err) < 0 ||
            put_text(w, at ? "');\n" : "';\n", err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_value(struct row_writer *w, const struct big_row *b, unsigned i, struct err *err)
{
    const struct literal_type *type = &column_at(w, i)->type;
    if (!b->row[i]) {
        return put_text(w, "NULL", err);
    }
    if (is_apart(w, b, i)) {
        /* JSON takes no binary text; a conversion from binary keeps the bytes. */
        AUTO_FREE char *name = mem_printf(
            type->kind == LITERAL_TEXT ? "CONVERT(" VARIABLE "%u USING utf8mb4)" : VARIABLE "%u",
            i);
        return put_text(w, name, err);
    }
    if (literal_is_quoted(type) && b->lens[i] > SLICE_BYTES) {
        return put_long_literal(w, type, b->row[i], b->lens[i], err);
    }
    char *room = frame_room(w->frame, literal_bound(b->lens[i]), err);
    if (!room) {
        return -1;
    }
    frame_wrote(w->frame, literal_write(room, type, b->row[i], b->lens[i]));
    return 0;
}

static int put_insert(struct row_writer *w, const struct big_row *b, struct err *err)
{
    if (put_text(w, w->table->insert, err) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < w->columns; i++) {
        if (put_text(w, i ? "," : "(", err) < 0 || put_value(w, b, i, err) < 0) {
            return -1;
        }
    }
    return put_text(w, ");\n", err);
}

static int put_big_row(struct row_writer *w, MYSQL_ROW row, const unsigned long *lens,
                       struct err *err)
{
    struct big_row b = {.row = row, .lens = lens, .body_max = SIZE_MAX};
    size_t total = w->head_len + 4;
    if (end_statement(w, err) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < w->columns; i++) {
        total += 16 + (row[i] ? body_length(row[i], lens[i]) : 4);
    }
    if (w->columns > 0 && total > w->packet_max) {
        b.body_max = w->packet_max / (2 * (size_t)w->columns);
    }
    for (unsigned i = 0; i < w->columns; i++) {
        if (is_apart(w, &b, i) && put_variable(w, i, row[i], lens[i], err) < 0) {
            return -1;
        }
    }
    if (put_insert(w, &b, err) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < w->columns; i++) {
        AUTO_FREE char *forget = mem_printf("SET " VARIABLE "%u=NULL;\n", i);
        if (is_apart(w, &b, i) && put_text(w, forget, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The lengths are the server's word: what no such column can hold is not written. */
static int check_lengths(const struct row_writer *w, MYSQL_ROW row, const unsigned long *lens,
                         struct err *err)
{
    for (unsigned i = 0; i < w->columns; i++) {
        if (row[i] && lens[i] > LITERAL_UNQUOTED_MAX &&
            !literal_is_quoted(&column_at(w, i)->type)) {
            err_fail(err, ERR_FAILED, "column '%s' holds a number of %lu bytes",
                     column_at(w, i)->name, lens[i]);
            return err_hint(err,
                            "no such number exists: see that what answers at '%s:%u' is the "
                            "database server",
                            w->d->request->host, w->d->request->port);
        }
    }
    return 0;
}

static int put_row(struct row_writer *w, MYSQL_ROW row, const unsigned long *lens, struct err *err)
{
    if (!w->frame->file) {
        if (__atomic_load_n(&w->d->pieces.failed, __ATOMIC_RELAXED)) {
            return err_fail(err, ERR_INTERRUPTED, "another part of the backup failed");
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
        }
        frame_begin(w->frame, w->table->file);
    }
    if (check_lengths(w, row, lens, err) < 0) {
        return -1;
    }
    size_t bound = 4;
    for (unsigned i = 0; i < w->columns; i++) {
        bound += literal_bound(lens[i]) + 1;
    }
    int rc = bound > w->statement_max ? put_big_row(w, row, lens, err)
                                      : put_small_row(w, row, lens, bound, err);
    if (rc < 0) {
        return -1;
    }
    w->rows++;
    w->hash += rowhash(row, lens, w->columns);
    return frame_raw_size(w->frame) >= FRAME_RAW_BYTES ? end_frame(w, err) : 0;
}

/* ---- a piece ------------------------------------------------------------------------------- */

/* What a server says of a table that is not what it was at the snapshot. */
enum { COLUMN_IS_GONE = 1054, TABLE_IS_GONE = 1146, TABLE_HAS_CHANGED = 1412 };

static int fail_altered(const struct schema_table *t, struct err *err)
{
    err_fail(err, ERR_FAILED, "table '%s.%s' was altered or dropped while the backup was taken",
             t->schema->name, t->name);
    return err_hint(err, "see who alters tables of the MetaDB now (show full processlist), then "
                         "start again");
}

/* Once a transaction has read a table nobody can alter it any more; that nobody did between the
 * reading of the schema and then is looked at here. */
static int check_unaltered(struct conn *c, struct dump_table *dt, struct err *err)
{
    const struct schema_table *t = dt->table;
    if (t->type != SCHEMA_TABLE || __atomic_exchange_n(&dt->checked, true, __ATOMIC_RELAXED)) {
        return 0;
    }
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SHOW CREATE TABLE ");
    sql_table(&sql, t->schema->name, t->name);
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    if (!rows_next(&rows) || !schema_same_create(t->create, rows_text(&rows, 1, ""))) {
        return fail_altered(t, err);
    }
    return 0;
}

static int fail_rows(const struct schema_table *t, unsigned number, struct err *err)
{
    return number == COLUMN_IS_GONE || number == TABLE_IS_GONE || number == TABLE_HAS_CHANGED
               ? fail_altered(t, err)
               : err_wrap(err, "backing up '%s.%s'", t->schema->name, t->name);
}

static int put_rows(struct row_writer *w, struct fetch *rows, struct err *err)
{
    int rc;
    if (rows->columns != w->columns || w->columns == 0) {
        return err_fail(err, ERR_FAILED, "%u columns were asked for, %u came", w->columns,
                        rows->columns);
    }
    while ((rc = fetch_next(rows, err)) > 0) {
        if (put_row(w, rows->cells, rows->lens, err) < 0) {
            return -1;
        }
    }
    return rc < 0 ? -1 : end_frame(w, err);
}

static int write_rows(struct row_writer *w, struct conn *c, const char *where, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FETCH struct fetch rows = FETCH_INIT;
    str_append(&sql, w->table->select);
    if (where) {
        str_appendf(&sql, "%s WHERE %s", w->table->table->where ? "" : " FORCE INDEX (PRIMARY)",
                    where);
    }
    if (fetch_open(&rows, c, str_get(&sql), sql.len, err) < 0 || put_rows(w, &rows, err) < 0) {
        return fail_rows(w->table->table, conn_errno(c), err);
    }
    return 0;
}

/* Whether what a second question sees is what the first one saw. */
static bool is_at_one_moment(const struct dump *d, const struct schema_table *t)
{
    return t->type == SCHEMA_TABLE && (t->transactional || d->snapshot != SNAPSHOT_ONE_CONNECTION);
}

/* Of a table whose last piece was written: the server counts its rows without sending them.
 * Whatever kept some of them back (a limit, a proxy, a lock that was none) did so to all who verify
 * the backup by what is in it. */
static int count_again(struct dump *d, struct conn *c, struct dump_table *dt, struct err *err)
{
    const struct schema_table *t = dt->table;
    if (__atomic_add_fetch(&dt->pieces_done, 1, __ATOMIC_ACQ_REL) < dt->piece_count ||
        !is_at_one_moment(d, t)) {
        return 0;
    }
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SELECT COUNT(*) FROM ");
    sql_table(&sql, t->schema->name, t->name);
    str_append(&sql, t->history ? " FOR SYSTEM_TIME ALL" : "");
    if (t->where) {
        str_appendf(&sql, " WHERE %s", t->where);
    }
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return fail_rows(t, conn_errno(c), err);
    }
    uint64_t count = rows_next(&rows) ? rows_u64(&rows, 0, UINT64_MAX) : UINT64_MAX;
    if (count != dt->rows) {
        err_fail(err, ERR_FAILED, "table '%s.%s' has %llu rows, but %llu came into the backup",
                 t->schema->name, t->name, (unsigned long long)count, (unsigned long long)dt->rows);
        return err_hint(err, "see what stands between here and the database server, and whether "
                             "its tables are sound (CHECK TABLE), then start again");
    }
    return 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int dump_rows(struct dump *d, struct conn *c, struct frame_writer *frame,
              const struct dump_piece *piece, struct err *err)
{
    const struct schema_table *t = piece->table->table;
    struct row_writer w = {.d = d,
                           .table = piece->table,
                           .piece = piece,
                           .frame = frame,
                           .head_len = strlen(piece->table->insert),
                           .columns = (unsigned)t->column_count};
    w.packet_max = smaller(d->server.packet_max, CLIENT_PACKET_MAX) - PACKET_MARGIN;
    w.statement_max = smaller(STATEMENT_BYTES, w.packet_max - smaller(w.head_len, PACKET_MARGIN));
    const char *where = piece->where ? piece->where : t->where;
    if (write_rows(&w, c, where, err) < 0 || check_unaltered(c, piece->table, err) < 0) {
        return -1;
    }
    return count_again(d, c, piece->table, err);
}
