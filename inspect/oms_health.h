/* What OMS says of itself (domain, "What OMS is, seen from its container": health; and "Sites as
 * they are": no document before OBD's mentions /oms/health, so a version may not have it). */
#ifndef OMSLAUNCH_INSPECT_OMS_HEALTH_H
#define OMSLAUNCH_INSPECT_OMS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/oms_version.h"
#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

enum health_answer {
    HEALTH_NOT_ASKED,
    HEALTH_SILENT, /* nobody answers */
    HEALTH_ABSENT, /* the console answers, and this version has no /oms/health */
    HEALTH_UNWELL, /* it says so, or cannot say */
    HEALTH_WELL,
    HEALTH_ANSWER_MAX
};

struct oms_health {
    enum health_answer answer;
    char *url;              /* where it was asked last; NULL: not asked */
    bool inside;            /* it was asked from inside of the container */
    struct str state;       /* "healthy", "answers with status 503", "does not answer: …" */
    struct str certificate; /* over HTTPS: subject and end of validity; "" otherwise */
};

#define AUTO_OMS_HEALTH CLEANUP(oms_health_free)

/* Where an OMS is to be found. All borrowed. */
struct health_place {
    const char *host_ip;   /* its OMS_HOST_IP; NULL: only 127.0.0.1 */
    unsigned port;         /* nginx_server_port */
    bool tls;              /* the TLS pair is bound */
    bool local;            /* its engine is on this machine, so that 127.0.0.1 is its own */
    struct engine *engine; /* NULL: it is not asked through the container */
    const char *container; /* its ID */
    const char *known_url; /* where it answered last time, asked first; may be NULL */
};

/* The address that people use; caller frees. */
char *oms_health_url(const char *host, unsigned port, bool tls);
/* Asks everywhere until somebody answers: the node's own address (which may not be reachable from
 * here), 127.0.0.1 where that is its host, and from inside of the container; HTTPS where HTTP is
 * answered "plain HTTP request was sent to HTTPS port", and the reverse. `timeout_ms` counts for
 * each. Never fails: what is wrong is the state. Certificates are reported, not verified: an OMS
 * has one of its own making. */
void oms_health_find(const struct health_place *place, uint64_t timeout_ms, struct oms_health *ret);
/* The port in a URL that was made by oms_health_url(); 0: in no other. */
unsigned oms_health_port(const char *url);
/* Whether versions like this one are known to have /oms/health: OBD asks for it from 4.1.1 on. */
bool oms_health_is_known_of(const struct oms_version *v);
/* What an answer means; `ret` has the answer and the state. Pure. */
void oms_health_judge(int status, const char *body, size_t len, struct oms_health *ret);
void oms_health_free(struct oms_health *h);

#endif
