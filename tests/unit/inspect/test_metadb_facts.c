#include "tests/unit/unit.h"

#include "inspect/metadb_facts.h"
#include "tests/unit/inspect/samples.h"

#define SERVER                                                                                \
    "'server': {'version': '10.11.6-MariaDB', 'flavor': 'mariadb', 'now_ms': 1795342000123, " \
    "'max_allowed_packet': 67108864, 'character_set': 'latin1'}"
#define DATABASES                                                                                 \
    "'databases': [{'role': 'rm', 'name': 'rm_331', 'exists': true, 'tables': 41, 'data_bytes': " \
    "1000}, {'role': 'cm', 'name': 'cm_331', 'exists': true, 'tables': 7, 'data_bytes': 20}, "    \
    "{'role': 'heartbeat', 'name': 'cm_hb_331', 'exists': false}]"

static void all_parts(void **state)
{
    AUTO_JSON json_t *j = sample_parse(
        "{" SERVER ", " DATABASES ", 'ha_config': '{}', 'regions': [{'region': 'cn-hz', 'code': 3, "
        "'cm_url': 'http://a', 'default': true}, {'code': 0}], 'hosts': [{'ip': '127.0.0.11', "
        "'status': 'ONLINE', 'region': 'cn-hz'}, {'ip': '127.0.0.12'}], 'projects': {'total': 9, "
        "'running': 7, 'duplicate_names': ['p1']}}");
    AUTO_METADB_FACTS struct metadb_facts f = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(metadb_facts_from_json(j, &f, &err), &err);
    assert_string_equal(f.server_version, "10.11.6-MariaDB");
    assert_string_equal(f.flavor, "mariadb");
    assert_true(f.now_ms == UINT64_C(1795342000123));
    assert_true(f.max_allowed_packet == 67108864);
    assert_string_equal(f.character_set, "latin1");
    assert_int_equal(f.database_count, 3);
    assert_string_equal(metadb_facts_database(&f, "cm")->name, "cm_331");
    assert_false(metadb_facts_database(&f, "heartbeat")->exists);
    assert_null(metadb_facts_database(&f, "other"));
    assert_true(metadb_facts_bytes(&f) == 1020);
    assert_string_equal(f.ha_config, "{}");
    assert_true(f.has_regions && f.has_hosts && f.has_projects);
    assert_int_equal(f.region_count, 2);
    assert_int_equal(f.regions[0].code, 3);
    assert_true(f.regions[0].is_default);
    assert_null(f.regions[1].cm_url);
    assert_string_equal(f.hosts[0].status, "ONLINE");
    assert_string_equal(f.hosts[1].status, "");
    assert_true(f.projects_total == 9 && f.projects_running == 7);
    assert_int_equal(f.duplicate_names.count, 1);
    assert_string_equal(f.duplicate_names.items[0], "p1");
}

static void optional_parts_missing(void **state)
{
    static const char *const texts[] = {
        "{" SERVER ", " DATABASES "}",
        "{" SERVER ", " DATABASES
        ", 'ha_config': null, 'regions': null, 'hosts': null, 'projects': null}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_JSON json_t *j = sample_parse(texts[i]);
        AUTO_METADB_FACTS struct metadb_facts f = {0};
        struct err err = ERR_INIT;

        assert_ok(metadb_facts_from_json(j, &f, &err), &err);
        assert_null(f.ha_config);
        assert_false(f.has_regions || f.has_hosts || f.has_projects);
    }
}

static void wrong_parts(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "facts of the MetaDB has no 'server.version'"},
        {"{'server': {'version': '1', 'flavor': 'mysql', 'now_ms': -1}}",
         "facts of the MetaDB: 'server.now_ms' is missing or no number"},
        {"{" SERVER "}", "facts of the MetaDB: 'databases' is missing or empty"},
        {"{" SERVER ", 'databases': []}", "facts of the MetaDB: 'databases' is missing or empty"},
        {"{" SERVER ", 'databases': [{'role': 'rm', 'name': 'x'}]}",
         "facts of the MetaDB: database 'x' has no 'exists'"},
        {"{" SERVER ", 'databases': [{'role': 'rm', 'name': 'x', 'exists': true}]}",
         "database 'x': facts of the MetaDB: 'tables' is missing or no number"},
        {"{" SERVER ", " DATABASES ", 'regions': [{'code': 'x'}]}",
         "region 1: facts of the MetaDB: 'code' is missing or no number"},
        {"{" SERVER ", " DATABASES ", 'hosts': [{'ip': 'x'}, {}]}",
         "host 2: facts of the MetaDB has no 'ip'"},
        {"{" SERVER ", " DATABASES ", 'projects': {'total': 1}}",
         "projects: facts of the MetaDB: 'running' is missing or no number"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_JSON json_t *j = sample_parse(cases[i][0]);
        struct metadb_facts f = {0};
        struct err err = ERR_INIT;

        assert_fails(metadb_facts_from_json(j, &f, &err));
        assert_err(&err, ERR_FAILED, cases[i][1]);
        assert_null(f.server_version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts),
        cmocka_unit_test(optional_parts_missing),
        cmocka_unit_test(wrong_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
