/* Text on screens of any width. */
#include "launcher/base/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static void test_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},         {"abc", 3},       {"\xC3\xA4", 1}, {"→", 1},
        {"【结束】", 8}, {"e\xCC\x81", 1}, {"上海a", 5},    {"\xF0\x9F\x98\x80", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fold_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
    }
}

static void assert_folds(const char *text, size_t width, size_t column, const char *expected)
{
    AUTO_STR struct str s = STR_INIT;
    fold_lines(&s, text, width, column);
    assert_string_equal(str_get(&s), expected);
}

static void test_lines(void **state)
{
    (void)state;
    assert_folds("one two three\n", 0, 0, "one two three\n");
    assert_folds("one two three", 8, 0, "one two\n  three");
    assert_folds("one two three\nfour five six\n", 8, 0, "one two\n  three\nfour\n  five\n  six\n");
    assert_folds("  rule: a long text", 12, 0, "  rule: a\n    long\n    text");
    assert_folds("a  b   c", 20, 0, "a  b   c");
    /* What cannot be broken is left whole: somebody will copy it. */
    assert_folds("see /a/path/that/is/long now", 10, 0, "see\n  /a/path/that/is/long\n  now");
    assert_folds("word", 20, 18, "\n  word");
    assert_folds("中文字 中文字", 9, 0, "中文字\n  中文字");
    assert_folds("a\n\nb", 10, 0, "a\n\nb");
    assert_folds("", 10, 0, "");
}

/* Whatever the width is, no line is wider but for one word. */
static void test_no_line_is_too_wide(void **state)
{
    (void)state;
    static const char text[] = "the container 'oms_331' runs: 'rm_331', 'cm_331' cannot be "
                               "restored under it\n  stop it first, or restore each beside it\n";
    for (size_t width = 20; width < 100; width++) {
        AUTO_STR struct str s = STR_INIT;
        fold_lines(&s, text, width, 0);
        for (const char *line = str_get(&s); *line != '\0'; line += strcspn(line, "\n") + 1) {
            size_t len = strcspn(line, "\n");
            assert_true(fold_columns(line, len) <= width);
            assert_true(len == 0 || line[len - 1] != ' ');
        }
    }
}

static void test_not_a_terminal(void **state)
{
    (void)state;
    FILE *file = tmpfile();

    assert_non_null(file);
    setenv("COLUMNS", "40", 1);
    assert_int_equal(fold_terminal_width(fileno(file)), 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_no_line_is_too_wide),
        cmocka_unit_test(test_not_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
