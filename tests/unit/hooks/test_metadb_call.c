/* Calls of the MetaDB program, which here is this test itself: its command says how it behaves. */
#include "hooks/metadb_call.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/metadb_lock.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"
#include "tests/unit/unit.h"

#define PASSWORD "p'w\"d \\$@ü"

/* ---- the program ---- */

static void say(const char *line)
{
    if (fs_write_all(3, line, strlen(line)) != 0) {
        _exit(9);
    }
}

static bool file_has(const char *path, const char *text)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char buf[65536];
    ssize_t n = read(fd, buf, sizeof(buf));

    return n > 0 && memmem(buf, (size_t)n, text, strlen(text)) != NULL;
}

static void read_stdin(struct str *ret)
{
    char buf[4096];

    for (ssize_t n; (n = read(STDIN_FILENO, buf, sizeof(buf))) > 0;) {
        str_append_n(ret, buf, (size_t)n);
    }
}

/* What it was given, and where the password could be seen by others. */
static void answer_input(void)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    struct err err = ERR_INIT;

    read_stdin(&input);
    if (json_parse(str_get(&input), input.len, "stdin", &document, &err) != 0) {
        _exit(9);
    }
    AUTO_JSON json_t *event =
        json_make("{s:s,s:{s:O,s:b,s:b,s:b}}", "event", "result", "result", "document", document,
                  "in_argv", (int)file_has("/proc/self/cmdline", PASSWORD), "in_environ",
                  (int)file_has("/proc/self/environ", PASSWORD), "path_is_plain",
                  (int)file_has("/proc/self/environ", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
    AUTO_FREE char *text = json_compact(event);
    AUTO_FREE char *line = mem_printf("%s\n", text);
    say(line);
}

/* What it may not is refused without its end, but for what it never needs. */
static void try_sandbox(void)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    struct err err = ERR_INIT;
    read_stdin(&input);
    if (json_parse(str_get(&input), input.len, "stdin", &document, &err) != 0) {
        _exit(9);
    }
    AUTO_FREE char *inside = fs_join(json_text(document, "request.folder", ""), "inside");
    AUTO_FREE char *beside = mem_printf("%s-beside", json_text(document, "request.folder", ""));
    AUTO_FD int a = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    AUTO_FD int b = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    AUTO_FD int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AUTO_FREE char *line = mem_printf(
        "{\"event\":\"result\",\"result\":{\"inside\":%d,\"beside\":%d,\"engine\":%d}}\n", a >= 0,
        b >= 0, engine >= 0);
    say(line);
}

static void say_progress(void)
{
    say("{\"event\":\"progress\",\"text\":\"rm.t\",\"done\":5,\"total\":10,\"unit\":\"bytes\"}\n");
    say("{\"event\":\"progress\",\"text\":\"cm.t\",\"done\":3,\"total\":4,\"unit\":\"rows\"}\n");
    say("{\"event\":\"result\",\"result\":{}}\n");
}

static void say_much(void)
{
    char line[1000];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 3000; i++) {
        (void)fprintf(stderr, "%s\n", line);
        (void)printf("%s\n", line);
    }
}

/* A result with a text of `len` bytes. */
static void say_long(size_t len)
{
    AUTO_FREE char *text = mem_alloc(len + 1);

    memset(text, 'x', len);
    AUTO_FREE char *line =
        mem_printf("{\"event\":\"result\",\"result\":{\"text\":\"%s\"}}\n", text);
    (void)!fs_write_all(3, line, strlen(line)); /* nobody may listen to the end */
}

static void hold_lock(const char *how)
{
    if (str_eq(how, "none")) {
        say("{\"event\":\"result\",\"result\":{\"held\":false}}\n");
        _exit(0);
    }
    for (int i = 0;; i++) {
        say(i < 2 || str_eq(how, "waits") ? "{\"event\":\"progress\",\"text\":\"waiting\"}\n"
                                          : "{\"event\":\"progress\",\"text\":\"held\"}\n");
        (void)usleep(20000);
        if (i == 2 && str_eq(how, "lost")) {
            _exit(1); /* as when the server goes */
        }
    }
}

