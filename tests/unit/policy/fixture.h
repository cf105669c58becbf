/* A deployment with which every rule passes or does not apply; a test breaks one thing in it. */
#ifndef OMSLAUNCH_TESTS_POLICY_FIXTURE_H
#define OMSLAUNCH_TESTS_POLICY_FIXTURE_H

#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/yaml.h"
#include "policy/policy.h"
#include "tests/unit/unit.h"

#define NODES_MAX 2
#define NOW_MS UINT64_C(1795342000000)
#define GB UINT64_C(1000000000)

struct fixture {
    struct deployment deployment;
    struct container desired[NODES_MAX];
    struct target_image images[NODES_MAX];
    struct mount_facts new_sources[NODES_MAX];
    const json_t *unkeepable[NODES_MAX];
    struct oms_version from, to;
    struct version_table versions;
    struct waiver_list waivers;
    struct policy_input in;
};

static void fixture_add_mount(struct container *c, const char *source, const char *destination)
{
    c->mounts = mem_grow(c->mounts, c->mount_count + 1, sizeof(*c->mounts));
    c->mounts[c->mount_count++] = (struct mount){
        .type = mem_strdup("bind"),
        .source = mem_strdup(source),
        .destination = mem_strdup(destination),
        .options = mem_strdup(""),
    };
}

static void fixture_add_fact(struct node *n, const char *destination, enum path_kind kind)
{
    struct mount_facts *f = &n->mounts;

    f->items = mem_grow(f->items, f->count + 1, sizeof(*f->items));
    f->items[f->count++] = (struct mount_fact){.destination = destination,
                                               .kind = kind,
                                               .on_host = true,
                                               .free_known = kind == PATH_FOLDER,
                                               .free_bytes = 60 * GB};
}

static void __attribute__((unused))
fixture_add_neighbour(struct node *n, const char *name, bool running, const char *source)
{
    struct neighbours *all = &n->neighbours;

    all->items = mem_grow(all->items, all->count + 1, sizeof(*all->items));
    all->items[all->count] = (struct neighbour){.name = mem_strdup(name), .running = running};
    strv_add(&all->items[all->count].sources, source);
    all->count++;
}

static void fixture_container(struct container *c, const char *ip, bool upgrade)
{
    *c = (struct container){
        .name = mem_strdup("oms_331"),
        .image_ref = mem_strdup(upgrade ? "r/oms:feature_4.0.0-ce" : "r/oms:feature_3.3.1-ce"),
        .config = json_make("{s:b,s:b,s:[]}", "Tty", 1, "OpenStdin", 1, "Env"),
        .host_config =
            json_make("{s:s,s:b,s:n,s:[{s:s,s:i,s:i}]}", "NetworkMode", "host", "Privileged", 1,
                      "PidsLimit", "Ulimits", "Name", "nproc", "Soft", 65535, "Hard", 65535),
    };
    AUTO_FREE char *env = mem_printf("OMS_HOST_IP=%s", ip);

    json_add(json_object_get(c->config, "Env"), json_string(env));
    if (upgrade) {
        json_add(json_object_get(c->config, "Env"), json_string("IS_UPGRADE=true"));
    }
    fixture_add_mount(c, "/data/oms/config.yaml", OMS_PATH_CONFIG);
    fixture_add_mount(c, "/data/oms/logs", OMS_PATH_LOGS);
    fixture_add_mount(c, "/data/oms/store", OMS_PATH_STORE);
    fixture_add_mount(c, "/data/oms/run", OMS_PATH_RUN);
}

static void fixture_node(struct node *n, const char *name, const char *ip)
{
    *n = (struct node){.name = mem_strdup(name),
                       .host_ip = mem_strdup(ip),
                       .old_image_tag = mem_strdup("feature_3.3.1-ce")};
    fixture_container(&n->old, ip, false);
    n->old.status = mem_strdup("running");
    n->old.running = true;
    fixture_add_fact(n, OMS_PATH_CONFIG, PATH_FILE);
    fixture_add_fact(n, OMS_PATH_LOGS, PATH_FOLDER);
    fixture_add_fact(n, OMS_PATH_STORE, PATH_FOLDER);
    fixture_add_fact(n, OMS_PATH_RUN, PATH_FOLDER);
    n->config.meta_host = mem_strdup("10.0.0.9");
    n->config.meta_port = 3306;
    n->config.rm_db = mem_strdup("rm_331");
    n->config.cm_db = mem_strdup("cm_331");
    n->config.heartbeat_db = mem_strdup("cm_hb_331");
    n->host = (struct host_facts){
        .engine_version = mem_strdup("20.10.24"),
        .api_version = mem_strdup("1.41"),
        .architecture = mem_strdup("x86_64"),
        .storage_driver = mem_strdup("overlay2"),
        .root_dir = mem_strdup("/var/lib/docker"),
        .cores = 8,
        .memory_bytes = 16 * GB,
        .clock_known = true,
        .clock_ahead_ms = -1500,
        .addresses_known = true,
        .root_free_known = true,
        .root_free_bytes = 100 * GB,
    };
    strv_add(&n->host.addresses, "127.0.0.1");
    strv_add(&n->host.addresses, ip);
}

static void fixture_add_host(struct metadb_facts *f, const char *ip)
{
    f->hosts = mem_grow(f->hosts, f->host_count + 1, sizeof(*f->hosts));
    f->hosts[f->host_count++] =
        (struct metadb_host){.ip = mem_strdup(ip), .status = mem_strdup("ONLINE")};
}

