/* What a program that somebody else may have written can do to the host: a seccomp filter,
 * capabilities, Landlock and limits, made in the parent and put on in the child.
 *
 * Profile `default` denies what no backup and no notification needs; `strict` is a list of what is
 * allowed, and lets no other program be started; `none` leaves everything as it is. A denied call
 * ends the program, and its name is known. What exists in the kernel only since this list was
 * written answers ENOSYS. Calls by the entry of another architecture (32 bit, x32) end the program.
 *
 * Writing is allowed below the given folders alone (kernels with Landlock). Local sockets, of which
 * the engine's is one, are refused with EACCES. docs/hooks.md has the whole of it. */
#ifndef OMSLAUNCH_HOOKS_SANDBOX_H
#define OMSLAUNCH_HOOKS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/proc.h"
#include "launcher/base/str.h"

enum sandbox_profile { SANDBOX_DEFAULT, SANDBOX_STRICT, SANDBOX_NONE, SANDBOX_PROFILE_MAX };

/* In `allow`: the way back to local sockets, which is no system call. */
#define SANDBOX_LOCAL_SOCKETS "local-sockets"

struct sandbox_spec {
    enum sandbox_profile profile;
    struct strv allow, deny;  /* names of system calls, on top of the profile */
    struct strv capabilities; /* kept; names without "CAP_", in small letters */
    struct strv write;        /* files and folders that it may change; must exist */
    const char *folder;       /* working folder, may be changed too; NULL: / */
    const uint16_t *ports;    /* TCP ports that it may connect to, */
    size_t port_count;        /* 0: any */
    uint64_t file_size_max;   /* bytes; 0: no limit */
    bool trace;               /* denied calls are made all the same, and noted */
};

void sandbox_spec_free(struct sandbox_spec *spec);

const char *sandbox_profile_name(enum sandbox_profile profile);
/* -1 when there is none of that name. */
int sandbox_profile_from_name(const char *name);
/* Are the names of calls and capabilities known? ERR_CONFIG naming the first that is not. */
int sandbox_check(const struct sandbox_spec *spec, struct err *err) MUST_USE;

struct sandbox;
/* `spec` is needed until it returns. ERR_CONFIG; ERR_PERMISSION for a capability that we have not;
 * ERR_FAILED. A filter is made once for each profile and its additions in a process. */
int sandbox_new(const struct sandbox_spec *spec, struct sandbox **ret, struct err *err) MUST_USE;
void sandbox_free(struct sandbox *s); /* NULL is allowed */
#define AUTO_SANDBOX CLEANUP(sandbox_free_ptr)
void sandbox_free_ptr(struct sandbox **s);

/* For child_setup of struct proc_spec. */
int sandbox_enter(const struct sandbox *s);
/* For extra_fd and on_extra of struct proc_spec: what the kernel says about denied calls. */
const int *sandbox_fd(const struct sandbox *s);
enum proc_answer sandbox_listen(struct sandbox *s);

/* The denied calls in the order of their first time, by name; without `trace` one at most. */
const struct strv *sandbox_denied(const struct sandbox *s);
/* Was it ended by the sandbox? Then fills in `err` (ERR_FAILED): the call, the profile, and the
 * line of the configuration that would allow it. `hook` is what the error calls the program. */
bool sandbox_judge(const struct sandbox *s, const char *hook, const struct proc_result *ended,
                   struct err *err);

/* What this kernel lacks, in words for people; NULL: nothing. */
const char *sandbox_lacks(void);

#endif
