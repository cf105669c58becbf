#include "hooks/metadb/wire/literal.h"

#include <stdint.h>
#include <string.h>

#include "hooks/metadb/wire/load.h"
#include "hooks/metadb/wire/sql.h"

#define CHARSET_MAX 64

char *literal_charset_of(const char *collation, char *buf)
{
    size_t len = strcspn(collation, "_");
    len = len < CHARSET_MAX ? len : CHARSET_MAX - 1;
    memcpy(buf, collation, len);
    buf[len] = '\0';
    return buf;
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(word, list) is_one_of(word, list, ARRAY_LEN(list))

static enum literal_kind kind_of_charset(const char *collation)
{
    static const char *const unicode[] = {"utf8mb4", "utf8mb3", "utf8", "ascii"};
    /* Whose lower half is ASCII both ways. Not sjis and its kin, which see a backslash differently.
     */
    static const char *const ascii_like[] = {
        "latin1", "latin2", "latin5", "latin7", "cp1250", "cp1251", "cp1256",
        "cp1257", "cp850",  "cp852",  "cp866",  "koi8r",  "koi8u",  "greek",
        "hebrew", "gbk",    "gb2312", "big5",   "euckr",  "tis620", "gb18030",
    };
    char charset[CHARSET_MAX];
    if (!collation) {
        return LITERAL_BINARY;
    }
    literal_charset_of(collation, charset);
    if (IS_ONE_OF(charset, unicode)) {
        return LITERAL_TEXT;
    }
    return IS_ONE_OF(charset, ascii_like) ? LITERAL_OTHER : LITERAL_BINARY;
}

/* "enum('a','','b')": is one member empty? Quotes inside are doubled. */
static bool has_empty_member(const char *column_type)
{
    const char *p = strchr(column_type, '(');
    while (p && (p = strchr(p, '\'')) != NULL) {
        const char *start = ++p;
        while (*p && (*p != '\'' || p[1] == '\'')) {
            p += *p == '\'' ? 2 : 1;
        }
        if (p == start) {
            return true;
        }
        p += *p == '\'';
    }
    return false;
}

struct literal_type literal_type_of(const char *column_type, const char *collation)
{
    static const char *const integers[] = {"tinyint", "smallint", "mediumint", "int", "bigint"};
    static const char *const decimals[] = {"decimal", "numeric"};
    static const char *const floats[] = {"float", "double", "real"};
    static const char *const dates[] = {"date", "datetime", "timestamp"};
    static const char *const plain[] = {"time", "year", "json"};
    static const char *const short_texts[] = {"char", "varchar", "binary", "varbinary"};
    static const char *const long_texts[] = {"tinytext", "text", "mediumtext", "longtext"};
    static const char *const blobs[] = {
        "tinyblob",        "blob",         "mediumblob",
        "longblob",        "geometry",     "point",
        "linestring",      "polygon",      "multipoint",
        "multilinestring", "multipolygon", "geometrycollection",
        "geomcollection",  "vector",
    };
    char word[CHARSET_MAX];
    size_t len = strcspn(column_type, "( ");
    len = len < sizeof(word) ? len : sizeof(word) - 1;
    memcpy(word, column_type, len);
    word[len] = '\0';
    struct literal_type t = {.kind = LITERAL_OTHER};
    if (IS_ONE_OF(word, integers)) {
        t.kind = LITERAL_NUMBER;
        t.integer = t.key_range = true;
        t.is_unsigned = strstr(column_type, "unsigned") || strstr(column_type, "zerofill");
    } else if (IS_ONE_OF(word, decimals)) {
        t.kind = LITERAL_NUMBER;
        t.key_range = true;
    } else if (IS_ONE_OF(word, floats)) {
        t.kind = LITERAL_FLOAT;
    } else if (IS_ONE_OF(word, dates)) {
        t.kind = LITERAL_TEXT;
        t.key_range = true;
    } else if (IS_ONE_OF(word, plain)) {
        t.kind = LITERAL_TEXT;
    } else if (IS_ONE_OF(word, short_texts)) {
        t.kind = kind_of_charset(collation);
        t.key_range = true;
    } else if (IS_ONE_OF(word, long_texts)) {
        t.kind = kind_of_charset(collation);
    } else if (IS_ONE_OF(word, blobs)) {
        t.kind = LITERAL_BINARY;
    } else if (strcmp(word, "bit") == 0) {
        t.kind = LITERAL_BIT;
    } else if (strcmp(word, "enum") == 0 || strcmp(word, "set") == 0) {
        t.as_number = has_empty_member(column_type);
        t.empty_is_0 = !t.as_number && *word == 'e';
        t.kind = t.as_number ? LITERAL_NUMBER : kind_of_charset(collation);
    } else {
        t.only_literal = true;
    }
    return t;
}

/* Sixteen bytes at a time; gcc and clang turn this into vector instructions where there are any. */
typedef unsigned char block __attribute__((vector_size(16)));
typedef uint64_t block_halves __attribute__((vector_size(16)));

static inline bool block_any(block b)
{
    block_halves h = (block_halves)b;
    return (h[0] | h[1]) != 0;
}

/* The letter after the backslash; 0 for bytes that stand for themselves. NUL, CR and ^Z are dropped
 * or changed by the stock clients, and a newline would tear the line. */
static const char escape_letters[256] = {
    [0] = '0', ['\n'] = 'n', ['\r'] = 'r', [0x1a] = 'Z', ['\''] = '\'', ['\\'] = '\\',
};

/* Without a branch, which bytes of no pattern would mispredict. */
static inline char *body_bytes(char *out, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char letter = escape_letters[(unsigned char)value[i]];
        size_t slash = letter != 0;
        out[0] = '\\';
        out[slash] = slash ? letter : value[i];
        out += 1 + slash;
    }
    return out;
}

