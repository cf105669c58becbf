#include "hooks/metadb_lock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"

#define SECOND_NS 1000000000L
#define POLL_NS 200000000L
#define TAKE_AGAIN_MS 500
/* How long a lost lock is waited for. */
#define LOST_MS 5000

enum lock_state {
    LOCK_TRYING,
    LOCK_HELD,
    LOCK_LOST, /* it is being taken again */
    LOCK_NOT_TO_BE_HAD,
    LOCK_FAILED,
};

struct metadb_lock {
    const struct metadb *db;
    char *run;
    json_t *parameters;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    enum lock_state state;
    bool let_go;
    struct err failure;
};

static void set_state(struct metadb_lock *l, enum lock_state state)
{
    pthread_mutex_lock(&l->mutex);
    l->state = state;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

static void on_progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes)
{
    (void)done, (void)total, (void)bytes;
    if (str_eq(text, "held")) {
        set_state(arg, LOCK_HELD);
    }
}

static void fail(struct metadb_lock *l, const struct err *failure)
{
    pthread_mutex_lock(&l->mutex);
    l->failure = *failure;
    pthread_mutex_unlock(&l->mutex);
    set_state(l, LOCK_FAILED);
}

static bool was_held(struct metadb_lock *l)
{
    pthread_mutex_lock(&l->mutex);
    bool held = l->state == LOCK_HELD || l->state == LOCK_LOST;
    pthread_mutex_unlock(&l->mutex);
    return held;
}

static bool is_let_go(void *arg)
{
    struct metadb_lock *l = arg;
    pthread_mutex_lock(&l->mutex);
    bool let_go = l->let_go;
    pthread_mutex_unlock(&l->mutex);
    return let_go;
}

/* The child dies with the thread that started it, so the thread lives as long as the lock. */
static void *hold(void *arg)
{
    struct metadb_lock *l = arg;
    const struct metadb_request request = {
        .command = "lock",
        .run = l->run,
        .parameters = l->parameters,
        .progress = on_progress,
        .is_enough = is_let_go,
        .arg = l,
    };
    for (;;) {
        AUTO_JSON json_t *answer = NULL;
        struct err failure = ERR_INIT;
        if (metadb_call(l->db, &request, &answer, &failure) == 0) {
            set_state(l, LOCK_NOT_TO_BE_HAD);
            return NULL;
        }
        if (is_let_go(l)) {
            return NULL;
        }
        if (!was_held(l) || failure.kind == ERR_LOCKED) {
            fail(l, &failure);
            return NULL;
        }
        /* A server that was restarted knows nothing of it any more. */
        set_state(l, LOCK_LOST);
        clock_sleep_ms(TAKE_AGAIN_MS);
    }
}

/* Waits while it is in that state, with the mutex held. */
static void wait_while(struct metadb_lock *l, enum lock_state state, uint64_t deadline_ms)
{
    while (l->state == state && !stop_requested() && !clock_passed(deadline_ms)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_NS;
        until.tv_sec += until.tv_nsec / SECOND_NS;
        until.tv_nsec %= SECOND_NS;
        pthread_cond_timedwait(&l->changed, &l->mutex, &until);
    }
}

/* The child is not stopped by a signal, because a rollback needs its lock; the wait for it is. */
static int wait_for_lock(struct metadb_lock *l, struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&l->mutex);
    wait_while(l, LOCK_TRYING, clock_deadline(0));
    if (l->state == LOCK_FAILED) {
        *err = l->failure;
        rc = -1;
    } else if (l->state == LOCK_TRYING) {
        rc = err_fail(err, ERR_INTERRUPTED, "asked to stop while waiting for the MetaDB's lock");
    }
    pthread_mutex_unlock(&l->mutex);
    return rc;
}

int metadb_lock_take(const struct metadb *db, const char *run, const char *holder, uint64_t wait_ms,
                     struct metadb_lock **ret, struct err *err)
{
    struct metadb_lock *l = mem_alloc(sizeof(*l));
    l->db = db;
    l->run = mem_strdup(run);
    l->parameters = json_make("{s:s, s:I}", "holder", holder, "wait_ms", (json_int_t)wait_ms);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (pthread_create(&l->thread, NULL, hold, l) != 0) {
        free(l->run);
        json_decref(l->parameters);
        free(l);
        return err_fail(
            err, ERR_FAILED,
            "no thread can be started\nHINT: the limit of processes is reached: ulimit -u");
    }
    if (wait_for_lock(l, err) != 0) {
        metadb_lock_free(l);
        return -1;
    }
    *ret = l;
    return 0;
}

int metadb_lock_check(struct metadb_lock *lock, struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&lock->mutex);
    /* A server that does not answer by then gives it to nobody else either. */
    wait_while(lock, LOCK_LOST, clock_deadline(LOST_MS));
    if (lock->state == LOCK_FAILED) {
        *err = lock->failure;
        rc = -1;
    }
    pthread_mutex_unlock(&lock->mutex);
    return rc;
}

void metadb_lock_free(struct metadb_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    pthread_mutex_lock(&lock->mutex);
    lock->let_go = true;
    pthread_mutex_unlock(&lock->mutex);
    pthread_join(lock->thread, NULL);
    pthread_mutex_destroy(&lock->mutex);
    pthread_cond_destroy(&lock->changed);
    json_decref(lock->parameters);
    free(lock->run);
    free(lock);
}
