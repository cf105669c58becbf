/* What restores have moved aside; and the notes of those that are no part of a run. */
#ifndef OMSLAUNCH_STATE_RESTORES_H
#define OMSLAUNCH_STATE_RESTORES_H

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"
#include "launcher/state/history.h"

/* Adds the databases that a restore, by its answer, has moved aside. */
void restores_list_kept(const json_t *answer, struct strv *ret);

/* Writes them down, with whose they were: restores/RUN.json. Nothing is written when there are
 * none. ERR_STATE. */
int restores_note(const char *state, const char *run, const char *deployment, const char *endpoint,
                  const json_t *answer, struct err *err) MUST_USE;
/* All such notes, as runs that ended with "restored". ERR_STATE. */
int restores_read(const char *state, struct history *ret, struct err *err) MUST_USE;

#endif
