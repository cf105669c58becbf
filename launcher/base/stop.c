#include "launcher/base/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "launcher/base/mem.h"

/* How many requests can be told apart by who waits; nobody tolerates more. */
#define LEVELS 8

/* Any thread may run the handler, so these are atomics and not sig_atomic_t. */
static atomic_int stop_seen_signal;
static atomic_int stop_seen_count;
/* Readable from the first, the second, … request on. */
static atomic_int stop_event_fds[LEVELS] = {-1, -1, -1, -1, -1, -1, -1, -1};
static _Thread_local int stop_tolerated;

static void on_signal(int signal_number)
{
    int saved = errno;
    int none = 0;
    atomic_compare_exchange_strong(&stop_seen_signal, &none, signal_number);
    int before = atomic_fetch_add(&stop_seen_count, 1);
    const uint64_t one = 1;
    if (before < LEVELS && write(atomic_load(&stop_event_fds[before]), &one, sizeof(one)) < 0) {
        /* Full means already readable, and there is nobody to tell anything else. */
    }
    errno = saved;
}

void stop_catch_signals(void)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (atomic_load(&stop_event_fds[i]) < 0) {
            atomic_store(&stop_event_fds[i], eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        }
    }
    struct sigaction catch = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&catch.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct sigaction old;
        /* nohup's wish holds: a hang-up that is ignored stays ignored. */
        if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
            old.sa_handler == SIG_IGN) {
            continue;
        }
        sigaction(signals[i], &catch, NULL);
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

void stop_tolerate(int count)
{
    stop_tolerated = count;
}

int stop_tolerance(void)
{
    return stop_tolerated;
}

bool stop_requested(void)
{
    return atomic_load(&stop_seen_count) > stop_tolerated;
}

int stop_signal(void)
{
    return atomic_load(&stop_seen_signal);
}

int stop_count(void)
{
    return atomic_load(&stop_seen_count);
}

int stop_fd(void)
{
    return stop_tolerated < LEVELS ? atomic_load(&stop_event_fds[stop_tolerated]) : -1;
}
