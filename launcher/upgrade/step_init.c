/* init_metadata: docker_init.sh in the new container (domain, "The runbook", step 5). */
#include "launcher/upgrade/step_impl.h"

#include <string.h>
#include <unistd.h>

#include "hooks/container_hook.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"
#include "launcher/base/tail.h"
#include "launcher/state/state.h"

#define INIT_SCRIPT "/root/docker_init.sh"
#define INIT_TIMEOUT_MS (2ULL * 60 * 60 * 1000)
#define FINGERPRINT_TIMEOUT_MS 60000U
#define MARKER_MAX 64
#define POLL_MS 1000

struct init_output {
    struct run *run;
    int fd;
    struct tail tail;
};

static void take_line(void *arg, const char *line)
{
    struct init_output *o = arg;
    AUTO_FREE char *whole = mem_printf("%s\n", line);
    /* A full disk must not end an initialisation that is half-way. */
    int ignored = fs_write_all(o->fd, whole, strlen(whole));
    (void)ignored;
    tail_add(&o->tail, line);
    run_say_output(o->run, line);
}

static int refuse(const struct init_output *o, int exit_code, const char *log, struct err *err)
{
    AUTO_STR struct str tail = STR_INIT;
    tail_append_to(&o->tail, &tail);
    return err_fail(err, ERR_FAILED,
                    "'bash %s' in the new container ended with exit code %d; its last lines:%s\n"
                    "HINT: the whole output is in '%s'",
                    INIT_SCRIPT, exit_code, str_get(&tail), log);
}

/* ---- one start at most ----
 *
 * A migration of the schema must not run twice because of a kill. The engine starts an exec once at
 * most, so the exec is made first, its ID goes into the intent, and only then is it started: a
 * later process starts the same exec again, and at worst waits for what runs already. The script
 * leaves files in the container, synced before it does anything: they tell whether it began and how
 * it ended also when the engine has forgotten the exec. */

static char *marker_path(const struct run *r, const char *which)
{
    return mem_printf("/root/.omslaunch-%s.%s", r->id, which);
}

static char *make_script(const struct run *r)
{
    AUTO_FREE char *begun = marker_path(r, "begun");
    AUTO_FREE char *ended = marker_path(r, "ended");
    return mem_printf("rm -f %s && echo $$ >%s && sync && bash %s; code=$?; echo $code >%s; sync; "
                      "exit $code",
                      ended, begun, INIT_SCRIPT, ended);
}

static int make_exec(struct run *r, int node, char **ret_id, struct err *err)
{
    AUTO_FREE char *script = make_script(r);
    const char *const argv[] = {"bash", "-c", script, NULL};
    const struct container_hook hook = {.container = r->nodes[node].new_id, .argv = argv};
    return container_hook_create(r->nodes[node].engine, &hook, ret_id, err);
}

static int run_exec(struct run *r, int node, const char *exec_id, struct init_output *o,
                    const char *log, struct err *err)
{
    static const char *const argv[] = {"bash", NULL}; /* as errors name it */
    const struct container_hook hook = {
        .container = r->nodes[node].new_id,
        .argv = argv,
        .timeout_ms = INIT_TIMEOUT_MS,
        .on_line = take_line,
        .arg = o,
    };
    int exit_code;
    if (container_hook_run(r->nodes[node].engine, &hook, exec_id, &exit_code, err) != 0) {
        return -1;
    }
    return exit_code == 0 ? 0 : refuse(o, exit_code, log, err);
}

/* What became of the exec of an attempt; as one that never ran if the engine does not know it. */
static int look_at_exec(struct run *r, int node, const json_t *prepared, bool *ret_known,
                        struct engine_exec_state *ret, struct err *err)
{
    const char *id = json_text(prepared, "exec_id", NULL);
    *ret = (struct engine_exec_state){.exit_code = -1};
    *ret_known = id != NULL && engine_exec_inspect(r->nodes[node].engine, id, ret, err) == 0;
    return id == NULL || *ret_known || err->kind == ERR_NOT_FOUND ? 0 : -1;
}

/* ---- prepare, apply ---- */

static int read_fingerprint(struct run *r, char **ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    if (run_metadb(r, "fingerprint", NULL, FINGERPRINT_TIMEOUT_MS, &answer, err) != 0) {
        return -1;
    }
    *ret = mem_strdup(json_text(answer, "fingerprint", ""));
    return 0;
}

/* The schema as it was before the first attempt, and the exec: that of the last attempt unless it
 * has failed, or can never run any more. */
STEP_PREPARE(init_prepare)
{
    const json_t *last = run_begun(r, STEP_INIT_METADATA, node);
    const char *before = json_text(last, "fingerprint", NULL);
    AUTO_FREE char *fingerprint = before == NULL ? NULL : mem_strdup(before);
    AUTO_FREE char *exec_id = NULL;
    struct engine_exec_state state;
    bool known;
    if ((fingerprint == NULL && read_fingerprint(r, &fingerprint, err) != 0) ||
        look_at_exec(r, node, last, &known, &state, err) != 0) {
        return -1;
    }
    if (known && state.exit_code <= 0) {
        exec_id = mem_strdup(json_text(last, "exec_id", ""));
    } else if (make_exec(r, node, &exec_id, err) != 0) {
        return -1;
    }
    *ret = json_make("{s:s, s:s}", "fingerprint", fingerprint, "exec_id", exec_id);
    return 0;
}

