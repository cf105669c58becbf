#include "launcher/engine/exec.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/engine/call.h"
#include "launcher/engine/stream.h"

#define POLL_FIRST_MS 20
#define POLL_MAX_MS 500
/* An exec without a process and without an exit code has not begun, and will soon if ever. */
#define START_GRACE_MS 10000

static int exec_path(const char *exec_id, const char *suffix, char **ret, struct err *err)
{
    if (exec_id[0] == '\0' || strspn(exec_id, "0123456789abcdefABCDEF") != strlen(exec_id)) {
        return err_fail(err, ERR_USAGE, "'%s' is no ID of an exec", exec_id);
    }
    *ret = mem_printf("/exec/%s%s", exec_id, suffix);
    return 0;
}

static json_t *texts_to_json(const char *const *texts)
{
    json_t *array = json_array();

    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        json_add(array, json_make("s", texts[i]));
    }
    return array;
}

int engine_exec_create(struct engine *e, const struct engine_exec *exec, char **ret_id,
                       struct err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *body = json_make("{s:b, s:b, s:b, s:o}", "AttachStdout", 1, "AttachStderr", 1,
                                       "Tty", 0, "Cmd", texts_to_json(exec->argv));
    AUTO_FREE char *doing = mem_printf("run '%s' in container", exec->argv[0]);
    const char *id = NULL;

    if (exec->env != NULL && exec->env[0] != NULL) {
        json_put(body, "Env", texts_to_json(exec->env));
    }
    if (engine_container_path(exec->container, "/exec", &path, err) < 0) {
        return -1;
    }
    const struct engine_call call = {
        .doing = doing,
        .thing = exec->container,
        .path = path,
        .json = body,
        .only_looks = exec->only_looks,
        .http = {.method = "POST", .answer_timeout_ms = engine_work_timeout_ms(e)},
    };
    if (engine_call_json(e, &call, &answer, err) < 0) {
        return -1;
    }
    if (json_need_text(answer, "Id", "the engine's answer", &id, err) < 0) {
        return err_wrap(err, "cannot %s '%s'", doing, engine_shown(e, exec->container));
    }
    *ret_id = mem_strdup(id);
    return 0;
}

static int fail_late(struct engine *e, const struct engine_exec *exec, struct err *err)
{
    AUTO_STR struct str time = STR_INIT;

    str_append_duration(&time, exec->timeout_ms);
    return err_fail(err, ERR_TIMEOUT,
                    "'%s' in container '%s' still runs after %s\n"
                    "HINT: give it more time, or see what it does with 'docker top'",
                    exec->argv[0], engine_shown(e, exec->container), str_get(&time));
}

/* Starts it and reads its output to the end. */
static int exec_stream(struct engine *e, const struct engine_exec *exec, const char *id,
                       uint64_t deadline_ms, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_STREAM struct stream s = {.fn = exec->on_output, .arg = exec->arg};
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *doing = mem_printf("run '%s' in container", exec->argv[0]);
    AUTO_JSON json_t *body = json_make("{s:b, s:b}", "Detach", 0, "Tty", 0);

    if (exec_path(id, "/start", &path, err) < 0) {
        return -1;
    }
    /* Without a header "Upgrade" the output is the body of a plain answer that ends with the
     * connection. */
    const struct engine_call call = {
        .doing = doing,
        .thing = exec->container,
        .path = path,
        .json = body,
        .only_looks = exec->only_looks,
        .http = {.method = "POST",
                 .sink = stream_sink,
                 .arg = &s,
                 .answer_timeout_ms = engine_work_timeout_ms(e),
                 .idle_timeout_ms = HTTP_NEVER_MS,
                 .deadline_ms = deadline_ms},
    };
    if (engine_call(e, &call, &answer, err) < 0) {
        bool late = err->kind == ERR_TIMEOUT && clock_passed(deadline_ms);
        return late ? fail_late(e, exec, err) : -1;
    }
    if (s.stopped) {
        return err_fail(err, ERR_INTERRUPTED,
                        "'%s' in container '%s' was given up, and may still run", exec->argv[0],
                        engine_shown(e, exec->container));
    }
    if (stream_finish(&s, err) < 0) {
        return err_wrap(err, "cannot %s '%s'", doing, engine_shown(e, exec->container));
    }
    return 0;
}

