#include "hooks/metadb_lock.h"

#include <pthread.h>
#include <stdlib.h>

enum lock_state { LOCK_TRYING, LOCK_HELD, LOCK_NOT_TO_BE_HAD, LOCK_FAILED };

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
    (void)text, (void)done, (void)total, (void)bytes;
    set_state(arg, LOCK_HELD);
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
    AUTO_JSON json_t *answer = NULL;
    struct err failure = ERR_INIT;
    if (metadb_call(l->db, &request, &answer, &failure) == 0) {
        set_state(l, LOCK_NOT_TO_BE_HAD);
        return NULL;
    }
    pthread_mutex_lock(&l->mutex);
    l->failure = failure;
    pthread_mutex_unlock(&l->mutex);
    set_state(l, LOCK_FAILED);
    return NULL;
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
    pthread_mutex_lock(&l->mutex);
    while (l->state == LOCK_TRYING) {
        pthread_cond_wait(&l->changed, &l->mutex);
    }
    bool failed = l->state == LOCK_FAILED;
    if (failed) {
        *err = l->failure;
    }
    pthread_mutex_unlock(&l->mutex);
    if (failed) {
        metadb_lock_free(l);
        return -1;
    }
    *ret = l;
    return 0;
}

bool metadb_lock_is_held(struct metadb_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    bool held = lock->state != LOCK_FAILED;
    pthread_mutex_unlock(&lock->mutex);
    return held;
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
