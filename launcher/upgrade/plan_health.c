/* The health gate, calibrated: what it asks of the old version on the way back is what that passes
 * now, by the functions that judge later (domain, "Sites as they are": /oms/health, heart_beat). */
#include <stdlib.h>

#include "launcher/spec/spec_fields.h"
#include "launcher/upgrade/plan.h"

void plan_health_free(struct plan_health *h)
{
    free(h->url);
    free(h->host_ip);
}

static void find_place(const struct node *n, const struct container *c, struct plan_health *ret)
{
    const char *host = spec_env_get(json_object_get(c->config, "Env"), "OMS_HOST_IP");
    const bool known = host != NULL && host[0] != '\0';
    *ret = (struct plan_health){
        .url =
            oms_health_url(known ? host : "127.0.0.1", n->config.nginx_port, container_has_tls(c)),
        .host_ip = known ? mem_strdup(host) : NULL,
        .local = n->host.local,
        .inside = n->health.inside,
    };
}

static bool has_answered(const struct node *n)
{
    return n->health.answer == HEALTH_WELL || n->health.answer == HEALTH_ABSENT;
}

void plan_health_of_old(const struct deployment *d, const struct node *n, struct plan_health *ret)
{
    find_place(n, &n->old, ret);
    if (has_answered(n) && !n->health.inside) {
        free(ret->url);
        ret->url = mem_strdup(n->health.url);
    }
    if (!n->old.running) {
        return; /* nor will it run after a rollback */
    }
    ret->no_container = n->old.restarting;
    ret->no_console = n->health.answer == HEALTH_SILENT || n->health.answer == HEALTH_UNWELL;
    ret->no_endpoint = n->health.answer == HEALTH_ABSENT;
    if (ret->host_ip != NULL && d->servers.known) {
        ret->no_server = !server_is_online(servers_find(&d->servers, ret->host_ip));
        ret->no_heartbeat = n->beat == BEAT_NONE || n->beat == BEAT_STILL;
    }
}

void plan_health_of_new(const struct node *n, const struct container *desired,
                        const struct oms_version *to, struct plan_health *ret)
{
    const bool old_has = n->health.answer == HEALTH_WELL || n->health.answer == HEALTH_NOT_ASKED;
    find_place(n, desired, ret);
    /* Of one that did not run nobody knows whether it can be reached from here. */
    ret->inside = n->health.inside || (!n->old.running && !n->host.local);
    ret->no_endpoint = !old_has && !(to != NULL && oms_health_is_known_of(to));
    ret->no_heartbeat = (n->beat == BEAT_NONE || n->beat == BEAT_STILL) &&
                        !(to != NULL && heart_beat_is_known_of(to));
}
