/* The rules about binds and hosts, one thing broken at a time. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/policy/check.h"
#include "tests/unit/policy/fixture.h"

#define MATCH_HINT                                                                               \
    "the host side of each bind must stay what it was, or OMS starts with empty disks; compare " \
    "`docker inspect oms_331`"

static void drop_last_mount(struct container *c)
{
    struct mount *m = &c->mounts[--c->mount_count];

    free(m->type);
    free(m->source);
    free(m->destination);
    free(m->options);
}

/* ---- binds ---- */

static void binds_differ(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct mount *m;

    (void)state;
    fixture_init(&f, 1);
    m = f.desired[0].mounts;
    m[1].read_only = true;
    set_text(&m[2].options, "z");
    set_text(&m[3].type, "volume");
    assert_only_failure(&f.in, "binds.match",
                        "'/home/admin/logs' would have mode 'ro' instead of 'rw'; '/home/ds/store' "
                        "would have mode 'rw,z' instead of 'rw'; '/home/ds/run' would be a volume "
                        "instead of a bind",
                        "/data/oms/config.yaml:/home/admin/conf/config.yaml:rw; "
                        "/data/oms/logs:/home/admin/logs:rw; /data/oms/store:/home/ds/store:rw; "
                        "/data/oms/run:/home/ds/run:rw",
                        MATCH_HINT);
}

static void bind_from_elsewhere(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.desired[0].mounts[3].source, "/data/other/run");
    assert_only_failure(&f.in, "binds.match",
                        "'/home/ds/run' would come from '/data/other/run' instead of "
                        "'/data/oms/run'",
                        NULL, MATCH_HINT);
}

static void bind_lost(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    drop_last_mount(&f.desired[0]);
    assert_only_failure(&f.in, "binds.match",
                        "the new container would have nothing at '/home/ds/run'", NULL, MATCH_HINT);
    drop_last_mount(&f.deployment.nodes[0].old);
    assert_only_failure(&f.in, "binds.match", "the old container has no bind at '/home/ds/run'",
                        NULL, MATCH_HINT);
}

static void tls(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct container *old, *new;

    (void)state;
    fixture_init(&f, 1);
    old = &f.deployment.nodes[0].old;
    new = &f.desired[0];
    fixture_add_mount(new, "/data/oms/c.crt", OMS_PATH_TLS_CRT);
    assert_only_failure(&f.in, "binds.match",
                        "the new container binds '/etc/pki/nginx/oms_server.crt' but not "
                        "'/etc/pki/nginx/oms_server.key'",
                        NULL, NULL);
    fixture_add_mount(new, "/data/oms/c.key", OMS_PATH_TLS_KEY);
    assert_no_failure(&f.in, "binds.match", VERDICT_PASS,
                      "config.yaml, the three disks are bound as before");
    fixture_add_mount(old, "/data/oms/c.crt", OMS_PATH_TLS_CRT);
    fixture_add_fact(&f.deployment.nodes[0], OMS_PATH_TLS_CRT, PATH_FILE);
    assert_only_failure(&f.in, "binds.match",
                        "the old container binds '/etc/pki/nginx/oms_server.crt' but not "
                        "'/etc/pki/nginx/oms_server.key'",
                        NULL, NULL);
    fixture_add_mount(old, "/data/oms/c.key", OMS_PATH_TLS_KEY);
    fixture_add_fact(&f.deployment.nodes[0], OMS_PATH_TLS_KEY, PATH_FILE);
    assert_no_failure(&f.in, "binds.match", VERDICT_PASS,
                      "config.yaml, the three disks and the TLS pair are bound as before");
    drop_last_mount(new);
    drop_last_mount(new);
    assert_only_failure(&f.in, "binds.match",
                        "the new container would have nothing at '/etc/pki/nginx/oms_server.crt'; "
                        "the new container would have nothing at '/etc/pki/nginx/oms_server.key'",
                        NULL, NULL);
}

