/* The TLS pair that nginx of an OMS container serves with. */
#ifndef OMSLAUNCH_INSPECT_TLS_FACTS_H
#define OMSLAUNCH_INSPECT_TLS_FACTS_H

#include <stdbool.h>

#include "inspect/container.h"
#include "launcher/base/certificate.h"
#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/engine/engine.h"

struct tls_facts {
    bool present; /* the container binds both files */
    bool known;   /* they could be read; else the note says why not */
    struct certificate_pair pair;
    char *note;
};

/* Reads both files out of the container; `on_host`: the bind sources on this machine instead,
 * because the container does not exist yet or must not be looked into (see mount_fact.h). Files
 * that cannot be read are no failure. The key's bytes are wiped. */
int tls_facts_observe(struct engine *e, const struct container *c, bool on_host,
                      struct tls_facts *ret, struct err *err) MUST_USE;
void tls_facts_free(struct tls_facts *f);

#endif
