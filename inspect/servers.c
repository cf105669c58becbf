#include "inspect/servers.h"

#include <stdlib.h>

#include "launcher/base/str.h"

/* A live supervisor writes its heart_beat every few seconds. */
#define FRESH_MS 60000

void servers_free(struct servers *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].ip);
        free(s->items[i].status);
        free(s->items[i].beat);
    }
    free(s->items);
    *s = (struct servers){.known = false};
}

static char *dup_or_null(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

void servers_from_json(const json_t *result, struct servers *ret)
{
    const json_t *hosts = json_object_get(result, "hosts");
    const size_t count = json_array_size(hosts);
    *ret = (struct servers){.known = json_is_array(hosts)};
    if (count == 0) {
        return;
    }
    ret->items = mem_alloc(count * sizeof(*ret->items));
    for (; ret->count < count; ret->count++) {
        const json_t *host = json_array_get(hosts, ret->count);
        ret->items[ret->count] = (struct server){
            .ip = mem_strdup(json_text(host, "ip", "")),
            .status = dup_or_null(json_text(host, "status", NULL)),
            .beat = dup_or_null(json_text(host, "heartbeat", NULL)),
            .age_ms = json_int(host, "heartbeat_age_ms", INT64_MAX),
        };
    }
}

const struct server *servers_find(const struct servers *s, const char *ip)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(s->items[i].ip, ip)) {
            return &s->items[i];
        }
    }
    return NULL;
}

enum beat server_beat(const struct server *first, const struct server *now, uint64_t lived_ms)
{
    if (now == NULL || (now->beat == NULL && now->age_ms == INT64_MAX)) {
        return BEAT_NONE;
    }
    bool fresh = now->age_ms >= 0 && now->age_ms <= FRESH_MS && (uint64_t)now->age_ms <= lived_ms;
    bool moved = first != NULL && now->beat != NULL && !str_eq(first->beat, now->beat);
    return fresh || moved ? BEAT_MOVES : BEAT_STILL;
}

bool server_is_online(const struct server *s)
{
    return s != NULL && str_eq(s->status, "ONLINE");
}

bool heart_beat_is_known_of(const struct oms_version *v)
{
    return oms_version_at_least(v, 4, 0, 0);
}
