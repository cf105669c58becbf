#include "launcher/exit_code.h"

#include "launcher/base/mem.h"
#include "launcher/base/stop.h"

static const struct exit_code_row rows[] = {
    {"0", "done, or nothing to do"},
    {"1", "failed, nothing was changed"},
    {"10", "failed and rolled back; the old version runs, verified"},
    {"11", "the rollback failed: it needs manual repair, and the text says which"},
    {"12", "done, but something after it is not as it should be (HA, the report)"},
    {"13", "stopped midway, held"},
    {"64", "wrong usage"},
    {"65", "refused by policy"},
    {"69", "engine or MetaDB unreachable"},
    {"73", "state cannot be written"},
    {"75", "another run holds the lock"},
    {"77", "no permission"},
    {"78", "wrong configuration"},
    {"130", "stopped by Ctrl-C before anything was changed (128 + the signal)"},
};

const struct exit_code_row *exit_code_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rows);
    return rows;
}

int exit_code_of_error(const struct err *err)
{
    switch (err->kind) {
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_CONFIG:
        return EXIT_CONFIG;
    case ERR_REFUSED:
        return EXIT_REFUSED;
    case ERR_UNREACHABLE:
        return EXIT_UNREACHABLE;
    case ERR_STATE:
        return EXIT_STATE;
    case ERR_LOCKED:
        return EXIT_LOCKED;
    case ERR_PERMISSION:
        return EXIT_PERMISSION;
    case ERR_INTERRUPTED:
        return stop_signal() != 0 ? EXIT_SIGNAL + stop_signal() : EXIT_FAILED;
    case ERR_FAILED:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_TIMEOUT:
    case ERR_KIND_MAX:
    default:
        return EXIT_FAILED;
    }
}

int exit_code_of_end(enum run_end end, const struct err *err)
{
    switch (end) {
    case RUN_UPGRADED:
    case RUN_ABANDONED: /* as it was asked for */
        return EXIT_DONE;
    case RUN_UPGRADED_WITH_FAULT:
        return EXIT_UPGRADED_WITH_FAULT;
    case RUN_ROLLED_BACK:
        return EXIT_ROLLED_BACK;
    case RUN_ROLLBACK_FAILED:
        return EXIT_ROLLBACK_FAILED;
    case RUN_HELD:
        return EXIT_HELD;
    case RUN_UNCHANGED:
    case RUN_END_MAX:
    default:
        return exit_code_of_error(err);
    }
}
