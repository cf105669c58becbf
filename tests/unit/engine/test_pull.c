/* Pulling an image: progress by layer, and each "no" of a registry, which comes with status 200. */
#include <sys/types.h>

#include "launcher/engine/call.h"
#include "tests/unit/engine/fake_engine.h"

#define LINE(json) json "\r\n"
#define DONE                                   \
    LINE("{\"status\":\"Digest: sha256:aa\"}") \
    LINE("{\"status\":\"Status: Downloaded newer image for r.io/a:1\"}")

static struct str seen;

static void note(void *arg, const char *layer, const char *what, uint64_t done, uint64_t total)
{
    (void)arg;
    str_appendf(&seen, "%s %s %llu/%llu\n", layer, what, (unsigned long long)done,
                (unsigned long long)total);
}

static void expect_pull(const char *answer, enum err_kind kind, const char *want)
{
    const struct fake_reply replies[] = {
        FAKE_PING,
        {.expect = "POST /v1.41/images/create?fromImage=r.io%2Fa%3A1 HTTP/1.1\r\n",
         .bytes = answer,
         .split = 7}};
    struct fake f;
    struct err err = ERR_INIT;

    fake_start(&f, replies, 2);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    int rc = engine_image_pull(e, "r.io/a:1", note, NULL, &err);
    if (want == NULL) {
        assert_ok(rc, &err);
    } else {
        assert_int_equal(rc, -1);
        err_mask(&err, f.endpoint);
        assert_err(&err, kind, want);
    }
    fake_end(&f);
}

static void test_progress(void **state)
{
    (void)state;
    expect_pull(FAKE_JSON("200 OK",
                          LINE("{\"status\":\"Pulling from a\",\"id\":\"1\"}")
                              LINE("{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,"
                                   "\"total\":20},\"id\":\"abc\"}")
                                  LINE("{\"status\":\"Pull complete\",\"id\":\"abc\"}") DONE),
                ERR_FAILED, NULL);
    assert_string_equal(str_get(&seen),
                        "1 Pulling from a 0/0\nabc Downloading 5/20\nabc Pull complete 0/0\n");
    str_free(&seen);
}

#define STREAM_ERROR(text)                                         \
    FAKE_JSON("200 OK",                                            \
              LINE("{\"status\":\"Pulling from a\",\"id\":\"1\"}") \
                  LINE("{\"errorDetail\":{\"message\":\"" text "\"},\"error\":\"" text "\"}"))

static void test_refusals(void **state)
{
    (void)state;
    expect_pull(
        STREAM_ERROR("toomanyrequests: You have reached your pull rate limit."), ERR_FAILED,
        "cannot pull image 'r.io/a:1': toomanyrequests: You have reached your pull rate limit.\n"
        "HINT: the registry limits how often it is asked: wait, or log in ('docker login')");
    expect_pull(STREAM_ERROR("unauthorized: authentication required"), ERR_PERMISSION,
                "cannot pull image 'r.io/a:1': unauthorized: authentication required\n"
                "HINT: log in to the registry with 'docker login'");
    expect_pull(FAKE_JSON("404 Not Found",
                          "{\"message\":\"manifest for r.io/a:1 not found: manifest "
                          "unknown: manifest unknown\"}"),
                ERR_NOT_FOUND,
                "cannot pull image 'r.io/a:1': manifest for r.io/a:1 not found: manifest unknown: "
                "manifest unknown\nHINT: is the tag right? The registry has no such image");
    expect_pull(FAKE_JSON("500 Internal Server Error",
                          "{\"message\":\"Get \\\"https://r.io/v2/\\\": http: server gave HTTP "
                          "response to HTTPS client\"}"),
                ERR_FAILED,
                "cannot pull image 'r.io/a:1': Get \"https://r.io/v2/\": http: server gave HTTP "
                "response to HTTPS client\nHINT: the registry speaks no TLS: name it in "
                "insecure-registries of the engine's daemon.json");
    expect_pull(
        STREAM_ERROR(""), ERR_FAILED,
        "cannot pull image 'r.io/a:1': it gives no reason\nHINT: 'journalctl -u docker' on the "
        "engine's host may say more of 'r.io'");
}

static void test_breaks(void **state)
{
    (void)state;
    expect_pull(
        FAKE_JSON("200 OK", LINE("{\"status\":\"Downloading\",\"id\":\"abc\"}")), ERR_UNREACHABLE,
        "cannot pull image 'r.io/a:1': the engine's answer ended before the image was there");
    expect_pull(FAKE_JSON("200 OK", "{\"status\":\"Down"), ERR_FAILED,
                "cannot pull image 'r.io/a:1': the engine's last message is cut short");
    expect_pull(FAKE_JSON("200 OK", "<html>"), ERR_FAILED,
                "cannot pull image 'r.io/a:1': the engine sent something that is no message");
}

static void test_names(void **state)
{
    static const char *const names[] = {"", "a\nb:1", "a b", "../x", "a?b", "a:1#"};
    const struct fake_reply replies[] = {FAKE_PING};
    struct fake f;

    (void)state;
    fake_start(&f, replies, 1);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err = ERR_INIT;
        assert_fails(engine_image_pull(e, names[i], NULL, NULL, &err));
        assert_int_equal(err.kind, ERR_USAGE);
    }
    fake_end(&f);
}

static void test_digests(void **state)
{
    AUTO_JSON json_t *image = json_make("{s:s, s:[s,s]}", "Id", "sha256:11", "RepoDigests",
                                        "r.io/a@sha256:22", "b@sha256:33");

    (void)state;
    assert_true(engine_image_has_digest(image, "sha256:11"));
    assert_true(engine_image_has_digest(image, "sha256:22"));
    assert_true(engine_image_has_digest(image, "sha256:33"));
    assert_false(engine_image_has_digest(image, "sha256:3"));
    assert_false(engine_image_has_digest(image, "22"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_breaks),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_digests),
    };

    (void)setenv("DOCKER_CONFIG", "/nonexistent", 1);
    (void)unsetenv("DOCKER_AUTH_CONFIG");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
