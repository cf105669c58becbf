/* What is said of an earlier run, and what may still be done about it. */
#ifndef OMSLAUNCH_PAST_H
#define OMSLAUNCH_PAST_H

#include "launcher/session.h"
#include "launcher/state/history.h"

/* The run of that ID; or the newest on the container of that name; or the newest, when `which` is
 * NULL. ERR_NOT_FOUND, with what was perhaps meant. */
int past_find(const struct session *s, const struct history *h, const char *which,
              const struct past_run **ret, struct err *err) MUST_USE;

/* Nothing of it is left to be done or undone. */
bool past_is_over(const struct past_run *p);
/* The later run that stands on what this one left; NULL: none. */
const struct past_run *past_followed_by(const struct history *h, const struct past_run *p);

/* "upgraded", "unfinished", "damaged", … */
const char *past_result(const struct past_run *p);
/* Who works on the run's deployment right now; NULL: nobody. Caller frees. */
char *past_holder(const struct session *s, const struct past_run *p);
/* The next safe command, in a person's words. Caller frees. */
char *past_next(const struct history *h, const struct past_run *p, const char *holder);
/* "3.3.1-CE → 4.0.0-CE", out of its plan; NULL: it does not tell. Caller frees. */
char *past_versions(const struct session *s, const struct past_run *p);

json_t *past_to_json(const struct session *s, const struct history *h, const struct past_run *p);

#endif
