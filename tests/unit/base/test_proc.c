#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/proc.h"
#include "launcher/base/stop.h"
#include "launcher/base/str.h"

/* Everything that a child said, as "1:line\n2:line\n". */
struct heard {
    struct str text;
    size_t lines;
    size_t bytes;
    size_t longest;
    size_t stop_after; /* 0: never */
    bool count_only;
};

static enum proc_answer hear(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct heard *h = arg;
    assert_int_equal(line[len], '\0');
    h->lines++;
    h->bytes += len;
    h->longest = len > h->longest ? len : h->longest;
    if (!h->count_only) {
        str_appendf(&h->text, "%d:", (int)stream);
        str_append_n(&h->text, line, len);
        str_append_c(&h->text, '\n');
    }
    if (str_eq(line, "prepared")) {
        return PROC_PAUSE;
    }
    return h->stop_after && h->lines >= h->stop_after ? PROC_END : PROC_GO_ON;
}

static void heard_free(struct heard *h)
{
    str_free(&h->text);
}
#define AUTO_HEARD CLEANUP(heard_free)

static const char *const no_env[] = {NULL};

#define SHELL(script)                                                                 \
    {                                                                                 \
        .path = "/bin/sh", .argv = (const char *const[]){"sh", "-c", (script), NULL}, \
        .envp = no_env, .on_line = hear                                               \
    }

static struct proc_result run(struct proc_spec *spec, struct heard *heard)
{
    struct err err = ERR_INIT;
    struct proc_result result = {0};
    spec->arg = heard;
    assert_ok(proc_run(spec, &result, &err), &err);
    return result;
}

static void test_streams_and_exit_code(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec =
        SHELL("echo out; sleep 0.1; echo err >&2; sleep 0.1; echo report >&3; sleep 0.1; "
              "printf end; exit 75");
    struct proc_result result = run(&spec, &heard);
    assert_string_equal(str_get(&heard.text), "1:out\n2:err\n3:report\n1:end\n");
    assert_int_equal(result.exit_code, 75);
    assert_int_equal(result.term_signal, 0);
    assert_false(result.timed_out);
    assert_false(result.stopped);
}

static void test_killed_by_signal(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("kill -SEGV $$");
    struct proc_result result = run(&spec, &heard);
    assert_int_equal(result.exit_code, 128 + SIGSEGV);
    assert_int_equal(result.term_signal, SIGSEGV);
}

