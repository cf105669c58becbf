#include "hooks/host_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/hook_output.h"
#include "hooks/trust.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/proc.h"
#include "launcher/base/stop.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
/* Of a line that proc.c gives in pieces; see proc_line_fn. */
#define PIECE 65536

/* One attempt. */
struct attempt {
    const struct host_hook *hook;
    const char *title; /* "pre-stop/10-drain" */
    struct sandbox *sandbox;
    struct hook_output *output;
    json_t *result;
    bool has_error; /* it told us what is wrong */
    struct err said;
    size_t report_lines;
    size_t bad_line; /* 0: none */
};

void host_hook_result_free(struct host_hook_result *r)
{
    json_decref(r->result);
    strv_free(&r->denied);
}

static const struct strv *command_of(const struct host_hook *h)
{
    return h->undo ? &h->hook->undo : &h->hook->command;
}

/* ---- what it says ---- */

static void take_report(struct attempt *a, const char *line, size_t len)
{
    AUTO_JSON json_t *event = NULL;
    struct err ignored = ERR_INIT;
    a->report_lines++;
    if (json_parse(line, len, "a line of a hook", &event, &ignored) != 0 ||
        json_text(event, "event", NULL) == NULL) {
        a->bad_line = a->bad_line == 0 ? a->report_lines : a->bad_line;
        return;
    }
    const char *kind = json_text(event, "event", "");
    if (str_eq(kind, "result")) {
        json_t *result = json_walk(event, "result");
        if (!json_is_object(result)) {
            a->bad_line = a->bad_line == 0 ? a->report_lines : a->bad_line;
            return;
        }
        json_decref(a->result);
        a->result = json_incref(result);
    } else if (str_eq(kind, "error")) {
        a->has_error = true;
        err_fail(&a->said, ERR_FAILED, "%s", json_text(event, "text", "it does not say why"));
    } else if (a->hook->on_event != NULL) {
        a->hook->on_event(a->hook->arg, event);
    }
}

static enum proc_answer on_line(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct attempt *a = arg;
    if (stream == PROC_REPORT) {
        take_report(a, line, len);
    } else {
        hook_output_add(a->output, (int)stream, line, len, len < PIECE);
    }
    return PROC_GO_ON;
}

static int enter_sandbox(void *arg)
{
    return sandbox_enter(((struct attempt *)arg)->sandbox);
}

static enum proc_answer listen_sandbox(void *arg)
{
    return sandbox_listen(((struct attempt *)arg)->sandbox);
}

/* ---- what it gets ---- */

static char *make_input(const struct host_hook *h, unsigned attempt, uint64_t deadline_wall_ms)
{
    char deadline[CLOCK_TEXT_MAX];
    AUTO_JSON json_t *document = h->state != NULL ? json_deep_copy(h->state) : json_object();
    json_put(document, "attempt", json_integer(attempt));
    json_put_text(document, "deadline", clock_format(deadline_wall_ms, deadline));
    AUTO_FREE char *text = json_compact(document);
    char *line = mem_printf("%s\n", text);
    secret_wipe(text, strlen(text));
    return line;
}

static void make_environment(const struct host_hook *h, unsigned attempt, struct strv *ret)
{
    const struct strv *lists[] = {&h->hook->environment, h->environment};
    strv_add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    strv_add(ret, "LC_ALL=C.UTF-8");
    strv_addf(ret, "HOME=%s", h->folder);
    strv_addf(ret, "TMPDIR=%s", h->folder);
    strv_addf(ret, "OMSLAUNCH_POINT=%s", hook_point_name(h->hook->point));
    strv_addf(ret, "OMSLAUNCH_HOOK=%s", h->hook->name);
    strv_addf(ret, "OMSLAUNCH_HOOK_FILE=%s", command_of(h)->items[0]);
    strv_addf(ret, "OMSLAUNCH_ATTEMPT=%u", attempt);
    strv_addf(ret, "OMSLAUNCH_UNDO=%d", h->undo ? 1 : 0);
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; lists[l] != NULL && i < lists[l]->count; i++) {
            strv_add(ret, lists[l]->items[i]);
        }
    }
}

/* ---- how it ended ---- */

static void hint_log(const struct host_hook *h, struct err *err)
{
    if (h->log_path != NULL) {
        err_hint(err, "all that it said is in %s", h->log_path);
    } else {
        err_hint(err, "'omslaunch hooks test %s' runs it alone", hook_point_name(h->hook->point));
    }
}

static int fail_with_tail(const struct attempt *a, const char *what, struct err *err)
{
    AUTO_STR struct str tail = STR_INIT;
    tail_append_to(&a->output->tail, &tail);
    err_fail(err, ERR_FAILED, "hook '%s' %s; its last lines:%s", a->title, what, str_get(&tail));
    hint_log(a->hook, err);
    return -1;
}

