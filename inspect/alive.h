/* Is anybody alive on these databases? Whoever replaces or drops one asks first. */
#ifndef OMSLAUNCH_INSPECT_ALIVE_H
#define OMSLAUNCH_INSPECT_ALIVE_H

#include "inspect/oms_config.h"
#include "launcher/base/err.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

/* Databases of one MetaDB. All borrowed. */
struct alive_place {
    const char *host;
    unsigned port;
    const struct strv *databases;
};

/* Looks into config.yaml of each OMS container that runs on the engine, as its processes see it,
 * but those whose IDs are in `but`. 0: none of them uses one of the databases. ERR_REFUSED names
 * the first that does, and how to stop it. A container whose file cannot be read is not taken for
 * one that does. */
int alive_check_engine(struct engine *e, const struct alive_place *place, const struct strv *but,
                       struct err *err) MUST_USE;
/* Do two spellings of an address mean one server? Loopback is any address of this machine. */
bool alive_is_same_host(const char *a, const char *b);

#endif
