/* A hook that is a program on this host. */
#ifndef OMSLAUNCH_HOOKS_HOST_HOOK_H
#define OMSLAUNCH_HOOKS_HOST_HOOK_H

#include "hooks/hook.h"

/* The longest line on descriptor 3. */
#define HOST_HOOK_RESULT_MAX ((size_t)16 * 1024 * 1024)
#define HOST_HOOK_AGAIN 75 /* exit code: try again */

struct host_hook {
    const struct hook *hook;
    bool undo;          /* runs its undo instead */
    const char *digest; /* that its file must have; NULL: any */
    /* What it gets on stdin (hook_state.h); "attempt" and "deadline" are set here. Borrowed. */
    const json_t *state;
    const char *folder;             /* its working folder: exists, is its own */
    const char *log_path;           /* all that it says; NULL: kept nowhere */
    const struct strv *environment; /* "OMSLAUNCH_RUN=…"; NULL: none */
    bool stop_on_signal;
    bool trace; /* see struct sandbox_spec; the calls come as *ret_denied */
    /* Its first lines of stdout and stderr, harmless (foreign.h); its events but for the result.
     * May be NULL. */
    void (*on_line)(void *arg, const char *line);
    void (*on_event)(void *arg, const json_t *event);
    void *arg;
};

struct host_hook_result {
    json_t *result; /* NULL: it gave none */
    unsigned attempts;
    struct strv denied; /* by a sandbox that traces */
};

void host_hook_result_free(struct host_hook_result *r);
#define AUTO_HOST_HOOK_RESULT CLEANUP(host_hook_result_free)

/* Runs it to its end: exit 75 is tried again, with longer and longer pauses, until its deadline. 0
 * when it has exited with 0 and what it said on descriptor 3 could be read. ERR_TIMEOUT,
 * ERR_INTERRUPTED, ERR_REFUSED (a file that is not to be trusted, or not the planned one), else
 * ERR_FAILED; the error has its last lines. Caller frees *ret_result; it is set on success alone.
 */
int host_hook_run(const struct host_hook *hook, struct host_hook_result *ret_result,
                  struct err *err) MUST_USE;

/* The digest of its program, or of its undo's, for the plan. Opens it as trust_open() does. Caller
 * frees *ret. */
int host_hook_digest(const struct hook *hook, bool undo, char **ret, struct err *err) MUST_USE;

/* Fills in the digests of all programs, and of their undos. ERR_REFUSED, ERR_NOT_FOUND, naming the
 * hook. */
int host_hook_pin(struct hook_list *list, struct err *err) MUST_USE;

/* "files" of a result: each is there, is a file, has content; then they are synced. A result
 * without files is refused. ERR_FAILED. */
int host_hook_check_files(const struct hook *hook, const json_t *result, struct err *err) MUST_USE;

#endif
