/* A hook that runs inside a container, by the exec API. */
#ifndef OMSLAUNCH_HOOKS_CONTAINER_HOOK_H
#define OMSLAUNCH_HOOKS_CONTAINER_HOOK_H

#include <stdint.h>

#include "launcher/engine/exec.h"

struct container_hook {
    const char *container;   /* ID or name */
    const char *const *argv; /* NULL-terminated */
    const char *const *env;  /* "NAME=value", NULL-terminated; no secrets. May be NULL */
    uint64_t timeout_ms;
    /* Each line of stdout and stderr, as foreign.h makes it harmless. May be NULL. */
    void (*on_line)(void *arg, const char *line);
    void *arg;
};

/* Makes an exec of it that does not run yet, and can be run once at most. Caller frees
 * *ret_exec_id.
 */
int container_hook_create(struct engine *e, const struct container_hook *hook, char **ret_exec_id,
                          struct err *err) MUST_USE;
/* Runs what was made to its end, or waits for that if it was started before. -1 only when it could
 * not be run or watched: an exit code is no error here. */
int container_hook_run(struct engine *e, const struct container_hook *hook, const char *exec_id,
                       int *ret_exit_code, struct err *err) MUST_USE;

#endif
