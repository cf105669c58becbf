/* What became of a run, said to people and, with --output json, as one document. */
#ifndef OMSLAUNCH_REPORT_H
#define OMSLAUNCH_REPORT_H

#include "launcher/options.h"
#include "launcher/upgrade/run.h"

/* Returns the exit code. */
int report_run(const struct options *options, struct run *run, const struct run_outcome *outcome,
               bool back_was_asked);

#endif
