#include "tests/unit/unit.h"

#include <string.h>

#include "hooks/metadb/model/split.h"

static int collect(void *arg, const char *sql, size_t len, struct err *err)
{
    (void)err;
    str_append(arg, "<");
    str_append_n(arg, sql, len);
    str_append(arg, ">");
    return 0;
}

/* In one piece, and in pieces of every size: the same statements. */
static void split(const char *text, const char *expected)
{
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        struct err err = ERR_INIT;
        AUTO_STR struct str got = STR_INIT;
        struct splitter s;
        split_init(&s, collect, &got);
        for (size_t i = 0; i < strlen(text); i += step) {
            size_t n = strlen(text) - i < step ? strlen(text) - i : step;
            assert_ok(split_feed(&s, text + i, n, &err), &err);
        }
        assert_ok(split_finish(&s, &err), &err);
        assert_string_equal(str_get(&got), expected);
        split_free(&s);
    }
}

static void statements_end_at_semicolons(void **state)
{
    (void)state;
    split("", "");
    split("A;B;\nC ;\n\n", "<A><B><C >");
    split("SET a='x;y';\nSET b=\";\";", "<SET a='x;y'><SET b=\";\">");
    split("CREATE TABLE `a;``b` (x int);", "<CREATE TABLE `a;``b` (x int)>");
    split("INSERT ('it\\';s','\\\\');X;", "<INSERT ('it\\';s','\\\\')><X>");
    split("INSERT ('it'';s');X;", "<INSERT ('it'';s')><X>");
    split("USE `a\\`;X;", "<USE `a\\`><X>");
}

static void comment_lines_are_dropped(void **state)
{
    (void)state;
    split("-- it's; a comment\nA;\n-- another\n-- more\nB;", "<A><B>");
    split("-- only", "");
    split("- 1;", "<- 1>");
}

static void delimiters_are_understood(void **state)
{
    (void)state;
    split(
        "A;\nDELIMITER //__//\nCREATE x BEGIN -- don't; worry\n y; END\n//__//\nDELIMITER ;\nB;\n",
        "<A><CREATE x BEGIN -- don't; worry\n y; END\n><B>");
}

static void a_statement_without_its_end_is_an_error(void **state)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str got = STR_INIT;
    struct splitter s;
    (void)state;
    split_init(&s, collect, &got);
    assert_ok(split_feed(&s, "A;B 'x;", 7, &err), &err);
    assert_fails(split_finish(&s, &err));
    assert_err(&err, ERR_STATE, "the SQL text ends in the middle of a statement");
    assert_string_equal(str_get(&got), "<A>");
    split_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_end_at_semicolons),
        cmocka_unit_test(comment_lines_are_dropped),
        cmocka_unit_test(delimiters_are_understood),
        cmocka_unit_test(a_statement_without_its_end_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
