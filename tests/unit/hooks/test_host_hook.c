/* The contract, for hooks in shell, Python and C, and hooks that break it in each way we know. */
#include "tests/unit/hooks/hook_folder.h"

#include <errno.h>
#include <signal.h>

#include "hooks/hook_output.h"
#include "hooks/host_hook.h"
#include "hooks/sandbox_confine.h"
#include "launcher/base/clock.h"
#include "launcher/base/digest.h"

#define PASSWORD "pa55-of-the-metadb"

struct told {
    struct str lines;
    struct str events;
    size_t count;
};

static void tell_line(void *arg, const char *line)
{
    struct told *t = arg;
    t->count++;
    if (t->lines.len < 4096) {
        str_appendf(&t->lines, "%s\n", line);
    }
}

static void tell_event(void *arg, const json_t *event)
{
    struct told *t = arg;
    str_appendf(&t->events, "%s\n", json_text(event, "text", "?"));
}

static void told_free(struct told *t)
{
    str_free(&t->lines);
    str_free(&t->events);
}
#define AUTO_TOLD CLEANUP(told_free)

/* One run of the file `name` with up to two arguments. */
struct trial {
    struct hook hook;
    struct host_hook run;
    struct told told;
    struct host_hook_result result;
    struct err err;
    char *work, *log;
    json_t *state;
    int rc;
};

static void trial_free(struct trial *t)
{
    strv_free(&t->hook.command);
    sandbox_spec_free(&t->hook.sandbox);
    told_free(&t->told);
    host_hook_result_free(&t->result);
    json_decref(t->state);
    free(t->work);
    free(t->log);
}
#define AUTO_TRIAL CLEANUP(trial_free)

static struct trial prepare(const char *name, const char *argument)
{
    struct trial t = {
        .hook = {.point = HOOK_PRE_STOP,
                 .name = (char *)(uintptr_t) "10-test",
                 .timeout_ms = 20000},
        .err = ERR_INIT,
        .work = at("work"),
        .log = at("log"),
        .state = json_make("{s:i, s:s, s:{s:s}}", "schema", 1, "run", "r1", "metadb", "password",
                           PASSWORD),
    };
    AUTO_FREE char *path = at(name);
    strv_add(&t.hook.command, path);
    if (argument != NULL) {
        strv_add(&t.hook.command, argument);
    }
    (void)mkdir(t.work, 0700);
    (void)unlink(t.log);
    return t;
}

static void run(struct trial *t)
{
    t->run.hook = &t->hook;
    t->run.state = t->state;
    t->run.folder = t->work;
    t->run.log_path = t->log;
    t->run.on_line = tell_line;
    t->run.on_event = tell_event;
    t->run.arg = &t->told;
    t->rc = host_hook_run(&t->run, &t->result, &t->err);
    err_mask(&t->err, folder);
}

static struct trial try(const char *script)
{
    put("hook", script, 0755);
    struct trial t = prepare("hook", NULL);
    run(&t);
    return t;
}

static void assert_failed(const struct trial *t, enum err_kind kind, const char *text)
{
    assert_int_equal(t->rc, -1);
    assert_err(&t->err, kind, text);
}

static void assert_went(const struct trial *t)
{
    if (t->rc != 0) {
        fail_msg("%s", err_whole(&t->err));
    }
}

#define ALL_IN_LOG "\nHINT: all that it said is in @/log"

/* ---- one suite, three languages ---- */

