/* Tables, on screens from wide to narrow. */
#include "launcher/table.h"

#include "launcher/base/fold.h"
#include "tests/unit/unit.h"

static void assert_renders(size_t width, const char *expected)
{
    static const char *const headers[] = {"STEP", "OUTCOME", "SECONDS", ""};
    AUTO_TABLE struct table t = {.headers = headers, .columns = 4, .right = 1 << 2};
    AUTO_STR struct str s = STR_INIT;

    table_add(&t, "load_image");
    table_add(&t, "ok");
    table_addf(&t, "%.1f", 12.25);
    table_add(&t, "the image is there, and has been\nfor long");
    table_add(&t, "上海");
    table_add(&t, NULL);
    table_add(&t, "");
    table_add(&t, "");
    table_render(&t, width, &s);
    assert_string_equal(str_get(&s), expected);
}

static void test_widths(void **state)
{
    (void)state;
    assert_renders(0, "STEP        OUTCOME  SECONDS\n"
                      "load_image  ok          12.2  the image is there, and has been for long\n"
                      "上海        -\n");
    assert_renders(60, "STEP        OUTCOME  SECONDS\n"
                       "load_image  ok          12.2  the image is there, and has\n"
                       "                              been for long\n"
                       "上海        -\n");
    assert_renders(40, "STEP        OUTCOME  SECONDS\n"
                       "load_image  ok          12.2\n"
                       "    the image is there, and has been for\n"
                       "    long\n"
                       "上海        -\n");
    assert_renders(24, "STEP     load_image\n"
                       "OUTCOME  ok\n"
                       "SECONDS  12.2\n"
                       "         the image is\n"
                       "         there, and has\n"
                       "         been for long\n"
                       "\n"
                       "STEP     上海\n"
                       "OUTCOME  -\n"
                       "SECONDS\n"
                       "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_widths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
