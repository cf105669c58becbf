#include "launcher/base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "launcher/base/mem.h"

/* They wait for engines more than they compute; a bound all the same, since each has a stack. */
#define THREADS_MAX 256U

struct crew {
    size_t count;
    atomic_size_t next;
    void (*one)(void *arg, size_t index);
    void *arg;
};

static void *work(void *arg)
{
    struct crew *crew = arg;
    for (;;) {
        size_t index = atomic_fetch_add(&crew->next, 1);
        if (index >= crew->count) {
            return NULL;
        }
        crew->one(crew->arg, index);
    }
}

void parallel_each(size_t count, size_t limit, void (*one)(void *arg, size_t index), void *arg)
{
    struct crew crew = {.count = count, .one = one, .arg = arg};
    size_t wanted = limit == 0 || limit > count ? count : limit;
    wanted = wanted > THREADS_MAX ? THREADS_MAX : wanted;
    size_t helpers = 0;
    pthread_t threads[THREADS_MAX];
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (helpers + 1 < wanted && pthread_create(&threads[helpers], NULL, work, &crew) == 0) {
        helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(&crew);
    for (size_t i = 0; i < helpers; i++) {
        pthread_join(threads[i], NULL);
    }
}
