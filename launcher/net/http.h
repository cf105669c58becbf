/* One HTTP request at a time to an endpoint. The only home of libcurl; knows nothing of Docker but
 * the words of its errors. */
#ifndef OMSLAUNCH_NET_HTTP_H
#define OMSLAUNCH_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/net/endpoint.h"

#define HTTP_NEVER_MS UINT64_MAX /* as a timeout: wait for ever */

struct http; /* used by one thread at a time; several in several threads are fine */

struct http_options {
    const struct endpoint *endpoint; /* must live longer */
    uint64_t connect_timeout_ms;     /* until it takes the connection, with TLS until that is up */
    uint64_t answer_timeout_ms;      /* default of both timeouts of a request */
};

/* Nothing is connected yet. */
int http_new(const struct http_options *options, struct http **ret, struct err *err) MUST_USE;
void http_free(struct http *h);

/* The process that listens on the socket, once it has answered; 0 if that is not known. */
int http_peer(const struct http *h);

/* Gets the body of a 2xx answer as it comes. Return non-zero to stop reading. */
typedef int (*http_sink_fn)(void *arg, const char *bytes, size_t len);
/* Gives up to `cap` bytes of the request's body. -1 fails the transfer, and it has filled in the
 * error that http_run() was given. */
typedef ssize_t (*http_source_fn)(void *arg, char *buf, size_t cap);

struct http_request {
    const char *method; /* GET, HEAD, POST or DELETE */
    const char *path;   /* escaped, with the query */
    const char *content_type;
    const char *const *headers; /* more of them, "Name: value", NULL-terminated; may be NULL */
    const char *body;           /* from memory … */
    size_t body_len;
    http_source_fn source; /* … or from here, `source_len` bytes */
    uint64_t source_len;
    http_sink_fn sink; /* NULL: the answer's body is collected */
    void *arg;         /* of sink and source */
    /* 0: the default; HTTP_NEVER_MS: none. Both count from the last byte that moved. */
    uint64_t answer_timeout_ms; /* until the first line of the answer */
    uint64_t idle_timeout_ms;   /* between two pieces of its body */
    uint64_t deadline_ms;       /* for all of it, see clock_deadline(); 0: none */
};

struct http_answer {
    int status;
    struct strv headers; /* "Name: value" */
    struct str body;     /* without a sink, and of answers that are not 2xx (then cut at 64 KiB) */
    bool stopped;        /* the sink wanted no more, or an error's text is long enough */
};
#define HTTP_ANSWER_INIT                                                      \
    {                                                                         \
        .status = 0, .headers = STRV_INIT, .body = STR_INIT, .stopped = false \
    }
#define AUTO_HTTP_ANSWER CLEANUP(http_answer_free)
void http_answer_free(struct http_answer *a);

/* An answer of any status is a success here. `ret` must be initialised; the caller frees it in any
 * case. ERR_UNREACHABLE, ERR_PERMISSION, ERR_TIMEOUT, ERR_INTERRUPTED (a stop request,
 * base/stop.h).
 */
int http_run(struct http *h, const struct http_request *r, struct http_answer *ret,
             struct err *err) MUST_USE;
/* GET of any http or https URL, outside of an engine's socket. Certificates are not verified: what
 * they say is told in `ret_certificate` ("CN=oms, valid until …"; empty over http). An answer of
 * any status is a success; its body is cut at 64 KiB. -1 with a text that says why there is no
 * answer. */
int http_get_url(const char *url, uint64_t timeout_ms, struct http_answer *ret,
                 struct str *ret_certificate, struct err *err) MUST_USE;

/* The value of a header, whatever its case; NULL if there is none. Borrowed. */
const char *http_answer_header(const struct http_answer *a, const char *name);

/* Appends `text` percent-encoded, so that it stays one part of a path or a value of a query. */
void http_append_escaped(struct str *s, const char *text);
/* The same, but a '/' stays one. */
void http_append_path(struct str *s, const char *text);

#endif