static void fixture_metadb(struct metadb_facts *f)
{
    AUTO_JSON json_t *j = NULL;
    struct err err = ERR_INIT;
    const char text[] =
        "{\"server\":{\"version\":\"10.11.6\",\"flavor\":\"mariadb\",\"now_ms\":1795342001000,"
        "\"max_allowed_packet\":67108864,\"character_set\":\"utf8mb4\"},\"databases\":["
        "{\"role\":\"rm\",\"name\":\"rm_331\",\"exists\":true,\"tables\":41,\"data_bytes\":1000},"
        "{\"role\":\"cm\",\"name\":\"cm_331\",\"exists\":true,\"tables\":7,\"data_bytes\":20},"
        "{\"role\":\"heartbeat\",\"name\":\"cm_hb_331\",\"exists\":true,\"tables\":2,"
        "\"data_bytes\":4}],\"ha_config\":\"{\\\"enable\\\":true}\",\"regions\":[{\"region\":"
        "\"cn-hz\",\"code\":0,\"default\":true}],\"hosts\":[],\"projects\":{\"total\":2,"
        "\"running\":2,\"duplicate_names\":[]}}";

    if (json_parse(text, strlen(text), "fixture", &j, &err) || metadb_facts_from_json(j, f, &err)) {
        fail_msg("%s", err.text);
    }
}

/* 3.3.1 → 4.0.0, and the hops from there to 4.2.9. */
static void fixture_versions(struct version_table *t)
{
    static const char text[] = "schema: 1\n"
                               "paths:\n"
                               "  - {to: 4.0.0, edition: ce, from: [3.3.1], source: docs V4.0.0}\n"
                               "  - {to: 4.1.0, edition: ce, from: [4.0.0], source: docs V4.1.0}\n"
                               "  - {to: 4.1.1, edition: ce, status: fresh-only, source: docs "
                               "V4.1.1}\n"
                               "  - {to: 4.2.6, edition: ce, status: unknown, source: public site, "
                               "note: contradictory}\n";
    AUTO_JSON json_t *j = NULL;
    struct err err = ERR_INIT;

    if (yaml_parse(text, strlen(text), "fixture", &j, &err) ||
        version_table_from_yaml_json(j, "fixture", t, &err)) {
        fail_msg("%s", err.text);
    }
}

static void fixture_add_yaml(struct waiver_list *l, const char *text, const char *name)
{
    AUTO_JSON json_t *j = NULL;
    struct err err = ERR_INIT;

    if (yaml_parse(text, strlen(text), name, &j, &err) ||
        waiver_list_add_yaml_json(l, json_object_get(j, "policy"), name, &err)) {
        fail_msg("%s", err.text);
    }
}

/* The limits as they are shipped. */
static void fixture_settings(struct waiver_list *l)
{
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;

    if (fs_read("policy/rule_defaults.yaml", 100000, false, &text, &err)) {
        fail_msg("%s", err.text);
    }
    fixture_add_yaml(l, str_get(&text), "rule_defaults.yaml");
}

/* What a site says: one rule a line. */
static void __attribute__((unused)) fixture_policy(struct waiver_list *l, const char *rules)
{
    AUTO_STR struct str text = STR_INIT;

    str_append(&text, "policy:\n  ");
    for (const char *p = rules; *p; p++) {
        str_append_c(&text, *p);
        if (*p == '\n') {
            str_append(&text, "  ");
        }
    }
    fixture_add_yaml(l, str_get(&text), "site.yaml");
}

static void fixture_init(struct fixture *f, size_t nodes)
{
    static const char *const names[] = {"unix:///a.sock", "unix:///b.sock"};
    static const char *const ips[] = {"10.0.0.1", "10.0.0.2"};

    memset(f, 0, sizeof(*f));
    deployment_init(&f->deployment);
    for (size_t i = 0; i < nodes; i++) {
        struct node n;

        fixture_node(&n, names[i], ips[i]);
        deployment_add_take(&f->deployment, &n);
        fixture_container(&f->desired[i], ips[i], true);
        f->images[i] = (struct target_image){.ref = "r/oms:feature_4.0.0-ce",
                                             .present = true,
                                             .id = "sha256:aa",
                                             .architecture = "amd64"};
        f->unkeepable[i] = json_make("[]");
    }
    fixture_metadb(&f->deployment.metadb);
    for (size_t i = 0; i < nodes; i++) {
        fixture_add_host(&f->deployment.metadb, ips[i]);
    }
    fixture_versions(&f->versions);
    fixture_settings(&f->waivers);
    f->from = (struct oms_version){3, 3, 1, 0, OMS_EDITION_COMMUNITY};
    f->to = (struct oms_version){4, 0, 0, 0, OMS_EDITION_COMMUNITY};
    f->in = (struct policy_input){
        .deployment = &f->deployment,
        .desired = f->desired,
        .images = f->images,
        .from = &f->from,
        .to = &f->to,
        .from_tag = "feature_3.3.1-ce",
        .to_tag = "feature_4.0.0-ce",
        .versions = &f->versions,
        .unkeepable = f->unkeepable,
        .now_ms = NOW_MS,
        .state_free_known = true,
        .state_free_bytes = 10 * GB,
        .waivers = &f->waivers,
    };
}

static void fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < NODES_MAX; i++) {
        container_free(&f->desired[i]);
        mount_facts_free(&f->new_sources[i]);
        json_decref((json_t *)(uintptr_t)f->unkeepable[i]);
    }
    deployment_free(&f->deployment);
    version_table_free(&f->versions);
    waiver_list_free(&f->waivers);
}

#define AUTO_FIXTURE CLEANUP(fixture_free)

/* Replaces a text that is owned. */
static void __attribute__((unused)) set_text(char **field, const char *text)
{
    free(*field);
    *field = mem_strdup(text);
}

#endif
