/* One thing broken at a time: exactly that rule fails, with these words. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/policy/check.h"
#include "tests/unit/policy/fixture.h"

static void all_pass(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    policy_judge(&f.in, &found);
    for (size_t i = 0; i < found.count; i++) {
        if (found.items[i].verdict == VERDICT_FAIL) {
            fail_msg("%s: %s", found.items[i].rule, found.items[i].text);
        }
        assert_true(found.items[i].text[0] != '\0');
    }
    assert_ok(findings_check(&found, &err), &err);
}

static void two_nodes_pass(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    assert_no_failure(&f.in, "nodes.complete", VERDICT_PASS, "all 2 are here");
    assert_no_failure(&f.in, "image.identity", VERDICT_PASS,
                      "all images that are present are the same");
    assert_no_failure(&f.in, "nodes.same-version", VERDICT_PASS, "all run 'feature_3.3.1-ce'");
    assert_no_failure(&f.in, "config.databases", VERDICT_PASS,
                      "the three names are distinct and fit together on all nodes");
}

/* ---- container ---- */

static void container_name(void **state)
{
    static const char *const wrong[] = {"oms", "oms_", "OMS_331", "my_oms_331"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_FIXTURE struct fixture f;
        AUTO_FREE char *text = mem_printf("'%s' does not follow the convention oms_*", wrong[i]);

        fixture_init(&f, 1);
        set_text(&f.desired[0].name, wrong[i]);
        assert_only_failure(&f.in, "container.name", text, NULL,
                            "give the new container another name: --name oms_…");
    }
}

static void container_running(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct container *old;

    (void)state;
    fixture_init(&f, 1);
    old = &f.deployment.nodes[0].old;
    old->running = false;
    old->exit_code = 137;
    set_text(&old->status, "exited");
    assert_only_failure(&f.in, "container.running", "'oms_331' is exited",
                        "status exited, exit code 137",
                        "upgrade a container that works: `docker start oms_331`, and look at "
                        "`docker logs oms_331` if it does not stay up");
    old->running = true;
    old->restarting = true;
    set_text(&old->status, "restarting");
    assert_only_failure(&f.in, "container.running", "'oms_331' is restarting",
                        "status restarting, exit code 137", NULL);
}

static void container_settings(void **state)
{
    AUTO_FIXTURE struct fixture f;
    json_t *host;

    (void)state;
    fixture_init(&f, 1);
    host = f.desired[0].host_config;
    json_put(host, "PidsLimit", json_integer(-1));
    assert_no_failure(&f.in, "container.settings", VERDICT_PASS,
                      "host network, privileged, no pids limit, nproc 65535, stdin and tty");
    json_put_text(host, "NetworkMode", "bridge");
    json_put(host, "Privileged", json_false());
    json_put(host, "PidsLimit", json_integer(100));
    json_put(host, "Ulimits", json_array());
    json_put(f.desired[0].config, "Tty", json_false());
    assert_only_failure(&f.in, "container.settings",
                        "network is 'bridge' instead of 'host'; it is not privileged; pids limit "
                        "is 100 instead of -1; ulimit nproc is not 65535:65535; stdin and tty are "
                        "not both open",
                        NULL, NULL);
}

static void container_upgrade_env(void **state)
{
    AUTO_FIXTURE struct fixture f;
    json_t *env;

    (void)state;
    fixture_init(&f, 1);
    env = json_object_get(f.desired[0].config, "Env");
    json_array_remove(env, 1);
    assert_only_failure(&f.in, "container.upgrade-env",
                        "IS_UPGRADE is not set, targets from 3.3.1 on need IS_UPGRADE=true", NULL,
                        "do not set IS_UPGRADE by --set-env; omslaunch does it where it is right");
    json_add(env, json_string("IS_UPGRADE=True"));
    assert_only_failure(&f.in, "container.upgrade-env",
                        "IS_UPGRADE is 'True', targets from 3.3.1 on need IS_UPGRADE=true", NULL,
                        NULL);
}

