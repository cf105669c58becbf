/* Cutting a table into ranges of its primary key that hold about as many rows each, whatever the
 * keys look like. A single whole-number key is cut by the optimizer's estimates, which cost a look
 * into the index each; any other key by walking the index from cut to cut inside the server, which
 * costs a part of what the rows themselves do, and only where a table would keep one worker busy
 * for long. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/pool.h"
#include "hooks/metadb/wire/sql.h"

#define PIECES_MAX 4096
/* A worker's share of the bytes; tables of more than that of it are walked. */
#define WALKED_SHARE 4
/* So many pieces for each worker that all end at about the same time, and none too small to be
 * worth its statement. */
#define PIECES_PER_WORKER 32
#define PIECE_MIN_BYTES (2UL * 1024 * 1024)
#define PIECE_MAX_BYTES (64UL * 1024 * 1024)

static void add_piece(struct dump *d, struct dump_table *t, char *where_take)
{
    struct dump_pieces *p = &d->pieces;
    pthread_mutex_lock(&p->lock);
    p->items = mem_grow(p->items, p->count + 1, sizeof(*p->items));
    p->items[p->count] = (struct dump_piece){.table = t, .where = where_take, .number = p->count};
    p->count++;
    t->piece_count++;
    pthread_mutex_unlock(&p->lock);
}

void dump_forget_pieces(struct dump *d)
{
    for (size_t i = 0; i < d->pieces.count; i++) {
        free(d->pieces.items[i].where);
    }
    free(TAKE(d->pieces.items));
    d->pieces.count = 0;
}

static uint64_t piece_count(const struct dump *d, const struct schema_table *t)
{
    uint64_t n = t->bytes_estimate / d->piece_bytes + 1;
    return n < PIECES_MAX ? n : PIECES_MAX;
}

/* "(a > 1 OR (a = 1 AND b > 2))": rows after (`op` ">") or up to ("<=") the cut, in key order. */
static void append_bound(struct str *sql, const struct schema_table *t, const struct rows *cut,
                         bool after)
{
    str_append_c(sql, '(');
    for (size_t i = 0; i < t->key_count; i++) {
        bool last = i + 1 == t->key_count;
        str_append(sql, i ? " OR (" : "(");
        for (size_t k = 0; k <= i; k++) {
            const struct schema_column *column = &t->columns[t->key[k]];
            str_append(sql, k ? " AND " : "");
            sql_name(sql, column->name);
            str_append(sql, k < i ? " = " : after ? " > " : last ? " <= " : " < ");
            literal_append_key(sql, &column->type, column->collation, cut->row[k], cut->len[k]);
        }
        str_append_c(sql, ')');
    }
    str_append_c(sql, ')');
}

static void append_key(struct str *sql, const struct schema_table *t)
{
    for (size_t i = 0; i < t->key_count; i++) {
        str_append(sql, i ? "," : "");
        sql_name(sql, t->columns[t->key[i]].name);
    }
}

static int walk(struct dump *d, struct conn *c, struct dump_table *dt, struct err *err)
{
    const struct schema_table *t = dt->table;
    uint64_t pieces = piece_count(d, t), step = t->rows_estimate / pieces + 1;
    AUTO_STR struct str lower = STR_INIT;
    for (uint64_t i = 1; i < PIECES_MAX; i++) {
        AUTO_STR struct str sql = STR_INIT, upper = STR_INIT;
        AUTO_ROWS struct rows cut = ROWS_INIT;
        str_append(&sql, "SELECT ");
        append_key(&sql, t);
        str_append(&sql, " FROM ");
        sql_table(&sql, t->schema->name, t->name);
        str_append(&sql, " FORCE INDEX (PRIMARY)");
        if (lower.len) {
            str_appendf(&sql, " WHERE %s", str_get(&lower));
        }
        str_append(&sql, " ORDER BY ");
        append_key(&sql, t);
        str_appendf(&sql, " LIMIT 1 OFFSET %llu", (unsigned long long)step);
        if (conn_query(c, str_get(&sql), &cut, err) < 0) {
            return -1;
        }
        if (!rows_next(&cut)) {
            break;
        }
        append_bound(&upper, t, &cut, false);
        add_piece(d, dt,
                  lower.len ? mem_printf("%s AND %s", str_get(&lower), str_get(&upper))
                            : mem_strdup(str_get(&upper)));
        str_reset(&lower);
        append_bound(&lower, t, &cut, true);
    }
    add_piece(d, dt, lower.len ? str_take(&lower) : NULL);
    return 0;
}

