/* Which engine is meant: the docker CLI's words, variables and files, in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/digest.h"
#include "launcher/base/str.h"
#include "launcher/engine/docker_config.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/omsl-choose.XXXXXX";

static void put(const char *name, const char *text)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);

    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void put_context(const char *name, const char *meta)
{
    char hash[DIGEST_HEX_MAX];

    digest_of(name, strlen(name), hash);
    AUTO_FREE char *path = mem_printf("contexts/meta/%s/meta.json", hash);
    put(path, meta);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("DOCKER_CONFIG", folder, 1), 0);
    put_context("far",
                "{\"Name\":\"far\",\"Endpoints\":{\"docker\":{\"Host\":\"ssh://root@far\"}}}");
    put_context("tls", "{\"Name\":\"tls\",\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:2376\","
                       "\"SkipTLSVerify\":false}}}");
    put_context("clear", "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:2375\"}}}");
    put_context("blind",
                "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:2376\",\"SkipTLSVerify\":true}}}");
    put_context("k8s", "{\"Endpoints\":{\"kubernetes\":{\"Host\":\"https://k\"}}}");
    put_context("broken", "{\"Endpoints\":");
    return 0;
}

static int tear_down(void **state)
{
    AUTO_FREE char *command = mem_printf("rm -rf %s", folder);

    (void)state;
    return system(command);
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_order(void **state)
{
    static const struct {
        const char *context, *host, *env_host, *env_context, *current, *want;
    } rows[] = {
        {NULL, NULL, NULL, NULL, NULL, "unix:///var/run/docker.sock"},
        {NULL, NULL, NULL, NULL, "far", "ssh://root@far/var/run/docker.sock"},
        {NULL, NULL, NULL, NULL, "default", "unix:///var/run/docker.sock"},
        {NULL, NULL, NULL, NULL, "", "unix:///var/run/docker.sock"},
        {NULL, NULL, NULL, "far", "k8s", "ssh://root@far/var/run/docker.sock"},
        {NULL, NULL, NULL, "default", "far", "unix:///var/run/docker.sock"},
        {NULL, NULL, "unix:///e", "far", "k8s", "unix:///e"},
        {NULL, "unix:///h", "unix:///e", "far", "k8s", "unix:///h"},
        {"far", "unix:///h", "unix:///e", "k8s", "k8s", "ssh://root@far/var/run/docker.sock"},
        {"default", NULL, "unix:///e", "far", "far", "unix:///e"},
        {"default", NULL, NULL, "far", "far", "unix:///var/run/docker.sock"},
        {NULL, "unix://", NULL, NULL, NULL, "unix:///var/run/docker.sock"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct engine_wish wish = {.context = rows[i].context, .host = rows[i].host};
        struct err err = ERR_INIT;
        AUTO_FREE char *got = NULL;
        AUTO_FREE char *config =
            mem_printf("{\"auths\":{}%s%s%s}", rows[i].current ? ",\"currentContext\":\"" : "",
                       rows[i].current ? rows[i].current : "", rows[i].current ? "\"" : "");
        put("config.json", config);
        set("DOCKER_HOST", rows[i].env_host);
        set("DOCKER_CONTEXT", rows[i].env_context);
        assert_ok(engine_choose(&wish, &got, &err), &err);
        assert_string_equal(got, rows[i].want);
    }
    set("DOCKER_HOST", NULL);
    set("DOCKER_CONTEXT", NULL);
}

/* `want` with the folder put in for each '@'. */
static void expect(const struct engine_wish *wish, const char *want)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *got = NULL;
    AUTO_STR struct str text = STR_INIT;

    for (const char *p = want; *p != '\0'; p++) {
        str_appendf(&text, *p == '@' ? "%s" : "%.1s", *p == '@' ? folder : p);
    }
    assert_ok(engine_choose(wish, &got, &err), &err);
    assert_string_equal(got, str_get(&text));
}

