/* From the old container to the new one: what the user set on the old one, less what its image set,
 * plus what an upgraded OMS needs (domain, "What OMS is, seen from its container").
 *
 * In a desired container a mount of type "volume" without a source is an anonymous volume: new and
 * empty. */
#ifndef OMSLAUNCH_SPEC_SPEC_H
#define OMSLAUNCH_SPEC_SPEC_H

#include <stdbool.h>

#include "inspect/container.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"
#include "launcher/spec/spec_fields.h"

/* The label that says which run created a container; not part of the desired state. */
#define SPEC_LABEL_RUN "io.omslaunch.run"

struct spec_request {
    const struct container *old;
    const json_t *old_image; /* Config of the old image; NULL: gone, nothing is subtracted */
    const char *image_ref;   /* "repository:tag" to run */
    const char *name;        /* of the new container */
    const char *host_ip;     /* OMS_HOST_IP; NULL: as it is on the old one */
    bool is_upgrade;         /* set IS_UPGRADE=true (targets from 3.3.1 on) */
    const char *https_crt;   /* host paths of the TLS pair; both or NULL: as on the old one */
    const char *https_key;
    const struct strv *set_env; /* "K=V" of the user's */
};

/* The desired container. ERR_USAGE for a wrong "K=V". Caller frees `ret`. */
int spec_desired(const struct spec_request *request, struct container *ret,
                 struct err *err) MUST_USE;

/* What the user set in a field of the old container: less its image's own, and less what the engine
 * made up. Caller owns. */
json_t *spec_user_value(const struct container *old, const json_t *old_image,
                        const struct spec_field *f);
/* Does a Config ask for an anonymous volume there? */
bool spec_has_volume(const json_t *config, const char *destination);

/* What the old container has and no new one could be given: [{"field","value"}]. Caller owns. */
json_t *spec_unkeepable(const struct container *old);

/* Body of POST /containers/create, marked as made by `run`, and with restart policy "no" until the
 * run says otherwise: a created container must not be woken by a restart of the daemon. Caller
 * owns. */
json_t *spec_create_body(const struct container *desired, const char *run);

/* What changes:
 * [{"field":"Config.Env.IS_UPGRADE","old":null,"new":"true","by":"omslaunch"|"image"}]. `old_image`
 * and `new_image` are Config objects or NULL; without the new one, what the image brings is not
 * listed. What looks like a secret is masked. Caller owns. */
json_t *spec_diff(const struct container *old, const json_t *old_image,
                  const struct container *desired, const json_t *new_image);

/* Fields in which a created container is not what was desired, in the form of spec_diff() ("old" is
 * what was desired). Empty: it is exact. Caller owns. */
json_t *spec_compare_created(const struct container *desired, const json_t *new_image,
                             const struct container *created);

#endif
