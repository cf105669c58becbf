/* One server under several spellings. */
#include "tests/unit/unit.h"

#include "inspect/alive.h"

static void same_host(void **state)
{
    (void)state;
    assert_true(alive_is_same_host("10.0.0.9", "10.0.0.9"));
    assert_true(alive_is_same_host("db", "db"));
    assert_true(alive_is_same_host("localhost", "127.0.0.1"));
    assert_true(alive_is_same_host("127.0.0.1", "127.0.0.2"));
    assert_true(alive_is_same_host("[::1]", "::1"));
    assert_false(alive_is_same_host("192.0.2.1", "192.0.2.2"));
    assert_false(alive_is_same_host("127.0.0.1", "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_host)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
