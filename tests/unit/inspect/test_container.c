#include "tests/unit/unit.h"

#include "inspect/container.h"
#include "tests/unit/inspect/samples.h"

#define WHAT "answer of the engine about the container"

static void read_sample(const char *sample, struct container *ret)
{
    AUTO_JSON json_t *answer = sample_parse(sample);
    struct err err = ERR_INIT;

    assert_non_null(answer);
    assert_ok(container_from_engine(answer, ret, &err), &err);
}

static void assert_mount(const struct mount *m, const char *type, const char *source,
                         const char *destination, bool read_only, const char *options)
{
    assert_non_null(m);
    assert_string_equal(m->type, type);
    assert_string_equal(m->source, source);
    assert_string_equal(m->destination, destination);
    assert_int_equal(m->read_only, read_only);
    assert_string_equal(m->options, options);
}

static void binds_of_docker_run(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    (void)state;
    read_sample(sample_binds, &c);
    assert_string_equal(c.name, "oms_331");
    assert_string_equal(c.id, "117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2bf79b");
    assert_string_equal(c.image_ref,
                        "reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce");
    assert_string_equal(c.image_id,
                        "sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268");
    assert_string_equal(c.status, "running");
    assert_true(c.running);
    assert_false(c.restarting);
    assert_int_equal(c.exit_code, 0);
    assert_true(json_is_null(json_object_get(c.host_config, "PidsLimit")));
    assert_true(json_bool(c.config, "Tty", false));
    assert_int_equal(c.mount_count, 4);
    assert_mount(&c.mounts[0], "bind", "/data/oms/config.yaml", OMS_PATH_CONFIG, true, "");
    assert_mount(&c.mounts[1], "bind", "/data/oms/logs", OMS_PATH_LOGS, false, "");
    assert_mount(&c.mounts[2], "bind", "/data/oms/run", OMS_PATH_RUN, false, "");
    assert_mount(&c.mounts[3], "bind", "/data/oms/store", OMS_PATH_STORE, false, "rslave,z");
    assert_true(container_is_oms(&c));
    assert_false(container_has_tls(&c));
}

static void mounts_of_docker_create(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    (void)state;
    read_sample(sample_mounts, &c);
    assert_string_equal(c.status, "created");
    assert_false(c.running);
    assert_int_equal(c.mount_count, 5);
    assert_mount(container_mount_at(&c, OMS_PATH_CONFIG), "bind", "/data/oms/config.yaml",
                 OMS_PATH_CONFIG, true, "");
    assert_mount(container_mount_at(&c, OMS_PATH_LOGS), "bind", "/data/oms/logs", OMS_PATH_LOGS,
                 false, "rslave");
    assert_mount(container_mount_at(&c, OMS_PATH_STORE), "volume", "vstore", OMS_PATH_STORE, false,
                 "z");
    assert_mount(container_mount_at(&c, OMS_PATH_RUN), "volume",
                 "5d9426b6f71f006c5e7eb8ec584c97f45ed98ae13bea43dec85f8920ee583d88", OMS_PATH_RUN,
                 false, "");
    assert_mount(container_mount_at(&c, "/t"), "tmpfs", "", "/t", false, "");
}

static void newer_api_with_fields_left_out(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    (void)state;
    read_sample(sample_new_api, &c);
    assert_string_equal(c.status, "exited");
    assert_int_equal(c.exit_code, 137);
    assert_null(json_object_get(c.host_config, "PidsLimit"));
    assert_int_equal(c.mount_count, 2);
    assert_mount(container_mount_at(&c, "/tools"), "image", "/var/lib/docker/rootfs/overlayfs/1",
                 "/tools", false, "");
}

static void copies_are_deep(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    AUTO_JSON json_t *answer = sample_parse(sample_binds);
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(container_from_engine(answer, &c, &err), &err);
    json_put_text(c.config, "User", "changed");
    json_add(json_object_get(c.config, "Env"), json_string("NEW=1"));
    assert_string_equal(json_text(answer, "Config.User", "?"), "");
    assert_int_equal(json_array_size(json_walk(answer, "Config.Env")), 2);
}

/* One container with just what must be there and the mounts given. */
static void read_mounts(const char *mounts, struct container *ret)
{
    AUTO_FREE char *text = mem_printf(
        "{'Id': 'i', 'Name': 'n', 'Image': 'sha256:1', 'State': {'Status': 'running'}, "
        "'Config': {'Image': 'r:t', 'Env': ['A=1', 'AB=2', 'A=3', 'E=', 'T=a=b\xc3\xa4', "
        "7]}, 'HostConfig': {}, 'Mounts': %s}",
        mounts);

    read_sample(text, ret);
}

