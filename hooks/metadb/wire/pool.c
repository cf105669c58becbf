#include "hooks/metadb/wire/pool.h"

#include <pthread.h>

#include <mysql.h>

#include "launcher/base/stop.h"

struct pool {
    size_t count, next;
    pool_fn fn;
    void *arg;
    pthread_mutex_t lock;
    bool failed;
    struct err err;
};

struct pool_thread {
    struct pool *pool;
    unsigned worker;
    pthread_t thread;
};

static void pool_fail(struct pool *p, const struct err *err)
{
    pthread_mutex_lock(&p->lock);
    if (!p->failed) {
        p->err = *err;
        __atomic_store_n(&p->failed, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&p->lock);
}

static void *pool_work(void *arg)
{
    struct pool_thread *t = arg;
    struct pool *p = t->pool;
    struct err err = ERR_INIT;
    mysql_thread_init();
    while (!__atomic_load_n(&p->failed, __ATOMIC_ACQUIRE)) {
        size_t task = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);
        if (task >= p->count) {
            break;
        }
        if (stop_requested()) {
            err_fail(&err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
            pool_fail(p, &err);
        } else if (p->fn(p->arg, t->worker, task, &err) < 0) {
            pool_fail(p, &err);
        }
    }
    mysql_thread_end();
    return NULL;
}

int pool_run(unsigned workers, size_t count, pool_fn fn, void *arg, struct err *err)
{
    struct pool p = {
        .count = count, .fn = fn, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER, .err = ERR_INIT};
    AUTO_FREE struct pool_thread *threads = mem_alloc(workers * sizeof(*threads));
    unsigned started = 0;
    for (; started < workers; started++) {
        threads[started] = (struct pool_thread){.pool = &p, .worker = started};
        if (pthread_create(&threads[started].thread, NULL, pool_work, &threads[started]) != 0) {
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    if (started == 0) {
        return err_fail(err, ERR_FAILED, "no thread can be started: the process limit is reached");
    }
    if (p.failed) {
        *err = p.err;
        return -1;
    }
    return 0;
}
