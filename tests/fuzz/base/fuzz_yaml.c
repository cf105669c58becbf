/* Any bytes are either a document that can be written as JSON, or an error that says where. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {.kind = ERR_KIND_MAX, .text = ""};
    json_t *j = NULL;
    if (yaml_parse((const char *)data, size, "f", &j, &err) < 0) {
        fuzz_need(!j);
        fuzz_need(err.kind == ERR_CONFIG);
        fuzz_need(strncmp(err.text, "f:", 2) == 0);
        fuzz_need(err.hint[0]);
        return 0;
    }
    fuzz_need(json_is_object(j));
    AUTO_FREE char *text = json_compact(j);
    json_t *again = NULL;
    fuzz_need(json_parse(text, strlen(text), "t", &again, &err) == 0);
    fuzz_need(json_equal(j, again));
    json_decref(again);
    json_decref(j);
    return 0;
}