static const char in_shell[] =
    "#!/bin/sh\n"
    "state=$(cat)\n"
    "case $1 in\n"
    "result) run=$(printf '%s' \"$state\" | sed 's/.*\"run\":\"\\([^\"]*\\)\".*/\\1/')\n"
    "    echo said; echo warned >&2\n"
    "    echo '{\"event\":\"progress\",\"text\":\"half\"}' >&3\n"
    "    echo '{\"event\":\"result\",\"result\":{\"run\":\"'$run'\"}}' >&3 ;;\n"
    "silent) ;;\n"
    "fails) echo why; exit 3 ;;\n"
    "error) echo '{\"event\":\"error\",\"text\":\"no room\"}' >&3; exit 1 ;;\n"
    "again) [ \"$OMSLAUNCH_ATTEMPT\" = 2 ] || exit 75 ;;\n"
    "environment) echo \"$OMSLAUNCH_POINT $OMSLAUNCH_HOOK $OMSLAUNCH_ATTEMPT $OMSLAUNCH_UNDO\" ;;\n"
    "esac\n";

static const char in_python[] =
    "#!/usr/bin/env python3\n"
    "import json, os, sys\n"
    "state = json.load(sys.stdin)\n"
    "what = sys.argv[1]\n"
    "def report(**event):\n"
    "    os.write(3, (json.dumps(event) + '\\n').encode())\n"
    "if what == 'result':\n"
    "    print('said', flush=True)\n"
    "    print('warned', file=sys.stderr, flush=True)\n"
    "    report(event='progress', text='half')\n"
    "    report(event='result', result={'run': state['run']})\n"
    "elif what == 'fails':\n"
    "    print('why')\n"
    "    sys.exit(3)\n"
    "elif what == 'error':\n"
    "    report(event='error', text='no room')\n"
    "    sys.exit(1)\n"
    "elif what == 'again' and os.environ['OMSLAUNCH_ATTEMPT'] != '2':\n"
    "    sys.exit(75)\n"
    "elif what == 'environment':\n"
    "    e = os.environ\n"
    "    print(e['OMSLAUNCH_POINT'], e['OMSLAUNCH_HOOK'], e['OMSLAUNCH_ATTEMPT'], "
    "e['OMSLAUNCH_UNDO'])\n";

/* The C hook is this program itself, copied to where it can be trusted. */
static int in_c(const char *what)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *state = NULL;
    struct err err = ERR_INIT;
    char buf[4096];
    for (ssize_t n; (n = read(0, buf, sizeof(buf))) > 0;) {
        str_append_n(&input, buf, (size_t)n);
    }
    if (json_parse(str_get(&input), input.len, "state", &state, &err) != 0) {
        return 9;
    }
    if (str_eq(what, "result")) {
        (void)!write(1, "said\n", 5);
        (void)!write(2, "warned\n", 7);
        dprintf(3, "{\"event\":\"progress\",\"text\":\"half\"}\n");
        dprintf(3, "{\"event\":\"result\",\"result\":{\"run\":\"%s\"}}\n",
                json_text(state, "run", ""));
    } else if (str_eq(what, "fails")) {
        dprintf(1, "why\n");
        return 3;
    } else if (str_eq(what, "error")) {
        dprintf(3, "{\"event\":\"error\",\"text\":\"no room\"}\n");
        return 1;
    } else if (str_eq(what, "again")) {
        return str_eq(getenv("OMSLAUNCH_ATTEMPT"), "2") ? 0 : HOST_HOOK_AGAIN;
    } else if (str_eq(what, "environment")) {
        dprintf(1, "%s %s %s %s\n", getenv("OMSLAUNCH_POINT"), getenv("OMSLAUNCH_HOOK"),
                getenv("OMSLAUNCH_ATTEMPT"), getenv("OMSLAUNCH_UNDO"));
    }
    return 0;
}

