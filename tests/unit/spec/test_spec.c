/* From the old container to the new one, on answers of a real engine (API 1.41, in data/): what is
 * desired, what the plan says of it, and what counts as exact. */
#include "launcher/spec/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/container.h"
#include "launcher/base/fs.h"
#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_secret.h"
#include "tests/unit/unit.h"

struct sample {
    json_t *all; /* old, old_image, new_image, created, changes */
    struct container old, created, desired;
};

static void sample_free(struct sample *s)
{
    container_free(&s->old);
    container_free(&s->created);
    container_free(&s->desired);
    json_decref(s->all);
}
#define AUTO_SAMPLE CLEANUP(sample_free)

static const json_t *image_of(const struct sample *s, const char *which)
{
    return json_object_get(s->all, which);
}

static void desire(struct sample *s, const struct spec_request *special)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *ref = NULL;
    struct spec_request request = special != NULL ? *special : (struct spec_request){0};
    const char *repository =
        strstr(s->old.image_ref, "volumes") != NULL ? "lab/volumes" : "lab/oms";

    ref = mem_printf("%s:feature_4.0.0-ce", repository);
    request.old = &s->old;
    request.old_image = image_of(s, "old_image");
    request.image_ref = ref;
    request.name = "oms_331";
    request.is_upgrade = special == NULL || special->is_upgrade;
    container_free(&s->desired);
    assert_ok(spec_desired(&request, &s->desired, &err), &err);
}

static void sample_load(struct sample *s, const char *name)
{
    AUTO_FREE char *path = mem_printf("tests/unit/upgrade/data/%s.json", name);
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;

    memset(s, 0, sizeof(*s));
    assert_ok(fs_read(path, 1 << 20, false, &text, &err), &err);
    assert_ok(json_parse(str_get(&text), text.len, path, &s->all, &err), &err);
    assert_ok(container_from_engine(json_object_get(s->all, "old"), &s->old, &err), &err);
    assert_ok(container_from_engine(json_object_get(s->all, "created"), &s->created, &err), &err);
    desire(s, NULL);
}

static void assert_json(const json_t *j, const char *expected)
{
    AUTO_FREE char *text = json_canonical(j);

    assert_string_equal(text, expected);
}

static const json_t *config(const struct sample *s, const char *name)
{
    return json_object_get(s->desired.config, name);
}

static const json_t *host(const struct sample *s, const char *name)
{
    return json_object_get(s->desired.host_config, name);
}

/* ---- real answers ---- */

static const char *const names[] = {"runbook", "mounts", "settings", "volumes", "bare"};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sorted_rows(const json_t *rows, struct strv *ret)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        AUTO_FREE char *text = json_canonical(json_array_get(rows, i));
        strv_add(ret, text);
    }
    if (ret->count > 1) {
        qsort(ret->items, ret->count, sizeof(*ret->items), by_text);
    }
}

static void test_changes_as_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_SAMPLE struct sample s;

        sample_load(&s, names[i]);
        AUTO_JSON json_t *changes =
            spec_diff(&s.old, image_of(&s, "old_image"), &s.desired, image_of(&s, "new_image"));
        /* Names inside a field come in the order of the engine's answer. */
        AUTO_STRV struct strv seen = STRV_INIT;
        AUTO_STRV struct strv expected = STRV_INIT;
        sorted_rows(changes, &seen);
        sorted_rows(json_object_get(s.all, "changes"), &expected);
        assert_int_equal(seen.count, expected.count);
        for (size_t row = 0; row < seen.count; row++) {
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the counts are equal */
            assert_string_equal(seen.items[row], expected.items[row]);
        }
    }
}

static void test_created_is_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_SAMPLE struct sample s;

        sample_load(&s, names[i]);
        AUTO_JSON json_t *rows =
            spec_compare_created(&s.desired, image_of(&s, "new_image"), &s.created);
        assert_json(rows, "[]");
    }
}

