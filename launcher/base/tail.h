/* The last lines of somebody's output, for an error that shows them. */
#ifndef OMSLAUNCH_BASE_TAIL_H
#define OMSLAUNCH_BASE_TAIL_H

#include "launcher/base/str.h"

#define TAIL_LINES 5
#define TAIL_LINE_MAX 500 /* bytes of a line that are kept */

struct tail {
    char *lines[TAIL_LINES]; /* a ring */
    size_t count;
};

#define AUTO_TAIL CLEANUP(tail_free)
void tail_free(struct tail *t);
/* `tail` is a struct tail *; a foreign_lines.on_line. */
void tail_add(void *tail, const char *line);
/* "\n  LINE" for each, or " (none)". */
void tail_append_to(const struct tail *t, struct str *text);

#endif
