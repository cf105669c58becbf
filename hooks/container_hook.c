#include "hooks/container_hook.h"

#include "launcher/base/foreign.h"

struct output {
    struct foreign_lines lines[2]; /* stdout and stderr interleave only between lines */
};

static void drop(void *arg, const char *line)
{
    (void)arg, (void)line;
}

static int split_lines(void *arg, int stream, const char *bytes, size_t len)
{
    struct output *o = arg;
    foreign_lines_feed(&o->lines[stream == 2], bytes, len);
    return 0;
}

int container_hook_create(struct engine *e, const struct container_hook *hook, char **ret_exec_id,
                          struct err *err)
{
    const struct engine_exec exec = {
        .container = hook->container, .argv = hook->argv, .env = hook->env};
    return engine_exec_create(e, &exec, ret_exec_id, err);
}

int container_hook_run(struct engine *e, const struct container_hook *hook, const char *exec_id,
                       int *ret_exit_code, struct err *err)
{
    void (*on_line)(void *, const char *) = hook->on_line != NULL ? hook->on_line : drop;
    struct output output = {
        .lines = {{.on_line = on_line, .arg = hook->arg}, {.on_line = on_line, .arg = hook->arg}}};
    const struct engine_exec exec = {
        .container = hook->container,
        .argv = hook->argv,
        .timeout_ms = hook->timeout_ms,
        .on_output = split_lines,
        .arg = &output,
    };
    int rc = engine_exec_start(e, &exec, exec_id, ret_exit_code, err);
    foreign_lines_end(&output.lines[0]);
    foreign_lines_end(&output.lines[1]);
    return rc;
}
