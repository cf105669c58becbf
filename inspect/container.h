/* One container as a value: the old one as it was observed, or the new one as it is desired.
 * The diff, the policy and the create body are all made from this type. */
#ifndef OMSLAUNCH_INSPECT_CONTAINER_H
#define OMSLAUNCH_INSPECT_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"

/* Where OMS wants its mounts (domain, "What OMS is, seen from its container"). */
#define OMS_PATH_CONFIG "/home/admin/conf/config.yaml"
#define OMS_PATH_LOGS "/home/admin/logs"
#define OMS_PATH_STORE "/home/ds/store"
#define OMS_PATH_RUN "/home/ds/run"
#define OMS_PATH_TLS_CRT "/etc/pki/nginx/oms_server.crt"
#define OMS_PATH_TLS_KEY "/etc/pki/nginx/oms_server.key"

struct mount {
    char *type;        /* "bind", "volume", "tmpfs", … */
    char *source;      /* host path, or the name of a volume */
    char *destination; /* cleaned container path */
    bool read_only;
    char *options; /* the rest of the mode, sorted: "rslave,z"; "" if none */
};

struct container {
    char *id;        /* NULL when only desired */
    char *name;      /* without the leading slash */
    char *image_ref; /* as it was asked for: "repo:tag" */
    char *image_id;  /* "sha256:…" */
    char *status;    /* "running", "exited", …; NULL when only desired */
    bool running;
    bool restarting;
    int exit_code;
    int pid;                        /* of its main process on the engine's host; 0 unless it runs */
    char *started_at, *finished_at; /* as the engine says it; "" if it does not */
    struct mount *mounts;           /* as the engine resolved them, sorted by destination */
    size_t mount_count;
    json_t *config;      /* Config of the Engine API, whole */
    json_t *host_config; /* HostConfig of the Engine API, whole */
};

#define CONTAINER_INIT \
    {                  \
        .id = NULL     \
    }
#define AUTO_CONTAINER CLEANUP(container_free)

/* From the engine's answer to GET /containers/ID/json. */
int container_from_engine(const json_t *answer, struct container *ret, struct err *err) MUST_USE;
void container_free(struct container *c);
/* A deep copy; caller frees. */
void container_copy(const struct container *c, struct container *ret);

/* The mount at a container path ("/a//b/" is "/a/b"), or NULL. */
const struct mount *container_mount_at(const struct container *c, const char *destination);
/* Value of an environment variable, or NULL. */
const char *container_env(const struct container *c, const char *name);
/* Value of a label, or NULL. */
const char *container_label(const struct container *c, const char *name);
/* "always"; "no" where the engine says none. */
const char *container_restart_policy(const struct container *c);
/* One of the four OMS binds is enough to be taken for an OMS container. */
bool container_is_oms(const struct container *c);
bool container_has_tls(const struct container *c); /* both TLS binds */

/* "/a//b/./c/" → "/a/b/c"; caller frees. */
char *path_clean(const char *path);

#endif
