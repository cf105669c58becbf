#include "launcher/net/http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/net/http_curl.h"

#define MAX_ANSWER ((size_t)64 << 20) /* the list of all containers stays far below */
#define MAX_ERROR_ANSWER ((size_t)64 << 10)
#define MAX_HEADERS 128
#define UPLOAD_BUFFER (512L << 10)
#define POLL_SLICE_MS 200

struct http {
    const struct endpoint *endpoint;
    uint64_t connect_timeout_ms;
    uint64_t answer_timeout_ms;
    CURL *easy;
    CURLM *multi;
    int peer; /* process; 0: not known */
};

/* What the callbacks of one request share. */
struct transfer {
    struct http *http;
    const struct http_request *request;
    struct http_answer *answer;
    uint64_t moved_ms; /* when the last byte moved, in either direction */
    bool answering;    /* the status line is here */
    bool headers_done; /* so is the empty line behind the headers */
    bool too_large;
    bool source_failed;
    char curl_text[CURL_ERROR_SIZE];
};

int http_new(const struct http_options *options, struct http **ret, struct err *err)
{
    http_curl_init();
    struct http *h = mem_alloc(sizeof(*h));
    h->endpoint = options->endpoint;
    h->connect_timeout_ms = options->connect_timeout_ms;
    h->answer_timeout_ms = options->answer_timeout_ms;
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();
    if (h->easy == NULL || h->multi == NULL) {
        http_free(h);
        return err_fail(err, ERR_FAILED, "libcurl does not start");
    }
    *ret = h;
    return 0;
}

void http_free(struct http *h)
{
    if (h == NULL) {
        return;
    }
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    free(h);
}

int http_peer(const struct http *h)
{
    return h->peer;
}

/* ---- callbacks of libcurl ---- */

/* Asked while the connection is there for sure. */
static void note_peer(struct http *h)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof(peer);

    if (h->peer == 0 && curl_easy_getinfo(h->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
        h->peer = (int)peer.pid;
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;

    t->moved_ms = clock_mono_ms();
    t->answering = true;
    note_peer(t->http);
    while (len > 0 && (bytes[len - 1] == '\r' || bytes[len - 1] == '\n')) {
        len--;
    }
    bool first = len >= 5 && memcmp(bytes, "HTTP/", 5) == 0;
    t->headers_done = len == 0 || (t->headers_done && !first); /* trailers come after the body */
    if (first) {
        strv_free(&t->answer->headers); /* those of a "100 Continue" do not count */
    } else if (len > 0 && t->answer->headers.count < MAX_HEADERS) {
        strv_addf(&t->answer->headers, "%.*s", (int)len, bytes);
    }
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;
    long status = 0;

    t->moved_ms = clock_mono_ms();
    (void)curl_easy_getinfo(t->http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        /* Enough for any message; of a whole web page the rest is of no use. */
        size_t room = MAX_ERROR_ANSWER - t->answer->body.len;
        str_append_n(&t->answer->body, bytes, len < room ? len : room);
        t->answer->stopped = len > room;
        return t->answer->stopped ? 0 : len;
    }
    if (t->request->sink != NULL) {
        t->answer->stopped = t->request->sink(t->request->arg, bytes, len) != 0;
        return t->answer->stopped ? 0 : len;
    }
    if (t->answer->body.len + len > MAX_ANSWER) {
        t->too_large = true;
        return 0;
    }
    str_append_n(&t->answer->body, bytes, len);
    return len;
}

static size_t on_source(char *buf, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    ssize_t n = t->request->source(t->request->arg, buf, size * count);

    t->moved_ms = clock_mono_ms();
    if (n < 0) {
        t->source_failed = true;
        return CURL_READFUNC_ABORT;
    }
    return (size_t)n;
}

/* ---- one transfer ---- */

static int timeout_error(const struct transfer *t, uint64_t timeout_ms, struct err *err)
{
    AUTO_STR struct str time = STR_INIT;

    str_append_duration(&time, timeout_ms);
    return err_fail(err, ERR_TIMEOUT,
                    t->answering
                        ? "the answer of the Docker Engine at '%s' stalled: nothing came for %s\n"
                          "HINT: the engine may hang; look at its log with 'journalctl -u docker'"
                        : "the Docker Engine at '%s' did not answer within %s\n"
                          "HINT: the engine may hang; look at its log with 'journalctl -u docker'",
                    t->http->endpoint->shown, str_get(&time));
}

/* What libcurl's number says of the connection; -1: that it is not about that. */
static int connection_fault(const struct transfer *t, CURLcode code)
{
    const struct endpoint *e = t->http->endpoint;

    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        return FAULT_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return FAULT_NAME;
    case CURLE_PEER_FAILED_VERIFICATION:
        return FAULT_CERTIFICATE;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return FAULT_OWN_FILES;
    case CURLE_SSL_CONNECT_ERROR:
        return strstr(t->curl_text, "alert") != NULL ? FAULT_OWN_REFUSED : FAULT_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        if (e->host == NULL || t->answering) {
            return -1;
        }
        /* With TLS 1.3 a client's certificate is judged only after the handshake, and the alert
         * that says so may get lost behind the end of the connection. */
        return e->tls ? FAULT_OWN_REFUSED : FAULT_CLOSED;
    default:
        return -1;
    }
}