static void container_keepable(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    json_add((json_t *)(uintptr_t)f.unkeepable[0],
             json_make("{s:s,s:[i]}", "field", "HostConfig.Strange", "value", 7));
    assert_only_failure(
        &f.in, "container.keepable", "'HostConfig.Strange' of the old container cannot be kept",
        "HostConfig.Strange = [7]", "if OMS does not need it: --accept container.keepable=REASON");
}

static void anonymous_volume(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct container *old;

    (void)state;
    fixture_init(&f, 1);
    old = &f.deployment.nodes[0].old;
    fixture_add_mount(old, "vol", "/extra");
    set_text(&old->mounts[4].type, "volume");
    assert_no_failure(&f.in, "container.anonymous-volumes", VERDICT_PASS, "no anonymous volume");
    set_text(&old->mounts[4].source,
             "5d9426b6f71f006c5e7eb8ec584c97f45ed98ae13bea43dec85f8920ee583d88");
    assert_only_failure(&f.in, "container.anonymous-volumes",
                        "what is in '/extra' lives in an anonymous volume", "volume 5d9426b6f71f",
                        "if nothing in it is needed: --accept container.anonymous-volumes=REASON");
}

/* ---- image ---- */

static void image_tag(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.in.to = NULL;
    f.in.to_tag = "latest";
    assert_only_failure(&f.in, "image.tag",
                        "'latest' is no tag of an OMS image, so that nothing is known about its "
                        "version and the way to it",
                        NULL,
                        "use the tag under which the image was delivered, feature_X.Y.Z, "
                        "feature_X.Y.Z-ce or feature_X.Y.Z_ce");
}

static void image_present(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.images[0].present = false;
    f.images[0].id = NULL;
    assert_only_failure(&f.in, "image.present",
                        "image 'r/oms:feature_4.0.0-ce' is not on the engine", NULL,
                        "give the delivered archive: --load FILE; `docker images` lists what is "
                        "there");
    /* OMS moved from one repository to another at 4.2.11. */
    f.images[0].same_tag = "h:5/other/oms-ce:feature_4.0.0-ce";
    assert_only_failure(&f.in, "image.present",
                        "image 'r/oms:feature_4.0.0-ce' is not on the engine", NULL,
                        "'h:5/other/oms-ce:feature_4.0.0-ce' is there: `omslaunch upgrade oms_331 "
                        "--tag feature_4.0.0-ce --image h:5/other/oms-ce`");
    f.images[0].same_tag = NULL;
    f.images[0].will_load_file = "oms.tar";
    assert_no_failure(&f.in, "image.present", VERDICT_PASS,
                      "'r/oms:feature_4.0.0-ce' will be loaded from 'oms.tar'");
}

static void image_architecture(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.images[0].architecture = "arm64";
    assert_only_failure(&f.in, "image.architecture",
                        "image 'r/oms:feature_4.0.0-ce' is made for arm64, the host is x86_64",
                        NULL, "get the image that is made for x86_64");
    set_text(&f.deployment.nodes[0].host.architecture, "aarch64");
    assert_no_failure(&f.in, "image.architecture", VERDICT_PASS, "both are arm64");
}

static void image_identity(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    f.images[1].id = "sha256:bb";
    assert_only_failure(&f.in, "image.identity",
                        "node 'unix:///b.sock' has another image under 'r/oms:feature_4.0.0-ce'",
                        "unix:///a.sock: sha256:aa; unix:///b.sock: sha256:bb",
                        "load the same archive on every node: --load FILE");
}

/* ---- MetaDB ---- */

static void metadb_reachable(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    struct err silent = ERR_INIT;
    err_fail(&silent, ERR_UNREACHABLE,
             "access denied for 'root@oms'\nHINT: look at oms_meta_password");
    f.in.metadb_error = &silent;
    assert_only_failure(&f.in, "metadb.reachable", "access denied for 'root@oms'", "10.0.0.9:3306",
                        "look at oms_meta_password");
    policy_judge(&f.in, &found);
    assert_fails(findings_check(&found, &err));
    assert_err(&err, ERR_UNREACHABLE,
               "1 rule refuses this upgrade:\n  metadb.reachable: access denied for 'root@oms'\n"
               "HINT: look at oms_meta_password");
    err_fail(&silent, ERR_UNREACHABLE, "no answer");
    assert_only_failure(&f.in, "metadb.reachable", "no answer", NULL,
                        "check oms_meta_host, oms_meta_port, oms_meta_user and oms_meta_password "
                        "of config.yaml");
}

