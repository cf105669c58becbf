#include "tests/unit/unit.h"

#include <string.h>

#include "launcher/base/foreign.h"
#include "launcher/base/json.h"

#define MAX 1000

static void assert_line(const char *bytes, size_t len, const char *expected)
{
    AUTO_FREE char *text = foreign_text(bytes, len, FOREIGN_LINE, MAX);
    assert_string_equal(text, expected);
}

static void test_what_is_harmless_stays(void **state)
{
    static const char text[] = "migrated 12 tables\tü €, 迁移完成 😀";
    (void)state;
    assert_line(text, strlen(text), text);
    assert_line("", 0, "");
}

static void test_bytes_that_are_not_utf8(void **state)
{
    static const struct {
        const char *bytes, *expected;
    } cases[] = {
        {"migr\xd6\xd0"
         "e",
         "migr\uFFFD\uFFFD"
         "e"},
        {"\xff", "\uFFFD"},
        {"a\xe8\xbf", "a\uFFFD\uFFFD"},
        {"\xc0\x80", "\uFFFD\uFFFD"},
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
        {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_line(cases[i].bytes, strlen(cases[i].bytes), cases[i].expected);
    }
}

static void test_what_steers_a_terminal(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *expected;
    } cases[] = {
        {"\033[31;1mred\033[0m", 14, "red"},
        {"\033]0;title\atext", 14, "text"},
        {"\033]8;;http://x\033\\link", 19, "link"},
        {"\033]0;no end", 10, "0;no end"},
        {"\033Pq\033\\b", 6, "b"},
        {"\033cx", 3, "x"},
        {"\033", 1, ""},
        {"\033[", 2, ""},
        {"\xc2\x9b"
         "31m",
         5, "?31m"},
        {"a\0b\ac\x7f", 6, "a?b?c?"},
        {"10 %\r20 %", 9, "10 %?20 %"},
        {"one\r\ntwo\n", 9, "one two "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_line(cases[i].bytes, cases[i].len, cases[i].expected);
    }
}

static void test_what_cannot_be_seen(void **state)
{
    static const char text[] = "a\u202Eb\u2066c\u200Bd\uFEFFe\u2028f\u00ADg\U000E0041h\u061Ci";
    (void)state;
    assert_line(text, strlen(text), "abcdefghi");
}

static void test_cut_between_characters(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    while (text.len < 20000) {
        str_append(&text, "迁");
    }
    for (size_t max = 4; max < 40; max++) {
        AUTO_FREE char *cut = foreign_text(text.data, text.len, FOREIGN_LINE, max);
        assert_true(strlen(cut) <= max && strlen(cut) > max - 3);
        assert_true(foreign_is_utf8(cut));
        assert_true(str_ends_with(cut, "…"));
    }
}

/* ---- secrets ---- */

static void test_forms_of_a_secret(void **state)
{
    static const char secret[] = "it's a \"$ecret\\@1";
    static const char *const forms[] = {
        secret,
        "it'\\''s a \"$ecret\\@1",           /* set -x */
        "it\\'s\\ a\\ \\\"\\$ecret\\\\\\@1", /* printf %q */
        "it's a \\\"$ecret\\\\@1",           /* JSON */
        "it%27s%20a%20%22%24ecret%5C%401",   /* URL */
    };
    (void)state;
    AUTO_SECRET struct secret kept = SECRET_INIT;
    secret_set(&kept, secret, strlen(secret));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        AUTO_FREE char *text = mem_printf("+ mysql -p%s -h x", forms[i]);
        assert_line(text, strlen(text), "+ mysql -p*** -h x");
    }
    foreign_forget();
    assert_line(secret, strlen(secret), secret);
}

static void test_short_secret_is_a_word(void **state)
{
    (void)state;
    foreign_hide("oms", 3);
    assert_line("omslaunch of 'oms', oms_331, -p oms", 35, "omslaunch of '***', oms_331, -p ***");
    foreign_forget();
}

