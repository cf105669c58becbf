#include "hooks/container_hook.h"

/* A line longer than this comes in pieces. */
#define LINE_MAX_BYTES 4096

struct line_splitter {
    const struct container_hook *hook;
    struct str line[3]; /* by stream: stdout and stderr interleave only between lines */
};

static void end_line(struct line_splitter *s, struct str *line)
{
    if (s->hook->on_line != NULL) {
        s->hook->on_line(s->hook->arg, str_get(line));
    }
    str_reset(line);
}

static int split_lines(void *arg, int stream, const char *bytes, size_t len)
{
    struct line_splitter *s = arg;
    struct str *line = &s->line[stream == 2 ? 2 : 1];
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n') {
            end_line(s, line);
        } else if ((c >= ' ' && c != 0x7f) || c == '\t') {
            str_append_c(line, (char)c);
            if (line->len >= LINE_MAX_BYTES) {
                end_line(s, line);
            }
        }
    }
    return 0;
}

int container_hook_create(struct engine *e, const struct container_hook *hook, char **ret_exec_id,
                          struct err *err)
{
    const struct engine_exec exec = {.container = hook->container, .argv = hook->argv};
    return engine_exec_create(e, &exec, ret_exec_id, err);
}

int container_hook_run(struct engine *e, const struct container_hook *hook, const char *exec_id,
                       int *ret_exit_code, struct err *err)
{
    struct line_splitter splitter = {.hook = hook};
    const struct engine_exec exec = {
        .container = hook->container,
        .argv = hook->argv,
        .timeout_ms = hook->timeout_ms,
        .on_output = split_lines,
        .arg = &splitter,
    };
    int rc = engine_exec_start(e, &exec, exec_id, ret_exit_code, err);
    for (size_t i = 1; i <= 2; i++) {
        if (splitter.line[i].len > 0) {
            end_line(&splitter, &splitter.line[i]);
        }
        str_free(&splitter.line[i]);
    }
    return rc;
}
