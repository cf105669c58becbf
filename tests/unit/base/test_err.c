#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "launcher/base/err.h"

static void test_fail_sets_kind_and_text(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err_fail(&err, ERR_REFUSED, "no %s, %d times", "way", 3), -1);
    assert_err(&err, ERR_REFUSED, "no way, 3 times");
    assert_string_equal(err.hint, "");
}

static void test_fail_knows_errno(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    errno = ENOENT;
    err_fail(&err, ERR_NOT_FOUND, "it: %m");
    assert_err(&err, ERR_NOT_FOUND, "it: No such file or directory");
    assert_int_equal(errno, ENOENT);
}

static void test_fail_may_quote_itself(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_LOCKED, "inner\nHINT: wait");
    err_fail(&err, ERR_STATE, "<%s>", err.text);
    assert_err(&err, ERR_STATE, "<inner>");
    assert_string_equal(err.text, "<inner>");
}

static void test_joined_text_is_taken_apart_again(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_LOCKED, "two\nlines\nHINT: wait");
    assert_string_equal(err.text, "two\nlines");
    assert_string_equal(err.hint, "wait");
    char *joined = err_join(&err);
    assert_string_equal(joined, "two\nlines\nHINT: wait");
    err_fail(&err, ERR_STATE, "%s", joined);
    assert_string_equal(err.text, "two\nlines");
    assert_string_equal(err.hint, "wait");
    free(joined);
}

static void test_person_is_asked_until_the_next_failure(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_FAILED, "who knows");
    assert_false(err.asks_person);
    assert_int_equal(err_ask_person(&err), -1);
    err_hint(&err, "find out");
    err_wrap(&err, "now");
    assert_true(err.asks_person);
    assert_err(&err, ERR_FAILED, "now: who knows\nHINT: find out");
    err_fail(&err, ERR_FAILED, "another");
    assert_false(err.asks_person);
}

static void test_wrap_keeps_kind_and_hint(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_TIMEOUT, "no answer");
    err_hint(&err, "try %s", "again");
    assert_int_equal(err_wrap(&err, "node '%s'", "a"), -1);
    assert_err(&err, ERR_TIMEOUT, "node 'a': no answer\nHINT: try again");
    assert_string_equal(err.hint, "try again");
}

static void test_first_hint_wins(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_FAILED, "bad");
    assert_int_equal(err_hint(&err, "first"), -1);
    assert_int_equal(err_hint(&err, "second"), -1);
    assert_err(&err, ERR_FAILED, "bad\nHINT: first");
}

static void test_hint_is_a_line_of_its_own(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    err_fail(&err, ERR_FAILED, "it says HINT: nothing");
    assert_string_equal(err.hint, "");
    err_fail(&err, ERR_FAILED, "one\nHINT: a\nHINT: b");
    assert_string_equal(err.hint, "b");
}

static void test_long_text_is_cut_and_keeps_its_hint(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char long_text[9000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    err_fail(&err, ERR_FAILED, "%s\nHINT: do this", long_text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.hint, "do this");
    assert_string_equal(err.text + sizeof(err.text) - 1 - strlen("x…"), "x…");
    /* A hint that comes later, and a context that comes later, change nothing of that. */
    err_fail(&err, ERR_FAILED, "%s", long_text);
    assert_string_equal(err.text + sizeof(err.text) - 1 - strlen("x…"), "x…");
    err_hint(&err, "do that");
    assert_string_equal(err.hint, "do that");
    err_wrap(&err, "outer");
    assert_string_equal(err.hint, "do that");
    assert_memory_equal(err.text, "outer: xxx", 10);
}

static void test_long_hint_is_cut(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char long_text[9000];
    memset(long_text, 'h', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    err_fail(&err, ERR_FAILED, "what went wrong\nHINT: %s", long_text);
    assert_string_equal(err.text, "what went wrong");
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
    assert_string_equal(err.hint + sizeof(err.hint) - 1 - strlen("h…"), "h…");
}

static void test_cut_never_splits_a_character(void **state)
{
    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        struct err err = ERR_INIT;
        char text[6000] = "";
        size_t at = (size_t)shift;
        memset(text, 'a', at);
        for (; at + 3 < sizeof(text); at += 3) {
            memcpy(text + at, "€", 3);
        }
        text[at] = '\0';
        err_fail(&err, ERR_FAILED, "%s", text);
        size_t len = strlen(err.text);
        assert_true(len > sizeof(err.text) - 5);
        assert_string_equal(err.text + len - 6, "€…");
    }
}

static void test_kind_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < ERR_KIND_MAX; kind++) {
        assert_int_equal((int)err_kind_from_name(err_kind_name((enum err_kind)kind)), kind);
    }
    assert_string_equal(err_kind_name(ERR_UNREACHABLE), "unreachable");
    assert_int_equal((int)err_kind_from_name("no such kind"), ERR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_sets_kind_and_text),
        cmocka_unit_test(test_fail_knows_errno),
        cmocka_unit_test(test_fail_may_quote_itself),
        cmocka_unit_test(test_wrap_keeps_kind_and_hint),
        cmocka_unit_test(test_first_hint_wins),
        cmocka_unit_test(test_hint_is_a_line_of_its_own),
        cmocka_unit_test(test_long_text_is_cut_and_keeps_its_hint),
        cmocka_unit_test(test_long_hint_is_cut),
        cmocka_unit_test(test_cut_never_splits_a_character),
        cmocka_unit_test(test_joined_text_is_taken_apart_again),
        cmocka_unit_test(test_person_is_asked_until_the_next_failure),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
