/* Reading tar archives: names of every kind, all splits, all cuts, damage. */
#include "launcher/engine/tar.h"
#include "tests/unit/engine/tar_make.h"
#include "tests/unit/unit.h"

static int take_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
    static const char letters[TAR_TYPE_MAX + 1] = "fdlho";

    (void)err;
    str_appendf(arg, "%c %s", letters[entry->type], entry->name);
    if (entry->link[0] != '\0') {
        str_appendf(arg, " -> %s", entry->link);
    }
    str_appendf(arg, " %llu:", (unsigned long long)entry->size);
    return 0;
}

static int take_data(void *arg, const char *bytes, size_t len, struct err *err)
{
    (void)err;
    str_append_n(arg, bytes, len);
    return 0;
}

static int read_all(const struct str *archive, size_t chunk, struct str *seen, struct err *err)
{
    const struct tar_handler handler = {.on_entry = take_entry, .on_data = take_data, .arg = seen};
    AUTO_TAR struct tar *t = tar_new(&handler);

    for (size_t at = 0; at < archive->len; at += chunk) {
        size_t n = chunk < archive->len - at ? chunk : archive->len - at;
        if (tar_feed(t, archive->data + at, n, err) < 0) {
            return -1;
        }
    }
    return tar_finish(t, err);
}

static void sample(struct str *s)
{
    AUTO_FREE char *long_name = mem_alloc(151);

    memset(long_name, 'n', 150);
    tar_header(s, 'g', "pax_global", "", 19);
    tar_data(s, "19 comment=of git\n\n", 19);
    tar_member(s, '0', "one", "first\n");
    tar_header(s, '5', "folder/", "", 0);
    tar_header(s, '2', "link", "target", 0);
    tar_header(s, '1', "hard", "one", 77);
    tar_header(s, '6', "pipe", "", 0);
    tar_member(s, '\0', "old/style", "2");
    tar_header(s, '\0', "old/folder/", "", 0);
    tar_header(s, 'L', "././@LongLink", "", 151);
    tar_data(s, long_name, 151);
    tar_header(s, 'K', "././@LongLink", "", 4);
    tar_data(s, "far\0", 4);
    tar_header(s, '2', "cut short", "cut", 0);
    tar_header(s, 'x', "PaxHeaders/x", "", 48);
    tar_data(s, "12 path=p=q\n14 linkpath=l\n9 size=3\n13 mtime=1.5\n", 48);
    tar_header(s, '0', "other", "", 5);
    tar_data(s, "abc", 3);
    tar_member(s, '0', "last", "");
    tar_end(s);
    str_append(s, "whatever follows is no matter");
}

static void test_all_splits(void **state)
{
    AUTO_STR struct str archive = STR_INIT;
    AUTO_STR struct str want = STR_INIT;

    (void)state;
    sample(&archive);
    str_append(&want, "f one 6:first\nd folder/ 0:l link -> target 0:h hard -> one 0:o pipe 0:"
                      "f old/style 1:2d old/folder/ 0:l ");
    for (int i = 0; i < 150; i++) {
        str_append_c(&want, 'n');
    }
    str_append(&want, " -> far 0:f p=q 3:abcf last 0:");
    const size_t chunks[] = {1, 7, 511, 512, 513, 1000, 100000};
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        AUTO_STR struct str seen = STR_INIT;
        struct err err = ERR_INIT;
        assert_ok(read_all(&archive, chunks[i], &seen, &err), &err);
        assert_string_equal(str_get(&seen), str_get(&want));
    }
}

static void test_prefix_and_base256(void **state)
{
    AUTO_STR struct str archive = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    struct err err = ERR_INIT;

    (void)state;
    tar_header(&archive, '0', "name", "", 2);
    memcpy(archive.data + 345, "a/prefix", 8);
    memcpy(archive.data + 124, "\x80\0\0\0\0\0\0\0\0\0\0\2", 12);
    tar_sum(archive.data);
    tar_data(&archive, "hi", 2);
    assert_ok(read_all(&archive, 100, &seen, &err), &err);
    assert_string_equal(str_get(&seen), "f a/prefix/name 2:hi");
}

