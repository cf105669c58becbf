/* Rules about all nodes together. */
#include "policy/rule.h"

#include <string.h>

static bool has_node(const struct deployment *d, const char *ip)
{
    for (size_t i = 0; i < d->node_count; i++) {
        if (str_eq(d->nodes[i].host_ip, ip)) {
            return true;
        }
    }
    for (size_t i = 0; i < d->lost_count; i++) {
        if (str_eq(d->lost[i].ip, ip)) {
            return true;
        }
    }
    return false;
}

RULE_JUDGE(judge_nodes_reachable)
{
    const struct deployment *d = in->deployment;

    (void)node;
    for (size_t i = 0; i < d->lost_count; i++) {
        const char *why = d->lost[i].err.text;

        judge_fail(ret, "node '%s': %.*s", d->lost[i].name, (int)strcspn(why, "\n"), why);
    }
    judge_pass(ret, d->node_count == 1 ? "it answers" : "all %zu answer", d->node_count);
    judge_hint(ret, "a deployment is upgraded as a whole or not at all; bring these nodes back "
                    "first");
}

RULE_JUDGE(judge_nodes_distinct)
{
    const struct deployment *d = in->deployment;

    (void)node;
    for (size_t i = 0; i < d->node_count; i++) {
        const struct node *n = &d->nodes[i];

        if (n->listed_ip != NULL && n->host_ip != NULL && !str_eq(n->listed_ip, n->host_ip)) {
            judge_fail(ret, "the node listed as '%s' has OMS_HOST_IP '%s'", n->listed_ip,
                       n->host_ip);
        }
        for (size_t k = 0; k < i; k++) {
            const struct node *other = &d->nodes[k];

            if (n->old.id != NULL && str_eq(n->old.id, other->old.id)) {
                judge_fail(ret, "nodes '%s' and '%s' are one container, '%s'", other->name, n->name,
                           n->old.name);
            } else if (n->host_ip != NULL && str_eq(n->host_ip, other->host_ip)) {
                judge_fail(ret, "nodes '%s' and '%s' both have OMS_HOST_IP '%s'", other->name,
                           n->name, n->host_ip);
            }
        }
    }
    judge_pass(ret, d->node_count == 1 ? "there is one node" : "all %zu are different",
               d->node_count);
    judge_hint(ret, "list each node once, with the OMS_HOST_IP of its own container");
}

RULE_JUDGE(judge_nodes_one_deployment)
{
    const struct oms_config *first = &in->deployment->nodes[0].config;

    (void)node;
    for (size_t i = 1; i < in->deployment->node_count; i++) {
        const struct node *n = &in->deployment->nodes[i];

        if (!str_eq(first->meta_host, n->config.meta_host) ||
            first->meta_port != n->config.meta_port) {
            judge_fail(ret, "node '%s' uses %s:%u, node '%s' %s:%u", in->deployment->nodes[0].name,
                       first->meta_host, (unsigned)first->meta_port, n->name, n->config.meta_host,
                       (unsigned)n->config.meta_port);
        }
    }
    judge_pass(ret, "%s:%u", first->meta_host, (unsigned)first->meta_port);
    judge_hint(ret, "all nodes of a deployment have one MetaDB; leave out those of another one");
}

#define DEAD_AFTER_DAYS 3
#define DAY_MS (24LL * 60 * 60 * 1000)

/* A row of a host that is gone: in no cm_nodes, and without a heartbeat for days; one that never
 * wrote any must not be ONLINE either. */
static bool is_dead(const struct deployment *d, const char *ip)
{
    const struct server *s = servers_find(&d->servers, ip);

    for (size_t i = 0; i < d->node_count; i++) {
        if (strv_has(&d->nodes[i].config.cm_nodes, ip)) {
            return false;
        }
    }
    if (!d->servers.known || has_node(d, ip)) {
        return false;
    }
    return s && s->beat ? s->age_ms > DEAD_AFTER_DAYS * DAY_MS : !server_is_online(s);
}

RULE_JUDGE(judge_nodes_gone)
{
    const struct deployment *d = in->deployment;
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb || !metadb->has_hosts || !d->servers.known) {
        judge_not_applicable(ret, "the server list could not be read");
        return;
    }
    for (size_t i = 0; i < metadb->host_count; i++) {
        const char *ip = metadb->hosts[i].ip;
        const struct server *s = servers_find(&d->servers, ip);

        if (is_dead(d, ip) && s && s->beat) {
            judge_fail(ret,
                       "'%s' is in the server list, but in no cm_nodes, and its last heart_beat is "
                       "%lld days old",
                       ip, (long long)(s->age_ms / DAY_MS));
        } else if (is_dead(d, ip)) {
            judge_fail(ret, "'%s' is in the server list, but in no cm_nodes, and has no heart_beat",
                       ip);
        }
    }
    judge_pass(ret, "every server of the list is alive");
    judge_hint(ret, "it is not counted as a node; delete it in the console, OPS & Monitoring > "
                    "Server, if it is gone for good");
}

