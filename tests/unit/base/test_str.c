#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/foreign.h"
#include "launcher/base/str.h"

static void test_append(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT;
    assert_string_equal(str_get(&s), "");
    str_append(&s, "ab");
    str_append_c(&s, 'c');
    str_append_n(&s, "defgh", 2);
    str_append_n(&s, NULL, 0);
    str_appendf(&s, "-%03d-%s", 7, "x");
    assert_string_equal(str_get(&s), "abcde-007-x");
    assert_int_equal(s.len, 11);
    str_reset(&s);
    assert_string_equal(str_get(&s), "");
    assert_int_equal(s.len, 0);
}

static void test_append_keeps_nul_bytes(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT;
    str_append_n(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.data, "a\0b\0", 4);
}

static void test_append_grows(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT;
    for (int i = 0; i < 100000; i++) {
        str_append_c(&s, (char)('a' + i % 26));
        assert_true(s.cap > s.len);
    }
    assert_int_equal(s.len, 100000);
    assert_int_equal(s.data[99999], 'a' + 99999 % 26);
}

static void test_take_empties(void **state)
{
    (void)state;
    struct str s = STR_INIT;
    char *nothing = str_take(&s);
    assert_string_equal(nothing, "");
    free(nothing);
    str_append(&s, "x");
    char *text = str_take(&s);
    assert_string_equal(text, "x");
    assert_null(s.data);
    assert_int_equal(s.len, 0);
    free(text);
}

static void test_list(void **state)
{
    (void)state;
    AUTO_STRV struct strv v = STRV_INIT;
    assert_false(strv_has(&v, "a"));
    strv_add(&v, "a");
    strv_addf(&v, "%d:%d", 1, 2);
    assert_int_equal(v.count, 2);
    assert_string_equal(v.items[0], "a");
    assert_string_equal(v.items[1], "1:2");
    assert_null(v.items[2]);
    assert_true(strv_has(&v, "1:2"));
    assert_false(strv_has(&v, "1"));
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_eq("a", "a"));
    assert_false(str_eq("a", "b"));
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("", NULL));
    assert_true(str_starts_with("abc", "ab"));
    assert_true(str_starts_with("abc", ""));
    assert_false(str_starts_with("ab", "abc"));
    assert_true(str_ends_with("abc", "bc"));
    assert_true(str_ends_with("abc", ""));
    assert_false(str_ends_with("bc", "abc"));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t min, max;
        uint64_t value; /* 0: `error` */
        const char *error;
    } cases[] = {
        {"1", 1, 65535, 1, NULL},
        {"65535", 1, 65535, 65535, NULL},
        {"08088", 1, 65535, 8088, NULL},
        {"18446744073709551615", 1, UINT64_MAX, UINT64_MAX, NULL},
        {"80x", 1, 65535, 0, "port '80x' is no number from 1 to 65535"},
        {"0", 1, 65535, 0, "port '0' is no number from 1 to 65535"},
        {"65536", 1, 65535, 0, "port '65536' is no number from 1 to 65535"},
        {"", 1, 65535, 0, "port '' is no number from 1 to 65535"},
        {" 1", 1, 65535, 0, "port ' 1' is no number from 1 to 65535"},
        {"1 ", 1, 65535, 0, "port '1 ' is no number from 1 to 65535"},
        {"+1", 1, 65535, 0, "port '+1' is no number from 1 to 65535"},
        {"-1", 1, 65535, 0, "port '-1' is no number from 1 to 65535"},
        {"0x10", 1, 65535, 0, "port '0x10' is no number from 1 to 65535"},
        {"1e3", 1, 65535, 0, "port '1e3' is no number from 1 to 65535"},
        {"18446744073709551616", 1, UINT64_MAX, 0,
         "port '18446744073709551616' is no whole number of at least 1"},
        {"99999999999999999999", 1, UINT64_MAX, 0,
         "port '99999999999999999999' is no whole number of at least 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        uint64_t value = 42;
        int got = str_to_u64(cases[i].text, cases[i].min, cases[i].max, "port", &value, &err);
        if (cases[i].error) {
            assert_int_equal(got, -1);
            assert_err(&err, ERR_USAGE, cases[i].error);
            assert_int_equal(value, 42);
        } else {
            assert_int_equal(got, 0);
            assert_true(value == cases[i].value);
        }
    }
}

