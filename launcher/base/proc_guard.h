/* The process between us and a program whose descendants must all end with it. */
#ifndef OMSLAUNCH_BASE_PROC_GUARD_H
#define OMSLAUNCH_BASE_PROC_GUARD_H

#include <signal.h>
#include <sys/types.h>

/* Tells a guard to kill everything below it, and end. TERM is passed on to the program's group. */
#define PROC_GUARD_KILL SIGUSR1

/* To be called in a forked child, with all signals blocked, by async-signal-safe calls alone. Forks
 * again: the guard never returns, the program's process does, in a group of its own and bound to
 * the guard's life. -1 with errno set when that cannot be done.
 *
 * A program that leaves its group (setsid) or its parent (double fork) is adopted by the guard,
 * which is a subreaper; who forks faster than it is killed gains nothing, because only the guard
 * can become a parent of last resort. The guard ends as the program did, by exit code or signal. */
int proc_guard_fork(void);

#endif