static int judge_report(const struct attempt *a, const struct proc_result *ended, struct err *err)
{
    if (ended->report_too_long) {
        return err_fail(err, ERR_FAILED,
                        "hook '%s' wrote a line of more than %zu MiB to descriptor 3\n"
                        "HINT: a result names files, it does not hold them",
                        a->title, HOST_HOOK_RESULT_MAX >> 20);
    }
    if (a->bad_line != 0) {
        return err_fail(err, ERR_FAILED,
                        "hook '%s': line %zu on descriptor 3 is not a JSON object with \"event\", "
                        "or its \"result\" is not an object\n"
                        "HINT: docs/hooks.md shows the form; words for people belong on stdout",
                        a->title, a->bad_line);
    }
    return 0;
}

/* ERR_LOCKED stands for "try again". */
static int judge(const struct attempt *a, const struct proc_result *ended, struct err *err)
{
    if (sandbox_judge(a->sandbox, a->title, ended, err)) {
        return -1;
    }
    if (ended->stopped) {
        return err_fail(err, ERR_INTERRUPTED, "asked to stop during hook '%s'", a->title);
    }
    if (ended->timed_out) {
        (void)fail_with_tail(a, "did not end before its deadline and was killed", err);
        err->kind = ERR_TIMEOUT;
        return -1;
    }
    if (ended->report_too_long) {
        return judge_report(a, ended, err);
    }
    if (ended->exit_code == HOST_HOOK_AGAIN) {
        return err_fail(err, ERR_LOCKED, "hook '%s' asks to be tried again", a->title);
    }
    if (a->has_error) {
        *err = a->said;
        (void)err_wrap(err, "hook '%s'", a->title);
        hint_log(a->hook, err);
        return -1;
    }
    if (ended->exit_code != 0) {
        AUTO_FREE char *what = ended->term_signal != 0
                                   ? mem_printf("was killed by signal %d (%s)", ended->term_signal,
                                                strsignal(ended->term_signal))
                                   : mem_printf("failed with exit code %d", ended->exit_code);
        return fail_with_tail(a, what, err);
    }
    return judge_report(a, ended, err);
}

/* ---- running ---- */

static void file_close(struct trusted_file *file)
{
    fd_close_ptr(&file->fd);
}

static void copy_denied(const struct sandbox *sandbox, struct strv *ret)
{
    const struct strv *denied = sandbox_denied(sandbox);
    for (size_t i = 0; i < denied->count; i++) {
        strv_add(ret, denied->items[i]);
    }
}

static int open_program(const struct host_hook *h, const char *title, struct trusted_file *ret,
                        struct err *err)
{
    if (trust_open(command_of(h)->items[0], ret, err) != 0) {
        return err_wrap(err, "hook '%s'", title);
    }
    if (h->digest != NULL && !str_eq(h->digest, ret->digest)) {
        return err_fail(err, ERR_REFUSED,
                        "hook '%s': '%s' is not the file that the plan was made with\n"
                        "HINT: put the old file back, or make the plan anew",
                        title, command_of(h)->items[0]);
    }
    return 0;
}

static int run_once(const struct host_hook *h, const struct trusted_file *file, struct attempt *a,
                    unsigned attempt, uint64_t deadline_ms, struct strv *ret_denied,
                    struct err *err)
{
    struct sandbox_spec spec = h->hook->sandbox;
    AUTO_SANDBOX struct sandbox *sandbox = NULL;
    AUTO_STRV struct strv environment = STRV_INIT;
    spec.folder = h->folder;
    spec.trace = h->trace;
    if (sandbox_new(&spec, &sandbox, err) != 0) {
        return err_wrap(err, "hook '%s'", a->title);
    }
    a->sandbox = sandbox;
    uint64_t left = clock_left_ms(deadline_ms);
    make_environment(h, attempt, &environment);
    char *input = make_input(h, attempt, clock_wall_ms() + left);
    const struct proc_spec proc = {
        .path = command_of(h)->items[0],
        .program_fd = file->fd,
        .is_script = file->is_script,
        .argv = (const char *const *)command_of(h)->items,
        .envp = (const char *const *)environment.items,
        .input = input,
        .input_len = strlen(input),
        .timeout_ms = left > 0 ? left : 1,
        .stop_on_signal = h->stop_on_signal,
        .on_line = on_line,
        .arg = a,
        .report_line_max = HOST_HOOK_RESULT_MAX,
        .end_descendants = true,
        .extra_fd = sandbox_fd(sandbox),
        .on_extra = listen_sandbox,
        .child_setup = enter_sandbox,
    };
    struct proc_result ended;
    int rc = proc_run(&proc, &ended, err);
    secret_wipe(input, strlen(input));
    free(input);
    hook_output_close(a->output);
    copy_denied(sandbox, ret_denied);
    return rc == 0 ? judge(a, &ended, err) : err_wrap(err, "hook '%s'", a->title);
}

