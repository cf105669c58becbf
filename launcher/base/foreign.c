#include "launcher/base/foreign.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"
#define CUT_MARK "…"
#define ESC 0x1B

/* ---- UTF-8 ---- */

size_t foreign_char(const char *p, size_t left, uint32_t *ret)
{
    static const struct {
        size_t len;
        uint32_t least;
        unsigned char mask, lead;
    } forms[] = {
        {.len = 1, .least = 0, .mask = 0x80, .lead = 0x00},
        {.len = 2, .least = 0x80, .mask = 0xE0, .lead = 0xC0},
        {.len = 3, .least = 0x800, .mask = 0xF0, .lead = 0xE0},
        {.len = 4, .least = 0x10000, .mask = 0xF8, .lead = 0xF0},
    };
    unsigned char first = (unsigned char)p[0];
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((first & forms[i].mask) != forms[i].lead || forms[i].len > left) {
            continue;
        }
        uint32_t c = first & (uint32_t)(unsigned char)~forms[i].mask;
        for (size_t k = 1; k < forms[i].len; k++) {
            if (((unsigned char)p[k] & 0xC0) != 0x80) {
                return 0;
            }
            c = c << 6 | ((unsigned char)p[k] & 0x3F);
        }
        if (c < forms[i].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
            return 0;
        }
        *ret = c;
        return forms[i].len;
    }
    return 0;
}

size_t foreign_cut(const char *text, size_t len, size_t max)
{
    size_t keep = len < max ? len : max;
    /* A character has at most three bytes after its first; more of them are no character. */
    for (size_t back = 0; keep < len && back < 4 && back <= keep; back++) {
        if (((unsigned char)text[keep - back] & 0xC0) != 0x80) {
            return keep - back;
        }
    }
    return keep;
}

static bool is_control(uint32_t c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c <= 0x9F);
}

/* Of Unicode's "Cf" and separators: what has no shape of its own, or turns the direction. */
static bool is_invisible(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {{0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E},
                  {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                  {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (c >= ranges[i].from && c <= ranges[i].to) {
            return true;
        }
    }
    return false;
}

bool foreign_is_harmful(uint32_t c)
{
    return is_control(c) || is_invisible(c);
}

/* ---- the gate ---- */

/* The length of the sequence that ESC begins at `p`: ESC [ … letter, ESC ] … BEL, ESC and one more;
 * 1 where it has no end, so that what follows is shown. */
static size_t escape_len(const char *p, size_t left)
{
    if (left < 2) {
        return 1;
    }
    if (p[1] == '[') {
        size_t i = 2;
        while (i < left && p[i] >= 0x20 && p[i] <= 0x3F) {
            i++;
        }
        return i < left && p[i] >= 0x40 && p[i] <= 0x7E ? i + 1 : 2;
    }
    if (p[1] != ']' && p[1] != 'P' && p[1] != '_' && p[1] != '^') {
        return p[1] >= 0x20 && p[1] <= 0x7E ? 2 : 1;
    }
    for (size_t i = 2; i < left && p[i] != '\n'; i++) {
        if (p[i] == '\a') {
            return i + 1;
        }
        if (p[i] == ESC && i + 1 < left && p[i + 1] == '\\') {
            return i + 2;
        }
    }
    return 2;
}

static void append_char(struct str *out, const char *p, size_t len, uint32_t c,
                        enum foreign_shape shape)
{
    if (c == '\n' && shape == FOREIGN_LINE) {
        str_append_c(out, ' ');
    } else if (is_control(c)) {
        str_append_c(out, '?');
    } else if (!is_invisible(c)) {
        str_append_n(out, p, len);
    }
}

bool foreign_is_utf8(const char *text)
{
    const size_t len = strlen(text);
    size_t n = 1;
    uint32_t c = 0;
    for (size_t i = 0; i < len && n > 0; i += n) {
        n = foreign_char(text + i, len - i, &c);
    }
    return n > 0;
}

void foreign_append(struct str *out, const char *bytes, size_t len, enum foreign_shape shape)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = foreign_char(bytes + i, len - i, &c);
        if (n == 0) {
            str_append(out, REPLACEMENT);
            n = 1;
        } else if (c == ESC) {
            n = escape_len(bytes + i, len - i);
        } else if (c != '\r' || i + 1 >= len || bytes[i + 1] != '\n') {
            append_char(out, bytes + i, n, c, shape);
        }
        i += n;
    }
}

