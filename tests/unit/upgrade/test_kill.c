/* kill -9 right before and right after each call of an upgrade, and of a rollback; then resume in
 * one series and rollback in another. Each ends with one version healthy on databases that fit it.
 */
#include "tests/unit/upgrade/world.h"

/* Kills this process at an event of the run: before a row's intent, or after its outcome. */
static unsigned events_left;

static void on_begin(void *arg, size_t number, size_t total, const char *doing)
{
    (void)arg, (void)number, (void)total, (void)doing;
    if (events_left > 0 && --events_left == 0)
        (void)raise(SIGKILL);
}

static void on_end(void *arg, bool ok, uint64_t took_ms, const char *summary)
{
    (void)ok, (void)took_ms;
    on_begin(arg, 0, 0, summary);
}

static const struct run_observer observer = {.row_begins = on_begin, .row_ends = on_end};

/* The next process: takes the stored plan and goes on, forwards or back. */
static void take_up(const struct world *w, bool back, struct run_outcome *ret)
{
    AUTO_PLAN struct plan plan = {.json = NULL};
    AUTO_EXECUTION struct execution *x = NULL;
    AUTO_FREE char *state = fs_join(w->folder, "state");
    struct err err = ERR_INIT;

    assert_ok(execution_load_plan(state, RUN, &plan, &err), &err);
    assert_ok(world_execution(w, &plan, true, NULL, NULL, &x, &err), &err);
    if (back)
        run_back(execution_run(x), ret);
    else
        run_to_end(execution_run(x), true, ret);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static bool is_one_of(const char *text, const char *const *expected)
{
    for (; *expected != NULL; expected++)
        if (str_eq(text, *expected))
            return true;
    return false;
}

static const char *const new_serves[] = {NEW_SERVES, NULL};
static const char *const old_serves[] = {OLD_SERVES, OLD_SERVES_AFTER_OUTAGE, OLD_SERVES_AGAIN,
                                         NULL};

/* Takes up what was killed, and looks at what becomes of it. */
static void take_up_and_check(const struct world *w, bool back, const char *what)
{
    struct run_outcome outcome;

    take_up(w, back, &outcome);
    AUTO_FREE char *now = world_describe(w);
    AUTO_FREE char *log = file_read(w->folder, "log");
    if (outcome.failed || outcome.back_failed || !is_one_of(now, back ? old_serves : new_serves)) {
        fail_msg("killed at %s, then %s: %s %s%s\n%s\n%s", what, back ? "rollback" : "resume",
                 run_end_name(outcome.end), outcome.failure.text, outcome.back_failure.text, now,
                 log);
    }
}

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

    while (kill_upgrade_at(number, how, back))
        number++;
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
    if (!WIFSIGNALED(w.exit_status))
        return false;
    take_up_and_check(&w, back, what);
    return true;
}

static void test_killed_between_records(void **state)
{
    (void)state;
    unsigned number = 1;

    while (kill_upgrade_at_event(number, false) && kill_upgrade_at_event(number, true))
        number++;
    /* Twelve rows, each with a beginning and an end. */
    assert_int_equal(number - 1, 24);
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

    while (kill_rollback_at(number, how))
        number++;
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
    cmocka_unit_test(test_killed_before_a_call_then_resume),
    cmocka_unit_test(test_killed_after_a_call_then_resume),
    cmocka_unit_test(test_killed_before_a_call_then_rollback),
    cmocka_unit_test(test_killed_after_a_call_then_rollback),
    cmocka_unit_test(test_killed_between_records),
    cmocka_unit_test(test_rollback_killed_before_a_call),
    cmocka_unit_test(test_rollback_killed_after_a_call),
};

WORLD_MAIN(tests)
