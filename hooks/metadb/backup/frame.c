#include "hooks/metadb/backup/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/fs.h"

#define RAW_CAP (FRAME_RAW_BYTES + 2 * FRAME_ROOM_MAX)
/* The kernel starts writing to disk this often, so that the sync at the end finds little to do. */
#define WRITE_BACK_BYTES (2UL * 1024 * 1024)

static int state_fail(const struct frame_file *f, const char *what, struct err *err)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    err_fail(err, ERR_STATE, "'%s/%s' cannot be %s: %m", f->folder, f->name, what);
    return full ? err_hint(err, "make room on that file system, or name another with --state-dir")
                : err_hint(err, "see whether the folder is writable and its disk is sound");
}

static char *part_name(const struct frame_file *f)
{
    return mem_printf("%s.part", f->name);
}

int frame_file_create(int folder_fd, const char *folder, const char *name, struct frame_file **ret,
                      struct err *err)
{
    struct frame_file *f = mem_alloc(sizeof(*f));
    f->folder_fd = folder_fd;
    f->folder = mem_strdup(folder);
    f->name = mem_strdup(name);
    f->frames = json_array();
    pthread_mutex_init(&f->lock, NULL);
    AUTO_FREE char *part = part_name(f);
    if (unlinkat(folder_fd, part, 0) < 0 && errno != ENOENT) {
        f->fd = -1;
    } else {
        f->fd = openat(folder_fd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (f->fd < 0) {
        state_fail(f, "created", err);
        frame_file_free(f);
        return -1;
    }
    *ret = f;
    return 0;
}

int frame_file_finish(struct frame_file *f, struct err *err)
{
    AUTO_FREE char *part = part_name(f);
    if (fsync(f->fd) < 0) {
        return state_fail(f, "brought to disk", err);
    }
    if (renameat(f->folder_fd, part, f->folder_fd, f->name) < 0) {
        return state_fail(f, "given its name", err);
    }
    close(f->fd);
    f->fd = -1;
    return 0;
}

void frame_file_free(struct frame_file *f)
{
    if (!f) {
        return;
    }
    if (f->fd >= 0) {
        AUTO_FREE char *part = part_name(f);
        close(f->fd);
        (void)unlinkat(f->folder_fd, part, 0);
    }
    json_decref(f->frames);
    pthread_mutex_destroy(&f->lock);
    free(f->folder);
    free(f->name);
    free(f);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* The caller holds the lock. */
static int append(struct frame_file *f, const char *bytes, size_t len, struct err *err)
{
    if (fs_write_all(f->fd, bytes, len) < 0) {
        return state_fail(f, "written", err);
    }
    f->size += len;
    if (f->size - f->written_back >= WRITE_BACK_BYTES) {
        (void)sync_file_range(f->fd, (off64_t)f->written_back, (off64_t)(f->size - f->written_back),
                              SYNC_FILE_RANGE_WRITE);
        f->written_back = f->size;
    }
    return 0;
}

/* The frame that was appended last. The caller holds the lock. */
static void note_frame(struct frame_file *f, const struct frame_about *about, uint64_t length,
                       uint64_t raw, const char *hex)
{
    json_t *frame = json_make("{s:s, s:I, s:I, s:I, s:s}", "kind", about->kind, "offset",
                              (json_int_t)(f->size - length), "length", (json_int_t)length, "raw",
                              (json_int_t)raw, "sha256", hex);
    if (about->table) {
        AUTO_FREE char *hash = mem_printf("%016llx", (unsigned long long)about->hash);
        json_put_text(frame, "table", about->table);
        json_put(frame, "rows", json_integer((json_int_t)about->rows));
        json_put_text(frame, "checksum", hash);
        json_put(frame, "piece", json_integer((json_int_t)about->piece));
        if (about->range) {
            json_put_text(frame, "range", about->range);
        }
    }
    json_add(f->frames, frame);
    f->raw_size += raw;
}

/* ---- the thread: whole frames ---------------------------------------------------------------- */

static int write_job(struct frame_writer *w, const struct frame_job *job, struct err *err)
{
    char hex[DIGEST_HEX_MAX];
    const char *bytes = job->raw;
    size_t len = job->raw_len;
    if (w->zstd) {
        len = ZSTD_compress2(w->zstd, w->out, w->out_cap, job->raw, job->raw_len);
        if (ZSTD_isError(len)) {
            return err_fail(err, ERR_FAILED, "zstd cannot compress: %s", ZSTD_getErrorName(len));
        }
        bytes = w->out;
    }
    digest_of(bytes, len, hex);
    pthread_mutex_lock(&job->file->lock);
    int rc = append(job->file, bytes, len, err);
    if (rc == 0) {
        note_frame(job->file, &job->about, len, job->raw_len, hex);
    }
    pthread_mutex_unlock(&job->file->lock);
    return rc;
}

static void *write_jobs(void *arg)
{
    struct frame_writer *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        if (!w->busy) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        struct err err = ERR_INIT;
        pthread_mutex_unlock(&w->lock);
        int rc = write_job(w, &w->job, &err);
        pthread_mutex_lock(&w->lock);
        if (rc < 0 && !w->failed) {
            w->failed = true;
            w->err = err;
        }
        w->busy = false;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int frame_flush(struct frame_writer *w, struct err *err)
{
    pthread_mutex_lock(&w->lock);
    while (w->busy) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    bool failed = w->failed;
    if (failed) {
        *err = w->err;
    }
    pthread_mutex_unlock(&w->lock);
    return failed ? -1 : 0;
}

/* The buffer that the last job has left is filled next. */
static int hand_over(struct frame_writer *w, const struct frame_about *about, struct err *err)
{
    if (frame_flush(w, err) < 0) {
        return -1;
    }
    char *free_raw = w->job.raw;
    pthread_mutex_lock(&w->lock);
    w->job =
        (struct frame_job){.file = w->file, .raw = w->raw, .raw_len = w->raw_len, .about = *about};
    w->busy = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    w->raw = free_raw;
    w->raw_len = 0;
    return 0;
}

/* ---- a writer -------------------------------------------------------------------------------- */

/* Matches are looked for at every second place only: a twentieth more bytes, a twelfth less time.
 * With a step, zstd leaves literals uncompressed unless told otherwise, for which this parameter
 * has no stable name (ZSTD_c_literalCompressionMode, 1: always). Without it the step is not worth
 * it. */
static void step_faster(ZSTD_CCtx *zstd)
{
    if (!ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_experimentalParam5, 1))) {
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_targetLength, 2);
    }
}

int frame_writer_init(struct frame_writer *w, int level, struct err *err)
{
    *w = (struct frame_writer){.lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER};
    w->raw = mem_grow(NULL, RAW_CAP, 1);
    w->job.raw = mem_grow(NULL, RAW_CAP, 1);
    w->zstd = level > 0 ? ZSTD_createCCtx() : NULL;
    if (level > 0 &&
        (!w->zstd ||
         ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, level)) ||
         ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1)))) {
        frame_writer_free(w);
        return err_fail(err, ERR_FAILED, "zstd level %d cannot be set up", level);
    }
    if (level == 1) {
        step_faster(w->zstd);
    }
    w->out_cap = level > 0 ? ZSTD_compressBound(RAW_CAP) : 0;
    w->out = level > 0 ? mem_grow(NULL, w->out_cap, 1) : NULL;
    w->has_thread = pthread_create(&w->thread, NULL, write_jobs, w) == 0;
    if (!w->has_thread) {
        frame_writer_free(w);
        return err_fail(err, ERR_FAILED, "no thread can be started: the process limit is reached");
    }
    return 0;
}

