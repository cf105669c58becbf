/* Who we are to a registry: each of the docker CLI's places, and never to another registry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/foreign.h"
#include "launcher/engine/base64.h"
#include "launcher/engine/registry_auth.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/omsl-auth.XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = mem_printf("%s:%s", folder, getenv("PATH"));
    assert_int_equal(setenv("DOCKER_CONFIG", folder, 1), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(unsetenv("DOCKER_AUTH_CONFIG"), 0);
    put("docker-credential-good",
        "#!/bin/sh\nread -r key\n[ \"$1\" = get ] || exit 9\ncase $key in\n"
        "reg.example:5000) echo "
        "'{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"from-helper\"}' ;;\n"
        "token.example) echo '{\"Username\":\"<token>\",\"Secret\":\"identity-1\"}' ;;\n"
        "*) echo 'credentials not found in native keychain'; exit 1 ;;\nesac\n",
        0700);
    put("docker-credential-bad", "#!/bin/sh\necho 'the keyring is locked' >&2\nexit 1\n", 0700);
    put("docker-credential-mad", "#!/bin/sh\necho hello\n", 0700);
    return 0;
}

static int tear_down(void **state)
{
    AUTO_FREE char *command = mem_printf("rm -rf %s", folder);

    (void)state;
    return system(command);
}

/* The JSON in the header that `config` gives for `ref`; "" for none. */
static void expect(const char *config, const char *ref, const char *want)
{
    AUTO_SECRET struct secret got = SECRET_INIT;
    AUTO_STR struct str json = STR_INIT;
    struct err err = ERR_INIT;

    put("config.json", config, 0600);
    assert_ok(registry_auth_find(ref, &got, &err), &err);
    assert_int_equal(base64_decode(got.bytes != NULL ? got.bytes : "", &json), 0);
    assert_string_equal(str_get(&json), want);
}

#define ME(host) "{\"username\":\"me\",\"password\":\"pass:word\",\"serveraddress\":\"" host "\"}"
#define BASIC "bWU6cGFzczp3b3Jk" /* me:pass:word */

static void test_auths(void **state)
{
    (void)state;
    expect("{}", "reg.example:5000/a:1", "");
    expect("{\"auths\":{\"reg.example:5000\":{\"auth\":\"" BASIC "\"}}}", "reg.example:5000/a:1",
           ME("reg.example:5000"));
    expect("{\"auths\":{\"https://reg.example:5000/v2/\":{\"auth\":\"" BASIC "\"}}}",
           "reg.example:5000/a/b:1", ME("reg.example:5000"));
    expect("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" BASIC "\"}}}", "oboms/oms:1",
           ME("https://index.docker.io/v1/"));
    expect("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" BASIC "\"}}}", "oms",
           ME("https://index.docker.io/v1/"));
    expect("{\"auths\":{\"r.io\":{\"identitytoken\":\"tok1\"}}}", "r.io/a:1",
           "{\"identitytoken\":\"tok1\",\"serveraddress\":\"r.io\"}");
    expect("{\"auths\":{\"r.io\":{\"username\":\"me\",\"password\":\"pass:word\"}}}", "r.io/a:1",
           ME("r.io"));
    expect("{\"auths\":{\"localhost\":{\"auth\":\"" BASIC "\"}}}", "localhost/a:1",
           ME("localhost"));
}

/* What is for one registry is for no other one. */
static void test_other_registries(void **state)
{
    static const char config[] = "{\"auths\":{\"reg.example\":{\"auth\":\"" BASIC "\"}}}";

    (void)state;
    expect(config, "reg.example:5000/a:1", "");
    expect(config, "reg.example.evil/a:1", "");
    expect(config, "evil/reg.example:1", "");
    expect(config, "a.reg.example/a:1", "");
    expect(config, "oms:1", "");
}

