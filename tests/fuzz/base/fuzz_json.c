/* What can be read can be written, and read again as the same; its canonical form is stable. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/json.h"

static json_t *parse_again(const char *text)
{
    struct err err = ERR_INIT;
    json_t *j = NULL;
    fuzz_need(json_parse(text, strlen(text), "t", &j, &err) == 0);
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {.kind = ERR_KIND_MAX, .text = ""};
    json_t *j = NULL;
    if (json_parse((const char *)data, size, "answer", &j, &err) < 0) {
        fuzz_need(!j);
        fuzz_need(err.kind == ERR_FAILED);
        fuzz_need(strncmp(err.text, "answer is no valid JSON: line ", 30) == 0);
        return 0;
    }
    AUTO_FREE char *pretty = json_pretty(j);
    AUTO_FREE char *canonical = json_canonical(j);
    AUTO_JSON json_t *second = parse_again(pretty);
    AUTO_JSON json_t *third = parse_again(canonical);
    AUTO_FREE char *canonical_again = json_canonical(second);
    fuzz_need(json_equal(j, second));
    fuzz_need(json_equal(j, third));
    fuzz_need(strcmp(canonical, canonical_again) == 0);
    (void)json_text(j, "a.b.c", NULL);
    json_decref(j);
    return 0;
}