/* A range of a whole-number key, as distances from the smallest number of its kind, so that
 * negative and unsigned ones are alike. */
struct range {
    uint64_t from, to; /* both inside */
};

struct halving {
    struct dump *d;
    struct conn *c;
    struct dump_table *dt;
    const struct schema_column *column;
    struct range all;
    uint64_t target;  /* rows of a piece, by the same estimates */
    uint64_t pending; /* start of the range that is being gathered */
    uint64_t gathered;
    bool no_estimates;
};

static uint64_t distance_of(const struct halving *h, const char *text)
{
    return h->column->type.is_unsigned ? strtoull(text, NULL, 10)
                                       : (uint64_t)strtoll(text, NULL, 10) ^ (1ULL << 63);
}

static void append_number(struct str *sql, const struct halving *h, uint64_t distance)
{
    if (h->column->type.is_unsigned) {
        str_appendf(sql, "%llu", (unsigned long long)distance);
    } else {
        str_appendf(sql, "%lld", (long long)(distance ^ (1ULL << 63)));
    }
}

/* The first range has no lower end and the last no upper one: together they hold every row,
 * whatever was estimated. */
static void append_range(struct str *sql, const struct halving *h, struct range r)
{
    if (r.from > h->all.from) {
        sql_name(sql, h->column->name);
        str_append(sql, " >= ");
        append_number(sql, h, r.from);
    }
    if (r.to < h->all.to) {
        str_append(sql, sql->len > 0 && r.from > h->all.from ? " AND " : "");
        sql_name(sql, h->column->name);
        str_append(sql, " <= ");
        append_number(sql, h, r.to);
    }
}

