/* A plan is data: what will be done, in which order, to what. It is made once, shown, stored with a
 * digest, and carried out; a resumed run reads it back and never makes a new one. */
#ifndef OMSLAUNCH_UPGRADE_PLAN_H
#define OMSLAUNCH_UPGRADE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks/hook.h"
#include "inspect/deployment.h"
#include "launcher/base/digest.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/state/step_id.h"
#include "policy/policy.h"

struct plan_row {
    enum step_id step;
    struct subject subject;
};

struct plan_options {
    const char *load_file; /* absolute path, or NULL */
    uint64_t stop_timeout_ms;
    uint64_t health_timeout_ms;
    int64_t refetch_reserve_min;
    bool perceive_checkpoint; /* set perceiveStoreClientCheckpoint instead of a longer refetch */
};

/* Where OMS answers when it runs in a container, and what the health gate asks of it. What the old
 * version, well and running, does not pass before the outage is not asked of it on the way back; of
 * the new one only what it is known to have. */
struct plan_health {
    char *url;
    char *host_ip; /* NULL: not known */
    bool local;    /* its engine is on this machine: 127.0.0.1 is asked, too */
    bool inside;   /* it cannot be reached from here, and is asked from inside of the container */
    bool no_container; /* nothing at all is asked */
    bool no_console;   /* nobody need answer there */
    bool no_endpoint;  /* the console must answer, but it need not have /oms/health */
    bool no_server;    /* it need not be ONLINE */
    bool no_heartbeat; /* its heart_beat need not move */
};

struct plan_old {
    char *id, *name, *image, *image_id;
    bool running;
    struct plan_health health;
    json_t *restart_policy; /* as the engine gave it; NULL: none */
};

struct plan_new {
    char *image_id; /* NULL: the image is not there yet */
    struct plan_health health;
    struct strv secrets_given; /* variables that the user set anew and the plan does not store */
    struct container desired;  /* what looks like a secret is hidden in it, see spec_secret.h */
};

struct plan_node {
    char *name; /* what people call it */
    char *endpoint;
    char *engine_id; /* the engine's own; NULL: it does not tell, or an older omslaunch planned */
    int64_t region;  /* cm_location */
    struct plan_old old;
    struct plan_new new;
    json_t *changes; /* spec_diff(), for people */
};

struct plan_version {
    char *tag;
    char *version; /* NULL: the tag does not tell */
};

struct plan_metadb {
    char *host, *user, *rm, *cm;
    int64_t port;
    struct strv heartbeat; /* each once, whatever many regions share it */
};

/* One of the times that a hook of the site is called. */
struct plan_call {
    size_t hook; /* which of the plan's */
    int node;    /* on which node, or the first of its region; -1: for the whole */
};

struct plan {
    char *tool;       /* "omslaunch 0.1.0" */
    char *deployment; /* its name, for people */
    struct plan_version from, to;
    struct plan_metadb metadb;
    struct plan_node *nodes;
    size_t node_count;
    struct plan_options options;
    struct plan_row *rows; /* rows of one step stand together: they are a wave */
    size_t row_count;
    struct hook_list hooks;  /* of the site; their variables are names without values */
    struct plan_call *calls; /* calls of one hook stand together */
    size_t call_count;
    json_t *waived, *findings; /* for people */
    char *load_file;           /* what options.load_file points to */
    char digest[DIGEST_HEX_MAX];
};

#define PLAN_INIT     \
    {                 \
        .tool = NULL, \
    }
#define AUTO_PLAN CLEANUP(plan_free)

struct plan_request {
    const struct deployment *deployment;
    const struct container *desired;     /* one per node */
    const struct target_image *images;   /* one per node */
    json_t *const *new_image_configs;    /* Config of the target image, NULL if not there yet */
    const struct oms_version *from, *to; /* either may be NULL when waived */
    const struct findings *findings;
    const struct hook_list *hooks; /* of the site, pinned (host_hook.h); NULL: none */
    struct plan_options options;
};

/* Never fails: everything that can be wrong was judged before. Caller frees. */
void plan_make(const struct plan_request *request, struct plan *ret);
void plan_free(struct plan *p);
/* "4.0.0-CE"; the tag where that does not tell. Borrowed. */
const char *plan_version_text(const struct plan_version *v);
void plan_add_row(struct plan *p, enum step_id step, struct subject subject);

/* ---- plan_hooks.c: the site's hooks ---- */

/* Copies them, and lists their calls; the nodes must be there. */
void plan_take_hooks(struct plan *p, const struct hook_list *hooks);
/* The rows of those that stand right before, or after, a step. */
void plan_add_hook_rows(struct plan *p, enum step_id step, bool after);
/* The first of a point, which is the only one of `backup` and `init`; NULL: there is none. */
const struct hook *plan_hook(const struct plan *p, enum hook_point point);
/* The hook of a row whose subject is one. Borrowed. */
const struct hook *plan_hook_of(const struct plan *p, struct subject subject);
/* The node that a row is about; -1: none. */
int plan_node_of(const struct plan *p, struct subject subject);
/* "10.0.0.11"; the deployment's name for a row of the whole. Borrowed. */
const char *plan_subject_name(const struct plan *p, struct subject subject);
/* "stop_old"; "pre-stop/10-drain" of a hook. Caller frees. */
char *plan_row_name(const struct plan *p, const struct plan_row *row);
/* "stop the old container"; "run hook pre-stop/10-drain". Caller frees. */
char *plan_row_title(const struct plan *p, const struct plan_row *row);
void plan_list_nodes(const struct plan *p, struct strv *ret);
/* "pre-stop/10-drain@10.0.0.11" for each call. */
void plan_list_calls(const struct plan *p, struct strv *ret);
/* Caller owns; NULL: there are none. */
json_t *plan_hooks_to_json(const struct plan *p);
json_t *plan_calls_to_json(const struct plan *p);
/* Either may be NULL. ERR_STATE. */
int plan_read_hooks(const json_t *hooks, const json_t *calls, const char *name, struct plan *p,
                    struct err *err) MUST_USE;

/* ---- plan_rows.c: rows as a document ---- */

/* Caller owns. */
json_t *plan_rows_to_json(const struct plan *p);
/* Nodes and hooks must have been read. ERR_STATE. */
int plan_read_rows(const json_t *json, const char *name, struct plan *p, struct err *err) MUST_USE;

/* ---- plan_health.c: the health gate, calibrated ---- */

/* Of the node as it is, and of the container that will take its place; `to` may be NULL. */
void plan_health_of_old(const struct deployment *d, const struct node *n, struct plan_health *ret);
void plan_health_of_new(const struct node *n, const struct container *desired,
                        const struct oms_version *to, struct plan_health *ret);
void plan_health_free(struct plan_health *h);

/* ---- plan_document.c: as JSON ---- */

/* The document with its digest; caller owns. */
json_t *plan_to_json(const struct plan *p);
/* From a stored document. ERR_STATE names the member that is missing, of another type or not known,
 * or says that the document is not what was stored. */
int plan_from_json(const json_t *document, const char *name, struct plan *ret,
                   struct err *err) MUST_USE;
/* Fills in p->digest. What a plan does, and nothing of when it was made: the same work has the same
 * digest. */
void plan_sign(struct plan *p);

#endif