static void fail_to_start(const char *path, enum err_kind kind, const char *text)
{
    struct err err = ERR_INIT;
    struct proc_result result = {.exit_code = 42};
    const struct proc_spec spec = {
        .path = path, .argv = (const char *const[]){"x", NULL}, .envp = no_env};
    assert_fails(proc_run(&spec, &result, &err));
    assert_err(&err, kind, text);
    assert_int_equal(result.exit_code, 42);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_cannot_start(void **state)
{
    (void)state;
    fail_to_start("/nonexistent/prog", ERR_NOT_FOUND,
                  "cannot start '/nonexistent/prog': No such file or directory\n"
                  "HINT: install it, or correct its path; for a script, see that the program in "
                  "its first line exists");
    fail_to_start("/etc/passwd/x", ERR_NOT_FOUND,
                  "cannot start '/etc/passwd/x': Not a directory\n"
                  "HINT: install it, or correct its path; for a script, see that the program in "
                  "its first line exists");
    fail_to_start("sh", ERR_FAILED,
                  "cannot start 'sh': it is no absolute path\n"
                  "HINT: programs are not searched for: give the path from / on");
    char folder[] = "/tmp/test_proc.XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = fs_join(folder, "prog");
    AUTO_FREE char *denied = mem_printf(
        "cannot start '%s': Permission denied\nHINT: it must be a file that user id %u may "
        "execute (chmod +x), on a file system not mounted noexec",
        path, (unsigned)geteuid());
    write_file(path, "#!/bin/sh\n", 0600);
    fail_to_start(path, ERR_PERMISSION, denied);
    AUTO_FREE char *format = mem_printf("cannot start '%s': Exec format error\n"
                                        "HINT: a script needs a first line such as #!/bin/sh",
                                        path);
    write_file(path, "no interpreter\n", 0700);
    fail_to_start(path, ERR_FAILED, format);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static int setup_fails(void *arg)
{
    (void)arg;
    errno = EPERM;
    return -1;
}

static void test_setup_fails(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct proc_result result;
    struct proc_spec spec = SHELL("echo never");
    spec.child_setup = setup_fails;
    assert_fails(proc_run(&spec, &result, &err));
    assert_err(&err, ERR_FAILED,
               "cannot prepare the start of '/bin/sh': Operation not permitted\n"
               "HINT: its limits or its sandbox could not be set up: run as root, or relax them");
}

static int setup_limits(void *arg)
{
    (void)arg;
    const struct rlimit limit = {.rlim_cur = 77, .rlim_max = 77};
    return setrlimit(RLIMIT_CPU, &limit);
}

static void test_setup_runs_in_the_child(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("ulimit -t");
    spec.child_setup = setup_limits;
    run(&spec, &heard);
    assert_string_equal(str_get(&heard.text), "1:77\n");
    struct rlimit ours;
    assert_int_equal(getrlimit(RLIMIT_CPU, &ours), 0);
    assert_true(ours.rlim_cur > 77);
}

static void test_nothing_is_inherited(void **state)
{
    (void)state;
    /* Not CLOEXEC, as a careless library would leave it. */
    AUTO_FD int leak = open("/dev/null", O_RDONLY);
    AUTO_FD int high = fcntl(leak, F_DUPFD, 200);
    assert_true(leak >= 0 && high >= 200);
    mode_t old_umask = umask(022);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t usr2;
    sigset_t old_mask;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, &old_mask);
    setenv("TEST_SECRET", "leaked", 1);

    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("cd /proc/self/fd; echo *; umask; "
                                  "grep -E '^Sig(Blk|Ign)' /proc/self/status; env");
    spec.envp = (const char *const[]){"ONLY=this", "PATH=/usr/bin:/bin", NULL};
    run(&spec, &heard);

    unsetenv("TEST_SECRET");
    pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    umask(old_umask);
    /* The shell's own glob holds the folder open while it reads it. */
    const char *rest = strchr(str_get(&heard.text), '\n');
    assert_true(str_starts_with(str_get(&heard.text), "1:0 1 2 3\n") ||
                str_starts_with(str_get(&heard.text), "1:0 1 2 3 4\n"));
    assert_non_null(strstr(rest, "\n1:0077\n1:SigBlk:\t0000000000000000\n"
                                 "1:SigIgn:\t0000000000000000\n"));
    assert_non_null(strstr(rest, "1:ONLY=this\n"));
    assert_null(strstr(rest, "TEST_SECRET"));
}

static void test_input(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("cat");
    spec.input = "one\ntwo";
    spec.input_len = 7;
    run(&spec, &heard);
    assert_string_equal(str_get(&heard.text), "1:one\n1:two\n");
}

static void test_no_input_is_an_end(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("cat; echo done");
    run(&spec, &heard);
    assert_string_equal(str_get(&heard.text), "1:done\n");
}

static void test_large_input_and_output_do_not_lock(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    AUTO_FREE char *input = mem_alloc(SIZE);
    memset(input, 'x', SIZE);
    for (size_t i = 99; i < SIZE; i += 100) {
        input[i] = '\n';
    }
    AUTO_HEARD struct heard heard = {.count_only = true};
    /* Writes to two streams while it reads. */
    struct proc_spec spec = SHELL("tee /dev/stderr");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.input = input;
    spec.input_len = SIZE;
    struct proc_result result = run(&spec, &heard);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(heard.bytes + heard.lines, 2 * SIZE + 2);
}

static void test_unread_input_is_no_failure(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    AUTO_FREE char *input = mem_alloc(SIZE);
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("exec <&-; sleep 0.2; echo fine");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.input = input;
    spec.input_len = SIZE;
    signal(SIGPIPE, SIG_DFL); /* would kill us */
    struct proc_result result = run(&spec, &heard);
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(str_get(&heard.text), "1:fine\n");
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGPIPE), 0);
    sigpending(&now);
    assert_int_equal(sigismember(&now, SIGPIPE), 0);
}

static void test_long_lines_come_in_pieces(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {.count_only = true};
    struct proc_spec spec =
        SHELL("head -c 200000 /dev/zero | tr '\\0' x; echo; head -c 65536 /dev/zero; echo");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    run(&spec, &heard);
    assert_int_equal(heard.lines, 5); /* 65536 * 3 + 3392, and one that just fits */
    assert_int_equal(heard.bytes, 265536);
    assert_int_equal(heard.longest, 65536);
}

