#include "hooks/metadb_call.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/sandbox.h"
#include "launcher/base/fs.h"
#include "launcher/base/log.h"
#include "launcher/base/proc.h"

/* What is kept of the program's stderr, for the case that it dies without a word on descriptor 3.
 */
#define STDERR_KEPT_MAX 2000
/* An event is a line: a result names each table and each problem. */
#define EVENT_MAX (16UL * 1024 * 1024)
/* For a program that is given up while it waits. */
#define GIVE_UP_TIMEOUT_MS 10000

struct metadb_waiting {
    const struct metadb *db;
    struct metadb_request request;
    const char *argv[3];
    struct proc_spec spec;
    struct proc *proc;
    struct sandbox *sandbox;
    int program_fd;
    char *scratch; /* the folder of a `probe`; NULL: none */
    char *tmpdir;  /* the same for its environment */
    const char *envp[4];
    json_t *prepared; /* what it says that it has prepared; NULL: nothing */
    json_t *result;
    bool has_error;
    struct err error;
    bool has_unreadable;
    struct err unreadable; /* why the last event that was none is none */
    struct str stderr_tail;
};

static json_t *make_document(const struct metadb *db, const struct metadb_request *request)
{
    json_t *heartbeat = json_array();
    for (size_t i = 0; i < db->heartbeat_dbs->count; i++) {
        json_add(heartbeat, json_from_text(db->heartbeat_dbs->items[i]));
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

/* Some write the hint into the text, as "\nHINT: …": err_fail() takes that apart. */
static void take_error(struct metadb_waiting *call, const json_t *event)
{
    const char *hint = json_text(event, "hint", "");
    call->has_error = true;
    err_fail(&call->error, err_kind_from_name(json_text(event, "kind", "")), "%s",
             json_text(event, "text", "the MetaDB program failed without a word"));
    if (hint[0] != '\0') {
        err_hint(&call->error, "%s", hint);
    }
}

static void take_event(struct metadb_waiting *call, const char *line, size_t len)
{
    AUTO_JSON json_t *event = NULL;
    struct err why = ERR_INIT;
    if (json_parse(line, len, "an event of omslaunch-metadb", &event, &why) != 0) {
        log_debug("omslaunch-metadb: unreadable event: %s", why.text);
        call->has_unreadable = true;
        call->unreadable = why;
        return;
    }
    const char *kind = json_text(event, "event", "");
    if (strcmp(kind, "progress") == 0) {
        if (call->request.progress != NULL) {
            call->request.progress(call->request.arg, json_text(event, "text", ""),
                                   (uint64_t)json_int(event, "done", 0),
                                   (uint64_t)json_int(event, "total", 0),
                                   str_eq(json_text(event, "unit", ""), "bytes"));
        }
    } else if (strcmp(kind, "prepared") == 0) {
        json_decref(call->prepared);
        call->prepared = json_incref(json_walk(event, "prepared"));
    } else if (strcmp(kind, "result") == 0) {
        json_decref(call->result);
        call->result = json_incref(json_walk(event, "result"));
    } else if (strcmp(kind, "error") == 0) {
        take_error(call, event);
    }
}

static enum proc_answer on_line(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct metadb_waiting *call = arg;
    if (stream == PROC_STDERR && call->stderr_tail.len < STDERR_KEPT_MAX) {
        str_append_n(&call->stderr_tail, line, len);
        str_append_c(&call->stderr_tail, '\n');
    }
    if (stream != PROC_REPORT) {
        return PROC_GO_ON;
    }
    bool was_prepared = call->prepared != NULL;
    take_event(call, line, len);
    if (call->request.is_enough != NULL && call->request.is_enough(call->request.arg)) {
        return PROC_END;
    }
    return call->spec.keep_input && call->prepared != NULL && !was_prepared ? PROC_PAUSE
                                                                            : PROC_GO_ON;
}

/* ---- the sandbox: strict, with one folder and one address ---- */

#define DNS_PORT 53

static int enter_sandbox(void *arg)
{
    return sandbox_enter(((struct metadb_waiting *)arg)->sandbox);
}

static enum proc_answer listen_sandbox(void *arg)
{
    return sandbox_listen(((struct metadb_waiting *)arg)->sandbox);
}

/* What `probe` writes is of no use to anybody afterwards. */
static int make_scratch(struct metadb_waiting *call, struct err *err)
{
    const char *under = getenv("TMPDIR");
    char *path = mem_printf("%s/omslaunch-XXXXXX", under && *under == '/' ? under : "/tmp");
    if (mkdtemp(path) == NULL) {
        err_fail(err, ERR_STATE, "no folder can be made for a rehearsal in '%s': %m", path);
        free(path);
        return err_hint(err, "see that it can be written, or set TMPDIR");
    }
    call->scratch = path;
    call->tmpdir = mem_printf("TMPDIR=%s", path);
    call->envp[2] = call->tmpdir;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    (void)remove(path);
    return 0;
}

/* With what a killed program has left in it. */
static void drop_scratch(struct metadb_waiting *call)
{
    if (call->scratch != NULL) {
        (void)nftw(call->scratch, remove_one, 4, FTW_DEPTH | FTW_PHYS);
    }
    free(call->scratch);
    free(call->tmpdir);
}

/* Where it may write: `dump` its backup, `restore` a text of what could not be made beside that. */
static const char *folder_of(const struct metadb_waiting *call)
{
    const char *command = call->request.command;
    return str_eq(command, "dump") || str_eq(command, "restore")
               ? json_text(call->request.parameters, "folder", NULL)
               : call->scratch;
}

/* The folder that it fills is made here: it could make it itself only if it might also change the
 * other backups. */
static int make_sandbox(struct metadb_waiting *call, struct err *err)
{
    const char *folder = folder_of(call);
    const uint16_t ports[] = {call->db->port, DNS_PORT};
    struct sandbox_spec spec = {
        .profile = SANDBOX_STRICT,
        .ports = ports,
        .port_count = ARRAY_LEN(ports),
    };
    if (folder != NULL) {
        if (str_eq(call->request.command, "dump") && fs_make_dirs(folder, err) != 0) {
            return -1;
        }
        strv_add(&spec.write, folder);
    }
    int rc = sandbox_new(&spec, &call->sandbox, err);
    sandbox_spec_free(&spec);
    return rc;
}

/* An interpreter would be another program, which `strict` does not start. */
static int check_no_script(const char *program, struct err *err)
{
    char start[2] = "";
    AUTO_FD int fd = open(program, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, start, sizeof(start)) != sizeof(start) || memcmp(start, "#!", 2) != 0) {
        return 0;
    }
    return err_fail(err, ERR_FAILED,
                    "'%s' is a script, and its sandbox starts no interpreter\n"
                    "HINT: install the omslaunch-metadb that came with this omslaunch; "
                    "OMSLAUNCH_METADB_SANDBOX=none in the environment does without the sandbox",
                    program);
}

/* Where a kernel, or what omslaunch itself runs in, refuses to let it be confined, whoever starts
 * omslaunch can go without: OMSLAUNCH_METADB_SANDBOX=none in the environment.
 *
 * It is started through its open file, which is all that the sandbox lets it start by. A file that
 * cannot be opened is left to the start, which says why. */
static int confine(struct metadb_waiting *call, struct err *err)
{
    const char *profile = getenv("OMSLAUNCH_METADB_SANDBOX");
    if (profile != NULL && str_eq(profile, sandbox_profile_name(SANDBOX_NONE))) {
        return 0;
    }
    call->program_fd = open(call->db->program, O_PATH | O_CLOEXEC);
    if (call->program_fd < 0) {
        return 0;
    }
    if (check_no_script(call->db->program, err) != 0 || make_sandbox(call, err) != 0) {
        return -1;
    }
    call->spec.program_fd = call->program_fd;
    call->spec.child_setup = enter_sandbox;
    call->spec.extra_fd = sandbox_fd(call->sandbox);
    call->spec.on_extra = listen_sandbox;
    return 0;
}

static int judge(struct metadb_waiting *call, const struct proc_result *ended, struct err *err)
{
    const struct metadb *db = call->db;
    if (call->sandbox != NULL && sandbox_judge(call->sandbox, "omslaunch-metadb", ended, err)) {
        return -1;
    }
    if (ended->stopped) {
        return err_fail(err, ERR_INTERRUPTED, "asked to stop during '%s' on the MetaDB",
                        call->request.command);
    }
    if (ended->timed_out) {
        return err_fail(err, ERR_TIMEOUT,
                        "the MetaDB at %s:%u did not finish '%s' in time\n"
                        "HINT: look for long-running statements or locks in the MetaDB "
                        "(show full processlist)",
                        db->host, db->port, call->request.command);
    }
    if (call->has_error) {
        *err = call->error;
        return -1;
    }
    if (ended->report_too_long) {
        err_fail(err, ERR_FAILED, "'%s %s' answered with a line of more than 16 MiB", db->program,
                 call->request.command);
        return err_hint(err,
                        "it may have done all that it was asked for, but what it said of it is "
                        "lost: look at the MetaDB before you call it again");
    }
    if (ended->exit_code == 0 && call->result == NULL && call->has_unreadable) {
        *err = call->unreadable;
        err_wrap(err, "'%s %s' was done, but its answer is lost", db->program,
                 call->request.command);
        return err_hint(err, "see that this program is of the same version as omslaunch");
    }
    if (ended->exit_code != 0 || call->result == NULL) {
        err_fail(err, ERR_FAILED, "'%s %s' ended with exit code %d and gave no result%s%s",
                 db->program, call->request.command, ended->exit_code,
                 call->stderr_tail.len > 0 ? ": " : "", str_get(&call->stderr_tail));
        return err_hint(err, "see that this program is of the same version as omslaunch, and that "
                             "nothing kills it (dmesg)");
    }
    return 0;
}

/* `waits`: until it is prepared. What ends the request is then an empty line, not the end of stdin.
 */
static int begin(const struct metadb *db, const struct metadb_request *request, bool waits,
                 struct metadb_waiting **ret, struct proc_result *ended, struct err *err)
{
    struct metadb_waiting *call = mem_alloc(sizeof(*call));
    AUTO_JSON json_t *document = make_document(db, request);
    char *text = json_compact(document);
    char *input = waits ? mem_printf("%s\n\n", text) : mem_strdup(text);
    *call = (struct metadb_waiting){
        .db = db,
        .request = *request,
        .argv = {db->program, request->command, NULL},
        .envp = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL, NULL},
        .spec = {.path = db->program,
                 .argv = call->argv,
                 .envp = call->envp,
                 .input = input,
                 .input_len = strlen(input),
                 .keep_input = waits,
                 .timeout_ms = request->timeout_ms,
                 .stop_on_signal = request->stop_on_signal,
                 .on_line = on_line,
                 .arg = call,
                 .report_line_max = EVENT_MAX},
        .error = ERR_INIT,
        .program_fd = -1,
    };
    int rc = str_eq(request->command, "probe") ? make_scratch(call, err) : 0;
    rc = rc != 0 ? rc : confine(call, err);
    rc = rc != 0 ? rc : proc_begin(&call->spec, &call->proc, ended, err);
    secret_wipe(text, strlen(text));
    secret_wipe(input, strlen(input));
    free(text);
    free(input);
    if (rc != 0) {
        metadb_waiting_free(call);
        return -1;
    }
    *ret = call;
    return 0;
}

