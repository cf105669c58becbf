/* However framed output is split, the same bytes come out, and never more than went in. The first
 * byte is the size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/engine/stream.h"

struct output {
    struct str text[3];
};

static int take(void *arg, int number, const char *bytes, size_t len)
{
    struct output *o = arg;

    fuzz_need(number == 1 || number == 2);
    str_append_n(&o->text[number], bytes, len);
    return 0;
}

static int read_pieces(const char *bytes, size_t size, size_t piece, struct output *out,
                       struct err *err)
{
    AUTO_STREAM struct stream s = {.fn = take, .arg = out};
    int rc = 0;

    for (size_t at = 0; at < size && rc == 0; at += piece) {
        rc = stream_sink(&s, bytes + at, piece < size - at ? piece : size - at);
    }
    fuzz_need(out->text[1].len + out->text[2].len <= size);
    return stream_finish(&s, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err whole = ERR_INIT, pieces = ERR_INIT;
    struct output a = {.text = {STR_INIT}}, b = {.text = {STR_INIT}};

    if (size < 1) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    int rc = read_pieces(bytes, size - 1, size, &a, &whole);
    fuzz_need(read_pieces(bytes, size - 1, (size_t)data[0] + 1, &b, &pieces) == rc);
    fuzz_need(strcmp(whole.text, pieces.text) == 0);
    for (int i = 1; i < 3; i++) {
        fuzz_need(a.text[i].len == b.text[i].len);
        fuzz_need(memcmp(str_get(&a.text[i]), str_get(&b.text[i]), a.text[i].len) == 0);
        str_free(&a.text[i]);
        str_free(&b.text[i]);
    }
    return 0;
}
