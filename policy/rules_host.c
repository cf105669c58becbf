/* Rules about the hosts and their engines. */
#include <inttypes.h>

#include "inspect/oms_config_text.h"
#include "policy/rule.h"
#include "policy/setting.h"

#define GB UINT64_C(1000000000)

static void check_ip_twice(const struct policy_input *in, size_t node, const char *ip,
                           struct judgement *ret)
{
    for (size_t i = 0; i < in->deployment->node_count; i++) {
        const struct container *other = desired_of(in, i);

        if (i != node && other && str_eq(container_env(other, "OMS_HOST_IP"), ip)) {
            judge_fail(ret, "node '%s' has the same OMS_HOST_IP '%s'",
                       in->deployment->nodes[i].name, ip);
        }
    }
}

static void append_list(struct str *s, const struct strv *v)
{
    for (size_t i = 0; i < v->count; i++) {
        str_appendf(s, "%s%s", i ? ", " : "", v->items[i]);
    }
}

/* The old OMS of this node is ONLINE under that address, and its heartbeat moves. */
static bool works_at(const struct deployment *d, const struct node *n, const char *ip)
{
    return str_eq(n->host_ip, ip) && n->beat == BEAT_MOVES &&
           server_is_online(servers_find(&d->servers, ip));
}

RULE_JUDGE(judge_host_ip)
{
    const struct node *n = &in->deployment->nodes[node];
    const struct container *new = desired_of(in, node);
    const char *ip = new ? container_env(new, "OMS_HOST_IP") : n->host_ip;
    AUTO_STR struct str list = STR_INIT;
    AUTO_STR struct str why = STR_INIT;

    if (!ip || !*ip) {
        judge_fail(ret, "OMS_HOST_IP is not set");
        judge_hint(ret, "give this host's own address: --host-ip ADDRESS");
        return;
    }
    if (host_text_is_wrong(ip, &why)) {
        judge_fail(ret, "OMS_HOST_IP '%s' %s", ip, str_get(&why));
    }
    if (n->host_ip && !str_eq(n->host_ip, ip)) {
        judge_fail(ret, "OMS_HOST_IP would be '%s', the old container has '%s'", ip, n->host_ip);
    }
    if (n->config.cm_nodes.count > 0) {
        append_list(&list, &n->config.cm_nodes);
        judge_evidence(ret, "cm_nodes: %s", str_get(&list));
        if (!strv_has(&n->config.cm_nodes, ip)) {
            judge_fail(ret, "OMS_HOST_IP '%s' is not among 'cm_nodes' of config.yaml", ip);
        }
    }
    /* An address that works is right, whatever the interfaces say: NAT, an elastic IP. */
    if (n->host.addresses_known && !str_starts_with(ip, "127.") &&
        !strv_has(&n->host.addresses, ip) && !works_at(in->deployment, n, ip)) {
        str_reset(&list);
        append_list(&list, &n->host.addresses);
        judge_fail(ret, "OMS_HOST_IP '%s' is no address of this host", ip);
        judge_evidence(ret, "addresses of the host: %s", str_get(&list));
    }
    check_ip_twice(in, node, ip, ret);
    judge_pass(ret, "OMS_HOST_IP is '%s'", ip);
    judge_hint(ret, "the console and the supervisors know the node by this address; --host-ip "
                    "ADDRESS sets it");
}

RULE_JUDGE(judge_host_resources)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;
    const uint64_t cores = setting_number(in->waivers, "host.resources", "min_cores");
    const uint64_t memory_gb = setting_number(in->waivers, "host.resources", "min_memory_gb");
    AUTO_STR struct str size = STR_INIT;

    if (!h->cores || !h->memory_bytes) {
        judge_not_applicable(ret, "the engine does not tell cores and memory");
        return;
    }
    str_append_size(&size, h->memory_bytes);
    if (h->cores < cores) {
        judge_fail(ret, "%u %s, at least %" PRIu64 " are wanted", h->cores,
                   h->cores == 1 ? "core" : "cores", cores);
    }
    if (h->memory_bytes < memory_gb * GB) {
        judge_fail(ret, "%s of memory, at least %" PRIu64 " GB are wanted", str_get(&size),
                   memory_gb);
    }
    judge_pass(ret, "%u cores, %s of memory", h->cores, str_get(&size));
    judge_hint(ret, "the new version will run as slowly as the old one did, or slower");
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

RULE_JUDGE(judge_clock_skew)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;
    const struct metadb_facts *metadb = metadb_of(in);
    const uint64_t max_s = setting_number(in->waivers, "clock.skew", "max_seconds");
    const uint64_t engine_ms =
        (uint64_t)(h->clock_ahead_ms < 0 ? -h->clock_ahead_ms : h->clock_ahead_ms);

    if (!h->clock_known && !metadb) {
        judge_not_applicable(ret, "no other clock was read");
        return;
    }
    if (h->clock_known && engine_ms > max_s * 1000) {
        judge_fail(ret, "the engine's clock is %" PRIu64 " s %s ours", engine_ms / 1000,
                   h->clock_ahead_ms > 0 ? "ahead of" : "behind");
    }
    if (metadb && distance(metadb->now_ms, in->now_ms) > max_s * 1000) {
        judge_fail(ret, "the MetaDB's clock is %" PRIu64 " s %s ours",
                   distance(metadb->now_ms, in->now_ms) / 1000,
                   metadb->now_ms > in->now_ms ? "ahead of" : "behind");
    }
    judge_pass(ret, "no more than %" PRIu64 " s apart", max_s);
    judge_hint(ret, "the time of the outage is measured by our clock; set all of them by NTP");
}

