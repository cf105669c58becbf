/* An engine and its machine, from GET /info. */
#ifndef OMSLAUNCH_INSPECT_HOST_FACTS_H
#define OMSLAUNCH_INSPECT_HOST_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

struct host_facts {
    char *id; /* the engine's own, whatever its endpoint is called; NULL: it does not tell */
    char *name;
    char *engine_version, *api_version;
    char *os;           /* "Debian GNU/Linux 12 (bookworm)" */
    char *architecture; /* as the engine spells it: "x86_64", "aarch64" */
    char *storage_driver;
    struct strv storage_status; /* what the driver says of itself: "Supports d_type: true" */
    char *root_dir;
    unsigned cores;
    uint64_t memory_bytes;
    bool rootless;
    bool live_restore;     /* containers live on while the engine is restarted */
    bool local;            /* this very machine: its paths can be looked at directly */
    bool addresses_known;  /* only of this machine */
    struct strv addresses; /* "192.0.2.7", "2001:db8::1" */
    bool root_free_known;
    uint64_t root_free_bytes; /* below root_dir */
    bool clock_known;
    int64_t clock_ahead_ms; /* the engine's clock minus ours */
};

int host_facts_observe(struct engine *e, struct host_facts *ret, struct err *err) MUST_USE;
/* The part without I/O: `near` says whether the transport ends on this machine, `this_host` is the
 * name of this machine, `asked_ms` our wall clock when the engine was asked. root_free_… and
 * addresses stay unknown. */
void host_facts_from_info(const json_t *info, bool near, const char *this_host, uint64_t asked_ms,
                          struct host_facts *ret);
void host_facts_free(struct host_facts *f);

#endif
