/* Every field of the Engine's container configuration, and what becomes of it in an upgrade. One
 * table; a field that is not in it and holds something cannot be kept, and is refused by name. */
#ifndef OMSLAUNCH_SPEC_SPEC_FIELDS_H
#define OMSLAUNCH_SPEC_SPEC_FIELDS_H

#include <stdbool.h>

#include "launcher/base/json.h"

enum spec_fate {
    SPEC_KEPT,    /* carried over from the old container, less its image's own value */
    SPEC_OURS,    /* omslaunch says what it is (domain, "What OMS is, seen from its container") */
    SPEC_DERIVED, /* the engine or its client computes it; carrying it over would freeze it */
    SPEC_LOST,    /* cannot be kept: refused when the old container has it */
    SPEC_FATE_MAX
};

/* How two values of a field are told apart, and how an image's value is subtracted. */
enum spec_shape {
    SPEC_VALUE,  /* as a whole */
    SPEC_ENV,    /* list of "K=V": by name */
    SPEC_MAP,    /* object: by key */
    SPEC_LIMIT,  /* a number of which 0, -1 and null all mean "no limit" */
    SPEC_MOUNTS, /* compared as the engine resolves them, not as they were written */
    SPEC_SHAPE_MAX
};

struct spec_field {
    const char *section; /* "Config" or "HostConfig" */
    const char *name;
    enum spec_fate fate;
    enum spec_shape shape;
    bool from_image; /* an image may set it too, under the same name in its Config */
};

/* The table's row for a field, or NULL. */
const struct spec_field *spec_field_find(const char *section, const char *name);
/* The table itself, for listings. */
const struct spec_field *spec_field_table(size_t *ret_count);

/* null, false, 0, "", [] and {} say the same: nothing. */
bool spec_is_empty(const json_t *value);
/* Equal for this shape; empty equals empty. */
bool spec_is_equal(enum spec_shape shape, const json_t *a, const json_t *b);
/* `value` less what `image` has already, by shape. Caller owns. */
json_t *spec_subtract(enum spec_shape shape, const json_t *value, const json_t *image);
/* `value` laid over `image`: what the engine makes of both. Caller owns. */
json_t *spec_overlay(enum spec_shape shape, const json_t *value, const json_t *image);
/* What of `image` still shows when `value` is laid over it. Caller owns. */
json_t *spec_mask(enum spec_shape shape, const json_t *image, const json_t *value);
/* What a field of the Config of a running container may have from its image, to be subtracted; NULL
 * when the user's own entrypoint keeps the image's command away. Borrowed. */
const json_t *spec_image_default(const struct spec_field *f, const json_t *config,
                                 const json_t *image);
/* The same, of a container to be made: what the image will bring beside `desired`. Borrowed. */
const json_t *spec_image_brings(const struct spec_field *f, const json_t *desired,
                                const json_t *image);

/* "K=V" lists: value of K or NULL (borrowed; the last of several counts); set, to one entry; drop;
 * is there an entry of the same name before this one? */
const char *spec_env_get(const json_t *env, const char *name);
bool spec_env_is_repeated(const json_t *env, size_t index);
void spec_env_set(json_t *env, const char *name, const char *value);
void spec_env_drop(json_t *env, const char *name);

#endif
