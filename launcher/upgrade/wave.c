#include "launcher/upgrade/wave.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/mem.h"
#include "launcher/base/stop.h"

#define STACK_SIZE (1024U * 1024)

struct wave_message {
    wave_fn fn;
    void *arg;
    struct err *err;
    int rc;
    bool answered;
    struct wave_message *next;
};

/* What the threads of one wave share. */
struct crew {
    struct wave *wave;
    wave_job_fn fn;
    void *arg;
    struct wave_result *results;
    size_t count, next, ended;
    bool stop_at_failure, failed;
    int tolerance; /* of signals: the owner's */
};

/* Is this thread a job's? */
static _Thread_local bool is_job;

void wave_init(struct wave *w)
{
    memset(w, 0, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->data = mem_alloc(sizeof(pthread_mutex_t));
    pthread_mutex_init(w->data, NULL);
}

void wave_free(struct wave *w)
{
    if (w->data != NULL) {
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(w->data);
        free(TAKE(w->data));
    }
}

void wave_lock_data(const struct wave *w)
{
    pthread_mutex_lock(w->data);
}

void wave_unlock_data(const struct wave *w)
{
    pthread_mutex_unlock(w->data);
}

/* ---- jobs ---- */

/* The next job that is to be taken, or `count`. Under the lock. */
static size_t next_job(struct crew *c)
{
    return c->failed && c->stop_at_failure ? c->count : c->next < c->count ? c->next++ : c->count;
}

static void take_jobs(struct crew *c)
{
    struct wave *w = c->wave;
    pthread_mutex_lock(&w->lock);
    for (size_t i = next_job(c); i < c->count; i = next_job(c)) {
        struct wave_result *result = &c->results[i];
        pthread_mutex_unlock(&w->lock);
        result->taken = true;
        result->rc = c->fn(c->arg, i, &result->err);
        pthread_mutex_lock(&w->lock);
        c->failed = c->failed || result->rc != 0;
    }
    pthread_mutex_unlock(&w->lock);
}

static void *job_main(void *arg)
{
    struct crew *c = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* they are the owner's; a job sees that they came */
    is_job = true;
    stop_tolerate(c->tolerance);
    take_jobs(c);
    pthread_mutex_lock(&c->wave->lock);
    c->ended++;
    pthread_cond_broadcast(&c->wave->changed);
    pthread_mutex_unlock(&c->wave->lock);
    return NULL;
}

/* ---- the owner ---- */

static void answer(struct wave *w, struct wave_message *m)
{
    pthread_mutex_unlock(&w->lock);
    m->rc = m->fn(m->arg, m->err);
    pthread_mutex_lock(&w->lock);
    m->answered = true;
    pthread_cond_broadcast(&w->changed);
}

/* Does what the jobs want to be done, until all threads have ended. */
static void serve(struct crew *c, size_t threads)
{
    struct wave *w = c->wave;
    pthread_mutex_lock(&w->lock);
    while (c->ended < threads || w->first != NULL) {
        struct wave_message *m = w->first;
        if (m == NULL) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        w->first = m->next;
        w->last = w->first == NULL ? NULL : w->last;
        answer(w, m);
    }
    pthread_mutex_unlock(&w->lock);
}

static size_t start_threads(struct crew *c, pthread_t *threads, size_t wanted)
{
    pthread_attr_t attributes;
    size_t started = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    while (started < wanted && pthread_create(&threads[started], &attributes, job_main, c) == 0) {
        started++;
    }
    pthread_attr_destroy(&attributes);
    return started;
}

size_t wave_run(struct wave *w, size_t count, size_t parallel, bool stop_at_failure, wave_job_fn fn,
                void *arg, struct wave_result *results)
{
    size_t wanted = parallel == 0 || parallel > count ? count : parallel;
    AUTO_FREE pthread_t *threads = mem_grow(NULL, wanted + 1, sizeof(*threads));
    struct crew crew = {
        .wave = w,
        .fn = fn,
        .arg = arg,
        .results = results,
        .count = count,
        .stop_at_failure = stop_at_failure,
        .tolerance = stop_tolerance(),
    };
    for (size_t i = 0; i < count; i++) {
        results[i] = (struct wave_result){.err = ERR_INIT};
    }
    size_t started = wanted > 1 && !is_job ? start_threads(&crew, threads, wanted) : 0;
    if (started == 0) {
        take_jobs(&crew);
    }
    serve(&crew, started);
    size_t failed = 0;
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < count; i++) {
        failed += results[i].taken && results[i].rc != 0;
    }
    return failed;
}

int wave_call(struct wave *w, wave_fn fn, void *arg, struct err *err)
{
    struct wave_message m = {.fn = fn, .arg = arg, .err = err};
    if (!is_job) {
        return fn(arg, err);
    }
    pthread_mutex_lock(&w->lock);
    /* m stands in the queue only as long as this call waits for its answer. */
    if (w->last != NULL) {
        w->last->next = &m;
    } else {
        w->first = &m; /* cppcheck-suppress autoVariables */
    }
    w->last = &m; /* cppcheck-suppress autoVariables */
    pthread_cond_broadcast(&w->changed);
    while (!m.answered) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return m.rc;
}
