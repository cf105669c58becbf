/* The engine's progress streams: JSON objects one behind the other, split anywhere. */
#ifndef OMSLAUNCH_ENGINE_JSON_STREAM_H
#define OMSLAUNCH_ENGINE_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

/* Set the first two, leave the rest zero. */
struct json_stream {
    void (*on_object)(void *arg, const json_t *object);
    void *arg;
    struct str text; /* of the object so far */
    unsigned depth;
    bool in_string, escaped;
};

/* ERR_FAILED when the bytes are no such stream, or one object is larger than 1 MiB. */
int json_stream_feed(struct json_stream *s, const char *bytes, size_t len,
                     struct err *err) MUST_USE;
/* No more bytes will come: ERR_FAILED when an object is not whole. */
int json_stream_finish(const struct json_stream *s, struct err *err) MUST_USE;
void json_stream_free(struct json_stream *s);
#define AUTO_JSON_STREAM CLEANUP(json_stream_free)

#endif
