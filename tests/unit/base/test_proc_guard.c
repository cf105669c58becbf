/* Programs that somebody else wrote: by descriptor, with everything that they leave behind. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/proc.h"
#include "launcher/base/str.h"

struct heard {
    struct str text;
    size_t longest;
    int extra_fd;
    unsigned extras;
    enum proc_answer extra_answer;
};

static enum proc_answer hear(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct heard *h = arg;
    h->longest = len > h->longest ? len : h->longest;
    if (len < 200) {
        str_appendf(&h->text, "%d:%s\n", (int)stream, line);
    }
    return PROC_GO_ON;
}

static const char *const no_env[] = {"PATH=/usr/bin:/bin", NULL};

#define SHELL(script)                                                                 \
    {                                                                                 \
        .path = "/bin/sh", .argv = (const char *const[]){"sh", "-c", (script), NULL}, \
        .envp = no_env, .on_line = hear, .end_descendants = true                      \
    }

static struct proc_result run(struct proc_spec *spec, struct heard *heard)
{
    struct err err = ERR_INIT;
    struct proc_result result = {0};
    spec->arg = heard;
    assert_ok(proc_run(spec, &result, &err), &err);
    return result;
}

/* Its number stands in `text` after "1:". */
static bool lives(const char *text)
{
    pid_t pid = (pid_t)strtol(text + 2, NULL, 10);
    assert_true(pid > 1);
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static void test_guard_tells_how_it_ended(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    struct proc_spec spec = SHELL("echo out; echo err >&2; echo report >&3; exit 75");
    assert_int_equal(run(&spec, &heard).exit_code, 75);
    assert_non_null(strstr(str_get(&heard.text), "1:out\n"));
    assert_non_null(strstr(str_get(&heard.text), "2:err\n"));
    assert_non_null(strstr(str_get(&heard.text), "3:report\n"));
    str_free(&heard.text);
    struct proc_spec killed = SHELL("kill -SEGV $$");
    struct proc_result result = run(&killed, &heard);
    assert_int_equal(result.term_signal, SIGSEGV);
    assert_int_equal(result.exit_code, 128 + SIGSEGV);
}

static void test_cannot_start_through_a_guard(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct proc_result result;
    struct proc_spec spec = {.path = "/nowhere/x",
                             .argv = (const char *const[]){"x", NULL},
                             .envp = no_env,
                             .end_descendants = true};
    assert_fails(proc_run(&spec, &result, &err));
    assert_int_equal((int)err.kind, ERR_NOT_FOUND);
}

/* setsid leaves the group, the double fork leaves the parent, and the pipes are closed. */
static void test_daemon_ends_with_the_program(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    struct proc_spec spec =
        SHELL("setsid sh -c '(trap \"\" TERM HUP; echo $(exec sh -c \"echo \\$PPID\"); "
              "exec sleep 600 >/dev/null 2>&1 3>&-) &' ; sleep 0.3; exit 3");
    assert_int_equal(run(&spec, &heard).exit_code, 3);
    assert_false(lives(str_get(&heard.text)));
    str_free(&heard.text);
}

static void test_daemon_ends_at_the_deadline(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    struct proc_spec spec = SHELL("setsid sh -c 'trap \"\" TERM; echo $$; sleep 600; sleep 600' & "
                                  "trap 'exit 9' TERM; sleep 600 & wait");
    spec.timeout_ms = 500;
    struct proc_result result = run(&spec, &heard);
    assert_true(result.timed_out);
    assert_int_equal(result.exit_code, 9);
    assert_false(lives(str_get(&heard.text)));
    str_free(&heard.text);
}

/* A guard has nobody to tell when we are killed: the kernel tells it. */
static void test_all_end_with_us(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t us = fork();
    if (us == 0) {
        struct heard heard = {.text = STR_INIT};
        struct proc_spec spec = SHELL("setsid sh -c 'echo $$ >&3; sleep 600; sleep 600' & wait");
        struct proc_result result;
        struct err err = ERR_INIT;
        spec.on_line = NULL;
        spec.arg = &heard;
        char *text =
            mem_printf("setsid sh -c 'echo $$ >/proc/%d/fd/%d; sleep 600; sleep 600' & wait",
                       (int)getpid(), ends[1]);
        spec.argv = (const char *const[]){"sh", "-c", text, NULL};
        _exit(proc_run(&spec, &result, &err) == 0 ? 0 : 1);
    }
    close(ends[1]);
    char number[32] = "1:";
    assert_true(read(ends[0], number + 2, sizeof(number) - 3) > 0);
    close(ends[0]);
    assert_true(lives(number));
    assert_int_equal(kill(us, SIGKILL), 0);
    assert_int_equal(waitpid(us, NULL, 0), us);
    for (int i = 0; i < 500 && lives(number); i++) {
        clock_sleep_ms(10);
    }
    assert_false(lives(number));
}

static int write_program(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
    close(fd);
    return 0;
}

static void test_open_file_is_what_runs(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    write_program("./guard-first", "#!/bin/sh\necho first \"$0\" \"$1\"\n");
    write_program("./guard-second", "#!/bin/sh\necho second\n");
    int fd = open("./guard-first", O_RDONLY | O_CLOEXEC);
    assert_int_equal(rename("./guard-second", "./guard-first"), 0);
    struct proc_spec spec = SHELL("");
    spec.argv = (const char *const[]){"name", "argument", NULL};
    spec.program_fd = fd;
    spec.is_script = true;
    assert_int_equal(run(&spec, &heard).exit_code, 0);
    assert_string_equal(str_get(&heard.text), "1:first /dev/fd/4 argument\n");
    str_free(&heard.text);
    close(fd);
    unlink("./guard-first");
    fd = open("/bin/echo", O_RDONLY | O_CLOEXEC);
    spec.program_fd = fd;
    spec.is_script = false;
    assert_int_equal(run(&spec, &heard).exit_code, 0);
    assert_string_equal(str_get(&heard.text), "1:argument\n");
    str_free(&heard.text);
    close(fd);
}

static void test_long_report_comes_whole(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    struct proc_spec spec =
        SHELL("head -c 3000000 /dev/zero | tr '\\0' x >&3; echo >&3; echo b >&3");
    spec.report_line_max = 3000000;
    assert_int_equal(run(&spec, &heard).exit_code, 0);
    assert_int_equal(heard.longest, 3000000);
    assert_string_equal(str_get(&heard.text), "3:b\n");
    str_free(&heard.text);
}

static void test_too_long_a_report_ends_the_child(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT};
    struct proc_spec spec =
        SHELL("echo a >&3; head -c 100000001 /dev/zero | tr '\\0' x >&3; exit 0");
    spec.report_line_max = 100000;
    struct proc_result result = run(&spec, &heard);
    assert_true(result.report_too_long);
    assert_string_equal(str_get(&heard.text), "3:a\n");
    str_free(&heard.text);
}

