#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/base/yaml.h"
#include "policy/version_path.h"
#include "tests/unit/policy/check.h"
#include "tests/unit/policy/fixture.h"

#define HINT "\nHINT: the shipped version_paths.yaml describes each key at its top"

static struct oms_version version(const char *tag)
{
    struct oms_version v = {.major = 0};
    struct err err = ERR_INIT;

    assert_ok(oms_version_parse(tag, &v, &err), &err);
    return v;
}

static int parse(const char *text, struct version_table *ret, struct err *err)
{
    AUTO_JSON json_t *j = NULL;

    assert_ok(yaml_parse(text, strlen(text), "t.yaml", &j, err), err);
    return version_table_from_yaml_json(j, "t.yaml", ret, err);
}

/* The table that is shipped. */
static void shipped(struct version_table *ret)
{
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;

    assert_ok(fs_read("policy/version_paths.yaml", 100000, false, &text, &err), &err);
    assert_ok(parse(str_get(&text), ret, &err), &err);
}

struct question {
    const char *from, *to;
    enum version_answer answer;
    const char *described;
};

static void assert_answers(const struct version_table *t, const struct question *q, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO_VERSION_PATH struct version_path p = {.hops = NULL};
        AUTO_STR struct str s = STR_INIT;
        const struct oms_version from = version(q[i].from), to = version(q[i].to);

        version_path_find(t, &from, &to, &p);
        version_path_describe(&p, &from, &s);
        assert_string_equal(str_get(&s), q[i].described);
        assert_int_equal(p.answer, q[i].answer);
    }
}

static void shipped_paths(void **state)
{
    static const struct question questions[] = {
        {"feature_3.3.1-ce", "feature_4.0.0-ce", VERSION_PATH_DIRECT,
         "3.3.1-CE → 4.0.0-CE (docs V4.0.0, FAQ)"},
        {"3.2.2-ce", "4.2.9-ce", VERSION_PATH_CHAIN,
         "3.2.2-CE → 4.1.0-CE (docs V4.1.0, FAQ) → 4.2.3-CE (public site) → 4.2.9-CE (public "
         "site)"},
        {"4.0.0-ce", "4.2.9-ce", VERSION_PATH_CHAIN,
         "4.0.0-CE → 4.1.0-CE (docs V4.1.0, FAQ) → 4.2.3-CE (public site) → 4.2.9-CE (public "
         "site)"},
        {"3.2.2-ce", "3.3.1-ce", VERSION_PATH_CHAIN,
         "3.2.2-CE → 3.3.0-CE (docs V3.3.0) → 3.3.1-CE (docs V3.3.1)"},
        {"4.1.1-ce", "4.2.9-ce", VERSION_PATH_CHAIN,
         "4.1.1-CE → 4.2.0-CE (docs V4.2.0) → 4.2.9-CE (public site)"},
        {"4.1.0-ce", "4.2.3-ce", VERSION_PATH_DIRECT, "4.1.0-CE → 4.2.3-CE (public site)"},
        {"4.1.0-ce", "4.2.2-ce", VERSION_PATH_UNKNOWN, "4.1.0-CE"},
        {"4.2.8-ce", "4.2.9-ce", VERSION_PATH_DIRECT, "4.2.8-CE → 4.2.9-CE (public site)"},
        {"4.2.3_bp1_ce", "4.2.9-ce", VERSION_PATH_DIRECT, "4.2.3-CE BP1 → 4.2.9-CE (public site)"},
        {"4.0.0-ce", "4.1.1-ce", VERSION_PATH_FRESH_ONLY, "4.0.0-CE"},
        {"4.2.5-ce", "4.2.6-ce", VERSION_PATH_UNKNOWN, "4.2.5-CE"},
        {"4.2.9-ce", "4.2.10-ce", VERSION_PATH_UNKNOWN, "4.2.9-CE"},
        {"4.2.9-ce", "4.3.0-ce", VERSION_PATH_UNKNOWN, "4.2.9-CE"},
        {"3.1.0-ce", "4.0.0-ce", VERSION_PATH_UNKNOWN, "3.1.0-CE"},
        {"4.0.0-ce", "4.0.0-ce", VERSION_PATH_SAME, "4.0.0-CE"},
        {"4.0.0-ce", "3.3.1-ce", VERSION_PATH_DOWNGRADE, "4.0.0-CE"},
        {"4.2.10-ce", "4.2.9-ce", VERSION_PATH_DOWNGRADE, "4.2.10-CE"},
        {"3.3.1-ce", "4.0.0", VERSION_PATH_EDITION, "3.3.1-CE"},
        {"4.0.2", "4.2.3", VERSION_PATH_UNKNOWN, "4.0.2"},
    };
    AUTO_VERSION_TABLE struct version_table t = {.rows = NULL};

    (void)state;
    shipped(&t);
    assert_answers(&t, questions, ARRAY_LEN(questions));
}

