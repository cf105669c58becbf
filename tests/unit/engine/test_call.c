/* Answers of every shape, and what becomes of them. */
#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/engine/call.h"
#include "tests/unit/engine/fake_engine.h"

/* Asks for container 'c1' against `reply`; returns the error, or "" when there is none. */
static void inspect(const struct fake_reply *reply, struct err *err, json_t **ret)
{
    const struct fake_reply replies[] = {FAKE_PING, *reply};
    struct fake f;

    fake_start(&f, replies, 2);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    err->text[0] = '\0';
    int rc = engine_container_inspect(e, "c1", ret, err);
    assert_int_equal(rc, err->text[0] == '\0' ? 0 : -1);
    fake_end(&f);
    /* The socket is another one each time. */
    err_mask(err, f.endpoint);
}

static void test_good(void **state)
{
    static const char plain[] = FAKE_JSON("200 OK", "{\"Id\":\"abc\"}");
    static const char length[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"Id\":\"abc\"}tail";
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\n{\"Id\"\r\n7;x=y\r\n:\"abc\"}\r\n0\r\nX-Trailer: y\r\n\r\n";
    static const char continued[] = "HTTP/1.1 100 Continue\r\nContent-Type: a/b\r\n\r\n"
                                    "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"Id\":\"abc\"}";
    static const char *const texts[] = {plain, length, chunked, continued};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t split = 0; split < 9; split++) {
            const struct fake_reply reply = {
                .expect = "GET /v1.41/containers/c1/json HTTP/1.1\r\nHost: docker\r\nUser-Agent: "
                          "omslaunch/",
                .bytes = texts[i],
                .split = split};
            AUTO_JSON json_t *json = NULL;
            struct err err = ERR_INIT;
            inspect(&reply, &err, &json);
            assert_string_equal(err_whole(&err), "");
            assert_string_equal(json_text(json, "Id", ""), "abc");
        }
    }
}

#define C1 "cannot inspect container 'c1': "

static void test_errors(void **state)
{
    static const struct {
        const char *bytes;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        {FAKE_JSON("404 Not Found", "{\"message\":\"No such container: c1\"}"), ERR_NOT_FOUND,
         C1 "No such container: c1\nHINT: 'docker ps --all' lists the containers of '@'"},
        /* podman */
        {FAKE_JSON("404 Not Found", "{\"cause\":\"no such container\",\"message\":\"no container "
                                    "with name or ID \\\"c1\\\" found: no such container\","
                                    "\"response\":404}"),
         ERR_NOT_FOUND,
         C1 "no container with name or ID \"c1\" found: no such container\n"
            "HINT: 'docker ps --all' lists the containers of '@'"},
        {"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n404 page not found\n",
         ERR_FAILED,
         C1 "the engine at '@' does not offer this call (GET /containers/c1/json): 404 page not "
            "found\nHINT: is it a Docker Engine? Other engines offer only part of its API"},
        {"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", ERR_FAILED,
         C1 "the engine at '@' does not offer this call (GET /containers/c1/json)\n"
            "HINT: is it a Docker Engine? Other engines offer only part of its API"},
        {FAKE_JSON("409 Conflict", "{\"message\":\"Container c1 is paused\"}"), ERR_CONFLICT,
         C1 "Container c1 is paused\nHINT: resume it with 'docker unpause'"},
        {FAKE_JSON("500 Internal Server Error", "{\"message\":\"layer does not exist\"}"),
         ERR_FAILED,
         C1 "layer does not exist\nHINT: look at the engine's log with 'journalctl -u docker'"},
        {FAKE_JSON("500 Internal Server Error",
                   "{\"message\":\"write /x: no space left on device\"}"),
         ERR_FAILED,
         C1 "write /x: no space left on device\n"
            "HINT: free space under the engine's root folder ('docker info' names it)"},
        {FAKE_JSON("500 Internal Server Error", ""), ERR_FAILED,
         C1 "the engine refused (HTTP status 500) and gave no reason\n"
            "HINT: look at the engine's log with 'journalctl -u docker'"},
        {"HTTP/1.0 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html><body><h1>403 "
         "Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>",
         ERR_PERMISSION,
         C1 "403 Forbidden Request forbidden by administrative rules.\n"
            "HINT: something in front of the engine forbids this call: a socket proxy or an "
            "authorization plugin; allow it there"},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\nb\xe4"
         "d \x01\x1b[31mgate\r\nway\n",
         ERR_FAILED,
         C1 "b?d [31mgate way\nHINT: look at the engine's log with 'journalctl -u docker'"},
        {"HTTP/1.1 301 Moved\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
         ERR_FAILED, C1 "the engine refused (HTTP status 301) and gave no reason"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":", ERR_UNREACHABLE,
         C1 "the Docker Engine at '@' broke off in the middle of its answer\n"
            "HINT: did the engine stop? Look at 'journalctl -u docker'"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Id\"\r\n", ERR_UNREACHABLE,
         C1 "the Docker Engine at '@' broke off in the middle of its answer\n"
            "HINT: did the engine stop? Look at 'journalctl -u docker'"},
        {"", ERR_UNREACHABLE,
         C1 "the Docker Engine at '@' closed the connection without an answer\n"
            "HINT: did the engine stop? Look at 'journalctl -u docker'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fake_reply reply = {.bytes = rows[i].bytes, .split = i % 2};
        json_t *json = NULL;
        struct err err = ERR_INIT;
        inspect(&reply, &err, &json);
        assert_err(&err, rows[i].kind, rows[i].want);
        assert_null(json);
    }
}

