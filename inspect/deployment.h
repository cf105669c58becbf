/* Everything that is known of a deployment before anything is changed. */
#ifndef OMSLAUNCH_INSPECT_DEPLOYMENT_H
#define OMSLAUNCH_INSPECT_DEPLOYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/config_seen.h"
#include "inspect/container.h"
#include "inspect/host_facts.h"
#include "inspect/metadb_facts.h"
#include "inspect/mount_fact.h"
#include "inspect/neighbour.h"
#include "inspect/oms_config.h"
#include "inspect/oms_health.h"
#include "inspect/port_facts.h"
#include "inspect/servers.h"
#include "inspect/tls_facts.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/engine/engine.h"

struct node {
    char *name;      /* what findings call the node: its listed address, or the engine's endpoint */
    char *endpoint;  /* of its engine, as it was spelled */
    char *listed_ip; /* as the deployment's list has it; NULL if there is no list */
    struct container old;
    struct oms_config config; /* what the new container will read */
    struct config_seen seen;  /* unknown until node_look_at_config() was called */
    char *host_ip;            /* OMS_HOST_IP of the old container; NULL if not set, or empty */
    json_t *old_image;        /* Config of the old image; NULL if the image is gone */
    char *old_image_tag;      /* tag of the old container's image reference; where that has none, of
                                 the image's own names; "" if these do not tell */
    char *old_image_repository; /* the same; "" for an image without names */
    char *old_image_note;       /* why old_image is NULL, or NULL */
    struct mount_facts mounts;
    struct tls_facts tls; /* of the old container */
    struct host_facts host;
    struct port_facts ports;      /* unknown until node_look_at_ports() was called */
    struct neighbours neighbours; /* without the old container */
    struct oms_health health;     /* what the old OMS says of itself, see node_ask_health() */
    uint16_t console_port;        /* where the console answers instead of nginx_server_port; 0 */
    enum beat beat;               /* of its heart_beat */
};

/* A node that is listed and could not be looked at. */
struct lost_node {
    char *name;
    char *ip; /* as listed; NULL if there is no list */
    struct err err;
};

struct deployment {
    struct node *nodes;
    size_t node_count;
    struct lost_node *lost;
    size_t lost_count;
    struct metadb_facts metadb; /* empty (server_version NULL) until it was asked */
    struct servers servers;     /* unknown until the MetaDB was asked */
};

#define AUTO_NODE CLEANUP(node_free)
#define AUTO_DEPLOYMENT CLEANUP(deployment_free)

void node_free(struct node *n);
void deployment_init(struct deployment *d);
void deployment_free(struct deployment *d);
/* Appends; `node` is empty afterwards. */
void deployment_add_take(struct deployment *d, struct node *node);
void deployment_add_lost(struct deployment *d, const char *name, const char *ip,
                         const struct err *why);

/* Gathers everything about one node by read-only calls. ERR_NOT_FOUND when there is no such
 * container, ERR_CONFIG when it is no OMS container or its config.yaml is wrong or missing. The
 * old image may be gone: then old_image_note says so. */
int node_observe(struct engine *e, const char *container_name, struct node *ret,
                 struct err *err) MUST_USE;

/* Whether the running OMS has the config.yaml that the next one will get. Apart, since on an engine
 * far away it runs `cat` in the container. What cannot be told is a fact, not an error. */
void node_look_at_config(struct engine *e, struct node *n);
/* Who listens on the ports of config.yaml, on an engine of this machine. Apart, since it goes
 * through all processes, and can be done while others are waited for. */
void node_look_at_ports(struct node *n);
/* Asks the old OMS of a node for its health, when it runs; waits for `timeout_ms` at most in each
 * place. With an engine that is not of this machine it is asked through the container, too; `e` may
 * be NULL. On this machine, after node_look_at_ports(), a console that has moved to another port is
 * found. What is wrong is a fact, not an error. */
void node_ask_health(struct engine *e, struct node *n, uint64_t timeout_ms);

#endif