/* Why, in more words than the fault has itself; "" if there are none worth reading. */
static const char *fault_detail(const struct transfer *t, enum endpoint_fault fault)
{
    long number = 0;

    if (fault == FAULT_CONNECT) {
        (void)curl_easy_getinfo(t->http->easy, CURLINFO_OS_ERRNO, &number);
        return number != 0 ? strerror((int)number) : "";
    }
    bool told = fault == FAULT_CERTIFICATE || fault == FAULT_TLS || fault == FAULT_OWN_FILES;
    return told ? http_curl_words(t->curl_text) : "";
}

static int transfer_error(const struct transfer *t, CURLcode code, struct err *err)
{
    const struct http *h = t->http;
    const char *shown = h->endpoint->shown;
    int fault = connection_fault(t, code);
    bool cut = code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
               code == CURLE_PARTIAL_FILE;

    if (fault >= 0) {
        return endpoint_fail(h->endpoint, (enum endpoint_fault)fault,
                             fault_detail(t, (enum endpoint_fault)fault), err);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return timeout_error(t, h->connect_timeout_ms, err);
    }
    if (t->too_large) {
        return err_fail(err, ERR_FAILED,
                        "the answer of the Docker Engine at '%s' is larger than %zu MiB", shown,
                        MAX_ANSWER >> 20);
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
        return err_fail(err, ERR_UNREACHABLE,
                        "what answers at '%s' is no Docker Engine: it does not speak HTTP\n"
                        "HINT: give the engine's own socket, usually unix:///var/run/docker.sock",
                        shown);
    }
    if (cut) {
        return err_fail(err, ERR_UNREACHABLE,
                        t->answering
                            ? "the Docker Engine at '%s' broke off in the middle of its answer\n"
                              "HINT: did the engine stop? Look at 'journalctl -u docker'"
                            : "the Docker Engine at '%s' closed the connection without an answer\n"
                              "HINT: did the engine stop? Look at 'journalctl -u docker'",
                        shown);
    }
    return err_fail(err, ERR_FAILED, "the talk with the Docker Engine at '%s' failed: %s", shown,
                    t->curl_text[0] != '\0' ? t->curl_text : curl_easy_strerror(code));
}

static void connection_setup(const struct http *h, const char *socket)
{
    const struct endpoint *e = h->endpoint;
    CURL *c = h->easy;

    if (socket != NULL) {
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
    }
    if (!e->tls) {
        return;
    }
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, e->insecure ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, e->insecure ? 0L : 2L);
    if (e->ca != NULL) {
        /* That authority alone: not also those that the machine trusts. */
        curl_easy_setopt(c, CURLOPT_CAINFO, e->ca);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (e->cert != NULL) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, e->cert);
        curl_easy_setopt(c, CURLOPT_SSLKEY, e->key);
    }
}

/* libcurl repeats a request when a kept connection turns out dead. That is harmless for a question;
 * a change that the engine had already begun (an exec!) would be made twice, so it gets a
 * connection of its own. */
static void reuse_setup(CURL *c, const char *method)
{
    bool asks = str_eq(method, "GET") || str_eq(method, "HEAD");

    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, asks ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, asks ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
}

static struct curl_slist *headers_of(const struct http_request *r)
{
    struct curl_slist *headers = NULL;

    if (str_eq(r->method, "POST")) {
        AUTO_FREE char *type = r->content_type != NULL
                                   ? mem_printf("Content-Type: %s", r->content_type)
                                   : mem_strdup("Content-Type:");
        headers = curl_slist_append(headers, "Expect:");
        headers = curl_slist_append(headers, type);
    }
    for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++) {
        headers = curl_slist_append(headers, r->headers[i]);
    }
    return headers;
}