static void source_kinds(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct mount_fact *facts;

    (void)state;
    fixture_init(&f, 1);
    facts = f.deployment.nodes[0].mounts.items;
    facts[0].kind = PATH_FOLDER;
    facts[1].kind = PATH_MISSING;
    facts[2].kind = PATH_UNKNOWN;
    facts[2].note = mem_strdup("the engine said no");
    facts[3].kind = PATH_OTHER;
    assert_only_failure(
        &f.in, "bind.source",
        "'/data/oms/config.yaml', bound at '/home/admin/conf/config.yaml', is a folder, expected "
        "a file; '/data/oms/logs', bound at '/home/admin/logs', is missing, expected a folder; "
        "'/data/oms/store', bound at '/home/ds/store', could not be looked at: the engine said no; "
        "'/data/oms/run', bound at '/home/ds/run', is neither a file nor a folder, expected a "
        "folder",
        NULL,
        "put it back before the upgrade: the engine would make an empty folder of a source that "
        "is missing");
}

static void new_source(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct mount_facts *facts = &f.new_sources[0];

    (void)state;
    fixture_init(&f, 1);
    fixture_add_mount(&f.desired[0], "/data/oms/c.crt", OMS_PATH_TLS_CRT);
    fixture_add_mount(&f.desired[0], "/data/oms/c.key", OMS_PATH_TLS_KEY);
    assert_no_failure(&f.in, "bind.source", VERDICT_PASS,
                      "each is there, files are files and folders are folders");
    facts->items = mem_alloc(sizeof(*facts->items));
    facts->items[0] =
        (struct mount_fact){.destination = OMS_PATH_TLS_CRT, .kind = PATH_MISSING, .on_host = true};
    facts->count = 1;
    f.in.new_sources = f.new_sources;
    assert_only_failure(&f.in, "bind.source",
                        "'/data/oms/c.crt', bound at '/etc/pki/nginx/oms_server.crt', is missing, "
                        "expected a file",
                        NULL, NULL);
}

static void links(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].mounts.items[2].source_is_link = true;
    assert_only_failure(&f.in, "bind.link",
                        "'/data/oms/store', bound at '/home/ds/store', is a symbolic link to "
                        "'nothing'",
                        NULL, NULL);
    f.deployment.nodes[0].mounts.items[2].link_target = mem_strdup("/mnt/disk2/store");
    assert_only_failure(&f.in, "bind.link",
                        "'/data/oms/store', bound at '/home/ds/store', is a symbolic link to "
                        "'/mnt/disk2/store'",
                        NULL,
                        "make sure that the link leads where it led when the old container "
                        "started");
}

static void shared(void **state)
{
    static const char *const sources[] = {"/data/oms/store", "/data/oms/store/deep", "/data/oms",
                                          "/"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        AUTO_FIXTURE struct fixture f;
        AUTO_FINDINGS struct findings found = {.items = NULL};
        const struct finding *finding;

        fixture_init(&f, 1);
        fixture_add_neighbour(&f.deployment.nodes[0], "stopped", false, sources[i]);
        fixture_add_neighbour(&f.deployment.nodes[0], "near", true, "/data/oms/stores");
        assert_no_failure(&f.in, "bind.shared", VERDICT_PASS,
                          "no other running container binds them");
        fixture_add_neighbour(&f.deployment.nodes[0], "shipper", true, sources[i]);
        policy_judge(&f.in, &found);
        finding = find_finding(&found, "bind.shared");
        assert_int_equal(finding->verdict, VERDICT_FAIL);
        if (i < 2) {
            AUTO_FREE char *evidence = mem_printf("'shipper' binds '%s'", sources[i]);

            assert_only_failure(&f.in, "bind.shared",
                                "container 'shipper' runs and uses '/data/oms/store', which is "
                                "bound at '/home/ds/store'",
                                evidence, NULL);
        }
    }
}

static void nested(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct mount *old, *new;

    (void)state;
    fixture_init(&f, 1);
    old = f.deployment.nodes[0].old.mounts;
    new = f.desired[0].mounts;
    set_text(&old[0].source, "/data/oms/run/config.yaml");
    set_text(&new[0].source, "/data/oms/run/config.yaml");
    assert_only_failure(&f.in, "bind.nested",
                        "'/data/oms/run/config.yaml', bound at '/home/admin/conf/config.yaml', "
                        "lies within '/data/oms/run', bound at '/home/ds/run'",
                        NULL, NULL);
    set_text(&old[0].source, "/data/oms/config.yaml");
    set_text(&new[0].source, "/data/oms/config.yaml");
    set_text(&old[2].source, "/data/oms/run");
    set_text(&new[2].source, "/data/oms/run");
    assert_only_failure(&f.in, "bind.nested",
                        "'/data/oms/run', bound at '/home/ds/run', lies within '/data/oms/run', "
                        "bound at '/home/ds/store'",
                        NULL,
                        "nothing to do for this upgrade; at the next redeployment give each its "
                        "own folder");
}

