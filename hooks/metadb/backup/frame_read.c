#include "hooks/metadb/backup/frame_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "launcher/base/digest.h"

#define IN_BYTES (256UL * 1024)
#define OUT_BYTES (512UL * 1024)

struct reader {
    const char *file;
    uint64_t offset, left;
    int fd;
    ZSTD_DCtx *zstd;
    struct digest *digest;
    char *in, *out;
    bool open; /* a zstd frame has begun and not ended */
    frame_fn fn;
    void *arg;
};

static int bad(const struct reader *r, const char *how, struct err *err)
{
    err_fail(err, ERR_STATE, "'%s' %s at byte %llu", r->file, how, (unsigned long long)r->offset);
    return err_hint(err, "this backup is damaged: use another one");
}

static int inflate(struct reader *r, size_t len, struct err *err)
{
    if (!r->zstd) {
        return r->fn(r->arg, r->in, len, err) == 0 ? 0 : -1;
    }
    ZSTD_inBuffer in = {.src = r->in, .size = len, .pos = 0};
    bool full = false;
    while (in.pos < in.size || full) {
        ZSTD_outBuffer out = {.dst = r->out, .size = OUT_BYTES, .pos = 0};
        size_t left = ZSTD_decompressStream(r->zstd, &out, &in);
        if (ZSTD_isError(left)) {
            return bad(r, "is no sound zstd", err);
        }
        r->open = left > 0;
        full = out.pos == out.size;
        if (out.pos > 0 && r->fn(r->arg, r->out, out.pos, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_all(struct reader *r, struct err *err)
{
    while (r->left > 0) {
        size_t want = r->left < IN_BYTES ? (size_t)r->left : IN_BYTES;
        ssize_t n = pread(r->fd, r->in, want, (off_t)r->offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return bad(r, n < 0 ? "cannot be read" : "ends", err);
        }
        digest_update(r->digest, r->in, (size_t)n);
        if (inflate(r, (size_t)n, err) < 0) {
            return -1;
        }
        r->offset += (uint64_t)n;
        r->left -= (uint64_t)n;
    }
    return 0;
}

int frame_read(int fd, const char *file, const json_t *entry, bool compressed, frame_fn fn,
               void *arg, struct err *err)
{
    AUTO_FREE char *in = mem_grow(NULL, IN_BYTES, 1);
    AUTO_FREE char *out = mem_grow(NULL, OUT_BYTES, 1);
    struct reader r = {.file = file,
                       .fd = fd,
                       .offset = (uint64_t)json_int(entry, "offset", 0),
                       .left = (uint64_t)json_int(entry, "length", 0),
                       .zstd = compressed ? ZSTD_createDCtx() : NULL,
                       .digest = digest_new(),
                       .in = in,
                       .out = out,
                       .fn = fn,
                       .arg = arg};
    char hex[DIGEST_HEX_MAX];
    int rc = read_all(&r, err);
    ZSTD_freeDCtx(r.zstd);
    digest_finish_take(r.digest, hex);
    if (rc == 0 && (r.open || !str_eq(json_text(entry, "sha256", NULL), hex))) {
        return bad(&r, "is not as it was written, up to and", err);
    }
    return rc;
}
