/* Values of the binary protocol as the text that the same server sends for them. */
#ifndef OMSLAUNCH_METADB_BINARY_CELL_H
#define OMSLAUNCH_METADB_BINARY_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include <mysql.h>

#include "hooks/metadb/wire/double_text.h"

#define BINARY_CELL_TEXT_MAX DOUBLE_TEXT_MAX /* a double takes most */

enum binary_kind { BINARY_BYTES, BINARY_INTEGER, BINARY_DOUBLE, BINARY_DATE, BINARY_TIME };

struct binary_column {
    enum binary_kind kind;
    unsigned size; /* of an integer, bytes */
    bool is_unsigned;
    bool has_time;  /* of a date */
    unsigned width; /* of ZEROFILL numbers; decimals of times */
};

/* How the values of `field` come. False for types that are not known here. */
bool binary_column_of(const MYSQL_FIELD *field, struct binary_column *ret);

/* Takes the value at `p` of a row, which is as long as its type or its first byte says: the library
 * tells no end of a row. `*cell` is inside the row for bytes, else `text` with room for
 * BINARY_CELL_TEXT_MAX bytes; no NUL. Returns where the next value begins. */
unsigned char *binary_cell(const struct binary_column *column, unsigned char *p, char *text,
                           char **cell, unsigned long *len);

#endif