static void test_empty_lines_are_lines(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("printf 'a\\n\\n\\nb\\r\\n'");
    run(&spec, &heard);
    assert_string_equal(str_get(&heard.text), "1:a\n1:\n1:\n1:b\r\n");
}

static void test_no_listener(void **state)
{
    (void)state;
    struct proc_spec spec = SHELL("head -c 1000000 /dev/zero; exit 3");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.on_line = NULL;
    assert_int_equal(run(&spec, NULL).exit_code, 3);
}

/* Dead, or a zombie whose new parent is in no hurry. */
static bool is_gone(pid_t pid)
{
    assert_true(pid > 1);
    AUTO_FREE char *path = mem_printf("/proc/%d/stat", (int)pid);
    for (int i = 0; i < 300; i++) {
        struct err err = ERR_INIT;
        AUTO_STR struct str text = STR_INIT;
        if (fs_read(path, 4096, false, &text, &err) < 0 || strstr(str_get(&text), ") Z ")) {
            return true;
        }
        usleep(10000);
    }
    return false;
}

static void test_timeout_ends_the_group(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("sleep 100 & echo $!; wait");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.timeout_ms = 300;
    uint64_t start = clock_mono_ms();
    struct proc_result result = run(&spec, &heard);
    uint64_t took = clock_mono_ms() - start;
    assert_true(result.timed_out);
    assert_false(result.stopped);
    assert_int_equal(result.term_signal, SIGTERM);
    assert_int_equal(result.exit_code, 143);
    assert_in_range(took, 300, 3000);
    pid_t grandchild = (pid_t)atoi(str_get(&heard.text) + 2);
    assert_true(is_gone(grandchild));
}

static void test_term_that_is_ignored_becomes_kill(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.timeout_ms = 300;
    uint64_t start = clock_mono_ms();
    struct proc_result result = run(&spec, &heard);
    uint64_t took = clock_mono_ms() - start;
    assert_true(result.timed_out);
    assert_int_equal(result.term_signal, SIGKILL);
    assert_int_equal(result.exit_code, 137);
    assert_in_range(took, 5300, 8000);
    assert_string_equal(str_get(&heard.text), "1:ready\n");
}

static void test_last_words_after_term_are_heard(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("exec 2>&-; trap 'echo bye; exit 0' TERM; echo ready; "
                                  "while :; do sleep 0.05; done");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.timeout_ms = 300;
    struct proc_result result = run(&spec, &heard);
    assert_true(result.timed_out);
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(str_get(&heard.text), "1:ready\n1:bye\n");
}

static void test_grandchild_cannot_hold_us(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    /* setsid takes it out of the group, so that nobody kills it; it keeps all pipes. */
    struct proc_spec spec = SHELL("setsid sh -c 'sleep 3' & printf 'last words'; exit 4");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    uint64_t start = clock_mono_ms();
    struct proc_result result = run(&spec, &heard);
    assert_in_range(clock_mono_ms() - start, 0, 2000);
    assert_int_equal(result.exit_code, 4);
    assert_string_equal(str_get(&heard.text), "1:last words\n");
}

static void test_grandchild_that_floods_cannot_hold_us(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {.count_only = true};
    struct proc_spec spec = SHELL("setsid yes & sleep 0.2; exit 5");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    uint64_t start = clock_mono_ms();
    struct proc_result result = run(&spec, &heard);
    assert_in_range(clock_mono_ms() - start, 0, 3000);
    assert_int_equal(result.exit_code, 5);
    assert_true(heard.lines > 0);
}

static void test_leftovers_of_the_group_are_killed(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("(trap '' TERM HUP; exec sleep 100) & echo $!");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    assert_int_equal(run(&spec, &heard).exit_code, 0);
    pid_t grandchild = (pid_t)atoi(str_get(&heard.text) + 2);
    assert_true(is_gone(grandchild));
}

static void test_listener_ends_the_child(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {.stop_after = 2};
    struct proc_spec spec = SHELL("while :; do echo x; done");
    struct proc_result result = run(&spec, &heard);
    assert_int_equal(heard.lines, 2);
    assert_int_equal(result.exit_code, 128 + SIGTERM);
    assert_false(result.timed_out);
    assert_false(result.stopped);
}

static void test_flood_does_not_hide_the_deadline(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {.count_only = true};
    struct proc_spec spec = SHELL("exec yes");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.timeout_ms = 300;
    struct proc_result result = run(&spec, &heard);
    assert_true(result.timed_out);
    assert_int_equal(result.term_signal, SIGTERM);
}