static void metadb_databases(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.metadb.databases[0].exists = false;
    f.deployment.metadb.databases[2].tables = 0;
    assert_only_failure(&f.in, "metadb.databases",
                        "database 'rm_331' (rm) does not exist; database 'cm_hb_331' (heartbeat) "
                        "has no tables",
                        "rm: 'rm_331', 41 tables; cm: 'cm_331', 7 tables; heartbeat: 'cm_hb_331', "
                        "0 tables",
                        "compare drc_rm_db, drc_cm_db and drc_cm_heartbeat_db of config.yaml with "
                        "`show databases`; their names must not change in an upgrade");
}

static void config_databases(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FIXTURE struct fixture two;
    struct oms_config *c;

    (void)state;
    fixture_init(&f, 1);
    fixture_init(&two, 2);
    c = &f.deployment.nodes[0].config;
    set_text(&c->cm_db, "rm_331");
    set_text(&c->heartbeat_db, "rm_331");
    assert_only_failure(&f.in, "config.databases",
                        "'drc_rm_db' and 'drc_cm_db' are both 'rm_331'; 'drc_rm_db' and "
                        "'drc_cm_heartbeat_db' are both 'rm_331'; 'drc_cm_db' and "
                        "'drc_cm_heartbeat_db' are both 'rm_331'",
                        NULL,
                        "mend config.yaml on the host; the MetaDB shows which databases are in "
                        "use");
    c = &two.deployment.nodes[1].config;
    set_text(&c->rm_db, "rm_2");
    set_text(&c->cm_db, "cm_2");
    assert_only_failure(&two.in, "config.databases",
                        "'drc_rm_db' is 'rm_331' on node 'unix:///a.sock' and 'rm_2' on node "
                        "'unix:///b.sock'; 'drc_cm_db' is 'cm_331' on node 'unix:///a.sock' and "
                        "'cm_2' on node 'unix:///b.sock'",
                        NULL, NULL);
    set_text(&c->rm_db, "rm_331");
    set_text(&c->cm_db, "cm_331");
    set_text(&c->heartbeat_db, "cm_hb_2");
    assert_only_failure(&two.in, "config.databases",
                        "nodes 'unix:///a.sock' and 'unix:///b.sock' are of one region but have "
                        "'cm_hb_331' and 'cm_hb_2'",
                        NULL, NULL);
}

static void regions(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.nodes[0].config.cm_location = 5;
    assert_only_failure(&f.in, "regions.known",
                        "no region has the code 5 of node 'unix:///a.sock'; region 0 has no node "
                        "here",
                        NULL, "compare cm_location of config.yaml with the table 'cluster_info'");
}

static void ha_config(void **state)
{
    static const char *const cases[][2] = {
        {"{\"enable\":", "ha.config is no valid JSON: line 1, column 10: unexpected token"},
        {"[]", "'ha.config' is no JSON object"},
        {"{\"enable\":\"yes\"}", "'enable' of 'ha.config' is neither true nor false"},
    };
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FINDINGS struct findings found = {.items = NULL};

        set_text(&f.deployment.metadb.ha_config, cases[i][0]);
        policy_judge(&f.in, &found);
        if (i > 0) {
            assert_only_failure(&f.in, "ha.config", cases[i][1], cases[i][0], NULL);
        } else {
            assert_int_equal(find_finding(&found, "ha.config")->verdict, VERDICT_FAIL);
        }
    }
    set_text(&f.deployment.metadb.ha_config, "{\n\t\"enable\": 1}");
    assert_only_failure(&f.in, "ha.config", cases[2][1], "{  \"enable\": 1}", NULL);
    set_text(&f.deployment.metadb.ha_config, "{\"other\":1}");
    assert_no_failure(&f.in, "ha.config", VERDICT_PASS, "HA is off");
    free(f.deployment.metadb.ha_config);
    f.deployment.metadb.ha_config = NULL;
    assert_only_failure(&f.in, "ha.config", "there is no row 'ha.config' in 'oms_normal_config'",
                        NULL,
                        "save the HA settings once in the console: System Management > System "
                        "Parameters > ha.config");
}

