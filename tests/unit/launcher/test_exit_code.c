/* Exit codes are API: each kind of error and each end of a run has the one that is documented. */
#include "launcher/exit_code.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/mem.h"
#include "launcher/base/stop.h"
#include "tests/unit/unit.h"

static void test_errors(void **state)
{
    (void)state;
    static const int codes[ERR_KIND_MAX] = {
        [ERR_FAILED] = 1,       [ERR_USAGE] = 64,   [ERR_CONFIG] = 78, [ERR_REFUSED] = 65,
        [ERR_UNREACHABLE] = 69, [ERR_STATE] = 73,   [ERR_LOCKED] = 75, [ERR_PERMISSION] = 77,
        [ERR_NOT_FOUND] = 1,    [ERR_CONFLICT] = 1, [ERR_TIMEOUT] = 1, [ERR_INTERRUPTED] = 1,
    };
    for (int kind = 0; kind < ERR_KIND_MAX; kind++) {
        const struct err err = {.kind = (enum err_kind)kind};
        assert_int_equal(exit_code_of_error(&err), codes[kind]);
        /* Where nothing was changed, the error says why. */
        assert_int_equal(exit_code_of_end(RUN_UNCHANGED, &err), codes[kind]);
    }
}

static void test_ends(void **state)
{
    (void)state;
    static const int codes[RUN_END_MAX] = {
        [RUN_UPGRADED] = 0,         [RUN_ABANDONED] = 0,    [RUN_UPGRADED_WITH_FAULT] = 12,
        [RUN_UNCHANGED] = 69,       [RUN_ROLLED_BACK] = 10, [RUN_HELD] = 13,
        [RUN_ROLLBACK_FAILED] = 11,
    };
    const struct err err = {.kind = ERR_UNREACHABLE};

    for (int end = 0; end < RUN_END_MAX; end++) {
        assert_int_equal(exit_code_of_end((enum run_end)end, &err), codes[end]);
    }
}

static void test_each_code_is_documented_once(void **state)
{
    (void)state;
    static const int expected[] = {0, 1, 10, 11, 12, 13, 64, 65, 69, 73, 75, 77, 78, 130};
    size_t count;
    const struct exit_code_row *rows = exit_code_table(&count);

    assert_int_equal(count, ARRAY_LEN(expected));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(atoi(rows[i].codes), expected[i]);
        assert_true(strlen(rows[i].meaning) > 4);
    }
}

/* 128 and the signal, as shells have it; and only when a signal was the reason. */
static void test_signal(void **state)
{
    (void)state;
    const struct err interrupted = {.kind = ERR_INTERRUPTED};
    const struct err failed = {.kind = ERR_FAILED};

    stop_catch_signals();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(exit_code_of_error(&interrupted), 143);
    assert_int_equal(exit_code_of_error(&failed), 1);
    assert_int_equal(exit_code_of_end(RUN_UNCHANGED, &interrupted), 143);
    assert_int_equal(exit_code_of_end(RUN_ROLLED_BACK, &interrupted), 10);
    assert_int_equal(exit_code_of_end(RUN_HELD, &interrupted), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_each_code_is_documented_once),
        cmocka_unit_test(test_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
