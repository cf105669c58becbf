#include "tests/unit/unit.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/mem.h"

static void test_format(void **state)
{
    (void)state;
    char buf[CLOCK_TEXT_MAX];
    assert_string_equal(clock_format(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_format(1795341600123, buf), "2026-11-22T10:00:00.123Z");
    assert_string_equal(clock_format(253402300799999, buf), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_format(UINT64_MAX, buf), "584556019-04-03T14:25:51.615Z");
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"2026-11-22T10:00:00Z", 1795341600000},
        {"2026-11-22T10:00:00.1Z", 1795341600100},
        {"2026-11-22T10:00:00.123456789Z", 1795341600123},
        {"2026-11-22T12:00:00+02:00", 1795341600000},
        {"2026-11-22T04:30:00.5-05:30", 1795341600500},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00+01:00", 0},
        {"0001-01-01T00:00:00Z", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint64_t ms = 42;
        assert_int_equal(clock_parse(good[i].text, &ms), 0);
        assert_true(ms == good[i].ms);
    }
    static const char *const bad[] = {
        "",
        "now",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00z",
        "2026-11-22T10:00:00+0200",
        "2026-11-22T10:00:00Z ",
        "2026-13-22T10:00:00Z",
        "2026-00-22T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2025-02-29T10:00:00Z",
        "1900-02-29T10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:00+24:00",
        "2026-1-22T10:00:00Z",
        "+026-11-22T10:00:00Z",
        "2026-11-22T10:00:-1Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t ms = 42;
        assert_int_equal(clock_parse(bad[i], &ms), -1);
        assert_true(ms == 42);
    }
}

static void test_format_and_parse_agree(void **state)
{
    (void)state;
    char buf[CLOCK_TEXT_MAX];
    for (uint64_t ms = 0; ms < 4000000000000; ms += 86399123456 / 7) {
        uint64_t again = 0;
        assert_int_equal(clock_parse(clock_format(ms, buf), &again), 0);
        assert_true(again == ms);
    }
}

static void test_deadlines(void **state)
{
    (void)state;
    assert_true(clock_deadline(0) == 0);
    assert_true(clock_deadline(UINT64_MAX) == 0);
    assert_true(clock_left_ms(0) == UINT64_MAX);
    assert_false(clock_passed(0));
    uint64_t deadline = clock_deadline(60000);
    assert_in_range(clock_left_ms(deadline), 50000, 60000);
    assert_false(clock_passed(deadline));
    assert_true(clock_passed(clock_mono_ms()));
    assert_true(clock_left_ms(1) == 0);
    assert_true(clock_wall_ms() > 1700000000000);
}

static void test_sleep(void **state)
{
    (void)state;
    uint64_t start = clock_mono_ms();
    clock_sleep_ms(0);
    assert_in_range(clock_mono_ms() - start, 0, 50);
    clock_sleep_ms(120);
    assert_in_range(clock_mono_ms() - start, 120, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format_and_parse_agree),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
