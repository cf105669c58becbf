/* What a hook says: kept in a file that is rotated, its last lines in memory, its first ones shown.
 */
#ifndef OMSLAUNCH_HOOKS_HOOK_OUTPUT_H
#define OMSLAUNCH_HOOKS_HOOK_OUTPUT_H

#include "launcher/base/foreign.h"
#include "launcher/base/tail.h"

/* A file is begun anew when it would exceed this; one older is kept as FILE.1. */
#define HOOK_LOG_MAX (8U * 1024 * 1024)
/* Lines that are shown while a hook runs; more are in the file alone. */
#define HOOK_LINES_SHOWN 200

struct hook_output {
    const char *path; /* NULL: no file. Borrowed */
    void (*on_line)(void *arg, const char *line);
    void *arg;
    int fd;
    size_t written, shown;
    struct tail tail;
    struct foreign_lines lines[2]; /* stdout, stderr */
};

/* The file is created, 0600, or added to. ERR_STATE. */
int hook_output_open(struct hook_output *o, struct err *err) MUST_USE;
/* A piece of stdout (1) or stderr (2) without its newline; `whole` when it had one. */
void hook_output_add(struct hook_output *o, int stream, const char *bytes, size_t len, bool whole);
void hook_output_close(struct hook_output *o); /* the tail stays, until tail_free() */

#endif
