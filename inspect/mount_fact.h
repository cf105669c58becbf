/* What stands behind the OMS mounts of a container. */
#ifndef OMSLAUNCH_INSPECT_MOUNT_FACT_H
#define OMSLAUNCH_INSPECT_MOUNT_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/container.h"
#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

enum path_kind {
    PATH_UNKNOWN, /* could not be looked at; the note says why */
    PATH_MISSING,
    PATH_FILE,
    PATH_FOLDER,
    PATH_OTHER, /* a socket, a device, … */
    PATH_KIND_MAX
};

struct mount_fact {
    const char *destination; /* one of OMS_PATH_…; borrowed */
    enum path_kind kind;
    bool on_host;        /* the source itself was looked at; else only what the container sees */
    bool source_is_link; /* known only with on_host */
    char *link_target; /* where it leads in the end; NULL unless it is a link that leads anywhere */
    bool free_known;
    uint64_t free_bytes; /* of the file system below it */
    char *note;          /* why the kind is unknown, or NULL */
};

struct mount_facts {
    struct mount_fact *items; /* one for each OMS mount that the container has */
    size_t count;
    bool source_missing; /* the source of some mount, OMS or not, is known to be missing */
    bool source_wrong;   /* the source of an OMS mount is known not to be what OMS needs there */
    struct strv missing; /* sources of the binds, OMS or not, that are known to be missing */
};

/* `local`: the engine's paths are this machine's, so that sources are looked at directly. That
 * comes first, because each look through the engine makes it create the missing bind sources of
 * the container, as folders. When one is known to be missing or of the wrong kind, the engine is
 * not asked: it could not look either. */
int mount_facts_observe(struct engine *e, const struct container *c, bool local,
                        struct mount_facts *ret, struct err *err) MUST_USE;
/* The same for a container that does not exist yet: only what can be looked at on this machine. */
void mount_facts_of_desired(const struct container *c, bool local, struct mount_facts *ret);
void mount_facts_free(struct mount_facts *f);
/* The fact about an OMS path, or NULL when the container has no such mount. */
const struct mount_fact *mount_facts_at(const struct mount_facts *f, const char *destination);

/* Of a path of this machine; links are followed, `ret_is_link` (may be NULL) says so. */
enum path_kind path_kind_of(const char *path, bool *ret_is_link);
const char *path_kind_text(enum path_kind kind); /* "a file", "a folder", "missing", … */

#endif
