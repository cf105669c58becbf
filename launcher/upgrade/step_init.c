/* init_metadata: docker_init.sh in the new container (domain, "The runbook", step 5). */
#include <string.h>
#include <unistd.h>

#include "hooks/container_hook.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"
#include "launcher/base/tail.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/metadb_answer.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

#define INIT_SCRIPT "/root/docker_init.sh"
#define INIT_TIMEOUT_MS (2ULL * 60 * 60 * 1000)
#define FINGERPRINT_TIMEOUT_MS 60000U
#define MARKER_MAX 64
#define POLL_MS 1000

/* ---- what runs: docker_init.sh, or what the site has instead ---- */

static const struct hook *init_hook(const struct run *r)
{
    return plan_hook(r->plan, HOOK_INIT);
}

static const char *init_program(const struct run *r)
{
    const struct hook *h = init_hook(r);
    return h != NULL ? h->command.items[0] : INIT_SCRIPT;
}

static uint64_t init_timeout_ms(const struct run *r)
{
    const struct hook *h = init_hook(r);
    return h != NULL ? h->timeout_ms : INIT_TIMEOUT_MS;
}

/* ---- what it says ---- */

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
                    "'%s%s' in the new container ended with exit code %d; its last lines:%s\n"
                    "HINT: the whole output is in '%s'",
                    init_hook(o->run) != NULL ? "" : "bash ", init_program(o->run), exit_code,
                    str_get(&tail), log);
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
    /* The site's command comes as arguments: nothing of it has to be quoted. */
    return mem_printf("rm -f %s && echo $$ >%s && sync && %s; code=$?; echo $code >%s; sync; "
                      "exit $code",
                      ended, begun, init_hook(r) != NULL ? "\"$@\"" : "bash " INIT_SCRIPT, ended);
}

static int make_exec(struct run *r, int node, char **ret_id, struct err *err)
{
    AUTO_FREE char *script = make_script(r);
    const struct hook *instead = init_hook(r);
    AUTO_STRV struct strv argv = STRV_INIT;
    strv_add(&argv, "bash");
    strv_add(&argv, "-c");
    strv_add(&argv, script);
    if (instead != NULL) {
        strv_add(&argv, "init"); /* the script's own name */
    }
    for (size_t i = 0; instead != NULL && i < instead->command.count; i++) {
        strv_add(&argv, instead->command.items[i]);
    }
    const struct container_hook hook = {.container = run_new_id(r, node),
                                        .argv = (const char *const *)argv.items};
    struct engine *e;
    return run_engine(r, node, &e, err) != 0 ? -1 : container_hook_create(e, &hook, ret_id, err);
}

static int run_exec(struct run *r, int node, const char *exec_id, struct init_output *o,
                    const char *log, struct err *err)
{
    static const char *const argv[] = {"bash", NULL}; /* as errors name it */
    const struct container_hook hook = {
        .container = run_new_id(r, node),
        .argv = argv,
        .timeout_ms = init_timeout_ms(r),
        .on_line = take_line,
        .arg = o,
    };
    int exit_code;
    struct engine *e;
    if (run_engine(r, node, &e, err) != 0 ||
        container_hook_run(e, &hook, exec_id, &exit_code, err) != 0) {
        return -1;
    }
    return exit_code == 0 ? 0 : refuse(o, exit_code, log, err);
}

/* ---- prepare, apply ---- */

static int read_fingerprint(struct run *r, char **ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    return run_metadb(r, "fingerprint", NULL, FINGERPRINT_TIMEOUT_MS, &answer, err) != 0
               ? -1
               : fingerprint_answer_read(answer, ret, err);
}

/* The schema as it was before the first attempt, and the exec: that of the last attempt unless it
 * has failed, or can never run any more. */
int init_prepare(const struct step_call *call, struct prepared *ret, struct err *err)
{
    struct run *r = call->run;
    const struct prepared *last = call->prepared;
    const char *last_id = last != NULL ? last->init.exec_id : NULL;
    struct engine_exec_state state;
    bool known;
    ret->init.fingerprint = last != NULL ? mem_strdup(last->init.fingerprint) : NULL;
    if ((last == NULL && read_fingerprint(r, &ret->init.fingerprint, err) != 0) ||
        run_look_at_exec(r, call->node, last_id, &known, &state, err) != 0) {
        return -1;
    }
    if (last_id != NULL && known && state.exit_code <= 0) {
        ret->init.exec_id = mem_strdup(last_id);
        return 0;
    }
    return make_exec(r, call->node, &ret->init.exec_id, err);
}

