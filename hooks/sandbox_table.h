/* Which system calls the profiles of the sandbox are about. */
#ifndef OMSLAUNCH_HOOKS_SANDBOX_TABLE_H
#define OMSLAUNCH_HOOKS_SANDBOX_TABLE_H

#include <stddef.h>

/* The first number of a system call that these tables know nothing of. New calls have had one
 * number on all architectures since 424. */
#define SANDBOX_FIRST_UNKNOWN 471

struct sandbox_call {
    const char *name;
    int number; /* for a call that libseccomp may be too old to know; 0: by name */
};

/* What `default` denies, and what `strict` allows; each without the calls that depend on their
 * arguments (clone, socket, ioctl, …), which sandbox.c has. */
const struct sandbox_call *sandbox_default_denied(size_t *ret_count);
const struct sandbox_call *sandbox_strict_allowed(size_t *ret_count);
/* The name of a number among them; NULL if it has none here. */
const char *sandbox_call_name(int number);
/* Its number; -1 if it has none here. */
int sandbox_call_number(const char *name);

#endif
