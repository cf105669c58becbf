/* Which engine is meant, by the docker CLI's own words, variables and files. */
#ifndef OMSLAUNCH_ENGINE_DOCKER_CONFIG_H
#define OMSLAUNCH_ENGINE_DOCKER_CONFIG_H

#include <stdbool.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"

/* What the command line, or a file, says of one engine. All may be NULL or false. */
struct engine_wish {
    const char *context;
    const char *host;
    bool tls; /* also without files of our own */
    const char *tlscacert, *tlscert, *tlskey;
    bool insecure_tcp; /* clear text, and certificates that nobody verifies, are allowed */
};

/* The endpoint (net/endpoint.h) that is meant: context, host, $DOCKER_HOST, $DOCKER_CONTEXT,
 * currentContext of config.json, the default socket; the first that is there counts. TLS comes from
 * the context, or the wish, $DOCKER_TLS_VERIFY and $DOCKER_CERT_PATH. ERR_USAGE, ERR_CONFIG,
 * ERR_NOT_FOUND (no such context). Caller frees. */
int engine_choose(const struct engine_wish *wish, char **ret, struct err *err) MUST_USE;

/* $DOCKER_CONFIG, else ~/.docker. Caller frees. */
char *docker_config_folder(void);
/* Its config.json; an empty object when there is none. ERR_CONFIG. Caller owns. */
int docker_config_read(json_t **ret, struct err *err) MUST_USE;

#endif