/* The user's name says how the lock behaves; "once" leaves a mark, so that the second one differs.
 */
static int behave_as_lock(void)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    struct err err = ERR_INIT;

    read_stdin(&input);
    if (json_parse(str_get(&input), input.len, "stdin", &document, &err) != 0) {
        return 9;
    }
    const char *user = json_text(document, "metadb.user", "");
    if (str_eq(user, "taken")) {
        say("{\"event\":\"error\",\"kind\":\"locked\",\"text\":\"another run works on these "
            "databases: run r7\\nHINT: wait\"}\n");
        return 75;
    }
    if (user[0] == '/') {
        if (fs_exists(user)) {
            say("{\"event\":\"error\",\"kind\":\"locked\",\"text\":\"run r8 was faster\"}\n");
            return 75;
        }
        (void)close(open(user, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        hold_lock("lost");
    }
    hold_lock(user);
    return 0;
}

/* The user's name says how it behaves when it is not let go, or after that. */
static int behave_as_prepared(void)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    struct err err = ERR_INIT;
    char buf[4096];
    char word[4] = "";

    while (input.len < 2 || !str_eq(str_get(&input) + input.len - 2, "\n\n")) {
        ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
        if (n <= 0) {
            return 9;
        }
        str_append_n(&input, buf, (size_t)n);
    }
    if (json_parse(str_get(&input), input.len, "stdin", &document, &err) != 0) {
        return 9;
    }
    const char *user = json_text(document, "metadb.user", "");
    if (str_eq(user, "refuses")) {
        say("{\"event\":\"error\",\"kind\":\"state\",\"text\":\"no room\"}\n");
        return 1;
    }
    if (str_eq(user, "hurries")) {
        say("{\"event\":\"result\",\"result\":{}}\n");
        return 0;
    }
    say("{\"event\":\"prepared\",\"prepared\":{\"tables\":7}}\n");
    if (str_ends_with(user, ".lives")) {
        while (access(user, F_OK) == 0) {
            clock_sleep_ms(5);
        }
        return 1;
    }
    bool go = read(STDIN_FILENO, word, 3) == 3 && str_eq(word, "go\n");
    if (!go) {
        (void)unlink(user); /* what it has made */
        return 1;
    }
    say("{\"event\":\"result\",\"result\":{\"done\":true}}\n");
    return 0;
}

static int behave(const char *command)
{
    if (str_eq(command, "input")) {
        answer_input();
    } else if (str_eq(command, "progress")) {
        say_progress();
    } else if (str_eq(command, "lock")) {
        return behave_as_lock();
    } else if (str_eq(command, "prepared")) {
        return behave_as_prepared();
    } else if (str_eq(command, "nothing")) {
        return 0;
    } else if (str_eq(command, "dies-talking")) {
        (void)fprintf(stderr, "cannot: the password '%s' is wrong\nbye\n", PASSWORD);
    } else if (str_eq(command, "error")) {
        say("{\"event\":\"error\",\"kind\":\"unreachable\",\"text\":\"no server\\nHINT: start "
            "it\"}\n");
    } else if (str_eq(command, "error-with-password")) {
        say("{\"event\":\"error\",\"kind\":\"permission\",\"text\":\"not with p'w\\\"d \\\\$@ü"
            "\"}\n");
    } else if (str_eq(command, "error-without-words")) {
        say("{\"event\":\"error\"}\n");
    } else if (str_eq(command, "error-then-result")) {
        say("{\"event\":\"error\",\"kind\":\"failed\",\"text\":\"half\"}\n"
            "{\"event\":\"result\",\"result\":{}}\n");
    } else if (str_eq(command, "result-then-exit-1")) {
        say("{\"event\":\"result\",\"result\":{}}\n");
    } else if (str_eq(command, "null-result")) {
        say("{\"event\":\"result\",\"result\":null}\n");
    } else if (str_eq(command, "garbage")) {
        say("garbage\n\n[1]\n{\"event\":\"progress\"}\n{\"event\":\"new in 2.0\"}\n\xff\xfe\n"
            "{\"event\":\"result\",\"result\":{\"a\":1}}\n{\"event\":");
    } else if (str_eq(command, "two-results")) {
        say("{\"event\":\"result\",\"result\":{\"a\":1}}\n"
            "{\"event\":\"result\",\"result\":{\"a\":2}}\n");
    } else if (str_eq(command, "much")) {
        say_much();
    } else if (str_eq(command, "long")) {
        say_long(300000);
    } else if (str_eq(command, "too-long")) {
        say_long(17UL * 1024 * 1024);
    } else if (str_eq(command, "half-result")) {
        say("{\"event\":\"result\",\"result\":{\n");
    } else if (str_eq(command, "dump")) {
        try_sandbox();
    } else if (str_eq(command, "forks")) {
        _exit(fork() == 0 ? 0 : 1);
    } else if (str_eq(command, "killed")) {
        (void)raise(SIGKILL);
    } else {
        (void)sleep(60); /* "hangs" */
    }
    bool fine = str_eq(command, "long") || str_eq(command, "half-result") ||
                str_eq(command, "input") || str_eq(command, "dump") ||
                str_eq(command, "progress") || str_eq(command, "garbage") ||
                str_eq(command, "two-results") || str_eq(command, "null-result") ||
                str_eq(command, "error-then-result");
    return fine ? 0 : 1;
}