/* Does a byte of `w` need a backslash? Exact for "none", and may say yes for a neighbour. */
static inline bool word_special(uint64_t w)
{
    const uint64_t ones = ~0ULL / 255, high = ones << 7;
    uint64_t quote = w ^ (ones * '\''), slash = w ^ (ones * '\\');
    return (((w - ones * 0x1b) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
           high;
}

/* Fewer than 16 bytes: two loads that overlap see all of them, and copy them when nothing is to be
 * escaped. */
static inline char *body_short(char *out, const char *value, size_t len)
{
    if (len >= 8) {
        uint64_t a = load8(value), b = load8(value + len - 8);
        if (!word_special(a) && !word_special(b)) {
            memcpy(out, &a, 8);
            memcpy(out + len - 8, &b, 8);
            return out + len;
        }
    } else if (len >= 4) {
        uint32_t a = load4(value), b = load4(value + len - 4);
        if (!word_special(a | (uint64_t)b << 32)) {
            memcpy(out, &a, 4);
            memcpy(out + len - 4, &b, 4);
            return out + len;
        }
    }
    return body_bytes(out, value, len);
}

char *literal_body(char *out, const char *value, size_t len)
{
    while (len >= sizeof(block)) {
        block b;
        memcpy(&b, value, sizeof(b));
        memcpy(out, &b, sizeof(b));
        if (__builtin_expect(block_any((block)(b < 0x1b) | (block)(b == '\'') | (block)(b == '\\')),
                             0)) {
            out = body_bytes(out, value, sizeof(b));
        } else {
            out += sizeof(b);
        }
        value += sizeof(b);
        len -= sizeof(b);
    }
    return body_short(out, value, len);
}

/* Numbers: short, and nothing in them to be escaped. */
static inline char *copy_short(char *out, const char *value, size_t len)
{
    if (len >= 8 && len <= 16) {
        uint64_t a = load8(value), b = load8(value + len - 8);
        memcpy(out, &a, 8);
        memcpy(out + len - 8, &b, 8);
    } else if (len < 8) {
        for (size_t i = 0; i < len; i++) {
            out[i] = value[i];
        }
    } else {
        memcpy(out, value, len);
    }
    return out + len;
}

static bool is_ascii(const char *value, size_t len)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits |= (unsigned char)value[i];
    }
    return bits < 0x80;
}

static char *write_hex(char *out, const char *value, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    memcpy(out, "0x", 2);
    out += 2;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[(unsigned char)value[i] >> 4];
        *out++ = digits[(unsigned char)value[i] & 15];
    }
    return out;
}

static char *write_quoted(char *out, const char *value, size_t len)
{
    *out++ = '\'';
    out = literal_body(out, value, len);
    *out++ = '\'';
    return out;
}

char *literal_write(char *out, const struct literal_type *type, const char *value, size_t len)
{
    if (literal_is_quoted(type)) {
        if (len == 0 && type->empty_is_0) {
            *out++ = '0';
            return out;
        }
        if (len > 0 && (type->kind == LITERAL_BINARY ||
                        (type->kind == LITERAL_OTHER && !is_ascii(value, len)))) {
            memcpy(out, "_binary", 7);
            out += 7;
        }
        return write_quoted(out, value, len);
    }
    if (type->kind == LITERAL_BIT) {
        return write_hex(out, value, len);
    }
    out = copy_short(out, value, len);
    /* Without an exponent it would be read as a DECIMAL, and "-0" as the integer 0. */
    if (type->kind == LITERAL_FLOAT && !memchr(value, 'e', len)) {
        memcpy(out, "e0", 2);
        out += 2;
    }
    return out;
}

void literal_append_key(struct str *sql, const struct literal_type *type, const char *collation,
                        const char *value, size_t len)
{
    if (type->kind == LITERAL_NUMBER) {
        str_append_n(sql, value, len);
    } else if (!collation) {
        /* A date is compared as text, bytes as bytes. */
        if (type->kind == LITERAL_TEXT) {
            sql_text(sql, value, len);
        } else {
            sql_hex(sql, value, len);
        }
    } else {
        char charset[CHARSET_MAX];
        str_appendf(sql, "_%s ", literal_charset_of(collation, charset));
        sql_hex(sql, value, len);
    }
}
