/* The name that was perhaps meant. */
#include "launcher/base/near.h"

#include <string.h>

#include "launcher/base/mem.h"
#include "tests/unit/unit.h"

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(near_distance("", ""), 0);
    assert_int_equal(near_distance("", "abc"), 3);
    assert_int_equal(near_distance("abc", ""), 3);
    assert_int_equal(near_distance("upgrade", "upgrade"), 0);
    assert_int_equal(near_distance("tga", "tag"), 1);
    assert_int_equal(near_distance("stauts", "status"), 1);
    assert_int_equal(near_distance("kitten", "sitting"), 3);
}

static void test_find(void **state)
{
    (void)state;
    static const char *const names[] = {"upgrade", "rollback", "runs", "restore", "oms_331"};
    static const char *const cases[][2] = {
        {"upgrad", "upgrade"},
        {"upgarde", "upgrade"},
        {"rusn", "runs"},
        {"ru", "runs"},
        {"rol", "rollback"},
        {"oms-331", "oms_331"},
        {"oms", "oms_331"},
        {"x", NULL},
        {"", NULL},
        {"frobnicate", NULL},
        {"abc", NULL},
    };
    char long_word[600];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *found = near_find(cases[i][0], names, ARRAY_LEN(names));
        if (cases[i][1] == NULL) {
            assert_null(found);
        } else {
            assert_string_equal(found, cases[i][1]);
        }
    }
    memset(long_word, 'u', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    assert_null(near_find(long_word, names, ARRAY_LEN(names)));
    assert_null(near_find("runs", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
