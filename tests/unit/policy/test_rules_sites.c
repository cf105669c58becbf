/* Sites as they are: the same check as test_rules.c, for what was learnt from them. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/policy/check.h"
#include "tests/unit/policy/fixture.h"

/* ---- config.yaml ---- */

static void config_remarks(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    strv_add(&f.deployment.nodes[0].config.remarks, "key 'a' is given twice");
    strv_add(&f.deployment.nodes[0].config.remarks, "entry 1 ends with a comma");
    assert_only_failure(&f.in, "config.remarks",
                        "key 'a' is given twice; entry 1 ends with a comma", NULL,
                        "OMS reads it the same way; say it once and plainly at the next occasion");
}

static void config_seen(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].seen.state = CONFIG_OTHER;
    strv_add(&f.deployment.nodes[0].seen.keys, "nginx_server_port");
    assert_only_failure(&f.in, "config.seen",
                        "the running OMS has other values than the file on the host, which the new "
                        "container would get, for 'nginx_server_port'",
                        NULL,
                        "a container keeps the file that it was started with, also when an editor "
                        "has put another in its place: undo the edit, or take it into use first "
                        "with `docker restart oms_331`");
    assert_ok(waiver_list_add_argument(&f.waivers, "config.seen=the port is to change", &err),
              &err);
    assert_no_failure(&f.in, "config.seen", VERDICT_WAIVED,
                      "the running OMS has other values than the file on the host, which the new "
                      "container would get, for 'nginx_server_port'");
    /* The databases are never a matter of opinion. */
    strv_add(&f.deployment.nodes[0].seen.keys, "drc_rm_db");
    policy_judge(&f.in, &found);
    assert_fails(findings_check(&found, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
}

static void config_edited(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct config_seen *seen;

    (void)state;
    fixture_init(&f, 1);
    seen = &f.deployment.nodes[0].seen;
    seen->state = CONFIG_SAME;
    assert_no_failure(&f.in, "config.edited", VERDICT_PASS, "it is, byte for byte");
    seen->state = CONFIG_EDITED;
    assert_only_failure(&f.in, "config.edited",
                        "the file was edited since 'oms_331' was started; its values are the same",
                        NULL,
                        "compare `docker exec oms_331 cat /home/admin/conf/config.yaml` with the "
                        "file on the host");
    seen->state = CONFIG_UNKNOWN;
    seen->note = mem_strdup("no cat");
    assert_only_failure(&f.in, "config.edited",
                        "the file could not be compared with the one that 'oms_331' was started "
                        "with: no cat",
                        NULL, NULL);
}

/* ---- the console ---- */

static void answer(struct node *n, enum health_answer answer, const char *state)
{
    oms_health_free(&n->health);
    n->health.answer = answer;
    n->health.url = mem_strdup("http://10.0.0.1:8089/oms/health");
    str_append(&n->health.state, state);
}

static void container_healthy(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct node *n;

    (void)state;
    fixture_init(&f, 1);
    n = &f.deployment.nodes[0];
    assert_no_failure(&f.in, "container.healthy", VERDICT_NOT_APPLICABLE,
                      "its address is not known");
    answer(n, HEALTH_WELL, "healthy");
    assert_no_failure(&f.in, "container.healthy", VERDICT_PASS, "/oms/health says so");
    assert_no_failure(&f.in, "container.endpoint", VERDICT_PASS, "it has");
    answer(n, HEALTH_UNWELL, "answers with status 503");
    assert_only_failure(&f.in, "container.healthy", "/oms/health answers with status 503",
                        "http://10.0.0.1:8089/oms/health",
                        "mend the old version first: a rollback could not tell its own success "
                        "from the old trouble; `docker exec oms_331 supervisorctl status` shows "
                        "the processes");
    answer(n, HEALTH_SILENT, "does not answer: refused");
    n->health.inside = true;
    assert_only_failure(&f.in, "container.healthy", "/oms/health does not answer: refused",
                        "http://10.0.0.1:8089/oms/health, asked in the container", NULL);
}

static void container_endpoint(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    answer(&f.deployment.nodes[0], HEALTH_ABSENT, "answers with status 404");
    assert_only_failure(&f.in, "container.endpoint",
                        "this version has no /oms/health (it answers with status 404), so that it "
                        "is not asked for it after a rollback",
                        "http://10.0.0.1:8089/oms/health; the new version is not known to have it, "
                        "and not asked for it",
                        "nothing to do: the container, the server list and the heartbeats are "
                        "looked at instead");
}

static void container_console(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct node *n;

    (void)state;
    fixture_init(&f, 1);
    n = &f.deployment.nodes[0];
    n->config.nginx_port = 8089;
    answer(n, HEALTH_WELL, "healthy");
    assert_no_failure(&f.in, "container.console", VERDICT_PASS, "it answers on port 8089");
    n->console_port = 18089;
    assert_only_failure(&f.in, "container.console",
                        "the console answers on port 18089, not on 8089 (nginx_server_port), where "
                        "the new one will",
                        NULL,
                        "the port was edited in the container, which the new one does not have: "
                        "write 'nginx_server_port: 18089' into config.yaml to keep it");
}

static void names_of_tools(void **state)
{
    static const char *const tools[] = {"oms", "OMS_20231117_103102", "myoms-oms-ce-042137",
                                        "a-oms-000001"};
    static const char *const others[] = {"OMS_",           "OMS_2023x", "my-oms-ce-12345",
                                         "oms-ce-0000001", "-123456",   "oms2"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        AUTO_FIXTURE struct fixture f;
        AUTO_FREE char *text = mem_printf("'%s' is what a deployment tool has named it", tools[i]);
        AUTO_FREE char *changed = mem_printf("'%s' does not follow the convention oms_*", tools[i]);

        fixture_init(&f, 1);
        set_text(&f.desired[0].name, tools[i]);
        assert_only_failure(&f.in, "container.name", changed, NULL, NULL);
        set_text(&f.deployment.nodes[0].old.name, tools[i]);
        assert_no_failure(&f.in, "container.name", VERDICT_PASS, text);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        AUTO_FIXTURE struct fixture f;
        AUTO_FREE char *text = mem_printf("'%s' does not follow the convention oms_*", others[i]);

        fixture_init(&f, 1);
        set_text(&f.desired[0].name, others[i]);
        set_text(&f.deployment.nodes[0].old.name, others[i]);
        assert_only_failure(&f.in, "container.name", text, NULL, NULL);
    }
}

/* ---- servers ---- */

static void set_servers(struct deployment *d, const char *text)
{
    AUTO_JSON json_t *j = NULL;
    struct err err = ERR_INIT;

    assert_ok(json_parse(text, strlen(text), "servers", &j, &err), &err);
    servers_free(&d->servers);
    servers_from_json(j, &d->servers);
}

static void host_heartbeat(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct node *n;

    (void)state;
    fixture_init(&f, 1);
    n = &f.deployment.nodes[0];
    assert_no_failure(&f.in, "host.heartbeat", VERDICT_NOT_APPLICABLE,
                      "the heartbeats could not be read");
    n->beat = BEAT_MOVES;
    assert_no_failure(&f.in, "host.heartbeat", VERDICT_PASS, "the heart_beat of '10.0.0.1' moves");
    n->beat = BEAT_STILL;
    assert_only_failure(&f.in, "host.heartbeat",
                        "the heart_beat of '10.0.0.1' does not move, so that none is waited for "
                        "after a rollback",
                        NULL,
                        "look at oms_drc_supervisor: `docker exec oms_331 supervisorctl status`");
    n->beat = BEAT_NONE;
    assert_only_failure(&f.in, "host.heartbeat",
                        "'10.0.0.1' writes no heart_beat, so that none is waited for after a "
                        "rollback",
                        NULL, NULL);
}

/* NAT, an elastic IP: what works is right. */
static void host_ip_that_works(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct node *n;

    (void)state;
    fixture_init(&f, 1);
    n = &f.deployment.nodes[0];
    strv_free(&n->host.addresses);
    strv_add(&n->host.addresses, "192.168.0.2");
    assert_only_failure(&f.in, "host.ip", "OMS_HOST_IP '10.0.0.1' is no address of this host",
                        "addresses of the host: 192.168.0.2", NULL);
    set_servers(&f.deployment, "{\"hosts\":[{\"ip\":\"10.0.0.1\",\"status\":\"ONLINE\"}]}");
    n->beat = BEAT_MOVES;
    assert_no_failure(&f.in, "host.ip", VERDICT_PASS, "OMS_HOST_IP is '10.0.0.1'");
}

static void host_ip_with_a_blank(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    json_array_set_new(json_object_get(f.desired[0].config, "Env"), 0,
                       json_string("OMS_HOST_IP=10.0.0.1 "));
    f.deployment.nodes[0].host.addresses_known = false;
    assert_only_failure(&f.in, "host.ip",
                        "OMS_HOST_IP '10.0.0.1 ' holds ' '; OMS_HOST_IP would be '10.0.0.1 ', the "
                        "old container has '10.0.0.1'",
                        NULL, NULL);
}

static void nodes_gone(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    fixture_add_host(&f.deployment.metadb, "10.0.0.1");
    fixture_add_host(&f.deployment.metadb, "10.0.0.3");
    f.deployment.metadb.has_hosts = true;
    /* Alive, as far as anybody knows: a second node. */
    set_servers(&f.deployment, "{\"hosts\":[{\"ip\":\"10.0.0.3\",\"status\":\"ONLINE\"}]}");
    assert_only_failure(&f.in, "nodes.complete",
                        "node '10.0.0.3' belongs to the deployment but not to this upgrade", NULL,
                        NULL);
    set_servers(&f.deployment,
                "{\"hosts\":[{\"ip\":\"10.0.0.3\",\"status\":\"ONLINE\",\"heartbeat\":\"x\","
                "\"heartbeat_age_ms\":8640000000}]}");
    assert_only_failure(&f.in, "nodes.gone",
                        "'10.0.0.3' is in the server list, but in no cm_nodes, and its last "
                        "heart_beat is 100 days old",
                        NULL,
                        "it is not counted as a node; delete it in the console, OPS & Monitoring > "
                        "Server, if it is gone for good");
    strv_add(&f.deployment.nodes[0].config.cm_nodes, "10.0.0.1");
    strv_add(&f.deployment.nodes[0].config.cm_nodes, "10.0.0.3");
    assert_only_failure(&f.in, "nodes.complete",
                        "node '10.0.0.3' belongs to the deployment but not to this upgrade", NULL,
                        NULL);
}

static void add_region(struct metadb_facts *f, unsigned code, bool is_default)
{
    f->regions = mem_grow(f->regions, f->region_count + 1, sizeof(*f->regions));
    f->regions[f->region_count++] = (struct metadb_region){
        .region = mem_strdup("cn-2"), .code = code, .is_default = is_default};
}

static void regions_default(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct metadb_facts *metadb = &f.deployment.metadb;
    const char *hint = "give one region cm_is_default: true, as the table 'cluster_info' has it, "
                       "and all others false";

    (void)state;
    fixture_init(&f, 2);
    f.deployment.nodes[0].config.cm_is_default = true;
    f.deployment.nodes[1].config.cm_location = 1;
    set_text(&f.deployment.nodes[1].config.heartbeat_db, "cm_hb_2");
    add_region(metadb, 1, false);
    assert_no_failure(&f.in, "regions.default", VERDICT_PASS, "there is one");
    metadb->regions[1].is_default = true;
    f.deployment.nodes[1].config.cm_is_default = true;
    assert_only_failure(&f.in, "regions.default",
                        "2 regions are the default one by cm_is_default of config.yaml, expected "
                        "1: 0, 1; 2 regions are the default one by the table 'cluster_info', "
                        "expected 1: 0, 1",
                        NULL, hint);
    f.deployment.nodes[0].config.cm_is_default = false;
    metadb->regions[1].is_default = false;
    assert_only_failure(&f.in, "regions.default",
                        "the default region is 1 by config.yaml and 0 by the table 'cluster_info'",
                        NULL, hint);
    f.deployment.nodes[1].config.cm_is_default = false;
    metadb->regions[0].is_default = false;
    assert_only_failure(&f.in, "regions.default",
                        "no region is the default one by cm_is_default of config.yaml, expected "
                        "1; no region is the default one by the table 'cluster_info', expected 1",
                        NULL, hint);
}

static void ports_fixed(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].ports = (struct port_facts){
        .known = true,
        .items = {{"a", 1, PORT_OLD, NULL},
                  {"b", 2, PORT_OLD, NULL},
                  {"c", 3, PORT_OLD, NULL},
                  {"d", 4, PORT_OLD, NULL},
                  {"e", 5, PORT_OLD, NULL},
                  {"supervisord", 8084, PORT_OLD, NULL},
                  {"supervisord", 9001, PORT_OTHER, mem_strdup("minio (pid 2)")}},
    };
    assert_only_failure(&f.in, "ports.fixed",
                        "port 9001 (supervisord) is held by minio (pid 2), which is not of the old "
                        "container",
                        NULL,
                        "OMS uses it, and no key of config.yaml changes it: end that program, or "
                        "make sure that this OMS does without");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_remarks),     cmocka_unit_test(config_seen),
        cmocka_unit_test(config_edited),      cmocka_unit_test(container_healthy),
        cmocka_unit_test(container_endpoint), cmocka_unit_test(container_console),
        cmocka_unit_test(names_of_tools),     cmocka_unit_test(host_heartbeat),
        cmocka_unit_test(host_ip_that_works), cmocka_unit_test(host_ip_with_a_blank),
        cmocka_unit_test(nodes_gone),         cmocka_unit_test(ports_fixed),
        cmocka_unit_test(regions_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
