/* The gate: text of any bytes, as a whole, cut, in lines of any pieces, in JSON, and in errors. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/err.h"
#include "launcher/base/foreign.h"
#include "launcher/base/json.h"
#include "launcher/base/tail.h"

static void need_harmless(const char *text, bool lines)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = foreign_char(text + i, len - i, &c);
        fuzz_need(n > 0 && !foreign_is_harmful(c) && (lines || c != '\n'));
        i += n;
    }
}

static void take(void *tail, const char *line)
{
    need_harmless(line, false);
    fuzz_need(strstr(line, "hunter2") == NULL);
    tail_add(tail, line);
}

static void try_lines(const char *bytes, size_t len)
{
    AUTO_TAIL struct tail tail = {.count = 0};
    struct foreign_lines lines = {.on_line = take, .arg = &tail, .raw = STR_INIT};
    for (size_t at = 0; at < len;) {
        size_t n = (unsigned char)bytes[at] % 61 + 1;
        n = n < len - at ? n : len - at;
        foreign_lines_feed(&lines, bytes + at, n);
        at += n;
    }
    foreign_lines_end(&lines);
    AUTO_STR struct str text = STR_INIT;
    tail_append_to(&tail, &text);
    need_harmless(str_get(&text), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    foreign_hide("hunter2", 7);
    AUTO_FREE char *line = foreign_text(bytes, size, FOREIGN_LINE, size / 2 + 4);
    need_harmless(line, false);
    fuzz_need(strlen(line) <= size / 2 + 4);
    AUTO_FREE char *again = foreign_line(line, SIZE_MAX);
    fuzz_need(strcmp(again, line) == 0);
    try_lines(bytes, size);

    AUTO_FREE char *text = mem_strndup(size > 0 ? bytes : "", size);
    struct err err = ERR_INIT;
    err_fail(&err, ERR_FAILED, "it says '%s'", text);
    err_hint(&err, "do not %s", text);
    err_wrap(&err, "%s", text);
    need_harmless(err.text, true);
    need_harmless(err.hint, true);
    fuzz_need(strstr(err.text, "hunter2") == NULL);
    AUTO_JSON json_t *j =
        json_make("{s:s, s:[s, o]}", text, text, "b", err.text, json_from_bytes(bytes, size));
    AUTO_FREE char *document = json_compact(j);
    AUTO_JSON json_t *back = NULL;
    fuzz_need(json_parse(document, strlen(document), "it", &back, &err) == 0);
    return 0;
}
