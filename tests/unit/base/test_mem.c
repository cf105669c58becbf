#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/mem.h"

static void test_copies(void **state)
{
    (void)state;
    AUTO_FREE char *whole = mem_strdup("abc");
    AUTO_FREE char *part = mem_strndup("abc", 2);
    AUTO_FREE char *more = mem_strndup("abc", 9);
    AUTO_FREE char *text = mem_printf("%s-%d", "x", 1);
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(more, "abc");
    assert_string_equal(text, "x-1");
}

static void test_alloc_is_zeroed(void **state)
{
    (void)state;
    AUTO_FREE char *p = mem_alloc(100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(p[i], 0);
    }
    AUTO_FREE char *nothing = mem_alloc(0);
    assert_non_null(nothing);
    p[0] = 'x';
    p = mem_grow(p, 1000, 2);
    assert_int_equal(p[0], 'x');
    p = mem_grow(p, 0, 2);
    assert_non_null(p);
}

static void test_take(void **state)
{
    (void)state;
    AUTO_FREE char *owner = mem_strdup("x");
    AUTO_FREE char *taken = TAKE(owner);
    assert_null(owner);
    assert_string_equal(taken, "x");
}

static void test_fd_is_closed(void **state)
{
    (void)state;
    int number;
    {
        AUTO_FD int fd = open("/dev/null", O_RDONLY);
        number = fd;
        assert_true(fcntl(number, F_GETFD) >= 0);
    }
    assert_int_equal(fcntl(number, F_GETFD), -1);
    AUTO_FD int none = -1;
    assert_int_equal(none, -1);
}

/* A sum that overflows must end the program, not give a small buffer. */
static void test_too_much_ends_the_program(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        void *volatile p = mem_grow(NULL, (size_t)-1 / 2, 4);
        _exit(p ? 1 : 2);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
#if !defined(__SANITIZE_ADDRESS__) /* which ends the program in its own way */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#endif
    assert_int_not_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_alloc_is_zeroed),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_fd_is_closed),
        cmocka_unit_test(test_too_much_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
