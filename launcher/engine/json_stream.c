#include "launcher/engine/json_stream.h"

#include <string.h>

#define MAX_OBJECT ((size_t)1 << 20)

/* Whether `c` closes the object that the text so far has opened. */
static bool closes_object(struct json_stream *s, char c)
{
    if (s->in_string) {
        bool ends = c == '"' && !s->escaped;
        s->escaped = c == '\\' && !s->escaped;
        s->in_string = !ends;
        return false;
    }
    s->in_string = c == '"';
    if (c == '{' || c == '[') {
        s->depth++;
    }
    if (c == '}' || c == ']') {
        s->depth--;
    }
    return s->depth == 0;
}

static int finish_object(struct json_stream *s, struct err *err)
{
    AUTO_JSON json_t *object = NULL;

    if (json_parse(str_get(&s->text), s->text.len, "a message of the engine", &object, err) < 0) {
        return -1;
    }
    str_reset(&s->text);
    s->on_object(s->arg, object);
    return 0;
}

int json_stream_feed(struct json_stream *s, const char *bytes, size_t len, struct err *err)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (s->depth == 0 && strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0') {
            from = i + 1;
            continue;
        }
        if (s->depth == 0 && bytes[i] != '{') {
            return err_fail(err, ERR_FAILED, "the engine sent something that is no message");
        }
        if (!closes_object(s, bytes[i])) {
            continue;
        }
        str_append_n(&s->text, bytes + from, i + 1 - from);
        from = i + 1;
        if (finish_object(s, err) < 0) {
            return -1;
        }
    }
    str_append_n(&s->text, bytes + from, len - from);
    if (s->text.len > MAX_OBJECT) {
        return err_fail(err, ERR_FAILED, "the engine sent a message larger than %zu bytes",
                        MAX_OBJECT);
    }
    return 0;
}

int json_stream_finish(const struct json_stream *s, struct err *err)
{
    if (s->depth > 0) {
        return err_fail(err, ERR_FAILED, "the engine's last message is cut short");
    }
    return 0;
}

void json_stream_free(struct json_stream *s)
{
    str_free(&s->text);
}
