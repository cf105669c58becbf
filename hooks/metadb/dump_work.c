/* The workers: one connection, one frame in memory, one piece of work at a time each. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/dump.h"

/* So many pieces for each worker that all end at about the same time, and none too small to be
 * worth its statement. */
#define PIECES_PER_WORKER 32
#define PIECE_MIN_BYTES (2UL * 1024 * 1024)
#define PIECE_MAX_BYTES (64UL * 1024 * 1024)

struct worker {
    struct dump *d;
    struct conn *conn;
    struct frame_writer frame;
    pthread_t thread;
};

bool dump_failed(struct dump *d)
{
    return __atomic_load_n(&d->queue.failed, __ATOMIC_RELAXED);
}

static void queue_fail(struct dump_queue *q, const struct err *err)
{
    pthread_mutex_lock(&q->lock);
    if (!q->failed) {
        q->err = *err;
        __atomic_store_n(&q->failed, true, __ATOMIC_RELAXED);
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

/* Waits while another worker may still add pieces. False when all is done, or has failed. */
static bool queue_take(struct dump_queue *q, struct dump_piece *ret)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && q->planning > 0 && !q->failed) {
        pthread_cond_wait(&q->changed, &q->lock);
    }
    bool got = q->count > 0 && !q->failed;
    if (got) {
        *ret = q->pieces[--q->count];
        q->planning += ret->plan;
    }
    pthread_mutex_unlock(&q->lock);
    return got;
}

static void queue_planned(struct dump_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->planning--;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct dump_piece piece;
    struct err err = ERR_INIT;
    mysql_thread_init();
    while (queue_take(&w->d->queue, &piece)) {
        int rc = piece.plan ? dump_plan(w->d, w->conn, piece.table, &err)
                            : dump_rows(w->d, w->conn, &w->frame, &piece, &err);
        if (piece.plan) {
            queue_planned(&w->d->queue);
        }
        free(piece.where);
        if (rc < 0) {
            queue_fail(&w->d->queue, &err);
            break;
        }
    }
    mysql_thread_end();
    return NULL;
}

static int by_weight(const void *a, const void *b)
{
    const struct dump_piece *x = a, *y = b;
    return x->weight < y->weight ? -1 : x->weight > y->weight;
}

/* Big tables are cut first and end up on top; the small ones fill the gaps at the end. */
static void fill_queue(struct dump *d)
{
    uint64_t piece = d->raw_estimate / (d->options.workers * PIECES_PER_WORKER);
    piece = piece < PIECE_MAX_BYTES ? piece : PIECE_MAX_BYTES;
    d->piece_bytes = piece > PIECE_MIN_BYTES ? piece : PIECE_MIN_BYTES;
    for (size_t i = 0; i < d->table_count; i++) {
        const struct schema_table *t = d->tables[i].table;
        bool plan = d->options.workers > 1 && t->key_count > 0 && !t->history && !t->where &&
                    t->bytes_estimate / 2 >= d->piece_bytes;
        dump_queue_add(&d->queue, &d->tables[i], NULL, plan, t->bytes_estimate);
    }
    if (d->queue.count > 1) {
        qsort(d->queue.pieces, d->queue.count, sizeof(*d->queue.pieces), by_weight);
    }
}

static int start(struct dump *d, struct worker *workers, unsigned *ret_started, struct err *err)
{
    for (unsigned i = 0; i < d->options.workers; i++) {
        workers[i] = (struct worker){.d = d, .conn = &d->conns[i]};
        if (frame_writer_init(&workers[i].frame, d->options.level, err) < 0) {
            return -1;
        }
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            frame_writer_free(&workers[i].frame);
            return err_fail(err, ERR_FAILED,
                            "no thread can be started: the process limit is reached");
        }
        *ret_started = i + 1;
    }
    return 0;
}

int dump_work(struct dump *d, struct err *err)
{
    AUTO_FREE struct worker *workers = mem_alloc(d->options.workers * sizeof(*workers));
    unsigned started = 0;
    struct err start_err = ERR_INIT;
    fill_queue(d);
    if (start(d, workers, &started, &start_err) < 0) {
        queue_fail(&d->queue, &start_err);
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        frame_writer_free(&workers[i].frame);
    }
    if (d->queue.failed) {
        *err = d->queue.err;
        return -1;
    }
    return 0;
}
