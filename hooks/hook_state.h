/* The state document: what a hook gets on stdin (contrib/hooks/state.schema.json). */
#ifndef OMSLAUNCH_HOOKS_HOOK_STATE_H
#define OMSLAUNCH_HOOKS_HOOK_STATE_H

#include "hooks/hook.h"
#include "hooks/metadb_call.h"

#define HOOK_STATE_SCHEMA 1

/* What is NULL is null in the document. */
struct hook_container {
    const char *name, *id, *image, *version;
};

struct hook_state {
    const struct hook *hook;
    bool undo;
    const json_t *undo_result; /* what it gave when it was done */
    const char *run, *deployment;
    const char *region;                         /* NULL: of all */
    const char *node, *endpoint, *host_ip;      /* NULL: of all */
    const struct hook_container *old, *created; /* NULL: of all nodes */
    const struct metadb *metadb;                /* its password is for hooks that ask for secrets */
    const char *run_folder, *backup_folder, *folder;
    const char *failure; /* what has failed, at on-failure and after */
};

/* Without "attempt" and "deadline", which the runner knows. Caller owns. */
json_t *hook_state_to_json(const struct hook_state *s);
/* The same words for shells: OMSLAUNCH_RUN and the like, without secrets. */
void hook_state_environment(const struct hook_state *s, struct strv *ret);

/* One that looks like a real one, for trying a hook. `folder` is its working folder. Caller owns
 * *ret. */
void hook_state_sample(const struct hook *hook, const char *folder, json_t **ret,
                       struct strv *ret_environment);

#endif