static void test_no_json(void **state)
{
    static const struct fake_reply replies[] = {{.bytes = FAKE_JSON("200 OK", "<html>hello")},
                                                {.bytes = FAKE_JSON("200 OK", "")},
                                                {.bytes = FAKE_JSON("200 OK", "{\"Id\":1")}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        json_t *json = NULL;
        struct err err = ERR_INIT;
        inspect(&replies[i], &err, &json);
        assert_true(str_starts_with(err.text, C1 "the engine's answer"));
        assert_string_equal(err.hint, "is '@' the socket of a Docker Engine?");
        assert_null(json);
    }
}

/* Pages without an end are not collected without an end. */
static void test_huge(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    static const char bad[] = "HTTP/1.1 500 Oops\r\n\r\n";
    size_t len = (size_t)65 << 20;
    AUTO_FREE char *bytes = mem_alloc(len);
    struct fake_reply reply = {.bytes = bytes, .len = len};
    json_t *json = NULL;
    struct err err = ERR_INIT;

    (void)state;
    memset(bytes, ' ', len);
    memcpy(bytes, head, sizeof(head) - 1);
    inspect(&reply, &err, &json);
    assert_err(&err, ERR_FAILED, C1 "the answer of the Docker Engine at '@' is larger than 64 MiB");
    memset(bytes, 'z', len);
    memcpy(bytes, bad, sizeof(bad) - 1);
    inspect(&reply, &err, &json);
    assert_int_equal(err.kind, ERR_FAILED);
    assert_true(str_starts_with(err.text, C1 "zzzzzz"));
    assert_in_range(strlen(err.text), 300, 500);
}

static void test_slow(void **state)
{
    static const char text[] = FAKE_JSON("200 OK", "{\"Id\":\"abc\"}");
    const struct fake_reply steady = {.bytes = text, .split = 16, .pause_ms = 120};
    const struct fake_reply stalled = {.bytes = text, .len = sizeof(text) - 3, .hang = true};
    AUTO_JSON json_t *json = NULL;
    json_t *none = NULL;
    struct err err = ERR_INIT;

    (void)state;
    /* 0.7 s in all: more than the timeout of 0.3 s, but something always moves. */
    inspect(&steady, &err, &json);
    assert_string_equal(err_whole(&err), "");
    inspect(&stalled, &err, &none);
    assert_err(&err, ERR_TIMEOUT,
               C1 "the answer of the Docker Engine at '@' stalled: nothing came for 0.3 s\n"
                  "HINT: the engine may hang; look at its log with 'journalctl -u docker'");
}