/* True when there is time for one more. */
static bool pause_before_next(const struct host_hook *h, unsigned attempt, uint64_t deadline_ms)
{
    uint64_t pause_ms = PAUSE_FIRST_MS;
    for (unsigned i = 1; i < attempt && pause_ms < PAUSE_MAX_MS; i++) {
        pause_ms *= 2;
    }
    pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    if (pause_ms >= clock_left_ms(deadline_ms)) {
        return false;
    }
    uint64_t until = clock_deadline(pause_ms);
    while (!clock_passed(until) && !(h->stop_on_signal && stop_requested())) {
        clock_sleep_ms(clock_left_ms(until));
    }
    return true;
}

static int fail_again(const char *title, const struct host_hook *h, unsigned attempts,
                      struct err *err)
{
    err_fail(err, ERR_TIMEOUT,
             "hook '%s' asked %u times to be tried again (exit code %d), until its deadline", title,
             attempts, HOST_HOOK_AGAIN);
    err_hint(err, "give it a longer 'timeout', or see what it waits for: %s",
             h->log_path != NULL ? h->log_path : "'omslaunch hooks test'");
    return -1;
}

int host_hook_run(const struct host_hook *h, struct host_hook_result *ret, struct err *err)
{
    AUTO_FREE char *title = hook_title(h->hook);
    struct trusted_file file __attribute__((cleanup(file_close))) = {.fd = -1};
    uint64_t deadline_ms = clock_deadline(h->hook->timeout_ms);
    if (open_program(h, title, &file, err) != 0) {
        return -1;
    }
    for (unsigned attempt = 1;; attempt++) {
        struct hook_output output = {.path = h->log_path, .on_line = h->on_line, .arg = h->arg};
        struct attempt a = {.hook = h, .title = title, .output = &output, .said = ERR_INIT};
        if (hook_output_open(&output, err) != 0) {
            return -1;
        }
        struct strv denied = STRV_INIT;
        int rc = run_once(h, &file, &a, attempt, deadline_ms, &denied, err);
        hook_output_close(&output);
        tail_free(&output.tail);
        if (rc == 0) {
            *ret = (struct host_hook_result){
                .result = a.result, .attempts = attempt, .denied = denied};
            return 0;
        }
        strv_free(&denied);
        json_decref(a.result);
        if (err->kind != ERR_LOCKED) {
            return -1;
        }
        if (!pause_before_next(h, attempt, deadline_ms)) {
            return fail_again(title, h, attempt, err);
        }
    }
}

int host_hook_digest(const struct hook *hook, bool undo, char **ret, struct err *err)
{
    const struct host_hook h = {.hook = hook, .undo = undo};
    AUTO_FREE char *title = hook_title(hook);
    struct trusted_file file __attribute__((cleanup(file_close))) = {.fd = -1};
    if (open_program(&h, title, &file, err) != 0) {
        return -1;
    }
    *ret = mem_strdup(file.digest);
    return 0;
}

static int pin(struct hook *h, struct err *err)
{
    if (h->kind != HOOK_HOST) {
        return 0;
    }
    if (host_hook_digest(h, false, &h->digest, err) != 0) {
        return -1;
    }
    return h->undo.count == 0 ? 0 : host_hook_digest(h, true, &h->undo_digest, err);
}

int host_hook_pin(struct hook_list *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].digest == NULL && pin(&list->items[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- results ---- */

static int check_file(const struct hook *hook, const char *path, struct err *err)
{
    const char *point = hook_point_name(hook->point);
    struct stat st;
    AUTO_FD int fd = path[0] == '/' ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (path[0] != '/') {
        errno = EINVAL;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        return err_fail(err, ERR_FAILED,
                        "hook '%s/%s' names the file '%s', which cannot be opened: %m\n"
                        "HINT: \"files\" of its result are whole paths of files that it has made",
                        point, hook->name, path);
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        return err_fail(err, ERR_FAILED,
                        "hook '%s/%s' names the file '%s', which is %s\n"
                        "HINT: what it has made cannot be relied on; see what it said",
                        point, hook->name, path, S_ISREG(st.st_mode) ? "empty" : "not a file");
    }
    return fsync(fd) == 0 ? 0
                          : err_fail(err, ERR_FAILED,
                                     "'%s' of hook '%s/%s' cannot be synced: %m\n"
                                     "HINT: see that its disk is healthy and not full",
                                     path, point, hook->name);
}

int host_hook_check_files(const struct hook *hook, const json_t *result, struct err *err)
{
    const json_t *files = json_walk(result, "files");
    if (!json_is_array(files) || json_array_size(files) == 0) {
        return err_fail(err, ERR_FAILED,
                        "hook '%s/%s' gave a result without \"files\"\n"
                        "HINT: a backup says what it has made: {\"event\":\"result\",\"result\":"
                        "{\"files\":[\"/path\"]}} on descriptor 3",
                        hook_point_name(hook->point), hook->name);
    }
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *path = json_string_value(json_array_get(files, i));
        if (check_file(hook, path != NULL ? path : "", err) != 0) {
            return -1;
        }
    }
    return 0;
}
