#include "launcher/base/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/proc_spawn.h"
#include "launcher/base/stop.h"
#include "launcher/base/str.h"

#define LINE_MAX_BYTES 65536
#define READ_CHUNK 16384
#define KILL_AFTER_MS 5000
#define GIVE_UP_AFTER_MS 10000 /* after KILL: only a process stuck in the kernel lives on */
#define TICK_MS 20             /* where the kernel has no pidfd */

enum phase { RUNNING, TERMINATED, KILLED };

struct proc {
    const struct proc_spec *spec;
    struct proc_child child;
    struct str lines[PROC_PIPES]; /* [0] unused */
    size_t searched[PROC_PIPES];  /* no newline in that much of it */
    const char *input;            /* borrowed */
    size_t input_len, input_done;
    bool keep_input; /* more may come */
    int pidfd;       /* -1: look every tick */
    enum phase phase;
    uint64_t deadline_ms; /* of the child's own time */
    uint64_t escalate_ms; /* when the next phase begins; 0 while RUNNING */
    bool exited;
    bool muted;    /* on_line wants no more */
    bool finished; /* reaped */
    struct proc_result result;
};

static void close_pipe(struct proc *w, int i)
{
    if (w->child.pipes[i] >= 0) {
        close(w->child.pipes[i]);
        w->child.pipes[i] = -1;
    }
}

/* The child is never reaped before the end of proc_run(), so its group cannot be somebody else's.
 */
static void signal_group(const struct proc *w, int signal_number)
{
    (void)kill(-w->child.pid, signal_number);
}

static void begin_end(struct proc *w)
{
    if (w->phase == RUNNING && !w->exited) {
        w->phase = TERMINATED;
        w->escalate_ms = clock_deadline(KILL_AFTER_MS);
        signal_group(w, SIGTERM);
    }
}

static void begin_kill(struct proc *w)
{
    if (w->phase != KILLED && !w->exited) {
        w->phase = KILLED;
        w->escalate_ms = clock_deadline(GIVE_UP_AFTER_MS);
        proc_kill(&w->child);
    }
}

/* ---- output ---- */

static void obey(struct proc *w, enum proc_answer answer)
{
    w->result.paused = w->result.paused || answer == PROC_PAUSE;
    if (answer == PROC_END || answer == PROC_KILL) {
        w->muted = true;
        (answer == PROC_END ? begin_end : begin_kill)(w);
    }
}

static void give_line(struct proc *w, int i, char *line, size_t len)
{
    enum proc_answer answer = PROC_GO_ON;
    if (w->spec->on_line && !w->muted) {
        answer = w->spec->on_line(w->spec->arg, (enum proc_stream)i, line, len);
    }
    obey(w, answer);
}

/* A line beyond the limit of reports: nothing that comes after it can be trusted to be a line. */
static bool refuse_long_report(struct proc *w, int i)
{
    if (i != PROC_REPORT || w->spec->report_line_max == 0) {
        return false;
    }
    w->result.report_too_long = true;
    obey(w, PROC_END);
    str_reset(&w->lines[i]);
    return true;
}

/* Gives away whole lines and pieces of the longest size; `at_end` also what is left. */
static void give_lines(struct proc *w, int i, bool at_end)
{
    struct str *s = &w->lines[i];
    bool whole = i == PROC_REPORT && w->spec->report_line_max != 0;
    size_t max = whole ? w->spec->report_line_max : LINE_MAX_BYTES;
    size_t start = 0;
    size_t searched = w->searched[i];
    w->searched[i] = 0;
    while (start < s->len) {
        size_t rest = s->len - start;
        char *line = s->data + start;
        size_t look = rest < max + 1 ? rest : max + 1;
        char *newline = memchr(line + searched, '\n', look - searched);
        size_t len = newline ? (size_t)(newline - line) : max;
        searched = 0;
        if (!newline && rest > max && refuse_long_report(w, i)) {
            return;
        }
        if (!newline && rest <= max) {
            /* At exactly the limit the next byte may be the newline: wait for it. */
            if (!at_end) {
                w->searched[i] = rest;
                break;
            }
            len = rest;
        }
        char after = line[len];
        line[len] = '\0';
        give_line(w, i, line, len);
        line[len] = after;
        start += len + (newline != NULL);
    }
    if (start > 0) {
        memmove(s->data, s->data + start, s->len - start + 1);
        s->len -= start;
    }
}