/* Nothing leads to the version that is for fresh deployments only, from wherever. */
static void never_through_a_fresh_only_version(void **state)
{
    AUTO_VERSION_TABLE struct version_table t = {.rows = NULL};

    (void)state;
    shipped(&t);
    for (size_t i = 0; i < t.row_count; i++) {
        for (size_t k = 0; k < t.row_count; k++) {
            AUTO_VERSION_PATH struct version_path p = {.hops = NULL};

            version_path_find(&t, &t.rows[i].to, &t.rows[k].to, &p);
            for (size_t h = 0; h < p.hop_count; h++) {
                assert_int_equal(p.hops[h]->status, VERSION_DOCUMENTED);
            }
        }
    }
}

static void rows_of_the_users_own(void **state)
{
    static const struct question questions[] = {
        {"4.0.2", "4.2.3", VERSION_PATH_DIRECT, "4.0.2 → 4.2.3 (our contract)"},
        {"4.0.2_bp3", "4.2.3", VERSION_PATH_UNKNOWN, "4.0.2 BP3"},
        {"4.2.9-ce", "4.2.10-ce", VERSION_PATH_DIRECT, "4.2.9-CE → 4.2.10-CE (the vendor)"},
        {"4.2.3_bp1", "4.3.1_bp2", VERSION_PATH_DIRECT, "4.2.3 BP1 → 4.3.1 BP2 (our contract)"},
    };
    AUTO_VERSION_TABLE struct version_table t = {.rows = NULL};
    struct version_table own = {.rows = NULL};
    struct err err = ERR_INIT;
    const struct oms_version replaced = version("4.2.10-ce");
    size_t before;

    (void)state;
    shipped(&t);
    before = t.row_count;
    assert_ok(parse("schema: 1\n"
                    "paths:\n"
                    "  - {to: 4.2.3, edition: ee, from: [4.0.2], source: our contract}\n"
                    "  - {to: 4.3.1_bp2, edition: ee, from: [4.2.3_bp1], source: our contract}\n"
                    "  - {to: 4.2.10, edition: ce, from: [4.2.9], source: the vendor}\n",
                    &own, &err),
              &err);
    version_table_merge_take(&t, &own);
    assert_null(own.rows);
    assert_int_equal(t.row_count, before + 2);
    assert_string_equal(version_table_row(&t, &replaced)->source, "the vendor");
    assert_answers(&t, questions, ARRAY_LEN(questions));
}

static void wrong_tables(void **state)
{
    static const char *const cases[][2] = {
        {"paths: []", "t.yaml: unknown 'schema' '', expected 1"},
        {"schema: 2\npaths: []", "t.yaml: unknown 'schema' '2', expected 1"},
        {"schema: 1", "t.yaml: 'paths' is missing or no list, expected a list of rows"},
        {"schema: 1\npaths: []\nmore: 1", "t.yaml: unknown key 'more', expected schema, paths"},
        {"schema: 1\npaths: [x]",
         "t.yaml, row 1 of 'paths': the row is no mapping, expected 'to', 'edition', 'from', "
         "'source'"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, frm: [3.3.1], source: s}]",
         "t.yaml, row 1 of 'paths': unknown key 'frm', expected to, edition, from, status, source, "
         "note"},
        {"schema: 1\npaths: [{edition: ce}]",
         "t.yaml, row 1 of 'paths': 'to' is missing, expected the target version"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: xe}]",
         "t.yaml, row 1 of 'paths': unknown 'edition' 'xe', expected ce or ee"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [3.3.1]}]",
         "t.yaml, row 1 of 'paths': 'source' is missing, expected who says that the upgrade works"},
        {"schema: 1\npaths: [{to: 4.0.0-ce, edition: ce, from: [3.3.1], source: s}]",
         "t.yaml, row 1 of 'paths': no version '4.0.0-ce', expected a version like 4.2.3 or "
         "4.2.3_bp1"},
        {"schema: 1\npaths: [{to: feature_4.0.0, edition: ce, from: [3.3.1], source: s}]",
         "t.yaml, row 1 of 'paths': no version 'feature_4.0.0', expected a version like 4.2.3 or "
         "4.2.3_bp1"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, source: s}]",
         "t.yaml, row 1 of 'paths': 'from' is missing or empty, expected 'from' exactly in the "
         "rows whose status is documented"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [3.3.1], status: unknown, source: s}]",
         "t.yaml, row 1 of 'paths': 'from' beside a status other than documented, expected 'from' "
         "exactly in the rows whose status is documented"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: 3.3.1, source: s}]",
         "t.yaml, row 1 of 'paths': 'from' is no list, expected a list of versions"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [x], source: s}]",
         "t.yaml, row 1 of 'paths': no version 'x', expected a version like 4.2.3 or 4.2.3_bp1"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [[3.3.1]], source: s}]",
         "t.yaml, row 1 of 'paths': an entry of 'from' is no text, expected a version or a range"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [3.3.1..3.3.0], source: s}]",
         "t.yaml, row 1 of 'paths': empty range '3.3.1..3.3.0', expected the older version first"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, from: [3.3.1..4.0.0], source: s}]",
         "t.yaml, row 1 of 'paths': not older than the target '3.3.1..4.0.0', expected an upgrade"},
        {"schema: 1\npaths: [{to: 4.0.0, edition: ce, status: maybe, source: s}]",
         "t.yaml, row 1 of 'paths': unknown 'status' 'maybe', expected documented, fresh-only or "
         "unknown"},
        {"schema: 1\npaths: [{to: 4.0, edition: ce, from: [3.3.1], source: s}, "
         "{to: 4.0.0, edition: ce, from: [3.3.1], source: s}]",
         "t.yaml, row 2 of 'paths': the target has a row already, expected one row for each target "
         "and edition"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct version_table t = {.rows = NULL};
        struct err err = ERR_INIT;
        AUTO_FREE char *expected = mem_printf("%s" HINT, cases[i][1]);

        assert_fails(parse(cases[i][0], &t, &err));
        assert_err(&err, ERR_CONFIG, expected);
        assert_null(t.rows);
    }
}