static int end_take(struct metadb_waiting *call, const struct proc_result *ended, json_t **ret,
                    struct err *err)
{
    int rc = judge(call, ended, err);
    if (rc == 0) {
        *ret = TAKE(call->result);
    }
    metadb_waiting_free(call);
    return rc;
}

int metadb_call(const struct metadb *db, const struct metadb_request *request, json_t **ret,
                struct err *err)
{
    struct metadb_waiting *call;
    struct proc_result ended;
    if (begin(db, request, false, &call, &ended, err) != 0) {
        return -1;
    }
    return end_take(call, &ended, ret, err);
}

int metadb_prepare(const struct metadb *db, const struct metadb_request *request,
                   struct metadb_waiting **ret, struct err *err)
{
    struct metadb_waiting *call;
    struct proc_result ended;
    if (begin(db, request, true, &call, &ended, err) != 0) {
        return -1;
    }
    if (!ended.paused) {
        AUTO_JSON json_t *ignored = NULL;
        if (end_take(call, &ended, &ignored, err) == 0) {
            err_fail(err, ERR_FAILED, "'%s %s' did not wait for the word to go", db->program,
                     request->command);
            err_hint(err, "see that this program is of the same version as omslaunch");
        }
        return -1;
    }
    *ret = call;
    return 0;
}

const json_t *metadb_prepared(const struct metadb_waiting *call)
{
    return call->prepared;
}

bool metadb_waits(struct metadb_waiting *call)
{
    return proc_lives(call->proc);
}

int metadb_go_take(struct metadb_waiting *call, uint64_t timeout_ms, json_t **ret, struct err *err)
{
    struct proc_result ended;
    if (proc_go_on(call->proc, "go\n", timeout_ms, &ended, err) != 0) {
        metadb_waiting_free(call);
        return -1;
    }
    return end_take(call, &ended, ret, err);
}

/* The end of its stdin tells it to take away what it has made. */
void metadb_waiting_free(struct metadb_waiting *call)
{
    if (call == NULL) {
        return;
    }
    if (call->proc != NULL && proc_lives(call->proc)) {
        struct proc_result ended;
        struct err ignored = ERR_INIT;
        (void)!proc_go_on(call->proc, "", GIVE_UP_TIMEOUT_MS, &ended, &ignored);
    }
    proc_free(call->proc);
    sandbox_free(call->sandbox);
    fd_close_ptr(&call->program_fd);
    drop_scratch(call);
    json_decref(call->prepared);
    json_decref(call->result);
    str_free(&call->stderr_tail);
    free(call);
}
