/* Inside of this room: who is alive on the databases. */
#ifndef OMSLAUNCH_UPGRADE_STEP_HEALTH_H
#define OMSLAUNCH_UPGRADE_STEP_HEALTH_H

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

struct run;

/* On the way back, of nodes whose engines do not answer and whose new container was started: their
 * word is their heart_beat. Waits until it has rested for a minute. ERR_FAILED, which asks a
 * person, when one stays alive. */
int wait_until_left_are_silent(struct run *r, struct err *err) MUST_USE;

#endif
