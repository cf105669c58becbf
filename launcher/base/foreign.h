/* The gate for foreign text: words of containers, engines, servers, files, processes and people.
 * What has passed it is valid UTF-8, cannot steer a terminal or change the order in which it is
 * read, is bounded, and holds no secret that was given to foreign_hide(). err_fail(), the log and
 * what is printed on stdout pass it; whoever stores such text elsewhere calls it. */
#ifndef OMSLAUNCH_BASE_FOREIGN_H
#define OMSLAUNCH_BASE_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/base/str.h"

enum foreign_shape {
    FOREIGN_LINE, /* newlines become spaces */
    FOREIGN_LINES /* newlines stay */
};

/* Appends the harmless form of `len` bytes, any bytes, to `out`: sequences that start with ESC are
 * dropped, and so are characters that are invisible or turn the direction of writing; other control
 * characters become "?", what is not UTF-8 becomes U+FFFD. No secret is looked for. */
void foreign_append(struct str *out, const char *bytes, size_t len, enum foreign_shape shape);

/* The whole gate. At most `max` bytes (at least 4), cut between two characters and marked by "…".
 * Caller frees. */
char *foreign_text(const char *bytes, size_t len, enum foreign_shape shape, size_t max);
/* The same for a C string; NULL becomes "". */
char *foreign_line(const char *text, size_t max);
/* The same in place, without a limit. */
void foreign_clean(struct str *text, enum foreign_shape shape);

/* ---- secrets ---- */

/* From now on "***" stands in text wherever these bytes would, or a form of them that shells, URLs
 * and JSON give them. Shorter ones than four bytes count only as whole words. Copies; any thread.
 */
void foreign_hide(const char *bytes, size_t len);
/* Replaces what was hidden, in bytes of any kind. */
void foreign_redact(struct str *text);
/* Forgets and wipes all of them. */
void foreign_forget(void);

/* ---- lines ---- */

/* Cuts a stream into lines, each of which passes the gate; a line longer than FOREIGN_PIECE comes
 * in pieces, none of which ends inside a character or inside a secret. */
#define FOREIGN_PIECE 4096U

struct foreign_lines {
    void (*on_line)(void *arg, const char *line);
    void *arg;
    struct str raw; /* STR_INIT at first */
};

void foreign_lines_feed(struct foreign_lines *l, const char *bytes, size_t len);
/* Gives away what has no newline, and frees what the cutting needed. */
void foreign_lines_end(struct foreign_lines *l);

/* ---- UTF-8 ---- */

/* The length of the character at `p`, 0 when these bytes are not one (overlong, surrogate, cut, too
 * large). `left` is at least 1. */
size_t foreign_char(const char *p, size_t left, uint32_t *ret);
bool foreign_is_utf8(const char *text);
/* The longest prefix of at most `max` bytes that does not end inside a character. */
size_t foreign_cut(const char *text, size_t len, size_t max);
/* Characters that must not be shown: control characters but tab and newline, invisible ones, and
 * those that turn the direction of writing. */
bool foreign_is_harmful(uint32_t c);

#endif
