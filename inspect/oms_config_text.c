#include "inspect/oms_config_text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

struct odd_char {
    uint32_t first, last;
    enum odd_kind kind;
    const char *name;
};

static const struct odd_char odd_chars[] = {
    {0x00, 0x1F, ODD_INVISIBLE, "a control character"},
    {0x7F, 0x9F, ODD_INVISIBLE, "a control character"},
    {0xA0, 0xA0, ODD_INVISIBLE, "a no-break space"},
    {0xAD, 0xAD, ODD_INVISIBLE, "a soft hyphen"},
    {0x2000, 0x200A, ODD_INVISIBLE, "a space that is not a blank"},
    {0x200B, 0x200D, ODD_INVISIBLE, "a character of no width"},
    {0x200E, 0x200F, ODD_INVISIBLE, "a mark of direction"},
    {0x2010, 0x2015, ODD_LOOKALIKE, "a dash that is not '-'"},
    {0x2018, 0x201B, ODD_LOOKALIKE, "a curly quote"},
    {0x201C, 0x201F, ODD_LOOKALIKE, "a curly quote"},
    {0x2028, 0x2029, ODD_INVISIBLE, "a line separator"},
    {0x202A, 0x202E, ODD_INVISIBLE, "a mark of direction"},
    {0x202F, 0x202F, ODD_INVISIBLE, "a no-break space"},
    {0x205F, 0x205F, ODD_INVISIBLE, "a space that is not a blank"},
    {0x2060, 0x2064, ODD_INVISIBLE, "a character of no width"},
    {0x2066, 0x206F, ODD_INVISIBLE, "a mark of direction"},
    {0x2212, 0x2212, ODD_LOOKALIKE, "a minus sign that is not '-'"},
    {0x2236, 0x2236, ODD_LOOKALIKE, "a ratio sign, not ':'"},
    {0x3000, 0x3000, ODD_INVISIBLE, "a full-width space"},
    {0x3001, 0x3001, ODD_LOOKALIKE, "an ideographic comma"},
    {0x3002, 0x3002, ODD_LOOKALIKE, "an ideographic full stop"},
    {0xFE13, 0xFE13, ODD_LOOKALIKE, "a vertical colon"},
    {0xFE55, 0xFE55, ODD_LOOKALIKE, "a small colon"},
    {0xFEFF, 0xFEFF, ODD_INVISIBLE, "a byte order mark"},
    {0xFF01, 0xFF5E, ODD_LOOKALIKE, NULL}, /* the full-width forms of ASCII */
    {0xE0000, 0xE007F, ODD_INVISIBLE, "a character of no width"},
};

#define FULL_WIDTH 0xFEE0U /* from an ASCII character to its full-width form */

/* The code point at `text`; its own byte, of length 1, where it is not UTF-8. */
static uint32_t code_point(const unsigned char *text, size_t len, size_t *ret_len)
{
    size_t more = text[0] >= 0xF0 ? 3 : text[0] >= 0xE0 ? 2 : text[0] >= 0xC0 ? 1 : 0;
    uint32_t point = text[0] & (0x7FU >> (more + (more > 0)));
    for (size_t i = 1; i <= more; i++) {
        if (i >= len || (text[i] & 0xC0U) != 0x80) {
            more = 0;
            point = text[0];
            break;
        }
        point = (point << 6) | (text[i] & 0x3FU);
    }
    *ret_len = more + 1;
    return more == 0 ? text[0] : point;
}

