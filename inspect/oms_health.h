/* What OMS says of itself (domain, "What OMS is, seen from its container": health). */
#ifndef OMSLAUNCH_INSPECT_OMS_HEALTH_H
#define OMSLAUNCH_INSPECT_OMS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct oms_health {
    bool healthy;
    struct str state;       /* "healthy", "answers with status 503", "does not answer: …" */
    struct str certificate; /* over HTTPS: subject and end of validity; "" otherwise */
};

#define AUTO_OMS_HEALTH CLEANUP(oms_health_free)

/* Where an OMS answers; caller frees. */
char *oms_health_url(const char *host, unsigned port, bool tls);
/* GET `url`. Never fails: what is wrong is the state. Certificates are reported, not verified: an
 * OMS has one of its own making. */
void oms_health_ask(const char *url, uint64_t timeout_ms, struct oms_health *ret);
void oms_health_free(struct oms_health *h);

#endif