RULE_JUDGE(judge_nodes_complete)
{
    const struct deployment *d = in->deployment;
    const struct metadb_facts *metadb = metadb_of(in);
    AUTO_STRV struct strv missing = STRV_INIT;

    (void)node;
    for (size_t i = 0; i < d->node_count; i++) {
        for (size_t k = 0; k < d->nodes[i].config.cm_nodes.count; k++) {
            if (!strv_has(&missing, d->nodes[i].config.cm_nodes.items[k]) &&
                !has_node(d, d->nodes[i].config.cm_nodes.items[k])) {
                strv_add(&missing, d->nodes[i].config.cm_nodes.items[k]);
            }
        }
    }
    for (size_t i = 0; metadb && i < metadb->host_count; i++) {
        if (!strv_has(&missing, metadb->hosts[i].ip) && !has_node(d, metadb->hosts[i].ip) &&
            !is_dead(d, metadb->hosts[i].ip)) {
            strv_add(&missing, metadb->hosts[i].ip);
        }
    }
    for (size_t i = 0; i < missing.count; i++) {
        judge_fail(ret, "node '%s' belongs to the deployment but not to this upgrade",
                   missing.items[i]);
    }
    if (d->node_count == 1) {
        judge_pass(ret, "it is the only one");
    } else {
        judge_pass(ret, "all %zu are here", d->node_count);
    }
    judge_hint(ret, "all nodes of a deployment are upgraded together; if that host is gone for "
                    "good: --accept nodes.complete=REASON");
}

RULE_JUDGE(judge_nodes_same_version)
{
    const struct deployment *d = in->deployment;

    (void)node;
    if (d->node_count < 2) {
        judge_not_applicable(ret, "there is one node");
        return;
    }
    for (size_t i = 1; i < d->node_count; i++) {
        if (!str_eq(d->nodes[i].old_image_tag, d->nodes[0].old_image_tag)) {
            judge_fail(ret, "node '%s' runs '%s', node '%s' runs '%s'", d->nodes[0].name,
                       d->nodes[0].old_image_tag, d->nodes[i].name, d->nodes[i].old_image_tag);
        }
    }
    judge_pass(ret, "all run '%s'", d->nodes[0].old_image_tag);
    judge_hint(ret, "bring all nodes to one version first");
}

static const struct metadb_host *find_host(const struct metadb_facts *metadb, const char *ip)
{
    for (size_t i = 0; i < metadb->host_count; i++) {
        if (str_eq(metadb->hosts[i].ip, ip)) {
            return &metadb->hosts[i];
        }
    }
    return NULL;
}

RULE_JUDGE(judge_host_online)
{
    const struct node *n = &in->deployment->nodes[node];
    const struct metadb_facts *metadb = metadb_of(in);
    const struct metadb_host *host;

    if (!metadb || !metadb->has_hosts || !n->host_ip || !n->old.running) {
        judge_not_applicable(ret, "%s",
                             !n->old.running ? "the old container does not run"
                                             : "the server list could not be read");
        return;
    }
    host = find_host(metadb, n->host_ip);
    if (!host) {
        judge_fail(ret, "'%s' is not in the server list", n->host_ip);
    } else if (!str_eq(host->status, "ONLINE")) {
        judge_fail(ret, "'%s' is '%s' in the server list", n->host_ip, host->status);
    }
    judge_pass(ret, "'%s' is ONLINE", n->host_ip);
    judge_hint(ret,
               "look at the console, OPS & Monitoring > Server, and mend the old version first");
}

RULE_JUDGE(judge_host_heartbeat)
{
    const struct node *n = &in->deployment->nodes[node];
    const char *ip = n->host_ip ? n->host_ip : "";

    switch (n->beat) {
    case BEAT_NONE:
        judge_fail(ret, "'%s' writes no heart_beat, so that none is waited for after a rollback",
                   ip);
        break;
    case BEAT_STILL:
        judge_fail(ret,
                   "the heart_beat of '%s' does not move, so that none is waited for after a "
                   "rollback",
                   ip);
        break;
    case BEAT_MOVES:
        judge_pass(ret, "the heart_beat of '%s' moves", ip);
        break;
    case BEAT_UNKNOWN:
    case BEAT_MAX:
    default:
        judge_not_applicable(ret, "%s",
                             !n->old.running ? "the old container does not run"
                                             : "the heartbeats could not be read");
        return;
    }
    judge_hint(ret, "look at oms_drc_supervisor: `docker exec %s supervisorctl status`",
               n->old.name);
}

