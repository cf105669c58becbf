#include "launcher/base/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 20
#define WIDTH_MAX 1000

size_t fold_terminal_width(int fd)
{
    struct winsize size = {0};
    uint64_t columns;
    struct err ignored;
    if (!isatty(fd)) {
        return 0;
    }
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
    }
    /* A terminal that does not know its size, as some that only record. */
    const char *environment = getenv("COLUMNS");
    return environment != NULL &&
                   str_to_u64(environment, WIDTH_MIN, WIDTH_MAX, "COLUMNS", &columns, &ignored) == 0
               ? (size_t)columns
               : WIDTH_DEFAULT;
}

/* Unicode's East Asian Width, as far as names of people, firms and files go. */
static size_t columns_of(uint32_t c)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F},  {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},
                                       {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF},
                                       {0x20000, 0x3FFFD}};
    if ((c >= 0x300 && c <= 0x36F) || c == 0x200B || c == 0xFEFF) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
        if (c >= wide[i][0] && c <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

size_t fold_columns(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        uint32_t point = c < 0xE0 ? c & 0x1FU : c < 0xF0 ? c & 0xFU : c & 0x7U;
        if (c < 0x80) {
            columns++;
            continue;
        }
        for (; i + 1 < len && ((unsigned char)text[i + 1] & 0xC0) == 0x80; i++) {
            point = point << 6 | ((unsigned char)text[i + 1] & 0x3FU);
        }
        columns += columns_of(point);
    }
    return columns;
}

static void break_line(struct str *s, size_t indent)
{
    while (s->len > 0 && s->data[s->len - 1] == ' ') {
        s->data[--s->len] = '\0';
    }
    str_appendf(s, "\n%*s", (int)indent, "");
}

void fold_paragraph(struct str *s, const char *text, size_t width, size_t column, size_t indent)
{
    while (*text != '\0') {
        size_t gap = strspn(text, " ");
        size_t len = strcspn(text + gap, " \n");
        size_t columns = fold_columns(text + gap, len);
        if (width > 0 && len > 0 && column > indent && column + gap + columns > width) {
            break_line(s, indent);
            column = indent;
        } else if (len > 0) {
            str_append_n(s, text, gap);
            column += gap;
        }
        str_append_n(s, text + gap, len);
        column += columns;
        text += gap + len;
        if (*text == '\n') {
            break_line(s, text[1] == '\n' || text[1] == '\0' ? 0 : indent);
            column = indent;
            text++;
        }
    }
}

void fold_lines(struct str *s, const char *text, size_t width, size_t column)
{
    if (width == 0) {
        str_append(s, text);
        return;
    }
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        AUTO_FREE char *line = mem_strndup(text, len);
        size_t indent = strspn(line, " ") + 2;
        fold_paragraph(s, line, width, column, indent > width / 2 ? 2 : indent);
        text += len;
        if (*text == '\n') {
            str_append_c(s, '\n');
            text++;
        }
        column = 0;
    }
}
