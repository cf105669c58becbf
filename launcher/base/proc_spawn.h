/* The half of proc.c that runs around fork(): from pipes to a program that runs. */
#ifndef OMSLAUNCH_BASE_PROC_SPAWN_H
#define OMSLAUNCH_BASE_PROC_SPAWN_H

#include <sys/types.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/proc.h"

/* Our ends: [0] writes to stdin, [1] stdout, [2] stderr, [3] report; all CLOEXEC and non-blocking.
 */
#define PROC_PIPES 4

struct proc_child {
    pid_t pid;     /* also its process group */
    bool is_guard; /* it stands between us and the program (proc_guard.h) */
    int pipes[PROC_PIPES];
};

/* When it returns 0, exec has succeeded. Caller closes the pipes and reaps the child. */
int proc_spawn(const struct proc_spec *spec, struct proc_child *ret, struct err *err) MUST_USE;
/* All of it, at once. It must not be reaped yet. */
void proc_kill(const struct proc_child *child);

#endif
