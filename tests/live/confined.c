/* Runs a program as a hook would run: `confined PROFILE FOLDER PROGRAM [ARGUMENT...]`, where FOLDER
 * is what it may change. Descriptors and environment are the caller's. Says what it was denied. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks/sandbox.h"

static volatile sig_atomic_t child;

static void pass_on(int signal_number)
{
    (void)kill((pid_t)child, signal_number);
}

static int run(const struct sandbox *s, char **argv)
{
    int fd = open(argv[0], O_PATH | O_CLOEXEC);
    if (fd < 0 || (fd != 4 && dup2(fd, 4) < 0) || fcntl(4, F_SETFD, FD_CLOEXEC) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sandbox_enter(s) != 0) {
        perror(argv[0]);
        return 126;
    }
    (void)syscall(SYS_execveat, 4, "", argv, environ, AT_EMPTY_PATH);
    perror(argv[0]);
    return 127;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct sandbox_spec spec = {.profile = SANDBOX_STRICT};
    struct sandbox *s;
    if (argc < 4) {
        return 64;
    }
    spec.profile = (enum sandbox_profile)sandbox_profile_from_name(argv[1]);
    strv_add(&spec.write, argv[2]);
    if (sandbox_new(&spec, &s, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(run(s, argv + 3));
    }
    child = pid;
    (void)signal(SIGTERM, pass_on);
    (void)signal(SIGINT, pass_on);
    /* What the program ends, or writes to, must not be held open here. */
    (void)close(0);
    (void)close(1);
    (void)close(3);
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd event = {.fd = *sandbox_fd(s), .events = POLLIN};
        if (poll(&event, 1, 10) > 0 && sandbox_listen(s) == PROC_KILL) {
            (void)fprintf(stderr, "confined: denied: %s\n", sandbox_denied(s)->items[0]);
            (void)kill(pid, SIGKILL);
        }
    }
    sandbox_free(s);
    sandbox_spec_free(&spec);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
