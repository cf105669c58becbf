/* Jobs side by side: all meet, no more at once than wanted, and one thread has the last word. */
#include "launcher/upgrade/wave.h"

#include <stdatomic.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/mem.h"
#include "tests/unit/unit.h"

#define JOBS 16

struct crowd {
    struct wave wave;
    size_t fails_at; /* index of the job that fails; JOBS: none */
    atomic_size_t inside, most, taken;
    pthread_t owner;
    bool is_elsewhere; /* a call was not done by the owner */
    size_t calls;      /* written without a lock: only the owner does */
};

static int done_by_owner(void *arg, struct err *err)
{
    struct crowd *c = arg;
    (void)err;
    c->is_elsewhere = c->is_elsewhere || pthread_equal(pthread_self(), c->owner) == 0;
    c->calls++;
    return 0;
}

static int job(void *arg, size_t index, struct err *err)
{
    struct crowd *c = arg;
    size_t inside = atomic_fetch_add(&c->inside, 1) + 1;
    size_t most = atomic_load(&c->most);
    while (inside > most && !atomic_compare_exchange_weak(&c->most, &most, inside)) {
    }
    clock_sleep_ms(2);
    int rc = wave_call(&c->wave, done_by_owner, c, err);
    atomic_fetch_add(&c->taken, 1);
    atomic_fetch_sub(&c->inside, 1);
    if (index == c->fails_at) {
        return err_fail(err, ERR_STATE, "job %zu fails", index);
    }
    return rc;
}

static size_t take(struct crowd *c, size_t parallel, bool stop_at_failure,
                   struct wave_result *results)
{
    c->owner = pthread_self();
    wave_init(&c->wave);
    size_t failed = wave_run(&c->wave, JOBS, parallel, stop_at_failure, job, c, results);
    wave_free(&c->wave);
    return failed;
}

static void test_no_more_at_once_than_wanted(void **state)
{
    (void)state;
    struct wave_result results[JOBS];
    struct crowd c = {.fails_at = JOBS};

    assert_int_equal(take(&c, 3, false, results), 0);
    assert_int_equal(c.taken, JOBS);
    assert_in_range(c.most, 1, 3);
    assert_int_equal(c.calls, JOBS);
    assert_false(c.is_elsewhere);
}

static void test_one_at_a_time_is_the_owner_itself(void **state)
{
    (void)state;
    struct wave_result results[JOBS];
    struct crowd c = {.fails_at = JOBS};

    assert_int_equal(take(&c, 1, false, results), 0);
    assert_int_equal(c.most, 1);
    assert_int_equal(c.calls, JOBS);
    assert_false(c.is_elsewhere);
}

static void test_a_failure_stops_what_was_not_begun(void **state)
{
    (void)state;
    struct wave_result results[JOBS];
    struct crowd c = {.fails_at = 2};

    assert_int_equal(take(&c, 1, true, results), 1);
    assert_int_equal(c.taken, 3);
    assert_true(results[2].taken);
    assert_string_equal(results[2].err.text, "job 2 fails");
    assert_false(results[3].taken);
}

static void test_a_failure_stops_nobody_who_goes_back(void **state)
{
    (void)state;
    struct wave_result results[JOBS];
    struct crowd c = {.fails_at = 2};

    assert_int_equal(take(&c, 0, false, results), 1);
    assert_int_equal(c.taken, JOBS);
    assert_int_equal(results[1].rc, 0);
    assert_int_equal(results[2].rc, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_at_once_than_wanted),
        cmocka_unit_test(test_one_at_a_time_is_the_owner_itself),
        cmocka_unit_test(test_a_failure_stops_what_was_not_begun),
        cmocka_unit_test(test_a_failure_stops_nobody_who_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
