/* The seccomp filter of a profile, as the program that the kernel takes; and names of calls. */
#ifndef OMSLAUNCH_HOOKS_SANDBOX_FILTER_H
#define OMSLAUNCH_HOOKS_SANDBOX_FILTER_H

#include <stdbool.h>

#include <linux/filter.h>

#include "hooks/sandbox.h"

struct sandbox_filter {
    struct sock_fprog notify; /* a denied call waits for what its listener says */
    struct sock_fprog kill;   /* it kills: made where there may be no listener */
};

/* Made once in a process for each profile and its additions, and never freed. ERR_FAILED. */
int sandbox_filter_get(const struct sandbox_spec *spec, const struct sandbox_filter **ret,
                       struct err *err) MUST_USE;
/* Is there a system call of that name, on any architecture? */
bool sandbox_filter_knows(const char *name);
/* "mount", or "466" where the number has no name. Caller frees. */
char *sandbox_filter_name(int number);
/* Must a hook be able to make this call to be started at all? */
bool sandbox_filter_needs(const char *name);

#endif