static void test_durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
        const char *error;
    } cases[] = {
        {"90", 90000, NULL},
        {"90s", 90000, NULL},
        {"15m", 900000, NULL},
        {"2h", 7200000, NULL},
        {"500ms", 500, NULL},
        {"0", 0, NULL},
        {"87600h", 315360000000, NULL},
        {"87601h", 0, "--wait '87601h' is longer than 87600h"},
        {"18446744073709551615", 0, "--wait '18446744073709551615' is longer than 87600h"},
        {"18446744073709551616", 0,
         "--wait '18446744073709551616' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"", 0, "--wait '' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"s", 0, "--wait 's' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"1.5h", 0, "--wait '1.5h' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"1h30m", 0, "--wait '1h30m' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"-1s", 0, "--wait '-1s' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"1 s", 0, "--wait '1 s' is no duration such as 90, 90s, 15m, 2h or 500ms"},
        {"1S", 0, "--wait '1S' is no duration such as 90, 90s, 15m, 2h or 500ms"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        uint64_t ms = 42;
        int got = str_to_duration_ms(cases[i].text, "--wait", &ms, &err);
        if (cases[i].error) {
            assert_int_equal(got, -1);
            assert_err(&err, ERR_USAGE, cases[i].error);
            assert_int_equal(ms, 42);
        } else {
            assert_int_equal(got, 0);
            assert_true(ms == cases[i].ms);
        }
    }
}

static void test_sizes_are_written(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1048575, "1.0 MiB"},
        {1048576, "1.0 MiB"},
        {1047000, "1022.5 KiB"},
        {1610612736, "1.5 GiB"},
        {1099511627775, "1.0 TiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_STR struct str s = STR_INIT;
        str_append_size(&s, cases[i].bytes);
        assert_string_equal(str_get(&s), cases[i].text);
    }
}

static void test_durations_are_written(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        {0, "0.0 s"},
        {49, "0.0 s"},
        {50, "0.1 s"},
        {4200, "4.2 s"},
        {59949, "59.9 s"},
        {59950, "1 min 00 s"},
        {185000, "3 min 05 s"},
        {3599499, "59 min 59 s"},
        {3599500, "1 h 00 min"},
        {3720000, "1 h 02 min"},
        {360000000, "100 h 00 min"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_STR struct str s = STR_INIT;
        str_append_duration(&s, cases[i].ms);
        assert_string_equal(str_get(&s), cases[i].text);
    }
}

static void test_secret_copies(void **state)
{
    (void)state;
    AUTO_SECRET struct secret secret = SECRET_INIT;
    secret_set(&secret, "p\0w", 3);
    assert_int_equal(secret.len, 3);
    assert_memory_equal(secret.bytes, "p\0w\0", 4);
    secret_set(&secret, secret.bytes, 1);
    assert_string_equal(secret.bytes, "p");
    secret_set(&secret, NULL, 0);
    assert_string_equal(secret.bytes, "");
    secret_free(&secret);
    assert_null(secret.bytes);
    secret_free(&secret);
    foreign_forget();
}

static void test_wipe(void **state)
{
    (void)state;
    char text[] = "secret";
    secret_wipe(text, sizeof(text));
    assert_memory_equal(text, "\0\0\0\0\0\0", sizeof(text));
    secret_wipe(NULL, 0);
}

static void test_process_is_protected(void **state)
{
    (void)state;
    pid_t pid = fork(); /* so that this program can still be debugged */
    if (pid == 0) {
        secret_protect_process();
        struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};
        getrlimit(RLIMIT_CORE, &core);
        _exit(core.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_append_keeps_nul_bytes),
        cmocka_unit_test(test_append_grows),
        cmocka_unit_test(test_take_empties),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations_are_read),
        cmocka_unit_test(test_sizes_are_written),
        cmocka_unit_test(test_durations_are_written),
        cmocka_unit_test(test_secret_copies),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_process_is_protected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