/* ---- the rules that ask the table ---- */

static void rule_chain(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.to = version("4.1.0-ce");
    assert_only_failure(&f.in, "version.path",
                        "3.3.1-CE cannot become 4.1.0-CE in one step, it takes 2",
                        "3.3.1-CE → 4.0.0-CE (docs V4.0.0) → 4.1.0-CE (docs V4.1.0)",
                        "upgrade step by step: 3.3.1-CE → 4.0.0-CE (docs V4.0.0) → 4.1.0-CE (docs "
                        "V4.1.0); to go directly all the same: --accept version.path=REASON");
}

static void rule_unknown(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.to = version("4.2.6-ce");
    assert_only_failure(&f.in, "version.path",
                        "no document is known that allows 3.3.1-CE to become 4.2.6-CE",
                        "4.2.6-CE: public site, contradictory",
                        "if the vendor allows it: --accept version.path=REASON, or a row of your "
                        "own in the version table");
    f.to = version("4.1.1-ce");
    assert_only_failure(&f.in, "version.path",
                        "4.1.1-CE is for fresh deployments only, no upgrade leads to it",
                        "4.1.1-CE: docs V4.1.1", NULL);
}

static void rule_same_and_older(void **state)
{
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    (void)state;
    fixture_init(&f, 1);
    f.to = f.from;
    assert_only_failure(&f.in, "version.path",
                        "the old container is 3.3.1-CE already, but not from the target image",
                        NULL,
                        "to exchange an image within one version: --accept version.path=REASON");
    f.in.already_there = true;
    assert_no_failure(&f.in, "version.path", VERDICT_NOT_APPLICABLE, "the target is what runs");
    f.in.already_there = false;
    f.from = version("4.1.0-ce");
    f.to = version("4.0.0-ce");
    assert_ok(waiver_list_add_argument(&f.waivers, "version.path=we dare", &err), &err);
    assert_only_failure(&f.in, "version.path",
                        "4.0.0-CE is older than 4.1.0-CE, which runs; this cannot be accepted",
                        NULL,
                        "the new databases cannot be read by the older version; `omslaunch "
                        "rollback` goes back to it with its databases");
}

static void rule_edition(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.to.edition = OMS_EDITION_ENTERPRISE;
    f.in.to_tag = "feature_4.0.0";
    assert_only_failure(&f.in, "version.edition",
                        "'feature_3.3.1-ce' is the community edition, 'feature_4.0.0' is the "
                        "enterprise edition",
                        "old tag 'feature_3.3.1-ce', target tag 'feature_4.0.0'",
                        "no upgrade leads from one edition to the other; if the image was only "
                        "tagged again without its '-ce': --accept version.edition=REASON");
}

static void rule_no_old_version(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.in.from = NULL;
    f.in.from_tag = "prod";
    assert_only_failure(&f.in, "version.path",
                        "the old container's image tag 'prod' tells no version",
                        "image 'r/oms:feature_3.3.1-ce'",
                        "find out which OMS runs (console, About), and say so: --from VERSION, for "
                        "example --from 4.0.0-ce");
}

static void rule_connector(void **state)
{
    AUTO_FIXTURE struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    f.from = version("3.2.2-ce");
    free(f.versions.rows[0].from);
    f.versions.rows[0].from = mem_alloc(sizeof(struct version_range));
    f.versions.rows[0].from[0] = (struct version_range){f.from, f.from};
    assert_only_failure(&f.in, "version.connector",
                        "projects of OMS 3.2.2 that synchronise DDL need 'dbType' on their "
                        "connectors, which cannot be seen from here",
                        NULL, "set dbType on the connectors of these projects before the upgrade");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_paths),
        cmocka_unit_test(never_through_a_fresh_only_version),
        cmocka_unit_test(rows_of_the_users_own),
        cmocka_unit_test(wrong_tables),
        cmocka_unit_test(rule_chain),
        cmocka_unit_test(rule_unknown),
        cmocka_unit_test(rule_same_and_older),
        cmocka_unit_test(rule_edition),
        cmocka_unit_test(rule_no_old_version),
        cmocka_unit_test(rule_connector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
