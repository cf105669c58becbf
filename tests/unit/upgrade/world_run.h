/* A world, and one run in it that may be taken up again and again. */
#ifndef OMSLAUNCH_TESTS_WORLD_RUN_H
#define OMSLAUNCH_TESTS_WORLD_RUN_H

#include "tests/unit/upgrade/world.h"

struct fixture {
    struct world w;
    struct survey survey;
    struct run *x;
    struct run_outcome outcome;
};

static void fixture_free(struct fixture *f)
{
    run_free(f->x);
    survey_free(&f->survey);
    world_end(&f->w);
}
#define AUTO_FIXTURE CLEANUP(fixture_free)

static inline void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    world_begin(&f->w);
    world_survey(&f->w, NULL, &f->survey);
}

/* One process's part of the run; the next one takes it up. */
static inline void go(struct fixture *f, bool take_up, bool roll_back, const struct strv *answers)
{
    struct err err = ERR_INIT;

    run_free(TAKE(f->x));
    assert_ok(world_execution(&f->w, &f->survey.plan, take_up, answers, NULL, &f->x, &err), &err);
    run_to_end(f->x, roll_back, &f->outcome);
}

static inline void assert_end(const struct fixture *f, enum run_end end, const char *world)
{
    if (f->outcome.end != end) {
        fail_msg("ended as %s: %s %s", run_end_name(f->outcome.end), f->outcome.failure.text,
                 f->outcome.back_failure.text);
    }
    assert_world(&f->w, world);
}

#endif
