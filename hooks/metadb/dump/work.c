/* The workers: one connection, one piece of work at a time each. */
#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/pool.h"

struct work {
    struct dump *d;
    struct frame_writer *frames; /* one for each worker */
};

static int write_piece(void *arg, unsigned worker, size_t task, struct err *err)
{
    struct work *w = arg;
    struct dump *d = w->d;
    int rc = dump_rows(d, &d->conns[worker], &w->frames[worker], &d->pieces.items[task], err);
    if (rc < 0) {
        /* Others may wait for its file. */
        frame_give_up(&w->frames[worker]);
        __atomic_store_n(&d->pieces.failed, true, __ATOMIC_RELAXED);
    }
    return rc;
}

int dump_work(struct dump *d, struct err *err)
{
    unsigned workers = d->options.workers;
    AUTO_FREE struct frame_writer *frames = mem_alloc(workers * sizeof(*frames));
    struct work w = {.d = d, .frames = frames};
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < workers; i++) {
        rc = frame_writer_init(&frames[i], d->options.level, err);
    }
    if (rc == 0) {
        rc = pool_run(workers, d->pieces.count, write_piece, &w, err);
    }
    for (unsigned i = 0; i < workers; i++) {
        if (rc == 0) {
            rc = frame_flush(&frames[i], err);
        }
        frame_writer_free(&frames[i]);
    }
    return rc;
}