/* ---- the calls ---- */

static char program[512];
static struct secret password;
static struct strv heartbeat;

static struct metadb database(void)
{
    return (struct metadb){.program = program,
                           .host = "db.example",
                           .port = 2883,
                           .user = "root@oms#c",
                           .password = &password,
                           .rm_db = "rm_331",
                           .cm_db = "cm_331",
                           .heartbeat_dbs = &heartbeat};
}

static int call(const char *command, json_t **ret, struct err *err)
{
    const struct metadb db = database();
    const struct metadb_request request = {.command = command};

    return metadb_call(&db, &request, ret, err);
}

/* "'<program> X' ended with …" */
static void assert_failure(const char *command, enum err_kind kind, const char *text)
{
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    AUTO_FREE char *expected = str_starts_with(text, "'<program>")
                                   ? mem_printf("'%s%s", program, text + strlen("'<program>"))
                                   : mem_strdup(text);

    assert_fails(call(command, &result, &err));
    assert_err(&err, kind, expected);
    assert_null(result);
}

static void test_input(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    AUTO_JSON json_t *parameters = json_make("{s:s}", "folder", "/b");
    struct err err = ERR_INIT;
    const struct metadb db = database();
    const struct metadb_request request = {
        .command = "input", .run = "r1", .parameters = parameters};

    assert_ok(metadb_call(&db, &request, &result, &err), &err);
    AUTO_FREE char *document = json_canonical(json_object_get(result, "document"));
    assert_string_equal(
        document,
        "{\"metadb\":{\"databases\":{\"cm\":\"cm_331\",\"heartbeat\":[\"cm_hb_331\",\"cm_hb_332\"],"
        "\"rm\":\"rm_331\"},\"host\":\"db.example\",\"password\":\"p'w\\\"d "
        "\\\\$@ü\",\"port\":2883,"
        "\"user\":\"root@oms#c\"},\"request\":{\"folder\":\"/b\"},\"run\":\"r1\",\"schema\":1}");
    assert_false(json_bool(result, "in_argv", true));
    assert_false(json_bool(result, "in_environ", true));
    assert_true(json_bool(result, "path_is_plain", false));
}

static void test_no_run_no_parameters_no_password(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    const struct secret none = SECRET_INIT;
    struct err err = ERR_INIT;
    struct metadb db = database();
    const struct metadb_request request = {.command = "input"};

    db.password = &none;
    assert_ok(metadb_call(&db, &request, &result, &err), &err);
    assert_string_equal(json_text(result, "document.metadb.password", "?"), "");
    assert_true(json_is_null(json_object_get(json_object_get(result, "document"), "run")));
    assert_null(json_object_get(json_object_get(result, "document"), "request"));
}

