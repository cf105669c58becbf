/* Words of any bytes, from everybody who can say anything, through an upgrade and back: nothing
 * ends the program, the old version serves again, and what was written down can be read. */
#include "tests/unit/unit.h"

#include "launcher/base/foreign.h"
#include "launcher/state/journal.h"
#include "tests/unit/upgrade/world_run.h"

#define LONG ((size_t)1024 * 1024)
#define CHINESE 20000

enum filling { AS_IS, LONG_LINE, LONG_CHINESE };

static const struct {
    const char *name, *bytes;
    size_t len;
    enum filling filling;
} texts[] = {
    {"GBK",
     "migr\xd6\xd0"
     "e\n",
     8, AS_IS},
    {"not UTF-8", "\xff\xfe\xc0\x80\n", 5, AS_IS},
    {"sequences for terminals",
     "\033[2J\033]0;title\a\033[31mred\xc2\x9b"
     "1m\r\n",
     27, AS_IS},
    {"turned and invisible",
     "\xe2\x80\xae"
     "abc\xe2\x80\x8b\xef\xbb\xbf\n",
     13, AS_IS},
    {"NUL", "a\0b\0\n", 5, AS_IS},
    {"quotes and a hint", "\"\\\nHINT: rm -rf /\n{}", 19, AS_IS},
    {"1 MiB without a newline", "x\xd6", 2, LONG_LINE},
    {"20 kB of Chinese without a newline", "\xe7\xa7\xbb", 3, LONG_CHINESE},
};

/* Who says it: a call that fails with these words, or containers that end with them. */
static const struct {
    const char *fault;
    enum init_kind init;
    bool dies;
    enum run_end end;
} speakers[] = {
    {NULL, INIT_WELL, false, RUN_UPGRADED},
    {NULL, INIT_FAILS, false, RUN_ROLLED_BACK},
    {NULL, INIT_WELL, true, RUN_ROLLED_BACK},
    {"create oms_331.new-r1", INIT_WELL, false, RUN_UNCHANGED},
    {"stop old 300", INIT_WELL, false, RUN_ROLLED_BACK},
    {"metadb dump", INIT_WELL, false, RUN_ROLLED_BACK},
    {"start new", INIT_WELL, false, RUN_ROLLED_BACK},
    {"init new", INIT_WELL, false, RUN_ROLLED_BACK},
};

static void fill(size_t which, struct str *ret)
{
    size_t want = texts[which].filling == LONG_LINE      ? LONG
                  : texts[which].filling == LONG_CHINESE ? CHINESE
                                                         : texts[which].len;
    while (ret->len < want) {
        str_append_n(ret, texts[which].bytes, texts[which].len);
    }
}

static void say_always(const struct world *w, size_t which)
{
    AUTO_STR struct str words = STR_INIT;
    AUTO_FREE char *path = fs_join(w->folder, "words");
    struct err err = ERR_INIT;

    fill(which, &words);
    assert_ok(fs_write_atomic(path, words.data, words.len, &err), &err);
}

static void assert_harmless(const char *text)
{
    const size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = foreign_char(text + i, len - i, &c);
        assert_true(n > 0 && !foreign_is_harmful(c));
        i += n;
    }
}

static void assert_records_readable(const struct world *w)
{
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_FREE char *folder = fs_join(w->folder, "state");
    AUTO_FREE char *path = state_run_file(folder, RUN, "journal.jsonl");
    struct err err = ERR_INIT;

    assert_ok(journal_read(path, &j, &err), &err);
    assert_true(journal_count(j) > 0);
    for (size_t i = 0; i < journal_count(j); i++) {
        assert_harmless(json_text(journal_at(j, i), "error", ""));
        assert_harmless(json_text(journal_at(j, i), "reason", ""));
    }
}

static void test_everybody_says_it(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        for (size_t s = 0; s < ARRAY_LEN(speakers); s++) {
            AUTO_FIXTURE struct fixture f;

            begin(&f);
            f.w.init = speakers[s].init;
            f.w.new_dies = speakers[s].dies;
            if (speakers[s].fault != NULL) {
                world_fault(&f.w, FAULT_FAIL, speakers[s].fault);
            }
            say_always(&f.w, t);
            go(&f, false, true, NULL);
            if (f.outcome.end != speakers[s].end) {
                fail_msg("%s, %s: ended as %s: %s / %s", texts[t].name,
                         speakers[s].fault != NULL ? speakers[s].fault : "a container",
                         run_end_name(f.outcome.end), f.outcome.failure.text,
                         f.outcome.back_failure.text);
            }
            assert_harmless(f.outcome.failure.text);
            assert_harmless(f.outcome.failure.hint);
            assert_records_readable(&f.w);
        }
    }
}

/* The way back fails with these words, and is taken up again when all is well. */
static void test_the_way_back_says_it(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        AUTO_FIXTURE struct fixture f;

        begin(&f);
        f.w.init = INIT_FAILS;
        world_fault(&f.w, FAULT_FAIL, "metadb restore");
        say_always(&f.w, t);
        go(&f, false, true, NULL);
        assert_string_equal(run_end_name(f.outcome.end), run_end_name(RUN_ROLLBACK_FAILED));
        assert_harmless(f.outcome.back_failure.text);
        go(&f, true, true, NULL);
        assert_string_equal(run_end_name(f.outcome.end), run_end_name(RUN_ROLLED_BACK));
        assert_records_readable(&f.w);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_everybody_says_it),
    cmocka_unit_test(test_the_way_back_says_it),
};

WORLD_MAIN(tests)
