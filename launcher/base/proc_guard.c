#include "launcher/base/proc_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A descendant that outlives this many rounds is stuck in the kernel. */
#define KILL_ROUNDS 200
#define ROUND_NS 20000000L

/* It holds nothing open: the pipes end when the program's side does. */
static void close_all(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 0, ~0U, 0) == 0) {
        return;
    }
#endif
    for (int fd = 0; fd < 1024; fd++) {
        (void)close(fd);
    }
}

static void kill_children(void)
{
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    char bytes[512];
    ssize_t n;
    pid_t pid = 0;
    while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                pid = pid * 10 + (bytes[i] - '0');
                continue;
            }
            /* 0 and 1 would be our own group, or everybody. */
            if (pid > 1) {
                (void)kill(pid, SIGKILL);
            }
            pid = 0;
        }
    }
    (void)close(fd);
}

static void end_descendants(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const struct timespec round = {.tv_nsec = ROUND_NS};
    for (int i = 0; i < KILL_ROUNDS; i++) {
        pid_t ended;
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {
        }
        if (ended < 0 && errno == ECHILD) {
            return;
        }
        kill_children();
        (void)sigtimedwait(&child, NULL, &round);
    }
}

static void __attribute__((noreturn)) end_like(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED) {
        _exit(info->si_status);
    }
    /* SIGKILL and the like need no default handler, and refuse one. */
    (void)signal(info->si_status, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)kill(getpid(), info->si_status);
    _exit(128 + info->si_status);
}

/* Has the program ended? Reaps what else did. */
static bool look(pid_t program, siginfo_t *ret)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
            return false;
        }
        if (info.si_pid == program) {
            *ret = info;
            return true;
        }
    }
}

static void __attribute__((noreturn)) guard(pid_t program)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, PROC_GUARD_KILL);
    close_all();
    siginfo_t ended;
    while (!look(program, &ended)) {
        siginfo_t info = {0};
        if (sigwaitinfo(&wanted, &info) == SIGTERM) {
            (void)kill(-program, SIGTERM);
        } else if (info.si_signo == PROC_GUARD_KILL) {
            (void)kill(-program, SIGKILL);
        }
    }
    end_descendants();
    end_like(&ended);
}

int proc_guard_fork(void)
{
    pid_t before = getpid();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, PROC_GUARD_KILL) < 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid > 0) {
        guard(pid);
    }
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != before) {
            _exit(127);
        }
    }
    return pid;
}
