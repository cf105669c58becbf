#include "tests/unit/unit.h"

#include "hooks/metadb/ops/privileges.h"

static void patterns(void **state)
{
    (void)state;
    assert_true(privileges_cover("rm_331", "rm_331"));
    assert_true(privileges_cover("rm\\_331", "rm_331"));
    assert_true(privileges_cover("rm_331", "rmx331"));
    assert_false(privileges_cover("rm\\_331", "rmx331"));
    assert_true(privileges_cover("rm\\_331\\_\\_%", "rm_331__new_20261122"));
    assert_false(privileges_cover("rm\\_331\\_\\_%", "rm_331"));
    assert_false(privileges_cover("rm\\_331\\_\\_%", "rm_3310_new"));
    assert_true(privileges_cover("%", "anything"));
    assert_true(privileges_cover("%", ""));
    assert_true(privileges_cover("%_331", "cm_hb_331"));
    assert_false(privileges_cover("%_331", "331"));
    assert_true(privileges_cover("a%b%c", "a-b-b-c"));
    assert_false(privileges_cover("a%b%c", "a-c-b"));
    assert_false(privileges_cover("", "x"));
    assert_false(privileges_cover("x", ""));
    assert_true(privileges_cover("100\\%", "100%"));
    assert_false(privileges_cover("100\\%", "1000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