static void test_closed_pipes_do_not_end_the_wait(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("exec >&- 2>&- 3>&-; sleep 0.3; exit 6");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    assert_int_equal(run(&spec, &heard).exit_code, 6);
}

static void test_ignored_sigchld_does_not_matter(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("exit 7");
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(run(&spec, &heard).exit_code, 7);
}

static void test_own_descriptors_may_be_closed(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        /* Started by something that closed 0, 1 and 2: our pipes would get these numbers. */
        close(0);
        close(1);
        close(2);
        struct heard heard = {0};
        struct err err = ERR_INIT;
        struct proc_result result = {0};
        struct proc_spec spec = SHELL("read x; echo $x; echo e >&2; echo r >&3");
        spec.input = "in\n";
        spec.input_len = 3;
        spec.arg = &heard;
        int ok = proc_run(&spec, &result, &err) == 0 && heard.lines == 3 && result.exit_code == 0;
        _exit(ok ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* The child writes its pid into a file, since we are not there to hear it. */
static void test_child_dies_with_us(void **state)
{
    (void)state;
    char path[] = "/tmp/test_proc.XXXXXX";
    AUTO_FD int fd = mkstemp(path);
    assert_true(fd >= 0);
    AUTO_FREE char *script = mem_printf("echo $$ > %s; exec sleep 100", path);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct proc_result result;
        struct proc_spec spec = SHELL(script);
        spec.on_line = NULL;
        spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
        _exit(proc_run(&spec, &result, &err) == 0 ? 1 : 2);
    }
    char text[32] = "";
    for (int i = 0; i < 500 && !strchr(text, '\n'); i++) {
        usleep(10000);
        assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(is_gone((pid_t)atoi(text)));
    assert_int_equal(unlink(path), 0);
}

static void *run_many(void *arg)
{
    size_t *bad = arg;
    for (int i = 0; i < 20; i++) {
        struct heard heard = {0};
        struct err err = ERR_INIT;
        struct proc_result result = {0};
        struct proc_spec spec = SHELL("cat; echo done >&3; exit 9");
        spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
        spec.input = "hello\n";
        spec.input_len = 6;
        spec.arg = &heard;
        spec.timeout_ms = 30000;
        int got = proc_run(&spec, &result, &err);
        bool right = got == 0 && result.exit_code == 9 && heard.lines == 2;
        *bad += right ? 0 : 1;
        heard_free(&heard);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    size_t bad[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &bad[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(bad[i], 0);
    }
}

static size_t count_fds(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void test_nothing_is_left_open(void **state)
{
    (void)state;
    size_t before = count_fds();
    struct err err = ERR_INIT;
    struct proc_result result;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("echo x");
    run(&spec, &heard);
    spec.path = "/nonexistent";
    assert_fails(proc_run(&spec, &result, &err));
    assert_int_equal(count_fds(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_no_descriptors_left(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    for (rlim_t room = 3; room < 24; room++) {
        size_t before = count_fds();
        const struct rlimit few = {.rlim_cur = room, .rlim_max = old.rlim_max};
        struct err err = ERR_INIT;
        struct proc_result result;
        struct proc_spec spec = SHELL("exit 0");
        spec.on_line = NULL;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int got = proc_run(&spec, &result, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (got < 0) {
            assert_int_equal((int)err.kind, ERR_FAILED);
            assert_non_null(strstr(err_whole(&err), "\nHINT: "));
        }
        assert_int_equal(count_fds(), before);
    }
}

/* Last: there is no way to take a stop request back. */
static void test_stop_request_ends_the_child(void **state)
{
    (void)state;
    stop_catch_signals();
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("kill -INT $PPID; sleep 100");
    spec.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    spec.stop_on_signal = true;
    uint64_t start = clock_mono_ms();
    struct proc_result result = run(&spec, &heard);
    assert_in_range(clock_mono_ms() - start, 0, 3000);
    assert_true(result.stopped);
    assert_false(result.timed_out);
    assert_int_equal(result.term_signal, SIGTERM);
    assert_int_equal(stop_signal(), SIGINT);
    assert_int_equal(stop_count(), 1);
    /* Who does not mind stop requests is left alone, also after one. */
    struct proc_spec calm = SHELL("sleep 0.2; exit 8");
    calm.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL};
    result = run(&calm, &heard);
    assert_false(result.stopped);
    assert_int_equal(result.exit_code, 8);
}

/* ---- in parts ---- */

#define WAITING                                                                                \
    SHELL("read -r first; echo \"got $first\"; echo prepared >&3; if read -r word; then echo " \
          "\"word $word\"; else echo none; fi; exit 4")

static struct proc *begin_waiting(struct proc_spec *spec, struct heard *heard)
{
    struct err err = ERR_INIT;
    struct proc *p = NULL;
    struct proc_result result = {0};

    spec->arg = heard;
    spec->input = "one\n";
    spec->input_len = 4;
    spec->keep_input = true;
    assert_ok(proc_begin(spec, &p, &result, &err), &err);
    assert_true(result.paused);
    assert_true(proc_lives(p));
    return p;
}

static void test_a_paused_child_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *word, *said;
    } cases[] = {{"go\n", "word go"}, {"", "none"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_HEARD struct heard heard = {0};
        struct proc_spec spec = WAITING;
        struct err err = ERR_INIT;
        struct proc_result result = {0};
        struct proc *p = begin_waiting(&spec, &heard);
        AUTO_FREE char *expected = mem_printf("1:got one\n3:prepared\n1:%s\n", cases[i].said);

        assert_ok(proc_go_on(p, cases[i].word, 10000, &result, &err), &err);
        assert_string_equal(str_get(&heard.text), expected);
        assert_int_equal(result.exit_code, 4);
        assert_false(result.paused);
        assert_false(proc_lives(p));
        proc_free(p);
    }
}

static void test_a_paused_child_is_lost(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    AUTO_HEARD struct heard ended = {0};
    struct proc_spec spec = WAITING;
    struct proc_spec dies =
        SHELL("read -r first; echo prepared >&3; exec 3>&-; read -r word; kill -9 $$");
    struct err err = ERR_INIT;
    struct proc_result result = {0};

    /* Freed while it waits: killed, and its descriptors are closed. */
    proc_free(begin_waiting(&spec, &heard));
    proc_free(NULL);
    assert_string_equal(str_get(&heard.text), "1:got one\n3:prepared\n");
    struct proc *p = begin_waiting(&dies, &ended);
    assert_ok(proc_go_on(p, "go\n", 10000, &result, &err), &err);
    assert_int_equal(result.term_signal, SIGKILL);
    proc_free(p);
}

static void test_a_child_that_does_not_pause(void **state)
{
    (void)state;
    AUTO_HEARD struct heard heard = {0};
    struct proc_spec spec = SHELL("exit 3");
    struct err err = ERR_INIT;
    struct proc_result result = {0};
    struct proc *p = NULL;

    spec.arg = &heard;
    spec.keep_input = true;
    assert_ok(proc_begin(&spec, &p, &result, &err), &err);
    assert_false(result.paused);
    assert_int_equal(result.exit_code, 3);
    proc_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_and_exit_code),
        cmocka_unit_test(test_killed_by_signal),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_setup_fails),
        cmocka_unit_test(test_setup_runs_in_the_child),
        cmocka_unit_test(test_nothing_is_inherited),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_no_input_is_an_end),
        cmocka_unit_test(test_large_input_and_output_do_not_lock),
        cmocka_unit_test(test_unread_input_is_no_failure),
        cmocka_unit_test(test_long_lines_come_in_pieces),
        cmocka_unit_test(test_empty_lines_are_lines),
        cmocka_unit_test(test_no_listener),
        cmocka_unit_test(test_timeout_ends_the_group),
        cmocka_unit_test(test_term_that_is_ignored_becomes_kill),
        cmocka_unit_test(test_last_words_after_term_are_heard),
        cmocka_unit_test(test_grandchild_cannot_hold_us),
        cmocka_unit_test(test_grandchild_that_floods_cannot_hold_us),
        cmocka_unit_test(test_leftovers_of_the_group_are_killed),
        cmocka_unit_test(test_listener_ends_the_child),
        cmocka_unit_test(test_flood_does_not_hide_the_deadline),
        cmocka_unit_test(test_closed_pipes_do_not_end_the_wait),
        cmocka_unit_test(test_ignored_sigchld_does_not_matter),
        cmocka_unit_test(test_own_descriptors_may_be_closed),
        cmocka_unit_test(test_child_dies_with_us),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_nothing_is_left_open),
        cmocka_unit_test(test_no_descriptors_left),
        cmocka_unit_test(test_stop_request_ends_the_child),
        cmocka_unit_test(test_a_paused_child_goes_on),
        cmocka_unit_test(test_a_paused_child_is_lost),
        cmocka_unit_test(test_a_child_that_does_not_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