void frame_give_up(struct frame_writer *w)
{
    if (w->owns_file) {
        pthread_mutex_unlock(&w->file->lock);
        w->owns_file = false;
    }
    digest_free(TAKE(w->digest));
    w->file = NULL;
}

void frame_writer_free(struct frame_writer *w)
{
    frame_give_up(w);
    if (w->has_thread) {
        pthread_mutex_lock(&w->lock);
        w->quit = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    ZSTD_freeCCtx(w->zstd);
    free(w->job.raw);
    free(w->raw);
    free(w->out);
    *w = (struct frame_writer){.file = NULL};
}

void frame_begin(struct frame_writer *w, struct frame_file *file)
{
    w->file = file;
    w->raw_len = 0;
    w->raw_total = w->out_total = 0;
}

/* ---- a frame that outgrows its memory -------------------------------------------------------- */

/* What is there goes to the file, which this frame keeps for itself from now on. */
static int write_out(struct frame_writer *w, const char *bytes, size_t len, struct err *err)
{
    if (!w->owns_file) {
        pthread_mutex_lock(&w->file->lock);
        w->owns_file = true;
        w->digest = digest_new();
    }
    digest_update(w->digest, bytes, len);
    w->out_total += len;
    return append(w->file, bytes, len, err);
}

/* Compresses what is buffered as the next part of a frame that does not fit into memory. */
static int drain(struct frame_writer *w, ZSTD_EndDirective end, struct err *err)
{
    /* The compressor is the thread's until its job is done; and it may wait for this very file. */
    if (!w->owns_file && frame_flush(w, err) < 0) {
        return -1;
    }
    if (w->zstd && w->raw_total == 0) {
        ZSTD_CCtx_reset(w->zstd, ZSTD_reset_session_only);
    }
    w->raw_total += w->raw_len;
    if (!w->zstd) {
        int rc = write_out(w, w->raw, w->raw_len, err);
        w->raw_len = 0;
        return rc;
    }
    ZSTD_inBuffer in = {.src = w->raw, .size = w->raw_len, .pos = 0};
    w->raw_len = 0;
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = w->out, .size = w->out_cap, .pos = 0};
        left = ZSTD_compressStream2(w->zstd, &out, &in, end);
        if (ZSTD_isError(left)) {
            return err_fail(err, ERR_FAILED, "zstd cannot compress: %s", ZSTD_getErrorName(left));
        }
        if (out.pos > 0 && write_out(w, w->out, out.pos, err) < 0) {
            return -1;
        }
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return 0;
}

