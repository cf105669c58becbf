/* The servers of a deployment as the MetaDB lists them, and whether their supervisors still write
 * heartbeats (domain, "The MetaDB": cm.host, cm_hb.heart_beat). */
#ifndef OMSLAUNCH_INSPECT_SERVERS_H
#define OMSLAUNCH_INSPECT_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/oms_version.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"

struct server {
    char *ip;
    char *status;   /* "ONLINE" when healthy; NULL: it has heartbeats, but is not listed */
    char *beat;     /* the newest gmt_modified, as the server writes it; NULL: none */
    int64_t age_ms; /* of it, by the server's clock and zone, which need not be the writer's */
};

struct servers {
    bool known; /* the MetaDB has answered */
    struct server *items;
    size_t count;
};

#define AUTO_SERVERS CLEANUP(servers_free)

/* From the result of `omslaunch-metadb servers`. */
void servers_from_json(const json_t *result, struct servers *ret);
void servers_free(struct servers *s);
/* NULL if it is not there. */
const struct server *servers_find(const struct servers *s, const char *ip);

enum beat {
    BEAT_UNKNOWN, /* nobody could be asked */
    BEAT_NONE,    /* that address has none */
    BEAT_STILL,   /* it does not move */
    BEAT_MOVES,
    BEAT_MAX
};

/* A heartbeat counts when it moves between two looks: clocks and zones of writer and server may
 * differ. One that is as old as it should be, younger than a minute and than `lived_ms`, needs no
 * second look. `first` may be NULL. */
enum beat server_beat(const struct server *first, const struct server *now, uint64_t lived_ms);
bool server_is_online(const struct server *s); /* NULL is not */
/* Whether versions like this one are known to write heart_beat: it is documented from 4.0.0 on. */
bool heart_beat_is_known_of(const struct oms_version *v);

#endif
