/* The desired container in the words of people's tools: what somebody would have typed to get the
 * very same one. Secrets are never said: a variable of the shell, or of compose, stands for each.
 */
#ifndef OMSLAUNCH_SPEC_SPEC_SAY_H
#define OMSLAUNCH_SPEC_SPEC_SAY_H

#include "inspect/container.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

/* Body of POST /containers/create; a secret is "${NAME}". Caller owns. */
json_t *spec_say_body(const struct container *desired);
/* A command for sh: `docker run -d …`, an option a line, quoted, ending in a newline. ERR_REFUSED,
 * naming the fields, when there is no option for what the container has. */
int spec_say_docker_run(const struct container *desired, struct str *ret, struct err *err) MUST_USE;
/* A compose.yaml with one service, called after the container; the same errors. */
int spec_say_compose(const struct container *desired, struct str *ret, struct err *err) MUST_USE;

#endif
