#include "tests/unit/unit.h"

#include "hooks/metadb/wire/session.h"

static void numbers_are_compared_as_numbers(void **state)
{
    (void)state;
    assert_true(session_value_is("0", "0.000000"));
    assert_true(session_value_is("3600", "3600"));
    assert_false(session_value_is("3600", "36000"));
    assert_false(session_value_is("0", ""));
    assert_false(session_value_is("0", "0x"));
}

static void without_limit_has_two_spellings(void **state)
{
    (void)state;
    assert_true(session_value_is("18446744073709551615", "18446744073709551615"));
    assert_true(session_value_is("18446744073709551615", "9223372036854775807"));
    assert_false(session_value_is("18446744073709551615", "4294967295"));
    assert_false(session_value_is("18446744073709551615", "20"));
}

static void text_is_compared_in_any_case(void **state)
{
    (void)state;
    assert_true(session_value_is("utf8mb4", "UTF8MB4"));
    assert_true(session_value_is("", ""));
    assert_false(session_value_is("", "STRICT_ALL_TABLES"));
    assert_false(session_value_is("+00:00", "+08:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_compared_as_numbers),
        cmocka_unit_test(without_limit_has_two_spellings),
        cmocka_unit_test(text_is_compared_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
