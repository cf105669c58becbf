#include "hooks/metadb_call.h"

#include <string.h>
#include <unistd.h>

#include "launcher/base/log.h"
#include "launcher/base/proc.h"

/* What is kept of the program's stderr, for the case that it dies without a word on descriptor 3.
 */
#define STDERR_KEPT_MAX 2000

struct call {
    const struct metadb_request *request;
    const struct secret *password;
    json_t *result;
    bool has_error;
    struct err error;
    struct str stderr_tail;
};

static json_t *make_document(const struct metadb *db, const struct metadb_request *request)
{
    json_t *heartbeat = json_array();
    for (size_t i = 0; i < db->heartbeat_dbs->count; i++) {
        json_add(heartbeat, json_string(db->heartbeat_dbs->items[i]));
    }
    const char *password = db->password->bytes != NULL ? db->password->bytes : "";
    json_t *document = json_make("{s:i, s:s?, s:{s:s, s:i, s:s, s:s, s:{s:s, s:s, s:o}}}", "schema",
                                 1, "run", request->run, "metadb", "host", db->host, "port",
                                 (int)db->port, "user", db->user, "password", password, "databases",
                                 "rm", db->rm_db, "cm", db->cm_db, "heartbeat", heartbeat);
    if (request->parameters != NULL) {
        json_put(document, "request", json_deep_copy(request->parameters));
    }
    return document;
}

static void take_event(struct call *call, const char *line, size_t len)
{
    AUTO_JSON json_t *event = NULL;
    struct err ignored;
    if (json_parse(line, len, "an event of omslaunch-metadb", &event, &ignored) != 0) {
        log_debug("omslaunch-metadb: unreadable event: %s", ignored.text);
        return;
    }
    const char *kind = json_text(event, "event", "");
    if (strcmp(kind, "progress") == 0) {
        if (call->request->progress != NULL) {
            call->request->progress(call->request->arg, json_text(event, "text", ""),
                                    (uint64_t)json_int(event, "done", 0),
                                    (uint64_t)json_int(event, "total", 0),
                                    str_eq(json_text(event, "unit", ""), "bytes"));
        }
    } else if (strcmp(kind, "result") == 0) {
        json_decref(call->result);
        call->result = json_incref(json_walk(event, "result"));
    } else if (strcmp(kind, "error") == 0) {
        AUTO_STR struct str text = STR_INIT;
        str_append(&text, json_text(event, "text", "the MetaDB program failed without a word"));
        secret_redact(call->password, &text);
        call->has_error = true;
        err_fail(&call->error, err_kind_from_name(json_text(event, "kind", "")), "%s",
                 str_get(&text));
    }
}

static int on_line(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct call *call = arg;
    if (stream == PROC_REPORT) {
        take_event(call, line, len);
        return call->request->is_enough != NULL && call->request->is_enough(call->request->arg);
    } else if (stream == PROC_STDERR && call->stderr_tail.len < STDERR_KEPT_MAX) {
        str_append_n(&call->stderr_tail, line, len);
        str_append_c(&call->stderr_tail, '\n');
    }
    return 0;
}

static int judge(const struct metadb *db, struct call *call, const struct proc_result *ended,
                 struct err *err)
{
    if (ended->stopped) {
        return err_fail(err, ERR_INTERRUPTED, "asked to stop during '%s' on the MetaDB",
                        call->request->command);
    }
    if (ended->timed_out) {
        return err_fail(err, ERR_TIMEOUT,
                        "the MetaDB at %s:%u did not finish '%s' in time\n"
                        "HINT: look for long-running statements or locks in the MetaDB "
                        "(show full processlist)",
                        db->host, db->port, call->request->command);
    }
    if (call->has_error) {
        *err = call->error;
        return -1;
    }
    if (ended->exit_code != 0 || call->result == NULL) {
        secret_redact(db->password, &call->stderr_tail);
        err_fail(err, ERR_FAILED, "'%s %s' ended with exit code %d and gave no result%s%s",
                 db->program, call->request->command, ended->exit_code,
                 call->stderr_tail.len > 0 ? ": " : "", str_get(&call->stderr_tail));
        return err_hint(err, "see that this program is of the same version as omslaunch, and that "
                             "nothing kills it (dmesg)");
    }
    return 0;
}

int metadb_call(const struct metadb *db, const struct metadb_request *request, json_t **ret,
                struct err *err)
{
    AUTO_JSON json_t *document = make_document(db, request);
    char *input = json_compact(document);
    const char *const argv[] = {db->program, request->command, NULL};
    const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
    struct call call = {.request = request, .password = db->password, .error = ERR_INIT};
    const struct proc_spec spec = {
        .path = db->program,
        .argv = argv,
        .envp = envp,
        .input = input,
        .input_len = strlen(input),
        .timeout_ms = request->timeout_ms,
        .stop_on_signal = request->stop_on_signal,
        .on_line = on_line,
        .arg = &call,
    };
    struct proc_result ended;
    int rc = proc_run(&spec, &ended, err);
    secret_wipe(input, strlen(input));
    free(input);
    if (rc == 0) {
        rc = judge(db, &call, &ended, err);
    }
    if (rc == 0) {
        *ret = TAKE(call.result);
    }
    json_decref(call.result);
    str_free(&call.stderr_tail);
    return rc;
}
