/* What commands without a journal have changed: restores and HA. A note each, so that `runs` can
 * tell of it. */
#ifndef OMSLAUNCH_STATE_CHANGES_H
#define OMSLAUNCH_STATE_CHANGES_H

#include "launcher/base/err.h"
#include "launcher/base/json.h"

/* changes/RUN.json: {"run", "kind": "restore"|"ha", "deployment", "endpoint", "wall_ms", "text"};
 * `text` is for people. ERR_STATE. */
int changes_note(const char *state, const char *run, const char *kind, const char *deployment,
                 const char *endpoint, const char *text, struct err *err) MUST_USE;

/* All of them, the oldest first; one that cannot be read is left out, for nothing rests on it. None
 * if there is no such folder. ERR_STATE. Caller owns. */
int changes_read(const char *state, json_t **ret, struct err *err) MUST_USE;

#endif
