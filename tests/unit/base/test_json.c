#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json.h"

static json_t *parse(const char *text)
{
    struct err err = ERR_INIT;
    json_t *j = NULL;
    assert_ok(json_parse(text, strlen(text), "test", &j, &err), &err);
    return j;
}

static void refuse(const char *text, size_t len, const char *expected)
{
    struct err err = ERR_INIT;
    json_t *j = NULL;
    assert_fails(json_parse(text, len, "answer", &j, &err));
    assert_null(j);
    assert_err(&err, ERR_FAILED, expected);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    refuse("", 0,
           "answer is no valid JSON: line 1, column 0: '[' or '{' expected near end of file");
    refuse(NULL, 0,
           "answer is no valid JSON: line 1, column 0: '[' or '{' expected near end of file");
    refuse("<html>", 6, "answer is no valid JSON: line 1, column 1: '[' or '{' expected");
    refuse("null", 4, "answer is no valid JSON: line 1, column 4: '[' or '{' expected");
    refuse("{\"a\":1,\n \"a\":2}", 15,
           "answer is no valid JSON: line 2, column 4: duplicate object key");
    refuse("{\"a\":{\"b\":1,\"b\":1}}", 19,
           "answer is no valid JSON: line 1, column 15: duplicate object key");
    refuse("{\"a\":1", 6,
           "answer is no valid JSON: line 1, column 6: '}' expected near end of file");
    refuse("{} {}", 5, "answer is no valid JSON: line 1, column 4: end of file expected");
    refuse("[1,]", 4, "answer is no valid JSON: line 1, column 4: unexpected token");
    refuse("[\"\xff\"]", 5,
           "answer is no valid JSON: line 1, column 2: unable to decode byte 0xff");
    refuse("[1e999]", 7, "answer is no valid JSON: line 1, column 6: real number overflow");
}

static void test_parse_quotes_nothing(void **state)
{
    (void)state;
    refuse("{\"password\": \"it's near 'x' secret\" 1}", 38,
           "answer is no valid JSON: line 1, column 37: '}' expected");
}

static void test_walk(void **state)
{
    (void)state;
    AUTO_JSON json_t *j =
        parse("{\"A\":{\"B\":{\"C\":\"x\",\"N\":null,\"I\":-7,\"T\":true}},\"L\":[1]}");
    assert_string_equal(json_text(j, "A.B.C", "?"), "x");
    assert_string_equal(json_text(j, "A.B.D", "?"), "?");
    assert_string_equal(json_text(j, "A.B.N", "?"), "?");
    assert_string_equal(json_text(j, "A.B.I", "?"), "?");
    assert_string_equal(json_text(j, "A.B.C.D", "?"), "?");
    assert_null(json_text(NULL, "A", NULL));
    assert_null(json_walk(j, "A.B.N"));
    assert_null(json_walk(j, ""));
    assert_null(json_walk(j, "L.0"));
    assert_true(json_is_array(json_walk(j, "L")));
    assert_true(json_int(j, "A.B.I", 1) == -7);
    assert_true(json_int(j, "A.B.C", 1) == 1);
    assert_true(json_bool(j, "A.B.T", false));
    assert_true(json_bool(j, "A.B.X", true));
    assert_false(json_bool(j, "A.B.I", false));
}

static void test_need_text(void **state)
{
    (void)state;
    AUTO_JSON json_t *j = parse("{\"A\":{\"B\":\"x\",\"I\":1,\"N\":null}}");
    struct err err = ERR_INIT;
    const char *text = NULL;
    assert_ok(json_need_text(j, "A.B", "inspect of 'c'", &text, &err), &err);
    assert_string_equal(text, "x");
    text = NULL;
    assert_fails(json_need_text(j, "A.C", "inspect of 'c'", &text, &err));
    assert_err(&err, ERR_FAILED, "inspect of 'c' has no 'A.C'");
    assert_fails(json_need_text(j, "A.N", "inspect of 'c'", &text, &err));
    assert_err(&err, ERR_FAILED, "inspect of 'c' has no 'A.N'");
    assert_fails(json_need_text(j, "A.I", "inspect of 'c'", &text, &err));
    assert_err(&err, ERR_FAILED, "inspect of 'c': 'A.I' is no text");
    assert_null(text);
}

static void test_forms(void **state)
{
    (void)state;
    AUTO_JSON json_t *j = json_make("{s:i, s:[b,n], s:{s:s}}", "z", 1, "b", 1, "a", "k", "€\n");
    AUTO_FREE char *compact = json_compact(j);
    AUTO_FREE char *canonical = json_canonical(j);
    AUTO_FREE char *pretty = json_pretty(j);
    assert_string_equal(compact, "{\"z\":1,\"b\":[true,null],\"a\":{\"k\":\"€\\n\"}}");
    assert_string_equal(canonical, "{\"a\":{\"k\":\"€\\n\"},\"b\":[true,null],\"z\":1}");
    assert_string_equal(pretty, "{\n  \"z\": 1,\n  \"b\": [\n    true,\n    null\n  ],\n"
                                "  \"a\": {\n    \"k\": \"€\\n\"\n  }\n}");
    AUTO_JSON json_t *scalar = json_make("s", "x");
    AUTO_FREE char *text = json_compact(scalar);
    assert_string_equal(text, "\"x\"");
}

static void test_put_and_add(void **state)
{
    (void)state;
    AUTO_JSON json_t *j = json_object();
    json_put(j, "i", json_integer(1));
    json_put(j, "n", NULL);
    json_put_text(j, "t", "x");
    json_put_text(j, "u", NULL);
    json_t *list = json_array();
    json_add(list, json_true());
    json_add(list, NULL);
    json_put(j, "l", list);
    AUTO_FREE char *text = json_compact(j);
    assert_string_equal(text, "{\"i\":1,\"n\":null,\"t\":\"x\",\"u\":null,\"l\":[true,null]}");
}

static void check_text(const char *bytes, const char *expected)
{
    AUTO_JSON json_t *j = json_from_text(bytes);
    assert_string_equal(json_string_value(j), expected);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    check_text("plain € 😀", "plain € 😀");
    check_text("a\xff"
               "b",
               "a\uFFFDb");
    check_text("cut \xe2\x82", "cut \uFFFD\uFFFD");
    check_text("overlong \xc0\xaf", "overlong \uFFFD\uFFFD");
    check_text("overlong \xe0\x80\xaf", "overlong \uFFFD\uFFFD\uFFFD");
    check_text("surrogate \xed\xa0\x80", "surrogate \uFFFD\uFFFD\uFFFD");
    check_text("too large \xf4\x90\x80\x80", "too large \uFFFD\uFFFD\uFFFD\uFFFD");
    check_text("four \xf0\x9f\x98\x80 two \xc3\xa9 \xff", "four 😀 two é \uFFFD");
    check_text("last \xf4\x8f\xbf\xbf \xee\x80\x80 \xf8",
               "last \xf4\x8f\xbf\xbf \xee\x80\x80 \uFFFD");
    AUTO_JSON json_t *none = json_from_text(NULL);
    assert_true(json_is_null(none));
}

static void test_decref_empties(void **state)
{
    (void)state;
    json_t *j = json_array();
    json_decref_ptr(&j);
    assert_null(j);
    json_decref_ptr(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_quotes_nothing),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_need_text),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_put_and_add),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_decref_empties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
