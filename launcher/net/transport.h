/* Inside of this room only: what the kinds of endpoints do differently. */
#ifndef OMSLAUNCH_NET_TRANSPORT_H
#define OMSLAUNCH_NET_TRANSPORT_H

#include "launcher/net/endpoint.h"

struct transport {
    const char *scheme; /* "unix://" */
    bool local;
    /* The text behind the scheme. */
    int (*parse)(const char *rest, struct endpoint *e, struct err *err);
    /* See endpoint_connect(). */
    int (*connect)(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                   struct err *err);
    /* See endpoint_fail(). */
    int (*explain)(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                   struct err *err);
};

extern const struct transport transport_unix, transport_tcp, transport_ssh;

/* "[user@]host[:port]" out of `text`, which ends there. ERR_USAGE. */
int transport_parse_host(const char *text, struct endpoint *e, struct err *err) MUST_USE;
/* An absolute path that a socket can have, from `text` (all of it). ERR_USAGE. */
int transport_parse_socket(const char *text, struct endpoint *e, struct err *err) MUST_USE;

#endif