enum odd_kind odd_char_at(const char *text, size_t len, size_t *ret_len, struct str *ret_name)
{
    uint32_t point = code_point((const unsigned char *)text, len, ret_len);
    for (size_t i = 0; i < ARRAY_LEN(odd_chars); i++) {
        const struct odd_char *odd = &odd_chars[i];
        if (point < odd->first || point > odd->last) {
            continue;
        }
        if (ret_name != NULL && odd->name == NULL) {
            str_appendf(ret_name, "a full-width '%c' (U+%04X)", (int)(point - FULL_WIDTH), point);
        } else if (ret_name != NULL) {
            str_appendf(ret_name, "%s (U+%04X)", odd->name, point);
        }
        return odd->kind;
    }
    return ODD_NONE;
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether the syntax of a line, up to the value of its key, has such a character. */
static bool line_is_odd(const char *line, size_t len, struct str *ret_name)
{
    char quote = '\0';
    for (size_t i = 0, n = 1; i < len; i += n) {
        char c = line[i];
        n = 1;
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if ((c == '#' && (i == 0 || is_blank(line[i - 1]))) ||
                   (c == ':' && (i + 1 == len || is_blank(line[i + 1])))) {
            return false;
        } else if (!is_blank(c) && odd_char_at(line + i, len - i, &n, ret_name) != ODD_NONE) {
            return true;
        }
    }
    return false;
}

static size_t line_len(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return (size_t)((newline != NULL ? newline : end) - line);
}

size_t odd_syntax_line(const char *text, size_t len, struct str *ret_name)
{
    const char *end = text + len;
    size_t number = 1;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
    }
    for (; text < end; number++) {
        size_t n = line_len(text, end);
        if (line_is_odd(text, n, ret_name)) {
            return number;
        }
        text += n + 1;
    }
    return 0;
}

size_t unspaced_key_line(const char *text, size_t len, const char *const *keys,
                         const char **ret_key)
{
    const char *end = text + len;
    for (size_t number = 1; text < end; number++) {
        size_t n = line_len(text, end);
        for (size_t i = 0; keys[i] != NULL; i++) {
            size_t key = strlen(keys[i]);
            if (n > key + 1 && strncmp(text, keys[i], key) == 0 && text[key] == ':' &&
                !is_blank(text[key + 1])) {
                *ret_key = keys[i];
                return number;
            }
        }
        text += n + 1;
    }
    return 0;
}

/* ---- values ---- */

/* A value of a connection is never a string of several: whatever could end it and begin another
 * parameter (";", "=", "/") is not among these. */
static bool is_host_char(char c)
{
    return isalnum((unsigned char)c) != 0 || (c != '\0' && strchr("._-:[]%", c) != NULL);
}

bool host_text_is_wrong(const char *text, struct str *ret_why)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        size_t n;
        if (is_host_char(text[i])) {
            continue;
        }
        str_append(ret_why, "holds ");
        if (odd_char_at(text + i, len - i, &n, ret_why) == ODD_NONE) {
            str_appendf(ret_why, "'%.*s'", (int)n, text + i);
        }
        return true;
    }
    return false;
}

bool name_text_is_wrong(const char *text, struct str *ret_why)
{
    size_t len = strlen(text);
    if (len > 0 && (text[0] == ' ' || text[len - 1] == ' ')) {
        str_appendf(ret_why, "%s with a blank", text[0] == ' ' ? "begins" : "ends");
        return true;
    }
    for (size_t i = 0, n = 1; i < len; i += n) {
        AUTO_STR struct str name = STR_INIT;
        enum odd_kind kind = odd_char_at(text + i, len - i, &n, &name);
        bool quote = kind == ODD_LOOKALIKE && (i == 0 || i + n == len);
        if (kind == ODD_INVISIBLE || quote) {
            str_appendf(ret_why, "holds %s", str_get(&name));
            return true;
        }
    }
    return false;
}

bool drop_end_comma(char *item)
{
    static const char *const commas[] = {",", "\xEF\xBC\x8C", "\xE3\x80\x81"};
    bool dropped = false;
    for (size_t i = 0; i < ARRAY_LEN(commas); i++) {
        while (item[0] != '\0' && str_ends_with(item, commas[i])) {
            size_t len = strlen(item) - strlen(commas[i]);
            while (len > 0 && item[len - 1] == ' ') {
                len--;
            }
            item[len] = '\0';
            dropped = true;
            i = 0;
        }
    }
    return dropped;
}