static void projects(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.deployment.metadb.projects_running = 0;
    assert_only_failure(&f.in, "projects.running", "2 of 2 projects do not run", NULL,
                        "a failed or suspended project is not recovered by the upgrade; it has to "
                        "be by hand afterwards");
    f.deployment.metadb.projects_running = 2;
    strv_add(&f.deployment.metadb.duplicate_names, "p 1");
    assert_no_failure(&f.in, "projects.names", VERDICT_NOT_APPLICABLE,
                      "the upgrade does not cross 4.0.1");
    f.from = (struct oms_version){4, 0, 0, 0, OMS_EDITION_COMMUNITY};
    f.to = (struct oms_version){4, 1, 0, 0, OMS_EDITION_COMMUNITY};
    assert_only_failure(&f.in, "projects.names", "two projects are named 'p 1'", NULL,
                        "rename or delete projects in the console until each name is there once");
}

/* ---- all nodes ---- */

static void nodes_reachable(void **state)
{
    AUTO_FIXTURE struct fixture f;
    const struct err why = {.kind = ERR_UNREACHABLE, .text = "no answer\nHINT: x"};

    (void)state;
    fixture_init(&f, 2);
    deployment_add_lost(&f.deployment, "10.0.0.3", "10.0.0.3", &why);
    deployment_add_lost(&f.deployment, "10.0.0.4", "10.0.0.4", &why);
    assert_only_failure(&f.in, "nodes.reachable",
                        "node '10.0.0.3': no answer; node '10.0.0.4': no answer", NULL,
                        "a deployment is upgraded as a whole or not at all; bring these nodes back "
                        "first");
}

static void nodes_distinct(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    f.deployment.nodes[0].listed_ip = mem_strdup("10.0.0.7");
    assert_only_failure(&f.in, "nodes.distinct",
                        "the node listed as '10.0.0.7' has OMS_HOST_IP '10.0.0.1'", NULL,
                        "list each node once, with the OMS_HOST_IP of its own container");
    set_text(&f.deployment.nodes[0].listed_ip, "10.0.0.1");
    f.deployment.nodes[0].old.id = mem_strdup("117557e08e6b");
    f.deployment.nodes[1].old.id = mem_strdup("117557e08e6b");
    assert_only_failure(&f.in, "nodes.distinct",
                        "nodes 'unix:///a.sock' and 'unix:///b.sock' are one container, 'oms_331'",
                        NULL, NULL);
}

static void nodes_one_deployment(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    f.deployment.nodes[1].config.meta_port = 3307;
    assert_only_failure(&f.in, "nodes.one-deployment",
                        "node 'unix:///a.sock' uses 10.0.0.9:3306, node 'unix:///b.sock' "
                        "10.0.0.9:3307",
                        NULL,
                        "all nodes of a deployment have one MetaDB; leave out those of another "
                        "one");
}

static void nodes_complete(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct strv *nodes;

    (void)state;
    fixture_init(&f, 1);
    nodes = &f.deployment.nodes[0].config.cm_nodes;
    strv_add(nodes, "10.0.0.1");
    strv_add(nodes, "10.0.0.2");
    assert_only_failure(&f.in, "nodes.complete",
                        "node '10.0.0.2' belongs to the deployment but not to this upgrade", NULL,
                        "all nodes of a deployment are upgraded together; if that host is gone for "
                        "good: --accept nodes.complete=REASON");
}

static void nodes_complete_by_server_list(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    set_text(&f.deployment.metadb.hosts[0].ip, "10.0.0.3");
    f.deployment.metadb.has_hosts = false; /* so that host.online does not speak as well */
    assert_only_failure(&f.in, "nodes.complete",
                        "node '10.0.0.3' belongs to the deployment but not to this upgrade", NULL,
                        NULL);
}

