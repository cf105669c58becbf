/* An archive read in pieces gives the same members as one read at
 * once. The first byte is the size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "launcher/base/str.h"
#include "launcher/engine/tar.h"

struct seen {
    struct str entries;
    uint64_t announced, data;
};

static int take_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
    struct seen *s = arg;

    (void)err;
    fuzz_need(entry->type < TAR_TYPE_MAX);
    fuzz_need(entry->type != TAR_FOLDER || entry->size == 0);
    fuzz_need(s->data == s->announced);
    s->announced += entry->size;
    if (s->entries.len < 1 << 20) {
        str_appendf(&s->entries, "%d %s %s\n", (int)entry->type, entry->name, entry->link);
    }
    return 0;
}

static int take_data(void *arg, const char *bytes, size_t len, struct err *err)
{
    struct seen *s = arg;

    (void)bytes;
    (void)err;
    s->data += len;
    fuzz_need(s->data <= s->announced);
    return 0;
}

static int read_pieces(const char *bytes, size_t size, size_t piece, struct seen *seen,
                       struct err *err)
{
    const struct tar_handler handler = {.on_entry = take_entry, .on_data = take_data, .arg = seen};
    AUTO_TAR struct tar *t = tar_new(&handler);
    int rc = 0;

    for (size_t at = 0; at < size && rc == 0; at += piece) {
        rc = tar_feed(t, bytes + at, piece < size - at ? piece : size - at, err);
    }
    rc = rc == 0 ? tar_finish(t, err) : rc;
    fuzz_need(rc != 0 || seen->data == seen->announced);
    str_free(&seen->entries);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err whole = ERR_INIT, pieces = ERR_INIT;
    struct seen a = {.announced = 0}, b = {.announced = 0};

    if (size < 1) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    int rc = read_pieces(bytes, size - 1, size, &a, &whole);
    fuzz_need(read_pieces(bytes, size - 1, (size_t)data[0] + 1, &b, &pieces) == rc);
    fuzz_need(strcmp(whole.text, pieces.text) == 0);
    fuzz_need(a.announced == b.announced && a.data == b.data);
    return 0;
}
