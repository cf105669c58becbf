/* Nodes, observed on an engine that says what the test wants. */
#include "tests/unit/engine/fake_engine.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "inspect/deployment.h"
#include "launcher/base/fs.h"
#include "tests/unit/engine/tar_make.h"
#include "tests/unit/inspect/samples.h"

#define CONFIG                                                                            \
    "oms_meta_host: 10.0.0.9\noms_meta_port: 3306\noms_meta_user: u\noms_meta_password: " \
    "s3cret\ndrc_rm_db: rm\ndrc_cm_db: cm\ndrc_cm_heartbeat_db: hb\n"
#define NOT_FOUND FAKE_JSON("404 Not Found", "{\"message\":\"no such thing\"}")
#define INFO_AWAY FAKE_JSON("200 OK", "{\"Name\":\"far\",\"NCPU\":16,\"MemTotal\":1000}")
#define LIST                                                                                    \
    FAKE_JSON("200 OK",                                                                         \
              "[{\"Id\":\"117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2bf79b\","  \
              "\"Names\":[\"/oms_331\"],\"State\":\"running\",\"Mounts\":[{\"Type\":\"bind\","  \
              "\"Source\":\"/data/oms/run\",\"Destination\":\"/home/ds/run\"}]},{\"Id\":\"2\"," \
              "\"Names\":[\"/web\"],\"State\":\"running\",\"Mounts\":[{\"Type\":\"bind\","      \
              "\"Source\":\"/data//web/\",\"Destination\":\"/web\"},{\"Type\":\"volume\","      \
              "\"Name\":\"vol\",\"Source\":\"/v\",\"Destination\":\"/v\"}]},{\"Id\":\"3\","     \
              "\"Names\":[\"/oms_322\"],\"State\":\"exited\",\"Mounts\":[{\"Type\":\"bind\","   \
              "\"Source\":\"/old/logs\",\"Destination\":\"/home/admin/logs\"}]}]")
#define IMAGE FAKE_JSON("200 OK", "{\"RepoTags\":[\"r:x\"],\"Config\":{\"Env\":[\"A=img\"]}}")
#define ARCHIVE "HEAD /v1.41/containers/117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2"
#define NAME "config.yaml of container 'oms_331' (/home/admin/conf/config.yaml)"

/* a file of 123 bytes */
static const char stat_file[] =
    "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
    "eyJuYW1lIjoieCIsInNpemUiOjEyMywibW9kZSI6NDIwLCJtdGltZSI6IjIwMDEtMDItMDNUMDQ6MDU6"
    "MDYuNVoiLCJsaW5rVGFyZ2V0IjoiIn0=\r\n\r\n";
/* a file of 2 MiB */
static const char stat_large[] =
    "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
    "eyJuYW1lIjoieCIsInNpemUiOjIwOTcxNTIsIm1vZGUiOjQyMCwibXRpbWUiOiIyMDAxLTAyLTAzVDA0"
    "OjA1OjA2LjVaIiwibGlua1RhcmdldCI6IiJ9\r\n\r\n";
/* a folder */
static const char stat_folder[] =
    "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
    "eyJuYW1lIjoieCIsInNpemUiOjQwOTYsIm1vZGUiOjIxNDc0ODQxNDEsIm10aW1lIjoiMjAwMS0wMi0w"
    "M1QwNDowNTowNi41WiIsImxpbmtUYXJnZXQiOiIifQ==\r\n\r\n";
/* a socket */
static const char stat_socket[] =
    "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
    "eyJuYW1lIjoieCIsInNpemUiOjAsIm1vZGUiOjE2Nzc3NjQ1LCJtdGltZSI6IjIwMDEtMDItMDNUMDQ6"
    "MDU6MDYuNVoiLCJsaW5rVGFyZ2V0IjoiIn0=\r\n\r\n";

