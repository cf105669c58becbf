/* The other containers of an engine, for what they may share with ours. */
#ifndef OMSLAUNCH_INSPECT_NEIGHBOUR_H
#define OMSLAUNCH_INSPECT_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/json.h"
#include "launcher/base/str.h"

struct neighbour {
    char *name;
    bool running;
    bool is_oms;         /* has one of the four OMS binds */
    struct strv sources; /* of its binds and volumes, cleaned */
};

struct neighbours {
    struct neighbour *items;
    size_t count;
};

/* From the engine's list of containers, without the one whose ID is `but` (may be NULL). */
void neighbours_from_list(const json_t *list, const char *but, struct neighbours *ret);
void neighbours_free(struct neighbours *n);
/* "oms_331 (running), oms_422 (stopped)" of those that look like OMS; "" if there is none. */
void neighbours_describe_oms(const struct neighbours *n, struct str *ret);

#endif
