/* The journal: what was written is read back, and whatever else stands there is told exactly. */
#include "launcher/state/journal.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/upgrade/folder.h"

struct fixture {
    struct folder folder;
    char *path;
};

static void fixture_free(struct fixture *f)
{
    folder_free(&f->folder);
    free(f->path);
}
#define AUTO_FIXTURE CLEANUP(fixture_free)

/* A journal of these types of record. */
static void make(struct fixture *f, size_t count)
{
    static const char *const types[] = {"begin", "intent", "outcome", "end"};
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    folder_make(&f->folder);
    f->path = folder_at(&f->folder, "j");
    assert_ok(journal_create(f->path, &j, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_ok(journal_append(j, json_make("{s:s}", "type", types[i % 4]), &err), &err);
    }
    assert_int_equal(journal_count(j), count);
}

/* Lines of the file, without newlines. */
static void lines_of(const struct fixture *f, struct strv *ret)
{
    AUTO_FREE char *text = folder_read(&f->folder, "j");
    char *rest = NULL;

    for (const char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        strv_add(ret, line);
    }
}

static void write_lines(const struct fixture *f, const struct strv *lines, const size_t *order,
                        size_t count)
{
    AUTO_STR struct str text = STR_INIT;

    for (size_t i = 0; i < count; i++) {
        str_appendf(&text, "%s\n", lines->items[order[i]]);
    }
    folder_write(&f->folder, "j", str_get(&text));
}

#define DAMAGED(what)                                                                         \
    "the journal '<folder>/j' is damaged: " what                                              \
    "\nHINT: nothing was changed; restore the file from a backup, or look at the containers " \
    "and go on by hand"

static void assert_damaged(const struct fixture *f, const char *text)
{
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;
    AUTO_FREE char *before = folder_read(&f->folder, "j");

    assert_fails(journal_read(f->path, &j, &err));
    assert_masked_err(&f->folder, &err, ERR_STATE, text);
    assert_fails(journal_open(f->path, &j, &err));
    assert_masked_err(&f->folder, &err, ERR_STATE, text);
    assert_null(j);
    /* Who is to mend it finds it as it was. */
    AUTO_FREE char *after = folder_read(&f->folder, "j");
    assert_string_equal(after, before);
}

static void test_read_back(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    make(&f, 3);
    assert_ok(journal_read(f.path, &j, &err), &err);
    assert_int_equal(journal_count(j), 3);
    assert_string_equal(json_text(journal_at(j, 0), "type", ""), "begin");
    assert_string_equal(json_text(journal_at(j, 2), "type", ""), "outcome");
    assert_int_equal(json_int(journal_at(j, 2), "seq", 0), 3);
    assert_true(json_int(journal_at(j, 2), "wall_ms", 0) > 1600000000000);
    assert_null(journal_at(j, 3));
}

static void test_file_is_ours_alone(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    struct stat st;

    make(&f, 1);
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_lines(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv lines = STRV_INIT;

    make(&f, 2);
    lines_of(&f, &lines);
    assert_int_equal(lines.count, 2);
    for (size_t i = 0; i < 2; i++) {
        AUTO_JSON json_t *record = NULL;
        struct err err = ERR_INIT;
        assert_ok(json_parse(lines.items[i], strlen(lines.items[i]), "line", &record, &err), &err);
        assert_int_equal(json_int(record, "seq", 0), (int)i + 1);
        assert_int_equal(strlen(json_text(record, "chain", "")), 16);
        assert_int_equal(strlen(json_text(record, "time", "")), 24);
        assert_int_equal(json_object_size(record), 5);
    }
}

static void test_reopened_goes_on(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_JOURNAL struct journal *again = NULL;
    struct err err = ERR_INIT;

    make(&f, 2);
    assert_ok(journal_open(f.path, &j, &err), &err);
    assert_ok(journal_append(j, json_make("{s:s}", "type", "rollback"), &err), &err);
    assert_ok(journal_append(j, json_make("{s:s}", "type", "end"), &err), &err);
    assert_ok(journal_read(f.path, &again, &err), &err);
    assert_int_equal(journal_count(again), 4);
    assert_int_equal(json_int(journal_at(again, 3), "seq", 0), 4);
    assert_string_equal(json_text(journal_at(again, 3), "type", ""), "end");
}

static void test_words_of_others(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_JOURNAL struct journal *again = NULL;
    struct err err = ERR_INIT;
    json_t *record = json_make("{s:s, s:s}", "type", "outcome", "x", "a\n\"b\"\\ €\t");

    make(&f, 1);
    json_put_text(record, "error", "no \xff UTF-8");
    assert_ok(journal_open(f.path, &j, &err), &err);
    assert_ok(journal_append(j, record, &err), &err);
    assert_ok(journal_read(f.path, &again, &err), &err);
    assert_string_equal(json_text(journal_at(again, 1), "x", ""), "a\n\"b\"\\ €\t");
    assert_string_equal(json_text(journal_at(again, 1), "error", ""), "no \xEF\xBF\xBD UTF-8");
}

/* ---- torn ---- */

/* Cut anywhere in the last line: the records before it count, and it is cut off. */
static void test_torn_last_line(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    make(&f, 3);
    AUTO_FREE char *whole = folder_read(&f.folder, "j");
    size_t second_end = (size_t)(strchr(strchr(whole, '\n') + 1, '\n') + 1 - whole);
    for (size_t len = second_end; len < strlen(whole); len += 7) {
        AUTO_FREE char *torn = mem_strndup(whole, len);
        AUTO_FREE char *kept = mem_strndup(whole, second_end);
        AUTO_JOURNAL struct journal *read = NULL;
        AUTO_JOURNAL struct journal *opened = NULL;
        struct err err = ERR_INIT;

        folder_write(&f.folder, "j", torn);
        assert_ok(journal_read(f.path, &read, &err), &err);
        assert_int_equal(journal_count(read), 2);
        AUTO_FREE char *untouched = folder_read(&f.folder, "j");
        assert_string_equal(untouched, torn);
        assert_ok(journal_open(f.path, &opened, &err), &err);
        AUTO_FREE char *cut = folder_read(&f.folder, "j");
        assert_string_equal(cut, kept);
        assert_ok(journal_append(opened, json_make("{s:s}", "type", "end"), &err), &err);
        journal_free(TAKE(read));
        assert_ok(journal_read(f.path, &read, &err), &err);
        assert_int_equal(journal_count(read), 3);
    }
}

/* ---- damaged ---- */

static void test_nothing_in_it(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    make(&f, 2);
    folder_write(&f.folder, "j", "");
    assert_damaged(&f, DAMAGED("line 1 is missing"));
    folder_write(&f.folder, "j", "{\"seq\":1");
    assert_damaged(&f, DAMAGED("line 1 is missing"));
}

static void test_garbage(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const garbage[] = {"\n", "garbage\n", "[]\n", "7\n", "{\n", "\x01\xff\n"};

    make(&f, 2);
    AUTO_FREE char *whole = folder_read(&f.folder, "j");
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        AUTO_FREE char *text = mem_printf("%s%s", whole, garbage[i]);
        folder_write(&f.folder, "j", text);
        /* A list is JSON, but no record. */
        assert_damaged(&f, i == 2 ? DAMAGED("line 3 is not the next record")
                                  : DAMAGED("line 3 is no JSON"));
    }
}

static void test_edited(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    make(&f, 3);
    AUTO_FREE char *whole = folder_read(&f.folder, "j");
    char *intent = strstr(whole, "intent");
    memcpy(intent, "outset", 6);
    folder_write(&f.folder, "j", whole);
    assert_damaged(&f, DAMAGED("line 2 is not what was written"));
    memcpy(intent, "intent", 6);
    char *chain = strstr(intent, "\"chain\":\"") + 9;
    *chain = *chain == '0' ? '1' : '0';
    folder_write(&f.folder, "j", whole);
    assert_damaged(&f, DAMAGED("line 2 is not what was written"));
}

static void test_lines_moved(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv lines = STRV_INIT;

    make(&f, 4);
    lines_of(&f, &lines);
    write_lines(&f, &lines, (const size_t[]){0, 2, 1, 3}, 4);
    assert_damaged(&f, DAMAGED("line 2 is not the next record"));
    write_lines(&f, &lines, (const size_t[]){0, 1, 3}, 3);
    assert_damaged(&f, DAMAGED("line 3 is not the next record"));
    write_lines(&f, &lines, (const size_t[]){1, 2, 3}, 3);
    assert_damaged(&f, DAMAGED("line 1 is not the next record"));
    write_lines(&f, &lines, (const size_t[]){0, 1, 1, 2, 3}, 5);
    assert_damaged(&f, DAMAGED("line 3 is not the next record"));
}

/* A line of another journal has the right number, but not the right past. */
static void test_line_of_another_journal(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_FIXTURE struct fixture other;
    AUTO_STRV struct strv lines = STRV_INIT;

    make(&f, 3);
    folder_make(&other.folder);
    other.path = folder_at(&other.folder, "j");
    struct err err = ERR_INIT;
    AUTO_JOURNAL struct journal *j = NULL;
    assert_ok(journal_create(other.path, &j, &err), &err);
    /* Not the same record in the same millisecond, which would be the same line. */
    assert_ok(journal_append(j, json_make("{s:s, s:s}", "type", "begin", "of", "other"), &err),
              &err);
    assert_ok(journal_append(j, json_make("{s:s}", "type", "intent"), &err), &err);
    assert_ok(journal_append(j, json_make("{s:s}", "type", "end"), &err), &err);
    lines_of(&f, &lines);
    AUTO_STRV struct strv foreign = STRV_INIT;
    lines_of(&other, &foreign);
    assert_true(foreign.count > 2 && foreign.items != NULL);
    strv_add(&lines, foreign.items[2]); /* NOLINT(clang-analyzer-core.NullDereference) */
    write_lines(&f, &lines, (const size_t[]){0, 1, 3}, 3);
    assert_damaged(&f, DAMAGED("line 3 is not what was written"));
}

/* ---- files ---- */

static void test_no_such_file(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    make(&f, 1);
    AUTO_FREE char *none = folder_at(&f.folder, "none");
    assert_fails(journal_read(none, &j, &err));
    assert_int_equal((int)err.kind, ERR_STATE);
    assert_non_null(strstr(err_whole(&err), "none': No such file or directory\nHINT: "));
}

static void test_never_twice(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    make(&f, 1);
    assert_fails(journal_create(f.path, &j, &err));
    assert_masked_err(&f.folder, &err, ERR_STATE,
                      "'<folder>/j' exists already\n"
                      "HINT: two runs cannot share one file: start a new run");
}

static void test_no_link(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    make(&f, 1);
    AUTO_FREE char *link = folder_at(&f.folder, "link");
    assert_int_equal(symlink(f.path, link), 0);
    assert_fails(journal_open(link, &j, &err));
    assert_int_equal((int)err.kind, ERR_STATE);
    assert_non_null(strstr(err_whole(&err), "Too many levels of symbolic links"));
}

/* ---- a full disk ---- */

/* In a child: files may grow to `limit` bytes. What fits is written, what does not leaves nothing.
 */
static int append_until_full(const char *path, rlim_t limit)
{
    struct journal *j = NULL;
    struct err err = ERR_INIT;
    const struct rlimit small = {.rlim_cur = limit, .rlim_max = limit};

    (void)signal(SIGXFSZ, SIG_IGN);
    if (journal_open(path, &j, &err) != 0 || setrlimit(RLIMIT_FSIZE, &small) != 0) {
        return 99;
    }
    for (int written = 0; written < 50; written++) {
        if (journal_append(j, json_make("{s:s}", "type", "intent"), &err) != 0) {
            return err.kind == ERR_STATE ? written : 98;
        }
    }
    return 97;
}

static void test_full_disk_leaves_the_file_as_before(void **state)
{
    (void)state;
    for (rlim_t limit = 900; limit < 1100; limit += 31) {
        AUTO_FIXTURE struct fixture f;
        AUTO_JOURNAL struct journal *j = NULL;
        struct err err = ERR_INIT;
        int status = 0;

        make(&f, 3);
        const pid_t child = fork();
        if (child == 0) {
            _exit(append_until_full(f.path, limit));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 1, 20);
        AUTO_FREE char *text = folder_read(&f.folder, "j");
        assert_int_equal(text[strlen(text) - 1], '\n');
        /* There is space again, and nothing torn stands in the way. */
        assert_ok(journal_open(f.path, &j, &err), &err);
        assert_int_equal(journal_count(j), 3 + (size_t)WEXITSTATUS(status));
        assert_ok(journal_append(j, json_make("{s:s}", "type", "end"), &err), &err);
    }
}

/* Bytes on the disk of open files that have no name any more. */
static uint64_t nameless_bytes(void)
{
    uint64_t bytes = 0;

    for (int fd = 3; fd < 64; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0) {
            bytes += (uint64_t)st.st_blocks * 512;
        }
    }
    return bytes;
}