/* The end of the output is not the end of the command: it may have closed it, and the engine notes
 * the exit code a moment later. */
static int exec_wait(struct engine *e, const struct engine_exec *exec, const char *id,
                     uint64_t deadline_ms, int *ret_exit_code, struct err *err)
{
    struct engine_exec_state state = {.running = true};
    uint64_t pause_ms = POLL_FIRST_MS;
    uint64_t grace_ms = clock_deadline(START_GRACE_MS);

    for (;;) {
        if (engine_exec_inspect(e, id, &state, err) < 0) {
            return -1;
        }
        if (!state.running && state.exit_code >= 0) {
            *ret_exit_code = state.exit_code;
            return 0;
        }
        if (clock_passed(deadline_ms) || (!state.running && clock_passed(grace_ms))) {
            break;
        }
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms * 2 < POLL_MAX_MS ? pause_ms * 2 : POLL_MAX_MS;
    }
    if (!state.running) {
        return err_fail(err, ERR_FAILED, "the engine does not say how '%s' in container '%s' ended",
                        exec->argv[0], engine_shown(e, exec->container));
    }
    return fail_late(e, exec, err);
}

/* An engine refuses a second start in its output, and with status 200: so the state is what counts.
 */
int engine_exec_start(struct engine *e, const struct engine_exec *exec, const char *exec_id,
                      int *ret_exit_code, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(exec->timeout_ms);

    if (exec_stream(e, exec, exec_id, deadline_ms, err) < 0) {
        return -1;
    }
    return exec_wait(e, exec, exec_id, deadline_ms, ret_exit_code, err);
}

int engine_exec_inspect(struct engine *e, const char *exec_id, struct engine_exec_state *ret,
                        struct err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *answer = NULL;

    if (exec_path(exec_id, "/json", &path, err) < 0) {
        return -1;
    }
    const struct engine_call call = {.doing = "inspect exec", .thing = exec_id, .path = path};
    if (engine_call_json(e, &call, &answer, err) < 0) {
        return -1;
    }
    ret->running = json_bool(answer, "Running", false);
    ret->exit_code = (int)json_int(answer, "ExitCode", -1); /* null until it ended */
    ret->pid = (int)json_int(answer, "Pid", 0);
    return 0;
}

/* ---- looking ---- */

struct read_output {
    struct str *text;
    struct str problem;
    size_t max;
};

static int take_read(void *arg, int stream, const char *bytes, size_t len)
{
    struct read_output *o = arg;
    struct str *s = stream == 2 ? &o->problem : o->text;

    if (s->len + len > o->max) {
        return 1;
    }
    str_append_n(s, bytes, len);
    return 0;
}

int engine_exec_read(struct engine *e, const char *container, const char *const *argv, size_t max,
                     uint64_t timeout_ms, struct str *ret, struct err *err)
{
    AUTO_FREE char *id = NULL;
    struct read_output output = {.text = ret, .problem = STR_INIT, .max = max};
    const struct engine_exec exec = {
        .container = container,
        .argv = argv,
        .timeout_ms = timeout_ms,
        .on_output = take_read,
        .arg = &output,
        .only_looks = true,
    };
    int code = 0;
    int rc = engine_exec_create(e, &exec, &id, err);

    if (rc == 0) {
        rc = engine_exec_start(e, &exec, id, &code, err);
    }
    if (rc == 0 && code != 0) {
        AUTO_STR struct str words = STR_INIT;
        engine_append_words(&words, str_get(code == 126 || code == 127 ? ret : &output.problem));
        rc =
            err_fail(err, ERR_FAILED, "'%s' in container '%s' ended with exit code %d%s%s", argv[0],
                     engine_shown(e, container), code, words.len > 0 ? ": " : "", str_get(&words));
    }
    str_free(&output.problem);
    return rc;
}