static bool knows_region(const struct metadb_facts *metadb, unsigned code)
{
    for (size_t i = 0; i < metadb->region_count; i++) {
        if (metadb->regions[i].code == code) {
            return true;
        }
    }
    return false;
}

static bool has_node_in(const struct deployment *d, unsigned code)
{
    for (size_t i = 0; i < d->node_count; i++) {
        if (d->nodes[i].config.cm_location == code) {
            return true;
        }
    }
    return false;
}

RULE_JUDGE(judge_regions)
{
    const struct deployment *d = in->deployment;
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb || !metadb->has_regions || metadb->region_count == 0) {
        judge_not_applicable(ret, "the regions could not be read");
        return;
    }
    for (size_t i = 0; i < d->node_count; i++) {
        if (!knows_region(metadb, d->nodes[i].config.cm_location)) {
            judge_fail(ret, "no region has the code %u of node '%s'",
                       d->nodes[i].config.cm_location, d->nodes[i].name);
        }
    }
    for (size_t i = 0; i < metadb->region_count; i++) {
        if (!has_node_in(d, metadb->regions[i].code)) {
            judge_fail(ret, "region %u has no node here", metadb->regions[i].code);
        }
    }
    judge_pass(ret, "%zu %s", metadb->region_count,
               metadb->region_count == 1 ? "region" : "regions");
    judge_hint(ret, "compare cm_location of config.yaml with the table 'cluster_info'");
}

/* The first node of its region. */
static bool opens_region(const struct deployment *d, size_t node)
{
    for (size_t i = 0; i < node; i++) {
        if (d->nodes[i].config.cm_location == d->nodes[node].config.cm_location) {
            return false;
        }
    }
    return true;
}

static bool is_default_region(const struct deployment *d, unsigned code)
{
    for (size_t i = 0; i < d->node_count; i++) {
        if (d->nodes[i].config.cm_location == code && d->nodes[i].config.cm_is_default) {
            return true;
        }
    }
    return false;
}

static void list_code(struct str *list, unsigned code)
{
    str_appendf(list, "%s%u", list->len > 0 ? ", " : "", code);
}

static void judge_default_count(struct judgement *ret, const char *where, size_t count,
                                const struct str *codes)
{
    if (count == 0) {
        judge_fail(ret, "no region is the default one by %s, expected 1", where);
    } else if (count > 1) {
        judge_fail(ret, "%zu regions are the default one by %s, expected 1: %s", count, where,
                   str_get(codes));
    }
}

/* docker_init.sh runs in the default region first. */
RULE_JUDGE(judge_regions_default)
{
    const struct deployment *d = in->deployment;
    const struct metadb_facts *metadb = metadb_of(in);
    AUTO_STR struct str by_config = STR_INIT;
    AUTO_STR struct str by_table = STR_INIT;
    size_t regions = 0, of_config = 0, of_table = 0;

    (void)node;
    for (size_t i = 0; i < d->node_count; i++) {
        const unsigned code = d->nodes[i].config.cm_location;
        if (opens_region(d, i)) {
            regions++;
            if (is_default_region(d, code)) {
                of_config++;
                list_code(&by_config, code);
            }
        }
    }
    if (regions > 1) {
        judge_default_count(ret, "cm_is_default of config.yaml", of_config, &by_config);
    }
    if (metadb && metadb->has_regions && metadb->region_count > 0) {
        for (size_t i = 0; i < metadb->region_count; i++) {
            if (metadb->regions[i].is_default) {
                of_table++;
                list_code(&by_table, metadb->regions[i].code);
            }
        }
        judge_default_count(ret, "the table 'cluster_info'", of_table, &by_table);
    }
    if (regions > 1 && of_config == 1 && of_table == 1 &&
        !str_eq(str_get(&by_config), str_get(&by_table))) {
        judge_fail(ret,
                   "the default region is %s by config.yaml and %s by the table "
                   "'cluster_info'",
                   str_get(&by_config), str_get(&by_table));
    }
    judge_pass(ret, "there is one");
    judge_hint(ret, "give one region cm_is_default: true, as the table 'cluster_info' has it, and "
                    "all others false");
}