static void nodes_same_version(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    set_text(&f.deployment.nodes[1].old_image_tag, "feature_4.0.0-ce");
    assert_only_failure(&f.in, "nodes.same-version",
                        "node 'unix:///a.sock' runs 'feature_3.3.1-ce', node 'unix:///b.sock' runs "
                        "'feature_4.0.0-ce'",
                        NULL, "bring all nodes to one version first");
}

static void host_online(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.deployment.metadb.hosts[0].status, "OFFLINE");
    assert_only_failure(&f.in, "host.online", "'10.0.0.1' is 'OFFLINE' in the server list", NULL,
                        "look at the console, OPS & Monitoring > Server, and mend the old version "
                        "first");
    f.deployment.metadb.host_count = 0;
    assert_only_failure(&f.in, "host.online", "'10.0.0.1' is not in the server list", NULL, NULL);
    f.deployment.metadb.host_count = 1;
}

static void image_old(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    assert_no_failure(&f.in, "image.old", VERDICT_PASS,
                      "'r/oms:feature_3.3.1-ce' is on the engine");
    f.deployment.nodes[0].old_image_note =
        mem_strdup("image 'r/oms:feature_3.3.1-ce' (sha256:aa) is no longer on the engine");
    assert_only_failure(&f.in, "image.old",
                        "image 'r/oms:feature_3.3.1-ce' (sha256:aa) is no longer on the engine, so "
                        "that its settings cannot be told from the user's",
                        NULL,
                        "load it again: `docker load -i` its archive; or, if old settings of the "
                        "image may stay in the new container: --accept image.old=REASON");
}

static void archive_of_another(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.images[0].present = false;
    f.images[0].will_load_file = "/tmp/oms.tar";
    f.images[0].archive_holds = "'other/oms:feature_4.0.0-ce'";
    assert_only_failure(&f.in, "image.present",
                        "the archive '/tmp/oms.tar' holds 'other/oms:feature_4.0.0-ce', not "
                        "'r/oms:feature_4.0.0-ce'",
                        NULL,
                        "name the repository in the archive with --image, and its tag with --tag");
    f.images[0].same_tag = "other/oms:feature_4.0.0-ce";
    assert_only_failure(&f.in, "image.present",
                        "the archive '/tmp/oms.tar' holds 'other/oms:feature_4.0.0-ce', not "
                        "'r/oms:feature_4.0.0-ce'",
                        NULL,
                        "'other/oms:feature_4.0.0-ce' is in it: `omslaunch upgrade oms_331 --tag "
                        "feature_4.0.0-ce --image other/oms --load /tmp/oms.tar`");
    f.images[0].archive_error = "the image archive '/tmp/oms.tar' is cut short";
    f.images[0].archive_hint = "copy it again";
    assert_only_failure(&f.in, "image.present", "the image archive '/tmp/oms.tar' is cut short",
                        NULL, "copy it again");
}

static void auto_remove(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    json_decref((json_t *)(uintptr_t)f.unkeepable[0]);
    f.unkeepable[0] = json_make("[{s:s,s:b}]", "field", "HostConfig.AutoRemove", "value", 1);
    assert_ok(waiver_list_add_argument(&f.waivers, "container.keepable=please", &err), &err);
    assert_only_failure(&f.in, "container.keepable",
                        "'HostConfig.AutoRemove' of the old container cannot be kept: the engine "
                        "deletes the old container when it stops",
                        "HostConfig.AutoRemove = true",
                        "there would be nothing to go back to; make the container again without "
                        "--rm, with the same mounts and settings, before the upgrade");
}

static void other_source_missing(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    fixture_add_mount(&f.deployment.nodes[0].old, "/data/extra", "/home/extra");
    strv_add(&f.deployment.nodes[0].mounts.missing, "/data/extra");
    assert_only_failure(&f.in, "bind.source", "'/data/extra', bound at '/home/extra', is missing",
                        NULL, NULL);
}

