#include "launcher/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/foreign.h"
#include "launcher/base/mem.h"

#define HINT_MARK "\nHINT: "
#define CUT_MARK "…"

static const char *find_hint(const char *text)
{
    const char *found = NULL;
    for (const char *p = strstr(text, HINT_MARK); p != NULL; p = strstr(p + 1, HINT_MARK)) {
        found = p;
    }
    return found;
}

/* Copies what fits into `room` bytes and a NUL, never half of a character; marks a cut. */
static void copy_cut(char *to, size_t room, const char *text, size_t len)
{
    size_t keep = len;
    if (len > room) {
        keep = foreign_cut(text, len, room - (sizeof(CUT_MARK) - 1));
    }
    memcpy(to, text, keep);
    memcpy(to + keep, len > room ? CUT_MARK : "", len > room ? sizeof(CUT_MARK) : 1);
}

/* What an error quotes may come from anywhere: all of it passes the gate. */
static void copy_clean(char *to, size_t room, const char *text, size_t len)
{
    AUTO_STR struct str clean = STR_INIT;
    str_append_n(&clean, text, len);
    foreign_clean(&clean, FOREIGN_LINES);
    copy_cut(to, room, clean.data, clean.len);
}

/* The only place where a hint is told from the text before it. `whole` must not lie inside `err`.
 */
static void store(struct err *err, const char *whole)
{
    const char *mark = find_hint(whole);
    const char *hint = mark != NULL ? mark + strlen(HINT_MARK) : "";
    copy_clean(err->text, sizeof(err->text) - 1, whole,
               mark != NULL ? (size_t)(mark - whole) : strlen(whole));
    copy_clean(err->hint, sizeof(err->hint) - 1, hint, strlen(hint));
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
    err->asks_person = false;
    store(err, text != NULL ? text : "out of memory");
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
    char *whole = NULL;
    if (context != NULL && asprintf(&whole, "%s: %s", context, err->text) >= 0) {
        copy_clean(err->text, sizeof(err->text) - 1, whole, strlen(whole));
        free(whole);
    }
    free(context);
    return -1;
}

int(err_hint)(struct err *err, const char *fmt, ...)
{
    if (err->hint[0] != '\0') {
        return -1;
    }
    va_list ap;
    va_start(ap, fmt);
    char *hint = format_text(fmt, ap);
    va_end(ap);
    if (hint != NULL) {
        copy_clean(err->hint, sizeof(err->hint) - 1, hint, strlen(hint));
    }
    free(hint);
    return -1;
}

int(err_ask_person)(struct err *err)
{
    err->asks_person = true;
    return -1;
}

char *err_join(const struct err *err)
{
    return mem_printf("%s%s%s", err->text, err->hint[0] != '\0' ? HINT_MARK : "", err->hint);
}
