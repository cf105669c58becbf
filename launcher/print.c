#include "launcher/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "launcher/base/foreign.h"

/* A failed write is seen at the end, when stdout is closed. */
static void write_text(const char *text)
{
    (void)fputs(text, stdout);
}

static void print(enum foreign_shape shape, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void print(enum foreign_shape shape, const char *fmt, va_list ap)
{
    AUTO_STR struct str line = STR_INIT;
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0) {
        return;
    }
    str_append(&line, text);
    free(text);
    foreign_clean(&line, shape);
    str_append_c(&line, '\n');
    write_text(str_get(&line));
}

void print_line(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(FOREIGN_LINE, fmt, ap);
    va_end(ap);
}

void print_lines(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print(FOREIGN_LINES, fmt, ap);
    va_end(ap);
}

void print_text(const char *text)
{
    AUTO_STR struct str clean = STR_INIT;
    str_append(&clean, text);
    foreign_clean(&clean, FOREIGN_LINES);
    write_text(str_get(&clean));
}

/* They can only stand inside strings. Above U+FFFF, JSON writes a pair of surrogates. */
static void append_escaped(struct str *out, uint32_t c)
{
    if (c < 0x10000) {
        str_appendf(out, "\\u%04X", (unsigned)c);
    } else {
        str_appendf(out, "\\u%04X\\u%04X", (unsigned)(0xD7C0 + (c >> 10)),
                    (unsigned)(0xDC00 + (c & 0x3FF)));
    }
}

void print_json(const json_t *document)
{
    AUTO_FREE char *text = json_pretty(document);
    AUTO_STR struct str out = STR_INIT;
    size_t n;
    for (const char *p = text; *p != '\0'; p += n) {
        uint32_t c = 0;
        n = foreign_char(p, 4, &c);
        n = n > 0 ? n : 1;
        if (foreign_is_harmful(c)) {
            append_escaped(&out, c);
        } else {
            str_append_n(&out, p, n);
        }
    }
    str_append_c(&out, '\n');
    write_text(str_get(&out));
}
