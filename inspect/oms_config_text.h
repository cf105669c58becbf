/* Inside of this room: what stands in a config.yaml that people typed, copied from a chat or filled
 * in with an input method that is not ASCII. */
#ifndef OMSLAUNCH_INSPECT_OMS_CONFIG_TEXT_H
#define OMSLAUNCH_INSPECT_OMS_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/str.h"

enum odd_kind {
    ODD_NONE,
    ODD_LOOKALIKE, /* stands for an ASCII character: a full-width colon, a curly quote */
    ODD_INVISIBLE, /* a space that is none, a mark of direction, a control character */
    ODD_KIND_MAX
};

/* What the character at `text` is; `ret_name` (may be NULL) gets "a full-width ':' (U+FF1A)",
 * `ret_len` its bytes. A byte that is not UTF-8 is a character of its own. */
enum odd_kind odd_char_at(const char *text, size_t len, size_t *ret_len, struct str *ret_name);

/* The first line (from 1) on which such a character stands where YAML needs an ASCII one: before
 * the colon of a key, or in front of an item, outside of quotes and comments. 0: none. */
size_t odd_syntax_line(const char *text, size_t len, struct str *ret_name);
/* The first line that begins with one of the keys (NULL-terminated) and has no blank after the
 * colon, as in "drc_rm_db:rm_331". 0: none. */
size_t unspaced_key_line(const char *text, size_t len, const char *const *keys,
                         const char **ret_key);

/* Why this is not the address or name of a host, as words that follow "it "; false if it is one. */
bool host_text_is_wrong(const char *text, struct str *ret_why);
/* The same of a name of a database or a user: those may hold anything that can be seen. */
bool name_text_is_wrong(const char *text, struct str *ret_why);

/* Drops the commas, of whatever width, that end a list item; true if there was one. */
bool drop_end_comma(char *item);

#endif
