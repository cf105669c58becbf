/* Progress messages, split anywhere. */
#include <string.h>

#include "launcher/engine/json_stream.h"
#include "tests/unit/unit.h"

static void take(void *arg, const json_t *object)
{
    AUTO_FREE char *text = json_compact(object);

    str_append(arg, text);
    str_append_c(arg, '|');
}

static void test_splits(void **state)
{
    static const char text[] = " {\"a\":\"}{\\\"\\\\\"}\r\n{\"b\":[1,{\"c\":\"]\"}]}{}\n\n"
                               "{\"d\":\"\\\\\\\\\"} \t\r\n";
    size_t len = sizeof(text) - 1;

    (void)state;
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            AUTO_STR struct str seen = STR_INIT;
            AUTO_JSON_STREAM struct json_stream s = {.on_object = take, .arg = &seen};
            struct err err = ERR_INIT;
            assert_ok(json_stream_feed(&s, text, a, &err), &err);
            assert_ok(json_stream_feed(&s, text + a, b - a, &err), &err);
            assert_ok(json_stream_feed(&s, text + b, len - b, &err), &err);
            assert_ok(json_stream_finish(&s, &err), &err);
            assert_string_equal(str_get(&seen),
                                "{\"a\":\"}{\\\"\\\\\"}|{\"b\":[1,{\"c\":\"]\"}]}|{}|"
                                "{\"d\":\"\\\\\\\\\"}|");
        }
    }
}

static void expect_failure(const char *text, const char *seen_before, const char *want)
{
    AUTO_STR struct str seen = STR_INIT;
    AUTO_JSON_STREAM struct json_stream s = {.on_object = take, .arg = &seen};
    struct err err = ERR_INIT;

    if (json_stream_feed(&s, text, strlen(text), &err) == 0) {
        assert_fails(json_stream_finish(&s, &err));
    }
    assert_int_equal(err.kind, ERR_FAILED);
    assert_string_equal(str_get(&seen), seen_before);
    if (strstr(err_whole(&err), want) == NULL) {
        fail_msg("'%s' is not in '%s'", want, err.text);
    }
}

static void test_bad(void **state)
{
    (void)state;
    expect_failure("{\"a\":1}\n{\"b\":", "{\"a\":1}|", "the engine's last message is cut short");
    expect_failure("{\"a\":\"}", "", "the engine's last message is cut short");
    expect_failure("<html>", "", "the engine sent something that is no message");
    expect_failure("{\"a\":1},{}", "{\"a\":1}|", "the engine sent something that is no message");
    expect_failure("[1]", "", "the engine sent something that is no message");
    expect_failure("{a:1}", "", "a message of the engine");
    expect_failure("{]", "", "a message of the engine");
}

static void test_too_large(void **state)
{
    AUTO_STR struct str seen = STR_INIT;
    AUTO_JSON_STREAM struct json_stream s = {.on_object = take, .arg = &seen};
    AUTO_FREE char *much = mem_alloc(1 << 16);
    struct err err = ERR_INIT;
    int rc = 0;

    (void)state;
    memset(much, 'y', 1 << 16);
    assert_ok(json_stream_feed(&s, "{\"a\":\"", 6, &err), &err);
    for (int i = 0; i < 17 && rc == 0; i++) {
        rc = json_stream_feed(&s, much, 1 << 16, &err);
    }
    assert_int_equal(rc, -1);
    assert_err(&err, ERR_FAILED, "the engine sent a message larger than 1048576 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests_name("engine: JSON stream", tests, NULL, NULL);
}
