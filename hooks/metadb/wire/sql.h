/* Pieces of SQL text. Everything here assumes the sql_mode that conn_open() sets: names in
 * backquotes, backslash escapes in strings. */
#ifndef OMSLAUNCH_METADB_SQL_H
#define OMSLAUNCH_METADB_SQL_H

#include <stddef.h>

#include "launcher/base/str.h"

/* `name` with its backquotes doubled. */
void sql_name(struct str *sql, const char *name);
/* `database`.`table` */
void sql_table(struct str *sql, const char *database, const char *table);
/* 'text', escaped so that no client and no server takes a byte for something else. */
void sql_text(struct str *sql, const char *bytes, size_t len);
/* X'4142' */
void sql_hex(struct str *sql, const char *bytes, size_t len);

/* Reading it: the first `quote` or backslash from `p` on, `end` if there is none. */
const char *sql_find(const char *p, const char *end, char quote);
/* What follows the `name` or 'text' that begins at `p`; the text's end if it has none. */
const char *sql_skip_quoted(const char *p);

#endif
