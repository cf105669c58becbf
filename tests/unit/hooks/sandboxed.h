/* Runs a program in a sandbox, and keeps what it said. */
#ifndef OMSLAUNCH_TESTS_SANDBOXED_H
#define OMSLAUNCH_TESTS_SANDBOXED_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/sandbox.h"

struct sandboxed {
    struct str said;
    struct proc_result ended;
    struct strv denied;
    bool was_judged;
    struct err err;
    struct sandbox *sandbox; /* while it runs */
};

static inline enum proc_answer sandboxed_hear(void *arg, enum proc_stream stream, const char *line,
                                              size_t len)
{
    struct sandboxed *r = arg;
    (void)stream;
    str_append_n(&r->said, line, len);
    str_append_c(&r->said, '\n');
    return PROC_GO_ON;
}

static inline int sandboxed_setup(void *arg)
{
    return sandbox_enter(((struct sandboxed *)arg)->sandbox);
}

static inline enum proc_answer sandboxed_extra(void *arg)
{
    return sandbox_listen(((struct sandboxed *)arg)->sandbox);
}

static inline void sandboxed_free(struct sandboxed *r)
{
    str_free(&r->said);
    strv_free(&r->denied);
}
#define AUTO_SANDBOXED CLEANUP(sandboxed_free)

/* The probe stands beside the test program. Caller frees. */
static inline char *probe_path(void)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return mem_printf("%s/probe", self);
}

static inline struct sandboxed sandboxed_run(const struct sandbox_spec *spec, const char *program,
                                             const char *const *argv)
{
    struct sandboxed r = {.said = STR_INIT, .denied = STRV_INIT, .err = ERR_INIT};
    AUTO_SANDBOX struct sandbox *sandbox = NULL;
    assert_ok(sandbox_new(spec, &sandbox, &r.err), &r.err);
    r.sandbox = sandbox;
    AUTO_FD int fd = open(program, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const struct proc_spec proc = {
        .path = program,
        .program_fd = fd,
        .argv = argv,
        .envp = (const char *const[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL},
        .timeout_ms = 30000,
        .on_line = sandboxed_hear,
        .arg = &r,
        .child_setup = sandboxed_setup,
        .extra_fd = sandbox_fd(sandbox),
        .on_extra = sandboxed_extra,
    };
    assert_ok(proc_run(&proc, &r.ended, &r.err), &r.err);
    const struct strv *denied = sandbox_denied(sandbox);
    for (size_t i = 0; i < denied->count; i++) {
        strv_add(&r.denied, denied->items[i]);
    }
    r.was_judged = sandbox_judge(sandbox, "10-test", &r.ended, &r.err);
    r.sandbox = NULL;
    return r;
}

#endif
