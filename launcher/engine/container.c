#include "launcher/engine/engine.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/engine/call.h"
#include "launcher/engine/stream.h"

int engine_container_path(const char *id, const char *suffix, char **ret, struct err *err)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const char *name = id[0] == '/' ? id + 1 : id; /* inspect writes names with a slash */
    size_t len = strlen(name);

    /* Anything else would become another path: "", "..", "a/b", "a?force=1". */
    if (len == 0 || strspn(name, good) != len || strchr("_.-", name[0]) != NULL) {
        return err_fail(err, ERR_USAGE,
                        "'%s' is no container name: expected letters, digits, '_', '.' and '-', "
                        "beginning with a letter or digit\n"
                        "HINT: 'docker ps --all' lists the names",
                        id);
    }
    *ret = mem_printf("/containers/%s%s", name, suffix);
    return 0;
}

int engine_container_inspect(struct engine *e, const char *id, json_t **ret, struct err *err)
{
    AUTO_FREE char *path = NULL;

    if (engine_container_path(id, "/json", &path, err) < 0) {
        return -1;
    }
    const struct engine_call call = {.doing = "inspect container", .thing = id, .path = path};
    if (engine_call_json(e, &call, ret, err) < 0) {
        return -1;
    }
    engine_learn_name(e, json_text(*ret, "Id", ""), json_text(*ret, "Name", ""));
    return 0;
}

int engine_container_list(struct engine *e, const char *label, json_t **ret, struct err *err)
{
    AUTO_STR struct str path = STR_INIT;
    AUTO_JSON json_t *found = NULL;

    str_append(&path, "/containers/json?all=1");
    if (label != NULL) {
        AUTO_JSON json_t *filters = json_make("{s:[s]}", "label", label);
        AUTO_FREE char *text = json_compact(filters);
        str_append(&path, "&filters=");
        http_append_escaped(&path, text);
    }
    const struct engine_call call = {.doing = "list the containers", .path = str_get(&path)};
    if (engine_call_json(e, &call, &found, err) < 0) {
        return -1;
    }
    if (!json_is_array(found)) {
        return err_fail(err, ERR_FAILED,
                        "cannot list the containers: the engine at '%s' answered no list",
                        engine_endpoint_shown(e));
    }
    *ret = TAKE(found);
    return 0;
}

int engine_container_create(struct engine *e, const char *name, const json_t *body, char **ret_id,
                            json_t **ret_warnings, struct err *err)
{
    AUTO_STR struct str path = STR_INIT;
    AUTO_JSON json_t *answer = NULL;
    const char *id = NULL;

    str_append(&path, "/containers/create?name=");
    http_append_escaped(&path, name);
    const struct engine_call call = {
        .doing = "create container",
        .thing = name,
        .path = str_get(&path),
        .json = body,
        .http = {.method = "POST", .answer_timeout_ms = engine_work_timeout_ms(e)},
    };
    if (engine_call_json(e, &call, &answer, err) < 0) {
        return -1;
    }
    if (json_need_text(answer, "Id", "the engine's answer", &id, err) < 0) {
        return err_wrap(err, "cannot create container '%s'", name);
    }
    if (ret_warnings != NULL) {
        json_t *warnings = json_walk(answer, "Warnings");
        *ret_warnings = json_is_array(warnings) ? json_incref(warnings) : json_array();
    }
    engine_learn_name(e, id, name);
    *ret_id = mem_strdup(id);
    return 0;
}

/* A change without an answer worth reading. */
static int container_change(struct engine *e, const char *method, const char *doing, const char *id,
                            const char *suffix, const json_t *json, uint64_t timeout_ms,
                            struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_FREE char *path = NULL;

    if (engine_container_path(id, suffix, &path, err) < 0) {
        return -1;
    }
    const struct engine_call call = {
        .doing = doing,
        .thing = id,
        .path = path,
        .json = json,
        .http = {.method = method, .answer_timeout_ms = timeout_ms},
    };
    return engine_call(e, &call, &answer, err);
}

int engine_container_start(struct engine *e, const char *id, struct err *err)
{
    return container_change(e, "POST", "start container", id, "/start", NULL,
                            engine_work_timeout_ms(e), err);
}

int engine_container_stop(struct engine *e, const char *id, uint64_t timeout_ms, struct err *err)
{
    AUTO_FREE char *suffix =
        mem_printf("/stop?t=%llu", (unsigned long long)((timeout_ms + 999) / 1000));

    return container_change(e, "POST", "stop container", id, suffix, NULL,
                            timeout_ms + engine_work_timeout_ms(e), err);
}

int engine_container_remove_created(struct engine *e, const char *id, struct err *err)
{
    AUTO_JSON json_t *container = NULL;

    if (engine_container_inspect(e, id, &container, err) < 0) {
        return -1;
    }
    const char *status = json_text(container, "State.Status", "unknown");
    if (!str_eq(status, "created")) {
        return err_fail(err, ERR_REFUSED,
                        "container '%s' is not removed: it has run before (its state is '%s')\n"
                        "HINT: remove it with 'docker rm' when nothing in it is needed any more",
                        engine_shown(e, id), status);
    }
    /* Without "force": should it have been started meanwhile, the engine refuses. */
    return container_change(e, "DELETE", "remove container", id, "?v=1", NULL,
                            engine_work_timeout_ms(e), err);
}

