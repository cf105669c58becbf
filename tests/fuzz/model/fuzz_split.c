/* The text of a backup in pieces of any size gives the statements that it gives whole. */
#include "tests/fuzz/fuzz.h"

#include "hooks/metadb/model/split.h"

static int collect(void *arg, const char *sql, size_t len, struct err *err)
{
    (void)err;
    str_append_n(arg, sql, len);
    str_append_c(arg, '\1');
    return 0;
}

static int run(const char *text, size_t size, size_t step, struct str *ret)
{
    struct err err = ERR_INIT;
    struct splitter s;
    int rc = 0;
    split_init(&s, collect, ret);
    for (size_t i = 0; rc == 0 && i < size; i += step) {
        rc = split_feed(&s, text + i, size - i < step ? size - i : step, &err);
    }
    rc = rc == 0 ? split_finish(&s, &err) : rc;
    split_free(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR struct str whole = STR_INIT, pieces = STR_INIT;
    AUTO_FREE char *text = mem_grow(NULL, size + 1, 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)data[i];
    }
    int a = run(text, size, size + 1, &whole);
    int b = run(text, size, 1 + size % 7, &pieces);
    fuzz_need(a == b);
    fuzz_need(whole.len == pieces.len && str_eq(str_get(&whole), str_get(&pieces)));
    return 0;
}
