#include "hooks/metadb/model/split.h"

#include <string.h>

#include "hooks/metadb/wire/sql.h"

void split_init(struct splitter *s, split_fn fn, void *arg)
{
    *s = (struct splitter){.text = STR_INIT, .delimiter = ";", .fn = fn, .arg = arg};
}

void split_free(struct splitter *s)
{
    str_free(&s->text);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Drops white space and whole comment lines from the front; takes a DELIMITER line as said. False
 * when the first line is not whole and might yet turn out to be one of these. */
static bool clean_front(struct splitter *s, size_t *from)
{
    static const char word[] = "DELIMITER ";
    for (;;) {
        const char *p = s->text.data + *from;
        size_t left = s->text.len - *from;
        if (left == 0) {
            return true;
        }
        if (is_space(*p)) {
            (*from)++;
            continue;
        }
        const char *newline = memchr(p, '\n', left);
        bool comment = left >= 2 ? memcmp(p, "--", 2) == 0 : *p == '-';
        size_t n = left < sizeof(word) - 1 ? left : sizeof(word) - 1;
        bool delimiter = memcmp(p, word, n) == 0;
        if (!comment && !delimiter) {
            return true;
        }
        if (!newline) {
            return false;
        }
        size_t line = (size_t)(newline - p);
        if (delimiter && line > n && line - n < sizeof(s->delimiter)) {
            memcpy(s->delimiter, p + n, line - n);
            s->delimiter[line - n] = '\0';
        }
        *from += line + 1;
    }
}

/* Skips to the end of an open quote; false when it is not there yet. */
static bool skip_quote(struct splitter *s, size_t *at)
{
    const char *p = s->text.data + *at, *end = s->text.data + s->text.len;
    while ((p = sql_find(p, end, s->quote)) < end && *p != s->quote) {
        size_t escape = s->quote == '`' ? 1 : 2;
        if ((size_t)(end - p) < escape) {
            break;
        }
        p += escape;
    }
    *at = (size_t)(p - s->text.data);
    if (p == end || *p != s->quote) {
        return false;
    }
    s->quote = 0;
    (*at)++;
    return true;
}

/* Around code the delimiter has a line for itself, and comments may hold any quote. The line may
 * have come in pieces, so it is looked for from a little before `at`; never before `start`, where
 * the line that ended the last statement stands. */
static bool find_delimiter_line(struct splitter *s, size_t start, size_t *ret_end)
{
    size_t n = strlen(s->delimiter), from = s->at > start + n + 2 ? s->at - n - 2 : start;
    char line[sizeof(s->delimiter) + 2] = "\n";
    memcpy(line + 1, s->delimiter, n);
    line[n + 1] = '\n';
    const char *p = memmem(s->text.data + from, s->text.len - from, line, n + 2);
    s->at = s->text.len;
    if (p) {
        *ret_end = (size_t)(p - s->text.data) + 1;
    }
    return p != NULL;
}

/* Looks for the delimiter from s->at on; the statement begins at `start`. True when `*ret_end` is
 * where it ends. */
static bool find_end(struct splitter *s, size_t start, size_t *ret_end)
{
    size_t n = strlen(s->delimiter);
    if (strcmp(s->delimiter, ";") != 0) {
        return find_delimiter_line(s, start, ret_end);
    }
    while (s->at < s->text.len) {
        if (s->quote) {
            if (!skip_quote(s, &s->at)) {
                return false;
            }
            continue;
        }
        const char *p = s->text.data + s->at;
        if (*p == s->delimiter[0]) {
            if (s->text.len - s->at < n) {
                return false;
            }
            if (memcmp(p, s->delimiter, n) == 0) {
                *ret_end = s->at;
                return true;
            }
        }
        if (*p == '\'' || *p == '`' || *p == '"') {
            s->quote = *p;
        }
        s->at++;
    }
    return false;
}

static void drop_front(struct splitter *s, size_t n)
{
    memmove(s->text.data, s->text.data + n, s->text.len - n);
    s->text.len -= n;
    s->text.data[s->text.len] = '\0';
}

/* Hands on every statement that is whole. The rest is moved to the front once. */
static int take_statements(struct splitter *s, struct err *err)
{
    size_t from = 0, end;
    int rc = 0;
    while (rc == 0) {
        if (s->at <= from) {
            if (!clean_front(s, &from)) {
                break;
            }
            s->at = from;
        }
        if (!find_end(s, from, &end)) {
            break;
        }
        rc = s->fn(s->arg, s->text.data + from, end - from, err);
        from = s->at = end + strlen(s->delimiter);
    }
    size_t at = s->at > from ? s->at - from : 0;
    drop_front(s, from);
    s->at = at;
    return rc == 0 ? 0 : -1;
}

int split_feed(struct splitter *s, const char *bytes, size_t len, struct err *err)
{
    str_append_n(&s->text, bytes, len);
    return take_statements(s, err);
}

int split_finish(struct splitter *s, struct err *err)
{
    str_append_c(&s->text, '\n');
    if (take_statements(s, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->text.len; i++) {
        if (!is_space(s->text.data[i])) {
            return err_fail(err, ERR_STATE, "the SQL text ends in the middle of a statement");
        }
    }
    return 0;
}
