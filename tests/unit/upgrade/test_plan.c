/* Plans: their rows, what their digest depends on, and that a stored one is what was stored. */
#include "launcher/upgrade/plan.h"

#include <string.h>

#include "launcher/spec/spec_fields.h"
#include "launcher/upgrade/steps.h"
#include "tests/unit/unit.h"

#define NODES 3

struct fixture {
    struct deployment deployment;
    struct container desired[NODES];
    struct target_image images[NODES];
    json_t *image_configs[NODES];
    struct finding findings[2];
    struct findings found;
    struct oms_version from, to;
    struct plan_request request;
};

static void fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < NODES; i++) {
        container_free(&f->desired[i]);
    }
    deployment_free(&f->deployment);
}
#define AUTO_FIXTURE CLEANUP(fixture_free)

static void make_container(struct container *c, const char *image, const char *ip)
{
    *c = (struct container){
        .id = mem_strdup("0123456789abcdef"),
        .name = mem_strdup("oms_331"),
        .image_ref = mem_strdup(image),
        .image_id = mem_strdup("sha256:aa"),
        .status = mem_strdup("running"),
        .running = true,
        .config = json_make("{s:s, s:[s]}", "Image", image, "Env", "DB_PASSWORD=s3cret"),
        .host_config = json_make("{s:{s:s}}", "RestartPolicy", "Name", "always"),
    };
    AUTO_FREE char *entry = mem_printf("OMS_HOST_IP=%s", ip);
    json_add(json_object_get(c->config, "Env"), json_string(entry));
    c->mounts = mem_alloc(sizeof(*c->mounts));
    c->mount_count = 1;
    c->mounts[0] = (struct mount){.type = mem_strdup("bind"),
                                  .source = mem_strdup("/data/logs"),
                                  .destination = mem_strdup("/home/admin/logs"),
                                  .options = mem_strdup("")};
}

/* A node of a region, with a configuration file of that digest. */
static void add_node(struct fixture *f, unsigned region, const char *digest)
{
    size_t i = f->deployment.node_count;
    AUTO_FREE char *ip = mem_printf("10.0.0.%zu", i + 1);
    AUTO_FREE char *name = mem_printf("node%zu", i);
    AUTO_FREE char *heartbeat = mem_printf("hb_%u", region);
    struct node n = {.name = mem_strdup(name),
                     .endpoint = mem_strdup("unix:///e"),
                     .host_ip = mem_strdup(ip),
                     .old_image_tag = mem_strdup("feature_3.3.1-ce")};

    make_container(&n.old, "r/oms:feature_3.3.1-ce", ip);
    n.config.meta_host = mem_strdup("db");
    n.config.meta_port = 3306;
    n.config.meta_user = mem_strdup("root@oms");
    secret_set(&n.config.meta_password, "s3cret-of-metadb", 16);
    n.config.rm_db = mem_strdup("rm");
    n.config.cm_db = mem_strdup("cm");
    n.config.heartbeat_db = mem_strdup(heartbeat);
    n.config.cm_location = region;
    n.config.nginx_port = 8089;
    memcpy(n.config.digest, digest, strlen(digest) + 1);
    deployment_add_take(&f->deployment, &n);
    make_container(&f->desired[i], "r/oms:feature_4.0.0-ce", ip);
    f->images[i] = (struct target_image){.ref = "r/oms:feature_4.0.0-ce", .id = "sha256:bb"};
}

/* Findings own their texts, so they are not const; these outlive every test. */
static char sixty_free[] = "60 GB free";
static char fifty_free[] = "50 GB free";
static char because[] = "because";
static char another_reason[] = "for another reason";

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    deployment_init(&f->deployment);
    f->from = (struct oms_version){3, 3, 1, 0, OMS_EDITION_COMMUNITY};
    f->to = (struct oms_version){4, 0, 0, 0, OMS_EDITION_COMMUNITY};
    f->findings[0] = (struct finding){.rule = "bind.source",
                                      .title = "t",
                                      .verdict = VERDICT_PASS,
                                      .text = sixty_free,
                                      .evidence = NULL};
    f->request = (struct plan_request){
        .deployment = &f->deployment,
        .desired = f->desired,
        .images = f->images,
        .new_image_configs = f->image_configs,
        .from = &f->from,
        .to = &f->to,
        .findings = &f->found,
        .options = {.stop_timeout_ms = 300000,
                    .health_timeout_ms = 900000,
                    .refetch_reserve_min = 30},
    };
}

