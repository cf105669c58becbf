#include "launcher/base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What jansson refuses for want of memory, or because we used it wrongly. */
static void __attribute__((noreturn)) broken(const char *what)
{
    (void)fprintf(stderr, "bug or out of memory: JSON: %s\n", what);
    abort();
}

void json_decref_ptr(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *err)
{
    json_error_t why;
    json_t *j = json_loadb(text ? text : "", text ? len : 0, JSON_REJECT_DUPLICATES, &why);
    if (!j) {
        /* Jansson quotes the text near the fault, and that may be a password. */
        char *quote = strstr(why.text, " near '");
        if (quote) {
            *quote = '\0';
        }
        return err_fail(err, ERR_FAILED, "%s is no valid JSON: line %d, column %d: %s", what,
                        why.line, why.column, why.text);
    }
    *ret = j;
    return 0;
}

json_t *json_walk(const json_t *j, const char *path)
{
    json_t *at = NULL;
    const json_t *in = j;
    for (const char *key = path; in && *key;) {
        size_t len = strcspn(key, ".");
        AUTO_FREE char *name = mem_strndup(key, len);
        at = json_object_get(in, name);
        in = at;
        key += len + (key[len] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

const char *json_text(const json_t *j, const char *path, const char *otherwise)
{
    const char *text = json_string_value(json_walk(j, path));
    return text ? text : otherwise;
}

int64_t json_int(const json_t *j, const char *path, int64_t otherwise)
{
    const json_t *at = json_walk(j, path);
    return json_is_integer(at) ? (int64_t)json_integer_value(at) : otherwise;
}

bool json_bool(const json_t *j, const char *path, bool otherwise)
{
    const json_t *at = json_walk(j, path);
    return json_is_boolean(at) ? json_is_true(at) : otherwise;
}

int json_need_text(const json_t *j, const char *path, const char *what, const char **ret,
                   struct err *err)
{
    const json_t *at = json_walk(j, path);
    if (!at) {
        return err_fail(err, ERR_FAILED, "%s has no '%s'", what, path);
    }
    if (!json_is_string(at)) {
        return err_fail(err, ERR_FAILED, "%s: '%s' is no text", what, path);
    }
    *ret = json_string_value(at);
    return 0;
}

static char *dump(const json_t *j, size_t flags)
{
    char *text = json_dumps(j, flags | JSON_ENCODE_ANY);
    if (!text) {
        broken("value cannot be written");
    }
    return text;
}

char *json_compact(const json_t *j)
{
    return dump(j, JSON_COMPACT);
}

char *json_canonical(const json_t *j)
{
    return dump(j, JSON_COMPACT | JSON_SORT_KEYS);
}

char *json_pretty(const json_t *j)
{
    return dump(j, JSON_INDENT(2));
}

json_t *json_make(const char *fmt, ...)
{
    json_error_t why;
    va_list ap;
    va_start(ap, fmt);
    json_t *j = json_vpack_ex(&why, 0, fmt, ap);
    va_end(ap);
    if (!j) {
        broken(why.text);
    }
    return j;
}

/* Length of the UTF-8 sequence at `p`, 0 if it is none (overlong, surrogate, cut, too large). */
static size_t utf8_len(const unsigned char *p)
{
    static const struct {
        unsigned char mask, lead, low, high; /* low and high bound the second byte */
        size_t len;
    } forms[] = {
        {0xE0, 0xC0, 0x80, 0xBF, 2}, {0xFF, 0xE0, 0xA0, 0xBF, 3}, {0xFF, 0xED, 0x80, 0x9F, 3},
        {0xF0, 0xE0, 0x80, 0xBF, 3}, {0xFF, 0xF0, 0x90, 0xBF, 4}, {0xFF, 0xF4, 0x80, 0x8F, 4},
        {0xFC, 0xF0, 0x80, 0xBF, 4},
    };
    if (p[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((p[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        if (p[0] == 0xC0 || p[0] == 0xC1 || p[1] < forms[i].low || p[1] > forms[i].high) {
            return 0;
        }
        for (size_t k = 2; k < forms[i].len; k++) {
            if ((p[k] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return forms[i].len;
    }
    return 0;
}

json_t *json_from_text(const char *text)
{
    if (!text) {
        return json_null();
    }
    json_t *j = json_string(text);
    if (j) {
        return j;
    }
    AUTO_STR struct str clean = STR_INIT;
    for (const char *p = text; *p;) {
        size_t len = utf8_len((const unsigned char *)p);
        str_append_n(&clean, len ? p : "\xEF\xBF\xBD", len ? len : 3);
        p += len ? len : 1;
    }
    j = json_string(str_get(&clean));
    if (!j) {
        broken("text cannot be stored");
    }
    return j;
}

void json_put(json_t *object, const char *key, json_t *value_take)
{
    if (json_object_set_new(object, key, value_take ? value_take : json_null()) < 0) {
        broken("member cannot be stored");
    }
}

void json_put_text(json_t *object, const char *key, const char *text)
{
    json_put(object, key, json_from_text(text));
}

void json_add(json_t *array, json_t *value_take)
{
    if (json_array_append_new(array, value_take ? value_take : json_null()) < 0) {
        broken("item cannot be stored");
    }
}