static void metadb_privileges(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct metadb_facts *m;

    (void)state;
    fixture_init(&f, 1);
    m = &f.deployment.metadb;
    assert_no_failure(&f.in, "metadb.privileges", VERDICT_NOT_APPLICABLE,
                      "the MetaDB does not tell what the account may do; `upgrade` tries it in "
                      "scratch databases before the outage");
    m->has_privileges = true;
    m->account = mem_strdup("'oms'@'%'");
    assert_no_failure(&f.in, "metadb.privileges", VERDICT_PASS,
                      "'oms'@'%' may dump, restore, rename and change");
    m->missing = mem_alloc(2 * sizeof(*m->missing));
    m->missing_count = 2;
    m->missing[0] = (struct metadb_missing){.database = mem_strdup("rm_331"),
                                            .pattern = mem_strdup("rm\\_331"),
                                            .privileges = mem_strdup("DROP, ALTER")};
    m->missing[1] = (struct metadb_missing){.database = mem_strdup("rm_331__%"),
                                            .pattern = mem_strdup("rm\\_331\\_\\_%"),
                                            .privileges = mem_strdup("CREATE")};
    assert_only_failure(&f.in, "metadb.privileges",
                        "'oms'@'%' lacks DROP, ALTER on 'rm_331'; 'oms'@'%' lacks CREATE on "
                        "'rm_331__%'",
                        "neither RELOAD nor LOCK TABLES, so that a dump takes one connection",
                        "as an administrator of the MetaDB: GRANT DROP, ALTER ON `rm\\_331`.* TO "
                        "'oms'@'%'");
}

static void metadb_restorable(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct metadb_facts *m;

    (void)state;
    fixture_init(&f, 1);
    m = &f.deployment.metadb;
    assert_no_failure(&f.in, "metadb.restorable", VERDICT_NOT_APPLICABLE,
                      "`check` and `upgrade` try it");
    m->not_tried = mem_strdup("databases or privileges are missing");
    assert_no_failure(&f.in, "metadb.restorable", VERDICT_NOT_APPLICABLE,
                      "databases or privileges are missing");
    m->tried = true;
    assert_no_failure(&f.in, "metadb.restorable", VERDICT_PASS,
                      "every table, view and trigger came back as it is, in scratch databases");
    strv_add(&m->not_restorable, "rm_331.v: is defined differently");
    strv_add(&m->not_restorable, "cm_331.t: cannot be read");
    assert_only_failure(&f.in, "metadb.restorable",
                        "rm_331.v: is defined differently; cm_331.t: cannot be read",
                        "a restore of all definitions, without rows",
                        "mend or drop what is named, or give the account what it lacks; with "
                        "`--accept metadb.restorable=REASON` a way back leaves it as it says");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pass),
        cmocka_unit_test(two_nodes_pass),
        cmocka_unit_test(container_name),
        cmocka_unit_test(container_running),
        cmocka_unit_test(container_settings),
        cmocka_unit_test(container_upgrade_env),
        cmocka_unit_test(container_keepable),
        cmocka_unit_test(anonymous_volume),
        cmocka_unit_test(image_tag),
        cmocka_unit_test(image_present),
        cmocka_unit_test(image_architecture),
        cmocka_unit_test(image_identity),
        cmocka_unit_test(metadb_reachable),
        cmocka_unit_test(metadb_databases),
        cmocka_unit_test(config_databases),
        cmocka_unit_test(regions),
        cmocka_unit_test(ha_config),
        cmocka_unit_test(projects),
        cmocka_unit_test(nodes_reachable),
        cmocka_unit_test(nodes_distinct),
        cmocka_unit_test(nodes_one_deployment),
        cmocka_unit_test(nodes_complete),
        cmocka_unit_test(nodes_complete_by_server_list),
        cmocka_unit_test(nodes_same_version),
        cmocka_unit_test(host_online),
        cmocka_unit_test(image_old),
        cmocka_unit_test(archive_of_another),
        cmocka_unit_test(auto_remove),
        cmocka_unit_test(other_source_missing),
        cmocka_unit_test(metadb_privileges),
        cmocka_unit_test(metadb_restorable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
