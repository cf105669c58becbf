#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/wire/literal.h"

static void check_n(const char *type, const char *collation, const char *value, size_t len,
                    const char *expected)
{
    struct literal_type t = literal_type_of(type, collation);
    /* Exactly as long as promised, so that a sanitizer sees one byte too many. */
    char *in = malloc(len + 1), *out = malloc(literal_bound(len));
    memcpy(in, value, len);
    char *end = literal_write(out, &t, in, len);
    assert_true((size_t)(end - out) <= literal_bound(len));
    assert_int_equal(end - out, strlen(expected));
    assert_memory_equal(out, expected, strlen(expected));
    free(in);
    free(out);
}

static void check(const char *type, const char *collation, const char *value, const char *expected)
{
    check_n(type, collation, value, strlen(value), expected);
}

static void numbers_stand_as_they_are(void **state)
{
    (void)state;
    check("int(11)", NULL, "-5", "-5");
    check("bigint(20) unsigned", NULL, "18446744073709551615", "18446744073709551615");
    check("int(5) unsigned zerofill", NULL, "00042", "00042");
    check("decimal(65,30)", NULL, "-1.000000000000000000000000000001",
          "-1.000000000000000000000000000001");
}

static void floats_stay_approximate(void **state)
{
    (void)state;
    check("double", NULL, "0.1", "0.1e0");
    check("float", NULL, "1e-45", "1e-45");
    check("double", NULL, "-0", "-0e0");
    check("double(10,2) unsigned", NULL, "17976931348623157", "17976931348623157e0");
}

static void text_is_quoted(void **state)
{
    (void)state;
    check("varchar(20)", "utf8mb4_bin", "", "''");
    check("varchar(20)", "utf8mb4_bin", "it's", "'it\\'s'");
    check("text", "ascii_general_ci", "a\\b", "'a\\\\b'");
    check("text", "utf8mb3_general_ci", "\xe6\xb1\x89\n\r\x1a\t\"`",
          "'\xe6\xb1\x89\\n\\r\\Z\t\"`'");
    check_n("text", "utf8mb4_bin", "a\0b", 3, "'a\\0b'");
    check("datetime(6)", NULL, "0000-00-00 00:00:00.000000", "'0000-00-00 00:00:00.000000'");
    check("year(4)", NULL, "0000", "'0000'");
    check("json", NULL, "{\"a\": \"\\n\"}", "'{\"a\": \"\\\\n\"}'");
}

static void other_character_sets_keep_their_bytes(void **state)
{
    (void)state;
    check("varchar(20)", "gbk_chinese_ci", "plain", "'plain'");
    check("varchar(20)", "gbk_bin", "\x81\x5c", "_binary'\x81\\\\'");
    check("varchar(20)", "latin1_german2_ci", "\xe4", "_binary'\xe4'");
    /* 5C is no backslash everywhere, and 16-bit sets have no ASCII. */
    check("varchar(20)", "sjis_japanese_ci", "a", "_binary'a'");
    check("varchar(20)", "swe7_bin", "{", "_binary'{'");
    check_n("varchar(20)", "ucs2_bin", "\0a", 2, "_binary'\\0a'");
    check("varchar(20)", "ucs2_bin", "", "''");
}

static void bytes_are_binary(void **state)
{
    (void)state;
    check("longblob", NULL, "\xff'", "_binary'\xff\\''");
    check("varbinary(3)", NULL, "", "''");
    check("point", NULL, "x", "_binary'x'");
    check_n("bit(13)", NULL, "\x10\x01", 2, "0x1001");
}

static void enums_have_an_index_0(void **state)
{
    (void)state;
    check("enum('a','b')", "utf8mb4_bin", "a", "'a'");
    check("enum('a','b')", "utf8mb4_bin", "", "0");
    check("set('a','b')", "utf8mb4_bin", "", "''");
    /* An empty member looks like index 0: such a column is fetched by number. */
    assert_true(literal_type_of("enum('','a')", "utf8mb4_bin").as_number);
    assert_true(literal_type_of("set('x','')", "utf8mb4_bin").as_number);
    assert_false(literal_type_of("enum('a','''','b''','c')", "utf8mb4_bin").as_number);
    assert_true(literal_type_of("enum('''','')", "utf8mb4_bin").as_number);
    check("enum('','a')", "utf8mb4_bin", "0", "0");
}

static void every_length_and_place_is_escaped(void **state)
{
    struct literal_type t = literal_type_of("text", "utf8mb4_bin");
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t at = 0; at <= len; at++) {
            char *in = malloc(len + 1), *out = malloc(literal_bound(len));
            char expected[200];
            size_t n = 0;
            expected[n++] = '\'';
            for (size_t i = 0; i < len; i++) {
                in[i] = i == at ? '\'' : (char)(' ' + 8 + i);
                if (in[i] == '\'' || in[i] == '\\') {
                    expected[n++] = '\\';
                }
                expected[n++] = in[i];
            }
            expected[n++] = '\'';
            char *end = literal_write(out, &t, in, len);
            assert_int_equal(end - out, n);
            assert_memory_equal(out, expected, n);
            free(in);
            free(out);
        }
    }
}

static void keys_are_compared_in_their_collation(void **state)
{
    AUTO_STR struct str sql = STR_INIT;
    struct literal_type number = literal_type_of("bigint(20)", NULL);
    struct literal_type date = literal_type_of("datetime", NULL);
    struct literal_type gbk = literal_type_of("varchar(9)", "gbk_bin");
    struct literal_type bytes = literal_type_of("binary(2)", NULL);
    (void)state;
    literal_append_key(&sql, &number, NULL, "-7", 2);
    str_append(&sql, " ");
    literal_append_key(&sql, &date, NULL, "2020-01-01", 10);
    str_append(&sql, " ");
    literal_append_key(&sql, &gbk, "gbk_bin", "\x81\x5c", 2);
    str_append(&sql, " ");
    literal_append_key(&sql, &bytes, NULL, "\0\xff", 2);
    assert_string_equal(str_get(&sql), "-7 '2020-01-01' _gbk X'815C' X'00FF'");
    assert_false(literal_type_of("enum('a')", "gbk_bin").key_range);
    assert_false(literal_type_of("float", NULL).key_range);
    assert_false(literal_type_of("text", "gbk_bin").key_range);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_as_they_are),
        cmocka_unit_test(floats_stay_approximate),
        cmocka_unit_test(text_is_quoted),
        cmocka_unit_test(other_character_sets_keep_their_bytes),
        cmocka_unit_test(bytes_are_binary),
        cmocka_unit_test(enums_have_an_index_0),
        cmocka_unit_test(every_length_and_place_is_escaped),
        cmocka_unit_test(keys_are_compared_in_their_collation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