/* "load_image@0 … ha_off …" */
static void assert_rows(const struct plan *p, const char *expected)
{
    AUTO_STR struct str text = STR_INIT;

    for (size_t i = 0; i < p->row_count; i++) {
        str_appendf(&text, "%s%s", i > 0 ? " " : "", step_name(p->rows[i].step));
        if (p->rows[i].subject.kind == SUBJECT_NODE) {
            str_appendf(&text, "@%d", p->rows[i].subject.index);
        }
    }
    assert_string_equal(str_get(&text), expected);
}

/* ---- rows ---- */

static void test_rows_of_one_node(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    plan_make(&f.request, &p);
    assert_rows(
        &p,
        "load_image@0 create_new@0 trim_heartbeats prepare_backup ha_off stop_old@0 "
        "backup_metadb swap_names@0 start_new@0 init_metadata@0 wait_healthy keep_running@0 ha_on");
    assert_int_equal(p.node_count, 1);
}

static void test_rows_of_three_nodes(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    add_node(&f, 0, "aa");
    add_node(&f, 1, "bb");
    plan_make(&f.request, &p);
    /* Once in a region whose nodes share one file. */
    assert_rows(&p, "load_image@0 load_image@1 load_image@2 create_new@0 create_new@1 create_new@2 "
                    "trim_heartbeats prepare_backup ha_off stop_old@0 stop_old@1 stop_old@2 "
                    "backup_metadb "
                    "swap_names@0 swap_names@1 swap_names@2 start_new@0 start_new@1 start_new@2 "
                    "init_metadata@0 init_metadata@2 wait_healthy keep_running@0 keep_running@1 "
                    "keep_running@2 ha_on");
    AUTO_JSON json_t *document = plan_to_json(&p);
    AUTO_FREE char *heartbeat = json_compact(json_walk(document, "metadb.heartbeat"));
    assert_string_equal(heartbeat, "[\"hb_0\",\"hb_1\"]");
}

/* Which nodes are initialised, for these digests of their files in regions 0, 0 and `region`. */
static void assert_init(unsigned region, const char *const *digests, const char *expected)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;
    AUTO_STR struct str text = STR_INIT;

    begin(&f);
    add_node(&f, 0, digests[0]);
    add_node(&f, 0, digests[1]);
    add_node(&f, region, digests[2]);
    plan_make(&f.request, &p);
    for (size_t i = 0; i < p.row_count; i++) {
        if (p.rows[i].step == STEP_INIT_METADATA) {
            str_appendf(&text, "%d", p.rows[i].subject.index);
        }
    }
    assert_string_equal(str_get(&text), expected);
}

static void test_init_rows(void **state)
{
    (void)state;
    assert_init(0, (const char *const[]){"a", "a", "a"}, "0");
    assert_init(0, (const char *const[]){"a", "b", "c"}, "012");
    assert_init(0, (const char *const[]){"a", "b", "a"}, "01");
    assert_init(1, (const char *const[]){"a", "a", "a"}, "02");
    assert_init(1, (const char *const[]){"a", "b", "b"}, "012");
}

/* ---- the document ---- */

static void test_document(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 3, "aa");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    assert_string_equal(json_text(j, "digest", ""), p.digest);
    assert_int_equal(strlen(p.digest), 64);
    assert_string_equal(json_text(j, "deployment", ""), "oms_331");
    assert_string_equal(json_text(j, "from.version", ""), "3.3.1-CE");
    assert_string_equal(json_text(j, "to.tag", ""), "feature_4.0.0-ce");
    assert_string_equal(json_text(j, "to.version", ""), "4.0.0-CE");
    const json_t *node = json_array_get(json_object_get(j, "nodes"), 0);
    assert_string_equal(json_text(node, "old.id", ""), "0123456789abcdef");
    assert_string_equal(json_text(node, "new.image_id", ""), "sha256:bb");
    assert_string_equal(json_text(node, "new.health.url", ""), "http://10.0.0.1:8089/oms/health");
    assert_string_equal(json_text(node, "old.health.host_ip", ""), "10.0.0.1");
    assert_int_equal(json_int(node, "region", 0), 3);
    assert_int_equal(p.node_count, 1);
}