/* Cut at every byte: only between two members may it pass, as it does for every reader of tar. */
static void test_cuts(void **state)
{
    AUTO_STR struct str archive = STR_INIT;

    (void)state;
    tar_member(&archive, '0', "one", "first\n");
    tar_member(&archive, '0', "two", "second\n");
    for (size_t len = 0; len <= archive.len; len++) {
        AUTO_STR struct str seen = STR_INIT;
        const struct str cut = {.data = archive.data, .len = len};
        struct err err = ERR_INIT;
        int rc = read_all(&cut, 64, &seen, &err);
        if (len % 1024 == 0) {
            assert_int_equal(rc, 0);
            continue;
        }
        assert_int_equal(rc, -1);
        if (len % 1024 < 512) {
            assert_err(&err, ERR_FAILED, "the archive ends in the middle of a header");
        } else {
            assert_err(&err, ERR_FAILED,
                       len < 1024 ? "the archive ends in the middle of 'one'"
                                  : "the archive ends in the middle of 'two'");
        }
    }
}

static void expect_failure(const struct str *archive, const char *want)
{
    AUTO_STR struct str seen = STR_INIT;
    struct err err = ERR_INIT;

    assert_fails(read_all(archive, 512, &seen, &err));
    assert_err(&err, ERR_FAILED, want);
}

static void pax_of(struct str *s, const char *record)
{
    str_reset(s);
    tar_header(s, 'x', "pax", "", strlen(record));
    tar_data(s, record, strlen(record));
    tar_member(s, '0', "x", "");
}

static void test_damage(void **state)
{
    static const char *const pax[] = {"x",
                                      "9 size=3",
                                      "9 size=x\n",
                                      "99 size=3\n",

                                      "2 \n",
                                      "8 nokey\n",
                                      " 9 size=3\n",
                                      "29 size=99999999999999999999\n",
                                      "99999999999999999999999 a=b\n"};
    AUTO_STR struct str s = STR_INIT;

    (void)state;
    tar_member(&s, '0', "one", "first\n");
    s.data[3] = 'X';
    expect_failure(&s, "this is no tar archive, or a damaged one");
    str_reset(&s);
    for (int i = 0; i < 100; i++) {
        str_append(&s, "<html>");
    }
    expect_failure(&s, "this is no tar archive, or a damaged one");
    str_reset(&s);
    tar_member(&s, '0', "one", "first\n");
    memcpy(s.data + 124, "00000x00006", 11);
    tar_sum(s.data);
    expect_failure(&s, "this is no tar archive, or a damaged one");
    str_reset(&s);
    tar_header(&s, '0', "huge", "", 0);
    memset(s.data + 124, 0xff, 12);
    s.data[124] = (char)0x80;
    tar_sum(s.data);
    expect_failure(&s, "this is no tar archive, or a damaged one");
    str_reset(&s);
    tar_header(&s, 'x', "pax", "", (1 << 20) + 1);
    expect_failure(&s, "the archive has a header that is far too large");
    for (size_t i = 0; i < ARRAY_LEN(pax); i++) {
        pax_of(&s, pax[i]);
        expect_failure(&s, "the archive has a damaged pax header");
    }
}

static void test_sparse(void **state)
{
    AUTO_STR struct str s = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    struct err err = ERR_INIT;

    (void)state;
    pax_of(&s, "22 GNU.sparse.major=1\n");
    assert_ok(read_all(&s, 512, &seen, &err), &err);
    assert_string_equal(str_get(&seen), "o x 0:");
}

/* As the walk through a file does it: headers are read, data is jumped over. */
static void test_skip(void **state)
{
    AUTO_STR struct str s = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    const struct tar_handler handler = {.on_entry = take_entry, .on_data = take_data, .arg = &seen};
    AUTO_TAR struct tar *t = tar_new(&handler);
    struct err err = ERR_INIT;
    size_t at = 0, read = 0;

    (void)state;
    sample(&s);
    while (!tar_ended(t)) {
        assert_ok(tar_feed(t, s.data + at, 512, &err), &err);
        at += 512 + tar_skip(t);
        read += 512;
    }
    assert_ok(tar_finish(t, &err), &err);
    assert_true(read < at);
    assert_null(strstr(str_get(&seen), "first"));
    assert_non_null(strstr(str_get(&seen), "f last 0:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_splits), cmocka_unit_test(test_prefix_and_base256),
        cmocka_unit_test(test_cuts),       cmocka_unit_test(test_damage),
        cmocka_unit_test(test_sparse),     cmocka_unit_test(test_skip),
    };

    return cmocka_run_group_tests_name("engine: tar", tests, NULL, NULL);
}
