/* Killing a run, taking it up again in another process, and looking at what became of it. */
#ifndef OMSLAUNCH_TESTS_KILL_H
#define OMSLAUNCH_TESTS_KILL_H

#include "tests/unit/upgrade/world.h"

/* Kills this process at an event of the run: before a row's intent, or after its outcome. */
static unsigned events_left;

static void on_begin(void *arg, const struct run_row *row)
{
    (void)arg, (void)row;
    if (events_left > 0 && --events_left == 0) {
        (void)raise(SIGKILL);
    }
}

static void on_end(void *arg, const struct run_row *row, bool ok, uint64_t took_ms,
                   const char *summary)
{
    (void)ok, (void)took_ms, (void)summary;
    on_begin(arg, row);
}

static const struct run_observer observer = {.row_begins = on_begin, .row_ends = on_end};

/* The next process: takes the stored plan and goes on, forwards or back. */
static void take_up(const struct world *w, bool back, struct run_outcome *ret)
{
    AUTO_PLAN struct plan plan = PLAN_INIT;
    AUTO_RUN struct run *x = NULL;
    AUTO_FREE char *state = fs_join(w->folder, "state");
    struct err err = ERR_INIT;

    assert_ok(run_load_plan(state, RUN, &plan, &err), &err);
    assert_ok(world_execution(w, &plan, true, NULL, NULL, &x, &err), &err);
    if (back) {
        run_back(x, ret);
    } else {
        run_to_end(x, true, ret);
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static bool is_one_of(const char *text, const char *const *expected)
{
    for (; *expected != NULL; expected++) {
        if (str_eq(text, *expected)) {
            return true;
        }
    }
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

#endif
