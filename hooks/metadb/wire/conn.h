/* One connection to the MetaDB. Only what both MariaDB's connector and Oracle's libmysqlclient have
 * is used. */
#ifndef OMSLAUNCH_METADB_CONN_H
#define OMSLAUNCH_METADB_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "hooks/metadb/wire/request.h"

/* Which kind of server answers. OceanBase lacks locks and parts of information_schema. */
enum conn_flavor { FLAVOR_MYSQL, FLAVOR_MARIADB, FLAVOR_OCEANBASE, FLAVOR_MAX };

struct conn {
    MYSQL *mysql;
    const struct request *request; /* borrowed */
    enum conn_flavor flavor;
    char given_zone[72]; /* the session's time zone before session.h set its own; "" if not told */
};

/* A whole answer, held in memory: for small ones. `row` and `len` are those of the last
 * rows_next(). */
struct rows {
    MYSQL_RES *result;
    MYSQL_ROW row;
    const unsigned long *len;
    unsigned columns;
};

#define AUTO_CONN CLEANUP(conn_close)
#define AUTO_ROWS CLEANUP(rows_free)
#define CONN_INIT                      \
    {                                  \
        .mysql = NULL, .request = NULL \
    }
#define ROWS_INIT                   \
    {                               \
        .result = NULL, .row = NULL \
    }

/* Makes the client library ready, before any thread is started. ERR_FAILED. */
int conn_library_init(struct err *err) MUST_USE;

/* From VERSION() and @@version_comment. */
enum conn_flavor conn_flavor_of(const char *version, const char *comment);
const char *conn_flavor_name(enum conn_flavor flavor);

/* Connects by TCP, over TLS when the server insists; the session is as session.h says, sql_mode
 * empty, so that sql.h is right. No change of the server's. ERR_UNREACHABLE, ERR_PERMISSION,
 * ERR_REFUSED. */
int conn_open(const struct request *request, struct conn *ret, struct err *err) MUST_USE;
void conn_close(struct conn *c);

/* Runs a statement that gives no rows. Errors: ERR_NOT_FOUND (no such database, table, column,
 * variable), ERR_PERMISSION, ERR_UNREACHABLE (connection lost), ERR_TIMEOUT (a lock), ERR_FAILED.
 */
int conn_exec(struct conn *c, const char *sql, size_t len, struct err *err) MUST_USE;
int conn_execf(struct conn *c, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
/* Runs `head` `name` `tail`, the name quoted. */
int conn_exec_name(struct conn *c, const char *head, const char *name, const char *tail,
                   struct err *err) MUST_USE;
uint64_t conn_affected(const struct conn *c);

/* Runs a statement that gives rows, and fetches them all. */
int conn_query(struct conn *c, const char *sql, struct rows *ret, struct err *err) MUST_USE;
/* Next row into r->row; false at the end. */
bool rows_next(struct rows *r);
/* A column of the current row; `otherwise` for NULL and for columns that are not there. */
const char *rows_text(const struct rows *r, unsigned column, const char *otherwise);
/* Of a column's name (any case), or UINT32_MAX. */
unsigned rows_find(const struct rows *r, const char *name);
uint64_t rows_u64(const struct rows *r, unsigned column, uint64_t otherwise);
void rows_free(struct rows *r);

/* The first column of the first row, copied; *ret is NULL when there is no row or it is NULL. */
int conn_query_text(struct conn *c, const char *sql, char **ret, struct err *err) MUST_USE;

/* Fills in `err` from the connection's last error. Returns -1. */
int conn_fail(const struct conn *c, struct err *err);
/* The server's error number of the last statement, for those who act on one. */
unsigned conn_errno(const struct conn *c);

#endif
