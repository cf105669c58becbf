#include "hooks/metadb/wire/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hooks/metadb/wire/binary_cell.h"

struct fetch_column {
    struct binary_column type;
    char text[BINARY_CELL_TEXT_MAX];
};

/* ---- a prepared statement -------------------------------------------------------------------- */

static void close_statement(struct fetch *f)
{
    free(TAKE(f->of));
    free(TAKE(f->own_cells));
    free(TAKE(f->own_lens));
    if (f->statement) {
        mysql_stmt_close(TAKE(f->statement));
    }
}

/* The library hands over each value where it stands in the row that came, and is told where the
 * next one begins: nothing is copied, however long it is. */
static void take_cell(void *fetch, unsigned i, unsigned char **row)
{
    struct fetch *f = fetch;
    f->own_cells[i] = NULL;
    f->own_lens[i] = 0;
    if (row) {
        *row = binary_cell(&f->of[i].type, *row, f->of[i].text, &f->own_cells[i], &f->own_lens[i]);
    }
}

/* Oracle's library has no such thing: rows come as text then. */
static bool receive_cells(struct fetch *f)
{
#ifdef MARIADB_PACKAGE_VERSION
    return mysql_stmt_attr_set(f->statement, STMT_ATTR_CB_USER_DATA, f) == 0 &&
           mysql_stmt_attr_set(f->statement, STMT_ATTR_CB_RESULT, (const void *)take_cell) == 0;
#else
    (void)f, (void)take_cell;
    return false;
#endif
}

/* Before it runs, to see whether all its types are known; and after, since that is what comes. */
static bool describe_columns(struct fetch *f)
{
    MYSQL_RES *about = mysql_stmt_result_metadata(f->statement);
    if (!about) {
        return false;
    }
    const MYSQL_FIELD *fields = mysql_fetch_fields(about);
    f->columns = mysql_num_fields(about);
    f->of = mem_grow(f->of, f->columns, sizeof(*f->of));
    bool known = true;
    for (unsigned i = 0; i < f->columns && known; i++) {
        known = binary_column_of(&fields[i], &f->of[i].type);
    }
    mysql_free_result(about);
    return known;
}

/* Whether the rows come this way. If not, an error that matters comes again with the text. */
static bool open_statement(struct fetch *f, const char *sql, size_t len)
{
    f->statement = mysql_stmt_init(f->conn->mysql);
    if (!f->statement) {
        abort(); /* out of memory */
    }
    if (receive_cells(f) && mysql_stmt_prepare(f->statement, sql, (unsigned long)len) == 0 &&
        describe_columns(f) && mysql_stmt_execute(f->statement) == 0) {
        return true;
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

static int begin_rows(struct fetch *f, struct err *err)
{
    if (!describe_columns(f)) {
        return fail_statement(f, err);
    }
    f->own_cells = mem_alloc(f->columns * sizeof(*f->own_cells));
    f->own_lens = mem_alloc(f->columns * sizeof(*f->own_lens));
    f->cells = f->own_cells;
    f->lens = f->own_lens;
    return 0;
}

static int next_of_statement(struct fetch *f, struct err *err)
{
    int rc = mysql_stmt_fetch(f->statement);
    if (rc == MYSQL_NO_DATA) {
        f->ended = true;
        return 0;
    }
    return rc == 0 ? 1 : fail_statement(f, err);
}

/* ---- either ---------------------------------------------------------------------------------- */

int fetch_open(struct fetch *f, struct conn *c, const char *sql, size_t len, struct err *err)
{
    *f = (struct fetch){.conn = c};
    /* That the values are the same either way was tried on MariaDB and MySQL only. */
    if (c->flavor != FLAVOR_OCEANBASE && open_statement(f, sql, len)) {
        return begin_rows(f, err);
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
    if (!f->ended && (f->result || f->statement)) {
        break_off(f);
    }
    if (f->result) {
        mysql_free_result(TAKE(f->result));
    }
    close_statement(f);
}