/* The lists must live until the end of the transfer. */
static struct curl_slist *transfer_setup(struct transfer *t, const char *url, const char *socket)
{
    const struct http *h = t->http;
    const struct http_request *r = t->request;
    CURL *c = h->easy;
    struct curl_slist *headers = headers_of(r);

    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    connection_setup(h, socket);
    reuse_setup(c, r->method);
    http_curl_protocols(c);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever http_proxy says */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_timeout_ms);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "omslaunch/" OMSLAUNCH_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_text);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (str_eq(r->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    }
    if (str_eq(r->method, "DELETE")) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
    if (!str_eq(r->method, "POST")) {
        return headers;
    }
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    if (r->source != NULL) {
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_source);
        curl_easy_setopt(c, CURLOPT_READDATA, t);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->source_len);
        curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
    } else {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body != NULL ? r->body : "");
    }
    return headers;
}

/* Whether `t` may go on; `ret_wait_ms` is how long before this must be asked again. */
static int transfer_check(const struct transfer *t, int *ret_wait_ms, struct err *err)
{
    const struct http *h = t->http;
    const struct http_request *r = t->request;
    uint64_t limit = t->answering ? r->idle_timeout_ms : r->answer_timeout_ms;
    uint64_t wait = POLL_SLICE_MS;

    if (stop_requested()) {
        return err_fail(err, ERR_INTERRUPTED,
                        "stopped by a signal while waiting for the Docker Engine at '%s'",
                        h->endpoint->shown);
    }
    if (clock_passed(r->deadline_ms)) {
        return err_fail(err, ERR_TIMEOUT, "the Docker Engine at '%s' did not finish in time",
                        h->endpoint->shown);
    }
    limit = limit == 0 ? h->answer_timeout_ms : limit;
    if (limit != HTTP_NEVER_MS) {
        uint64_t idle = clock_mono_ms() - t->moved_ms;
        if (idle >= limit) {
            return timeout_error(t, limit, err);
        }
        wait = limit - idle < wait ? limit - idle : wait;
    }
    uint64_t left = clock_left_ms(r->deadline_ms);
    wait = left < wait ? left : wait;
    *ret_wait_ms = wait > 0 ? (int)wait : 1;
    return 0;
}

static int transfer_wait(struct transfer *t, CURLcode *ret, struct err *err)
{
    const struct http *h = t->http;

    for (;;) {
        int running = 0, wait_ms = 0, left = 0;
        /* Looked at before the first byte is sent, too. */
        if (transfer_check(t, &wait_ms, err) < 0) {
            return -1;
        }
        CURLMcode code = curl_multi_perform(h->multi, &running);
        if (code != CURLM_OK) {
            return err_fail(err, ERR_FAILED, "libcurl: %s", curl_multi_strerror(code));
        }
        const struct CURLMsg *message = curl_multi_info_read(h->multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE) {
            *ret = message->data.result;
            return 0;
        }
        struct curl_waitfd stop = {.fd = stop_fd(), .events = CURL_WAIT_POLLIN};
        (void)curl_multi_poll(h->multi, &stop, stop.fd >= 0 ? 1 : 0, wait_ms, NULL);
    }
}

static char *url_of(const struct endpoint *e, const char *socket, const char *path)
{
    if (socket != NULL) {
        return mem_printf("http://docker%s", path);
    }
    return mem_printf(strchr(e->host, ':') != NULL ? "%s://[%s]:%u%s" : "%s://%s:%u%s",
                      e->tls ? "https" : "http", e->host, e->port, path);
}

int http_run(struct http *h, const struct http_request *r, struct http_answer *ret, struct err *err)
{
    struct transfer t = {.http = h, .request = r, .answer = ret, .moved_ms = clock_mono_ms()};
    const char *socket = NULL;
    CURLcode code = CURLE_OK;
    long status = 0;

    if (endpoint_connect(h->endpoint, h->connect_timeout_ms, &socket, err) < 0) {
        return -1;
    }
    AUTO_FREE char *url = url_of(h->endpoint, socket, r->path);
    struct curl_slist *headers = transfer_setup(&t, url, socket);
    (void)curl_multi_add_handle(h->multi, h->easy);
    int rc = transfer_wait(&t, &code, err);
    (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(h->multi, h->easy);
    curl_slist_free_all(headers);
    if (rc < 0) {
        return -1;
    }
    ret->status = (int)status;
    if (code == CURLE_OK && !t.headers_done) {
        code = CURLE_PARTIAL_FILE; /* libcurl takes headers that are cut short for whole ones */
    }
    if (t.source_failed) {
        return -1; /* it has told why */
    }
    /* An engine that refuses an upload may close before it has read all of it: its words count. */
    bool told = ret->status >= 300 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
    if (code != CURLE_OK && !ret->stopped && !told) {
        return transfer_error(&t, code, err);
    }
    return 0;
}
