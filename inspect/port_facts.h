/* Who listens on the ports that config.yaml gives to OMS (domain, "What OMS is, seen from its
 * container": OMS lives in the host's network). */
#ifndef OMSLAUNCH_INSPECT_PORT_FACTS_H
#define OMSLAUNCH_INSPECT_PORT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/oms_config.h"

#define PORT_COUNT 7
#define PORT_CONFIG_COUNT 5 /* the first ones; the rest is the same in every OMS */
#define PORT_OTHERS_MAX 8

enum port_holder {
    PORT_FREE,
    PORT_OLD,     /* a process of the old container */
    PORT_OTHER,   /* another process, named in `who` */
    PORT_UNKNOWN, /* somebody whom we may not look at */
    PORT_HOLDER_MAX
};

struct port_fact {
    const char *key; /* of config.yaml, or whose it is; borrowed, static */
    uint16_t port;
    enum port_holder holder;
    char *who; /* "nginx (pid 42)", or NULL */
};

struct port_facts {
    bool known; /* only on this machine */
    struct port_fact items[PORT_COUNT];
    /* Where nobody listens on the console's port: ports of the old container's processes that
     * config.yaml does not name, the lowest ones first, without those of components. */
    uint16_t others[PORT_OTHERS_MAX];
    size_t other_count;
};

/* Reads `proc` (a folder like /proc, which is the one to give). A listener counts if it is bound to
 * all addresses, to `host_ip` (may be NULL) or to 127.0.0.1. Never fails: without /proc/net/tcp
 * nothing is known. */
void port_facts_read(const char *proc, const struct oms_config *config, const char *container_id,
                     const char *host_ip, struct port_facts *ret);
void port_facts_free(struct port_facts *f);

#endif
