#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"

/* The tests of this file run in this order: a stop request cannot be taken back. */

static void test_before(void **state)
{
    (void)state;
    assert_false(stop_requested());
    assert_int_equal(stop_signal(), 0);
    assert_int_equal(stop_count(), 0);
    assert_int_equal(stop_fd(), -1);
}

static bool is_readable(void)
{
    struct pollfd fd = {.fd = stop_fd(), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void test_armed(void **state)
{
    (void)state;
    signal(SIGHUP, SIG_IGN);
    stop_catch_signals();
    int fd = stop_fd();
    stop_catch_signals();
    assert_int_equal(stop_fd(), fd);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_false(is_readable());
    assert_false(stop_requested());
    raise(SIGHUP); /* nohup wanted it ignored */
    assert_false(stop_requested());
    raise(SIGPIPE);
}

static void *interrupt_later(void *arg)
{
    (void)arg;
    usleep(100000);
    kill(getpid(), SIGTERM);
    return NULL;
}

static void test_stop_wakes_a_sleep(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_later, NULL), 0);
    uint64_t start = clock_mono_ms();
    clock_sleep_ms(10000);
    assert_in_range(clock_mono_ms() - start, 50, 5000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(stop_requested());
    assert_int_equal(stop_signal(), SIGTERM);
    assert_int_equal(stop_count(), 1);
    assert_true(is_readable());
}

static void test_sleep_after_a_stop_is_short_but_not_nothing(void **state)
{
    (void)state;
    uint64_t start = clock_mono_ms();
    clock_sleep_ms(10000);
    assert_in_range(clock_mono_ms() - start, 100, 5000);
}

static void test_second_request_counts(void **state)
{
    (void)state;
    raise(SIGINT);
    assert_int_equal(stop_count(), 2);
    assert_int_equal(stop_signal(), SIGTERM); /* the first one is why we stop */
}

static void test_tolerated_requests_are_none(void **state)
{
    (void)state;
    stop_tolerate(2);
    assert_false(stop_requested());
    uint64_t start = clock_mono_ms();
    clock_sleep_ms(200);
    assert_in_range(clock_mono_ms() - start, 200, 5000);
    assert_false(is_readable());
    raise(SIGTERM);
    assert_true(stop_requested());
    assert_true(is_readable());
    assert_int_equal(stop_count(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_armed),
        cmocka_unit_test(test_stop_wakes_a_sleep),
        cmocka_unit_test(test_sleep_after_a_stop_is_short_but_not_nothing),
        cmocka_unit_test(test_second_request_counts),
        cmocka_unit_test(test_tolerated_requests_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