/* An answer with a JSON body, of which some texts are replaced by `to`. */
static void answer_json(const char *sample, const char *from, const char *to, struct str *ret)
{
    AUTO_JSON json_t *j = sample_parse(sample);
    AUTO_FREE char *text = json_compact(j);
    const char *at = text;

    str_append(ret, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
    for (const char *hit; from && (hit = strstr(at, from)); at = hit + strlen(from)) {
        str_append_n(ret, at, (size_t)(hit - at));
        str_append(ret, to);
    }
    str_append(ret, at);
}

static void answer_config(const char *text, struct str *ret)
{
    str_append(ret, "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n\r\n");
    tar_member(ret, '0', "config.yaml", text);
    tar_end(ret);
}

/* Observes 'oms_331' with these answers after the ping. */
static int observe(const struct fake_reply *replies, size_t count, struct node *ret,
                   struct err *err)
{
    struct fake_reply all[FAKE_MAX] = {FAKE_PING};
    struct fake f;
    int failed;

    memcpy(all + 1, replies, count * sizeof(*replies));
    fake_start(&f, all, count + 1);
    {
        AUTO_ENGINE struct engine *e = fake_open(&f);

        failed = node_observe(e, "oms_331", ret, err);
    }
    fake_end(&f);
    return failed;
}

static void a_node_far_away(void **state)
{
    AUTO_STR struct str inspect = STR_INIT;
    AUTO_STR struct str config = STR_INIT;
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    (void)state;
    answer_json(sample_binds, NULL, NULL, &inspect);
    answer_config(CONFIG, &config);
    const struct fake_reply replies[] = {
        {.expect = "GET /v1.41/containers/oms_331/json", .bytes = str_get(&inspect)},
        {.expect = "GET /v1.41/info", .bytes = INFO_AWAY},
        {.expect = "GET /v1.41/containers/json", .bytes = LIST},
        {.expect = ARCHIVE, .bytes = stat_file},
        {.expect = ARCHIVE, .bytes = NOT_FOUND},
        {.expect = "GET ", .bytes = str_get(&inspect)}, /* which of the two is missing? */
        {.expect = ARCHIVE, .bytes = stat_folder},
        {.expect = ARCHIVE, .bytes = stat_socket},
        {.expect = "HEAD /v1.41/containers/oms_331/archive", .bytes = stat_file},
        {.expect = "GET /v1.41/containers/oms_331/archive",
         .bytes = config.data,
         .len = config.len},
        {.expect = "GET /v1.41/images/sha256:23a0150d70981ed1", .bytes = IMAGE},
    };
    assert_ok(observe(replies, ARRAY_LEN(replies), &n, &err), &err);
    assert_true(str_starts_with(n.name, "unix:///tmp/omsl-fake."));
    assert_string_equal(n.old.name, "oms_331");
    assert_string_equal(n.host_ip, "127.0.0.11");
    assert_string_equal(n.config.meta_password.bytes, "s3cret");
    assert_string_equal(n.old_image_tag, "feature_3.3.1-ce");
    assert_string_equal(n.old_image_repository, "reg.docker.alibaba-inc.com/oboms/oms-all-in-one");
    assert_string_equal(json_text(n.old_image, "Env", "?"), "?");
    assert_int_equal(json_array_size(json_object_get(n.old_image, "Env")), 1);
    assert_null(n.old_image_note);
    assert_int_equal(n.host.cores, 16);
    assert_string_equal(n.host.api_version, "1.41");
    assert_false(n.host.local || n.host.addresses_known || n.host.root_free_known);
    assert_int_equal(n.mounts.count, 4);
    assert_false(n.mounts.source_missing);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_CONFIG)->kind, PATH_FILE);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_LOGS)->kind, PATH_MISSING);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_STORE)->kind, PATH_FOLDER);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_RUN)->kind, PATH_OTHER);
    assert_false(mount_facts_at(&n.mounts, OMS_PATH_RUN)->on_host);
    assert_null(mount_facts_at(&n.mounts, OMS_PATH_TLS_CRT));
    assert_int_equal(n.neighbours.count, 2);
    assert_string_equal(n.neighbours.items[0].name, "web");
    assert_string_equal(n.neighbours.items[0].sources.items[0], "/data/web");
    assert_string_equal(n.neighbours.items[0].sources.items[1], "vol");
    assert_false(n.neighbours.items[0].is_oms);
    assert_true(n.neighbours.items[1].is_oms);
}