/* ---- TLS ---- */

#define DAY_MS UINT64_C(86400000)

static void bind_tls(struct fixture *f)
{
    struct container *both[] = {&f->deployment.nodes[0].old, &f->desired[0]};

    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        fixture_add_mount(both[i], "/data/oms/c.crt", OMS_PATH_TLS_CRT);
        fixture_add_mount(both[i], "/data/oms/c.key", OMS_PATH_TLS_KEY);
    }
    fixture_add_fact(&f->deployment.nodes[0], OMS_PATH_TLS_CRT, PATH_FILE);
    fixture_add_fact(&f->deployment.nodes[0], OMS_PATH_TLS_KEY, PATH_FILE);
    f->deployment.nodes[0].tls = (struct tls_facts){
        .present = true,
        .known = true,
        .pair = {.certificate_ok = true,
                 .key_ok = true,
                 .match = true,
                 .from_ms = NOW_MS - 100 * DAY_MS,
                 .until_ms = NOW_MS + 40 * DAY_MS,
                 .subject = "CN = a"},
    };
}

static void tls_certificate(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct tls_facts *tls;

    (void)state;
    fixture_init(&f, 1);
    assert_no_failure(&f.in, "tls.certificate", VERDICT_NOT_APPLICABLE,
                      "OMS is served without TLS");
    bind_tls(&f);
    tls = &f.deployment.nodes[0].tls;
    assert_no_failure(&f.in, "tls.certificate", VERDICT_PASS,
                      "the key matches the certificate, which is valid until 2027-01-01");
    assert_no_failure(&f.in, "tls.expiry", VERDICT_PASS, "the certificate holds for 40 days");
    tls->pair.match = false;
    assert_only_failure(&f.in, "tls.certificate", "the private key is not that of the certificate",
                        "CN = a, valid from 2026-08-14 until 2027-01-01",
                        "nginx does not start with such a pair; mend the files on the host, or "
                        "name others: --https-crt FILE --https-key FILE");
    tls->pair.key_ok = false;
    tls->pair.key_encrypted = true;
    assert_only_failure(&f.in, "tls.certificate",
                        "'/etc/pki/nginx/oms_server.key' holds a private key that needs a pass "
                        "phrase",
                        NULL, NULL);
    tls->pair.key_encrypted = false;
    tls->pair.certificate_ok = false;
    assert_only_failure(&f.in, "tls.certificate",
                        "'/etc/pki/nginx/oms_server.crt' holds no certificate in PEM; "
                        "'/etc/pki/nginx/oms_server.key' holds no private key in PEM",
                        NULL, NULL);
    tls->known = false;
    tls->note = mem_strdup("it is a folder");
    assert_only_failure(&f.in, "tls.certificate", "the TLS pair cannot be read: it is a folder",
                        NULL, NULL);
}

static void tls_times(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct certificate_pair *pair;

    (void)state;
    fixture_init(&f, 1);
    bind_tls(&f);
    pair = &f.deployment.nodes[0].tls.pair;
    pair->until_ms = NOW_MS + 29 * DAY_MS + 1;
    assert_only_failure(&f.in, "tls.expiry", "the certificate expires in 29 days, on 2026-12-21",
                        NULL, "renew it; the files can be replaced on the host at any time");
    pair->until_ms = NOW_MS;
    assert_only_failure(&f.in, "tls.certificate", "the certificate expired on 2026-11-22", NULL,
                        NULL);
    pair->until_ms = NOW_MS + 100 * DAY_MS;
    pair->from_ms = NOW_MS + DAY_MS;
    assert_only_failure(&f.in, "tls.certificate",
                        "the certificate is valid only from 2026-11-23 on", NULL, NULL);
}

/* Another pair that the user named is judged by its own files. */
static void tls_of_the_users_own(void **state)
{
    AUTO_FIXTURE struct fixture f;
    const struct tls_facts bad = {.present = true, .known = true};

    (void)state;
    fixture_init(&f, 1);
    fixture_add_mount(&f.desired[0], "/data/new.crt", OMS_PATH_TLS_CRT);
    fixture_add_mount(&f.desired[0], "/data/new.key", OMS_PATH_TLS_KEY);
    assert_no_failure(&f.in, "tls.certificate", VERDICT_NOT_APPLICABLE,
                      "the TLS pair could not be looked at from here");
    f.in.new_tls = &bad;
    assert_only_failure(&f.in, "tls.certificate",
                        "'/etc/pki/nginx/oms_server.crt' holds no certificate in PEM; "
                        "'/etc/pki/nginx/oms_server.key' holds no private key in PEM",
                        NULL, NULL);
}

