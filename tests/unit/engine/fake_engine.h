/* An engine that says what the test tells it to: a thread on a unix socket, one canned answer for
 * each connection, in order. Answers may come in small pieces, late, cut short or never. */
#ifndef OMSLAUNCH_TESTS_FAKE_ENGINE_H
#define OMSLAUNCH_TESTS_FAKE_ENGINE_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/str.h"
#include "launcher/engine/engine.h"
#include "tests/unit/unit.h"

#define FAKE_MAX 40

struct fake_reply {
    const char *expect; /* how the request begins; NULL: anything */
    bool optional;      /* it may be that nobody asks for it */
    const char *bytes;
    size_t len;    /* of the bytes; 0: up to the NUL */
    size_t split;  /* bytes a write; 0: all at once */
    int pause_ms;  /* between two writes, and before the first */
    int linger_ms; /* before it closes, without reading on: as Go's server does */
    bool early;    /* answers after the request's headers, without reading its body */
    bool hang;     /* says no more and keeps the connection until the end of the test */
};

struct fake {
    char folder[32];
    char path[64];
    char endpoint[80];
    int fd;
    int stop[2];
    pthread_t thread;
    const struct fake_reply *replies;
    size_t count;
    size_t served;                 /* valid after fake_end() */
    struct str requests[FAKE_MAX]; /* as they came, each one whole */
    const char *problem[FAKE_MAX]; /* NULL: it began as expected */
    int held[FAKE_MAX];
};

static size_t fake_content_length(const char *request)
{
    const char *at = strcasestr(request, "\r\nContent-Length: ");
    return at != NULL ? (size_t)strtoul(at + 18, NULL, 10) : 0;
}

/* Headers and body; false when the test is over. */
static bool fake_read(const struct fake *f, int fd, bool early, struct str *ret)
{
    char buf[65536];

    for (;;) {
        struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                                  {.fd = f->stop[0], .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 || polled[1].revents != 0) {
            return false;
        }
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n <= 0) {
            return true;
        }
        str_append_n(ret, buf, (size_t)n);
        const char *end = strstr(str_get(ret), "\r\n\r\n");
        if (end == NULL) {
            continue;
        }
        size_t want = (size_t)(end + 4 - ret->data) + fake_content_length(str_get(ret));
        if (early || ret->len >= want) {
            return true;
        }
    }
}

static void fake_write(const struct fake *f, int fd, const struct fake_reply *r)
{
    size_t len = r->len != 0 ? r->len : r->bytes != NULL ? strlen(r->bytes) : 0;
    size_t at = 0;

    while (at < len) {
        size_t n = r->split != 0 && r->split < len - at ? r->split : len - at;
        struct pollfd polled = {.fd = f->stop[0], .events = POLLIN};
        if (r->pause_ms > 0 && poll(&polled, 1, r->pause_ms) > 0) {
            return;
        }
        ssize_t sent = send(fd, r->bytes + at, n, MSG_NOSIGNAL);
        if (sent < 0) {
            return;
        }
        at += (size_t)sent;
    }
}

static void *fake_main(void *arg)
{
    struct fake *f = arg;

    for (size_t i = 0; i < f->count; i++) {
        struct pollfd polled[] = {{.fd = f->fd, .events = POLLIN},
                                  {.fd = f->stop[0], .events = POLLIN}};
        f->served = i;
        if (poll(polled, 2, -1) < 0 || polled[1].revents != 0) {
            return NULL;
        }
        int fd = accept(f->fd, NULL, NULL);
        const struct fake_reply *r = &f->replies[i];
        if (!fake_read(f, fd, r->early, &f->requests[i])) {
            (void)close(fd);
            return NULL;
        }
        f->served = i + 1;
        if (r->expect != NULL && !str_starts_with(str_get(&f->requests[i]), r->expect)) {
            f->problem[i] = r->expect;
        }
        fake_write(f, fd, r);
        if (r->hang) {
            f->held[i] = fd;
        }
        if (r->linger_ms > 0) {
            (void)usleep((useconds_t)r->linger_ms * 1000);
        }
        if (!r->hang) {
            (void)close(fd);
        }
    }
    return NULL;
}

static void fake_start(struct fake *f, const struct fake_reply *replies, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memset(f, 0, sizeof(*f));
    assert_in_range(count, 0, FAKE_MAX);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/omsl-fake.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
    (void)snprintf(f->endpoint, sizeof(f->endpoint), "unix://%s", f->path);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
    f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(f->fd, 16), 0);
    assert_int_equal(pipe(f->stop), 0);
    f->replies = replies;
    f->count = count;
    assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
}

/* Ends the thread; every reply must have been asked for, by the request that was expected. */
static void fake_end(struct fake *f)
{
    (void)close(f->stop[1]);
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    (void)close(f->stop[0]);
    (void)close(f->fd);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    for (size_t i = 0; i < f->count; i++) {
        if (f->held[i] > 0) {
            (void)close(f->held[i]);
        }
        if (f->problem[i] != NULL) {
            fail_msg("expected '%s', but got '%s'", f->problem[i], str_get(&f->requests[i]));
        }
    }
    assert_true(f->served == f->count || f->replies[f->served].optional);
    for (size_t i = 0; i < f->count; i++) {
        str_free(&f->requests[i]);
    }
}

/* The texts that most answers are made of. */
#define FAKE_PING_OF(version)                                                                    \
    "HTTP/1.1 200 OK\r\nApi-Version: " version "\r\nContent-Type: text/plain; charset=utf-8\r\n" \
    "Content-Length: 2\r\n\r\nOK"
#define FAKE_PING                                                          \
    {                                                                      \
        .expect = "GET /_ping HTTP/1.1\r\n", .bytes = FAKE_PING_OF("1.41") \
    }
/* A body that ends with the connection. */
#define FAKE_JSON(status, body) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n\r\n" body

/* Does it answer slowly, or not at all? */
static inline bool fake_tries_patience(const struct fake *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->replies[i].hang || f->replies[i].pause_ms > 0) {
            return true;
        }
    }
    return false;
}

/* Opens it: with short timeouts only where they are the test, since a busy machine is slow too. */
static inline struct engine *fake_open(const struct fake *f)
{
    const uint64_t timeout_ms = fake_tries_patience(f) ? 300 : 30000;
    const struct engine_options options = {
        .endpoint = f->endpoint, .connect_timeout_ms = timeout_ms, .answer_timeout_ms = timeout_ms};
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    assert_ok(engine_open(&options, &e, &err), &err);
    return e;
}

#endif
