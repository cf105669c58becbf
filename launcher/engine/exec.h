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
};

/* Creates, starts, streams (demultiplexed), and asks for the exit code. After a lost connection or
 * a timeout the command may still run: then -1, and `ret_exec_id` (may be NULL) names the exec for
 * a later engine_exec_state(). */
int engine_exec_run(struct engine *e, const struct engine_exec *exec, char **ret_exec_id,
                    int *ret_exit_code, struct err *err) MUST_USE;

struct engine_exec_state {
    bool running;
    int exit_code; /* -1 until it ended; 126 or 127 with pid 0: it could not be started */
    int pid;       /* 0: it never started */
};
int engine_exec_inspect(struct engine *e, const char *exec_id, struct engine_exec_state *ret,
                        struct err *err) MUST_USE;

#endif