static void an_unknown_container(void **state)
{
    const struct fake_reply with[] = {{.bytes = NOT_FOUND}, {.bytes = LIST}};
    const struct fake_reply without[] = {{.bytes = NOT_FOUND},
                                         {.bytes = FAKE_JSON("200 OK", "[]")}};
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(observe(with, ARRAY_LEN(with), &n, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_true(str_starts_with(err.text, "there is no container 'oms_331' on engine 'unix://"));
    assert_string_equal(err.hint, "OMS containers here: oms_331 (running), oms_322 (stopped)");
    assert_fails(observe(without, ARRAY_LEN(without), &n, &err));
    assert_string_equal(err.hint,
                        "no container here has OMS binds; is this the right engine (--host)?");
}

static void a_container_that_is_not_oms(void **state)
{
    AUTO_STR struct str inspect = STR_INIT;
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    (void)state;
    answer_json(sample_binds, "/home/", "/else/", &inspect);
    const struct fake_reply replies[] = {{.bytes = str_get(&inspect)}};
    assert_fails(observe(replies, 1, &n, &err));
    assert_err(&err, ERR_CONFIG,
               "container 'oms_331' is not an OMS container: it has none of the OMS binds\n"
               "HINT: looked for mounts at /home/admin/conf/config.yaml, /home/admin/logs, "
               "/home/ds/store and /home/ds/run; `docker inspect oms_331` shows what it has");
}

/* Observes a far node whose config.yaml is answered for like this. */
static void assert_config_refused(const char *stat, const struct str *next, const char *expected)
{
    AUTO_STR struct str inspect = STR_INIT;
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    answer_json(sample_binds, NULL, NULL, &inspect);
    const struct fake_reply replies[] = {
        {.bytes = str_get(&inspect)},
        {.bytes = INFO_AWAY},
        {.bytes = LIST},
        {.bytes = stat_file},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat},
        {.bytes = str_get(next), .len = next->len, .optional = true},
    };
    assert_fails(observe(replies, ARRAY_LEN(replies), &n, &err));
    assert_string_equal(err_whole(&err), expected);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_null(n.name);
}

static void config_files_that_are_none(void **state)
{
    AUTO_STR struct str empty = STR_INIT;
    AUTO_STR struct str inspect = STR_INIT;

    (void)state;
    answer_config("", &empty);
    answer_json(sample_binds, NULL, NULL, &inspect);
    assert_config_refused(NOT_FOUND, &inspect,
                          NAME " does not exist\nHINT: is the file still there on the host, where "
                               "the container binds it from?");
    assert_config_refused(stat_folder, &empty,
                          NAME " is a folder, expected a file\nHINT: the engine makes a folder of "
                               "a bind source that is missing; put the file back on the host");
    assert_config_refused(stat_large, &empty,
                          NAME " has 2097152 bytes, expected at most 1048576\nHINT: is the right "
                               "file bound to /home/admin/conf/config.yaml?");
    assert_config_refused(stat_file, &empty,
                          NAME " is empty\nHINT: put back the config.yaml that this OMS was "
                               "installed with");
}

static void the_old_image_is_gone(void **state)
{
    AUTO_STR struct str inspect = STR_INIT;
    AUTO_STR struct str config = STR_INIT;
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    (void)state;
    answer_json(sample_binds, NULL, NULL, &inspect);
    answer_config(CONFIG, &config);
    const struct fake_reply replies[] = {
        {.bytes = str_get(&inspect)},
        {.bytes = INFO_AWAY},
        {.bytes = LIST},
        {.bytes = stat_file},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat_file},
        {.bytes = config.data, .len = config.len},
        {.bytes = NOT_FOUND},
    };
    assert_ok(observe(replies, ARRAY_LEN(replies), &n, &err), &err);
    assert_null(n.old_image);
    assert_string_equal(
        n.old_image_note,
        "image 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce' "
        "(sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268) is no longer on "
        "the engine");
}

static void a_tag_from_the_image(void **state)
{
    AUTO_STR struct str inspect = STR_INIT;
    AUTO_STR struct str config = STR_INIT;
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;

    (void)state;
    answer_json(sample_binds, "reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce",
                "sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268",
                &inspect);
    answer_config(CONFIG, &config);
    const struct fake_reply replies[] = {
        {.bytes = str_get(&inspect)},
        {.bytes = INFO_AWAY},
        {.bytes = LIST},
        {.bytes = stat_file},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat_folder},
        {.bytes = stat_file},
        {.bytes = config.data, .len = config.len},
        {.bytes = FAKE_JSON("200 OK", "{\"RepoTags\":[\"h:5/oms:prod\",\"h:5/oms:4.0.0-CE\"],"
                                      "\"Config\":{}}")},
    };
    assert_ok(observe(replies, ARRAY_LEN(replies), &n, &err), &err);
    assert_string_equal(n.old_image_tag, "4.0.0-CE");
    assert_string_equal(n.old_image_repository, "h:5/oms");
}

/* ---- an engine of this machine: the sources themselves are looked at ---- */

struct host {
    char folder[32];
    struct str inspect, info;
};

static void touch(const char *folder, const char *name, const char *text)
{
    AUTO_FREE char *path = fs_join(folder, name);
    struct err err = ERR_INIT;

    assert_ok(fs_write_atomic(path, text, strlen(text), &err), &err);
}

