/* A growing byte string, always NUL-terminated; and lists of C strings. */
#ifndef OMSLAUNCH_BASE_STR_H
#define OMSLAUNCH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

struct str {
    char *data; /* "" when empty, never NULL after the first append */
    size_t len;
    size_t cap;
};

#define STR_INIT                         \
    {                                    \
        .data = NULL, .len = 0, .cap = 0 \
    }
#define AUTO_STR CLEANUP(str_free)

void str_free(struct str *s);
void str_reset(struct str *s); /* len 0, keeps the memory */
void str_append(struct str *s, const char *text);
void str_append_n(struct str *s, const char *bytes, size_t n);
void str_append_c(struct str *s, char c);
void str_appendf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for at least `n` more bytes and the NUL. */
void str_reserve(struct str *s, size_t n);
/* The text, "" if nothing was ever appended. Borrowed. */
const char *str_get(const struct str *s);
/* The text as a malloced string; `s` is empty afterwards. */
char *str_take(struct str *s);

struct strv {
    char **items; /* NULL-terminated once anything was added */
    size_t count;
};

#define STRV_INIT                 \
    {                             \
        .items = NULL, .count = 0 \
    }
#define AUTO_STRV CLEANUP(strv_free)

void strv_free(struct strv *v);
void strv_add(struct strv *v, const char *item); /* copies */
void strv_addf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *v, const char *item);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);

/* The only number parsers: decimal, whole string, within [min, max]; `what` names the thing in the
 * error ("port '80x' is no number from 1 to 65535"). ERR_USAGE: who reads a file sets ERR_CONFIG.
 */
int str_to_u64(const char *s, uint64_t min, uint64_t max, const char *what, uint64_t *ret,
               struct err *err) MUST_USE;
/* "90", "90s", "15m", "2h", "500ms" to milliseconds; a bare number is seconds. */
int str_to_duration_ms(const char *s, const char *what, uint64_t *ret_ms, struct err *err) MUST_USE;
/* "1.5 GiB" and the like, for people. */
void str_append_size(struct str *s, uint64_t bytes);
/* "1 h 02 min", "3 min 05 s", "4.2 s", for people. */
void str_append_duration(struct str *s, uint64_t ms);

/* A secret is a type, not a string: it has no way into a log, an argv or JSON but by its own name,
 * and its memory is wiped when freed. */
struct secret {
    char *bytes; /* NUL-terminated, NULL if never set */
    size_t len;
};

#define SECRET_INIT             \
    {                           \
        .bytes = NULL, .len = 0 \
    }
#define AUTO_SECRET CLEANUP(secret_free)

/* Copies. From then on it is hidden in all text that passes the gate (foreign.h). */
void secret_set(struct secret *s, const char *bytes, size_t len);
void secret_free(struct secret *s); /* wipes */
/* Wipes memory that held a secret in passing. */
void secret_wipe(void *p, size_t n);
/* No core file and no ptrace by others of this process from now on. */
void secret_protect_process(void);

#endif
