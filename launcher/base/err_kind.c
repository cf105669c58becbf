#include "launcher/base/err.h"

#include <stddef.h>
#include <string.h>

static const char *const kind_names[] = {
    [ERR_FAILED] = "failed",           [ERR_USAGE] = "usage",
    [ERR_CONFIG] = "config",           [ERR_REFUSED] = "refused",
    [ERR_UNREACHABLE] = "unreachable", [ERR_STATE] = "state",
    [ERR_LOCKED] = "locked",           [ERR_PERMISSION] = "permission",
    [ERR_NOT_FOUND] = "not_found",     [ERR_TIMEOUT] = "timeout",
    [ERR_CONFLICT] = "conflict",       [ERR_INTERRUPTED] = "interrupted",
};

_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == ERR_KIND_MAX, "a kind has no name");

const char *err_kind_name(enum err_kind kind)
{
    return kind >= 0 && kind < ERR_KIND_MAX ? kind_names[kind] : kind_names[ERR_FAILED];
}

enum err_kind err_kind_from_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < ERR_KIND_MAX; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            return (enum err_kind)i;
        }
    }
    return ERR_FAILED;
}
