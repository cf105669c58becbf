/* Hooks from YAML and from folders, and the state document against its schema. */
#include "tests/unit/hooks/hook_folder.h"
#include "tests/unit/hooks/schema.h"

#include "hooks/hook_state.h"
#include "launcher/base/yaml.h"

#define SCHEMA "contrib/hooks/state.schema.json"

static json_t *read_yaml(const char *text)
{
    struct err err = ERR_INIT;
    json_t *document = NULL;
    AUTO_FREE char *whole = mem_printf("folder: %s/none\n%s", folder, text);
    assert_ok(yaml_parse(whole, strlen(whole), "test", &document, &err), &err);
    return document;
}

static int add(struct hook_list *list, const char *text, struct err *err)
{
    AUTO_JSON json_t *section = read_yaml(text);
    int rc = hook_list_add(list, section, "c.yaml", err);
    err_mask(err, folder);
    return rc;
}

static void refuses(const char *text, const char *expected)
{
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    assert_fails(add(&list, text, &err));
    assert_err(&err, ERR_CONFIG, expected);
}

static void test_all_keys(void **state)
{
    (void)state;
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    assert_ok(add(&list,
                  "post-stop:\n"
                  "  - name: snapshot\n"
                  "    run: [/opt/hooks/snapshot, --name, vg0/oms]\n"
                  "    undo: /opt/hooks/merge\n"
                  "    scope: node\n"
                  "    on-failure: warn\n"
                  "    timeout: 90s\n"
                  "    repeatable: true\n"
                  "    secrets: true\n"
                  "    environment: {LB: 10.0.0.5}\n"
                  "    sandbox:\n"
                  "      profile: strict\n"
                  "      allow: [personality, local-sockets]\n"
                  "      deny: [chmod]\n"
                  "      capabilities: [dac_read_search]\n"
                  "      write: [/srv]\n"
                  "      ports: [443, 8443]\n"
                  "      file-size: 16\n"
                  "pre-stop:\n"
                  "  - {name: second, run: /b}\n"
                  "  - {name: first, kind: container, scope: node, run: [sh, -c, 'true']}\n",
                  &err),
              &err);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].name, "second");
    AUTO_JSON json_t *inner = hook_to_json(&list.items[1]);
    assert_string_equal(json_text(inner, "kind", ""), "container");
    AUTO_JSON json_t *document = hook_to_json(&list.items[2]);
    AUTO_FREE char *text = json_compact(document);
    assert_string_equal(
        text,
        "{\"point\":\"post-stop\",\"name\":\"snapshot\",\"scope\":\"node\",\"kind\":\"host\","
        "\"on_failure\":\"warn\",\"command\":[\"/opt/hooks/snapshot\",\"--name\",\"vg0/oms\"],"
        "\"undo\":[\"/opt/hooks/merge\"],\"timeout_ms\":90000,\"repeatable\":true,"
        "\"secrets\":true,\"environment\":[\"LB\"],\"sandbox\":{\"profile\":\"strict\","
        "\"allow\":[\"personality\",\"local-sockets\"],\"deny\":[\"chmod\"],"
        "\"capabilities\":[\"dac_read_search\"],\"write\":[\"/srv\"],\"ports\":[443,8443],"
        "\"file_size_max\":16777216},\"origin\":\"c.yaml\"}");
    struct hook again = {.name = NULL};
    assert_ok(hook_from_json(document, "hook 1 of the plan 'p'", &again, &err), &err);
    AUTO_JSON json_t *written = hook_to_json(&again);
    assert_true(json_equal(document, written));
    hook_free(&again);
}

/* read_changed MEMBER VALUE: a document of a hook with one member changed. */
static void refuses_document(const char *member, json_t *value_take, const char *expected)
{
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    struct hook read = {.name = NULL};
    assert_ok(add(&list, "pre-stop:\n  - {name: a, run: /a}\n", &err), &err);
    AUTO_JSON json_t *document = hook_to_json(&list.items[0]);
    json_t *inner = strchr(member, '.') == NULL ? document : json_object_get(document, "sandbox");
    const char *name = strchr(member, '.') == NULL ? member : strchr(member, '.') + 1;
    json_object_set_new(inner, name, value_take);
    assert_fails(hook_from_json(document, "hook 1 of the plan 'p'", &read, &err));
    assert_err(&err, ERR_STATE, expected);
    hook_free(&read);
}

#define OTHER_VERSION "\nHINT: use the version of omslaunch that made it"