char *frame_room(struct frame_writer *w, size_t n, struct err *err)
{
    if (n > RAW_CAP) {
        err_fail(err, ERR_FAILED, "a piece of %zu bytes does not fit into a frame of %zu", n,
                 (size_t)RAW_CAP);
        return NULL;
    }
    if (n > RAW_CAP - w->raw_len && drain(w, ZSTD_e_continue, err) < 0) {
        return NULL;
    }
    return w->raw + w->raw_len;
}

void frame_wrote(struct frame_writer *w, const char *end)
{
    w->raw_len = (size_t)(end - w->raw);
}

int frame_append(struct frame_writer *w, const char *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        size_t n = len < FRAME_ROOM_MAX ? len : FRAME_ROOM_MAX;
        char *room = frame_room(w, n, err);
        if (!room) {
            return -1;
        }
        memcpy(room, bytes, n);
        w->raw_len += n;
        bytes += n;
        len -= n;
    }
    return 0;
}

static int end_outgrown(struct frame_writer *w, const struct frame_about *about, struct err *err)
{
    char hex[DIGEST_HEX_MAX];
    if (drain(w, ZSTD_e_end, err) < 0) {
        return -1;
    }
    digest_finish_take(TAKE(w->digest), hex);
    note_frame(w->file, about, w->out_total, w->raw_total, hex);
    return 0;
}

int frame_end(struct frame_writer *w, const struct frame_about *about, struct err *err)
{
    int rc = w->raw_total > 0 ? end_outgrown(w, about, err) : hand_over(w, about, err);
    frame_give_up(w);
    return rc;
}
