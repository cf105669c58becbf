#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/wire/binary_cell.h"
#include "launcher/base/mem.h"

static struct binary_column column_of(enum enum_field_types type, unsigned flags, unsigned length,
                                      unsigned decimals)
{
    struct binary_column column;
    MYSQL_FIELD field = {.type = type, .flags = flags, .length = length, .decimals = decimals};
    assert_true(binary_column_of(&field, &column));
    return column;
}

/* `value` is what comes, to its last byte, so that a sanitizer sees one too many. */
static void check_cell(struct binary_column column, const char *value, size_t size,
                       const char *expected, size_t expected_len)
{
    unsigned char *row = malloc(size);
    char *text = malloc(BINARY_CELL_TEXT_MAX), *cell = NULL;
    unsigned long len = 0;
    memcpy(row, value, size);
    assert_ptr_equal(binary_cell(&column, row, text, &cell, &len), row + size);
    assert_int_equal(len, expected_len);
    assert_memory_equal(cell, expected, len);
    free(text);
    free(row);
}

#define CHECK(column, bytes, text) \
    check_cell(column, bytes, sizeof(bytes) - 1, text, sizeof(text) - 1)

static void numbers(void **state)
{
    (void)state;
    struct binary_column tiny = column_of(MYSQL_TYPE_TINY, 0, 4, 0);
    struct binary_column tiny_unsigned = column_of(MYSQL_TYPE_TINY, UNSIGNED_FLAG, 3, 0);
    struct binary_column big = column_of(MYSQL_TYPE_LONGLONG, 0, 20, 0);
    CHECK(tiny, "\x00", "0");
    CHECK(tiny, "\x80", "-128");
    CHECK(tiny, "\xff", "-1");
    CHECK(tiny_unsigned, "\xff", "255");
    CHECK(column_of(MYSQL_TYPE_SHORT, 0, 6, 0), "\x00\x80", "-32768");
    CHECK(column_of(MYSQL_TYPE_YEAR, UNSIGNED_FLAG | ZEROFILL_FLAG, 4, 0), "\x00\x00", "0000");
    CHECK(column_of(MYSQL_TYPE_INT24, 0, 9, 0), "\x00\x00\x80\xff", "-8388608");
    CHECK(column_of(MYSQL_TYPE_LONG, 0, 11, 0), "\x00\x00\x00\x80", "-2147483648");
    CHECK(column_of(MYSQL_TYPE_LONG, UNSIGNED_FLAG, 10, 0), "\xff\xff\xff\xff", "4294967295");
    CHECK(column_of(MYSQL_TYPE_LONG, UNSIGNED_FLAG | ZEROFILL_FLAG, 5, 0), "\x2a\x00\x00\x00",
          "00042");
    CHECK(big, "\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808");
    CHECK(big, "\xff\xff\xff\xff\xff\xff\xff\x7f", "9223372036854775807");
    CHECK(column_of(MYSQL_TYPE_LONGLONG, UNSIGNED_FLAG, 20, 0), "\xff\xff\xff\xff\xff\xff\xff\xff",
          "18446744073709551615");
    CHECK(column_of(MYSQL_TYPE_DOUBLE, 0, 23, 31), "\x00\x00\x00\x00\x00\x00\xf8\xbf", "-1.5");
}

/* Zeroes at the end of a moment are not sent. */
static void moments(void **state)
{
    (void)state;
    struct binary_column date = column_of(MYSQL_TYPE_DATE, 0, 10, 0);
    struct binary_column seconds = column_of(MYSQL_TYPE_DATETIME, 0, 19, 0);
    struct binary_column micros = column_of(MYSQL_TYPE_TIMESTAMP, 0, 26, 6);
    struct binary_column times = column_of(MYSQL_TYPE_TIME, 0, 10, 0);
    CHECK(date, "\x00", "0000-00-00");
    CHECK(date, "\x04\xe8\x07\x0b\x16", "2024-11-22");
    CHECK(seconds, "\x00", "0000-00-00 00:00:00");
    CHECK(seconds, "\x04\xe8\x07\x00\x00", "2024-00-00 00:00:00");
    CHECK(seconds, "\x07\x0f\x27\x0c\x1f\x17\x3b\x3b", "9999-12-31 23:59:59");
    CHECK(micros, "\x0b\xe8\x07\x02\x1d\x01\x02\x03\x3f\x42\x0f\x00", "2024-02-29 01:02:03.999999");
    CHECK(column_of(MYSQL_TYPE_DATETIME, 0, 22, 2),
          "\x0b\xe8\x07\x02\x1d\x01\x02\x03\x70\x11\x01\x00", "2024-02-29 01:02:03.07");
    CHECK(times, "\x00", "00:00:00");
    CHECK(times, "\x08\x00\x00\x00\x00\x00\x09\x08\x07", "09:08:07");
    CHECK(times, "\x08\x01\x22\x00\x00\x00\x16\x3b\x3b", "-838:59:59");
    CHECK(column_of(MYSQL_TYPE_TIME, 0, 15, 4),
          "\x0c\x01\x00\x00\x00\x00\x00\x00\x00\x64\x00\x00\x00", "-00:00:00.0001");
}

static void bytes_of_any_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *head;
        size_t head_len;
    } cases[] = {
        {0, "\x00", 1},
        {250, "\xfa", 1},
        {251, "\xfc\xfb\x00", 3},
        {65535, "\xfc\xff\xff", 3},
        {65536, "\xfd\x00\x00\x01", 4},
        {16777216, "\xfe\x00\x00\x00\x01\x00\x00\x00\x00", 9},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct binary_column column = column_of(MYSQL_TYPE_BLOB, BINARY_FLAG, 4294967295U, 0);
        size_t size = cases[i].head_len + cases[i].len;
        char *value = malloc(size);
        memset(value, 'x', size);
        memcpy(value, cases[i].head, cases[i].head_len);
        check_cell(column, value, size, value + cases[i].head_len, cases[i].len);
        free(value);
    }
    CHECK(column_of(MYSQL_TYPE_NEWDECIMAL, 0, 12, 2), "\x05-1.50", "-1.50");
    CHECK(column_of(MYSQL_TYPE_BIT, UNSIGNED_FLAG, 13, 0), "\x02\x10\x01", "\x10\x01");
}

/* Those rows come as text: nothing is guessed. */
static void other_types_are_not_known(void **state)
{
    (void)state;
    static const int types[] = {MYSQL_TYPE_FLOAT, MYSQL_TYPE_NULL, MYSQL_TYPE_NEWDATE, 242, 99};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct binary_column column;
        MYSQL_FIELD field = {.type = (enum enum_field_types)types[i]};
        assert_false(binary_column_of(&field, &column));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(moments),
        cmocka_unit_test(bytes_of_any_length),
        cmocka_unit_test(other_types_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
