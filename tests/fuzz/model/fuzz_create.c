/* CREATE texts come from a server, names and comments in them from anybody. */
#include "tests/fuzz/fuzz.h"

#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/model/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    AUTO_STR struct str create = STR_INIT, keys = STR_INIT, same = STR_INIT, out = STR_INIT;
    struct name_map none = {.from = STRV_INIT, .to = STRV_INIT};
    struct schema s = {.name = text};
    struct schema_table view = {
        .schema = &s, .name = text, .create = text, .charset = text, .collation = text};
    if (!create_split_keys(text, &create, &keys)) {
        fuzz_need(create.len == 0 && keys.len == 0);
    }
    create_map_references(&same, text, &none);
    fuzz_need(str_eq(str_get(&same), text));
    (void)create_sequence_defaults(text, &out);
    view_append_local(&out, text, "d");
    view_append_broken(&out, &view);
    fuzz_need(compare_same_create(text, "d", text, "d"));
    return 0;
}