static void note_progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes)
{
    str_appendf(arg, "%s %d/%d %s\n", text, (int)done, (int)total, bytes ? "bytes" : "rows");
}

static void test_progress(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    AUTO_STR struct str seen = STR_INIT;
    struct err err = ERR_INIT;
    const struct metadb db = database();
    const struct metadb_request request = {
        .command = "progress", .progress = note_progress, .arg = &seen};

    assert_ok(metadb_call(&db, &request, &result, &err), &err);
    assert_string_equal(str_get(&seen), "rm.t 5/10 bytes\ncm.t 3/4 rows\n");
}

static void test_garbage_is_passed_over(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    AUTO_JSON json_t *last = NULL;
    struct err err = ERR_INIT;

    assert_ok(call("garbage", &result, &err), &err);
    assert_int_equal(json_int(result, "a", 0), 1);
    assert_ok(call("two-results", &last, &err), &err);
    assert_int_equal(json_int(last, "a", 0), 2);
}

static int prepare(const struct metadb *db, struct metadb_waiting **ret, struct err *err)
{
    const struct metadb_request request = {.command = "prepared"};

    return metadb_prepare(db, &request, ret, err);
}

static void test_prepared(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    struct metadb_waiting *waiting = NULL;
    const struct metadb db = database();

    assert_ok(prepare(&db, &waiting, &err), &err);
    assert_int_equal(json_int(metadb_prepared(waiting), "tables", 0), 7);
    assert_true(metadb_waits(waiting));
    assert_ok(metadb_go_take(waiting, 10000, &result, &err), &err);
    assert_true(json_bool(result, "done", false));
}

