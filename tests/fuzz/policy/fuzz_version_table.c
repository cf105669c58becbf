/* Any YAML is either a table in which every way leads upwards, or an error with a hint. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/yaml.h"
#include "policy/version_path.h"

#define ROWS_TRIED 12

static void check_path(const struct version_table *t, const struct oms_version *from,
                       const struct oms_version *to)
{
    AUTO_VERSION_PATH struct version_path p = {.hops = NULL};
    AUTO_STR struct str text = STR_INIT;
    const struct oms_version *at = from;

    version_path_find(t, from, to, &p);
    fuzz_need((p.answer == VERSION_PATH_DIRECT || p.answer == VERSION_PATH_CHAIN) ==
              (p.hop_count > 0));
    for (size_t i = 0; i < p.hop_count; i++) {
        fuzz_need(oms_version_compare(at, &p.hops[i]->to) < 0);
        at = &p.hops[i]->to;
    }
    fuzz_need(p.hop_count == 0 || oms_version_compare(at, to) == 0);
    version_path_describe(&p, from, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VERSION_TABLE struct version_table t = {.rows = NULL};
    AUTO_JSON json_t *j = NULL;
    struct err err = {.kind = ERR_KIND_MAX, .text = ""};

    if (yaml_parse((const char *)data, size, "f", &j, &err) < 0) {
        return 0;
    }
    if (version_table_from_yaml_json(j, "f", &t, &err) < 0) {
        fuzz_need(!t.rows && err.kind == ERR_CONFIG && err.hint[0]);
        return 0;
    }
    for (size_t i = 0; i < t.row_count && i < ROWS_TRIED; i++) {
        for (size_t k = 0; k < t.row_count && k < ROWS_TRIED; k++) {
            if (t.rows[i].from_count > 0) {
                check_path(&t, &t.rows[i].from[0].first, &t.rows[k].to);
            }
            check_path(&t, &t.rows[i].to, &t.rows[k].to);
        }
    }
    return 0;
}
