/* Plans and findings as text for people. */
#ifndef OMSLAUNCH_PRINT_PLAN_H
#define OMSLAUNCH_PRINT_PLAN_H

#include "launcher/base/str.h"
#include "launcher/upgrade/plan.h"
#include "policy/policy.h"

/* From, to, what changes in the new container, the rows, what was accepted. */
void print_plan(const struct plan *p, struct str *s);
/* One line a rule; `all` also those that pass. */
void print_findings(const struct findings *findings, bool all, struct str *s);

#endif
