/* Inside of this room: changes of containers, judged by the world. The engine's "no" is not the
 * last word: a container that dies, restarts or is being removed while it is changed makes the call
 * fail, and what was wanted may hold all the same. So after a failed call the container is looked
 * at: if it is as wanted, that is success; if the engine says that something else goes on (409), is
 * silent, or the container has moved since the last look, the call is made again, until a deadline.
 */
#ifndef OMSLAUNCH_UPGRADE_CONTAINERS_H
#define OMSLAUNCH_UPGRADE_CONTAINERS_H

#include "launcher/upgrade/run.h"

/* All take the container's ID. ERR_NOT_FOUND when it is gone, ERR_INTERRUPTED, and what the engine
 * says. */

/* `policy` is a HostConfig.RestartPolicy object. */
int container_set_policy(struct run *r, int node, const char *id, const json_t *policy,
                         struct err *err) MUST_USE;
/* It is never started by the engine again. */
int container_never_restart(struct run *r, int node, const char *id, struct err *err) MUST_USE;
int container_stop(struct run *r, int node, const char *id, uint64_t timeout_ms,
                   struct err *err) MUST_USE;
int container_start(struct run *r, int node, const char *id, struct err *err) MUST_USE;
/* Nothing is asked of the engine when it has the name already. */
int container_rename(struct run *r, int node, const char *id, const char *name,
                     struct err *err) MUST_USE;
/* One that was created and never ran; that it is gone already is success. */
int container_remove_unused(struct run *r, int node, const char *id, struct err *err) MUST_USE;

#endif
