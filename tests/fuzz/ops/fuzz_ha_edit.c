/* ha.config is whatever somebody saved in a console. Whatever it is: an edit either refuses it or
 * gives an object that differs in the named keys alone, and a second edit changes nothing. */
#include "tests/fuzz/fuzz.h"

#include "hooks/metadb/ops/ha_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    AUTO_STR struct str once = STR_INIT, twice = STR_INIT;
    AUTO_JSON json_t *set = json_make("{s:b, s:i}", "enable", 0, "refetchStoreIntervalMin", 61);
    if (ha_edit(text, set, &once, &err) != 0) {
        return 0;
    }
    AUTO_JSON json_t *before = json_loads(text, 0, NULL);
    AUTO_JSON json_t *after = json_loads(str_get(&once), JSON_REJECT_DUPLICATES, NULL);
    fuzz_need(before && after);
    fuzz_need(json_object_get(after, "enable") &&
              json_object_get(after, "refetchStoreIntervalMin"));
    const char *key;
    json_t *value;
    json_object_foreach (before, key, value) {
        if (!str_eq(key, "enable") && !str_eq(key, "refetchStoreIntervalMin")) {
            fuzz_need(json_equal(value, json_object_get(after, key)));
        }
    }
    fuzz_need(ha_edit(str_get(&once), set, &twice, &err) == 0);
    fuzz_need(str_eq(str_get(&once), str_get(&twice)));
    return 0;
}
