/* The parts of the sandbox that are no seccomp filter: capabilities, Landlock, limits. */
#ifndef OMSLAUNCH_HOOKS_SANDBOX_CONFINE_H
#define OMSLAUNCH_HOOKS_SANDBOX_CONFINE_H

#include <stdint.h>

#include "hooks/sandbox.h"

struct confinement {
    uint64_t capabilities;  /* kept */
    int ruleset;            /* of Landlock; -1: the kernel has none */
    uint64_t file_size_max; /* 0: no limit */
};

/* -1 when there is no capability of that name. */
int confinement_capability(const char *name);
/* The version of Landlock in this kernel; 0: none. */
int confinement_landlock(void);

/* ERR_PERMISSION for a capability that we have not; ERR_CONFIG for a path that is not there. */
int confinement_make(const struct sandbox_spec *spec, struct confinement *ret,
                     struct err *err) MUST_USE;
void confinement_free(struct confinement *c);

/* In the child, async-signal-safe; sets no_new_privs on the way. -1 with errno set. */
int confinement_enter(const struct confinement *c) MUST_USE;
/* Limits alone: what every program gets, also without a sandbox. */
int confinement_limit(const struct confinement *c) MUST_USE;

#endif
