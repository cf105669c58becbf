#include "launcher/base/proc_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/proc_guard.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* Where the file that is executed stands in the child: /dev/fd/4 for a script. */
#define PROGRAM_FD PROC_PIPES

/* What the child says on the error pipe when it could not become the program. */
struct complaint {
    int setup; /* not exec, but child_setup failed */
    int why;   /* errno */
};

/* Everything that the child needs, made before fork(): there it may not allocate. */
struct plan {
    const struct proc_spec *spec;
    char *const *argv;
    char *const *envp;
    int ends[PROC_PIPES]; /* the child's: become descriptors 0 to 3 */
    int complain;
    pid_t parent;
};

/* execve() promises not to change the strings; its prototype is older than const. */
static char *const *drop_const(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } u = {.in = list};
    return u.out;
}

/* ---- in the child: async-signal-safe calls only ---- */

static void reset_signals(void)
{
    /* By the kernel's own call: libc's refuses the two signals that it uses itself, and some
     * programs start us with these ignored. All zero is SIG_DFL without flags, in any layout of the
     * struct. */
    static const unsigned long plain[16];
    for (int i = 1; i < NSIG; i++) {
        (void)syscall(SYS_rt_sigaction, i, plain, NULL, NSIG / 8);
    }
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Marked and not closed, because the error pipe must live until exec. */
static void mark_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        return;
    }
#endif
    /* Kernels before 5.11. */
    struct rlimit limit;
    rlim_t end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
    end = end > 1048576 ? 1048576 : end;
    for (unsigned fd = first; fd < end; fd++) {
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
}

static void __attribute__((noreturn)) complain(int fd, int setup)
{
    const struct complaint c = {.setup = setup, .why = errno};
    if (write(fd, &c, sizeof(c)) < 0) {
        _exit(126);
    }
    _exit(127);
}

/* The file that was looked at is the file that runs, whatever its path means by now. */
static void execute(const struct plan *plan)
{
    const struct proc_spec *spec = plan->spec;
    if (spec->program_fd <= 0) {
        (void)execve(spec->path, plan->argv, plan->envp);
        return;
    }
    if (spec->is_script && fcntl(PROGRAM_FD, F_SETFD, 0) < 0) {
        return;
    }
    (void)syscall(SYS_execveat, PROGRAM_FD, "", plan->argv, plan->envp, AT_EMPTY_PATH);
}

static void __attribute__((noreturn)) become_program(const struct plan *plan)
{
    (void)setpgid(0, 0);
    /* The parent may have died between fork() and prctl(); then nobody would kill us. */
    (void)prctl(PR_SET_PDEATHSIG, plan->spec->end_descendants ? PROC_GUARD_KILL : SIGKILL);
    if (getppid() != plan->parent) {
        _exit(127);
    }
    if (plan->spec->end_descendants && proc_guard_fork() < 0) {
        complain(plan->complain, 1);
    }
    reset_signals();
    umask(077);
    /* First: it may stand where a pipe goes. The pipes' ends stand higher than any of these. */
    if (plan->spec->program_fd > 0 && dup2(plan->spec->program_fd, PROGRAM_FD) < 0) {
        complain(plan->complain, 1);
    }
    for (int i = 0; i < PROC_PIPES; i++) {
        if (dup2(plan->ends[i], i) < 0) {
            complain(plan->complain, 1);
        }
    }
    mark_from(PROC_PIPES);
    if (plan->spec->child_setup && plan->spec->child_setup(plan->spec->arg) != 0) {
        complain(plan->complain, 1);
    }
    execute(plan);
    complain(plan->complain, 0);
}

/* ---- in the parent ---- */

/* A pipe whose ends never are 0 to 3, so that dup2() in the child cannot run over them. */
static int make_pipe(int ends[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) < 0) {
        return -1;
    }
    int result = 0;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
        result = ends[i] < 0 ? -1 : result;
    }
    int why = errno;
    close(low[0]);
    close(low[1]);
    errno = why;
    return result;
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        fd_close_ptr(&fds[i]);
    }
}

