/* Everything that is known of a deployment before anything is changed. */
#ifndef OMSLAUNCH_INSPECT_DEPLOYMENT_H
#define OMSLAUNCH_INSPECT_DEPLOYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/container.h"
#include "inspect/metadb_facts.h"
#include "inspect/oms_config.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/engine/engine.h"

enum path_kind {
    PATH_UNKNOWN, /* could not be looked at; the note says why */
    PATH_MISSING,
    PATH_FILE,
    PATH_FOLDER,
    PATH_OTHER, /* a socket, a device, … */
    PATH_KIND_MAX
};

/* What stands behind one OMS mount of the old container. */
struct mount_fact {
    char *destination; /* one of OMS_PATH_… */
    enum path_kind kind;
    bool on_host;        /* the source itself was looked at; else only what the container sees */
    bool source_is_link; /* known only with on_host */
    bool free_known;
    uint64_t free_bytes; /* of the file system below it */
    char *note;          /* why the kind is unknown, or NULL */
};

/* The engine and its machine (GET /info). */
struct host_facts {
    char *name;
    char *engine_version, *api_version;
    char *os;           /* "Debian GNU/Linux 12 (bookworm)" */
    char *architecture; /* as the engine spells it: "x86_64", "aarch64" */
    char *storage_driver;
    char *root_dir;
    unsigned cores;
    uint64_t memory_bytes;
    bool rootless;
    bool local; /* this very machine: its paths can be looked at directly */
    bool root_free_known;
    uint64_t root_free_bytes; /* below root_dir */
    bool clock_known;
    int64_t clock_ahead_ms; /* the engine's clock minus ours */
};

/* Another container on the same engine, for what it shares with ours. */
struct neighbour {
    char *name;
    bool running;
    struct strv sources; /* of its binds and volumes */
};

struct node {
    char *name; /* the engine's endpoint or a host's name; what findings call the node */
    struct container old;
    struct oms_config config;
    char *host_ip;        /* OMS_HOST_IP of the old container; NULL if not set */
    json_t *old_image;    /* Config of the old image; NULL if the image is gone */
    char *old_image_tag;  /* tag of the old container's image reference; "" if it has none */
    char *old_image_note; /* why old_image is NULL, or NULL */
    struct mount_fact *mounts;
    size_t mount_count;
    struct host_facts host;
    struct neighbour *neighbours; /* without the old container */
    size_t neighbour_count;
};

struct deployment {
    struct node *nodes;
    size_t node_count;
    struct metadb_facts metadb; /* empty (server_version NULL) until it was asked */
};

#define AUTO_NODE CLEANUP(node_free)
#define AUTO_DEPLOYMENT CLEANUP(deployment_free)

void node_free(struct node *n);
void deployment_init(struct deployment *d);
void deployment_free(struct deployment *d);
/* Appends; `node` is empty afterwards. */
void deployment_add_take(struct deployment *d, struct node *node);

/* Gathers everything about one node by read-only calls. ERR_NOT_FOUND when there is no such
 * container, ERR_CONFIG when it is no OMS container or its config.yaml is wrong or missing. The
 * old image may be gone: then old_image_note says so. */
int node_observe(struct engine *e, const char *container_name, struct node *ret,
                 struct err *err) MUST_USE;

/* The fact about the mount at an OMS path, or NULL when the old container has no such mount. */
const struct mount_fact *node_mount_fact(const struct node *n, const char *destination);
const char *path_kind_text(enum path_kind kind); /* "file", "folder", "missing", … */

#endif