static enum proc_answer hear_extra(void *arg)
{
    struct heard *h = arg;
    char byte;
    assert_int_equal(read(h->extra_fd, &byte, 1), 1);
    h->extras++;
    return h->extra_answer;
}

static void test_extra_descriptor_kills(void **state)
{
    (void)state;
    struct heard heard = {.text = STR_INIT, .extra_answer = PROC_KILL};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    heard.extra_fd = ends[0];
    assert_int_equal(write(ends[1], "x", 1), 1);
    struct proc_spec spec = SHELL("trap '' TERM; sleep 600; sleep 600");
    spec.extra_fd = &heard.extra_fd;
    spec.on_extra = hear_extra;
    struct proc_result result = run(&spec, &heard);
    assert_int_equal(result.term_signal, SIGKILL);
    assert_int_equal(heard.extras, 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    char folder[] = "/tmp/omslaunch-guard-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_tells_how_it_ended),
        cmocka_unit_test(test_cannot_start_through_a_guard),
        cmocka_unit_test(test_daemon_ends_with_the_program),
        cmocka_unit_test(test_daemon_ends_at_the_deadline),
        cmocka_unit_test(test_all_end_with_us),
        cmocka_unit_test(test_open_file_is_what_runs),
        cmocka_unit_test(test_long_report_comes_whole),
        cmocka_unit_test(test_too_long_a_report_ends_the_child),
        cmocka_unit_test(test_extra_descriptor_kills),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) != 0 && failed == 0 ? 1 : failed;
}