static void test_nothing_unkeepable(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_SAMPLE struct sample s;

        sample_load(&s, names[i]);
        AUTO_JSON json_t *fields = spec_unkeepable(&s.old);
        assert_json(fields, "[]");
    }
}

/* ---- what is desired ---- */

static void test_runbook(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    assert_string_equal(s.desired.name, "oms_331");
    assert_string_equal(s.desired.image_ref, "lab/oms:feature_4.0.0-ce");
    assert_null(s.desired.id);
    /* Nothing of what the old image set. */
    assert_json(s.desired.config,
                "{\"AttachStderr\":true,\"AttachStdin\":true,\"AttachStdout\":true,"
                "\"Env\":[\"OMS_HOST_IP=127.0.0.11\",\"IS_UPGRADE=true\"],\"Hostname\":\"host1\","
                "\"Image\":\"lab/oms:feature_4.0.0-ce\",\"OpenStdin\":true,\"StdinOnce\":true,"
                "\"Tty\":true}");
}

static void test_ours_on_a_bare_one(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "bare");
    assert_true(json_is_true(config(&s, "Tty")) && json_is_true(config(&s, "OpenStdin")));
    assert_json(config(&s, "Env"), "[\"OMS_HOST_IP=127.0.0.11\",\"IS_UPGRADE=true\"]");
    assert_string_equal(json_string_value(host(&s, "NetworkMode")), "host");
    assert_true(json_is_true(host(&s, "Privileged")));
    assert_int_equal(json_integer_value(host(&s, "PidsLimit")), -1);
    assert_json(host(&s, "Ulimits"), "[{\"Hard\":65535,\"Name\":\"nproc\",\"Soft\":65535}]");
    /* The engine made it up, out of the old ID. */
    assert_null(config(&s, "Hostname"));
}

static void test_settings_are_kept(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "settings");
    assert_json(config(&s, "Env"),
                "[\"LINES=one\\ntwo\",\"UTF=é€\",\"JAVA_OPTS=-Xmx8g\",\"API_TOKEN=t0ken\","
                "\"OMS_HOST_IP=127.0.0.11\",\"EQ=a=b=c\",\"IS_UPGRADE=true\"]");
    assert_json(config(&s, "Labels"), "{\"a\":\"1\",\"release\":\"mine\"}");
    assert_json(config(&s, "Entrypoint"), "[\"/bin/sleep\"]");
    assert_json(config(&s, "Cmd"), "[\"331\"]");
    assert_string_equal(json_string_value(config(&s, "User")), "7");
    assert_string_equal(json_string_value(config(&s, "WorkingDir")), "/w");
    assert_string_equal(json_string_value(config(&s, "StopSignal")), "SIGINT");
    assert_int_equal(json_integer_value(config(&s, "StopTimeout")), 77);
    assert_null(config(&s, "Healthcheck"));
    assert_null(config(&s, "ExposedPorts"));
    /* nproc is set in its place, the others stay. */
    assert_json(host(&s, "Ulimits"), "[{\"Hard\":0,\"Name\":\"core\",\"Soft\":0},"
                                     "{\"Hard\":9000,\"Name\":\"nofile\",\"Soft\":9000},"
                                     "{\"Hard\":65535,\"Name\":\"nproc\",\"Soft\":65535}]");
    assert_json(host(&s, "RestartPolicy"), "{\"MaximumRetryCount\":0,\"Name\":\"always\"}");
    assert_json(host(&s, "ExtraHosts"), "[\"a:1.2.3.4\"]");
    assert_json(host(&s, "Dns"), "[\"9.9.9.9\"]");
    assert_json(host(&s, "LogConfig"), "{\"Config\":{\"max-size\":\"5m\"},\"Type\":\"json-file\"}");
    assert_int_equal(json_integer_value(host(&s, "Memory")), 2147483648);
    assert_int_equal(json_integer_value(host(&s, "NanoCpus")), 2000000000);
    assert_int_equal(json_integer_value(host(&s, "ShmSize")), 134217728);
}

