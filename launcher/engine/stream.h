/* The output of containers and execs on the wire: without a tty, pieces of stdout and stderr, each
 * behind a header of 8 bytes (stream number, three zeros, length as big endian); with a tty, raw.
 */
#ifndef OMSLAUNCH_ENGINE_STREAM_H
#define OMSLAUNCH_ENGINE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

#define STREAM_HEADER_LEN 8

/* Set the first three, leave the rest zero. */
struct stream {
    engine_output_fn fn; /* may be NULL */
    void *arg;
    bool raw;
    unsigned char header[STREAM_HEADER_LEN];
    size_t header_len;
    uint32_t left; /* of the piece that the header announced */
    bool broken;   /* no such header exists */
    bool stopped;  /* `fn` wanted no more */
    char *problem; /* what the engine itself had to say (stream 3) */
    size_t problem_len;
};

/* Bytes as they come, split anywhere; an http_sink_fn, `arg` is the struct stream. Non-zero when
 * the rest is of no use. */
int stream_sink(void *arg, const char *bytes, size_t len);
/* After the last byte: whether all was well. */
int stream_finish(const struct stream *s, struct err *err) MUST_USE;
void stream_free(struct stream *s);
#define AUTO_STREAM CLEANUP(stream_free)

#endif
