/* The docker command line, and which of its words are ours. */
#include "launcher/plugin.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* `words` are split at blanks, and so is what is wanted. */
static void expect(const char *words, const char *want)
{
    AUTO_FREE char *copy = mem_strdup(words);
    AUTO_STRV struct strv got = STRV_INIT;
    AUTO_STR struct str text = STR_INIT;
    char *argv[24] = {NULL};
    int argc = 0;

    for (char *at = strtok(copy, " "); at != NULL; at = strtok(NULL, " ")) {
        argv[argc++] = at;
    }
    plugin_arguments(argc, argv, &got);
    for (size_t i = 0; i < got.count; i++) {
        str_appendf(&text, "%s%s", i > 0 ? " " : "", got.items[i]);
    }
    assert_string_equal(str_get(&text), want);
}

static void test_globals(void **state)
{
    (void)state;
    expect("p omslaunch plan x", "p plan x");
    expect("p -H unix:///s omslaunch plan", "p --host=unix:///s plan");
    expect("p -Hunix:///s omslaunch plan", "p --host=unix:///s plan");
    expect("p --host=tcp://h omslaunch plan", "p --host=tcp://h plan");
    expect("p --context omslaunch omslaunch plan", "p --context=omslaunch plan");
    expect("p -c far -D omslaunch plan -c x", "p --context=far --log-level=debug plan -c x");
    expect("p -Dcfar omslaunch plan", "p --log-level=debug --context=far plan");
    expect("p -l fatal omslaunch plan", "p --log-level=error plan");
    expect("p --log-level=warn omslaunch plan", "p --log-level=warn plan");
    expect("p --tls --tlsverify=false --tlscacert /a --tlscert=/b --tlskey /c omslaunch plan",
           "p --tls --tlscacert=/a --tlscert=/b --tlskey=/c plan");
    expect("p --tlsverify=true omslaunch plan", "p --tlsverify plan");
    expect("p --unknown omslaunch plan", "p plan");
    expect("p -H", "p");
}

static void test_config_folder(void **state)
{
    (void)state;
    expect("p --config /x omslaunch plan --config /y", "p plan --config /y");
    assert_string_equal(getenv("DOCKER_CONFIG"), "/x");
    expect("p --config=/z omslaunch plan", "p plan");
    assert_string_equal(getenv("DOCKER_CONFIG"), "/z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_config_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