static void keeps_the_contract(const char *name)
{
    AUTO_TRIAL struct trial result = prepare(name, "result");
    run(&result);
    assert_went(&result);
    assert_string_equal(json_text(result.result.result, "run", ""), "r1");
    assert_string_equal(str_get(&result.told.events), "half\n");
    assert_non_null(strstr(str_get(&result.told.lines), "said\n"));
    assert_non_null(strstr(str_get(&result.told.lines), "warned\n"));
    assert_int_equal(result.told.count, 2);

    AUTO_TRIAL struct trial silent = prepare(name, "silent");
    run(&silent);
    assert_went(&silent);
    assert_null(silent.result.result);

    AUTO_TRIAL struct trial fails = prepare(name, "fails");
    run(&fails);
    assert_failed(
        &fails, ERR_FAILED,
        "hook 'pre-stop/10-test' failed with exit code 3; its last lines:\n  why" ALL_IN_LOG);

    AUTO_TRIAL struct trial error = prepare(name, "error");
    run(&error);
    assert_failed(&error, ERR_FAILED, "hook 'pre-stop/10-test': no room" ALL_IN_LOG);

    AUTO_TRIAL struct trial again = prepare(name, "again");
    run(&again);
    assert_went(&again);
    assert_int_equal(again.result.attempts, 2);

    AUTO_TRIAL struct trial environment = prepare(name, "environment");
    run(&environment);
    assert_went(&environment);
    assert_string_equal(str_get(&environment.told.lines), "pre-stop 10-test 1 0\n");
}

static void test_shell_keeps_the_contract(void **state)
{
    (void)state;
    put("in-shell", in_shell, 0755);
    keeps_the_contract("in-shell");
}

static void test_python_keeps_the_contract(void **state)
{
    (void)state;
    if (access("/usr/bin/python3", X_OK) != 0) {
        print_message("there is no /usr/bin/python3\n");
        return;
    }
    put("in-python", in_python, 0755);
    keeps_the_contract("in-python");
}

static void test_c_keeps_the_contract(void **state)
{
    (void)state;
    AUTO_FREE char *copy = mem_printf("cp /proc/%d/exe '%s/in-c'", (int)getpid(), folder);
    assert_int_equal(system(copy), 0);
    keeps_the_contract("in-c");
}

/* ---- hooks that are not good ---- */

static void test_missing_and_not_executable(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial missing = prepare("nowhere", NULL);
    run(&missing);
    assert_failed(&missing, ERR_NOT_FOUND,
                  "hook 'pre-stop/10-test': hook '@/nowhere' cannot be opened: No such file or "
                  "directory\nHINT: see that the path is right");
    put("plain", "#!/bin/sh\n", 0644);
    AUTO_TRIAL struct trial plain = prepare("plain", NULL);
    run(&plain);
    assert_failed(&plain, ERR_PERMISSION,
                  "hook 'pre-stop/10-test': hook '@/plain' is not executable\n"
                  "HINT: chmod +x '@/plain'");
}

static void test_bad_interpreter(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t = try("#!/usr/bin/nowhere\n");
    assert_failed(&t, ERR_NOT_FOUND,
                  "hook 'pre-stop/10-test': cannot start '@/hook': No such file or directory\n"
                  "HINT: install it, or correct its path; for a script, see that the program in "
                  "its first line exists");
    AUTO_TRIAL struct trial none = try("echo hello\n");
    assert_failed(&none, ERR_FAILED,
                  "hook 'pre-stop/10-test': cannot start '@/hook': Exec format error\n"
                  "HINT: a script needs a first line such as #!/bin/sh");
}

