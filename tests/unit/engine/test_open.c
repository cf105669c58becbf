/* Reaching an engine and agreeing on a version; and everything that is no engine. */
#include <sys/types.h>

#include "launcher/engine/call.h"
#include "tests/unit/engine/fake_engine.h"

/* Opens against one reply (or two) and expects an error; %s in `want` is the endpoint. */
static void expect_failure(const struct fake_reply *replies, size_t count, enum err_kind kind,
                           const char *want, const char *want_after)
{
    struct fake f;
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    fake_start(&f, replies, count);
    const struct engine_options options = {.endpoint = f.endpoint, .answer_timeout_ms = 200};
    assert_fails(engine_open(&options, &e, &err));
    AUTO_FREE char *text = mem_printf("%s'%s'%s", want, f.endpoint, want_after);
    assert_err(&err, kind, text);
    assert_null(e);
    fake_end(&f);
}

static void test_versions(void **state)
{
    static const struct {
        const char *text;
        int api;
    } rows[] = {{"1.24", 1024},  {"1.41", 1041}, {"1.52", 1052}, {"1.9", 1009},   {"2.0", 2000},
                {"1.100", 1100}, {"", -1},       {"1", -1},      {"1.", -1},      {"1.41.2", -1},
                {" 1.41", -1},   {"1. 41", -1},  {"1.41 ", -1},  {"-1.41", -1},   {"1.-4", -1},
                {"v1.41", -1},   {"1,41", -1},   {"11.41", -1},  {"1.00041", -1}, {"1.41\n", -1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(engine_api_parse(rows[i].text), rows[i].api);
    }
}

static void test_negotiation(void **state)
{
    static const struct {
        const char *ping;
        const char *agreed;
        const char *second; /* what is asked for once more, NULL: nothing */
    } rows[] = {
        {FAKE_PING_OF("1.24"), "1.24", NULL},
        {FAKE_PING_OF("1.41"), "1.41", NULL},
        {FAKE_PING_OF("1.52"), "1.52", NULL},
        {FAKE_PING_OF("1.53"), "1.52", "GET /v1.52/_ping HTTP/1.1\r\n"},
        {FAKE_PING_OF("2.0"), "1.52", "GET /v1.52/_ping HTTP/1.1\r\n"},
        /* podman adds headers of its own */
        {"HTTP/1.1 200 OK\r\napi-version:1.41\r\nLibpod-Api-Version: 4.3.1\r\n\r\nOK", "1.41",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fake_reply replies[] = {
            {.expect = "GET /_ping HTTP/1.1\r\n", .bytes = rows[i].ping, .split = 1},
            {.expect = rows[i].second, .bytes = FAKE_PING_OF("1.60")}};
        struct fake f;
        fake_start(&f, replies, rows[i].second != NULL ? 2 : 1);
        AUTO_ENGINE struct engine *e = fake_open(&f);
        assert_string_equal(engine_api_version(e), rows[i].agreed);
        assert_string_equal(engine_endpoint(e), f.endpoint);
        fake_end(&f);
    }
}

static void test_versions_apart(void **state)
{
    static const struct fake_reply old[] = {{.bytes = FAKE_PING_OF("1.23")}};
    static const struct fake_reply young[] = {
        {.bytes = FAKE_PING_OF("1.70")},
        {.bytes = FAKE_JSON("400 Bad Request",
                            "{\"message\":\"client version 1.52 is too old. Minimum supported API "
                            "version is 1.60, please upgrade your client to a newer version\"}")}};

    (void)state;
    expect_failure(old, 1, ERR_UNREACHABLE, "the Docker Engine at ",
                   " is too old: it speaks API versions up to 1.23; this program speaks 1.24 to "
                   "1.52\n"
                   "HINT: upgrade the engine to 1.12 or newer");
    expect_failure(young, 2, ERR_UNREACHABLE,
                   "cannot agree on an API version: the Docker Engine at ",
                   " speaks API versions 1.60 to 1.70; this program speaks 1.24 to 1.52\n"
                   "HINT: use a newer omslaunch, or lower the engine's minimum "
                   "(DOCKER_MIN_API_VERSION in the environment of dockerd)");
}

#define NO_ENGINE_HINT "\nHINT: give the engine's own socket, usually unix:///var/run/docker.sock"

static void test_no_engine(void **state)
{
    static const struct fake_reply html[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><head><title>It "
                  "works!</title></head>\r\n<body>\n\tHello   <b>you</b></body></html>"}};
    static const struct fake_reply missing[] = {
        {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}};
    static const struct fake_reply strange[] = {{.bytes = FAKE_PING_OF("one")}};
    static const struct fake_reply mysql[] = {
        {.bytes = "J\0\0\0\n5.5.5-10.11.6-MariaDB\r\n", .len = 28}};
    static const struct fake_reply nothing[] = {{.bytes = ""}};
    static const struct fake_reply half[] = {{.bytes = "HTTP/1.1 200 OK\r\nApi-Ver"}};
    static const struct fake_reply short_body[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 9\r\n\r\nOK"}};

    (void)state;
    expect_failure(html, 1, ERR_UNREACHABLE, "what answers at ",
                   " is no Docker Engine: /_ping gave status 200, text/html and no API version: It "
                   "works! Hello you" NO_ENGINE_HINT);
    expect_failure(missing, 1, ERR_UNREACHABLE, "what answers at ",
                   " is no Docker Engine: /_ping gave status 404, no content type and no API "
                   "version" NO_ENGINE_HINT);
    expect_failure(strange, 1, ERR_UNREACHABLE, "what answers at ",
                   " is no Docker Engine: /_ping gave status 200, text/plain; charset=utf-8 and no "
                   "API version: OK" NO_ENGINE_HINT);
    expect_failure(mysql, 1, ERR_UNREACHABLE, "what answers at ",
                   " is no Docker Engine: it does not speak HTTP\nHINT: give the engine's own "
                   "socket, usually unix:///var/run/docker.sock");
    expect_failure(nothing, 1, ERR_UNREACHABLE, "the Docker Engine at ",
                   " closed the connection without an answer\n"
                   "HINT: did the engine stop? Look at 'journalctl -u docker'");
    expect_failure(half, 1, ERR_UNREACHABLE, "the Docker Engine at ",
                   " broke off in the middle of its answer\n"
                   "HINT: did the engine stop? Look at 'journalctl -u docker'");
    expect_failure(short_body, 1, ERR_UNREACHABLE, "the Docker Engine at ",
                   " broke off in the middle of its answer\n"
                   "HINT: did the engine stop? Look at 'journalctl -u docker'");
}

static void test_forbidden(void **state)
{
    static const struct fake_reply proxy[] = {
        {.bytes = "HTTP/1.0 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html><body><h1>403 "
                  "Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>"}};
    static const struct fake_reply broken[] = {
        {.bytes = "HTTP/1.1 500 Internal Server Error\r\nApi-Version: 1.41\r\n\r\n"
                  "{\"message\":\"no disk\"}"}};
    struct fake f;
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    (void)state;
    expect_failure(
        proxy, 1, ERR_PERMISSION, "what answers at ",
        " forbids us even to ask for /_ping\nHINT: allow it in the socket proxy, or give "
        "the engine's own socket, usually unix:///var/run/docker.sock");
    fake_start(&f, broken, 1);
    const struct engine_options options = {.endpoint = f.endpoint};
    assert_fails(engine_open(&options, &e, &err));
    assert_err(&err, ERR_FAILED,
               "cannot ping the engine: no disk\n"
               "HINT: look at the engine's log with 'journalctl -u docker'");
    fake_end(&f);
}

static void test_silent(void **state)
{
    static const struct fake_reply silent[] = {{.hang = true}};
    static const struct fake_reply stalled[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nO",
         .hang = true}};

    (void)state;
    expect_failure(silent, 1, ERR_UNREACHABLE, "the Docker Engine at ",
                   " did not answer within 0.2 s\n"
                   "HINT: the engine may hang; look at its log with 'journalctl -u docker'");
    expect_failure(stalled, 1, ERR_UNREACHABLE, "the answer of the Docker Engine at ",
                   " stalled: nothing came for 0.2 s\n"
                   "HINT: the engine may hang; look at its log with 'journalctl -u docker'");
}

static void expect_unreachable(const char *endpoint, enum err_kind kind, const char *want)
{
    const struct engine_options options = {.endpoint = endpoint};
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    assert_fails(engine_open(&options, &e, &err));
    assert_err(&err, kind, want);
}

static void test_no_socket(void **state)
{
    struct fake f;

    (void)state;
    expect_unreachable(
        "unix:///no/such/docker.sock", ERR_UNREACHABLE,
        "cannot reach the Docker Engine at 'unix:///no/such/docker.sock': no such "
        "file\nHINT: is the engine running ('systemctl status docker')? --host names "
        "another endpoint");
    expect_unreachable(
        "unix:///etc/passwd/docker.sock", ERR_UNREACHABLE,
        "cannot reach the Docker Engine at 'unix:///etc/passwd/docker.sock': no such "
        "file\nHINT: is the engine running ('systemctl status docker')? --host names "
        "another endpoint");
    expect_unreachable("unix:///etc/passwd", ERR_UNREACHABLE,
                       "cannot reach the Docker Engine at 'unix:///etc/passwd': this is no socket\n"
                       "HINT: give the path of the engine's socket, usually "
                       "unix:///var/run/docker.sock");
    expect_unreachable("tcp://127.0.0.1:2375", ERR_USAGE,
                       "the engine's endpoint 'tcp://127.0.0.1:2375' is clear text: whoever sees "
                       "or changes it on its "
                       "way is root on that host\nHINT: use TLS (--tlsverify, or DOCKER_TLS_VERIFY "
                       "and DOCKER_CERT_PATH), or ssh://HOST; in a network that you trust with "
                       "root on that host, --insecure-tcp");
    expect_unreachable(
        "", ERR_USAGE,
        "the engine's endpoint '' is not known: it begins with none of unix://, tcp:// and "
        "ssh://\nHINT: write it as unix:///var/run/docker.sock, tcp://HOST:2376 with TLS, or "
        "ssh://USER@HOST, or name a docker context with --context");
    expect_unreachable(
        "unix://docker.sock", ERR_USAGE,
        "the engine's endpoint 'unix://docker.sock' has no absolute path of a socket\n"
        "HINT: write it as unix:///var/run/docker.sock");

    char path[120], endpoint[140];
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[108] = '\0';
    (void)snprintf(endpoint, sizeof(endpoint), "unix://%s", path);
    AUTO_FREE char *want = mem_printf(
        "the path of the engine's socket in '%s' is longer than 107 bytes, which no unix "
        "socket can have\nHINT: give a shorter path, for example through a symbolic link",
        endpoint);
    expect_unreachable(endpoint, ERR_USAGE, want);

    /* A socket that nobody listens on any more. */
    fake_start(&f, NULL, 0);
    (void)close(f.fd);
    AUTO_FREE char *refused =
        mem_printf("cannot reach the Docker Engine at '%s': nobody listens on this socket\n"
                   "HINT: the engine is not running; start it with 'systemctl start docker'",
                   f.endpoint);
    expect_unreachable(f.endpoint, ERR_UNREACHABLE, refused);
    fake_end(&f);
}

static void test_permission(void **state)
{
    struct fake f;
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    (void)state;
    fake_start(&f, NULL, 0);
    const struct engine_options options = {.endpoint = f.endpoint};
    assert_int_equal(chmod(f.path, 0), 0);
    uid_t me = geteuid();
    if (me == 0) { /* root may all */
        assert_int_equal(chmod(f.folder, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    int rc = engine_open(&options, &e, &err);
    assert_int_equal(seteuid(me), 0);
    assert_int_equal(rc, -1);
    AUTO_FREE char *want =
        mem_printf("cannot reach the Docker Engine at '%s': permission denied\n"
                   "HINT: run as root, or as a member of the group that owns the socket (usually "
                   "'docker')",
                   f.endpoint);
    assert_err(&err, ERR_PERMISSION, want);
    fake_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),       cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_versions_apart), cmocka_unit_test(test_no_engine),
        cmocka_unit_test(test_forbidden),      cmocka_unit_test(test_silent),
        cmocka_unit_test(test_no_socket),      cmocka_unit_test(test_permission),
    };

    return cmocka_run_group_tests_name("engine: open", tests, NULL, NULL);
}
