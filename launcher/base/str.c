#include "launcher/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_free(struct str *s)
{
    free(s->data);
    *s = (struct str)STR_INIT;
}

void str_reset(struct str *s)
{
    s->len = 0;
    if (s->data) {
        s->data[0] = '\0';
    }
}

void str_reserve(struct str *s, size_t n)
{
    if (s->data && n < s->cap - s->len) {
        return;
    }
    /* A sum that wraps must not become a small buffer: SIZE_MAX bytes are refused by malloc. */
    size_t need = n >= SIZE_MAX - s->len ? SIZE_MAX : s->len + n + 1;
    size_t cap = s->cap > SIZE_MAX / 2 ? need : s->cap * 2;
    if (cap < need) {
        cap = need < 32 ? 32 : need;
    }
    s->data = mem_grow(s->data, cap, 1);
    s->cap = cap;
    s->data[s->len] = '\0';
}

void str_append_n(struct str *s, const char *bytes, size_t n)
{
    str_reserve(s, n);
    if (n > 0) {
        memcpy(s->data + s->len, bytes, n);
    }
    s->len += n;
    s->data[s->len] = '\0';
}

void str_append(struct str *s, const char *text)
{
    str_append_n(s, text, strlen(text));
}

void str_append_c(struct str *s, char c)
{
    str_append_n(s, &c, 1);
}

static void append_format(struct str *s, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void append_format(struct str *s, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    if (len < 0) {
        abort(); /* a broken format or a text of 2 GiB: a bug either way */
    }
    str_reserve(s, (size_t)len);
    vsnprintf(s->data + s->len, (size_t)len + 1, fmt, again);
    va_end(again);
    s->len += (size_t)len;
}

void str_appendf(struct str *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    append_format(s, fmt, ap);
    va_end(ap);
}

const char *str_get(const struct str *s)
{
    return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
    str_reserve(s, 0);
    char *text = s->data;
    *s = (struct str)STR_INIT;
    return text;
}

void strv_free(struct strv *v)
{
    for (size_t i = 0; i < v->count; i++) {
        free(v->items[i]);
    }
    free(v->items);
    *v = (struct strv)STRV_INIT;
}

static void strv_add_take(struct strv *v, char *item)
{
    v->items = mem_grow(v->items, v->count + 2, sizeof(*v->items));
    v->items[v->count++] = item;
    v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *item)
{
    strv_add_take(v, mem_strdup(item));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
    struct str text = STR_INIT;
    va_list ap;
    va_start(ap, fmt);
    append_format(&text, fmt, ap);
    va_end(ap);
    strv_add_take(v, str_take(&text));
}

bool strv_has(const struct strv *v, const char *item)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->items[i], item) == 0) {
            return true;
        }
    }
    return false;
}

bool str_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s);
    size_t suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(s + len - suffix_len, suffix) == 0;
}
