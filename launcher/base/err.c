#include "launcher/base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HINT_MARK "\nHINT: "
#define CUT_MARK "…"

static const char *find_hint(const char *text)
{
    const char *found = NULL;
    for (const char *p = strstr(text, HINT_MARK); p; p = strstr(p + 1, HINT_MARK)) {
        found = p;
    }
    return found;
}

/* Copies at most `room` bytes of `text`, never half of a UTF-8 sequence; marks a cut. */
static size_t copy_cut(char *to, size_t room, const char *text, size_t len)
{
    if (len <= room) {
        memcpy(to, text, len);
        return len;
    }
    size_t keep = room - (sizeof(CUT_MARK) - 1);
    while (keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80) {
        keep--;
    }
    memcpy(to, text, keep);
    memcpy(to + keep, CUT_MARK, sizeof(CUT_MARK) - 1);
    return keep + sizeof(CUT_MARK) - 1;
}

/* `text` must not lie inside `err`. */
static void store(struct err *err, const char *text)
{
    const size_t room = sizeof(err->text) - 1;
    size_t len = strlen(text);
    const char *hint = find_hint(text);
    size_t hint_len = hint ? strlen(hint) : 0;
    /* The hint is what the reader acts on, so the sentence before it gives way, but not wholly. */
    size_t hint_room = hint_len < room / 2 ? hint_len : room / 2;
    size_t at = copy_cut(err->text, len <= room ? len : room - hint_room, text, len - hint_len);
    if (hint) {
        at += copy_cut(err->text + at, room - at, hint, hint_len);
    }
    err->text[at] = '\0';
}

/* Without memory for the whole text, what fits into `err` must do. */
static char *format_text(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static char *format_text(const char *fmt, va_list ap)
{
    char *text = NULL;
    return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

int err_vfail(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
    int saved = errno;
    char *text = format_text(fmt, ap);
    err->kind = kind;
    store(err, text ? text : "out of memory");
    free(text);
    errno = saved;
    return -1;
}

/* In brackets, since err.h has macros of these names for the analyzer. */
int(err_fail)(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_vfail(err, kind, fmt, ap);
    va_end(ap);
    return -1;
}

int(err_wrap)(struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *context = format_text(fmt, ap);
    va_end(ap);
    if (context) {
        err_fail(err, err->kind, "%s: %s", context, err->text);
    }
    free(context);
    return -1;
}

int(err_hint)(struct err *err, const char *fmt, ...)
{
    if (find_hint(err->text)) {
        return -1;
    }
    va_list ap;
    va_start(ap, fmt);
    char *hint = format_text(fmt, ap);
    va_end(ap);
    if (hint) {
        err_fail(err, err->kind, "%s" HINT_MARK "%s", err->text, hint);
    }
    free(hint);
    return -1;
}

const char *err_get_hint(const struct err *err)
{
    const char *hint = find_hint(err->text);
    return hint ? hint + strlen(HINT_MARK) : NULL;
}
