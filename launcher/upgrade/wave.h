/* A wave: jobs side by side that meet before anything else goes on. One thread, the wave's owner,
 * writes and speaks: what a job has to say or to write down is done by it, while the job waits. */
#ifndef OMSLAUNCH_UPGRADE_WAVE_H
#define OMSLAUNCH_UPGRADE_WAVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"

struct wave_message;

struct wave {
    pthread_mutex_t lock;   /* of all below */
    pthread_cond_t changed; /* a message was posted or answered, or a job has ended */
    struct wave_message *first, *last;
    pthread_mutex_t *data; /* of what the owner changes and jobs look at */
};

void wave_init(struct wave *w);
void wave_free(struct wave *w);

typedef int (*wave_fn)(void *arg, struct err *err);
typedef int (*wave_job_fn)(void *arg, size_t index, struct err *err);

/* How a job ended. */
struct wave_result {
    bool taken; /* false: an earlier one had failed before it was begun */
    int rc;
    struct err err;
};

/* Takes `count` jobs, at most `parallel` at once (0: all), and returns when all have ended. Called
 * by the owner; one job, or one at a time, is taken on its own thread. `stop_at_failure`: none is
 * begun after one has failed. Returns how many failed. */
size_t wave_run(struct wave *w, size_t count, size_t parallel, bool stop_at_failure, wave_job_fn fn,
                void *arg, struct wave_result *results);
/* From a job: has the owner do it, and waits for it. From the owner: does it. */
int wave_call(struct wave *w, wave_fn fn, void *arg, struct err *err);

/* Around looks at what the owner may change. */
void wave_lock_data(const struct wave *w);
void wave_unlock_data(const struct wave *w);

#endif