/* ---- hosts ---- */

static void host_ip(void **state)
{
    AUTO_FIXTURE struct fixture f;
    json_t *env;

    (void)state;
    fixture_init(&f, 1);
    env = json_object_get(f.desired[0].config, "Env");
    json_array_set_new(env, 0, json_string("OMS_HOST_IP=10.0.0.7"));
    strv_add(&f.deployment.nodes[0].config.cm_nodes, "10.0.0.1");
    assert_only_failure(&f.in, "host.ip",
                        "OMS_HOST_IP would be '10.0.0.7', the old container has '10.0.0.1'; "
                        "OMS_HOST_IP '10.0.0.7' is not among 'cm_nodes' of config.yaml; "
                        "OMS_HOST_IP '10.0.0.7' is no address of this host",
                        "cm_nodes: 10.0.0.1; addresses of the host: 127.0.0.1, 10.0.0.1",
                        "the console and the supervisors know the node by this address; --host-ip "
                        "ADDRESS sets it");
    json_array_set_new(env, 0, json_string("OMS_HOST_IP="));
    assert_only_failure(&f.in, "host.ip", "OMS_HOST_IP is not set", NULL,
                        "give this host's own address: --host-ip ADDRESS");
}

static void host_ip_twice(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    json_array_set_new(json_object_get(f.desired[1].config, "Env"), 0,
                       json_string("OMS_HOST_IP=10.0.0.1"));
    assert_only_failure(&f.in, "host.ip",
                        "node 'unix:///b.sock' has the same OMS_HOST_IP '10.0.0.1'", NULL, NULL);
}

static void ports(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct node *n;

    (void)state;
    fixture_init(&f, 1);
    n = &f.deployment.nodes[0];
    n->ports = (struct port_facts){
        .known = true,
        .items = {{"nginx_server_port", 8089, PORT_OLD, mem_strdup("nginx (pid 1)")},
                  {"cm_server_port", 8088, PORT_UNKNOWN, NULL},
                  {"ghana_server_port", 8090, PORT_FREE, NULL},
                  {"supervisor_server_port", 9000, PORT_OTHER, mem_strdup("redis (pid 2)")},
                  {"sshd_server_port", 8089, PORT_FREE, NULL}},
    };
    assert_only_failure(&f.in, "ports.free",
                        "port 9000 (supervisor_server_port) is held by redis (pid 2), which is not "
                        "of the old container; 'nginx_server_port' and 'sshd_server_port' are both "
                        "8089",
                        "8089: nginx (pid 1); 9000: redis (pid 2)",
                        "end that program, or give OMS another port in config.yaml; `ss -ltnp` "
                        "shows who listens");
    n->ports.items[3].holder = PORT_OLD;
    n->ports.items[4].port = 2023;
    assert_no_failure(&f.in, "ports.free", VERDICT_PASS,
                      "each is free or held by the old container");
}

static void resources(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].host.cores = 1;
    f.deployment.nodes[0].host.memory_bytes = (uint64_t)4 * 1024 * 1024 * 1024;
    assert_only_failure(
        &f.in, "host.resources",
        "1 core, at least 8 are wanted; 4.0 GiB of memory, at least 16 GB are wanted", NULL, NULL);
}

static void rootless(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].host.rootless = true;
    assert_only_failure(&f.in, "engine.rootless", "the engine is rootless", NULL,
                        "OMS needs privilege and host networking; name the engine that runs as "
                        "root: --host unix:///var/run/docker.sock");
}

static void engine_version(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct host_facts *h;

    (void)state;
    fixture_init(&f, 1);
    h = &f.deployment.nodes[0].host;
    assert_no_failure(&f.in, "engine.version", VERDICT_PASS, "API 1.41");
    fixture_policy(&f.waivers, "engine.version: {min_api: '1.100'}");
    assert_only_failure(&f.in, "engine.version",
                        "the engine speaks API 1.41, at least 1.100 is wanted",
                        "Docker Engine 20.10.24", "upgrade the engine first");
    fixture_policy(&f.waivers, "engine.version: {min_api: '1.41'}");
    assert_no_failure(&f.in, "engine.version", VERDICT_PASS, "API 1.41");
    set_text(&h->api_version, "");
    assert_no_failure(&f.in, "engine.version", VERDICT_NOT_APPLICABLE,
                      "the engine does not tell its version");
}