static void test_mounts_of_all_kinds(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    AUTO_STR struct str text = STR_INIT;

    sample_load(&s, "mounts");
    for (size_t i = 0; i < s.desired.mount_count; i++) {
        const struct mount *m = &s.desired.mounts[i];
        str_appendf(&text, "%s %s %s %s %s\n", m->destination, m->type, m->source,
                    m->read_only ? "ro" : "rw", m->options);
    }
    assert_string_equal(str_get(&text),
                        "/home/admin/conf/config.yaml bind /data/oms/config.yaml ro \n"
                        "/home/admin/logs bind /data/oms/logs rw \n"
                        "/home/ds/run bind /data/oms/run rw rslave\n"
                        "/home/ds/store volume oms_store rw z\n"
                        "/t tmpfs  rw \n");
    assert_null(host(&s, "Binds"));
    assert_int_equal(json_array_size(host(&s, "Mounts")), 5);
}

static void test_anonymous_volumes_are_new(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "volumes");
    assert_int_equal(s.old.mount_count, 6);
    /* /data is the image's own affair; /anonymous is asked for, and gets a new volume. */
    assert_null(container_mount_at(&s.desired, "/data"));
    assert_string_equal(container_mount_at(&s.desired, "/anonymous")->source, "");
    assert_json(config(&s, "Volumes"), "{\"/anonymous\":{}}");
}

/* ---- what a user asks for ---- */

static void test_no_upgrade_variable(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    const struct spec_request request = {.is_upgrade = false};

    sample_load(&s, "bare");
    desire(&s, &request);
    assert_json(config(&s, "Env"), "[\"OMS_HOST_IP=127.0.0.11\"]");
}

static void test_set_env_and_host_ip(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    AUTO_STRV struct strv set = STRV_INIT;

    sample_load(&s, "settings");
    strv_add(&set, "EQ=x=y");
    strv_add(&set, "NEW=");
    strv_add(&set, "IS_UPGRADE=TRUE");
    const struct spec_request request = {
        .is_upgrade = true, .host_ip = "10.0.0.1", .set_env = &set};
    desire(&s, &request);
    assert_json(config(&s, "Env"),
                "[\"LINES=one\\ntwo\",\"UTF=é€\",\"JAVA_OPTS=-Xmx8g\",\"API_TOKEN=t0ken\","
                "\"OMS_HOST_IP=10.0.0.1\",\"EQ=x=y\",\"IS_UPGRADE=TRUE\",\"NEW=\"]");
}

static void test_wrong_set_env(void **state)
{
    (void)state;
    static const char *const wrong[] = {"NAME", "=value", "="};
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "bare");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_STRV struct strv set = STRV_INIT;
        AUTO_CONTAINER struct container c = CONTAINER_INIT;
        struct err err = ERR_INIT;
        strv_add(&set, wrong[i]);
        const struct spec_request request = {
            .old = &s.old, .image_ref = "r:t", .name = "n", .set_env = &set};
        AUTO_FREE char *expected =
            mem_printf("--set-env '%s' is no variable\nHINT: write it as NAME=VALUE", wrong[i]);
        assert_fails(spec_desired(&request, &c, &err));
        assert_err(&err, ERR_USAGE, expected);
    }
}

static void test_tls_binds(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    struct spec_request request = {
        .is_upgrade = true, .https_crt = "/tls//a.crt", .https_key = "/tls/a.key"};

    sample_load(&s, "runbook");
    desire(&s, &request);
    assert_true(container_has_tls(&s.desired));
    assert_string_equal(container_mount_at(&s.desired, OMS_PATH_TLS_CRT)->source, "/tls/a.crt");
    assert_int_equal(s.desired.mount_count, 6);
    assert_json(json_array_get(host(&s, "Binds"), 4),
                "\"/tls//a.crt:/etc/pki/nginx/oms_server.crt\"");

    /* The second time they are replaced, not added. */
    container_free(&s.old);
    s.old = s.desired;
    s.desired = (struct container)CONTAINER_INIT;
    request.https_crt = "/tls/b.crt";
    request.https_key = "/tls/b.key";
    desire(&s, &request);
    assert_int_equal(s.desired.mount_count, 6);
    assert_int_equal(json_array_size(host(&s, "Binds")), 6);
    assert_string_equal(container_mount_at(&s.desired, OMS_PATH_TLS_KEY)->source, "/tls/b.key");

    /* Without the options they stay. */
    container_free(&s.old);
    s.old = s.desired;
    s.desired = (struct container)CONTAINER_INIT;
    desire(&s, NULL);
    assert_string_equal(container_mount_at(&s.desired, OMS_PATH_TLS_KEY)->source, "/tls/b.key");
}