static void test_reserve_is_space(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f = {.path = NULL};
    AUTO_JOURNAL struct journal *j = NULL;
    struct err err = ERR_INIT;

    make(&f, 2);
    const uint64_t before = nameless_bytes();
    assert_ok(journal_open(f.path, &j, &err), &err);
    assert_ok(journal_reserve(j, 100000, &err), &err);
    assert_in_range(nameless_bytes() - before, 100000, 200000);
    assert_ok(journal_reserve(j, 300000, &err), &err);
    assert_in_range(nameless_bytes() - before, 300000, 400000);
    journal_free(TAKE(j));
    assert_int_equal(nameless_bytes(), before);
}

/* A run that has ended is never opened again: nobody would take it away. */
static void test_reserve_does_not_outlive_a_kill(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f = {.path = NULL};
    int status = 0;

    make(&f, 2);
    const pid_t child = fork();
    if (child == 0) {
        struct journal *j = NULL;
        struct err err = ERR_INIT;
        if (journal_open(f.path, &j, &err) != 0 || journal_reserve(j, 100000, &err) != 0) {
            _exit(1);
        }
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    AUTO_FREE char *reserve = mem_printf("%s.reserve", f.path);
    assert_int_equal(access(reserve, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_file_is_ours_alone),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_reopened_goes_on),
        cmocka_unit_test(test_words_of_others),
        cmocka_unit_test(test_torn_last_line),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_edited),
        cmocka_unit_test(test_lines_moved),
        cmocka_unit_test(test_line_of_another_journal),
        cmocka_unit_test(test_no_such_file),
        cmocka_unit_test(test_never_twice),
        cmocka_unit_test(test_no_link),
        cmocka_unit_test(test_full_disk_leaves_the_file_as_before),
        cmocka_unit_test(test_reserve_is_space),
        cmocka_unit_test(test_reserve_does_not_outlive_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