#define STORAGE_HINT                                                                           \
    "what OMS keeps is bound and not in there; but move the engine to overlay2 when you can: " \
    "images are loaded and containers made anew then"

static void engine_storage(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct host_facts *h;

    (void)state;
    fixture_init(&f, 1);
    h = &f.deployment.nodes[0].host;
    strv_add(&h->storage_status, "Backing Filesystem: xfs");
    strv_add(&h->storage_status, "Supports d_type: true");
    assert_no_failure(&f.in, "engine.storage", VERDICT_PASS, "'overlay2'");
    strv_add(&h->storage_status, "Supports d_type: false");
    assert_only_failure(&f.in, "engine.storage",
                        "the storage driver 'overlay2' says 'Supports d_type: false': on such a "
                        "file system (xfs with ftype=0) overlay goes wrong when files are deleted "
                        "or renamed",
                        "storage driver 'overlay2'; Supports d_type: false", STORAGE_HINT);
    strv_free(&h->storage_status);
    set_text(&h->storage_driver, "devicemapper");
    strv_add(&h->storage_status, "Data file: /dev/loop0");
    strv_add(&h->storage_status, "Data loop file: /var/lib/docker/devicemapper/data");
    assert_only_failure(&f.in, "engine.storage",
                        "the engine keeps containers with 'devicemapper': deprecated in Docker "
                        "Engine 18.09, removed in 25.0, which does not find its containers; the "
                        "storage driver 'devicemapper' says 'Data loop file: "
                        "/var/lib/docker/devicemapper/data': a loop device is slow and made for "
                        "tests",
                        NULL, STORAGE_HINT);
    fixture_policy(&f.waivers, "engine.storage: {drivers: {}, status: {}}");
    assert_no_failure(&f.in, "engine.storage", VERDICT_PASS, "'devicemapper'");
    set_text(&h->storage_driver, "");
    assert_no_failure(&f.in, "engine.storage", VERDICT_NOT_APPLICABLE,
                      "the engine does not tell its storage driver");
}

static void engine_live_restore(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct host_facts *h;
    struct container *old;

    (void)state;
    fixture_init(&f, 1);
    h = &f.deployment.nodes[0].host;
    old = &f.deployment.nodes[0].old;
    assert_no_failure(&f.in, "engine.live-restore", VERDICT_NOT_APPLICABLE, "live-restore is off");
    h->live_restore = true;
    assert_no_failure(&f.in, "engine.live-restore", VERDICT_NOT_APPLICABLE,
                      "the old container has no volume");
    fixture_add_mount(old, "oms_extra", "/extra");
    set_text(&old->mounts[old->mount_count - 1].type, "volume");
    assert_only_failure(&f.in, "engine.live-restore",
                        "until Docker Engine 24.0.6, volumes with options of their own are "
                        "unmounted when the engine is restarted, and the next container finds "
                        "them empty (moby 46148)",
                        "Docker Engine 20.10.24 with live-restore",
                        "upgrade the engine first, or turn live-restore off and stop the "
                        "containers before the engine is restarted");
    set_text(&h->engine_version, "20.10.18+dfsg1");
    assert_only_failure(&f.in, "engine.live-restore",
                        "until Docker Engine 20.10.19, `docker volume prune` deletes volumes of "
                        "running containers after a restart of the engine (moby 41686); until "
                        "Docker Engine 24.0.6, volumes with options of their own are unmounted "
                        "when the engine is restarted, and the next container finds them empty "
                        "(moby 46148)",
                        NULL, NULL);
    set_text(&h->engine_version, "24.0.6");
    assert_no_failure(&f.in, "engine.live-restore", VERDICT_PASS,
                      "Docker Engine 24.0.6 keeps volumes over its own restart");
}

