#include "launcher/base/tail.h"

#include <stdlib.h>

#include "launcher/base/foreign.h"

void tail_free(struct tail *t)
{
    for (size_t i = 0; i < TAIL_LINES; i++) {
        free(t->lines[i]);
    }
    *t = (struct tail){.count = 0};
}

void tail_add(void *tail, const char *line)
{
    struct tail *t = tail;
    char **slot = &t->lines[t->count++ % TAIL_LINES];
    free(*slot);
    *slot = foreign_line(line, TAIL_LINE_MAX);
}

void tail_append_to(const struct tail *t, struct str *text)
{
    size_t shown = t->count < TAIL_LINES ? t->count : TAIL_LINES;
    for (size_t i = t->count - shown; i < t->count; i++) {
        str_appendf(text, "\n  %s", t->lines[i % TAIL_LINES]);
    }
    if (shown == 0) {
        str_append(text, " (none)");
    }
}