static int estimate(struct halving *h, struct range r, uint64_t *ret, struct err *err)
{
    const struct schema_table *t = h->dt->table;
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "EXPLAIN SELECT 1 FROM ");
    sql_table(&sql, t->schema->name, t->name);
    str_append(&sql, " FORCE INDEX (PRIMARY) WHERE ");
    append_range(&sql, h, r);
    if (conn_query(h->c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    unsigned column = rows_find(&rows, "rows");
    h->no_estimates = column == UINT32_MAX;
    *ret = rows_next(&rows) ? rows_u64(&rows, column, 0) : 0;
    return 0;
}

static void put_range(struct halving *h, struct range r)
{
    AUTO_STR struct str where = STR_INIT;
    append_range(&where, h, r);
    add_piece(h->d, h->dt, where.len ? str_take(&where) : NULL);
}

/* Small neighbours are put together as they come, from left to right, up to the very last. */
static void gather(struct halving *h, struct range r, uint64_t rows)
{
    h->gathered += rows;
    if (h->gathered >= h->target / 4 * 3 || r.to == h->all.to) {
        put_range(h, (struct range){h->pending, r.to});
        h->pending = r.to + 1;
        h->gathered = 0;
    }
}

static int halve(struct halving *h, struct range r, uint64_t rows, int depth, struct err *err)
{
    if (rows <= h->target + h->target / 2 || r.from == r.to || depth == 0 || h->no_estimates) {
        gather(h, r, rows);
        return 0;
    }
    uint64_t middle = r.from + (r.to - r.from) / 2, left = 0, right = 0;
    struct range a = {r.from, middle}, b = {middle + 1, r.to};
    if (estimate(h, a, &left, err) < 0 || estimate(h, b, &right, err) < 0 ||
        halve(h, a, left, depth - 1, err) < 0) {
        return -1;
    }
    return halve(h, b, right, depth - 1, err);
}

static struct range next_range(const struct halving *h, uint64_t from, uint64_t step)
{
    return (struct range){from, h->all.to - from < step ? h->all.to : from + (step - 1)};
}

/* Ranges of the same width, which are even already where ids are given one after the other; what
 * then holds too much is halved. */
static int cut_range(struct halving *h, uint64_t pieces, struct err *err)
{
    AUTO_FREE uint64_t *rows = mem_alloc(pieces * sizeof(*rows));
    uint64_t step = (h->all.to - h->all.from) / pieces + 1, sum = 0;
    struct range r = next_range(h, h->all.from, step);
    for (size_t i = 0;; r = next_range(h, r.to + 1, step)) {
        if (estimate(h, r, &rows[i], err) < 0) {
            return -1;
        }
        sum += rows[i++];
        if (r.to == h->all.to) {
            break;
        }
    }
    h->target = sum / pieces + 1;
    r = next_range(h, h->all.from, step);
    for (size_t i = 0; halve(h, r, rows[i], 64, err) == 0; i++) {
        if (r.to == h->all.to) {
            return 0;
        }
        r = next_range(h, r.to + 1, step);
    }
    return -1;
}

static int by_estimates(struct dump *d, struct conn *c, struct dump_table *dt, struct err *err)
{
    const struct schema_table *t = dt->table;
    struct halving h = {.d = d, .c = c, .dt = dt, .column = &t->columns[t->key[0]]};
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows ends = ROWS_INIT;
    str_append(&sql, "SELECT MIN(");
    sql_name(&sql, h.column->name);
    str_append(&sql, "), MAX(");
    sql_name(&sql, h.column->name);
    str_append(&sql, ") FROM ");
    sql_table(&sql, t->schema->name, t->name);
    if (conn_query(c, str_get(&sql), &ends, err) < 0) {
        return -1;
    }
    if (!rows_next(&ends) || !rows_text(&ends, 0, NULL)) {
        add_piece(d, dt, NULL); /* empty, and may not stay so */
        return 0;
    }
    h.all = (struct range){distance_of(&h, ends.row[0]), distance_of(&h, ends.row[1])};
    h.pending = h.all.from;
    return cut_range(&h, piece_count(d, t), err);
}

static int cut(void *arg, unsigned worker, size_t task, struct err *err)
{
    struct dump *d = arg;
    struct dump_table *dt = &d->tables[task];
    const struct schema_table *t = dt->table;
    bool numbers = t->key_whole && t->key_count == 1 && t->columns[t->key[0]].type.integer &&
                   d->server.flavor != FLAVOR_OCEANBASE;
    uint64_t least = numbers ? 2 * d->piece_bytes : d->walked_bytes;
    if (t->key_count == 0 || t->history || t->where || t->bytes_estimate < least) {
        add_piece(d, dt, NULL);
        return 0;
    }
    struct conn *c = &d->conns[worker];
    int rc = numbers ? by_estimates(d, c, dt, err) : walk(d, c, dt, err);
    return rc < 0 ? err_wrap(err, "cutting '%s.%s' into pieces", t->schema->name, t->name) : 0;
}

static uint64_t bytes_of_piece(const struct dump_piece *piece)
{
    return piece->table->table->bytes_estimate / piece->table->piece_count;
}

/* The big pieces first, those of a table from its beginning to its end; the small ones fill the
 * gaps when the workers come to an end. */
static int by_size(const void *a, const void *b)
{
    const struct dump_piece *x = a, *y = b;
    if (x->table == y->table) {
        return x->number < y->number ? -1 : 1;
    }
    uint64_t of_x = bytes_of_piece(x), of_y = bytes_of_piece(y);
    return of_x != of_y ? (of_x > of_y ? -1 : 1) : (x->table < y->table ? -1 : 1);
}

int dump_plan(struct dump *d, struct err *err)
{
    uint64_t piece = d->raw_estimate / (d->options.workers * PIECES_PER_WORKER);
    piece = piece < PIECE_MAX_BYTES ? piece : PIECE_MAX_BYTES;
    d->piece_bytes = piece > PIECE_MIN_BYTES ? piece : PIECE_MIN_BYTES;
    uint64_t walked = d->raw_estimate / (d->options.workers * WALKED_SHARE);
    d->walked_bytes = walked > 2 * d->piece_bytes ? walked : 2 * d->piece_bytes;
    if (pool_run(d->options.workers, d->table_count, cut, d, err) < 0) {
        return -1;
    }
    if (d->pieces.count > 1) {
        qsort(d->pieces.items, d->pieces.count, sizeof(*d->pieces.items), by_size);
    }
    return 0;
}
