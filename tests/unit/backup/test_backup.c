/* The folder of a backup. */
#include "tests/unit/unit.h"

#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/backup/frame.h"

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

static void a_frame_gives_no_more_than_it_holds(void **state)
{
    static const size_t cap = FRAME_RAW_BYTES + 2 * FRAME_ROOM_MAX;
    struct frame_writer w;
    struct err err = ERR_INIT;
    (void)state;
    assert_ok(frame_writer_init(&w, 0, &err), &err);
    assert_non_null(frame_room(&w, cap, &err));
    assert_null(frame_room(&w, 2 * 6UL * 1024 * 1024 + 16, &err));
    assert_err(&err, ERR_FAILED, "a piece of 12582928 bytes does not fit into a frame of 2883584");
    assert_null(frame_room(&w, SIZE_MAX, &err));
    frame_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_stays_in_its_folder),
        cmocka_unit_test(a_frame_gives_no_more_than_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