static void test_documents_that_are_none(void **state)
{
    (void)state;
    refuses_document("point", json_string("pre-lunch"),
                     "hook 1 of the plan 'p' has a 'point' that this omslaunch does not know: "
                     "'pre-lunch'" OTHER_VERSION);
    refuses_document("scope", json_string("x"),
                     "hook 1 of the plan 'p' has a 'scope' that this omslaunch does not know: "
                     "'x'" OTHER_VERSION);
    refuses_document("kind", json_string("x"),
                     "hook 1 of the plan 'p' has a 'kind' that this omslaunch does not know: "
                     "'x'" OTHER_VERSION);
    refuses_document("on_failure", json_string("x"),
                     "hook 1 of the plan 'p' has a 'on_failure' that this omslaunch does not know: "
                     "'x'" OTHER_VERSION);
    refuses_document("sandbox.profile", json_string("x"),
                     "hook 1 of the plan 'p': 'sandbox' has a 'profile' that this omslaunch does "
                     "not know: 'x'" OTHER_VERSION);
    refuses_document("sandbox.ports", json_pack("[i]", 0),
                     "hook 1 of the plan 'p': 'sandbox': one of its 'ports' is not a port");
    refuses_document("command", json_array(), "hook 1 of the plan 'p' has an empty 'command'");
}

static void test_defaults(void **state)
{
    (void)state;
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    assert_ok(
        add(&list, "on-failure: [{name: tell, run: /tell}]\nbackup: [{name: b, run: /b}]\n", &err),
        &err);
    const struct hook *backup = &list.items[0];
    const struct hook *tell = &list.items[1];
    assert_int_equal((int)backup->on_failure, HOOK_ABORT);
    assert_int_equal(backup->sandbox.file_size_max, 0);
    assert_int_equal((int)tell->on_failure, HOOK_WARN);
    assert_int_equal((int)tell->sandbox.profile, SANDBOX_DEFAULT);
    assert_int_equal(tell->sandbox.file_size_max, 1 << 30);
    assert_int_equal(tell->timeout_ms, 600000);
    assert_false(tell->repeatable || tell->secrets);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    refuses("pre-stopp: []\n",
            "c.yaml: hooks: 'pre-stopp' is not a point\n"
            "HINT: it takes folder, pre-upgrade, pre-stop, post-stop, backup, post-backup, "
            "post-start, init, post-init, post-upgrade, on-failure, pre-rollback, post-rollback");
    refuses("pre-stop: /x\n", "c.yaml: hooks: 'pre-stop' is not a list of hooks\nHINT: - name: …");
    refuses("backup: [{name: a, run: /a}, {name: b, run: /b}]\n",
            "c.yaml: hooks: 'backup' is not a list of one hook\nHINT: - name: …");
    refuses("pre-stop: [/x]\n", "c.yaml: hooks, pre-stop, hook '1': 'name' is missing\n"
                                "HINT: a hook is a mapping: {name: …, run: […]}");
    refuses("pre-stop: [{name: ../x, run: /x}]\n",
            "c.yaml: hooks, pre-stop, hook '1': 'name' is not a name\n"
            "HINT: letters, digits, '.', '_' and '-'");
    refuses("pre-stop: [{name: x}]\n", "c.yaml: hooks, pre-stop, hook 'x': 'run' is missing\n"
                                       "HINT: run: [/path/of/the/program, its, arguments]");
    refuses("pre-stop: [{name: x, run: drain}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'run' is not a path from / on\n"
            "HINT: write the whole path of the program");
    refuses("pre-stop: [{name: x, run: /x, undo: y}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'undo' is not a path from / on\n"
            "HINT: write the whole path of the program");
    refuses("pre-stop: [{name: x, run: /x}, {name: x, run: /y}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'name' is taken by another hook\n"
            "HINT: each hook of a point has its own name");
    refuses(
        "pre-stop: [{name: x, run: /x, timeot: 1s}]\n",
        "c.yaml: hooks, pre-stop, hook 'x': 'timeot' is not a key\n"
        "HINT: it takes name, run, undo, scope, kind, on-failure, timeout, repeatable, secrets, "
        "environment, sandbox");
    refuses("pre-stop: [{name: x, run: /x, timeout: 0}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'timeout' is not a time\n"
            "HINT: write a number and a unit: 90s, 15m, 2h");
    refuses("post-stop: [{name: x, run: sh, kind: container, scope: node}]\n",
            "c.yaml: hooks, post-stop, hook 'x': 'kind' is 'container', and OMS does not run then\n"
            "HINT: a hook of this point is a program: kind: host");
    refuses("init: [{name: x, run: /x, kind: host}]\n",
            "c.yaml: hooks, init, hook 'x': 'kind' is 'host', and what takes the place of "
            "docker_init.sh runs in OMS\nHINT: kind: container");
    refuses("backup: [{name: x, run: /x, scope: node}]\n",
            "c.yaml: hooks, backup, hook 'x': 'scope' is not 'deployment', and there is one "
            "MetaDB\nHINT: scope: deployment, or leave it out");
    refuses("on-failure: [{name: x, run: /x, on-failure: abort}]\n",
            "c.yaml: hooks, on-failure, hook 'x': 'on-failure' is 'abort', and nothing stops the "
            "way back\nHINT: on-failure: warn");
    refuses("backup: [{name: x, run: /x, on-failure: warn}]\n",
            "c.yaml: hooks, backup, hook 'x': 'on-failure' is 'warn', and the upgrade stands on "
            "what it does\nHINT: on-failure: abort");
    refuses("pre-stop: [{name: x, run: /x, on-failure: ignore}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'on-failure' 'ignore' is not known\n"
            "HINT: it takes abort, warn");
    refuses(
        "pre-stop: [{name: x, run: [sh], kind: container}]\n",
        "c.yaml: hooks, pre-stop, hook 'x': 'scope' is 'deployment', and a deployment has no one "
        "container\nHINT: a hook of kind 'container' has the scope node or region");
    refuses("pre-stop: [{name: x, run: /x, environment: {LD_PRELOAD: /x.so}}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'environment' has a name that is not free\n"
            "HINT: names with '=', and those that begin with OMSLAUNCH_ or LD_, are not");
    refuses("pre-stop: [{name: x, run: /x, sandbox: {profile: off}}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'profile' 'off' is not known\n"
            "HINT: it takes default, strict, none");
    refuses(
        "pre-stop: [{name: x, run: /x, sandbox: {allow: [muont]}}]\n",
        "c.yaml: hooks, pre-stop, hook 'x': 'muont' is not a system call that libseccomp knows\n"
        "HINT: write its name as in `man syscalls`, or local-sockets");
    refuses("pre-stop: [{name: x, run: /x, sandbox: {ports: [0]}}]\n",
            "c.yaml: hooks, pre-stop, hook 'x': 'ports' has what is not a port\n"
            "HINT: write numbers from 1 to 65535");
}

