/* Where the nodes of a deployment are, before anything is known of them: as a deployment file or
 * the command line names them. */
#ifndef OMSLAUNCH_INSPECT_NODE_ADDRESS_H
#define OMSLAUNCH_INSPECT_NODE_ADDRESS_H

#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

/* Paths on this machine; NULL where not given. */
struct node_tls {
    char *ca, *cert, *key;
};

struct node_address {
    char *ip;        /* the node's OMS_HOST_IP, as cm.host and cm_nodes have it; NULL: not told */
    char *endpoint;  /* of its engine; NULL: from `context`, or the default */
    char *context;   /* a docker context; NULL: none */
    char *container; /* name or ID */
    char *host_ip;   /* OMS_HOST_IP of the new container; NULL: as on the old one */
    struct node_tls tls;
};

struct node_addresses {
    char *name; /* of the deployment, for people */
    struct node_address *items;
    size_t count;
};

#define AUTO_NODE_ADDRESSES CLEANUP(node_addresses_free)

void node_addresses_free(struct node_addresses *a);
/* Appends; `address` is empty afterwards. */
void node_addresses_add_take(struct node_addresses *a, struct node_address *address);

/* "10.0.0.11=ssh://root@10.0.0.11", as on the command line: adds it, with that container. ERR_USAGE
 * when it has no '=', no address or no endpoint. */
int node_addresses_add_argument(struct node_addresses *a, const char *argument,
                                const char *container, struct err *err) MUST_USE;

/* What can be seen before any engine is asked: an IP that is none, one that is there twice, one
 * container of one engine listed twice, a password in an endpoint. ERR_CONFIG; `where` names file
 * or option. */
int node_addresses_check(const struct node_addresses *a, const char *where,
                         struct err *err) MUST_USE;

#endif
