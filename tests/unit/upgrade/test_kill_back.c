/* kill -9 between the records of an upgrade, and around each call of a rollback. */
#include "tests/unit/upgrade/kill.h"

/* ---- kills between the records ---- */

static bool kill_upgrade_at_event(unsigned number, bool back)
{
    AUTO_WORLD struct world w;
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_FREE char *what = mem_printf("event %u", number);

    world_begin(&w);
    world_survey(&w, NULL, &survey);
    events_left = number;
    world_run_in_child(&w, &survey.plan, true, &observer);
    if (!WIFSIGNALED(w.exit_status)) {
        return false;
    }
    take_up_and_check(&w, back, what);
    return true;
}

static void test_killed_between_records(void **state)
{
    (void)state;
    unsigned number = 1;

    while (kill_upgrade_at_event(number, false) && kill_upgrade_at_event(number, true)) {
        number++;
    }
    /* Thirteen rows, each with a beginning and an end. */
    assert_int_equal(number - 1, 26);
    events_left = 0;
}

/* ---- kills of a rollback ---- */

/* The upgrade fails late, so that everything has to be undone; its rollback is killed. */
static bool kill_rollback_at(unsigned number, enum fault how)
{
    AUTO_WORLD struct world w;
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_FREE char *key = NULL;
    struct run_outcome outcome;

    world_begin(&w);
    w.init = INIT_FAILS;
    world_survey(&w, NULL, &survey);
    key = mem_printf("%u", number);
    world_fault(&w, how, key);
    world_run_in_child(&w, &survey.plan, true, &observer);
    if (!WIFSIGNALED(w.exit_status)) {
        assert_int_equal(WEXITSTATUS(w.exit_status), RUN_ROLLED_BACK);
        return false;
    }
    take_up(&w, false, &outcome);
    AUTO_FREE char *now = world_describe(&w);
    AUTO_FREE char *all = file_read(w.folder, "log");
    if (outcome.back_failed || outcome.end != RUN_ROLLED_BACK || !str_eq(now, OLD_SERVES_AGAIN)) {
        fail_msg("%s at call %u: %s %s\n%s\n%s", fault_names[how], number,
                 run_end_name(outcome.end), outcome.back_failure.text, now, all);
    }
    return true;
}

static void kill_rollback_everywhere(enum fault how)
{
    const char *init = strstr(FORWARD, "metadb servers\n");
    AUTO_FREE char *before = mem_strndup(FORWARD, (size_t)(init - FORWARD));
    unsigned first = (unsigned)count_lines(before) + 1;
    unsigned number = first;

    while (kill_rollback_at(number, how)) {
        number++;
    }
    /* policy, stop, two renames, restore, policy, start, servers, ha-get, ha-set */
    assert_int_equal(number - first, 10);
}

static void test_rollback_killed_before_a_call(void **state)
{
    (void)state;
    kill_rollback_everywhere(FAULT_KILL_BEFORE);
}

static void test_rollback_killed_after_a_call(void **state)
{
    (void)state;
    kill_rollback_everywhere(FAULT_KILL_AFTER);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_killed_between_records),
    cmocka_unit_test(test_rollback_killed_before_a_call),
    cmocka_unit_test(test_rollback_killed_after_a_call),
};

WORLD_MAIN(tests)