static void test_health_url(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    spec_env_set(json_object_get(f.desired[0].config, "Env"), "OMS_HOST_IP", "2001:db8::1");
    free(f.desired[0].mounts[0].destination);
    f.desired[0].mounts[0].destination = mem_strdup(OMS_PATH_TLS_CRT);
    f.desired[0].mounts = mem_grow(f.desired[0].mounts, 2, sizeof(struct mount));
    f.desired[0].mounts[1] = (struct mount){.type = mem_strdup("bind"),
                                            .source = mem_strdup("/k"),
                                            .destination = mem_strdup(OMS_PATH_TLS_KEY),
                                            .options = mem_strdup("")};
    f.desired[0].mount_count = 2;
    plan_make(&f.request, &p);
    assert_string_equal(p.nodes[0].new.health.url, "https://[2001:db8::1]:8089/oms/health");
    assert_string_equal(p.nodes[0].old.health.url, "http://10.0.0.1:8089/oms/health");
}

/* What the old version does not pass before the outage, and what of it the new one must. */
static void test_health_calibrated(void **state)
{
    static const struct {
        enum health_answer answer;
        const char *status;
        enum beat beat;
        unsigned minor; /* of the target, 4.x.1 */
        const char *old, *new;
    } cases[] = {
        {HEALTH_WELL, "ONLINE", BEAT_MOVES, 0, "", ""},
        {HEALTH_ABSENT, "ONLINE", BEAT_MOVES, 0, "endpoint ", "endpoint "},
        {HEALTH_ABSENT, "ONLINE", BEAT_MOVES, 1, "endpoint ", ""},
        {HEALTH_SILENT, "ONLINE", BEAT_MOVES, 1, "console ", ""},
        {HEALTH_UNWELL, "OFFLINE", BEAT_STILL, 0, "console server heartbeat ", "endpoint "},
        {HEALTH_WELL, NULL, BEAT_NONE, 0, "server heartbeat ", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FIXTURE struct fixture f;
        AUTO_PLAN struct plan made = PLAN_INIT;
        AUTO_PLAN struct plan p = PLAN_INIT;
        struct err err = ERR_INIT;

        begin(&f);
        add_node(&f, 0, "aa");
        struct node *n = &f.deployment.nodes[0];
        f.to.patch = 1;
        f.to.minor = cases[i].minor;
        n->beat = cases[i].beat;
        n->health.answer = cases[i].answer;
        n->health.url = mem_strdup("http://127.0.0.1:8089/oms/health");
        AUTO_JSON json_t *servers =
            json_make("{s:[{s:s, s:s?}]}", "hosts", "ip", "10.0.0.1", "status", cases[i].status);
        servers_from_json(servers, &f.deployment.servers);
        plan_make(&f.request, &made);
        AUTO_JSON json_t *stored = plan_to_json(&made);
        assert_ok(plan_from_json(stored, "p", &p, &err), &err);
        for (int is_new = 0; is_new <= 1; is_new++) {
            const struct plan_health *h = is_new ? &p.nodes[0].new.health : &p.nodes[0].old.health;
            AUTO_FREE char *left_out =
                mem_printf("%s%s%s%s%s", h->no_container ? "container " : "",
                           h->no_console ? "console " : "", h->no_endpoint ? "endpoint " : "",
                           h->no_server ? "server " : "", h->no_heartbeat ? "heartbeat " : "");
            assert_string_equal(left_out, is_new ? cases[i].new : cases[i].old);
        }
        /* Where it has answered it is asked again. */
        assert_string_equal(p.nodes[0].old.health.url, i == 3 || i == 4
                                                           ? "http://10.0.0.1:8089/oms/health"
                                                           : "http://127.0.0.1:8089/oms/health");
    }
}

static void test_no_secrets(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    AUTO_FREE char *text = json_compact(j);
    assert_null(strstr(text, "s3cret"));
    const struct container *desired = &p.nodes[0].new.desired;
    AUTO_FREE char *env = json_compact(json_object_get(desired->config, "Env"));
    assert_string_equal(env, "[\"DB_PASSWORD\",\"OMS_HOST_IP=10.0.0.1\"]");
    assert_string_equal(desired->name, "oms_331");
    assert_string_equal(desired->image_ref, "r/oms:feature_4.0.0-ce");
    assert_int_equal(desired->mount_count, 1);
    assert_string_equal(desired->mounts[0].source, "/data/logs");
}

/* ---- the digest ---- */

static void digest_of_plan(const struct fixture *f, char *ret)
{
    AUTO_PLAN struct plan p = PLAN_INIT;

    plan_make(&f->request, &p);
    memcpy(ret, p.digest, sizeof(p.digest));
}

static void test_same_work_same_digest(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    char before[DIGEST_HEX_MAX];
    char after[DIGEST_HEX_MAX];

    begin(&f);
    add_node(&f, 0, "aa");
    f.found = (struct findings){.items = f.findings, .count = 1};
    digest_of_plan(&f, before);
    digest_of_plan(&f, after);
    assert_string_equal(after, before);
    /* What was found out on the way is no part of the work, */
    f.findings[0].text = fifty_free;
    digest_of_plan(&f, after);
    assert_string_equal(after, before);
    /* and neither are the words in which a waived rule says it: they hold figures of the moment. */
    f.findings[0].verdict = VERDICT_WAIVED;
    f.findings[0].waiver_reason = because;
    digest_of_plan(&f, before);
    f.findings[0].text = sixty_free;
    digest_of_plan(&f, after);
    assert_string_equal(after, before);
}

static void test_other_work_other_digest(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv seen = STRV_INIT;
    char digest[DIGEST_HEX_MAX];

#define ASSERT_NEW()                           \
    do {                                       \
        digest_of_plan(&f, digest);            \
        assert_false(strv_has(&seen, digest)); \
        strv_add(&seen, digest);               \
    } while (0)

    begin(&f);
    add_node(&f, 0, "aa");
    ASSERT_NEW();
    f.images[0].id = "sha256:cc";
    ASSERT_NEW();
    spec_env_set(json_object_get(f.desired[0].config, "Env"), "A", "1");
    ASSERT_NEW();
    f.request.options.stop_timeout_ms = 1;
    ASSERT_NEW();
    f.request.options.health_timeout_ms = 1;
    ASSERT_NEW();
    f.request.options.refetch_reserve_min = 31;
    ASSERT_NEW();
    f.request.options.perceive_checkpoint = true;
    ASSERT_NEW();
    f.request.options.load_file = "/x.tar";
    ASSERT_NEW();
    f.deployment.nodes[0].endpoint[7] = 'f';
    ASSERT_NEW();
    f.deployment.nodes[0].old.id[0] = 'f';
    ASSERT_NEW();
    f.deployment.nodes[0].old.running = false;
    ASSERT_NEW();
    f.deployment.nodes[0].config.meta_port = 3307;
    ASSERT_NEW();
    f.desired[0].mounts[0].read_only = true;
    ASSERT_NEW();
    f.findings[0].verdict = VERDICT_WAIVED;
    f.findings[0].waiver_reason = because;
    f.found = (struct findings){.items = f.findings, .count = 1};
    ASSERT_NEW();
    f.findings[0].waiver_reason = another_reason;
    ASSERT_NEW();
    add_node(&f, 0, "aa");
    ASSERT_NEW();
}

/* ---- stored and read back ---- */

static void test_round_trip(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;
    AUTO_PLAN struct plan back = PLAN_INIT;
    AUTO_JSON json_t *parsed = NULL;
    struct err err = ERR_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    add_node(&f, 1, "bb");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    AUTO_FREE char *text = json_pretty(j);
    assert_ok(json_parse(text, strlen(text), "plan", &parsed, &err), &err);
    assert_ok(plan_from_json(parsed, "p", &back, &err), &err);
    assert_string_equal(back.digest, p.digest);
    assert_int_equal(back.row_count, p.row_count);
    assert_memory_equal(back.rows, p.rows, p.row_count * sizeof(*p.rows));
    AUTO_JSON json_t *again = plan_to_json(&back);
    assert_true(json_equal(again, j));
}

/* ---- hooks of the site ---- */

static void add_hook(struct hook_list *list, enum hook_point point, enum hook_scope scope,
                     const char *name)
{
    list->items = mem_grow(list->items, list->count + 1, sizeof(*list->items));
    struct hook *h = &list->items[list->count++];
    *h = (struct hook){.point = point,
                       .scope = scope,
                       .name = mem_strdup(name),
                       .origin = mem_strdup("c.yaml"),
                       .timeout_ms = 1000,
                       .digest = mem_strdup("d1")};
    strv_add(&h->command, "/drain");
    strv_add(&h->environment, "TOKEN=s3cret-of-site");
}

static void test_hooks_are_rows(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;
    AUTO_PLAN struct plan back = PLAN_INIT;
    AUTO_HOOKS struct hook_list hooks = HOOK_LIST_INIT;
    struct err err = ERR_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    add_node(&f, 0, "aa");
    add_node(&f, 1, "bb");
    add_hook(&hooks, HOOK_PRE_UPGRADE, HOOK_DEPLOYMENT, "ask");
    add_hook(&hooks, HOOK_PRE_STOP, HOOK_NODE, "drain");
    add_hook(&hooks, HOOK_BACKUP, HOOK_DEPLOYMENT, "own");
    add_hook(&hooks, HOOK_POST_UPGRADE, HOOK_REGION, "mail");
    add_hook(&hooks, HOOK_ON_FAILURE, HOOK_DEPLOYMENT, "tell");
    f.request.hooks = &hooks;
    plan_make(&f.request, &p);
    AUTO_STR struct str rows = STR_INIT;
    for (size_t i = 0; i < p.row_count; i++) {
        AUTO_FREE char *name = plan_row_name(&p, &p.rows[i]);
        if (p.rows[i].subject.kind != SUBJECT_NODE) {
            str_appendf(&rows, "%s(%s) ", name, plan_subject_name(&p, p.rows[i].subject));
        }
    }
    assert_string_equal(str_get(&rows),
                        "pre-upgrade/ask(oms_331) trim_heartbeats(oms_331) ha_off(oms_331) "
                        "pre-stop/drain(node0) pre-stop/drain(node1) "
                        "pre-stop/drain(node2) backup_metadb(oms_331) wait_healthy(oms_331) "
                        "ha_on(oms_331) post-upgrade/mail(node0) post-upgrade/mail(node2) ");
    AUTO_JSON json_t *j = plan_to_json(&p);
    AUTO_FREE char *text = json_pretty(j);
    assert_null(strstr(text, "s3cret-of-site"));
    assert_non_null(strstr(text, "\"title\": \"back up the MetaDB by hook backup/own\""));
    assert_ok(plan_from_json(j, "p", &back, &err), &err);
    assert_string_equal(back.digest, p.digest);
    AUTO_JSON json_t *again = plan_to_json(&back);
    assert_true(json_equal(again, j));
}

static void test_another_hook_another_digest(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;
    AUTO_PLAN struct plan other = PLAN_INIT;
    AUTO_HOOKS struct hook_list hooks = HOOK_LIST_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    add_hook(&hooks, HOOK_PRE_STOP, HOOK_NODE, "drain");
    f.request.hooks = &hooks;
    plan_make(&f.request, &p);
    hooks.items[0].digest[1] = '2';
    plan_make(&f.request, &other);
    assert_string_not_equal(p.digest, other.digest);
}

/* Like the stored form, with a digest that fits. */
static json_t *signed_again(json_t *j)
{
    AUTO_FREE char *text = NULL;
    char digest[DIGEST_HEX_MAX];

    json_object_del(j, "digest");
    AUTO_JSON json_t *work = json_deep_copy(j);
    json_object_del(work, "findings"); /* and the words of what is waived; here, nothing is */
    text = json_canonical(work);
    digest_of(text, strlen(text), digest);
    json_put_text(j, "digest", digest);
    return j;
}

static void test_edited(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;
    AUTO_PLAN struct plan back = PLAN_INIT;
    struct err err = ERR_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    json_put_text(json_array_get(json_object_get(j, "nodes"), 0), "name", "other");
    assert_fails(plan_from_json(j, "/s/plan.json", &back, &err));
    assert_int_equal((int)err.kind, ERR_STATE);
    AUTO_FREE char *end = mem_printf(", it says %.12s\nHINT: nothing was changed; do not edit a "
                                     "stored plan",
                                     p.digest);
    assert_memory_equal(err.text, "the plan '/s/plan.json' is not what was stored: its digest is ",
                        62);
    assert_string_equal(strstr(err_whole(&err), ", it says"), end);
    assert_null(back.tool);
}

static void refuse(json_t *j, const char *text)
{
    AUTO_PLAN struct plan back = PLAN_INIT;
    struct err err = ERR_INIT;

    assert_fails(plan_from_json(signed_again(j), "p", &back, &err));
    assert_err(&err, ERR_STATE, text);
}

static void test_unknown_steps(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    json_t *row = json_array_get(json_object_get(j, "rows"), 0);
    json_put_text(row, "step", "paint_it_blue");
    refuse(j, "the plan 'p' has a row that this omslaunch does not know: 'paint_it_blue'\n"
              "HINT: resume with the version of omslaunch that began the run");
    /* The way back is never planned. */
    json_put_text(row, "step", "back_names");
    refuse(j, "the plan 'p' has a row that this omslaunch does not know: 'back_names'\n"
              "HINT: resume with the version of omslaunch that began the run");
    json_put_text(row, "step", "load_image");
    json_put(row, "node", json_integer(1));
    refuse(j, "the plan 'p' has a row that this omslaunch does not know: 'load_image'\n"
              "HINT: resume with the version of omslaunch that began the run");
    json_put(row, "node", json_integer(-2));
    refuse(j, "the plan 'p' has a row that this omslaunch does not know: 'load_image'\n"
              "HINT: resume with the version of omslaunch that began the run");
}

static void test_another_schema(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_PLAN struct plan p = PLAN_INIT;

    begin(&f);
    add_node(&f, 0, "aa");
    plan_make(&f.request, &p);
    AUTO_JSON json_t *j = plan_to_json(&p);
    json_put(j, "schema", json_integer(2));
    refuse(j, "the plan 'p' has schema 2, expected 1\n"
              "HINT: use the version of omslaunch that made it");
}

static void test_no_plan_at_all(void **state)
{
    (void)state;
    static const char *const documents[] = {"{}", "[]", "{\"digest\":7}", "{\"digest\":\"\"}"};

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        AUTO_JSON json_t *j = json_loads(documents[i], 0, NULL);
        AUTO_PLAN struct plan back = PLAN_INIT;
        struct err err = ERR_INIT;
        assert_fails(plan_from_json(j, "p", &back, &err));
        assert_int_equal((int)err.kind, ERR_STATE);
        assert_memory_equal(err.text, "the plan 'p' is not what was stored: ", 37);
    }
}

static void test_names(void **state)
{
    (void)state;
    AUTO_STRV struct strv names = STRV_INIT;

    for (enum step_id id = 0; id < STEP_MAX; id++) {
        assert_non_null(step_get(id)->title);
        assert_false(strv_has(&names, step_name(id)));
        assert_int_equal(strspn(step_name(id), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(step_name(id)));
        strv_add(&names, step_name(id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_one_node),
        cmocka_unit_test(test_rows_of_three_nodes),
        cmocka_unit_test(test_init_rows),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_health_url),
        cmocka_unit_test(test_health_calibrated),
        cmocka_unit_test(test_no_secrets),
        cmocka_unit_test(test_same_work_same_digest),
        cmocka_unit_test(test_other_work_other_digest),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_hooks_are_rows),
        cmocka_unit_test(test_another_hook_another_digest),
        cmocka_unit_test(test_edited),
        cmocka_unit_test(test_unknown_steps),
        cmocka_unit_test(test_another_schema),
        cmocka_unit_test(test_no_plan_at_all),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
