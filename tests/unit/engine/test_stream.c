/* Framed output: every way to split it, and what is no framing at all. */
#include <string.h>

#include "launcher/engine/stream.h"
#include "tests/unit/unit.h"

struct seen {
    struct str text[4];
    unsigned stop_after; /* calls; 0: never */
    unsigned calls;
};

static int take(void *arg, int stream, const char *bytes, size_t len)
{
    struct seen *s = arg;

    str_append_n(&s->text[stream], bytes, len);
    s->calls++;
    return s->stop_after != 0 && s->calls >= s->stop_after;
}

static void seen_free(struct seen *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->text); i++) {
        str_free(&s->text[i]);
    }
}

#define FRAME(n, len) n "\0\0\0\0\0\0" len
static const char framed[] = FRAME("\1", "\3") "abc" FRAME("\2", "\2") "x\n" FRAME("\1", "\0")
    FRAME("\0", "\1") "i" FRAME("\1", "\4") "d\0\n\xff";

static void test_splits(void **state)
{
    size_t len = sizeof(framed) - 1;

    (void)state;
    /* Two cuts at every pair of places. */
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            CLEANUP(seen_free) struct seen seen = {.calls = 0};
            AUTO_STREAM struct stream s = {.fn = take, .arg = &seen};
            struct err err = ERR_INIT;
            assert_int_equal(stream_sink(&s, framed, a), 0);
            assert_int_equal(stream_sink(&s, framed + a, b - a), 0);
            assert_int_equal(stream_sink(&s, framed + b, len - b), 0);
            assert_ok(stream_finish(&s, &err), &err);
            assert_int_equal(seen.text[1].len, 8);
            assert_memory_equal(seen.text[1].data, "abcid\0\n\xff", 8);
            assert_string_equal(str_get(&seen.text[2]), "x\n");
        }
    }
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(framed); len++) {
        /* Where one piece ends and the next has not begun. */
        bool whole = len == 0 || len == 11 || len == 21 || len == 29 || len == 38 || len == 50;
        AUTO_STREAM struct stream s = {.fn = NULL};
        struct err err = ERR_INIT;
        assert_int_equal(stream_sink(&s, framed, len), 0);
        if (whole) {
            assert_ok(stream_finish(&s, &err), &err);
            continue;
        }
        assert_fails(stream_finish(&s, &err));
        assert_err(&err, ERR_UNREACHABLE, "the engine's output ended in the middle of a piece");
    }
}

static void test_no_frames(void **state)
{
    static const char *const bad[] = {"hello wo", "\4\0\0\0\0\0\0\1", "\1\0\0\1\0\0\0\1",
                                      "\1\1\0\0\0\0\0\1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_STREAM struct stream s = {.fn = NULL};
        struct err err = ERR_INIT;
        assert_int_not_equal(stream_sink(&s, bad[i], 8), 0);
        assert_int_not_equal(stream_sink(&s, "x", 1), 0);
        assert_fails(stream_finish(&s, &err));
        assert_err(&err, ERR_FAILED, "the engine sent output that is not framed as it should be");
    }
}

static void test_raw(void **state)
{
    CLEANUP(seen_free) struct seen seen = {.calls = 0};
    AUTO_STREAM struct stream s = {.fn = take, .arg = &seen, .raw = true};
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(stream_sink(&s, "hello ", 6), 0);
    assert_int_equal(stream_sink(&s, "", 0), 0);
    assert_int_equal(stream_sink(&s, "wo", 2), 0);
    assert_ok(stream_finish(&s, &err), &err);
    assert_string_equal(str_get(&seen.text[1]), "hello wo");
    assert_int_equal(seen.calls, 2);
}

static void test_stop(void **state)
{
    CLEANUP(seen_free) struct seen seen = {.stop_after = 1};
    AUTO_STREAM struct stream s = {.fn = take, .arg = &seen};
    struct err err = ERR_INIT;

    (void)state;
    assert_int_not_equal(stream_sink(&s, framed, 12), 0);
    assert_true(s.stopped);
    assert_ok(stream_finish(&s, &err), &err);
    assert_int_equal(seen.calls, 1);
}

static void test_engine_problem(void **state)
{
    static const char bytes[] =
        FRAME("\1", "\1") "a" FRAME("\3", "\7") "log is " FRAME("\3", "\4") "gone";
    CLEANUP(seen_free) struct seen seen = {.calls = 0};
    AUTO_STREAM struct stream s = {.fn = take, .arg = &seen};
    AUTO_STREAM struct stream endless = {.fn = NULL};
    AUTO_FREE char *much = mem_alloc(5000);
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(stream_sink(&s, bytes, sizeof(bytes) - 1), 0);
    assert_fails(stream_finish(&s, &err));
    assert_err(&err, ERR_FAILED, "the engine broke off the output: log is gone");
    assert_string_equal(str_get(&seen.text[1]), "a");
    /* Kept up to a limit only. */
    memset(much, 'y', 5000);
    assert_int_equal(stream_sink(&endless, "\3\0\0\0\0\0\x13\x88", 8), 0);
    assert_int_equal(stream_sink(&endless, much, 5000), 0);
    assert_int_equal(strlen(endless.problem), 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_no_frames), cmocka_unit_test(test_raw),
        cmocka_unit_test(test_stop),      cmocka_unit_test(test_engine_problem),
    };

    return cmocka_run_group_tests_name("engine: stream", tests, NULL, NULL);
}