/* The limits are the site's. */
static void other_limits(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    fixture_policy(&f.waivers, "host.resources: {min_cores: 9, min_memory_gb: 17}");
    assert_only_failure(&f.in, "host.resources",
                        "8 cores, at least 9 are wanted; 14.9 GiB of memory, at least 17 GB are "
                        "wanted",
                        NULL, NULL);
    fixture_policy(&f.waivers, "host.resources: {min_cores: 8, min_memory_gb: 0}\n"
                               "space.disks: {min_free_gb: 61}");
    assert_only_failure(&f.in, "space.disks",
                        "'/data/oms/logs' has 55.9 GiB free, at least 61 GB are wanted; "
                        "'/data/oms/store' has 55.9 GiB free, at least 61 GB are wanted; "
                        "'/data/oms/run' has 55.9 GiB free, at least 61 GB are wanted",
                        NULL, NULL);
    fixture_policy(&f.waivers, "space.disks: {min_free_gb: 60}\nclock.skew: {max_seconds: 1}");
    assert_only_failure(&f.in, "clock.skew", "the engine's clock is 1 s behind ours", NULL, NULL);
    fixture_policy(&f.waivers, "clock.skew: {max_seconds: 2}\ntls.expiry: {min_days: 41}");
    bind_tls(&f);
    assert_only_failure(&f.in, "tls.expiry", "the certificate expires in 40 days, on 2027-01-01",
                        NULL, NULL);
    f.images[0] = (struct target_image){
        .ref = "r/oms:feature_4.0.0-ce", .will_load_file = "oms.tar", .load_bytes = GB};
    fixture_policy(&f.waivers, "tls.expiry: {min_days: 40}\nspace.engine: {archive_factor: 100}");
    assert_no_failure(&f.in, "space.engine", VERDICT_PASS,
                      "'/var/lib/docker' has 93.1 GiB free, loading the image takes about 93.1 "
                      "GiB");
}

/* Without the shipped file a rule cannot judge, and says so. */
static void no_limits(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    waiver_list_free(&f.waivers);
    f.deployment.nodes[0].host.cores = 1;
    assert_no_failure(&f.in, "host.resources", VERDICT_NOT_APPLICABLE,
                      "nothing is said of its 'min_cores'");
}

static void clocks(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].host.clock_ahead_ms = -61000;
    f.deployment.metadb.now_ms = NOW_MS + 3600000;
    assert_only_failure(&f.in, "clock.skew",
                        "the engine's clock is 61 s behind ours; the MetaDB's clock is 3600 s "
                        "ahead of ours",
                        NULL,
                        "the time of the outage is measured by our clock; set all of them by "
                        "NTP");
}

static void space(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].mounts.items[2].free_bytes = 1024 * 1024;
    assert_only_failure(&f.in, "space.disks",
                        "'/data/oms/store' has 1.0 MiB free, at least 50 GB are wanted", NULL,
                        "make room, or grow the file system");
    f.deployment.nodes[0].mounts.items[2].free_bytes = 60 * GB;
    f.in.state_free_bytes = 1023;
    assert_only_failure(&f.in, "space.state", "1023 B free, the databases have 1.0 KiB", NULL,
                        "make room, or put the state elsewhere: --state-dir DIR");
    f.in.state_free_bytes = 1024;
    f.images[0].present = false;
    f.images[0].will_load_file = "oms.tar";
    f.images[0].load_bytes = (uint64_t)1024 * 1024 * 1024;
    f.deployment.nodes[0].host.root_free_bytes = 1024;
    assert_only_failure(&f.in, "space.engine",
                        "'/var/lib/docker' has 1.0 KiB free, loading the image takes about 2.0 GiB",
                        NULL, "make room there: `docker system df` shows what the engine keeps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binds_differ),
        cmocka_unit_test(bind_from_elsewhere),
        cmocka_unit_test(bind_lost),
        cmocka_unit_test(tls),
        cmocka_unit_test(source_kinds),
        cmocka_unit_test(new_source),
        cmocka_unit_test(links),
        cmocka_unit_test(shared),
        cmocka_unit_test(nested),
        cmocka_unit_test(tls_certificate),
        cmocka_unit_test(tls_times),
        cmocka_unit_test(tls_of_the_users_own),
        cmocka_unit_test(host_ip),
        cmocka_unit_test(host_ip_twice),
        cmocka_unit_test(resources),
        cmocka_unit_test(ports),
        cmocka_unit_test(rootless),
        cmocka_unit_test(clocks),
        cmocka_unit_test(engine_version),
        cmocka_unit_test(engine_storage),
        cmocka_unit_test(engine_live_restore),
        cmocka_unit_test(other_limits),
        cmocka_unit_test(no_limits),
        cmocka_unit_test(space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
