/* Every byte of the files against the manifest, before the first of them reaches a server. */
#include <stdlib.h>
#include <sys/stat.h>

#include "hooks/metadb/backup/frame_read.h"
#include "hooks/metadb/wire/pool.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/restore/state.h"

struct verify_task {
    const struct restore_db *db;
    const json_t *frame;
};

struct verify_all {
    struct verify_task *tasks;
    size_t count;
    uint64_t done, total; /* bytes of the files; `done` is atomic */
};

static int drop_bytes(void *arg, const char *bytes, size_t len, struct err *err)
{
    (void)arg, (void)bytes, (void)len, (void)err;
    return 0;
}

static int verify_frame(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct verify_all *v = arg;
    const struct verify_task *t = &v->tasks[index];
    (void)worker;
    /* As if it were not compressed: the hash is of the bytes in the file. */
    if (frame_read(t->db->fd, t->db->file, t->frame, false, drop_bytes, NULL, err) < 0) {
        return -1;
    }
    uint64_t length = (uint64_t)json_int(t->frame, "length", 0);
    uint64_t done = __atomic_add_fetch(&v->done, length, __ATOMIC_RELAXED);
    report_progress("verifying the backup", done, v->total, true);
    return 0;
}

/* Frames follow each other without a gap, from the first byte of the file to its last. */
static int plan_file(struct verify_all *v, const struct restore_db *db, struct err *err)
{
    const json_t *frames = json_walk(db->entry, "frames");
    uint64_t at = 0;
    size_t i;
    json_t *frame;
    v->tasks = mem_grow(v->tasks, v->count + json_array_size(frames) + 1, sizeof(*v->tasks));
    json_array_foreach (frames, i, frame) {
        if ((uint64_t)json_int(frame, "offset", -1) != at || json_int(frame, "length", -1) < 0) {
            break;
        }
        at += (uint64_t)json_int(frame, "length", 0);
        v->tasks[v->count++] = (struct verify_task){.db = db, .frame = frame};
    }
    if (i < json_array_size(frames) || at != (uint64_t)json_int(db->entry, "bytes", -1)) {
        err_fail(err, ERR_STATE, "'%s' is not made of the frames that the manifest names",
                 db->file);
        return err_hint(err, "this backup is damaged: use another one");
    }
    v->total += at;
    return 0;
}

int restore_verify(struct restore *r, struct err *err)
{
    struct verify_all v = {.count = 0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        rc = plan_file(&v, &r->dbs[i], err);
    }
    rc = rc < 0 ? rc : pool_run(r->workers, v.count, verify_frame, &v, err);
    free(v.tasks);
    return rc;
}
