#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/base/yaml.h"
#include "policy/rule.h"
#include "tests/unit/policy/check.h"
#include "tests/unit/policy/fixture.h"

static void a_waived_failure_keeps_its_reason(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    const struct finding *finding;
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.desired[0].name, "other");
    assert_ok(waiver_list_add_argument(&f.waivers, "container.name=our name = law", &err), &err);
    assert_ok(waiver_list_add_argument(&f.waivers, "image.tag=not needed", &err), &err);
    policy_judge(&f.in, &found);
    finding = find_finding(&found, "container.name");
    assert_int_equal(finding->verdict, VERDICT_WAIVED);
    assert_string_equal(finding->waiver_reason, "our name = law");
    assert_string_equal(finding->text, "'other' does not follow the convention oms_*");
    assert_int_equal(find_finding(&found, "image.tag")->verdict, VERDICT_PASS);
    assert_null(find_finding(&found, "image.tag")->waiver_reason);
    assert_int_equal(findings_refusals(&found), 0);
}

static void wrong_arguments(void **state)
{
    static const char *const cases[][2] = {
        {"container.nam=x", "--accept: there is no rule 'container.nam'\n"
                            "HINT: did you mean container.name, container.running, "
                            "container.healthy, container.endpoint, container.console, "
                            "container.settings, container.upgrade-env, container.keepable, "
                            "container.anonymous-volumes?"},
        {"bind.match=x", "--accept: there is no rule 'bind.match'\n"
                         "HINT: did you mean binds.match, bind.source, bind.link, bind.shared, "
                         "bind.nested?"},
        {"path=x", "--accept: there is no rule 'path'\nHINT: did you mean version.path?"},
        {"ha=x", "--accept: there is no rule 'ha'\nHINT: did you mean ha.config?"},
        {"=x", NULL},
        {"", NULL},
        {"everything=x", NULL},
        {"image.tag", "--accept 'image.tag' gives no reason, expected RULE=REASON\n"
                      "HINT: the reason is kept in the plan, the journal and the report; say why "
                      "this is right: --accept 'image.tag=…'"},
        {"image.tag= \t", "--accept 'image.tag= \t' gives no reason, expected RULE=REASON\n"
                          "HINT: the reason is kept in the plan, the journal and the report; say "
                          "why this is right: --accept 'image.tag=…'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_WAIVERS struct waiver_list l = {.items = NULL};
        struct err err = ERR_INIT;

        assert_fails(waiver_list_add_argument(&l, cases[i][0], &err));
        assert_int_equal(l.count, 0);
        if (cases[i][1]) {
            assert_err(&err, ERR_USAGE, cases[i][1]);
        } else {
            assert_int_equal(err.kind, ERR_USAGE);
            assert_non_null(strstr(err_whole(&err), "\nHINT: the rules are container.name, "));
        }
    }
}

static int add_yaml(struct waiver_list *l, const char *text, struct err *err)
{
    AUTO_JSON json_t *j = NULL;

    assert_ok(yaml_parse(text, strlen(text), "o.yaml", &j, err), err);
    return waiver_list_add_yaml_json(l, json_object_get(j, "policy"), "o.yaml", err);
}

static void severities(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.desired[0].name, "other");
    f.deployment.nodes[0].host.cores = 2;
    f.images[0].present = false;
    assert_ok(add_yaml(&f.waivers,
                       "policy:\n"
                       "  container.name: {severity: warn}\n"
                       "  host.resources: {severity: error}\n"
                       "  image.present: {severity: off}\n",
                       &err),
              &err);
    policy_judge(&f.in, &found);
    assert_int_equal(find_finding(&found, "container.name")->verdict, VERDICT_FAIL);
    assert_int_equal(find_finding(&found, "container.name")->severity, SEVERITY_WARN);
    assert_int_equal(find_finding(&found, "image.present")->verdict, VERDICT_NOT_APPLICABLE);
    assert_string_equal(find_finding(&found, "image.present")->text,
                        "switched off by the user's policy");
    assert_int_equal(findings_refusals(&found), 1);
    assert_fails(findings_check(&found, &err));
    assert_err(&err, ERR_REFUSED,
               "1 rule refuses this upgrade:\n  host.resources: 2 cores, at least 8 are wanted\n"
               "HINT: the new version will run as slowly as the old one did, or slower");
}

