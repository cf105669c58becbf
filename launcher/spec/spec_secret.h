/* What looks like a secret in a container's configuration: it reaches no plan, journal or report,
 * and the new container all the same. */
#ifndef OMSLAUNCH_SPEC_SPEC_SECRET_H
#define OMSLAUNCH_SPEC_SPEC_SECRET_H

#include <stdbool.h>

#include "inspect/container.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"

/* Does a variable, label or option of this name look like it holds a secret? Its value is never
 * stored or shown. */
bool spec_is_secret(const char *name);

/* In place, in the form of the Engine API: variables that are secrets keep their name alone;
 * labels, annotations and options of the log driver whose names are, and words of commands that
 * name one or follow one that does, become null. */
void spec_secrets_hide(json_t *config, json_t *host_config);
/* In place: what was hidden outside of the environment, from the old container, which it was kept
 * from. ERR_FAILED, naming the field, when it is not there any more. */
int spec_secrets_fill_in(struct container *desired, const struct container *old,
                         struct err *err) MUST_USE;
/* Could something be hidden outside of the environment? */
bool spec_has_hidden(const struct container *desired);
/* In place: an answer of inspect, for the record. */
void spec_secrets_mask(json_t *inspect);

/* Any value of a field, for people: "***" for each secret in it; `name` is the field's or the key's
 * own. NULL stays NULL. Caller owns. */
json_t *spec_shown(const char *name, const json_t *value);

#endif