/* Reads once, at most `max` bytes. Returns how many, 0 when there is nothing more (now or ever). */
static size_t read_pipe(struct proc *w, int i, size_t max)
{
    struct str *s = &w->lines[i];
    str_reserve(s, READ_CHUNK);
    ssize_t n = read(w->child.pipes[i], s->data + s->len, max < READ_CHUNK ? max : READ_CHUNK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (n <= 0) {
        give_lines(w, i, true);
        close_pipe(w, i);
        return 0;
    }
    s->len += (size_t)n;
    s->data[s->len] = '\0';
    give_lines(w, i, false);
    return (size_t)n;
}

/* What the child wrote before it ended is in the pipes, and no more than that is read: a grandchild
 * that still holds them may write, or be silent, for ever. */
static void drain(struct proc *w)
{
    for (int i = 1; i < PROC_PIPES; i++) {
        int waiting = 0;
        if (w->child.pipes[i] < 0 || ioctl(w->child.pipes[i], FIONREAD, &waiting) < 0) {
            continue;
        }
        for (size_t left = (size_t)waiting; left > 0 && w->child.pipes[i] >= 0;) {
            size_t n = read_pipe(w, i, left);
            left = n > 0 ? left - n : 0;
        }
        give_lines(w, i, true);
    }
}

/* ---- input ---- */

/* A child that reads no more is its own affair: EPIPE only ends the feeding. The signal that comes
 * with it is kept from the program by block_sigpipe(). */
static void feed(struct proc *w)
{
    size_t left = w->input_len - w->input_done;
    ssize_t n = left > 0 ? write(w->child.pipes[0], w->input + w->input_done, left) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    w->input_done += n > 0 ? (size_t)n : 0;
    if (n < 0 || (w->input_done == w->input_len && !w->keep_input)) {
        close_pipe(w, 0);
    }
}

struct pipe_guard {
    sigset_t old_mask;
    bool was_pending;
};

static void block_sigpipe(struct pipe_guard *guard)
{
    sigset_t pending;
    sigset_t pipe_only;
    sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &guard->old_mask);
}

static void unblock_sigpipe(const struct pipe_guard *guard)
{
    if (!guard->was_pending) {
        sigset_t pipe_only;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        const struct timespec now = {0};
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &guard->old_mask, NULL);
}

/* ---- watching ---- */

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* Sees the end without reaping. -1 when there is no such child (somebody else waits for all). */
static int look_for_exit(struct proc *w)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)w->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        return errno == EINTR ? 0 : -1;
    }
    if (info.si_pid == 0) {
        return 0;
    }
    w->exited = true;
    bool killed = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    w->result.term_signal = killed ? info.si_status : 0;
    w->result.exit_code = killed ? 128 + info.si_status : info.si_status;
    return 0;
}

static int fail_watch(const struct proc *w, struct err *err, const char *why)
{
    err_fail(err, ERR_FAILED, "cannot watch '%s' (process %d): %s", w->spec->path,
             (int)w->child.pid, why);
    return err_hint(err, "see with `ps -o pid,stat,cmd %d` whether it still runs",
                    (int)w->child.pid);
}

/* Deadline and stop request → TERM; later KILL; later we give up. */
static int advance_phase(struct proc *w, struct err *err)
{
    if (w->phase == RUNNING && clock_passed(w->deadline_ms)) {
        w->result.timed_out = true;
        begin_end(w);
    }
    if (w->phase == RUNNING && w->spec->stop_on_signal && stop_requested()) {
        w->result.stopped = true;
        begin_end(w);
    }
    if (w->phase == RUNNING || !clock_passed(w->escalate_ms)) {
        return 0;
    }
    if (w->phase == KILLED) {
        return fail_watch(w, err, "it does not end, not even by KILL");
    }
    begin_kill(w);
    return 0;
}

static int poll_timeout(const struct proc *w)
{
    uint64_t until = w->phase == RUNNING ? w->deadline_ms : w->escalate_ms;
    uint64_t left = clock_left_ms(until);
    uint64_t most = w->pidfd >= 0 ? 60000 : TICK_MS;
    return (int)(left < most ? left : most);
}

