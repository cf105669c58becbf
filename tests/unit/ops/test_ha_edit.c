#include "tests/unit/unit.h"

#include "hooks/metadb/ops/ha_edit.h"

static void edit(const char *text, const char *set_text, const char *expected)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str got = STR_INIT;
    AUTO_JSON json_t *set = json_loads(set_text, 0, NULL);
    assert_non_null(set);
    assert_ok(ha_edit(text, set, &got, &err), &err);
    assert_string_equal(str_get(&got), expected);
}

static void refuse(const char *text, const char *set_text, enum err_kind kind, const char *expected)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str got = STR_INIT;
    AUTO_JSON json_t *set = json_loads(set_text, 0, NULL);
    assert_fails(ha_edit(text, set, &got, &err));
    assert_err(&err, kind, expected);
    assert_string_equal(str_get(&got), "");
}

static void changes_a_value_and_no_other_byte(void **state)
{
    (void)state;
    edit("{\"enable\":true,\"x\":1}", "{\"enable\":false}", "{\"enable\":false,\"x\":1}");
    edit(" {\n\t\"x\" : [1, {\"enable\": true}] ,\r\n \"enable\" :true }\n", "{\"enable\":false}",
         " {\n\t\"x\" : [1, {\"enable\": true}] ,\r\n \"enable\" :false }\n");
    edit("{\"a\":\"}, \\\"enable\\\":1\",\"enable\":true}", "{\"enable\":false}",
         "{\"a\":\"}, \\\"enable\\\":1\",\"enable\":false}");
    edit("{\"n\":30}", "{\"n\":61}", "{\"n\":61}");
    edit("{\"\xe6\x9c\xaa\":{},\"n\":3e1}", "{\"n\":61}", "{\"\xe6\x9c\xaa\":{},\"n\":61}");
}

static void keeps_the_bytes_of_a_value_that_says_the_same(void **state)
{
    (void)state;
    edit("{\"enable\": true}", "{\"enable\":true}", "{\"enable\": true}");
    edit("{\"enable\": \"tr\\u0075e\"}", "{\"enable\":true}", "{\"enable\": \"tr\\u0075e\"}");
    edit("{\"n\":\"61\"}", "{\"n\":61}", "{\"n\":\"61\"}");
}

static void keeps_the_type_of_a_value_that_is_text(void **state)
{
    (void)state;
    edit("{\"enable\": \"true\", \"n\":\"30\"}", "{\"enable\":false,\"n\":61}",
         "{\"enable\": \"false\", \"n\":\"61\"}");
    edit("{\"n\":30}", "{\"n\":\"many\"}", "{\"n\":\"many\"}");
}

static void finds_a_key_that_is_written_with_escapes(void **state)
{
    (void)state;
    edit("{\"\\u0065nable\":true}", "{\"enable\":false}", "{\"\\u0065nable\":false}");
}

static void adds_a_missing_key_in_the_style_of_the_others(void **state)
{
    (void)state;
    edit("{}", "{\"a\":true}", "{\"a\":true}");
    edit(" { } ", "{\"a\":1}", " {\"a\":1 } ");
    edit("{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}");
    edit("{\"a\": 1, \"b\": 2}", "{\"c\":3}", "{\"a\": 1, \"b\": 2, \"c\": 3}");
    edit("{\n  \"a\" : 1,\n  \"b\" : [1,\n2]\n}\n", "{\"c\":\"x\"}",
         "{\n  \"a\" : 1,\n  \"b\" : [1,\n2],\n  \"c\" : \"x\"\n}\n");
    edit("{\n  \"a\": 1\n}", "{\"c\":false}", "{\n  \"a\": 1,\n  \"c\": false\n}");
}

static void changes_several_keys(void **state)
{
    (void)state;
    edit("{\"z\":1,\"enable\":true,\"n\":30}", "{\"n\":90,\"enable\":false,\"new\":true}",
         "{\"z\":1,\"enable\":false,\"n\":90,\"new\":true}");
}

static void refuses_what_is_no_object(void **state)
{
    (void)state;
    refuse("[1]", "{\"a\":1}", ERR_FAILED, "ha.config is JSON, but no object");
    refuse("{\"a\":1}", "{\"a\":[1]}", ERR_USAGE,
           "ha-set: the new value of 'a' is no boolean, whole number or text");
    refuse("{\"a\":1}", "{\"a\":1.5}", ERR_USAGE,
           "ha-set: the new value of 'a' is no boolean, whole number or text");
}

static void refuses_broken_json(void **state)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str got = STR_INIT;
    AUTO_JSON json_t *set = json_object();
    static const char *const broken[] = {"", "{", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":1,\"a\":2}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        assert_fails(ha_edit(broken[i], set, &got, &err));
        assert_int_equal((int)err.kind, (int)ERR_FAILED);
        assert_string_equal(err.hint,
                            "repair ha.config in the OMS console (System Parameters) first");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_a_value_and_no_other_byte),
        cmocka_unit_test(keeps_the_bytes_of_a_value_that_says_the_same),
        cmocka_unit_test(keeps_the_type_of_a_value_that_is_text),
        cmocka_unit_test(finds_a_key_that_is_written_with_escapes),
        cmocka_unit_test(adds_a_missing_key_in_the_style_of_the_others),
        cmocka_unit_test(changes_several_keys),
        cmocka_unit_test(refuses_what_is_no_object),
        cmocka_unit_test(refuses_broken_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
