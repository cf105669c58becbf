/* Values as SQL literals that give back the same bytes, read by any client in any character set. */
#ifndef OMSLAUNCH_METADB_LITERAL_H
#define OMSLAUNCH_METADB_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/str.h"

enum literal_kind {
    LITERAL_NUMBER, /* as it is */
    LITERAL_FLOAT,  /* shortest digits that give the same double; kept approximate by "e0" */
    LITERAL_TEXT,   /* UTF-8 or ASCII, or a date: 'quoted' */
    LITERAL_OTHER,  /* a character set that holds ASCII as it is: quoted, or binary when it must */
    LITERAL_BINARY, /* _binary'quoted': never converted */
    LITERAL_BIT,    /* 0xHEX */
    LITERAL_KIND_MAX
};

/* How a column's values are fetched and written. */
struct literal_type {
    enum literal_kind kind;
    bool as_number; /* ENUM and SET with an empty member: fetched by index, exact for index 0 too */
    bool empty_is_0; /* ENUM without one: an empty text is the invalid index 0 */
    bool key_range;  /* fit for splitting a key at */
    bool integer;    /* of a whole-number type, at most 64 bits */
    bool is_unsigned;
    bool only_literal; /* of a type not known here, such as inet6, which reads bytes otherwise */
};

/* From SHOW FULL COLUMNS; `collation` may be NULL. */
struct literal_type literal_type_of(const char *column_type, const char *collation);
/* "utf8mb4" from "utf8mb4_general_ci"; `buf` has room for 64 bytes. Returns it. */
char *literal_charset_of(const char *collation, char *buf);

/* No value of a type that is written without quotes is longer: ZEROFILL goes to 255 digits. What a
 * server sends beyond it is no such value. */
#define LITERAL_UNQUOTED_MAX 320

/* No literal is longer than this for a value of `len` bytes. */
static inline size_t literal_bound(size_t len)
{
    return 2 * len + 16;
}

/* Writes the literal of a value that is not NULL to `out`, which has literal_bound(len) bytes.
 * Returns its end. */
char *literal_write(char *out, const struct literal_type *type, const char *value, size_t len);
/* What stands before and after the quotes, and what is between them, apart: for values written in
 * pieces. literal_body() needs 2 * len bytes. */
static inline bool literal_is_quoted(const struct literal_type *type)
{
    return type->kind == LITERAL_TEXT || type->kind == LITERAL_OTHER ||
           type->kind == LITERAL_BINARY;
}
char *literal_body(char *out, const char *value, size_t len);

/* For a WHERE on a key: `_gbk X'…'`, so that it is compared in the column's collation. */
void literal_append_key(struct str *sql, const struct literal_type *type, const char *collation,
                        const char *value, size_t len);

#endif