static void test_requests(void **state)
{
    static const struct fake_reply replies[] = {
        FAKE_PING,
        {.expect =
             "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22io.omslaunch.run%3D"
             "a%20b%26c%2F%C3%BC%22%5D%7D HTTP/1.1\r\n",
         .bytes = FAKE_JSON("200 OK", "[]")},
        {.expect = "GET /v1.41/containers/json?all=1 HTTP/1.1\r\n",
         .bytes = FAKE_JSON("200 OK", "{\"no\":\"list\"}")},
        {.expect = "POST /v1.41/containers/a.b_c-1/rename?name=x%2F..%3Fy%25 HTTP/1.1\r\n",
         .bytes = "HTTP/1.1 204 No Content\r\n\r\n"},
        {.expect = "POST /v1.41/containers/c1/stop?t=2 HTTP/1.1\r\n",
         .bytes = "HTTP/1.1 304 Not Modified\r\n\r\n"},
        {.expect = "POST /v1.41/containers/c1/start HTTP/1.1\r\n",
         .bytes = "HTTP/1.1 304 Not Modified\r\n\r\n"},
        {.expect = "POST /v1.41/containers/create?name=n%20w HTTP/1.1\r\n",
         .bytes = FAKE_JSON("201 Created", "{\"Id\":\"f00\",\"Warnings\":[\"no swap\"]}")},
        {.expect = "POST /v1.41/containers/create?name=n2 HTTP/1.1\r\n",
         .bytes = FAKE_JSON("201 Created", "{\"Id\":\"f01\",\"Warnings\":null}")},
        {.expect = "POST /v1.41/containers/create?name=n3 HTTP/1.1\r\n",
         .bytes = FAKE_JSON("201 Created", "{\"Warnings\":null}")},
        {.expect = "POST /v1.41/containers/c1/update HTTP/1.1\r\n",
         .bytes = FAKE_JSON("200 OK", "{\"Warnings\":null}")},
        {.expect = "GET /v1.41/images/reg.example:5000/oboms/oms@sha256:00/json HTTP/1.1\r\n",
         .bytes = FAKE_JSON("200 OK", "{}")},
    };
    AUTO_JSON json_t *list = NULL;
    AUTO_JSON json_t *body = json_make("{s:s}", "Image", "i");
    AUTO_JSON json_t *policy = json_make("{s:s}", "Name", "no");
    AUTO_JSON json_t *warnings = NULL;
    AUTO_JSON json_t *no_warnings = NULL;
    AUTO_JSON json_t *image = NULL;
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *id2 = NULL;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_ok(engine_container_list(e, "io.omslaunch.run=a b&c/\xc3\xbc", &list, &err), &err);
    assert_fails(engine_container_list(e, NULL, &list, &err));
    AUTO_FREE char *want =
        mem_printf("cannot list the containers: the engine at '%s' answered no list", f.endpoint);
    assert_err(&err, ERR_FAILED, want);
    assert_ok(engine_container_rename(e, "/a.b_c-1", "x/..?y%", &err), &err);
    assert_ok(engine_container_stop(e, "c1", 1001, &err), &err);
    assert_ok(engine_container_start(e, "c1", &err), &err);
    assert_ok(engine_container_create(e, "n w", body, &id, &warnings, &err), &err);
    assert_string_equal(id, "f00");
    assert_string_equal(json_string_value(json_array_get(warnings, 0)), "no swap");
    assert_ok(engine_container_create(e, "n2", body, &id2, &no_warnings, &err), &err);
    assert_int_equal(json_array_size(no_warnings), 0);
    char *none = NULL;
    assert_fails(engine_container_create(e, "n3", body, &none, NULL, &err));
    assert_true(str_starts_with(err.text, "cannot create container 'n3': "));
    assert_null(none);
    assert_ok(engine_container_set_restart_policy(e, "c1", policy, &err), &err);
    assert_ok(engine_image_inspect(e, "reg.example:5000/oboms/oms@sha256:00", &image, &err), &err);
    assert_non_null(strstr(str_get(&f.requests[6]), "Content-Type: application/json\r\n"));
    assert_non_null(strstr(str_get(&f.requests[6]), "\r\n\r\n{\"Image\":\"i\"}"));
    assert_non_null(
        strstr(str_get(&f.requests[9]), "\r\n\r\n{\"RestartPolicy\":{\"Name\":\"no\"}}"));
    assert_non_null(strstr(str_get(&f.requests[5]), "Content-Length: 0\r\n"));
    assert_null(strstr(str_get(&f.requests[5]), "Content-Type"));
    assert_null(strstr(str_get(&f.requests[6]), "Expect"));
    fake_end(&f);
}