static void a_waiver_holds_through_its_last_day(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.desired[0].name, "other");
    assert_ok(add_yaml(&f.waivers,
                       "policy:\n"
                       "  container.name: {reason: ours, owner: ops, expires: 2026-11-22}\n",
                       &err),
              &err);
    assert_no_failure(&f.in, "container.name", VERDICT_WAIVED,
                      "'other' does not follow the convention oms_*");
    assert_no_failure(&f.in, "waiver.expired", VERDICT_PASS, "1 waiver has not expired");
}

static void an_expired_waiver_is_an_error(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    assert_ok(add_yaml(&f.waivers,
                       "policy:\n"
                       "  container.name: {reason: ours, owner: ops, expires: 2026-11-21}\n"
                       "  waiver.expired: {reason: whatever}\n",
                       &err),
              &err);
    assert_only_failure(
        &f.in, "waiver.expired", "the waiver of 'container.name' expired on 2026-11-21",
        "container.name: ours, owner ops", "mend what it excused, or have its owner renew it");
}

static void wrong_yaml(void **state)
{
    static const char *const cases[][2] = {
        {"policy: x", "o.yaml: 'policy' is no mapping, expected rules and what is set for them\n"
                      "HINT: docs/policy.md shows the form"},
        {"policy: {path: {severity: off}}",
         "o.yaml: there is no rule 'path'\nHINT: did you mean version.path?"},
        {"policy: {image.tag: off}",
         "o.yaml, policy of 'image.tag' is no mapping, expected severity, or reason, owner and "
         "expires\nHINT: docs/policy.md shows the form"},
        {"policy: {image.tag: {severity: none}}",
         "o.yaml, policy of 'image.tag': severity 'none' is unknown, expected error, warn or off\n"
         "HINT: for one known exception use reason, owner and expires instead"},
        {"policy: {image.tag: {reason: x, expires: tomorrow}}",
         "o.yaml, policy of 'image.tag': expires 'tomorrow' is no date, expected YYYY-MM-DD\n"
         "HINT: the waiver holds through that day, in UTC"},
        {"policy: {image.tag: {reason: x, expires: 2026-13-01}}",
         "o.yaml, policy of 'image.tag': expires '2026-13-01' is no date, expected YYYY-MM-DD\n"
         "HINT: the waiver holds through that day, in UTC"},
        {"policy: {image.tag: {reason: }}",
         "o.yaml, policy of 'image.tag': 'reason' is no text, expected one value\n"
         "HINT: docs/policy.md shows the form"},
        {"policy: {image.tag: {owner: me}}",
         "o.yaml, policy of 'image.tag' has no 'reason', expected one beside owner and expires\n"
         "HINT: the reason is kept in the plan, the journal and the report"},
        {"policy: {image.tag: {reason: x, expiry: 2026-11-21}}",
         "o.yaml, policy of 'image.tag': unknown key 'expiry', expected severity, reason, owner or "
         "expires\nHINT: docs/policy.md shows the form"},
        {"policy: {image.tag: {min_cores: 2}}",
         "o.yaml, policy of 'image.tag': unknown key 'min_cores', expected severity, reason, owner "
         "or expires\nHINT: docs/policy.md shows the form"},
        {"policy: {host.resources: {min_core: 2}}",
         "o.yaml, policy of 'host.resources': unknown key 'min_core', expected severity, "
         "min_cores, min_memory_gb, reason, owner or expires\nHINT: docs/policy.md shows the form"},
        {"policy: {host.resources: {min_cores: many}}",
         "o.yaml, policy of 'host.resources': min_cores 'many' is no number from 0 to 4096\n"
         "HINT: docs/policy.md says what it counts"},
        {"policy: {host.resources: {min_cores: 4097}}",
         "o.yaml, policy of 'host.resources': min_cores '4097' is no number from 0 to 4096\n"
         "HINT: docs/policy.md says what it counts"},
        {"policy: {host.resources: {min_cores: [8]}}",
         "o.yaml, policy of 'host.resources': min_cores '(a list or mapping)' is no number from 0 "
         "to 4096\nHINT: docs/policy.md says what it counts"},
        {"policy: {engine.version: {min_api: v1}}",
         "o.yaml, policy of 'engine.version': min_api 'v1' is no version, expected digits and "
         "dots\nHINT: write it in quotes: \"1.40\""},
        {"policy: {engine.storage: {drivers: [vfs]}}",
         "o.yaml, policy of 'engine.storage': drivers is no mapping, expected names and what is "
         "said of each\nHINT: an empty one is written {}"},
        {"policy: {engine.storage: {drivers: {vfs: {}}}}",
         "o.yaml, policy of 'engine.storage': drivers of 'vfs' is no text, expected what is said "
         "of it\nHINT: docs/policy.md shows the form"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_WAIVERS struct waiver_list l = {.items = NULL};
        struct err err = ERR_INIT;

        assert_fails(add_yaml(&l, cases[i][0], &err));
        assert_err(&err, ERR_CONFIG, cases[i][1]);
        assert_int_equal(l.count, 0);
    }
}

static void json_of_findings(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    AUTO_JSON json_t *j = NULL;
    AUTO_FREE char *text = NULL;

    (void)state;
    fixture_init(&f, 1);
    set_text(&f.desired[0].name, "other");
    policy_judge(&f.in, &found);
    j = findings_to_json(&found);
    assert_int_equal(json_array_size(j), found.count);
    text = json_compact(json_array_get(j, 0));
    assert_string_equal(
        text, "{\"rule\":\"container.name\",\"title\":\"the container is named oms_*\",\"verdict\":"
              "\"fail\",\"severity\":\"error\",\"node\":\"unix:///a.sock\",\"text\":\"'other' does "
              "not follow the convention oms_*\",\"evidence\":null,\"hint\":\"give the new "
              "container another name: --name oms_…\",\"waiver_reason\":null}");
}

static void several_refusals_on_several_nodes(void **state)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FINDINGS struct findings found = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 2);
    set_text(&f.desired[1].name, "other");
    f.images[0].present = false;
    policy_judge(&f.in, &found);
    assert_fails(findings_check(&found, &err));
    assert_err(&err, ERR_REFUSED,
               "2 rules refuse this upgrade:\n"
               "  container.name (node 'unix:///b.sock'): 'other' does not follow the convention "
               "oms_*\n"
               "  image.present (node 'unix:///a.sock'): image 'r/oms:feature_4.0.0-ce' is not on "
               "the engine\n"
               "HINT: give the new container another name: --name oms_…");
}

