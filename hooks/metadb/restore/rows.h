/* Rows as values of prepared statements: reading SQL costs the server more than keeping the rows,
 * and so it is spared that. The bytes are the backup's own. */
#ifndef OMSLAUNCH_METADB_RESTORE_ROWS_H
#define OMSLAUNCH_METADB_RESTORE_ROWS_H

#include "hooks/metadb/model/schema.h"

/* 1, 2, 4, … rows at a time. More than these are slower again, and the values of one batch have to
 * fit into a packet. */
#define ROWS_BATCHES 9
#define ROWS_BATCH_BYTES (128UL * 1024)
/* Longer statements are of long values, which gain nothing and would be in memory twice. */
#define ROWS_STATEMENT_MAX (1024UL * 1024)
/* Of the server; enough for any batch. */
#define ROWS_PACKET_MIN (4UL * 1024 * 1024)

/* A table whose rows may come so. */
struct restore_rows {
    struct str insert; /* how its INSERT statements begin */
    const struct schema_table *table;
    bool refused; /* it was tried and did not go well; atomic */
};

/* False for tables where such a value could mean something else than its literal (ENUM by number,
 * BIT, inet6), or whose rows would stay after a failure (no transactions). */
bool restore_rows_init(struct restore_rows *rows, const struct schema_table *table);
void restore_rows_free(struct restore_rows *rows);

/* Rows of one table on their way through one connection. */
struct rows_sender {
    struct conn *conn;               /* borrowed, like `rows` */
    const struct restore_rows *rows; /* NULL: this sender was never begun */
    struct rows_value *values;       /* of rows that are not sent yet, row after row */
    size_t count, room;
    struct str bytes; /* of the values */
    MYSQL_BIND *binds;
    MYSQL_STMT *statements[ROWS_BATCHES];
};

struct rows_value {
    size_t at, len; /* in `bytes`; at SIZE_MAX: NULL */
};

/* Makes `s` ready for rows of this table, whatever it sent before, and forgets what it did not. */
void rows_sender_begin(struct rows_sender *s, struct conn *c, const struct restore_rows *rows);
void rows_sender_free(struct rows_sender *s);
/* Adds the rows of one INSERT of a backup. False, and nothing is added, when something in it has to
 * stay as it is. */
bool rows_sender_add(struct rows_sender *s, const char *sql, size_t len);
/* Sends whole batches, or all there is. Whenever it fails, rows may be there that should not: undo
 * the transaction and use INSERT. */
int rows_sender_send(struct rows_sender *s, bool all, struct err *err) MUST_USE;

#endif
