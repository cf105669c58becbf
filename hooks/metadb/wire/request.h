/* What the program was asked: the JSON document on stdin (hooks/metadb_call.h). */
#ifndef OMSLAUNCH_METADB_REQUEST_H
#define OMSLAUNCH_METADB_REQUEST_H

#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct request {
    char *run; /* NULL when the caller gave none */
    char *host;
    uint16_t port;
    char *user;
    struct secret password;
    char *rm_db, *cm_db;       /* NULL when not named */
    struct strv heartbeat_dbs; /* one for each region */
    json_t *parameters;        /* "request"; an empty object when absent */
    uint64_t timeout_ms;       /* 0: none */
};

/* Reads `fd` to its end or to an empty line (at most 1 MiB) and takes it apart; the input is wiped.
 * ERR_USAGE when it is not such a document. */
int request_read(int fd, struct request *ret, struct err *err) MUST_USE;
/* The same from memory. `text` is not changed. */
int request_parse(const char *text, size_t len, struct request *ret, struct err *err) MUST_USE;
void request_free(struct request *r);

/* The databases in the order rm, cm, heartbeats. Copies into `ret`. */
void request_databases(const struct request *r, struct strv *ret);

#endif