static void modes(void **state)
{
    static const struct {
        const char *mode, *propagation, *options;
    } cases[] = {
        {"", "", ""},
        {"rw", "rprivate", ""},
        {"ro", "rprivate", ""},
        {"z", "rprivate", "z"},
        {"Z,ro", "rprivate", "Z"},
        {"ro,Z,cached", "rprivate", "Z,cached"},
        {"rslave", "rslave", "rslave"},
        {"", "rslave", "rslave"},
        {"z,rshared", "rshared", "rshared,z"},
        {"private", "private", "private"},
        {"rprivate", "rprivate", ""},
        {",z,,z,", "rprivate", "z"},
        {"nocopy", "", "nocopy"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_CONTAINER struct container c = CONTAINER_INIT;
        AUTO_FREE char *mounts =
            mem_printf("[{'Type': 'bind', 'Source': '/a/', 'Destination': '//b/./c/', 'Mode': "
                       "'%s', 'RW': false, 'Propagation': '%s'}]",
                       cases[i].mode, cases[i].propagation);

        read_mounts(mounts, &c);
        assert_mount(&c.mounts[0], "bind", "/a", "/b/c", true, cases[i].options);
    }
}

static void no_mounts(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    (void)state;
    read_mounts("null", &c);
    assert_int_equal(c.mount_count, 0);
    assert_false(container_is_oms(&c));
    assert_null(container_mount_at(&c, "/"));
    assert_string_equal(c.name, "n");
}

static void tls_needs_both(void **state)
{
    AUTO_CONTAINER struct container one = CONTAINER_INIT;
    AUTO_CONTAINER struct container two = CONTAINER_INIT;

    (void)state;
    read_mounts("[{'Type': 'bind', 'Source': '/c', 'Destination': '" OMS_PATH_TLS_CRT
                "', 'RW': true}]",
                &one);
    read_mounts("[{'Type': 'bind', 'Source': '/c', 'Destination': '" OMS_PATH_TLS_CRT
                "', 'RW': true}, {'Type': 'bind', 'Source': '/k', 'Destination': "
                "'" OMS_PATH_TLS_KEY "/', 'RW': true}]",
                &two);
    assert_false(container_has_tls(&one));
    assert_true(container_has_tls(&two));
    assert_false(container_is_oms(&two));
}

static void environment(void **state)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;

    (void)state;
    read_mounts("[]", &c);
    assert_string_equal(container_env(&c, "A"), "3");
    assert_string_equal(container_env(&c, "AB"), "2");
    assert_string_equal(container_env(&c, "E"), "");
    assert_string_equal(container_env(&c, "T"), "a=b\xc3\xa4");
    assert_null(container_env(&c, "a"));
    assert_null(container_env(&c, ""));
}

static void paths(void **state)
{
    static const char *const cases[][2] = {
        {"/a//b/./c/", "/a/b/c"},
        {"/", "/"},
        {"//", "/"},
        {"/a/../b", "/b"},
        {"/../a", "/a"},
        {"/a/b/../..", "/"},
        {"a/b/", "a/b"},
        {"./a", "a"},
        {"", "."},
        {".", "."},
        {"..", ".."},
        {"../../a", "../../a"},
        {"a/..", "."},
        {"a/../../b", "../b"},
        {"/...", "/..."},
        {"/a/..b", "/a/..b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *clean = path_clean(cases[i][0]);

        assert_string_equal(clean, cases[i][1]);
    }
}

static void answers_that_are_none(void **state)
{
    static const char *const cases[][2] = {
        {"[]", WHAT " is no JSON object"},
        {"{}", WHAT " has no 'Id'"},
        {"{'Id': 1}", WHAT ": 'Id' is no text"},
        {"{'Id': 'i'}", WHAT " has no 'Name'"},
        {"{'Id': 'i', 'Name': '/n'}", WHAT " has no 'Image'"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's'}", WHAT " has no 'Config.Image'"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's', 'Config': {'Image': 'r'}}",
         WHAT " has no 'State.Status'"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's', 'Config': {'Image': 'r'}, 'State': {'Status': "
         "'x'}}",
         WHAT ": 'HostConfig' is missing or no object"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's', 'Config': {'Image': 'r'}, 'State': {'Status': "
         "'x'}, 'HostConfig': {}, 'Mounts': {}}",
         WHAT ": 'Mounts' is no list"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's', 'Config': {'Image': 'r'}, 'State': {'Status': "
         "'x'}, 'HostConfig': {}, 'Mounts': [{'Type': 'bind'}]}",
         WHAT ", a mount has no 'Destination'"},
        {"{'Id': 'i', 'Name': '/n', 'Image': 's', 'Config': {'Image': 'r'}, 'State': {'Status': "
         "'x'}, 'HostConfig': {}, 'Mounts': [{'Type': 'bind', 'Destination': '/d'}]}",
         WHAT ": mount at '/d' has no 'RW'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_JSON json_t *answer = sample_parse(cases[i][0]);
        struct container c = CONTAINER_INIT;
        struct err err = ERR_INIT;

        assert_fails(container_from_engine(answer, &c, &err));
        assert_err(&err, ERR_FAILED, cases[i][1]);
        assert_null(c.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binds_of_docker_run),
        cmocka_unit_test(mounts_of_docker_create),
        cmocka_unit_test(newer_api_with_fields_left_out),
        cmocka_unit_test(copies_are_deep),
        cmocka_unit_test(modes),
        cmocka_unit_test(no_mounts),
        cmocka_unit_test(tls_needs_both),
        cmocka_unit_test(environment),
        cmocka_unit_test(paths),
        cmocka_unit_test(answers_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
