#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "launcher/base/parallel.h"

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t come;
    size_t expected, here, most, now;
    unsigned char calls[64];
    pthread_t caller;
    bool signals_open; /* in a thread that is not the caller's */
};

static void meeting_init(struct meeting *m, size_t expected)
{
    *m = (struct meeting){.expected = expected, .caller = pthread_self()};
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->come, NULL);
}

/* Returns only once all are here: without that many threads this would wait for ever. */
static void meet(void *arg, size_t index)
{
    struct meeting *m = arg;
    sigset_t mask;
    pthread_mutex_lock(&m->lock);
    m->calls[index]++;
    m->here++;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!pthread_equal(pthread_self(), m->caller) && !sigismember(&mask, SIGTERM)) {
        m->signals_open = true;
    }
    pthread_cond_broadcast(&m->come);
    while (m->here < m->expected) {
        pthread_cond_wait(&m->come, &m->lock);
    }
    pthread_mutex_unlock(&m->lock);
}

static void all_at_once(void **state)
{
    (void)state;
    struct meeting m;
    meeting_init(&m, 64);
    parallel_each(64, 0, meet, &m);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(m.calls[i], 1);
    }
    assert_false(m.signals_open);
}

static void count_most(void *arg, size_t index)
{
    struct meeting *m = arg;
    pthread_mutex_lock(&m->lock);
    m->calls[index]++;
    m->now++;
    m->most = m->now > m->most ? m->now : m->most;
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&m->lock);
    m->now--;
    pthread_mutex_unlock(&m->lock);
}

static void never_more_than_the_limit(void **state)
{
    (void)state;
    struct meeting m;
    meeting_init(&m, 0);
    parallel_each(64, 3, count_most, &m);
    assert_true(m.most >= 1 && m.most <= 3);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(m.calls[i], 1);
    }
}

static void one_is_the_caller(void **state)
{
    (void)state;
    struct meeting m;
    meeting_init(&m, 1);
    parallel_each(0, 0, meet, &m);
    assert_int_equal(m.here, 0);
    parallel_each(1, 0, meet, &m);
    assert_int_equal(m.here, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(never_more_than_the_limit),
        cmocka_unit_test(one_is_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
