#include "launcher/engine/stream.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_PROBLEM 3 /* an error of the engine, in the middle of the output */
#define MAX_PROBLEM 1024 /* bytes of it that are kept */

static int deliver(struct stream *s, int number, const char *bytes, size_t len)
{
    if (number == STREAM_PROBLEM) {
        size_t room = MAX_PROBLEM - s->problem_len;
        size_t kept = len < room ? len : room;
        s->problem = mem_grow(s->problem, s->problem_len + kept + 1, 1);
        memcpy(s->problem + s->problem_len, bytes, kept);
        s->problem_len += kept;
        s->problem[s->problem_len] = '\0';
        return 0;
    }
    /* Stream 0 is what was typed into stdin; a terminal would show it on stdout. */
    s->stopped = s->fn != NULL && s->fn(s->arg, number == 0 ? 1 : number, bytes, len) != 0;
    return s->stopped ? -1 : 0;
}

static int read_header(struct stream *s)
{
    const unsigned char *h = s->header;

    s->header_len = 0;
    s->broken = h[0] > STREAM_PROBLEM || h[1] != 0 || h[2] != 0 || h[3] != 0;
    s->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    return s->broken ? -1 : 0;
}

int stream_sink(void *arg, const char *bytes, size_t len)
{
    struct stream *s = arg;

    if (s->broken || s->stopped) {
        return -1;
    }
    if (s->raw) {
        return len > 0 ? deliver(s, 1, bytes, len) : 0;
    }
    while (len > 0) {
        size_t n;
        if (s->left > 0) {
            n = len < s->left ? len : s->left;
            s->left -= (uint32_t)n;
            if (deliver(s, s->header[0], bytes, n) < 0) {
                return -1;
            }
        } else {
            n = STREAM_HEADER_LEN - s->header_len;
            n = len < n ? len : n;
            memcpy(s->header + s->header_len, bytes, n);
            s->header_len += n;
            if (s->header_len == STREAM_HEADER_LEN && read_header(s) < 0) {
                return -1;
            }
        }
        bytes += n;
        len -= n;
    }
    return 0;
}

int stream_finish(const struct stream *s, struct err *err)
{
    if (s->broken) {
        return err_fail(err, ERR_FAILED,
                        "the engine sent output that is not framed as it should be");
    }
    if (s->problem != NULL) {
        return err_fail(err, ERR_FAILED, "the engine broke off the output: %s", s->problem);
    }
    if (!s->stopped && (s->left > 0 || s->header_len > 0)) {
        return err_fail(err, ERR_UNREACHABLE, "the engine's output ended in the middle of a piece");
    }
    return 0;
}

void stream_free(struct stream *s)
{
    free(s->problem);
    s->problem = NULL;
    s->problem_len = 0;
}
