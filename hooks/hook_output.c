#include "hooks/hook_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/fs.h"

static int open_file(struct hook_output *o)
{
    struct stat st;
    o->fd = open(o->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    o->written = o->fd >= 0 && fstat(o->fd, &st) == 0 ? (size_t)st.st_size : 0;
    return o->fd >= 0 ? 0 : -1;
}

static void rotate(struct hook_output *o)
{
    AUTO_FREE char *older = mem_printf("%s.1", o->path);
    fd_close_ptr(&o->fd);
    o->fd = -1;
    if (rename(o->path, older) == 0) {
        (void)!open_file(o);
    }
}

/* A disk that is full must not end the hook: what cannot be kept is lost, and the tail stays. */
static void keep(struct hook_output *o, const char *line)
{
    size_t len = strlen(line);
    if (o->fd >= 0 && o->written + len + 1 > HOOK_LOG_MAX) {
        rotate(o);
    }
    if (o->fd >= 0 && fs_write_all(o->fd, line, len) == 0 && fs_write_all(o->fd, "\n", 1) == 0) {
        o->written += len + 1;
    }
}

static void take_line(void *arg, const char *line)
{
    struct hook_output *o = arg;
    keep(o, line);
    tail_add(&o->tail, line);
    if (o->on_line == NULL || o->shown > HOOK_LINES_SHOWN) {
        return;
    }
    if (o->shown++ == HOOK_LINES_SHOWN) {
        AUTO_FREE char *more = mem_printf("… more is in %s", o->path != NULL ? o->path : "no file");
        o->on_line(o->arg, more);
        return;
    }
    o->on_line(o->arg, line);
}

int hook_output_open(struct hook_output *o, struct err *err)
{
    o->fd = -1;
    for (size_t i = 0; i < 2; i++) {
        o->lines[i] = (struct foreign_lines){.on_line = take_line, .arg = o};
    }
    if (o->path != NULL && open_file(o) != 0) {
        return err_fail(err, ERR_STATE,
                        "the output of a hook cannot be kept in '%s': %m\n"
                        "HINT: see that the state folder is writable",
                        o->path);
    }
    return 0;
}

void hook_output_add(struct hook_output *o, int stream, const char *bytes, size_t len, bool whole)
{
    struct foreign_lines *lines = &o->lines[stream == 2];
    foreign_lines_feed(lines, bytes, len);
    if (whole) {
        foreign_lines_feed(lines, "\n", 1);
    }
}

void hook_output_close(struct hook_output *o)
{
    foreign_lines_end(&o->lines[0]);
    foreign_lines_end(&o->lines[1]);
    fd_close_ptr(&o->fd);
    o->fd = -1;
}
