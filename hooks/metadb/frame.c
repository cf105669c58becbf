#include "hooks/metadb/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/fs.h"

#define RAW_CAP (FRAME_RAW_BYTES + 2 * FRAME_ROOM_MAX)
/* The kernel starts writing to disk this often, so that the sync at the end finds little to do. */
#define WRITE_BACK_BYTES (8UL * 1024 * 1024)

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

int frame_writer_init(struct frame_writer *w, int level, struct err *err)
{
    *w = (struct frame_writer){.file = NULL};
    w->raw = mem_grow(NULL, RAW_CAP, 1);
    if (level == 0) {
        return 0;
    }
    w->zstd = ZSTD_createCCtx();
    if (!w->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1))) {
        frame_writer_free(w);
        return err_fail(err, ERR_FAILED, "zstd level %d cannot be set up", level);
    }
    w->out_cap = ZSTD_compressBound(RAW_CAP);
    w->out = mem_grow(NULL, w->out_cap, 1);
    return 0;
}

static void release(struct frame_writer *w)
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
    release(w);
    ZSTD_freeCCtx(w->zstd);
    free(w->raw);
    free(w->out);
    *w = (struct frame_writer){.file = NULL};
}

void frame_begin(struct frame_writer *w, struct frame_file *file)
{
    w->file = file;
    w->raw_len = 0;
    w->raw_total = w->out_total = 0;
    w->digest = digest_new();
    if (w->zstd) {
        ZSTD_CCtx_reset(w->zstd, ZSTD_reset_session_only);
    }
}

/* Appends to the file, which this frame keeps for itself from now on. */
static int write_out(struct frame_writer *w, const char *bytes, size_t len, struct err *err)
{
    struct frame_file *f = w->file;
    digest_update(w->digest, bytes, len);
    if (!w->owns_file) {
        pthread_mutex_lock(&f->lock);
        w->owns_file = true;
    }
    if (fs_write_all(f->fd, bytes, len) < 0) {
        return state_fail(f, "written", err);
    }
    f->size += len;
    w->out_total += len;
    if (f->size - f->written_back >= WRITE_BACK_BYTES) {
        (void)sync_file_range(f->fd, (off64_t)f->written_back, (off64_t)(f->size - f->written_back),
                              SYNC_FILE_RANGE_WRITE);
        f->written_back = f->size;
    }
    return 0;
}

/* Compresses what is buffered as the next part of a frame that does not fit into memory. */
static int drain(struct frame_writer *w, ZSTD_EndDirective end, struct err *err)
{
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

static int write_whole(struct frame_writer *w, struct err *err)
{
    if (!w->zstd || w->raw_total > 0) {
        return drain(w, ZSTD_e_end, err);
    }
    w->raw_total = w->raw_len;
    size_t n = ZSTD_compress2(w->zstd, w->out, w->out_cap, w->raw, w->raw_len);
    if (ZSTD_isError(n)) {
        return err_fail(err, ERR_FAILED, "zstd cannot compress: %s", ZSTD_getErrorName(n));
    }
    w->raw_len = 0;
    return write_out(w, w->out, n, err);
}

int frame_end(struct frame_writer *w, const struct frame_about *about, struct err *err)
{
    char hex[DIGEST_HEX_MAX];
    int rc = write_whole(w, err);
    if (rc == 0) {
        digest_finish_take(TAKE(w->digest), hex);
        json_t *frame =
            json_make("{s:s, s:I, s:I, s:I, s:s}", "kind", about->kind, "offset",
                      (json_int_t)(w->file->size - w->out_total), "length",
                      (json_int_t)w->out_total, "raw", (json_int_t)w->raw_total, "sha256", hex);
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
        json_add(w->file->frames, frame);
        w->file->raw_size += w->raw_total;
    }
    release(w);
    return rc;
}
