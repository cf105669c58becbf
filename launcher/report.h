/* What became of a run, said to people and, with --output json, as one document. */
#ifndef OMSLAUNCH_REPORT_H
#define OMSLAUNCH_REPORT_H

#include "launcher/options.h"
#include "launcher/upgrade/run.h"

struct run_result {
    struct run *run;
    enum run_end end;
    size_t failed_row; /* row_count if none */
};

/* Returns the exit code. `err` is why it failed; NULL if it did not. */
int report_run(const struct options *options, const struct run_result *result,
               const struct err *err);

#endif
