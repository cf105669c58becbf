/* A plan is data: what will be done, in which order, to what. It is made once, shown, stored with a
 * digest, and carried out; a resumed run reads it back and never makes a new one. */
#ifndef OMSLAUNCH_UPGRADE_PLAN_H
#define OMSLAUNCH_UPGRADE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/deployment.h"
#include "launcher/base/digest.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/state/step_id.h"
#include "policy/policy.h"

#define PLAN_ALL_NODES (-1)

struct plan_row {
    enum step_id step;
    int node; /* index, or PLAN_ALL_NODES for a row of the whole deployment */
};

struct plan_options {
    const char *load_file; /* absolute path, or NULL */
    uint64_t stop_timeout_ms;
    uint64_t health_timeout_ms;
    unsigned refetch_reserve_min;
    bool perceive_checkpoint; /* set perceiveStoreClientCheckpoint instead of a longer refetch */
};

struct plan {
    json_t *json; /* the whole document */
    struct plan_row *rows;
    size_t row_count;
    char digest[DIGEST_HEX_MAX];
};

#define AUTO_PLAN CLEANUP(plan_free)

struct plan_request {
    const struct deployment *deployment;
    const struct container *desired;     /* one a node */
    const struct target_image *images;   /* one a node */
    json_t *const *new_image_configs;    /* Config of the target image, NULL if not there yet */
    const struct oms_version *from, *to; /* either may be NULL when waived */
    const struct findings *findings;
    struct plan_options options;
};

/* Never fails: everything that can be wrong was judged before. Caller frees. */
void plan_make(const struct plan_request *request, struct plan *ret);
/* From a stored document. ERR_STATE when it is not what was stored. */
int plan_from_json(const json_t *document, const char *name, struct plan *ret,
                   struct err *err) MUST_USE;
void plan_free(struct plan *p);

/* The document with its digest; caller owns. */
json_t *plan_to_json(const struct plan *p);

const char *plan_step_title(enum step_id step); /* "have the new image" */

/* Borrowed views into the document. */
const json_t *plan_node(const struct plan *p, int node);
size_t plan_node_count(const struct plan *p);
/* The desired container of a node, as a value. Caller frees. What looks like a secret is hidden in
 * it, see spec_secret.h. */
int plan_desired(const struct plan *p, int node, struct container *ret, struct err *err) MUST_USE;

#endif