static void test_bad_names(void **state)
{
    static const char *const bad[] = {"",   "/",  "..", "a/b", "a?force=1",    "a#b", "a%2f",
                                      "-x", ".x", "_x", "a b", "a\r\nHost: x", "//a", "\xc3\xbc"};
    static const char *const bad_images[] = {"",   "a b",  "../x", "a/../b",
                                             "/a", "a//b", "a?x",  "a\n"};
    static const struct fake_reply replies[] = {FAKE_PING};
    json_t *json = NULL;
    struct fake f;

    (void)state;
    fake_start(&f, replies, 1);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        assert_fails(engine_container_inspect(e, bad[i], &json, &err));
        AUTO_FREE char *want =
            mem_printf("'%s' is no container name: expected letters, digits, '_', '.' and '-', "
                       "beginning with a letter or digit\nHINT: 'docker ps --all' lists the names",
                       strcmp(bad[i], "a\r\nHost: x") == 0 ? "a\nHost: x" : bad[i]);
        assert_err(&err, ERR_USAGE, want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_images); i++) {
        struct err err = ERR_INIT;
        assert_fails(engine_image_inspect(e, bad_images[i], &json, &err));
        AUTO_FREE char *want = mem_printf("'%s' is no image: expected REPOSITORY[:TAG], or an ID\n"
                                          "HINT: 'docker images' lists them",
                                          bad_images[i]);
        assert_err(&err, ERR_USAGE, want);
    }
    fake_end(&f);
}

