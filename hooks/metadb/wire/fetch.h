/* The rows of a SELECT, one at a time, as text, by whichever protocol is cheaper for both sides. */
#ifndef OMSLAUNCH_METADB_FETCH_H
#define OMSLAUNCH_METADB_FETCH_H

#include "hooks/metadb/wire/conn.h"

struct fetch_column;

struct fetch {
    char **cells;              /* of the row that was read last; NULL for SQL's NULL */
    const unsigned long *lens; /* of the cells, bytes */
    unsigned columns;
    /* Only fetch.c looks at these. */
    struct conn *conn;
    MYSQL_RES *result;     /* text rows */
    MYSQL_STMT *statement; /* or this */
    struct fetch_column *of;
    char **own_cells;
    unsigned long *own_lens;
    bool ended;
};

#define FETCH_INIT        \
    {                     \
        .statement = NULL \
    }
#define AUTO_FETCH CLEANUP(fetch_close)

/* Asks for the rows of `sql`. They come by a prepared statement: numbers and dates as they are
 * stored, which halves a server's work and gives the same text here. As text where the server
 * prepares no statements or is an OceanBase.
 * Nothing else may be asked of the connection before fetch_close(). `*f` is FETCH_INIT. */
int fetch_open(struct fetch *f, struct conn *c, const char *sql, size_t len,
               struct err *err) MUST_USE;
/* 1: there is a row, valid until the next call; 0: that was all; -1. */
int fetch_next(struct fetch *f, struct err *err) MUST_USE;
/* Before the last row was read it breaks the connection off, instead of waiting for the rest. */
void fetch_close(struct fetch *f);

#endif
