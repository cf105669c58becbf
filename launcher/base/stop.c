#include "launcher/base/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "launcher/base/mem.h"

/* Any thread may run the handler, so these are atomics and not sig_atomic_t. */
static atomic_int stop_seen_signal;
static atomic_int stop_seen_count;
static atomic_int stop_tolerated;
static atomic_int stop_event_fd = -1;

static void on_signal(int signal_number)
{
    int saved = errno;
    int none = 0;
    atomic_compare_exchange_strong(&stop_seen_signal, &none, signal_number);
    int count = atomic_fetch_add(&stop_seen_count, 1) + 1;
    const uint64_t one = 1;
    if (count > atomic_load(&stop_tolerated) &&
        write(atomic_load(&stop_event_fd), &one, sizeof(one)) < 0) {
        /* Full means already readable, and there is nobody to tell anything else. */
    }
    errno = saved;
}

void stop_catch_signals(void)
{
    if (atomic_load(&stop_event_fd) < 0) {
        atomic_store(&stop_event_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
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
    atomic_store(&stop_tolerated, count);
    uint64_t drained;
    if (!stop_requested() && read(atomic_load(&stop_event_fd), &drained, sizeof(drained)) < 0) {
        /* Nothing was there to drain. */
    }
}

bool stop_requested(void)
{
    return atomic_load(&stop_seen_count) > atomic_load(&stop_tolerated);
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
    return atomic_load(&stop_event_fd);
}
