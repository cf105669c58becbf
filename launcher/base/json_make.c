/* json_make(): json_pack() that text of any bytes cannot make fail. */
#include "launcher/base/json.h"

#include <stdarg.h>
#include <string.h>

struct maker {
    const char *at; /* the rest of the format */
    va_list args;
};

static json_t *make_value(struct maker *m);

/* Spaces, commas and colons are for the reader. */
static char peek(struct maker *m)
{
    m->at += strspn(m->at, " ,:");
    return *m->at;
}

static json_t *make_object(struct maker *m)
{
    json_t *object = json_object();
    while (peek(m) != '}') {
        if (*m->at++ != 's') {
            json_broken("a key is not 's'");
        }
        const char *key = va_arg(m->args, const char *);
        json_put(object, key, make_value(m));
    }
    m->at++;
    return object;
}

static json_t *make_array(struct maker *m)
{
    json_t *array = json_array();
    while (peek(m) != ']') {
        json_add(array, make_value(m));
    }
    m->at++;
    return array;
}

static json_t *make_value(struct maker *m)
{
    char kind = peek(m);
    m->at += kind != '\0';
    m->at += *m->at == '?'; /* text and values may be NULL, with it or without it */
    switch (kind) {
    case '{':
        return make_object(m);
    case '[':
        return make_array(m);
    case 's':
        return json_from_text(va_arg(m->args, const char *));
    case 'b':
        return json_boolean(va_arg(m->args, int));
    case 'i':
        return json_integer(va_arg(m->args, int));
    case 'I':
        return json_integer(va_arg(m->args, json_int_t));
    case 'o':
        return va_arg(m->args, json_t *);
    case 'O':
        return json_incref(va_arg(m->args, json_t *));
    case 'n':
        return json_null();
    default:
        json_broken("unknown letter in a format");
    }
}

json_t *json_make(const char *fmt, ...)
{
    struct maker m = {.at = fmt};
    va_start(m.args, fmt);
    json_t *j = make_value(&m);
    va_end(m.args);
    if (j == NULL || peek(&m) != '\0') {
        json_broken("a format that does not end where it should");
    }
    return j;
}
