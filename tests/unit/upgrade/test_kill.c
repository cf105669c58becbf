/* kill -9 right before and right after each call of an upgrade; then resume in one series and
 * rollback in another. Each ends with one version healthy on databases that fit it. */
#include "tests/unit/upgrade/kill.h"

/* Kills at call `number` and takes the run up. False when there is no such call. */
static bool kill_upgrade_at(unsigned number, enum fault how, bool back)
{
    AUTO_WORLD struct world w;
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_FREE char *key = mem_printf("%u", number);

    world_begin(&w);
    world_survey(&w, NULL, &survey);
    world_fault(&w, how, key);
    world_run_in_child(&w, &survey.plan, true, &observer);
    if (!WIFSIGNALED(w.exit_status)) {
        assert_int_equal(w.exit_status, RUN_UPGRADED);
        return false;
    }
    AUTO_FREE char *log = file_read(w.folder, "log");
    assert_int_equal(count_lines(log), number);
    take_up_and_check(&w, back, key);
    return true;
}

static void kill_upgrade_everywhere(enum fault how, bool back)
{
    unsigned number = 1;

    while (kill_upgrade_at(number, how, back)) {
        number++;
    }
    assert_int_equal(number - 1, count_lines(FORWARD));
}

static void test_killed_before_a_call_then_resume(void **state)
{
    (void)state;
    kill_upgrade_everywhere(FAULT_KILL_BEFORE, false);
}

static void test_killed_after_a_call_then_resume(void **state)
{
    (void)state;
    kill_upgrade_everywhere(FAULT_KILL_AFTER, false);
}

static void test_killed_before_a_call_then_rollback(void **state)
{
    (void)state;
    kill_upgrade_everywhere(FAULT_KILL_BEFORE, true);
}

static void test_killed_after_a_call_then_rollback(void **state)
{
    (void)state;
    kill_upgrade_everywhere(FAULT_KILL_AFTER, true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_killed_before_a_call_then_resume),
    cmocka_unit_test(test_killed_after_a_call_then_resume),
    cmocka_unit_test(test_killed_before_a_call_then_rollback),
    cmocka_unit_test(test_killed_after_a_call_then_rollback),
};

WORLD_MAIN(tests)