static void test_folder_in_order(void **state)
{
    (void)state;
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    AUTO_FREE char *path = at("hooks.d");
    make_folder("hooks.d", 0755);
    make_folder("hooks.d/post-stop", 0755);
    make_folder("hooks.d/pre-stop", 0755);
    put("hooks.d/pre-stop/20-b", "#!/bin/sh\n", 0755);
    put("hooks.d/pre-stop/10-c.sh", "#!/bin/sh\n", 0755);
    put("hooks.d/post-stop/05-a", "#!/bin/sh\n", 0755);
    put("hooks.d/pre-stop/.keep", "", 0644);
    assert_ok(hook_list_add_folder(&list, path, &err), &err);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].name, "10-c.sh");
    assert_string_equal(list.items[1].name, "20-b");
    assert_string_equal(list.items[2].name, "05-a");
    assert_int_equal((int)list.items[2].point, HOOK_POST_STOP);
}

static void folder_refuses(enum err_kind kind, const char *expected)
{
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    struct err err = ERR_INIT;
    AUTO_FREE char *path = at("hooks.d");
    assert_fails(hook_list_add_folder(&list, path, &err));
    err_mask(&err, folder);
    assert_err(&err, kind, expected);
}

static void test_folder_with_what_does_not_belong_there(void **state)
{
    (void)state;
    static const char *const names[] = {"README", "drain",         "10-drain~",
                                        "1-x",    "10-x.dpkg-old", "10-x.bak"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *name = mem_printf("hooks.d/pre-stop/%s", names[i]);
        AUTO_FREE char *expected =
            mem_printf("'%s' in '@/hooks.d/pre-stop' is not the name of a hook\n"
                       "HINT: two digits, '-' and a name, as 10-drain; a name that begins with a "
                       "dot is passed "
                       "over",
                       names[i]);
        put(name, "#!/bin/sh\n", 0755);
        folder_refuses(ERR_CONFIG, expected);
        AUTO_FREE char *path = at(name);
        assert_int_equal(unlink(path), 0);
    }
    put("hooks.d/pre-stop/30-x", "#!/bin/sh\n", 0644);
    folder_refuses(ERR_PERMISSION, "hook '@/hooks.d/pre-stop/30-x' is not executable\n"
                                   "HINT: chmod +x '@/hooks.d/pre-stop/30-x'");
    AUTO_FREE char *plain = at("hooks.d/pre-stop/30-x");
    assert_int_equal(unlink(plain), 0);
    make_folder("hooks.d/backup", 0755);
    folder_refuses(ERR_CONFIG, "'backup' in '@/hooks.d' is not a point that has a folder of hooks\n"
                               "HINT: 'omslaunch hooks list' shows the points; backup and init are "
                               "replaced in the configuration file");
    AUTO_FREE char *backup = at("hooks.d/backup");
    assert_int_equal(rmdir(backup), 0);
    AUTO_FREE char *shared = at("hooks.d/pre-stop");
    assert_int_equal(chmod(shared, 0777), 0);
    folder_refuses(ERR_REFUSED,
                   "hook '@/hooks.d/pre-stop' is not to be trusted: '@/hooks.d/pre-stop' may be "
                   "written by others (mode 0777)\n"
                   "HINT: chmod go-w '@/hooks.d/pre-stop', or move the hook elsewhere");
}

