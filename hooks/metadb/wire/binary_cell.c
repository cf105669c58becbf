#include "hooks/metadb/wire/binary_cell.h"

#include <stdint.h>
#include <string.h>

#include "hooks/metadb/wire/digits.h"

#define DECIMALS_MAX 6 /* of a second */
#define INTEGER_DIGITS_MAX 21

bool binary_column_of(const MYSQL_FIELD *field, struct binary_column *ret)
{
    unsigned digits =
        field->length < INTEGER_DIGITS_MAX ? (unsigned)field->length : INTEGER_DIGITS_MAX;
    *ret = (struct binary_column){.kind = BINARY_INTEGER,
                                  .is_unsigned = field->flags & UNSIGNED_FLAG,
                                  .width = field->flags & ZEROFILL_FLAG ? digits : 1};
    unsigned decimals = field->decimals < DECIMALS_MAX ? field->decimals : DECIMALS_MAX;
    switch ((int)field->type) { /* the two libraries know different ones */
    case MYSQL_TYPE_TINY:
        ret->size = 1;
        return true;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
        ret->size = 2;
        return true;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        ret->size = 4;
        return true;
    case MYSQL_TYPE_LONGLONG:
        ret->size = 8;
        return true;
    case MYSQL_TYPE_DOUBLE:
        *ret = (struct binary_column){.kind = BINARY_DOUBLE};
        return true;
    case MYSQL_TYPE_DATE:
        *ret = (struct binary_column){.kind = BINARY_DATE};
        return true;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        *ret = (struct binary_column){.kind = BINARY_DATE, .has_time = true, .width = decimals};
        return true;
    case MYSQL_TYPE_TIME:
        *ret = (struct binary_column){.kind = BINARY_TIME, .width = decimals};
        return true;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_BIT:
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_GEOMETRY:
        *ret = (struct binary_column){.kind = BINARY_BYTES};
        return true;
    default:
        return false;
    }
}

/* Little-endian, as everything in the protocol. */
static inline uint64_t load(const unsigned char *p, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

/* A size that is known when this is compiled makes one load of it. */
static inline uint64_t load_number(const unsigned char *p, unsigned size)
{
    switch (size) {
    case 1:
        return load(p, 1);
    case 2:
        return load(p, 2);
    case 4:
        return load(p, 4);
    default:
        return load(p, 8);
    }
}

/* A length before bytes: of one byte, or of as many as the first byte says. */
static inline unsigned char *take_length(unsigned char *p, unsigned long *ret)
{
    switch (*p) {
    case 0xfc:
        *ret = load(p + 1, 2);
        return p + 3;
    case 0xfd:
        *ret = load(p + 1, 3);
        return p + 4;
    case 0xfe: /* eight bytes, of which no value needs more than four */
        *ret = load(p + 1, 4);
        return p + 9;
    default:
        *ret = *p;
        return p + 1;
    }
}

static char *put_integer(char *out, const struct binary_column *column, const unsigned char *p)
{
    uint64_t value = load_number(p, column->size);
    if (!column->is_unsigned && p[column->size - 1] >> 7) {
        /* The bits above those that came are ones. */
        value = (~value + 1) & (~0ULL >> (64 - 8 * column->size));
        *out++ = '-';
    }
    char *end = digits_put(out, value);
    size_t count = (size_t)(end - out);
    if (count >= column->width) {
        return end;
    }
    memmove(out + column->width - count, out, count);
    memset(out, '0', column->width - count);
    return out + column->width;
}

static char *put_double(char *out, const unsigned char *p)
{
    uint64_t bits = load(p, 8);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return double_text(out, value);
}

/* The parts come from the server: no number of its own is trusted to have two digits. */
static inline char *put_two(char *out, unsigned value)
{
    return digits_put_two(out, value % 100);
}

/* From minute, second and, in four bytes, microseconds. */
static char *put_seconds(char *out, const unsigned char *parts, unsigned decimals)
{
    *out++ = ':';
    out = put_two(out, parts[0]);
    *out++ = ':';
    out = put_two(out, parts[1]);
    if (decimals > 0) {
        unsigned micros = (unsigned)load(parts + 2, 4);
        *out++ = '.';
        (void)put_two(out, micros / 10000);
        (void)put_two(out + 2, micros / 100);
        (void)put_two(out + 4, micros);
        out += decimals;
    }
    return out;
}

/* Year in two bytes, month, day, hour, minute, second, microseconds in four; the zeroes at the end
 * may be missing. */
enum { DATE_BYTES = 11, TIME_BYTES = 12 };

static char *put_date(char *out, const struct binary_column *column, const unsigned char *p,
                      unsigned len)
{
    unsigned char parts[DATE_BYTES] = {0};
    memcpy(parts, p, len < DATE_BYTES ? len : DATE_BYTES);
    unsigned year = (unsigned)load(parts, 2);
    out = put_two(out, year / 100);
    out = put_two(out, year);
    *out++ = '-';
    out = put_two(out, parts[2]);
    *out++ = '-';
    out = put_two(out, parts[3]);
    if (!column->has_time) {
        return out;
    }
    *out++ = ' ';
    return put_seconds(put_two(out, parts[4]), parts + 5, column->width);
}

/* Whether it is negative, days in four bytes, hour, minute, second, microseconds in four. */
static char *put_time(char *out, const struct binary_column *column, const unsigned char *p,
                      unsigned len)
{
    unsigned char parts[TIME_BYTES] = {0};
    memcpy(parts, p, len < TIME_BYTES ? len : TIME_BYTES);
    uint64_t hours = load(parts + 1, 4) * 24 + parts[5];
    if (parts[0]) {
        *out++ = '-';
    }
    out = hours < 100 ? digits_put_two(out, (unsigned)hours) : digits_put(out, hours);
    return put_seconds(out, parts + 6, column->width);
}

unsigned char *binary_cell(const struct binary_column *column, unsigned char *p, char *text,
                           char **cell, unsigned long *len)
{
    char *end = text;
    *cell = text;
    switch (column->kind) {
    case BINARY_INTEGER:
        end = put_integer(text, column, p);
        p += column->size;
        break;
    case BINARY_DOUBLE:
        end = put_double(text, p);
        p += sizeof(double);
        break;
    case BINARY_DATE:
        end = put_date(text, column, p + 1, *p);
        p += 1 + *p;
        break;
    case BINARY_TIME:
        end = put_time(text, column, p + 1, *p);
        p += 1 + *p;
        break;
    case BINARY_BYTES:
    default:
        p = take_length(p, len);
        *cell = (char *)p;
        return p + *len;
    }
    *len = (unsigned long)(end - text);
    return p;
}