/* ---- the image's defaults ---- */

static void test_image_is_gone(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    json_object_set_new(s.all, "old_image", json_null());
    desire(&s, NULL);
    /* Nothing can be told apart, so everything is taken for the user's. */
    assert_json(config(&s, "Cmd"), "[\"sleep 331\"]");
    assert_json(config(&s, "Entrypoint"), "[\"/bin/sh\",\"-c\"]");
    assert_int_equal(json_object_size(config(&s, "Labels")), 2);
}

static void test_taken_away_entrypoint(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    json_object_set_new(s.old.config, "Entrypoint", json_null());
    desire(&s, NULL);
    assert_json(config(&s, "Entrypoint"), "[\"\"]");
}

static void test_own_entrypoint_keeps_its_command(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    json_object_set_new(s.old.config, "Entrypoint", json_pack("[s]", "/bin/env"));
    desire(&s, NULL);
    assert_json(config(&s, "Entrypoint"), "[\"/bin/env\"]");
    /* With an entrypoint of one's own the engine ignores the image's command. */
    assert_json(config(&s, "Cmd"), "[\"sleep 331\"]");
}

static void test_run_label_is_not_carried_over(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    json_t *labels = json_pack("{s:s, s:s}", SPEC_LABEL_RUN, "earlier", "mine", "x");

    sample_load(&s, "runbook");
    json_object_set_new(s.old.config, "Labels", labels);
    desire(&s, NULL);
    assert_json(config(&s, "Labels"), "{\"mine\":\"x\"}");
}

static void test_300_labels(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    for (int i = 0; i < 300; i++) {
        AUTO_FREE char *name = mem_printf("label.%d", i);
        json_object_set_new(json_object_get(s.old.config, "Labels"), name, json_string("é=\n"));
    }
    desire(&s, NULL);
    assert_int_equal(json_object_size(config(&s, "Labels")), 300);
    AUTO_JSON json_t *changes =
        spec_diff(&s.old, image_of(&s, "old_image"), &s.desired, image_of(&s, "new_image"));
    AUTO_FREE char *text = json_canonical(changes);
    assert_null(strstr(text, "label.1"));
}

/* ---- the body of the create call ---- */

static void test_create_body(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "settings");
    AUTO_JSON json_t *body = spec_create_body(&s.desired, "r1");
    /* Marked, and not to be woken by a restart of the engine. */
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(body, "Labels"), SPEC_LABEL_RUN)), "r1");
    assert_string_equal(json_text(body, "Labels.a", ""), "1");
    assert_string_equal(json_text(body, "HostConfig.RestartPolicy.Name", ""), "no");
    /* What is desired stays as it was. */
    assert_null(json_object_get(config(&s, "Labels"), SPEC_LABEL_RUN));
    assert_string_equal(json_text(host(&s, "RestartPolicy"), "Name", ""), "always");
}

/* ---- what cannot be kept ---- */