static void test_helpers(void **state)
{
    (void)state;
    expect(
        "{\"credsStore\":\"good\"}", "reg.example:5000/a:1",
        "{\"username\":\"u\",\"password\":\"from-helper\",\"serveraddress\":\"reg.example:5000\"}");
    expect("{\"credHelpers\":{\"token.example\":\"good\"}}", "token.example/a:1",
           "{\"identitytoken\":\"identity-1\",\"serveraddress\":\"token.example\"}");
    expect("{\"credsStore\":\"good\"}", "other.example/a:1", "");
    expect("{\"credsStore\":\"bad\",\"credHelpers\":{\"token.example\":\"good\"}}",
           "token.example/a:1",
           "{\"identitytoken\":\"identity-1\",\"serveraddress\":\"token.example\"}");
    expect("{\"credsStore\":\"good\",\"auths\":{\"r.io\":{\"auth\":\"" BASIC "\"}}}", "r.io/a:1",
           ME("r.io"));
}

static void test_variable(void **state)
{
    (void)state;
    assert_int_equal(
        setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"r.io\":{\"auth\":\"" BASIC "\"}}}", 1), 0);
    expect("{\"credsStore\":\"bad\"}", "r.io/a:1", ME("r.io"));
    expect("{\"auths\":{\"q.io\":{\"auth\":\"" BASIC "\"}}}", "q.io/a:1", ME("q.io"));
    assert_int_equal(unsetenv("DOCKER_AUTH_CONFIG"), 0);
}

static void expect_failure(const char *config, const char *ref, const char *text)
{
    AUTO_SECRET struct secret got = SECRET_INIT;
    struct err err = ERR_INIT;

    put("config.json", config, 0600);
    assert_fails(registry_auth_find(ref, &got, &err));
    assert_int_equal(got.len, 0);
    assert_err(&err, ERR_CONFIG, text);
}

static void test_failures(void **state)
{
    (void)state;
    expect_failure(
        "{\"credsStore\":\"bad\"}", "r.io/a:1",
        "cannot find out who we are to the registry 'r.io': the credential helper "
        "'docker-credential-bad' failed: the keyring is locked\nHINT: run it by hand: echo "
        "r.io | docker-credential-bad get");
    expect_failure(
        "{\"credsStore\":\"none\"}", "r.io/a:1",
        "cannot find out who we are to the registry 'r.io': the credential helper "
        "'docker-credential-none' is not in PATH\nHINT: install it, or take it out of the "
        "docker CLI's config.json");
    expect_failure(
        "{\"credsStore\":\"../x\"}", "r.io/a:1",
        "cannot find out who we are to the registry 'r.io': the credential helper "
        "'docker-credential-../x' is not in PATH\nHINT: install it, or take it out of the "
        "docker CLI's config.json");
    expect_failure("{\"credsStore\":\"mad\"}", "r.io/a:1",
                   "cannot find out who we are to the registry 'r.io': the credential helper "
                   "'docker-credential-mad' answered something that is not JSON\nHINT: run 'docker "
                   "login' again");
    expect_failure(
        "{\"auths\":{\"r.io\":{\"auth\":\"no base64!\"}}}", "r.io/a:1",
        "cannot find out who we are to the registry 'r.io': the entry 'auth' of the registry "
        "'r.io' is not base64 of USER:PASSWORD\nHINT: log in again: docker login r.io");
    expect_failure(
        "{\"auths\":{\"r.io\":{\"auth\":\"bm9jb2xvbg==\"}}}", "r.io/a:1",
        "cannot find out who we are to the registry 'r.io': the entry 'auth' of the registry "
        "'r.io' is not base64 of USER:PASSWORD\nHINT: log in again: docker login r.io");
}

/* Whatever says it later. */
static void test_hidden(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    expect("{\"auths\":{\"r.io\":{\"identitytoken\":\"token-to-be-hidden\"}}}", "r.io/a:1",
           "{\"identitytoken\":\"token-to-be-hidden\",\"serveraddress\":\"r.io\"}");
    err_fail(&err, ERR_FAILED, "the engine says token-to-be-hidden is wrong");
    assert_string_equal(err.text, "the engine says *** is wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auths),    cmocka_unit_test(test_other_registries),
        cmocka_unit_test(test_helpers),  cmocka_unit_test(test_variable),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_hidden),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
