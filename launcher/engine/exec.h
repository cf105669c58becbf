/* Running a command inside a container. */
#ifndef OMSLAUNCH_ENGINE_EXEC_H
#define OMSLAUNCH_ENGINE_EXEC_H

#include <stdint.h>

#include "launcher/engine/engine.h"

struct engine_exec {
    const char *container;   /* ID or name */
    const char *const *argv; /* NULL-terminated */
    const char *const
        *env; /* NULL-terminated "K=V", may be NULL; no secrets: `docker inspect` shows it */
    uint64_t timeout_ms; /* 0: none */
    engine_output_fn on_output;
    void *arg;
    bool only_looks; /* it changes nothing: a read-only handle may run it */
};

/* Makes an exec of it, which does not run yet. Caller frees *ret_id. */
int engine_exec_create(struct engine *e, const struct engine_exec *exec, char **ret_id,
                       struct err *err) MUST_USE;
/* Starts an exec that was made, streams (demultiplexed), and asks for the exit code. An engine
 * starts an exec once at most: where somebody has started it before, this waits for its end, and
 * what it wrote is lost. After a lost connection or a timeout the command may still run: then -1,
 * and engine_exec_inspect() tells. */
int engine_exec_start(struct engine *e, const struct engine_exec *exec, const char *exec_id,
                      int *ret_exit_code, struct err *err) MUST_USE;

struct engine_exec_state {
    bool running;
    int exit_code; /* -1 until it ended; 126 or 127 with pid 0: it could not be started */
    int pid;       /* 0: it never started */
};
/* ERR_NOT_FOUND: the engine forgets an exec that never ran when the container stops or the engine
 * is started again, and one that ran some minutes after its end. It can never run then. */
int engine_exec_inspect(struct engine *e, const char *exec_id, struct engine_exec_state *ret,
                        struct err *err) MUST_USE;

/* What a command that changes nothing prints on stdout, at most `max` bytes: it may run on a
 * read-only handle. ERR_FAILED when it cannot be run or does not exit with 0. */
int engine_exec_read(struct engine *e, const char *container, const char *const *argv, size_t max,
                     uint64_t timeout_ms, struct str *ret, struct err *err) MUST_USE;

#endif
