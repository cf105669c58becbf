#include "hooks/metadb/wire/sql.h"

#include <string.h>

void sql_name(struct str *sql, const char *name)
{
    str_append_c(sql, '`');
    for (const char *p = name; *p; p++) {
        if (*p == '`') {
            str_append_c(sql, '`');
        }
        str_append_c(sql, *p);
    }
    str_append_c(sql, '`');
}

void sql_table(struct str *sql, const char *database, const char *table)
{
    sql_name(sql, database);
    str_append_c(sql, '.');
    sql_name(sql, table);
}

/* NUL, CR and ^Z are dropped or changed by the stock clients when they read a file. */
static char escape_letter(char c)
{
    switch (c) {
    case '\0':
        return '0';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\x1a':
        return 'Z';
    case '\'':
    case '\\':
        return c;
    default:
        return 0;
    }
}

void sql_text(struct str *sql, const char *bytes, size_t len)
{
    str_append_c(sql, '\'');
    for (size_t i = 0; i < len; i++) {
        char letter = escape_letter(bytes[i]);
        if (letter) {
            str_append_c(sql, '\\');
        }
        str_append_c(sql, letter ? letter : bytes[i]);
    }
    str_append_c(sql, '\'');
}

void sql_hex(struct str *sql, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    str_append(sql, "X'");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        str_append_c(sql, digits[c >> 4]);
        str_append_c(sql, digits[c & 15]);
    }
    str_append_c(sql, '\'');
}

/* Sixteen bytes at a time, as in literal.c: all that is restored comes through here. */
typedef char block __attribute__((vector_size(16)));
typedef uint64_t block_halves __attribute__((vector_size(16)));

const char *sql_find(const char *p, const char *end, char quote)
{
    while (end - p >= (ptrdiff_t)sizeof(block)) {
        block b;
        memcpy(&b, p, sizeof(b));
        block_halves found = (block_halves)((b == quote) | (b == '\\'));
        if (found[0] | found[1]) {
            break;
        }
        p += sizeof(b);
    }
    while (p < end && *p != quote && *p != '\\') {
        p++;
    }
    return p;
}

const char *sql_skip_quoted(const char *p)
{
    char quote = *p;
    for (p++; *p; p++) {
        if (*p == '\\' && quote == '\'' && p[1]) {
            p++;
        } else if (*p == quote && *++p != quote) {
            return p;
        }
    }
    return p;
}