/* Five pipes: stdin, stdout, stderr, report and the error pipe. `ours` and `theirs` were -1. */
static int make_pipes(int ours[PROC_PIPES + 1], int theirs[PROC_PIPES + 1])
{
    for (int i = 0; i <= PROC_PIPES; i++) {
        int ends[2] = {-1, -1};
        int made = make_pipe(ends);
        ours[i] = ends[i != 0 ? 0 : 1];
        theirs[i] = ends[i != 0 ? 1 : 0];
        if (made < 0) {
            return -1;
        }
        /* The error pipe stays blocking: the parent waits there for exec. */
        if (i < PROC_PIPES && fcntl(ours[i], F_SETFL, O_NONBLOCK) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fail_start(const struct proc_spec *spec, const struct complaint *c, struct err *err)
{
    const char *why = strerror(c->why);
    if (c->setup) {
        err_fail(err, ERR_FAILED, "cannot prepare the start of '%s': %s", spec->path, why);
        return err_hint(err, "its limits or its sandbox could not be set up: run as root, or relax "
                             "them");
    }
    switch (c->why) {
    case ENOENT:
    case ENOTDIR:
        err_fail(err, ERR_NOT_FOUND, "cannot start '%s': %s", spec->path, why);
        return err_hint(err,
                        "install it, or correct its path; for a script, see that the program in "
                        "its first line exists");
    case EACCES:
    case EPERM:
        err_fail(err, ERR_PERMISSION, "cannot start '%s': %s", spec->path, why);
        return err_hint(err,
                        "it must be a file that user id %u may execute (chmod +x), on a file "
                        "system not mounted noexec",
                        (unsigned)geteuid());
    case ENOEXEC:
        err_fail(err, ERR_FAILED, "cannot start '%s': %s", spec->path, why);
        return err_hint(err, "a script needs a first line such as #!/bin/sh");
    default:
        err_fail(err, ERR_FAILED, "cannot start '%s': %s", spec->path, why);
        return err_hint(err, "run it by hand to see more");
    }
}

/* 0 when the error pipe closed without a word, which is what exec does to it. */
static int wait_for_exec(int fd, struct complaint *ret)
{
    struct complaint c = {0};
    ssize_t n;
    do {
        n = read(fd, &c, sizeof(c));
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof(c)) {
        *ret = c;
        return -1;
    }
    return 0;
}

static pid_t fork_quietly(const struct plan *plan)
{
    /* No handler of ours may run in the child before its signals are reset. */
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0) {
        become_program(plan);
    }
    int why = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return pid;
}

void proc_kill(const struct proc_child *child)
{
    if (child->is_guard) {
        (void)kill(child->pid, PROC_GUARD_KILL);
    } else {
        (void)kill(-child->pid, SIGKILL);
    }
}

int proc_spawn(const struct proc_spec *spec, struct proc_child *ret, struct err *err)
{
    int ours[PROC_PIPES + 1] = {-1, -1, -1, -1, -1};
    int theirs[PROC_PIPES + 1] = {-1, -1, -1, -1, -1};
    struct plan plan = {
        .spec = spec,
        .argv = drop_const(spec->argv),
        .envp = drop_const(spec->envp),
        .parent = getpid(),
    };
    pid_t pid = -1;
    if (make_pipes(ours, theirs) == 0) {
        memcpy(plan.ends, theirs, sizeof(plan.ends));
        plan.complain = theirs[PROC_PIPES];
        pid = fork_quietly(&plan);
    }
    struct complaint c = {.why = errno};
    close_all(theirs, PROC_PIPES + 1);
    if (pid < 0) {
        close_all(ours, PROC_PIPES + 1);
        err_fail(err, ERR_FAILED, "cannot start '%s': %s", spec->path, strerror(c.why));
        return err_hint(err, "raise the limits of open files and processes (ulimit -n, ulimit -u)");
    }
    /* Also here: a kill of the group must work before the child gets to run. */
    (void)setpgid(pid, pid);
    int started = wait_for_exec(ours[PROC_PIPES], &c);
    close(ours[PROC_PIPES]);
    if (started < 0) {
        close_all(ours, PROC_PIPES);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return fail_start(spec, &c, err);
    }
    ret->pid = pid;
    ret->is_guard = spec->end_descendants;
    memcpy(ret->pipes, ours, sizeof(ret->pipes));
    return 0;
}