static void host_start(struct host *h)
{
    static const char *const folders[] = {"logs", "store", "run"};
    char name[HOST_NAME_MAX + 1] = "";
    AUTO_FREE char *info = NULL;

    memset(h, 0, sizeof(*h));
    strcpy(h->folder, "/tmp/omsl-host.XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO_FREE char *path = fs_join(h->folder, folders[i]);

        assert_int_equal(mkdir(path, 0700), 0);
    }
    touch(h->folder, "config.yaml", CONFIG);
    assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
    info = mem_printf("{'Name': '%s', 'DockerRootDir': '/'}", name);
    answer_json(info, NULL, NULL, &h->info);
    answer_json(sample_binds, "/data/oms", h->folder, &h->inspect);
}

static void host_end(struct host *h)
{
    static const char *const names[] = {"logs", "store", "run"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = fs_join(h->folder, names[i]);

        if (rmdir(path)) {
            (void)unlink(path);
        }
    }
    AUTO_FREE char *real = fs_join(h->folder, "real");
    AUTO_FREE char *config = fs_join(h->folder, "config.yaml");

    (void)rmdir(real);
    if (unlink(config)) {
        (void)rmdir(config);
    }
    assert_int_equal(rmdir(h->folder), 0);
    str_free(&h->inspect);
    str_free(&h->info);
}

static void a_node_here(void **state)
{
    AUTO_STR struct str config = STR_INIT;
    AUTO_NODE struct node n = {0};
    const struct mount_fact *store;
    struct err err = ERR_INIT;
    struct host h;

    (void)state;
    host_start(&h);
    AUTO_FREE char *path = fs_join(h.folder, "store");
    AUTO_FREE char *real = fs_join(h.folder, "real");
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(symlink("real", path), 0);
    answer_config(CONFIG, &config);
    const struct fake_reply replies[] = {
        {.bytes = str_get(&h.inspect)},
        {.bytes = str_get(&h.info)},
        {.bytes = LIST},
        {.expect = "HEAD ", .bytes = stat_file},
        {.expect = "GET /v1.41/containers/oms_331/archive",
         .bytes = config.data,
         .len = config.len},
        {.bytes = IMAGE},
    };
    assert_ok(observe(replies, ARRAY_LEN(replies), &n, &err), &err);
    assert_true(n.host.local && n.host.addresses_known && n.host.root_free_known);
    assert_true(strv_has(&n.host.addresses, "127.0.0.1"));
    store = mount_facts_at(&n.mounts, OMS_PATH_STORE);
    assert_int_equal(store->kind, PATH_FOLDER);
    assert_true(store->on_host && store->source_is_link && store->free_known);
    assert_false(mount_facts_at(&n.mounts, OMS_PATH_LOGS)->source_is_link);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_CONFIG)->kind, PATH_FILE);
    host_end(&h);
}

/* 121 bytes */
#define SHORT_CONFIG                                                                             \
    "oms_meta_host: h\noms_meta_port: 1\noms_meta_user: u\noms_meta_password: s\ndrc_rm_db: r\n" \
    "drc_cm_db: c\ndrc_cm_heartbeat_db: b\n"

/* config.yaml on the host, filled up with a comment, of a time. */
static void put_config(const struct host *h, size_t size, long nsec)
{
    AUTO_FREE char *path = fs_join(h->folder, "config.yaml");
    AUTO_FREE char *text =
        mem_printf("%s#%*s\n", SHORT_CONFIG, (int)(size - strlen(SHORT_CONFIG) - 2), "");
    const struct timespec times[2] = {{981173106, nsec}, {981173106, nsec}};

    touch(h->folder, "config.yaml", text);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The host's file is read when the engine sees one of the same size and time, else what it sees. */
static void the_same_config(void **state)
{
    static const struct {
        size_t size;
        long nsec;
        const char *rm_db;
    } cases[] = {{123, 500000000, "r"}, {124, 500000000, "seen"}, {123, 501000000, "seen"}};
    AUTO_STR struct str config = STR_INIT;
    struct host h;

    (void)state;
    host_start(&h);
    answer_config("oms_meta_host: 10.0.0.9\noms_meta_port: 3306\noms_meta_user: u\n"
                  "oms_meta_password: s3cret\ndrc_rm_db: seen\ndrc_cm_db: cm\n"
                  "drc_cm_heartbeat_db: hb\n",
                  &config);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const bool same = i == 0;
        AUTO_NODE struct node n = {0};
        struct err err = ERR_INIT;
        const struct fake_reply replies[] = {
            {.bytes = str_get(&h.inspect)},
            {.bytes = str_get(&h.info)},
            {.bytes = LIST},
            {.expect = "HEAD ", .bytes = stat_file},
            {.expect = same ? "GET /v1.41/images/" : "GET /v1.41/containers/oms_331/archive",
             .bytes = same ? IMAGE : config.data,
             .len = same ? 0 : config.len},
            {.expect = "GET /v1.41/images/", .bytes = IMAGE},
        };

        put_config(&h, cases[i].size, cases[i].nsec);
        assert_ok(observe(replies, same ? 5 : 6, &n, &err), &err);
        assert_string_equal(n.config.rm_db, cases[i].rm_db);
    }
    host_end(&h);
}

