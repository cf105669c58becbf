/* Which config.yaml a running OMS works by. A bind of a file is an inode: editors and `sed -i` put
 * another in its place, and then the running container keeps the old one, while the engine's
 * archive call and the next container get the new one (lab notes). */
#ifndef OMSLAUNCH_INSPECT_CONFIG_SEEN_H
#define OMSLAUNCH_INSPECT_CONFIG_SEEN_H

#include <stdbool.h>

#include "inspect/container.h"
#include "inspect/oms_config.h"
#include "launcher/base/err.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

enum config_state {
    CONFIG_UNKNOWN, /* could not be compared; the note says why, NULL: it does not run */
    CONFIG_SAME,    /* byte for byte */
    CONFIG_EDITED,  /* comments, quotes or order: the same values */
    CONFIG_OTHER,   /* values differ, those of `keys` */
    CONFIG_STATE_MAX
};

struct config_seen {
    enum config_state state;
    struct strv keys; /* of CONFIG_OTHER; never their values */
    char *note;
};

/* What the processes of a running container see, through /proc of its main process where `local`,
 * else by `cat` inside. Whoever holds the text wipes it (oms_config_text_wipe()). */
int config_seen_read(struct engine *e, const struct container *c, bool local,
                     struct str *ret_secret, struct err *err) MUST_USE;
/* Compares it with `file`, what the next container will read; `source` as for oms_config_read().
 * Never fails: what cannot be told is CONFIG_UNKNOWN. */
void config_seen_observe(struct engine *e, const struct container *c, bool local,
                         const struct oms_config *file, const char *source,
                         struct config_seen *ret);
/* Does the running OMS work on another MetaDB or other databases than the file names? */
bool config_seen_is_elsewhere(const struct config_seen *s);
void config_seen_free(struct config_seen *s);

/* Is the process `pid` one of that container, by what `proc` says? */
bool process_is_of_container(const char *proc, const char *pid, const char *container_id);

#endif