static void test_unkeepable(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "runbook");
    json_object_set_new(s.old.host_config, "AutoRemove", json_true());
    json_object_set_new(s.old.host_config, "NewThing", json_pack("{s:i}", "x", 1));
    json_object_set_new(s.old.host_config, "NewButUnused", json_pack("{s:[]}", "x"));
    json_object_set_new(s.old.host_config, "NewNull", json_null());
    json_object_set_new(s.old.config, "Added", json_string("a"));
    AUTO_JSON json_t *fields = spec_unkeepable(&s.old);
    assert_json(fields, "[{\"field\":\"Config.Added\",\"value\":\"a\"},"
                        "{\"field\":\"HostConfig.AutoRemove\",\"value\":true},"
                        "{\"field\":\"HostConfig.NewThing\",\"value\":{\"x\":1}},"
                        "{\"field\":\"HostConfig.NewButUnused\",\"value\":{\"x\":[]}}]");
}

/* ---- the comparison ---- */

/* One thing is other than desired: exactly one row says so. */
static void assert_difference(struct sample *s, const char *row)
{
    AUTO_JSON json_t *rows =
        spec_compare_created(&s->desired, image_of(s, "new_image"), &s->created);
    AUTO_FREE char *expected = mem_printf("[%s]", row);

    assert_json(rows, expected);
}

