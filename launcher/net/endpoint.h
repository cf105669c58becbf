/* Where an engine is, in the words of the docker CLI:
 *
 *   unix:///path                          a socket on this machine
 *   tcp://host[:port][?TLS]               TLS; TLS is tls=FOLDER (ca.pem, cert.pem, key.pem), or
 * ca=, cert= and key=FILE, or tls alone (the machine's own authorities); "insecure" allows what
 * protects nothing: no TLS, or a certificate that nobody verifies ssh://[user@]host[:port][/socket]
 * the user's own ssh, to a socket on that host
 *
 * The text says everything, so that a plan can keep it. Values after '?' are percent-encoded. */
#ifndef OMSLAUNCH_NET_ENDPOINT_H
#define OMSLAUNCH_NET_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

#define ENDPOINT_DEFAULT "unix:///var/run/docker.sock"

struct transport;

struct endpoint {
    const struct transport *transport;
    char *text;    /* all of it */
    char *shown;   /* what errors name: without what follows '?' */
    char *path;    /* of the socket: on this machine, or with ssh on the host; NULL with tcp */
    char *user;    /* NULL: whoever ssh takes */
    char *host;    /* without the brackets of IPv6; NULL with unix */
    unsigned port; /* 0: ssh's own */
    bool tls, insecure;
    char *ca, *cert, *key; /* absolute paths; NULL: none */
};

#define AUTO_ENDPOINT CLEANUP(endpoint_free)

/* ERR_USAGE for what is not an endpoint, or is one that would send everything in clear text without
 * saying so. Looks at no file and asks no resolver. */
int endpoint_parse(const char *text, struct endpoint *ret, struct err *err) MUST_USE;
void endpoint_free(struct endpoint *e);
/* A fresh text of the same meaning, with absolute paths. Caller frees. */
char *endpoint_format(const struct endpoint *e);

/* May the socket lead to an engine on this machine? Only then a path of the engine can be ours. One
 * that a program such as ssh or socat forwards does not: `peer` is the process that listens on it,
 * 0 if that is not known. */
bool endpoint_is_local(const struct endpoint *e, int peer);

/* Makes it reachable: with ssh, brings the connection up, or up again. `ret_socket` is the socket
 * to speak to, NULL with tcp; borrowed, it lives as long as the process. Several threads may ask
 * for the same endpoint: they share one connection of ssh. */
int endpoint_connect(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                     struct err *err) MUST_USE;

/* What kept a connection from coming about, as far as libcurl tells it. */
enum endpoint_fault {
    FAULT_CONNECT,     /* nobody takes it */
    FAULT_NAME,        /* the host name is not known */
    FAULT_CERTIFICATE, /* the engine's is not to be trusted */
    FAULT_OWN_FILES,   /* ours cannot be used */
    FAULT_OWN_REFUSED, /* the engine does not take ours */
    FAULT_TLS,         /* no TLS there, or none that both sides know */
    FAULT_CLOSED,      /* it ended without a word */
};
/* Says why, with what libcurl says (`detail`; may be ""), looking again where that is not enough.
 * Returns -1: ERR_UNREACHABLE or ERR_PERMISSION. */
int endpoint_fail(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                  struct err *err);

#endif
