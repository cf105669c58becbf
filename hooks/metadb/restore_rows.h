/* Rows by LOAD DATA LOCAL, which costs the server less than half of what INSERT does. The bytes are
 * the backup's own, only the punctuation differs. */
#ifndef OMSLAUNCH_METADB_RESTORE_ROWS_H
#define OMSLAUNCH_METADB_RESTORE_ROWS_H

#include "hooks/metadb/schema.h"

/* A table whose rows may come so. */
struct restore_rows {
    struct str insert; /* how its INSERT statements begin */
    struct str load;   /* LOAD DATA … */
    const struct schema_table *table;
    bool refused; /* it was tried and came to something else; atomic */
};

/* False for tables where LOAD DATA would read a value otherwise (ENUM by number, BIT, history, no
 * transactions). */
bool restore_rows_init(struct restore_rows *rows, const struct schema_table *table);
void restore_rows_free(struct restore_rows *rows);

/* The rows of one INSERT of a backup as lines. False, with `out` in any state, when something in it
 * has to stay an INSERT. */
bool restore_rows_convert(const struct restore_rows *rows, const char *sql, size_t len,
                          struct str *out, uint64_t *ret_rows);

/* `c` is of conn_open_loading(). Whenever it fails, rows may be there that should not: undo the
 * transaction and use INSERT. */
int restore_rows_load(struct conn *c, const struct restore_rows *rows, const struct str *lines,
                      uint64_t count, struct err *err) MUST_USE;

#endif