static void test_prepared_and_given_up(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct metadb_waiting *waiting = NULL;
    struct metadb db = database();
    AUTO_FREE char *made = mem_printf("%s.made", program);

    db.user = made;
    (void)close(open(made, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_ok(prepare(&db, &waiting, &err), &err);
    metadb_waiting_free(waiting);
    metadb_waiting_free(NULL);
    assert_false(fs_exists(made));
}

static void test_prepared_in_vain(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    AUTO_FREE char *hurries =
        mem_printf("'%s prepared' did not wait for the word to go\nHINT: see that this program is "
                   "of the same version as omslaunch",
                   program);
    AUTO_FREE char *lives = mem_printf("%s.lives", program);
    struct err err = ERR_INIT;
    struct metadb_waiting *waiting = NULL;
    struct metadb db = database();

    db.user = "refuses";
    assert_fails(prepare(&db, &waiting, &err));
    assert_err(&err, ERR_STATE, "no room");
    db.user = "hurries";
    assert_fails(prepare(&db, &waiting, &err));
    assert_err(&err, ERR_FAILED, hurries);
    db.user = lives;
    (void)close(open(lives, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_ok(prepare(&db, &waiting, &err), &err);
    assert_int_equal(unlink(lives), 0);
    while (metadb_waits(waiting)) {
        clock_sleep_ms(5);
    }
    assert_fails(metadb_go_take(waiting, 10000, &result, &err));
    assert_non_null(
        strstr(err_whole(&err), " prepared' ended with exit code 1 and gave no result"));
}

#define VERSION_WORDS                                                                       \
    "see that this program is of the same version as omslaunch, and that nothing kills it " \
    "(dmesg)"
#define VERSION_HINT "\nHINT: " VERSION_WORDS

static void test_no_result(void **state)
{
    (void)state;
    assert_failure("nothing", ERR_FAILED,
                   "'<program> nothing' ended with exit code 0 and gave no result" VERSION_HINT);
    assert_failure(
        "null-result", ERR_FAILED,
        "'<program> null-result' ended with exit code 0 and gave no result" VERSION_HINT);
    assert_failure("result-then-exit-1", ERR_FAILED,
                   "'<program> result-then-exit-1' ended with exit code 1 and gave no "
                   "result" VERSION_HINT);
    assert_failure("killed", ERR_FAILED,
                   "'<program> killed' ended with exit code 137 and gave no result" VERSION_HINT);
}

static void test_long_results(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;

    assert_ok(call("long", &result, &err), &err);
    assert_int_equal(strlen(json_text(result, "text", "")), 300000);
    assert_failure("too-long", ERR_FAILED,
                   "'<program> too-long' answered with a line of more than 16 MiB\n"
                   "HINT: it may have done all that it was asked for, but what it said of it is "
                   "lost: look at the MetaDB before you call it again");
}

static void test_lost_result(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;

    assert_fails(call("half-result", &result, &err));
    assert_non_null(strstr(err.text, " half-result' was done, but its answer is lost: "));
    assert_string_equal(err.hint, "see that this program is of the same version as omslaunch");
}

static void test_words_on_stderr(void **state)
{
    (void)state;
    assert_failure("dies-talking", ERR_FAILED,
                   "'<program> dies-talking' ended with exit code 1 and gave no result: cannot: "
                   "the password '***' is wrong\nbye\n" VERSION_HINT);
}

static void test_much_output(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;

    assert_fails(call("much", &result, &err));
    assert_non_null(
        strstr(err_whole(&err), " much' ended with exit code 1 and gave no result: xxx"));
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_string_equal(err.hint, VERSION_WORDS);
}

static void test_errors(void **state)
{
    (void)state;
    assert_failure("error", ERR_UNREACHABLE, "no server\nHINT: start it");
    assert_failure("error-with-password", ERR_PERMISSION, "not with ***");
    assert_failure("error-without-words", ERR_FAILED, "the MetaDB program failed without a word");
    /* Half a success is none. */
    assert_failure("error-then-result", ERR_FAILED, "half");
}

static void test_timeout(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    const struct metadb db = database();
    const struct metadb_request request = {.command = "hangs", .timeout_ms = 200};
    uint64_t begun_ms = clock_mono_ms();

    assert_fails(metadb_call(&db, &request, &result, &err));
    assert_err(&err, ERR_TIMEOUT,
               "the MetaDB at db.example:2883 did not finish 'hangs' in time\n"
               "HINT: look for long-running statements or locks in the MetaDB (show full "
               "processlist)");
    assert_in_range(clock_mono_ms() - begun_ms, 200, 4000);
}

static void test_stop(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    const struct metadb db = database();
    const struct metadb_request request = {.command = "hangs", .stop_on_signal = true};

    assert_int_equal(raise(SIGTERM), 0);
    assert_fails(metadb_call(&db, &request, &result, &err));
    assert_err(&err, ERR_INTERRUPTED, "asked to stop during 'hangs' on the MetaDB");
    stop_tolerate(stop_count());
}

static bool is_enough(void *arg)
{
    return ++*(int *)arg == 2;
}

static void test_enough(void **state)
{
    (void)state;
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    struct metadb db = database();
    int asked = 0;
    const struct metadb_request request = {
        .command = "lock", .is_enough = is_enough, .arg = &asked};

    db.user = "held";
    assert_fails(metadb_call(&db, &request, &result, &err));
    assert_int_equal(asked, 2);
}

/* ---- programs that cannot be ---- */

static void cannot_start(const char *path, enum err_kind kind, const char *text)
{
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    struct metadb db = database();
    const struct metadb_request request = {.command = "facts"};
    AUTO_FREE char *expected = mem_printf("cannot start '%s': %s", path, text);

    db.program = path;
    assert_fails(metadb_call(&db, &request, &result, &err));
    assert_err(&err, kind, expected);
}

static void test_no_program(void **state)
{
    (void)state;
    char folder[] = "/tmp/omsl-hook.XXXXXX";

    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = fs_join(folder, "program");
    cannot_start(path, ERR_NOT_FOUND,
                 "No such file or directory\nHINT: install it, or correct its path; for a script, "
                 "see that the program in its first line exists");
    AUTO_FD int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    assert_int_equal(fs_write_all(fd, "no format at all", 16), 0);
    (void)close(fd);
    fd = -1;
    cannot_start(path, ERR_FAILED,
                 "Exec format error\nHINT: a script needs a first line such as #!/bin/sh");
    assert_int_equal(chmod(path, 0600), 0);
    AUTO_FREE char *hint = mem_printf("Permission denied\nHINT: it must be a file that user id %u "
                                      "may execute (chmod +x), on a file system not mounted noexec",
                                      (unsigned)geteuid());
    cannot_start(path, ERR_PERMISSION, hint);
    assert_int_equal(unlink(path) | rmdir(folder), 0);
}

/* ---- the lock ---- */

static int take_lock(struct metadb *db, const char *how, struct metadb_lock **ret, struct err *err)
{
    *db = database();
    db->user = how;
    return metadb_lock_take(db, "r1", "run r1 on h", 0, ret, err);
}

static void test_lock_is_held(void **state)
{
    (void)state;
    struct metadb_lock *lock = NULL;
    struct metadb db;
    struct err err = ERR_INIT;

    assert_ok(take_lock(&db, "held", &lock, &err), &err);
    (void)usleep(100000);
    assert_ok(metadb_lock_check(lock, &err), &err);
    metadb_lock_free(lock);
    metadb_lock_free(NULL);
}

static void test_lock_of_another(void **state)
{
    (void)state;
    struct metadb_lock *lock = NULL;
    struct metadb db;
    struct err err = ERR_INIT;

    assert_fails(take_lock(&db, "taken", &lock, &err));
    assert_err(&err, ERR_LOCKED, "another run works on these databases: run r7\nHINT: wait");
    assert_null(lock);
}

static void test_server_without_locks(void **state)
{
    (void)state;
    struct metadb_lock *lock = NULL;
    struct metadb db;
    struct err err = ERR_INIT;

    assert_ok(take_lock(&db, "none", &lock, &err), &err);
    assert_ok(metadb_lock_check(lock, &err), &err);
    metadb_lock_free(lock);
}

/* The server was restarted: the lock is taken again, and who was faster is found out. */
static void test_lost_lock(void **state)
{
    (void)state;
    struct metadb_lock *lock = NULL;
    struct metadb_lock *stolen = NULL;
    struct metadb db;
    struct metadb other;
    struct err err = ERR_INIT;
    char mark[] = "/tmp/omsl-mark.XXXXXX";

    assert_ok(take_lock(&db, "lost", &lock, &err), &err);
    (void)usleep(300000);
    assert_ok(metadb_lock_check(lock, &err), &err);
    metadb_lock_free(lock);

    int fd = mkstemp(mark);
    assert_int_equal(close(fd) | unlink(mark), 0);
    assert_ok(take_lock(&other, mark, &stolen, &err), &err);
    for (int i = 0; i < 100 && metadb_lock_check(stolen, &err) == 0; i++) {
        (void)usleep(50000);
    }
    assert_err(&err, ERR_LOCKED, "run r8 was faster");
    metadb_lock_free(stolen);
    (void)unlink(mark);
}

static void *send_term(void *arg)
{
    (void)usleep(150000);
    (void)raise(SIGTERM);
    return arg;
}

/* Ctrl-C ends the wait for somebody else's run. */
static void test_wait_can_be_given_up(void **state)
{
    (void)state;
    struct metadb_lock *lock = NULL;
    struct metadb db;
    struct err err = ERR_INIT;
    pthread_t thread;
    uint64_t begun_ms = clock_mono_ms();

    assert_int_equal(pthread_create(&thread, NULL, send_term, NULL), 0);
    assert_fails(take_lock(&db, "waits", &lock, &err));
    assert_err(&err, ERR_INTERRUPTED, "asked to stop while waiting for the MetaDB's lock");
    assert_in_range(clock_mono_ms() - begun_ms, 100, 3000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop_tolerate(stop_count());
}

static void test_it_is_confined(void **state)
{
    (void)state;
    unsetenv("OMSLAUNCH_METADB_SANDBOX");
    char folder[] = "/tmp/omslaunch-call-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *backup = fs_join(folder, "b1");
    AUTO_JSON json_t *parameters = json_make("{s:s}", "folder", backup);
    AUTO_JSON json_t *result = NULL;
    struct err err = ERR_INIT;
    const struct metadb db = database();
    struct metadb_request request = {.command = "dump", .parameters = parameters};
    assert_ok(metadb_call(&db, &request, &result, &err), &err);
    AUTO_FREE char *text = json_compact(result);
    assert_string_equal(text, "{\"inside\":1,\"beside\":0,\"engine\":0}");
    AUTO_FREE char *inside = fs_join(backup, "inside");
    assert_int_equal(unlink(inside) | rmdir(backup) | rmdir(folder), 0);
    json_t *none = NULL;
    request.command = "forks";
    assert_fails(metadb_call(&db, &request, &none, &err));
    assert_err(
        &err, ERR_FAILED,
        "hook 'omslaunch-metadb': its process 'test_metadb_cal' made the system call 'clone', "
        "which the sandbox profile 'strict' denies; it was killed\n"
        "HINT: if the hook needs it, write 'allow: [clone]' under 'sandbox' of this hook; "
        "'omslaunch hooks trace' shows all that a program needs");
    setenv("OMSLAUNCH_METADB_SANDBOX", "none", 1);
}

static void test_a_script_in_its_place(void **state)
{
    (void)state;
    char folder[] = "/tmp/omsl-hook.XXXXXX";
    static const char script[] = "#!/bin/sh\nexit 0\n";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = fs_join(folder, "program");
    AUTO_FD int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    assert_int_equal(fs_write_all(fd, script, strlen(script)), 0);
    struct err err = ERR_INIT;
    json_t *none = NULL;
    struct metadb db = database();
    const struct metadb_request request = {.command = "facts"};
    db.program = path;
    unsetenv("OMSLAUNCH_METADB_SANDBOX");
    assert_fails(metadb_call(&db, &request, &none, &err));
    setenv("OMSLAUNCH_METADB_SANDBOX", "none", 1);
    AUTO_FREE char *expected =
        mem_printf("'%s' is a script, and its sandbox starts no interpreter\n"
                   "HINT: install the omslaunch-metadb that came with this omslaunch; "
                   "OMSLAUNCH_METADB_SANDBOX=none in the environment does without the sandbox",
                   path);
    assert_err(&err, ERR_FAILED, expected);
    assert_int_equal(unlink(path) | rmdir(folder), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_no_run_no_parameters_no_password),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_garbage_is_passed_over),
        cmocka_unit_test(test_no_result),
        cmocka_unit_test(test_long_results),
        cmocka_unit_test(test_lost_result),
        cmocka_unit_test(test_words_on_stderr),
        cmocka_unit_test(test_much_output),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_prepared_and_given_up),
        cmocka_unit_test(test_prepared_in_vain),
        cmocka_unit_test(test_lock_is_held),
        cmocka_unit_test(test_lock_of_another),
        cmocka_unit_test(test_server_without_locks),
        cmocka_unit_test(test_lost_lock),
        cmocka_unit_test(test_wait_can_be_given_up),
        cmocka_unit_test(test_it_is_confined),
        cmocka_unit_test(test_a_script_in_its_place),
    };

    if (argc == 2) {
        int code = behave(argv[1]);
        /* At exit() a sanitizer would look for leaks, by calls that the sandbox denies. */
        (void)fflush(NULL);
        _exit(code);
    }
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len <= 0) {
        return 1;
    }
    /* What this program does as a MetaDB program is in part what the sandbox is there for. */
    setenv("OMSLAUNCH_METADB_SANDBOX", "none", 1);
    secret_set(&password, PASSWORD, strlen(PASSWORD));
    strv_add(&heartbeat, "cm_hb_331");
    strv_add(&heartbeat, "cm_hb_332");
    stop_catch_signals();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_free(&password);
    strv_free(&heartbeat);
    return failed;
}
