/* Findings as JUnit XML: a pipeline shows each rule as a test. */
#ifndef OMSLAUNCH_POLICY_JUNIT_H
#define OMSLAUNCH_POLICY_JUNIT_H

#include "launcher/base/str.h"
#include "policy/policy.h"

/* One test suite called `suite`, one case for each finding: its class is the node, or "deployment".
 * Only what refuses the upgrade is a failure; a warning passes and is printed, waived and not
 * applicable are skipped with the reason. */
void findings_to_junit(const struct findings *f, const char *suite, struct str *ret);

#endif