/* ---- the state document ---- */

static json_t *read_schema(void)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str text = STR_INIT;
    json_t *schema = NULL;
    assert_ok(fs_read(SCHEMA, 1000000, true, &text, &err), &err);
    assert_ok(json_parse(str_get(&text), text.len, SCHEMA, &schema, &err), &err);
    return schema;
}

static json_t *sample(struct hook *hook)
{
    AUTO_STRV struct strv environment = STRV_INIT;
    json_t *document = NULL;
    hook_state_sample(hook, "/work-folder", &document, &environment);
    json_put(document, "attempt", json_integer(1));
    json_put_text(document, "deadline", "2026-01-01T00:00:00.000Z");
    for (size_t i = 0; i < environment.count; i++) {
        assert_true(str_starts_with(environment.items[i], "OMSLAUNCH_"));
        assert_null(strstr(environment.items[i], "not-the-password"));
    }
    return document;
}

static void test_state_fits_its_schema(void **state)
{
    (void)state;
    AUTO_JSON json_t *schema = read_schema();
    for (int point = 0; point < HOOK_POINT_MAX; point++) {
        for (int scope = 0; scope < HOOK_SCOPE_MAX; scope++) {
            struct hook hook = {.point = (enum hook_point)point,
                                .scope = (enum hook_scope)scope,
                                .name = (char *)(uintptr_t) "10-x"};
            AUTO_JSON json_t *plain = sample(&hook);
            assert_true(schema_fits(schema, schema, plain, "state"));
            assert_null(json_walk(plain, "metadb.password"));
            hook.secrets = true;
            AUTO_JSON json_t *secret = sample(&hook);
            assert_true(schema_fits(schema, schema, secret, "state"));
            assert_string_equal(json_text(secret, "metadb.password", ""), "not-the-password");
        }
    }
}

static void test_schema_tells_what_does_not_fit(void **state)
{
    (void)state;
    AUTO_JSON json_t *schema = read_schema();
    struct hook hook = {.name = (char *)(uintptr_t) "10-x"};
    static const struct {
        const char *key;
        const char *value;
    } wrong[] = {{"schema", "[2]"},  {"point", "[\"pre-strop\"]"},
                 {"attempt", "[0]"}, {"undo", "[null]"},
                 {"extra", "[1]"},   {"run", "[null]"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_JSON json_t *document = sample(&hook);
        AUTO_JSON json_t *value = json_loads(wrong[i].value, 0, NULL);
        json_put(document, wrong[i].key, json_incref(json_array_get(value, 0)));
        assert_false(schema_fits(schema, schema, document, "state"));
    }
    AUTO_JSON json_t *less = sample(&hook);
    json_object_del(less, "paths");
    assert_false(schema_fits(schema, schema, less, "state"));
}

int main(void)
{
    if (!folder_make()) {
        return 2;
    }
    make_folder("none", 0755);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_documents_that_are_none),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_folder_in_order),
        cmocka_unit_test(test_folder_with_what_does_not_belong_there),
        cmocka_unit_test(test_state_fits_its_schema),
        cmocka_unit_test(test_schema_tells_what_does_not_fit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return folder_remove() != 0 && failed == 0 ? 1 : failed;
}
