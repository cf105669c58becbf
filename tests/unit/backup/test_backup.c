/* The folder of a backup. */
#include "tests/unit/unit.h"

#include "hooks/metadb/backup/backup.h"

static void a_file_stays_in_its_folder(void **state)
{
    static const struct {
        const char *database, *file;
    } names[] = {{"rm_331", "rm_331.sql.zst"},
                 {"../x", "%2E.%2Fx.sql.zst"},
                 {"a b.c", "a%20b.c.sql.zst"},
                 {"\xe8\xa1\xa8", "%E8%A1%A8.sql.zst"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *file = backup_file_name(names[i].database, true);
        assert_string_equal(file, names[i].file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_stays_in_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
