/* Exit codes are API (architecture, "Commands"). */
#ifndef OMSLAUNCH_EXIT_CODE_H
#define OMSLAUNCH_EXIT_CODE_H

#include "launcher/base/err.h"
#include "launcher/upgrade/run.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* nothing was changed */
    EXIT_ROLLED_BACK = 10,
    EXIT_ROLLBACK_FAILED = 11,
    EXIT_UPGRADED_WITH_FAULT = 12,
    EXIT_HELD = 13,
    /* From here on: nothing was changed. */
    EXIT_USAGE = 64,
    EXIT_REFUSED = 65,
    EXIT_UNREACHABLE = 69,
    EXIT_STATE = 73,
    EXIT_LOCKED = 75,
    EXIT_PERMISSION = 77,
    EXIT_CONFIG = 78,
    EXIT_SIGNAL = 128 /* plus the signal's number */
};

/* For an error before anything was changed. */
int exit_code_of_error(const struct err *err);
/* For the end of a run; `err` matters only where nothing was changed. */
int exit_code_of_end(enum run_end end, const struct err *err);

/* For help and man page. */
struct exit_code_row {
    const char *codes;
    const char *meaning;
};
const struct exit_code_row *exit_code_table(size_t *ret_count);

#endif