static void test_tls(void **state)
{
    (void)state;
    const struct engine_wish bare = {.host = "tcp://h:2376"};
    const struct engine_wish tls = {.host = "h:2376", .tls = true};
    const struct engine_wish named = {
        .host = "tcp://h", .tlscacert = "/c a", .tlscert = "/c", .tlskey = "/k"};
    const struct engine_wish open = {.host = "tcp://h", .insecure_tcp = true};
    const struct engine_wish own = {.host = "tcp://h?ca=/x", .tls = true};

    put("config.json", "{}");
    expect(&tls, "tcp://h:2376?tls");
    expect(&named, "tcp://h:2376?ca=/c%20a&cert=/c&key=/k");
    expect(&open, "tcp://h:2375?insecure");
    expect(&own, "tcp://h:2376?ca=/x");
    set("DOCKER_TLS_VERIFY", "1");
    expect(&bare, "tcp://h:2376?tls");
    put("ca.pem", "x");
    put("cert.pem", "x");
    put("key.pem", "x");
    expect(&bare, "tcp://h:2376?ca=@/ca.pem&cert=@/cert.pem&key=@/key.pem");
    set("DOCKER_CERT_PATH", "/nowhere");
    expect(&bare, "tcp://h:2376?ca=/nowhere/ca.pem");
    set("DOCKER_CERT_PATH", NULL);
    set("DOCKER_TLS_VERIFY", NULL);
}

static void test_context_files(void **state)
{
    const struct engine_wish wish = {.context = "tls"};
    const struct engine_wish blind = {.context = "blind", .insecure_tcp = true};
    const struct engine_wish clear = {.context = "clear", .insecure_tcp = true};
    char hash[DIGEST_HEX_MAX];

    (void)state;
    digest_of("tls", 3, hash);
    static const char *const names[] = {"ca", "cert", "key"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = mem_printf("contexts/tls/%s/docker/%s.pem", hash, names[i]);
        put(path, "x");
    }
    AUTO_FREE char *want =
        mem_printf("tcp://h:2376?ca=@/contexts/tls/%s/docker/ca.pem&cert=@/contexts/"
                   "tls/%s/docker/cert.pem&key=@/contexts/tls/%s/docker/key.pem",
                   hash, hash, hash);
    expect(&wish, want);
    expect(&blind, "tcp://h:2376?tls&insecure");
    expect(&clear, "tcp://h:2375?insecure");
}

static void expect_failure(const char *context, enum err_kind kind, const char *text)
{
    const struct engine_wish wish = {.context = context};
    struct err err = ERR_INIT;
    char *got = NULL;

    assert_fails(engine_choose(&wish, &got, &err));
    assert_null(got);
    err_mask(&err, folder);
    assert_err(&err, kind, text);
}

static void test_bad_contexts(void **state)
{
    (void)state;
    expect_failure("nope", ERR_NOT_FOUND,
                   "there is no docker context 'nope' in '@/contexts'\n"
                   "HINT: 'docker context ls' lists them");
    expect_failure("../../etc", ERR_NOT_FOUND,
                   "there is no docker context '../../etc' in '@/contexts'\n"
                   "HINT: 'docker context ls' lists them");
    expect_failure("k8s", ERR_CONFIG,
                   "the docker context 'k8s' names no Docker Engine, only kubernetes\n"
                   "HINT: 'docker context ls' lists the others");
    expect_failure(
        "clear", ERR_USAGE,
        "the docker context 'clear': the engine's endpoint 'tcp://h:2375' is clear text: "
        "whoever sees or changes it on its way is root on that host\nHINT: use TLS "
        "(--tlsverify, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), or ssh://HOST; in a "
        "network that you trust with root on that host, --insecure-tcp");
    expect_failure(
        "blind", ERR_USAGE,
        "the docker context 'blind' does not verify the engine's certificate: whoever is "
        "on the way to 'tcp://h:2376' is root on that host\nHINT: give the context its "
        "authority's certificate ('docker context update'), or say --insecure-tcp");
    put("config.json", "{\"currentContext\":");
    const struct engine_wish wish = {.context = NULL};
    struct err err = ERR_INIT;
    char *got = NULL;
    assert_fails(engine_choose(&wish, &got, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "the docker CLI's configuration: "));
}

int main(void)
{
    static const char *const names[] = {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY",
                                        "DOCKER_TLS", "DOCKER_CERT_PATH"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_context_files),
        cmocka_unit_test(test_bad_contexts),
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)unsetenv(names[i]);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
