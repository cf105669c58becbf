/* init_metadata: docker_init.sh in the new container (domain, "The runbook", step 5). */
#include "launcher/upgrade/step_impl.h"

#include <string.h>
#include <unistd.h>

#include "hooks/container_hook.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/state.h"

#define INIT_SCRIPT "/root/docker_init.sh"
#define INIT_TIMEOUT_MS (2ULL * 60 * 60 * 1000)
#define FINGERPRINT_TIMEOUT_MS 60000U
#define MARKER_MAX 64
#define POLL_MS 1000
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

/* Files in the container tell a later process what became of the script: begun, and how it ended.
 */
static char *marker_path(const struct run *r, const char *which)
{
    return mem_printf("/root/.omslaunch-%s.%s", r->id, which);
}

static int run_script(struct run *r, int node, struct init_output *o, const char *log,
                      struct err *err)
{
    AUTO_FREE char *begun = marker_path(r, "begun");
    AUTO_FREE char *ended = marker_path(r, "ended");
    AUTO_FREE char *script =
        mem_printf("rm -f %s && echo $$ >%s && sync && bash %s; code=$?; echo $code >%s; sync; "
                   "exit $code",
                   ended, begun, INIT_SCRIPT, ended);
    const char *const argv[] = {"bash", "-c", script, NULL};
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

/* The schema as it was before: if it is the same afterwards, the script has changed nothing. */
STEP_PREPARE(init_prepare)
{
    (void)node;
    AUTO_JSON json_t *answer = NULL;
    if (run_metadb(r, "fingerprint", NULL, FINGERPRINT_TIMEOUT_MS, &answer, err) != 0) {
        return -1;
    }
    *ret = json_make("{s:s}", "fingerprint", json_text(answer, "fingerprint", ""));
    return 0;
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

/* The content of a marker: empty if it is not there. */
static int read_marker(struct run *r, int node, const char *which, struct str *ret, struct err *err)
{
    AUTO_FREE char *path = marker_path(r, which);
    int rc = engine_container_read_file(r->nodes[node].engine, r->nodes[node].new_id, path,
                                        MARKER_MAX, ret, err);
    return rc != 0 && err->kind == ERR_NOT_FOUND ? 0 : rc;
}

/* The script goes on when the process that started it is killed: wait for its end. */
static int wait_for_end(struct run *r, int node, struct str *ended, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(INIT_TIMEOUT_MS);
    for (;;) {
        bool running;
        if (read_marker(r, node, "ended", ended, err) != 0) {
            return -1;
        }
        if (ended->len > 0 || clock_passed(deadline_ms)) {
            return 0;
        }
        if (engine_container_runs_program(r->nodes[node].engine, r->nodes[node].new_id, INIT_SCRIPT,
                                          &running, err) != 0) {
            return -1;
        }
        if (!running) {
            return read_marker(r, node, "ended", ended, err); /* it may have ended in between */
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop while %s runs", INIT_SCRIPT);
        }
        run_say_progress(r, "docker_init.sh still runs from before", 0, 0, false);
        clock_sleep_ms(POLL_MS);
    }
}

static int is_schema_unchanged(struct run *r, int node, const json_t *prepared, bool *ret,
                               struct err *err)
{
    AUTO_JSON json_t *now = NULL;
    if (init_prepare(r, node, &now, err) != 0) {
        return -1;
    }
    *ret = str_eq(json_text(now, "fingerprint", ""), json_text(prepared, "fingerprint", "?"));
    return 0;
}

/* A migration of the schema must never run twice by guess; after a failure that the script itself
 * has reported it may (domain, "What OMS is": initialisation). */
STEP_PROBE(init_probe)
{
    AUTO_STR struct str begun = STR_INIT;
    AUTO_STR struct str ended = STR_INIT;
    bool unchanged = false;
    *ret = STEP_NOT_DONE;
    if (read_marker(r, node, "begun", &begun, err) != 0) {
        return -1;
    }
    if (begun.len == 0) {
        return 0;
    }
    if (wait_for_end(r, node, &ended, err) != 0 ||
        is_schema_unchanged(r, node, prepared, &unchanged, err) != 0) {
        return -1;
    }
    if (str_eq(str_get(&ended), "0\n")) {
        *ret = STEP_DONE;
        *ret_evidence = json_make("{s:s}", "summary", "it had ended well");
    } else if (ended.len == 0 && !unchanged) {
        *ret = STEP_UNKNOWN;
        err_fail(
            err, ERR_FAILED,
            "%s was cut off in the middle, and the schema of the databases has changed: did it "
            "do all it had to?",
            INIT_SCRIPT);
        return 0;
    }
    return 0;
}
