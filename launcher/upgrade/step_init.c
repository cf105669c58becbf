/* init_metadata: docker_init.sh in the new container (domain, "The runbook", step 5). */
#include "launcher/upgrade/step_impl.h"

#include <string.h>
#include <unistd.h>

#include "hooks/container_hook.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/upgrade/state.h"

#define INIT_SCRIPT "/root/docker_init.sh"
#define INIT_TIMEOUT_MS (2ULL * 60 * 60 * 1000)
/* Lines of output that an error shows. */
#define TAIL_LINES 5

struct init_output {
    struct run *run;
    int fd;
    char *tail[TAIL_LINES]; /* a ring */
    size_t count;
};

static void take_line(void *arg, const char *line)
{
    struct init_output *o = arg;
    AUTO_FREE char *whole = mem_printf("%s\n", line);
    /* A full disk must not end an initialisation that is half-way. */
    int ignored = fs_write_all(o->fd, whole, strlen(whole));
    (void)ignored;
    char **slot = &o->tail[o->count++ % TAIL_LINES];
    free(*slot);
    *slot = mem_strdup(line);
    run_say_output(o->run, line);
}

static int refuse(const struct init_output *o, int exit_code, const char *log, struct err *err)
{
    AUTO_STR struct str tail = STR_INIT;
    size_t shown = o->count < TAIL_LINES ? o->count : TAIL_LINES;
    for (size_t i = o->count - shown; i < o->count; i++) {
        str_appendf(&tail, "\n  %s", o->tail[i % TAIL_LINES]);
    }
    return err_fail(err, ERR_FAILED,
                    "'bash %s' in the new container ended with exit code %d; its last lines:%s\n"
                    "HINT: the whole output is in '%s'",
                    INIT_SCRIPT, exit_code, tail.len > 0 ? str_get(&tail) : " (none)", log);
}

static int run_script(struct run *r, int node, struct init_output *o, const char *log,
                      struct err *err)
{
    static const char *const argv[] = {"bash", INIT_SCRIPT, NULL};
    const struct container_hook hook = {
        .container = r->nodes[node].new_id,
        .argv = argv,
        .timeout_ms = INIT_TIMEOUT_MS,
        .on_line = take_line,
        .arg = o,
    };
    int exit_code;
    if (container_hook_run(r->nodes[node].engine, &hook, &exit_code, err) != 0) {
        return -1;
    }
    return exit_code == 0 ? 0 : refuse(o, exit_code, log, err);
}

STEP_APPLY(init_apply)
{
    (void)prepared;
    AUTO_FREE char *name = mem_printf("logs/init-%d.log", node);
    AUTO_FREE char *log = state_run_file(r->state, r->id, name);
    struct init_output output = {.run = r, .fd = -1};
    if (fs_open_append(log, !fs_exists(log), &output.fd, err) != 0) {
        return -1;
    }
    uint64_t begun_ms = clock_mono_ms();
    int rc = run_script(r, node, &output, log, err);
    if (rc == 0) {
        AUTO_STR struct str summary = STR_INIT;
        str_appendf(&summary, "%s ended well after ", INIT_SCRIPT);
        str_append_duration(&summary, clock_mono_ms() - begun_ms);
        *ret = json_make("{s:s, s:s}", "summary", str_get(&summary), "log", log);
    }
    for (size_t i = 0; i < TAIL_LINES; i++) {
        free(output.tail[i]);
    }
    close(output.fd);
    return rc;
}

/* A migration of the schema must never run twice by guess. */
STEP_PROBE(init_probe)
{
    (void)r, (void)node, (void)prepared, (void)ret_evidence, (void)err;
    *ret = STEP_UNKNOWN;
    return 0;
}
