/* Runs one fuzz target over its seeds, as a cmocka program: for compilers without libFuzzer, and as
 * a regression test. The seeds are found by the program's name: fuzz_NAME → tests/fuzz/corpus/NAME.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "tests/fuzz/fuzz.h"

static void run_file(const char *folder, const char *name)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str text = STR_INIT;
    AUTO_FREE char *path = fs_join(folder, name);
    assert_ok(fs_read(path, (size_t)64 << 20, false, &text, &err), &err);
    /* An exact copy, so that a sanitizer or valgrind sees a read beyond the end. */
    uint8_t *copy = malloc(text.len ? text.len : 1);
    assert_non_null(copy);
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    LLVMFuzzerTestOneInput(copy, text.len);
    free(copy);
}

static void test_corpus(void **state)
{
    (void)state;
    const char *name = program_invocation_short_name;
    assert_true(str_starts_with(name, "fuzz_"));
    AUTO_FREE char *folder = mem_printf("tests/fuzz/corpus/%s", name + strlen("fuzz_"));
    DIR *dir = opendir(folder);
    if (!dir) {
        fail_msg("no seeds in '%s' (run from the root of the tree)", folder);
        return; /* fail_msg() has jumped away; the analyzer does not know */
    }
    size_t count = 0;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            run_file(folder, entry->d_name);
            count++;
        }
    }
    closedir(dir);
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