static off_t size_of(const char *name)
{
    AUTO_FREE char *path = at(name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void test_prints_a_lot(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t =
        try("#!/bin/sh\nyes 'a line of forty characters, or about it' | head -c 100000000\n");
    assert_went(&t);
    assert_int_equal(t.told.count, HOOK_LINES_SHOWN + 1);
    assert_true(size_of("log") <= HOOK_LOG_MAX);
    assert_true(size_of("log.1") <= HOOK_LOG_MAX);
    AUTO_TRIAL struct trial one = try("#!/bin/sh\nhead -c 30000000 /dev/zero | tr '\\0' x\n");
    assert_went(&one);
    assert_true(size_of("log") <= HOOK_LOG_MAX);
}

static void test_prints_what_a_terminal_obeys(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t =
        try("#!/bin/sh\nprintf 'a\\033[31mb\\033]0;title\\007c\\326\\320d\\n'\n");
    assert_went(&t);
    assert_string_equal(str_get(&t.told.lines), "abc\xef\xbf\xbd\xef\xbf\xbd"
                                                "d\n");
}

static void test_never_reads(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t = try("#!/bin/sh\nexec </dev/null\nexit 0\n");
    assert_went(&t);
}

static void test_closes_descriptor_3(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t = try("#!/bin/sh\nexec 3>&-\necho on\n");
    assert_went(&t);
    assert_null(t.result.result);
}

static void test_leaves_a_daemon(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t =
        try("#!/bin/sh\nsetsid sh -c 'echo $$ >pid; exec sleep 600' >/dev/null 2>&1 3>&1 &\n"
            "while [ ! -s pid ]; do sleep 0.1; done\n");
    assert_went(&t);
    AUTO_FREE char *path = at("work/pid");
    AUTO_STR struct str pid = STR_INIT;
    struct err err = ERR_INIT;
    assert_ok(fs_read(path, 100, true, &pid, &err), &err);
    assert_true(kill((pid_t)strtol(str_get(&pid), NULL, 10), 0) != 0 && errno == ESRCH);
    assert_int_equal(unlink(path), 0);
}

static void test_ignores_term(void **state)
{
    (void)state;
    put("hook", "#!/bin/sh\ntrap '' TERM\necho waiting\nsleep 600\nsleep 600\n", 0755);
    AUTO_TRIAL struct trial t = prepare("hook", NULL);
    t.hook.timeout_ms = 300;
    run(&t);
    assert_failed(
        &t, ERR_TIMEOUT,
        "hook 'pre-stop/10-test' did not end before its deadline and was killed; its last "
        "lines:\n  waiting" ALL_IN_LOG);
}

static void test_again_for_ever(void **state)
{
    (void)state;
    put("hook", "#!/bin/sh\nexit 75\n", 0755);
    AUTO_TRIAL struct trial t = prepare("hook", NULL);
    t.hook.timeout_ms = 1800;
    run(&t);
    assert_failed(
        &t, ERR_TIMEOUT,
        "hook 'pre-stop/10-test' asked 2 times to be tried again (exit code 75), until its "
        "deadline\nHINT: give it a longer 'timeout', or see what it waits for: @/log");
}

static void test_result_is_not_json(void **state)
{
    (void)state;
    static const char text[] =
        "hook 'pre-stop/10-test': line 1 on descriptor 3 is not a JSON object with \"event\", or "
        "its \"result\" is not an object\n"
        "HINT: docs/hooks.md shows the form; words for people belong on stdout";
    AUTO_TRIAL struct trial t = try("#!/bin/sh\necho done >&3\n");
    assert_failed(&t, ERR_FAILED, text);
    AUTO_TRIAL struct trial list = try("#!/bin/sh\necho '[1]' >&3\n");
    assert_failed(&list, ERR_FAILED, text);
    AUTO_TRIAL struct trial bytes = try("#!/bin/sh\nprintf '{\"event\":\"\\377\"}\\n' >&3\n");
    assert_failed(&bytes, ERR_FAILED, text);
    AUTO_TRIAL struct trial deep = try("#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' '[' >&3\n");
    assert_failed(&deep, ERR_FAILED, text);
}

static void test_result_of_100_mb(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t = try("#!/bin/sh\nhead -c 100000000 /dev/zero | tr '\\0' x >&3\n");
    assert_failed(&t, ERR_FAILED,
                  "hook 'pre-stop/10-test' wrote a line of more than 16 MiB to descriptor 3\n"
                  "HINT: a result names files, it does not hold them");
    AUTO_TRIAL struct trial large = try("#!/bin/sh\n"
                                        "printf '{\"event\":\"result\",\"result\":{\"a\":\"' >&3\n"
                                        "head -c 10000000 /dev/zero | tr '\\0' x >&3\n"
                                        "echo '\"}}' >&3\n");
    assert_went(&large);
    assert_int_equal(strlen(json_text(large.result.result, "a", "")), 10000000);
}

static void test_password_is_hidden(void **state)
{
    (void)state;
    foreign_hide(PASSWORD, strlen(PASSWORD));
    AUTO_TRIAL struct trial t = try("#!/bin/sh\nstate=$(cat)\necho \"$state\"\n"
                                    "echo \"$state\" >&2\nenv\nexit 1\n");
    assert_int_equal(t.rc, -1);
    assert_null(strstr(t.err.text, PASSWORD));
    assert_null(strstr(str_get(&t.told.lines), PASSWORD));
    assert_non_null(strstr(str_get(&t.told.lines), "\"password\":\"***\""));
    AUTO_STR struct str log = STR_INIT;
    struct err err = ERR_INIT;
    AUTO_FREE char *path = at("log");
    assert_ok(fs_read(path, 1000000, true, &log, &err), &err);
    assert_null(strstr(str_get(&log), PASSWORD));
    foreign_forget();
}

/* By the time it is tried again its path means another file. */
static void test_replaced_during_the_run(void **state)
{
    (void)state;
    put("hook",
        "#!/bin/sh\necho first\n[ \"$OMSLAUNCH_ATTEMPT\" = 2 ] && exit 0\n"
        "mv \"${OMSLAUNCH_HOOK_FILE%/*}/second\" \"$OMSLAUNCH_HOOK_FILE\" || exit 9\nexit 75\n",
        0755);
    put("second", "#!/bin/sh\necho second\n", 0755);
    AUTO_TRIAL struct trial t = prepare("hook", NULL);
    strv_add(&t.hook.sandbox.write, folder);
    run(&t);
    assert_went(&t);
    assert_string_equal(str_get(&t.told.lines), "first\nfirst\n");
}

static void test_other_than_planned(void **state)
{
    (void)state;
    char digest[DIGEST_HEX_MAX];
    digest_of("#!/bin/sh\nexit 0\n", 17, digest);
    put("hook", "#!/bin/sh\nexit 0\n", 0755);
    AUTO_TRIAL struct trial same = prepare("hook", NULL);
    same.run.digest = digest;
    run(&same);
    assert_went(&same);
    put("hook", "#!/bin/sh\nexit 0 \n", 0755);
    AUTO_TRIAL struct trial other = prepare("hook", NULL);
    other.run.digest = digest;
    run(&other);
    assert_failed(&other, ERR_REFUSED,
                  "hook 'pre-stop/10-test': '@/hook' is not the file that the plan was made with\n"
                  "HINT: put the old file back, or make the plan anew");
}

static void test_untrusted_places(void **state)
{
    (void)state;
    make_folder("open", 0777);
    put("open/hook", "#!/bin/sh\n", 0755);
    AUTO_TRIAL struct trial open = prepare("open/hook", NULL);
    run(&open);
    assert_failed(
        &open, ERR_REFUSED,
        "hook 'pre-stop/10-test': hook '@/open/hook' is not to be trusted: '@/open' may be "
        "written by others (mode 0777)\n"
        "HINT: chmod go-w '@/open', or move the hook elsewhere");
    AUTO_FREE char *link = at("link");
    assert_int_equal(symlink("open/hook", link), 0);
    AUTO_TRIAL struct trial linked = prepare("link", NULL);
    run(&linked);
    assert_int_equal((int)linked.err.kind, ERR_REFUSED);
}

static void test_sandbox_is_on(void **state)
{
    (void)state;
    AUTO_TRIAL struct trial t = try("#!/bin/sh\nunshare -m true\necho on\n");
    assert_failed(&t, ERR_FAILED,
                  "hook 'pre-stop/10-test': its process 'unshare' made the system call 'unshare', "
                  "which the sandbox profile 'default' denies; it was killed\n"
                  "HINT: if the hook needs it, write 'allow: [unshare]' under 'sandbox' of this "
                  "hook; 'omslaunch hooks trace' shows all that a program needs");
    if (confinement_landlock() > 0) {
        AUTO_TRIAL struct trial plan = try("#!/bin/sh\necho x >../log.1 || exit 4\n");
        assert_int_equal(plan.rc, -1);
        assert_non_null(strstr(plan.err.text, "failed with exit code 4"));
    }
}

static void test_files_of_a_result(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct hook hook = {.point = HOOK_BACKUP, .name = (char *)(uintptr_t) "mine"};
    AUTO_FREE char *full = at("full");
    AUTO_FREE char *empty = at("empty");
    put("full", "dump", 0600);
    put("empty", "", 0600);
    AUTO_JSON json_t *good = json_make("{s:[s]}", "files", full);
    AUTO_JSON json_t *none = json_make("{}");
    AUTO_JSON json_t *hollow = json_make("{s:[s, s]}", "files", full, empty);
    AUTO_JSON json_t *gone = json_make("{s:[s]}", "files", "/nowhere/x");
    AUTO_JSON json_t *special = json_make("{s:[s]}", "files", "/dev/zero");
    assert_ok(host_hook_check_files(&hook, good, &err), &err);
    assert_fails(host_hook_check_files(&hook, none, &err));
    assert_err(&err, ERR_FAILED,
               "hook 'backup/mine' gave a result without \"files\"\n"
               "HINT: a backup says what it has made: {\"event\":\"result\",\"result\":{\"files\":"
               "[\"/path\"]}} on descriptor 3");
    assert_fails(host_hook_check_files(&hook, hollow, &err));
    err_mask(&err, folder);
    assert_err(&err, ERR_FAILED,
               "hook 'backup/mine' names the file '@/empty', which is empty\n"
               "HINT: what it has made cannot be relied on; see what it said");
    assert_fails(host_hook_check_files(&hook, gone, &err));
    assert_err(
        &err, ERR_FAILED,
        "hook 'backup/mine' names the file '/nowhere/x', which cannot be opened: No such file "
        "or directory\n"
        "HINT: \"files\" of its result are whole paths of files that it has made");
    assert_fails(host_hook_check_files(&hook, special, &err));
    assert_err(&err, ERR_FAILED,
               "hook 'backup/mine' names the file '/dev/zero', which is not a file\n"
               "HINT: what it has made cannot be relied on; see what it said");
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        /* At exit() a sanitizer would look for leaks, by calls that the sandbox denies. */
        _exit(in_c(argv[1]));
    }
    if (!folder_make()) {
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell_keeps_the_contract),
        cmocka_unit_test(test_python_keeps_the_contract),
        cmocka_unit_test(test_c_keeps_the_contract),
        cmocka_unit_test(test_missing_and_not_executable),
        cmocka_unit_test(test_bad_interpreter),
        cmocka_unit_test(test_prints_a_lot),
        cmocka_unit_test(test_prints_what_a_terminal_obeys),
        cmocka_unit_test(test_never_reads),
        cmocka_unit_test(test_closes_descriptor_3),
        cmocka_unit_test(test_leaves_a_daemon),
        cmocka_unit_test(test_ignores_term),
        cmocka_unit_test(test_again_for_ever),
        cmocka_unit_test(test_result_is_not_json),
        cmocka_unit_test(test_result_of_100_mb),
        cmocka_unit_test(test_password_is_hidden),
        cmocka_unit_test(test_replaced_during_the_run),
        cmocka_unit_test(test_other_than_planned),
        cmocka_unit_test(test_untrusted_places),
        cmocka_unit_test(test_sandbox_is_on),
        cmocka_unit_test(test_files_of_a_result),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return folder_remove() != 0 && failed == 0 ? 1 : failed;
}