static int watch_once(struct proc *w, struct err *err)
{
    enum { PIDFD = PROC_PIPES, STOP, EXTRA, FDS };
    struct pollfd fds[FDS];
    for (int i = 0; i < PROC_PIPES; i++) {
        fds[i] = (struct pollfd){.fd = w->child.pipes[i], .events = i == 0 ? POLLOUT : POLLIN};
    }
    if (w->keep_input && w->input_done == w->input_len) {
        fds[0].fd = -1;
    }
    fds[PIDFD] = (struct pollfd){.fd = w->pidfd, .events = POLLIN};
    /* Once it is being ended, a readable stop descriptor would only make us spin. */
    bool mind_stop = w->spec->stop_on_signal && w->phase == RUNNING;
    fds[STOP] = (struct pollfd){.fd = mind_stop ? stop_fd() : -1, .events = POLLIN};
    fds[EXTRA] = (struct pollfd){.fd = w->spec->extra_fd != NULL ? *w->spec->extra_fd : -1,
                                 .events = POLLIN};
    if (poll(fds, FDS, poll_timeout(w)) < 0) {
        if (errno != EINTR) {
            return fail_watch(w, err, strerror(errno));
        }
        memset(fds, 0, sizeof(fds));
    }
    if (fds[0].revents) {
        feed(w);
    }
    for (int i = 1; i < PROC_PIPES; i++) {
        if (fds[i].revents) {
            read_pipe(w, i, READ_CHUNK);
        }
    }
    if (fds[EXTRA].revents != 0) {
        obey(w, w->spec->on_extra(w->spec->arg));
    }
    if (look_for_exit(w) < 0) {
        return fail_watch(w, err, "its end was taken by another waiter");
    }
    return w->exited ? 0 : advance_phase(w, err);
}

/* Whatever happened: nothing of the group lives on, no descriptor stays open, no zombie remains. */
static void finish(struct proc *w)
{
    if (w->finished) {
        return;
    }
    w->finished = true;
    proc_kill(&w->child);
    if (w->exited) {
        drain(w);
    }
    while (waitpid(w->child.pid, NULL, w->exited ? 0 : WNOHANG) < 0 && errno == EINTR) {
    }
    for (int i = 0; i < PROC_PIPES; i++) {
        close_pipe(w, i);
        str_free(&w->lines[i]);
    }
    fd_close_ptr(&w->pidfd);
}

/* Until it ends, or on_line wants a pause. */
static int watch(struct proc *w, struct proc_result *ret, struct err *err)
{
    struct pipe_guard guard;
    int result = 0;
    block_sigpipe(&guard);
    w->result.paused = false;
    while (result == 0 && !w->exited && !w->result.paused) {
        result = watch_once(w, err);
    }
    if (result != 0 || w->exited) {
        finish(w);
        w->result.paused = false;
    }
    unblock_sigpipe(&guard);
    if (result == 0) {
        *ret = w->result;
    }
    return result;
}

/* With SIGCHLD ignored, which a parent may have left to us, the kernel reaps without telling how a
 * child ended. */
static void need_sigchld(void)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0 &&
        (now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT))) {
        const struct sigaction plain = {.sa_handler = SIG_DFL};
        (void)sigaction(SIGCHLD, &plain, NULL);
    }
}

int proc_begin(const struct proc_spec *spec, struct proc **ret, struct proc_result *ret_result,
               struct err *err)
{
    if (spec->path[0] != '/') {
        err_fail(err, ERR_FAILED, "cannot start '%s': it is no absolute path", spec->path);
        return err_hint(err, "programs are not searched for: give the path from / on");
    }
    need_sigchld();
    struct proc *w = mem_alloc(sizeof(*w));
    w->spec = spec;
    w->deadline_ms = clock_deadline(spec->timeout_ms);
    if (proc_spawn(spec, &w->child, err) < 0) {
        free(w);
        return -1;
    }
    w->pidfd = open_pidfd(w->child.pid);
    w->input = spec->input;
    w->input_len = spec->input != NULL ? spec->input_len : 0;
    w->keep_input = spec->keep_input;
    if (w->input_len == 0 && !w->keep_input) {
        close_pipe(w, 0);
    }
    if (watch(w, ret_result, err) != 0) {
        proc_free(w);
        return -1;
    }
    *ret = w;
    return 0;
}

int proc_go_on(struct proc *p, const char *input, uint64_t timeout_ms, struct proc_result *ret,
               struct err *err)
{
    p->input = input;
    p->input_len = strlen(input);
    p->input_done = 0;
    p->keep_input = false;
    p->deadline_ms = clock_deadline(timeout_ms);
    return watch(p, ret, err);
}

bool proc_lives(struct proc *p)
{
    return !p->exited && look_for_exit(p) == 0 && !p->exited;
}

void proc_free(struct proc *p)
{
    if (p != NULL) {
        finish(p);
        free(p);
    }
}

int proc_run(const struct proc_spec *spec, struct proc_result *ret, struct err *err)
{
    struct proc *p;
    if (proc_begin(spec, &p, ret, err) != 0) {
        return -1;
    }
    proc_free(p);
    return 0;
}
