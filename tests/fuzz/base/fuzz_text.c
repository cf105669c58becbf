/* The parsers of one word (numbers, durations, times), and text that may be no text. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

static void try_numbers(const char *text)
{
    struct err err = ERR_INIT;
    uint64_t n = 0;
    if (str_to_u64(text, 10, 99999, "it", &n, &err) == 0) {
        fuzz_need(n >= 10 && n <= 99999);
    } else {
        fuzz_need(strncmp(err.text, "it '", 4) == 0);
    }
    uint64_t ms = 0;
    if (str_to_duration_ms(text, "it", &ms, &err) == 0) {
        AUTO_STR struct str out = STR_INIT;
        str_append_duration(&out, ms);
        str_append_size(&out, ms);
        fuzz_need(ms <= UINT64_C(87600) * 3600 * 1000);
    }
}

static void try_time(const char *text)
{
    uint64_t ms = 0;
    if (clock_parse(text, &ms) == 0) {
        char buf[CLOCK_TEXT_MAX];
        uint64_t again = 1;
        /* A year above 9999, by an offset, has no text that is read again. */
        fuzz_need(clock_parse(clock_format(ms, buf), &again) < 0 || again == ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    try_numbers(text);
    try_time(text);
    AUTO_JSON json_t *j = json_from_text(text);
    fuzz_need(json_is_string(j));
    AUTO_FREE char *quoted = json_compact(j);
    fuzz_need(quoted[0] == '"');
    return 0;
}