static void test_each_difference(void **state)
{
    (void)state;
    static const struct {
        const char *name; /* sample */
        bool in_host_config;
        const char *field;
        const char *value; /* JSON; NULL: not there */
        const char *row;
    } cases[] = {
        {"runbook", false, "Tty", "false",
         "{\"by\":\"engine\",\"field\":\"Config.Tty\",\"new\":false,\"old\":true}"},
        {"runbook", false, "Env",
         "[\"OMS_HOST_IP=127.0.0.11\",\"IS_UPGRADE=true\",\"PATH=/bin:"
         "/sbin\",\"OMS_VERSION=4.0.0\",\"NEW_ONLY=1\"]",
         "{\"by\":\"engine\",\"field\":\"Config.Env.JAVA_OPTS\",\"new\":null,\"old\":\"-Xmx2g\"}"},
        {"runbook", false, "Cmd", "[\"other\"]",
         "{\"by\":\"engine\",\"field\":\"Config.Cmd\",\"new\":[\"other\"],\"old\":[\"sleep "
         "400\"]}"},
        {"runbook", true, "Privileged", "false",
         "{\"by\":\"engine\",\"field\":\"HostConfig.Privileged\",\"new\":false,\"old\":true}"},
        {"runbook", true, "PidsLimit", "100",
         "{\"by\":\"engine\",\"field\":\"HostConfig.PidsLimit\",\"new\":100,\"old\":-1}"},
        {"runbook", true, "NetworkMode", "\"bridge\"",
         "{\"by\":\"engine\",\"field\":\"HostConfig.NetworkMode\",\"new\":\"bridge\",\"old\":"
         "\"host\"}"},
        {"runbook", true, "Ulimits", NULL,
         "{\"by\":\"engine\",\"field\":\"HostConfig.Ulimits\",\"new\":null,\"old\":[{\"Hard\":"
         "65535,"
         "\"Name\":\"nproc\",\"Soft\":65535}]}"},
        {"settings", true, "Memory", "0",
         "{\"by\":\"engine\",\"field\":\"HostConfig.Memory\",\"new\":0,\"old\":2147483648}"},
        {"settings", false, "StopTimeout", NULL,
         "{\"by\":\"engine\",\"field\":\"Config.StopTimeout\",\"new\":null,\"old\":77}"},
        {"settings", false, "User", "\"\"",
         "{\"by\":\"engine\",\"field\":\"Config.User\",\"new\":\"\",\"old\":\"7\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_SAMPLE struct sample s;

        sample_load(&s, cases[i].name);
        json_t *section = cases[i].in_host_config ? s.created.host_config : s.created.config;
        if (cases[i].value == NULL) {
            json_object_del(section, cases[i].field);
        } else {
            json_object_set_new(section, cases[i].field,
                                json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        }
        assert_difference(&s, cases[i].row);
    }
}

static void test_equal_by_other_words(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    static const char *const limits[] = {"null", "0", "-1"};

    sample_load(&s, "runbook");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        json_object_set_new(s.created.host_config, "PidsLimit",
                            json_loads(limits[i], JSON_DECODE_ANY, NULL));
        assert_difference(&s, "");
    }
    /* From API 1.52 on, unset fields are left out. */
    json_object_del(s.created.host_config, "PidsLimit");
    json_object_del(s.created.config, "Volumes");
    json_object_del(s.created.config, "OnBuild");
    /* It is "no" until the run ends. */
    json_object_set_new(s.created.host_config, "RestartPolicy",
                        json_pack("{s:s,s:i}", "Name", "no", "MaximumRetryCount", 0));
    assert_difference(&s, "");
}

/* What engines of today have and that of the samples has not (API 1.43, 1.44). */
static void test_newer_engine(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    static const char annotations[] = "{\"org.example.team\":\"oms\",\"org.example.x\":\"a=b\"}";

    sample_load(&s, "settings");
    json_object_set_new(s.old.host_config, "Annotations", json_loads(annotations, 0, NULL));
    json_object_set_new(json_object_get(s.old.config, "Healthcheck"), "StartInterval",
                        json_integer(7000000000));
    desire(&s, NULL);
    assert_json(host(&s, "Annotations"), annotations);
    assert_int_equal(json_int(config(&s, "Healthcheck"), "StartInterval", 0), 7000000000);
    AUTO_JSON json_t *lost = spec_unkeepable(&s.old);
    assert_json(lost, "[]");
    assert_difference(&s, "{\"by\":\"engine\",\"field\":\"Config.Healthcheck.StartInterval\","
                          "\"new\":null,\"old\":7000000000},"
                          "{\"by\":\"engine\",\"field\":\"HostConfig.Annotations\",\"new\":null,"
                          "\"old\":{\"org.example.team\":\"oms\",\"org.example.x\":\"a=b\"}}");
    json_object_set_new(s.created.host_config, "Annotations", json_loads(annotations, 0, NULL));
    json_object_set_new(json_object_get(s.created.config, "Healthcheck"), "StartInterval",
                        json_integer(7000000000));
    assert_difference(&s, "");
}

static void test_mounts_that_differ(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;

    sample_load(&s, "mounts");
    struct mount *run = &s.created.mounts[2];
    assert_string_equal(run->destination, "/home/ds/run");
    run->read_only = true;
    assert_difference(&s,
                      "{\"by\":\"engine\",\"field\":\"Mounts./home/ds/run\",\"new\":\"bind "
                      "/data/oms/run (ro,rslave)\",\"old\":\"bind /data/oms/run (rw,rslave)\"}");
    run->read_only = false;
    free(run->source);
    run->source = mem_strdup("/elsewhere");
    assert_difference(&s, "{\"by\":\"engine\",\"field\":\"Mounts./home/ds/run\",\"new\":\"bind "
                          "/elsewhere (rw,rslave)\",\"old\":\"bind /data/oms/run (rw,rslave)\"}");
    free(run->destination);
    run->destination = mem_strdup("/other");
    assert_difference(&s,
                      "{\"by\":\"engine\",\"field\":\"Mounts./home/ds/run\",\"new\":null,"
                      "\"old\":\"bind /data/oms/run (rw,rslave)\"},"
                      "{\"by\":\"engine\",\"field\":\"Mounts./other\",\"new\":\"bind /elsewhere "
                      "(rw,rslave)\",\"old\":null}");
}

static void test_secrets_are_masked(void **state)
{
    (void)state;
    AUTO_SAMPLE struct sample s;
    AUTO_STRV struct strv set = STRV_INIT;

    sample_load(&s, "settings");
    strv_add(&set, "API_TOKEN=n3w");
    strv_add(&set, "db_Password=n3w");
    const struct spec_request request = {.is_upgrade = true, .set_env = &set};
    desire(&s, &request);
    AUTO_JSON json_t *changes = spec_diff(&s.old, image_of(&s, "old_image"), &s.desired, NULL);
    assert_json(
        changes,
        "[{\"by\":\"omslaunch\",\"field\":\"Config.Image\",\"new\":\"lab/oms:feature_4.0.0-ce\","
        "\"old\":\"lab/oms:feature_3.3.1-ce\"},"
        "{\"by\":\"omslaunch\",\"field\":\"Config.Env.API_TOKEN\",\"new\":\"***\",\"old\":\"***\"},"
        "{\"by\":\"omslaunch\",\"field\":\"Config.Env.IS_UPGRADE\",\"new\":\"true\",\"old\":null},"
        "{\"by\":\"omslaunch\",\"field\":\"Config.Env.db_Password\",\"new\":\"***\",\"old\":null}"
        "]");
}

/* An image's label or command that changes, and a field that nobody knows. */
static void test_secrets_are_masked_elsewhere(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *shown;
    } cases[] = {
        {"x", "{\"a-token\":\"s\",\"b\":[{\"passwd\":\"s\",\"n\":1}]}",
         "{\"a-token\":\"***\",\"b\":[{\"n\":1,\"passwd\":\"***\"}]}"},
        {"x", "[\"run\",\"--password=s\",\"s\",\"last\"]", "[\"run\",\"***\",\"***\",\"last\"]"},
        {"x", "[\"sh\",\"-c\",\"login --api-key s; DB_SECRET=s run\"]", "[\"sh\",\"-c\",\"***\"]"},
        {"x", "[1,null,true]", "[1,null,true]"},
        {"db.Password", "\"s\"", "\"***\""},
        {"plain", "\"s\"", "\"s\""},
        {"x", "7", "7"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_JSON json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        AUTO_JSON json_t *shown = spec_shown(cases[i].name, value);
        AUTO_JSON json_t *expected = json_loads(cases[i].shown, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(shown, expected));
        /* What was shown is a copy. */
        AUTO_JSON json_t *again = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(value, again));
    }
    assert_null(spec_shown("x", NULL));

    AUTO_SAMPLE struct sample s;
    sample_load(&s, "runbook");
    json_object_set_new(json_object_get(s.created.config, "Labels"), "x.secret",
                        json_string("s3cret"));
    assert_difference(&s, "{\"by\":\"engine\",\"field\":\"Config.Labels.x.secret\",\"new\":\"***\","
                          "\"old\":null}");
    json_object_set_new(s.old.host_config, "Strange", json_pack("{s:s}", "access-token", "s3cret"));
    AUTO_JSON json_t *lost = spec_unkeepable(&s.old);
    assert_json(lost, "[{\"field\":\"HostConfig.Strange\",\"value\":{\"access-token\":\"***\"}}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_as_recorded),
        cmocka_unit_test(test_created_is_exact),
        cmocka_unit_test(test_nothing_unkeepable),
        cmocka_unit_test(test_runbook),
        cmocka_unit_test(test_ours_on_a_bare_one),
        cmocka_unit_test(test_settings_are_kept),
        cmocka_unit_test(test_mounts_of_all_kinds),
        cmocka_unit_test(test_anonymous_volumes_are_new),
        cmocka_unit_test(test_no_upgrade_variable),
        cmocka_unit_test(test_set_env_and_host_ip),
        cmocka_unit_test(test_wrong_set_env),
        cmocka_unit_test(test_tls_binds),
        cmocka_unit_test(test_image_is_gone),
        cmocka_unit_test(test_taken_away_entrypoint),
        cmocka_unit_test(test_own_entrypoint_keeps_its_command),
        cmocka_unit_test(test_run_label_is_not_carried_over),
        cmocka_unit_test(test_300_labels),
        cmocka_unit_test(test_create_body),
        cmocka_unit_test(test_unkeepable),
        cmocka_unit_test(test_each_difference),
        cmocka_unit_test(test_equal_by_other_words),
        cmocka_unit_test(test_newer_engine),
        cmocka_unit_test(test_mounts_that_differ),
        cmocka_unit_test(test_secrets_are_masked),
        cmocka_unit_test(test_secrets_are_masked_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
