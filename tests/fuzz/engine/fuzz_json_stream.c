/* However a stream of messages is split, the same messages come out. The first byte is the size of
 * the pieces. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/engine/json_stream.h"

static void take(void *arg, const json_t *object)
{
    AUTO_FREE char *text = json_canonical(object);

    str_append(arg, text);
    str_append_c(arg, '\n');
}

static int read_pieces(const char *bytes, size_t size, size_t piece, struct str *seen,
                       struct err *err)
{
    AUTO_JSON_STREAM struct json_stream s = {.on_object = take, .arg = seen};

    for (size_t at = 0; at < size; at += piece) {
        if (json_stream_feed(&s, bytes + at, piece < size - at ? piece : size - at, err) < 0) {
            return -1;
        }
    }
    return json_stream_finish(&s, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err whole = ERR_INIT, pieces = ERR_INIT;
    AUTO_STR struct str a = STR_INIT;
    AUTO_STR struct str b = STR_INIT;

    if (size < 1) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    int rc = read_pieces(bytes, size - 1, size, &a, &whole);
    fuzz_need(read_pieces(bytes, size - 1, (size_t)data[0] + 1, &b, &pieces) == rc);
    fuzz_need(strcmp(whole.text, pieces.text) == 0);
    fuzz_need(strcmp(str_get(&a), str_get(&b)) == 0);
    return 0;
}