int init_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    AUTO_FREE char *name = mem_printf("logs/init-%d.log", call->node);
    AUTO_FREE char *log = state_run_file(r->state, r->id, name);
    struct init_output output = {.run = r, .fd = -1};
    if (fs_open_append(log, !fs_exists(log), &output.fd, err) != 0) {
        return -1;
    }
    uint64_t begun_ms = clock_mono_ms();
    int rc = run_exec(r, call->node, call->prepared->init.exec_id, &output, log, err);
    if (rc == 0) {
        AUTO_STR struct str summary = STR_INIT;
        str_appendf(&summary, "%s ended well after ", init_program(r));
        str_append_duration(&summary, clock_mono_ms() - begun_ms);
        ret->summary = str_take(&summary);
        ret->init.log = TAKE(log);
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
    struct engine *e;
    if (run_engine(r, node, &e, err) != 0) {
        return -1;
    }
    int rc = engine_container_read_file(e, run_new_id(r, node), path, MARKER_MAX, ret, err);
    return rc != 0 && err->kind == ERR_NOT_FOUND ? 0 : rc;
}

/* It waits for a person: going back under a migration that runs would be worse than to wait. */
static int fail_still_running(struct run *r, int node, struct err *err)
{
    AUTO_STR struct str time = STR_INIT;
    const char *name = run_node_plan(r, node)->new.desired.name;
    str_append_duration(&time, init_timeout_ms(r));
    err_fail(err, ERR_TIMEOUT,
             "%s still runs in the container '%s', after another %s\n"
             "HINT: 'docker top %s' and docker_init*.log show what it does; 'omslaunch "
             "resume %s' waits on, 'omslaunch rollback %s' stops it and goes back",
             init_program(r), name, str_get(&time), name, r->id, r->id);
    return err_ask_person(err);
}

/* The script goes on when the process that started it is killed: wait for its end. The process is
 * looked for too, for the engine may have been started again under a container that lives on. */
static int wait_for_end(struct run *r, int node, const struct prepared *last,
                        struct engine_exec_state *ret, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(init_timeout_ms(r));
    for (;;) {
        bool known, found = false;
        struct engine *e;
        if (run_engine(r, node, &e, err) != 0 ||
            run_look_at_exec(r, node, last != NULL ? last->init.exec_id : NULL, &known, ret, err) !=
                0 ||
            (!ret->running && engine_container_runs_program(e, run_new_id(r, node), init_program(r),
                                                            &found, err) != 0)) {
            return -1;
        }
        if (!ret->running && !found) {
            return 0;
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop while %s runs", init_program(r));
        }
        if (clock_passed(deadline_ms)) {
            return fail_still_running(r, node, err);
        }
        run_say_progress(r,
                         init_hook(r) != NULL ? "the initialisation still runs from before"
                                              : "docker_init.sh still runs from before",
                         0, 0, false);
        clock_sleep_ms(POLL_MS);
    }
}

/* That the schema is the same says nothing of the rows. */
static int ask_about_cut_off(struct run *r, const struct prepared *last, struct err *err)
{
    AUTO_FREE char *now = NULL;
    if (read_fingerprint(r, &now, err) != 0) {
        return -1;
    }
    bool same = last != NULL && str_eq(now, last->init.fingerprint);
    err_fail(err, ERR_FAILED,
             "%s was cut off in the middle, and the schema of the databases %s: did it do all it "
             "had to?",
             init_program(r),
             same ? "is as it was before, but rows may have changed" : "has changed");
    return 0;
}

/* First that nothing runs, then what the markers say: in the other order it could begin in between.
 * After a failure that the script itself has reported it may run again (domain, "What OMS is":
 * initialisation). */
int init_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
               struct err *err)
{
    struct run *r = call->run;
    AUTO_STR struct str begun = STR_INIT;
    AUTO_STR struct str ended = STR_INIT;
    struct engine_exec_state state;
    *ret = STEP_NOT_DONE;
    if (wait_for_end(r, call->node, call->prepared, &state, err) != 0 ||
        read_marker(r, call->node, "begun", &begun, err) != 0 ||
        read_marker(r, call->node, "ended", &ended, err) != 0) {
        return -1;
    }
    bool ended_well = str_eq(str_get(&ended), "0\n") || (state.pid != 0 && state.exit_code == 0);
    if (begun.len == 0) {
        return 0;
    }
    if (ended_well) {
        *ret = STEP_DONE;
        ret_evidence->summary = mem_strdup("it had ended well");
    } else if (ended.len == 0) {
        *ret = STEP_UNKNOWN;
        return ask_about_cut_off(r, call->prepared, err);
    }
    return 0;
}