RULE_JUDGE(judge_space_disks)
{
    const struct node *n = &in->deployment->nodes[node];
    const uint64_t free_gb = setting_number(in->waivers, "space.disks", "min_free_gb");
    size_t known = 0;

    for (size_t i = 0; i < n->mounts.count; i++) {
        const struct mount_fact *fact = &n->mounts.items[i];
        const struct mount *m = container_mount_at(&n->old, fact->destination);
        AUTO_STR struct str size = STR_INIT;

        if (!fact->free_known || !m) {
            continue;
        }
        known++;
        str_append_size(&size, fact->free_bytes);
        judge_evidence(ret, "'%s' has %s", m->source, str_get(&size));
        if (fact->free_bytes < free_gb * GB) {
            judge_fail(ret, "'%s' has %s free, at least %" PRIu64 " GB are wanted", m->source,
                       str_get(&size), free_gb);
        }
    }
    if (known == 0) {
        judge_not_applicable(ret, "the host's file systems cannot be looked at from here");
    }
    judge_pass(ret, "each disk has %" PRIu64 " GB free", free_gb);
    judge_hint(ret, "make room, or grow the file system");
}

RULE_JUDGE(judge_space_state)
{
    const struct metadb_facts *metadb = metadb_of(in);
    AUTO_STR struct str have = STR_INIT;
    AUTO_STR struct str need = STR_INIT;

    (void)node;
    if (!metadb || !in->state_free_known) {
        judge_not_applicable(
            ret, "%s", metadb ? "the free space was not looked at" : "the MetaDB was not reached");
        return;
    }
    str_append_size(&have, in->state_free_bytes);
    str_append_size(&need, metadb_facts_bytes(metadb));
    if (in->state_free_bytes < metadb_facts_bytes(metadb)) {
        judge_fail(ret, "%s free, the databases have %s", str_get(&have), str_get(&need));
    }
    judge_pass(ret, "%s free, the databases have %s", str_get(&have), str_get(&need));
    judge_hint(ret, "make room, or put the state elsewhere: --state-dir DIR");
}

RULE_JUDGE(judge_space_engine)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;
    const struct target_image *image = in->images ? &in->images[node] : NULL;
    const uint64_t factor = setting_number(in->waivers, "space.engine", "archive_factor");
    AUTO_STR struct str have = STR_INIT;
    AUTO_STR struct str need = STR_INIT;

    if (!image || image->present || !image->load_bytes || !h->root_free_known) {
        judge_not_applicable(ret, "%s",
                             image && image->present ? "the image is on the engine already"
                                                     : "the free space is not known");
        return;
    }
    str_append_size(&have, h->root_free_bytes);
    str_append_size(&need, image->load_bytes * factor);
    if (h->root_free_bytes < image->load_bytes * factor) {
        judge_fail(ret, "'%s' has %s free, loading the image takes about %s", h->root_dir,
                   str_get(&have), str_get(&need));
    }
    judge_pass(ret, "'%s' has %s free, loading the image takes about %s", h->root_dir,
               str_get(&have), str_get(&need));
    judge_hint(ret, "make room there: `docker system df` shows what the engine keeps");
}

static void check_port(const struct port_facts *ports, size_t i, struct judgement *ret)
{
    const struct port_fact *port = &ports->items[i];

    for (size_t k = 0; k < i; k++) {
        if (ports->items[k].port == port->port) {
            judge_fail(ret, "'%s' and '%s' are both %u", ports->items[k].key, port->key,
                       (unsigned)port->port);
        }
    }
    if (port->who) {
        judge_evidence(ret, "%u: %s", (unsigned)port->port, port->who);
    }
    if (port->holder == PORT_OTHER) {
        judge_fail(ret, "port %u (%s) is held by %s, which is not of the old container",
                   (unsigned)port->port, port->key, port->who);
    }
}

RULE_JUDGE(judge_ports_free)
{
    const struct node *n = &in->deployment->nodes[node];

    if (!n->ports.known) {
        judge_not_applicable(ret, "the host's ports cannot be looked at from here");
        return;
    }
    for (size_t i = 0; i < PORT_CONFIG_COUNT; i++) {
        check_port(&n->ports, i, ret);
        if (n->ports.items[i].holder == PORT_UNKNOWN && !n->old.running) {
            judge_fail(ret, "port %u (%s) is held, and the old container does not run",
                       (unsigned)n->ports.items[i].port, n->ports.items[i].key);
        }
    }
    judge_pass(ret, "each is free or held by the old container");
    judge_hint(ret, "end that program, or give OMS another port in config.yaml; `ss -ltnp` shows "
                    "who listens");
}

/* They cannot be changed, so what worked so far is not refused. */
RULE_JUDGE(judge_ports_fixed)
{
    const struct node *n = &in->deployment->nodes[node];

    if (!n->ports.known) {
        judge_not_applicable(ret, "the host's ports cannot be looked at from here");
        return;
    }
    for (size_t i = PORT_CONFIG_COUNT; i < PORT_COUNT; i++) {
        const struct port_fact *port = &n->ports.items[i];

        if (port->holder == PORT_OTHER) {
            judge_fail(ret, "port %u (%s) is held by %s, which is not of the old container",
                       (unsigned)port->port, port->key, port->who);
        }
    }
    judge_pass(ret, "8084 and 9001 are free or held by the old container");
    judge_hint(ret, "OMS uses it, and no key of config.yaml changes it: end that program, or make "
                    "sure that this OMS does without");
}
