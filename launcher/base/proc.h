/* The only place that starts programs. */
#ifndef OMSLAUNCH_BASE_PROC_H
#define OMSLAUNCH_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

/* Which of the child's descriptors a line came from. */
enum proc_stream { PROC_STDOUT = 1, PROC_STDERR = 2, PROC_REPORT = 3 };

/* What becomes of the child after a line: PROC_END ends it early, and no more lines come;
 * PROC_KILL does so without asking it first; PROC_PAUSE gives the word back to who called
 * proc_begin() while the child lives on. */
enum proc_answer { PROC_GO_ON, PROC_END, PROC_KILL, PROC_PAUSE };

/* One line without its newline, NUL-terminated; lines longer than 64 KiB come in pieces. Called in
 * the thread that watches. */
typedef enum proc_answer (*proc_line_fn)(void *arg, enum proc_stream stream, const char *line,
                                         size_t len);

struct proc_spec {
    const char *path;        /* absolute; no PATH search */
    int program_fd;          /* > 0: this open file is executed, and `path` only names it */
    bool is_script;          /* program_fd stays open in the child, for the program that reads it */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated; the whole environment */
    const char *input;       /* written to stdin, then closed; may be NULL */
    size_t input_len;
    bool keep_input;      /* stdin stays open after `input`, for proc_go_on() */
    uint64_t timeout_ms;  /* 0: none. TERM to the whole group, KILL 5 s later */
    bool stop_on_signal;  /* a stop request (stop.h) ends the child like a timeout */
    proc_line_fn on_line; /* may be NULL: output is read and dropped */
    void *arg;
    /* A longest line on descriptor 3 that still comes whole; a longer one ends the child. 0: lines
     * come in pieces there, too. */
    size_t report_line_max;
    /* The child and all that it starts, also what leaves its group, end with it: a process between
     * us and it sees to that. Not for a child that is paused. */
    bool end_descendants;
    /* Polled beside the child's pipes while *extra_fd is not negative; on_extra is called when it
     * is readable. May be NULL. */
    const int *extra_fd;
    enum proc_answer (*on_extra)(void *arg);
    /* Runs in the child just before exec (limits, sandbox); returns 0, or -1 with errno set. Only
     * async-signal-safe calls. One that changes the user id must set PR_SET_PDEATHSIG again. May be
     * NULL. */
    int (*child_setup)(void *arg);
};

struct proc_result {
    int exit_code;   /* 0–255; 128+signal when killed */
    int term_signal; /* 0 unless killed */
    bool timed_out;
    bool stopped; /* ended because a stop was requested */
    bool paused;  /* it lives on: proc_begin() alone */
    bool report_too_long;
};

/* Starts, feeds, reads and waits. -1 only if the program could not be started or watched
 * (ERR_NOT_FOUND, ERR_PERMISSION, ERR_FAILED); how it ended is in `ret`. A child that ends on TERM
 * may still exit 0: look at `timed_out` and `stopped` first.
 * The child gets stdin, stdout, stderr and a pipe for reports as descriptor 3, nothing else; umask
 * 077, default signals, a process group of its own, and dies with us (PR_SET_PDEATHSIG). When the
 * child has ended, what is left of its group is killed. May be called from several threads. */
int proc_run(const struct proc_spec *spec, struct proc_result *ret, struct err *err) MUST_USE;

/* The same in parts, for a child that waits for a word of ours. proc_begin() returns when the child
 * has ended or on_line has answered PROC_PAUSE; `spec` and what it points to must live as long as
 * *ret. While paused nobody reads what the child says. */
struct proc;
int proc_begin(const struct proc_spec *spec, struct proc **ret, struct proc_result *ret_result,
               struct err *err) MUST_USE;
/* Writes `input` to the stdin of a paused child, closes it, and watches to the end, for
 * `timeout_ms` at most (0: without limit). */
int proc_go_on(struct proc *p, const char *input, uint64_t timeout_ms, struct proc_result *ret,
               struct err *err) MUST_USE;
/* Has a paused child not ended? */
bool proc_lives(struct proc *p) MUST_USE;
/* Kills what still lives of it. NULL is allowed. */
void proc_free(struct proc *p);

#endif