/* The shipped defaults are those that are built in, for every rule. */
static void shipped_defaults(void **state)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *yaml = NULL;
    AUTO_WAIVERS struct waiver_list defaults = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(fs_read("policy/rule_defaults.yaml", 100000, false, &text, &err), &err);
    assert_ok(yaml_parse(str_get(&text), text.len, "rule_defaults.yaml", &yaml, &err), &err);
    assert_ok(waiver_list_add_yaml_json(&defaults, json_object_get(yaml, "policy"),
                                        "rule_defaults.yaml", &err),
              &err);
    for (size_t i = 0; i < policy_rule_count; i++) {
        assert_true(i < defaults.count);
        assert_string_equal(defaults.items[i].rule, policy_rules[i].id);
        assert_int_equal(defaults.items[i].severity, policy_rules[i].severity);
        assert_null(defaults.items[i].reason);
    }
    assert_int_equal(defaults.count, policy_rule_count);
}

/* Ids are API, and each is described. */
static void ids(void **state)
{
    AUTO_STR struct str page = STR_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(fs_read("docs/policy.md", 1000000, false, &page, &err), &err);
    for (size_t i = 0; policy_rule_id(i); i++) {
        AUTO_FREE char *heading = mem_printf("\n### %s\n", policy_rule_id(i));

        if (!strstr(str_get(&page), heading)) {
            fail_msg("docs/policy.md has no section '%s'", policy_rule_id(i));
        }
    }
    for (size_t i = 0; policy_rule_id(i); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(policy_rule_id(i), policy_rule_id(k));
        }
    }
    assert_string_equal(policy_rule_id(0), "container.name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waived_failure_keeps_its_reason),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(severities),
        cmocka_unit_test(a_waiver_holds_through_its_last_day),
        cmocka_unit_test(an_expired_waiver_is_an_error),
        cmocka_unit_test(wrong_yaml),
        cmocka_unit_test(json_of_findings),
        cmocka_unit_test(several_refusals_on_several_nodes),
        cmocka_unit_test(shipped_defaults),
        cmocka_unit_test(ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