static void test_wait(void **state)
{
    static const struct {
        const char *body;
        int code;
        const char *want;
    } rows[] = {
        {"{\"StatusCode\":137}\n", 137, NULL},
        {"{\"Error\":null,\"StatusCode\":0}", 0, NULL},
        {"{\"Error\":{\"Message\":\"\"},\"StatusCode\":3}", 3, NULL},
        {"{\"Error\":{\"Message\":\"no shim\"},\"StatusCode\":0}", -5,
         "cannot wait for the end of container 'c1': no shim"},
        {"{}", -5, "cannot wait for the end of container 'c1': the engine gave no exit code"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = mem_printf(FAKE_JSON("200 OK", "%s"), rows[i].body);
        const struct fake_reply replies[] = {
            FAKE_PING,
            {.expect = "POST /v1.41/containers/c1/wait?condition=not-running HTTP/1.1\r\n",
             .bytes = text}};
        struct err err = ERR_INIT;
        struct fake f;
        int code = -5;
        fake_start(&f, replies, 2);
        AUTO_ENGINE struct engine *e = fake_open(&f);
        int rc = engine_container_wait(e, "c1", 5000, &code, &err);
        assert_int_equal(code, rows[i].code);
        if (rows[i].want != NULL) {
            assert_int_equal(rc, -1);
            assert_err(&err, ERR_FAILED, rows[i].want);
        }
        fake_end(&f);
    }
}

static void test_wait_old_engine(void **state)
{
    static const struct fake_reply replies[] = {
        {.bytes = FAKE_PING_OF("1.24")},
        {.expect = "POST /v1.24/containers/c1/wait HTTP/1.1\r\n", .hang = true}};
    struct err err = ERR_INIT;
    struct fake f;
    int code = -5;

    (void)state;
    fake_start(&f, replies, 2);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    uint64_t start = clock_mono_ms();
    assert_fails(engine_container_wait(e, "c1", 600, &code, &err));
    assert_err(&err, ERR_TIMEOUT, "container 'c1' still runs after 0.6 s");
    assert_in_range(clock_mono_ms() - start, 590, 2000);
    fake_end(&f);
}

static void test_stat_header(void **state)
{
    /* {"name":"x","size":4,"mode":420,"mtime":"2001-02-03T04:05:06.5Z","linkTarget":""} */
    static const char good[] =
        "HTTP/1.1 200 OK\r\nx-docker-container-path-stat: "
        "eyJuYW1lIjoieCIsInNpemUiOjQsIm1vZGUiOjQyMCwibXRpbWUiOiIyMDAxLTAyLTAzVDA0OjA1OjA2LjVaIiwi"
        "bGlua1RhcmdldCI6IiJ9\r\n\r\n";
    static const struct fake_reply replies[] = {
        FAKE_PING,
        {.expect = "HEAD /v1.41/containers/c1/archive?path=%2Fa%20b%2F%26 HTTP/1.1\r\n",
         .bytes = good},
        {.bytes = "HTTP/1.1 200 OK\r\n\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: !!\r\n\r\n"},
    };
    struct engine_path_stat st;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_ok(engine_container_stat(e, "c1", "/a b/&", &st, &err), &err);
    assert_true(st.is_file && !st.is_link && !st.is_folder && st.size == 4);
    assert_int_equal(st.mtime_ms, 981173106500);
    for (int i = 0; i < 2; i++) {
        assert_fails(engine_container_stat(e, "c1", "/x", &st, &err));
        assert_err(&err, ERR_FAILED,
                   "cannot look at '/x' in container 'c1': the engine's answer has no readable "
                   "X-Docker-Container-Path-Stat");
    }
    fake_end(&f);
}

static void *raise_term(void *arg)
{
    (void)arg;
    (void)usleep(100000);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GONE FAKE_JSON("404 Not Found", "{\"message\":\"No such container: " ID "\"}")
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

static void assert_start_fails(struct engine *e, const char *id, const char *want)
{
    struct err err = ERR_INIT;

    assert_fails(engine_container_start(e, id, &err));
    assert_string_equal(err.text, want);
    assert_true(err.hint[0] != '\0');
}

/* By the first digits of its ID, until an answer tells its name; in the engine's words too. */
static void test_names_instead_of_ids(void **state)
{
    static const struct fake_reply replies[] = {
        FAKE_PING,
        {.bytes = GONE},
        {.bytes = FAKE_JSON("200 OK", "{\"Id\":\"" ID "\",\"Name\":\"/oms_331\"}")},
        {.expect = "POST /v1.41/containers/" ID "/start", .bytes = GONE},
        {.bytes = NO_CONTENT},
        {.bytes = GONE},
        {.bytes = FAKE_JSON("404 Not Found", "{\"message\":\"No such container: x" ID "\"}")},
        {.bytes = FAKE_JSON("200 OK", "{\"StatusCode\":-1}")},
    };
    AUTO_JSON json_t *json = NULL;
    struct err err = ERR_INIT;
    struct fake f;
    int code;

    (void)state;
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_start_fails(e, ID,
                       "cannot start container '0123456789ab': No such container: "
                       "0123456789ab");
    assert_ok(engine_container_inspect(e, "oms_331", &json, &err), &err);
    assert_start_fails(e, ID, "cannot start container 'oms_331': No such container: oms_331");
    assert_ok(engine_container_rename(e, ID, "oms_331.old-r1", &err), &err);
    assert_start_fails(e, ID,
                       "cannot start container 'oms_331.old-r1': No such container: "
                       "oms_331.old-r1");
    /* What is no ID is shown as it is. */
    assert_start_fails(e, "x" ID, "cannot start container 'x" ID "': No such container: x" ID);
    assert_fails(engine_container_wait(e, ID, 5000, &code, &err));
    assert_err(&err, ERR_FAILED,
               "cannot wait for the end of container 'oms_331.old-r1': the "
               "engine gave no exit code");
    fake_end(&f);
}

/* Last: a stop request stays. */
static void test_stop(void **state)
{
    static const struct fake_reply replies[] = {
        FAKE_PING, {.hang = true}, {.bytes = "HTTP/1.1 204 No Content\r\n\r\n"}};
    AUTO_FREE char *want = NULL;
    struct err err = ERR_INIT;
    struct fake f;
    pthread_t thread;
    int code = -5;

    (void)state;
    stop_catch_signals();
    fake_start(&f, replies, 3);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_int_equal(pthread_create(&thread, NULL, raise_term, NULL), 0);
    uint64_t start = clock_mono_ms();
    assert_fails(engine_container_wait(e, "c1", 10000, &code, &err));
    assert_in_range(clock_mono_ms() - start, 90, 2000);
    want =
        mem_printf("cannot wait for the end of container 'c1': stopped by a signal while waiting "
                   "for the Docker Engine at '%s'",
                   f.endpoint);
    assert_err(&err, ERR_INTERRUPTED, want);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop_tolerate(1);
    assert_ok(engine_container_start(e, "c1", &err), &err);
    fake_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_wait_old_engine),
        cmocka_unit_test(test_stat_header),
        cmocka_unit_test(test_names_instead_of_ids),
        cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests_name("engine: calls", tests, NULL, NULL);
}
