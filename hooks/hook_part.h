/* What the two readers of hooks share. */
#ifndef OMSLAUNCH_HOOKS_HOOK_PART_H
#define OMSLAUNCH_HOOKS_HOOK_PART_H

#include "hooks/hook.h"

#define HOOK_TIMEOUT_MS (10ULL * 60 * 1000)
#define HOOK_FILE_SIZE_MAX (1ULL << 30)

/* A hook with defaults, in its place; valid until the next one is added. */
struct hook *hook_list_new(struct hook_list *list, enum hook_point point, const char *name,
                           const char *origin);
enum hook_failure hook_point_failure(enum hook_point point);

#endif
