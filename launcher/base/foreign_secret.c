/* The secrets that the gate knows. */
#include "launcher/base/foreign.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_MAX 3 /* bytes: so short a secret is looked for as a whole word only */

static pthread_mutex_t hidden_lock = PTHREAD_MUTEX_INITIALIZER;
/* Longest first: a form that holds another is replaced as a whole. */
static struct hidden {
    char *bytes;
    size_t len;
} * hidden;
static size_t hidden_count;

/* The caller holds the lock. */
static void add(const char *bytes, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < hidden_count; i++) {
        if (hidden[i].len == len && memcmp(hidden[i].bytes, bytes, len) == 0) {
            return;
        }
        at += hidden[i].len > len;
    }
    hidden = mem_grow(hidden, hidden_count + 1, sizeof(*hidden));
    memmove(hidden + at + 1, hidden + at, (hidden_count - at) * sizeof(*hidden));
    hidden[at] = (struct hidden){.bytes = mem_alloc(len + 1), .len = len};
    memcpy(hidden[at].bytes, bytes, len);
    hidden_count++;
}

static void add_form_free(struct str *form)
{
    add(str_get(form), form->len);
    secret_wipe(form->data, form->cap);
    str_free(form);
}

/* How `set -x` prints it ('it'\''s'), printf %q and double quotes (back\ slash), JSON, and URLs. */
static void add_forms(const char *bytes, size_t len)
{
    struct str quoted = STR_INIT, escaped = STR_INIT, json = STR_INIT, url = STR_INIT;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        bool word = isalnum((unsigned char)c) || c == '_';
        str_append(&quoted, c == '\'' ? "'\\'" : "");
        str_append_c(&quoted, c);
        str_append(&escaped, word ? "" : "\\");
        str_append_c(&escaped, c);
        str_append(&json, c == '"' || c == '\\' ? "\\" : "");
        str_append_c(&json, c);
        if (word || strchr("-.~", c) != NULL) {
            str_append_c(&url, c);
        } else {
            str_appendf(&url, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
    add_form_free(&quoted);
    add_form_free(&escaped);
    add_form_free(&json);
    add_form_free(&url);
}

void foreign_hide(const char *bytes, size_t len)
{
    if (len == 0) {
        return;
    }
    pthread_mutex_lock(&hidden_lock);
    add(bytes, len);
    add_forms(bytes, len);
    pthread_mutex_unlock(&hidden_lock);
}

void foreign_forget(void)
{
    pthread_mutex_lock(&hidden_lock);
    for (size_t i = 0; i < hidden_count; i++) {
        secret_wipe(hidden[i].bytes, hidden[i].len);
        free(hidden[i].bytes);
    }
    free(hidden);
    hidden = NULL;
    hidden_count = 0;
    pthread_mutex_unlock(&hidden_lock);
}

static bool is_word(const char *p)
{
    return isalnum((unsigned char)*p) || *p == '_' || ((unsigned char)*p & 0x80) != 0;
}

static const char *find(const struct hidden *s, const char *from, const char *begin,
                        const char *end)
{
    for (const char *p = from;; p++) {
        p = memmem(p, (size_t)(end - p), s->bytes, s->len);
        if (p == NULL || s->len > SHORT_MAX) {
            return p;
        }
        bool inside = (p > begin && is_word(p - 1)) || (p + s->len < end && is_word(p + s->len));
        if (!inside) {
            return p;
        }
    }
}

static void redact_one(const struct hidden *s, struct str *text)
{
    const char *begin = text->data, *end = text->data + text->len;
    const char *hit = find(s, begin, begin, end);
    if (hit == NULL) {
        return;
    }
    struct str clean = STR_INIT;
    const char *p = begin;
    for (; hit != NULL; hit = find(s, p, begin, end)) {
        str_append_n(&clean, p, (size_t)(hit - p));
        str_append(&clean, "***");
        p = hit + s->len;
    }
    str_append_n(&clean, p, (size_t)(end - p));
    secret_wipe(text->data, text->cap);
    str_free(text);
    *text = clean;
}

void foreign_redact(struct str *text)
{
    pthread_mutex_lock(&hidden_lock);
    for (size_t i = 0; i < hidden_count && text->len > 0; i++) {
        redact_one(&hidden[i], text);
    }
    pthread_mutex_unlock(&hidden_lock);
}
