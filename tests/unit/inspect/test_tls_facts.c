#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspect/tls_facts.h"
#include "launcher/base/fs.h"
#include "tests/unit/inspect/samples.h"

static void make_container(const char *crt, const char *key, struct container *ret)
{
    AUTO_FREE char *text = mem_printf(
        "{'Id': 'i', 'Name': 'n', 'Image': 's', 'State': {'Status': 'running'}, 'Config': "
        "{'Image': 'r:t'}, 'HostConfig': {}, 'Mounts': [{'Type': 'bind', 'Source': '%s', "
        "'Destination': '" OMS_PATH_TLS_CRT "', 'RW': false}, {'Type': 'bind', 'Source': '%s', "
        "'Destination': '%s', 'RW': false}]}",
        crt, key, key[0] ? OMS_PATH_TLS_KEY : "/elsewhere");
    AUTO_JSON json_t *j = sample_parse(text);
    struct err err = ERR_INIT;

    assert_ok(container_from_engine(j, ret, &err), &err);
}

static void without_the_pair(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    CLEANUP(tls_facts_free) struct tls_facts f = {.present = true};
    struct err err = ERR_INIT;

    (void)state;
    make_container("/c", "", &c);
    assert_ok(tls_facts_observe(NULL, &c, true, &f, &err), &err);
    assert_false(f.present || f.known);
    assert_null(f.note);
}

static void files_that_are_missing(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    CLEANUP(tls_facts_free) struct tls_facts f = {.present = false};
    struct err err = ERR_INIT;

    (void)state;
    make_container("/nowhere/c.crt", "/nowhere/c.key", &c);
    assert_ok(tls_facts_observe(NULL, &c, true, &f, &err), &err);
    assert_true(f.present && !f.known);
    assert_non_null(strstr(f.note, "'/nowhere/c.crt'"));
    assert_null(strchr(f.note, '\n'));
}

static void files_that_are_no_pem(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    CLEANUP(tls_facts_free) struct tls_facts f = {.present = false};
    char folder[] = "/tmp/omsl-tls.XXXXXX";
    struct err err = ERR_INIT;

    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = fs_join(folder, "pem");
    assert_ok(fs_write_atomic(path, "no PEM\n", 7, &err), &err);
    make_container(path, path, &c);
    assert_ok(tls_facts_observe(NULL, &c, true, &f, &err), &err);
    assert_true(f.present && f.known && !f.pair.certificate_ok && !f.pair.key_ok);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_pair),
        cmocka_unit_test(files_that_are_missing),
        cmocka_unit_test(files_that_are_no_pem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