/* ASCII that can be shown passes as it is: nearly all text, without a copy. */
static bool is_plain(const struct str *text, enum foreign_shape shape)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        bool plain = (c >= 0x20 && c < 0x7F) || c == '\t' || (c == '\n' && shape == FOREIGN_LINES);
        if (!plain) {
            return false;
        }
    }
    return true;
}

void foreign_clean(struct str *text, enum foreign_shape shape)
{
    foreign_redact(text);
    if (is_plain(text, shape)) {
        return;
    }
    struct str clean = STR_INIT;
    foreign_append(&clean, text->data, text->len, shape);
    str_free(text);
    *text = clean;
}

char *foreign_text(const char *bytes, size_t len, enum foreign_shape shape, size_t max)
{
    struct str text = STR_INIT;
    str_append_n(&text, bytes, len);
    foreign_clean(&text, shape);
    if (text.len > max) {
        size_t keep = foreign_cut(text.data, text.len, max - (sizeof(CUT_MARK) - 1));
        text.len = keep;
        str_append(&text, CUT_MARK);
    }
    return str_take(&text);
}

char *foreign_line(const char *text, size_t max)
{
    return foreign_text(text != NULL ? text : "", text != NULL ? strlen(text) : 0, FOREIGN_LINE,
                        max);
}

/* ---- lines ---- */

/* With room for the longest secret behind the piece that is given away. */
#define RAW_MAX (8 * FOREIGN_PIECE)

static void give(struct foreign_lines *l, const char *bytes, size_t len)
{
    AUTO_STR struct str line = STR_INIT;
    str_append_n(&line, bytes, len);
    foreign_clean(&line, FOREIGN_LINE);
    l->on_line(l->arg, str_get(&line));
}

/* The whole is redacted before it is cut, and what follows the piece stays for the next time: a
 * secret is always seen as a whole. */
static void give_piece(struct foreign_lines *l)
{
    foreign_redact(&l->raw);
    size_t keep = foreign_cut(l->raw.data, l->raw.len, FOREIGN_PIECE);
    give(l, l->raw.data, keep);
    memmove(l->raw.data, l->raw.data + keep, l->raw.len - keep);
    l->raw.len -= keep;
    l->raw.data[l->raw.len] = '\0';
}

static void end_line(struct foreign_lines *l)
{
    if (l->raw.len > 0 && l->raw.data[l->raw.len - 1] == '\r') {
        l->raw.len--;
    }
    foreign_redact(&l->raw);
    do {
        size_t keep = foreign_cut(str_get(&l->raw), l->raw.len, FOREIGN_PIECE);
        give(l, str_get(&l->raw), keep);
        l->raw.len -= keep;
        if (l->raw.len > 0) {
            memmove(l->raw.data, l->raw.data + keep, l->raw.len);
        }
    } while (l->raw.len > 0);
}

void foreign_lines_feed(struct foreign_lines *l, const char *bytes, size_t len)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        size_t n = newline != NULL ? (size_t)(newline - bytes) : len;
        size_t room = RAW_MAX - l->raw.len;
        size_t taken = n < room ? n : room;
        str_append_n(&l->raw, bytes, taken);
        bytes += taken;
        len -= taken;
        if (taken < n) {
            give_piece(l);
        } else if (newline != NULL) {
            end_line(l);
            bytes++;
            len--;
        }
    }
}

void foreign_lines_end(struct foreign_lines *l)
{
    if (l->raw.len > 0) {
        end_line(l);
    }
    str_free(&l->raw);
}