STEP_APPLY(init_apply)
{
    AUTO_FREE char *name = mem_printf("logs/init-%d.log", node);
    AUTO_FREE char *log = state_run_file(r->state, r->id, name);
    struct init_output output = {.run = r, .fd = -1};
    if (fs_open_append(log, !fs_exists(log), &output.fd, err) != 0) {
        return -1;
    }
    uint64_t begun_ms = clock_mono_ms();
    int rc = run_exec(r, node, json_text(prepared, "exec_id", ""), &output, log, err);
    if (rc == 0) {
        AUTO_STR struct str summary = STR_INIT;
        str_appendf(&summary, "%s ended well after ", INIT_SCRIPT);
        str_append_duration(&summary, clock_mono_ms() - begun_ms);
        *ret = json_make("{s:s, s:s}", "summary", str_get(&summary), "log", log);
    }
    tail_free(&output.tail);
    close(output.fd);
    return rc;
}

/* ---- probe ---- */

/* The content of a marker: empty if it is not there. */
static int read_marker(struct run *r, int node, const char *which, struct str *ret, struct err *err)
{
    AUTO_FREE char *path = marker_path(r, which);
    int rc = engine_container_read_file(r->nodes[node].engine, r->nodes[node].new_id, path,
                                        MARKER_MAX, ret, err);
    return rc != 0 && err->kind == ERR_NOT_FOUND ? 0 : rc;
}

/* It waits for a person: going back under a migration that runs would be worse than to wait. */
static int fail_still_running(struct run *r, int node, struct err *err)
{
    AUTO_STR struct str time = STR_INIT;
    const char *name = json_text(plan_node(r->plan, node), "new.name", "");
    str_append_duration(&time, INIT_TIMEOUT_MS);
    err_fail(err, ERR_TIMEOUT,
             "%s still runs in the container '%s', after another %s\n"
             "HINT: 'docker top %s' and docker_init*.log show what it does; 'omslaunch "
             "resume %s' waits on, 'omslaunch rollback %s' stops it and goes back",
             INIT_SCRIPT, name, str_get(&time), name, r->id, r->id);
    return err_ask_person(err);
}

/* The script goes on when the process that started it is killed: wait for its end. The process is
 * looked for too, for the engine may have been started again under a container that lives on. */
static int wait_for_end(struct run *r, int node, const json_t *prepared,
                        struct engine_exec_state *ret, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(INIT_TIMEOUT_MS);
    for (;;) {
        bool known, found = false;
        if (look_at_exec(r, node, prepared, &known, ret, err) != 0 ||
            (!ret->running &&
             engine_container_runs_program(r->nodes[node].engine, r->nodes[node].new_id,
                                           INIT_SCRIPT, &found, err) != 0)) {
            return -1;
        }
        if (!ret->running && !found) {
            return 0;
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop while %s runs", INIT_SCRIPT);
        }
        if (clock_passed(deadline_ms)) {
            return fail_still_running(r, node, err);
        }
        run_say_progress(r, "docker_init.sh still runs from before", 0, 0, false);
        clock_sleep_ms(POLL_MS);
    }
}

/* That the schema is the same says nothing of the rows. */
static int ask_about_cut_off(struct run *r, const json_t *prepared, struct err *err)
{
    AUTO_FREE char *now = NULL;
    if (read_fingerprint(r, &now, err) != 0) {
        return -1;
    }
    bool same = str_eq(now, json_text(prepared, "fingerprint", "?"));
    err_fail(err, ERR_FAILED,
             "%s was cut off in the middle, and the schema of the databases %s: did it do all it "
             "had to?",
             INIT_SCRIPT, same ? "is as it was before, but rows may have changed" : "has changed");
    return 0;
}

/* First that nothing runs, then what the markers say: in the other order it could begin in between.
 * After a failure that the script itself has reported it may run again (domain, "What OMS is":
 * initialisation). */
STEP_PROBE(init_probe)
{
    AUTO_STR struct str begun = STR_INIT;
    AUTO_STR struct str ended = STR_INIT;
    struct engine_exec_state state;
    *ret = STEP_NOT_DONE;
    if (wait_for_end(r, node, prepared, &state, err) != 0 ||
        read_marker(r, node, "begun", &begun, err) != 0 ||
        read_marker(r, node, "ended", &ended, err) != 0) {
        return -1;
    }
    bool ended_well = str_eq(str_get(&ended), "0\n") || (state.pid != 0 && state.exit_code == 0);
    if (begun.len == 0) {
        return 0;
    }
    if (ended_well) {
        *ret = STEP_DONE;
        *ret_evidence = json_make("{s:s}", "summary", "it had ended well");
    } else if (ended.len == 0) {
        *ret = STEP_UNKNOWN;
        return ask_about_cut_off(r, prepared, err);
    }
    return 0;
}