int engine_container_remove_stopped(struct engine *e, const char *id, struct err *err)
{
    AUTO_JSON json_t *container = NULL;

    if (engine_container_inspect(e, id, &container, err) < 0) {
        return -1;
    }
    const char *status = json_text(container, "State.Status", "unknown");
    if (!str_eq(status, "exited") && !str_eq(status, "created") && !str_eq(status, "dead")) {
        return err_fail(err, ERR_REFUSED,
                        "container '%s' is not removed: its state is '%s'\n"
                        "HINT: stop it first, if nobody needs it",
                        json_text(container, "Name", "/?") + 1, status);
    }
    return container_change(e, "DELETE", "remove container", id, "?v=0", NULL,
                            engine_work_timeout_ms(e), err);
}

static bool row_has_word(const json_t *row, const char *word)
{
    for (size_t i = 0; i < json_array_size(row); i++) {
        const char *cell = json_string_value(json_array_get(row, i));
        if (cell != NULL && strstr(cell, word) != NULL) {
            return true;
        }
    }
    return false;
}

int engine_container_runs_program(struct engine *e, const char *id, const char *word, bool *ret,
                                  struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *processes = NULL;
    AUTO_FREE char *path = NULL;
    bool found = false;

    if (engine_container_inspect(e, id, &answer, err) < 0 ||
        engine_container_path(id, "/top", &path, err) < 0) {
        return -1;
    }
    if (json_bool(answer, "State.Running", false)) {
        const struct engine_call call = {
            .doing = "list the processes of container", .thing = id, .path = path};
        if (engine_call_json(e, &call, &processes, err) < 0) {
            return -1;
        }
    }
    const json_t *rows = json_walk(processes, "Processes");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        found = found || row_has_word(json_array_get(rows, i), word);
    }
    *ret = found;
    return 0;
}

int engine_container_rename(struct engine *e, const char *id, const char *new_name, struct err *err)
{
    AUTO_STR struct str suffix = STR_INIT;
    AUTO_FREE char *doing = mem_printf("rename to '%s' the container", new_name);

    str_append(&suffix, "/rename?name=");
    http_append_escaped(&suffix, new_name);
    if (container_change(e, "POST", doing, id, str_get(&suffix), NULL, engine_work_timeout_ms(e),
                         err) < 0) {
        return -1;
    }
    engine_learn_name(e, id, new_name);
    return 0;
}

int engine_container_set_restart_policy(struct engine *e, const char *id, const json_t *policy,
                                        struct err *err)
{
    AUTO_JSON json_t *body = json_make("{s:O}", "RestartPolicy", policy);

    return container_change(e, "POST", "change the restart policy of container", id, "/update",
                            body, engine_work_timeout_ms(e), err);
}

int engine_container_wait(struct engine *e, const char *id, uint64_t timeout_ms, int *ret_exit_code,
                          struct err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *answer = NULL;

    /* Before 1.30 there are no conditions, and not running is what it waits for. */
    const char *suffix = engine_has_api(e, 30) ? "/wait?condition=not-running" : "/wait";
    if (engine_container_path(id, suffix, &path, err) < 0) {
        return -1;
    }
    uint64_t deadline_ms = clock_deadline(timeout_ms);
    const struct engine_call call = {
        .doing = "wait for the end of container",
        .thing = id,
        .path = path,
        .http = {.method = "POST",
                 .answer_timeout_ms = HTTP_NEVER_MS,
                 .idle_timeout_ms = HTTP_NEVER_MS,
                 .deadline_ms = deadline_ms},
    };
    if (engine_call_json(e, &call, &answer, err) < 0) {
        if (err->kind != ERR_TIMEOUT || !clock_passed(deadline_ms)) {
            return -1;
        }
        AUTO_STR struct str time = STR_INIT;
        str_append_duration(&time, timeout_ms);
        return err_fail(err, ERR_TIMEOUT, "container '%s' still runs after %s", engine_shown(e, id),
                        str_get(&time));
    }
    const char *problem = json_text(answer, "Error.Message", "");
    if (problem[0] != '\0') {
        return err_fail(err, ERR_FAILED, "cannot wait for the end of container '%s': %s",
                        engine_shown(e, id), problem);
    }
    int64_t code = json_int(answer, "StatusCode", -1);
    if (code < 0) {
        return err_fail(err, ERR_FAILED,
                        "cannot wait for the end of container '%s': the engine gave no exit code",
                        engine_shown(e, id));
    }
    *ret_exit_code = (int)code;
    return 0;
}

int engine_container_logs(struct engine *e, const char *id, unsigned tail, engine_output_fn fn,
                          void *arg, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_JSON json_t *container = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *suffix = tail == 0 ? mem_strdup("/logs?stdout=1&stderr=1&tail=all")
                                       : mem_printf("/logs?stdout=1&stderr=1&tail=%u", tail);

    /* Only the container tells whether the bytes are framed: the content type does so from 1.42 on.
     */
    if (engine_container_inspect(e, id, &container, err) < 0 ||
        engine_container_path(id, suffix, &path, err) < 0) {
        return -1;
    }
    AUTO_STREAM struct stream s = {
        .fn = fn, .arg = arg, .raw = json_bool(container, "Config.Tty", false)};
    const struct engine_call call = {
        .doing = "read the log of container",
        .thing = id,
        .path = path,
        .http = {.sink = stream_sink, .arg = &s},
    };
    if (engine_call(e, &call, &answer, err) < 0) {
        return -1;
    }
    if (stream_finish(&s, err) < 0) {
        return err_wrap(err, "cannot read the log of container '%s'", engine_shown(e, id));
    }
    return 0;
}