/* The archive endpoint would create the missing folder, so nothing is asked through it. */
static void a_missing_source_is_not_created(void **state)
{
    AUTO_NODE struct node n = {0};
    struct err err = ERR_INIT;
    struct host h;

    (void)state;
    host_start(&h);
    AUTO_FREE char *path = fs_join(h.folder, "store");
    assert_int_equal(rmdir(path), 0);
    const struct fake_reply replies[] = {
        {.bytes = str_get(&h.inspect)},
        {.bytes = str_get(&h.info)},
        {.bytes = LIST},
        {.expect = "GET /v1.41/images/", .bytes = IMAGE},
    };
    assert_ok(observe(replies, ARRAY_LEN(replies), &n, &err), &err);
    assert_true(n.mounts.source_missing);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_STORE)->kind, PATH_MISSING);
    assert_int_equal(mount_facts_at(&n.mounts, OMS_PATH_RUN)->kind, PATH_FOLDER);
    assert_string_equal(n.config.rm_db, "rm");
    assert_false(fs_exists(path));
    host_end(&h);
}

static void assert_host_config_refused(struct host *h, const char *what)
{
    AUTO_NODE struct node n = {0};
    AUTO_FREE char *start = mem_printf("config.yaml of container 'oms_331' ('%s/config.yaml' on "
                                       "the host)%s",
                                       h->folder, what);
    struct err err = ERR_INIT;
    const struct fake_reply replies[] = {
        {.bytes = str_get(&h->inspect)}, {.bytes = str_get(&h->info)}, {.bytes = LIST}};

    assert_fails(observe(replies, ARRAY_LEN(replies), &n, &err));
    assert_err(&err, ERR_CONFIG, start);
}

static void a_missing_config_is_not_created(void **state)
{
    struct host h;

    (void)state;
    host_start(&h);
    AUTO_FREE char *path = fs_join(h.folder, "config.yaml");
    AUTO_FREE char *run = fs_join(h.folder, "run");
    assert_int_equal(unlink(path), 0);
    assert_host_config_refused(&h,
                               " is missing, expected a file\nHINT: put the file back where the "
                               "container binds it from");
    assert_false(fs_exists(path));
    assert_int_equal(rmdir(run), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_host_config_refused(&h, " is a folder, expected a file\nHINT: put the file back where "
                                   "the container binds it from");
    assert_int_equal(rmdir(path), 0);
    touch(h.folder, "config.yaml", "oms_meta_host: 1\n");
    assert_host_config_refused(
        &h, ": key 'oms_meta_port' is absent, expected the port of the MetaDB\nHINT: give it in "
            "config.yaml on the host; it is a flat list of 'key: value' lines, as in the file that "
            "OMS was installed with");
    host_end(&h);
}

static void deployments(void **state)
{
    struct deployment d;
    struct node a = {.name = mem_strdup("a")}, b = {.name = mem_strdup("b")};

    (void)state;
    deployment_init(&d);
    deployment_add_take(&d, &a);
    deployment_add_take(&d, &b);
    assert_null(a.name);
    assert_int_equal(d.node_count, 2);
    assert_string_equal(d.nodes[1].name, "b");
    deployment_free(&d);
    assert_null(d.nodes);
    deployment_free(&d);
    deployment_free(NULL);
    node_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_far_away),
        cmocka_unit_test(an_unknown_container),
        cmocka_unit_test(a_container_that_is_not_oms),
        cmocka_unit_test(config_files_that_are_none),
        cmocka_unit_test(the_old_image_is_gone),
        cmocka_unit_test(a_tag_from_the_image),
        cmocka_unit_test(a_node_here),
        cmocka_unit_test(the_same_config),
        cmocka_unit_test(a_missing_source_is_not_created),
        cmocka_unit_test(a_missing_config_is_not_created),
        cmocka_unit_test(deployments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