static void test_secrets_in_errors_and_hints(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    foreign_hide("s3cr3t", 6);
    err_fail(&err, ERR_FAILED, "refused: %s\nHINT: not %s", "s3cr3t\xff\033[2J", "s3cr3t");
    err_wrap(&err, "in '%s'", "s3cr3t");
    foreign_forget();
    assert_err(&err, ERR_FAILED, "in '***': refused: ***\uFFFD\nHINT: not ***");
}

/* ---- lines ---- */

static void collect(void *arg, const char *line)
{
    assert_true(foreign_is_utf8(line));
    str_appendf(arg, "<%s>", line);
}

/* In pieces of `step` bytes, as a connection may give them. */
static void feed(const char *bytes, size_t len, size_t step, struct str *ret)
{
    struct foreign_lines lines = {.on_line = collect, .arg = ret, .raw = STR_INIT};
    for (size_t at = 0; at < len; at += step) {
        foreign_lines_feed(&lines, bytes + at, len - at < step ? len - at : step);
    }
    foreign_lines_end(&lines);
}

static void test_lines(void **state)
{
    static const char text[] = "one\r\n\ntw\xc3\xb6\n\xd6\xd0\n\033[1mend";
    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        AUTO_STR struct str seen = STR_INIT;
        feed(text, sizeof(text) - 1, step, &seen);
        assert_string_equal(str_get(&seen), "<one><><twö><\uFFFD\uFFFD><end>");
    }
}

static void test_long_line_of_chinese(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    for (size_t i = 0; i < 7000; i++) {
        str_append(&text, "移");
    }
    feed(text.data, text.len, 1000, &seen);
    assert_null(strstr(seen.data, "\uFFFD"));
    /* Five pieces of 4095 bytes and one of 525. */
    assert_int_equal(seen.len, 21000 + 2 * 6);
}

static void test_no_piece_ends_inside_a_secret(void **state)
{
    static const char secret[] = "correct horse battery";
    (void)state;
    foreign_hide(secret, strlen(secret));
    for (size_t before = FOREIGN_PIECE - 30; before < FOREIGN_PIECE + 10; before++) {
        AUTO_STR struct str text = STR_INIT;
        AUTO_STR struct str seen = STR_INIT;
        while (text.len < before) {
            str_append_c(&text, 'x');
        }
        str_append(&text, secret);
        while (text.len < (size_t)1024 * 1024) {
            str_append_c(&text, 'y');
        }
        feed(text.data, text.len, 60000, &seen);
        assert_null(strstr(seen.data, "corr"));
        assert_null(strstr(seen.data, "tery"));
    }
    foreign_forget();
}

/* ---- JSON ---- */

static void test_json_takes_any_text(void **state)
{
    (void)state;
    AUTO_JSON json_t *j = json_make("{s:s, s:[s?, i], s:{s:b}}", "a\xff", "\xd6\xd0", "list",
                                    (const char *)NULL, 7, "in", "ok", 1);
    AUTO_FREE char *text = json_compact(j);
    assert_string_equal(text,
                        "{\"a\uFFFD\":\"\uFFFD\uFFFD\",\"list\":[null,7],\"in\":{\"ok\":true}}");
    AUTO_JSON json_t *bytes = json_from_bytes("a\0\xff", 3);
    assert_string_equal(json_string_value(bytes), "a\uFFFD\uFFFD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_harmless_stays),
        cmocka_unit_test(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_what_steers_a_terminal),
        cmocka_unit_test(test_what_cannot_be_seen),
        cmocka_unit_test(test_cut_between_characters),
        cmocka_unit_test(test_forms_of_a_secret),
        cmocka_unit_test(test_short_secret_is_a_word),
        cmocka_unit_test(test_secrets_in_errors_and_hints),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_line_of_chinese),
        cmocka_unit_test(test_no_piece_ends_inside_a_secret),
        cmocka_unit_test(test_json_takes_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
