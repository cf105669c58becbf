#include "tests/unit/unit.h"

#include <stdlib.h>

#include "inspect/oms_version.h"
#include "launcher/base/str.h"

static void tags(void **state)
{
    static const char *const cases[][2] = {
        {"feature_3.2.2", "3.2.2"},
        {"feature_4.0.0-ce", "4.0.0-CE"},
        {"feature_4.2.11_ce", "4.2.11-CE"},
        {"feature_4.0-ce", "4.0.0-CE"},
        {"4.2.3-CE", "4.2.3-CE"},
        {"4.2.3_Ce", "4.2.3-CE"},
        {"feature_4.2.3_bp1", "4.2.3 BP1"},
        {"feature_4.2.3-BP12_ce", "4.2.3-CE BP12"},
        {"feature_4.2.3_ce-bp2", "4.2.3-CE BP2"},
        {"9999.9999.9999", "9999.9999.9999"},
        {"0.0.1", "0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oms_version v;
        struct err err = ERR_INIT;
        char text[OMS_VERSION_TEXT_MAX];

        assert_ok(oms_version_parse(cases[i][0], &v, &err), &err);
        assert_string_equal(oms_version_format(&v, text), cases[i][1]);
    }
}

static void no_tags(void **state)
{
    static const char *const cases[] = {
        "",
        "latest",
        "feature_",
        "feature_4",
        "4",
        "4.",
        "4.2.",
        "4.2.3.4",
        "feature_4.2.3-",
        "feature_4.2.3ce",
        "feature_4.2.3-ce-ce",
        "feature_4.2.3-cee",
        "feature_4.2.3_bp",
        "feature_4.2.3_bp0",
        "feature_4.2.3_bp1_bp2",
        "v4.2.3",
        "feature-4.2.3",
        "FEATURE_4.2.3",
        "4.02.3",
        "04.2.3",
        "4.2.12345",
        "99999999999999999999.1",
        " 4.2.3",
        "4.2.3 ",
        "4.-2.3",
        "feature_feature_4.2.3",
        "4.2.3_arm",
        "\xc3\xa4",
        "4..3",
        "4.2.3\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oms_version v;
        struct err err = ERR_INIT;
        AUTO_FREE char *expected = mem_printf(
            "'%s' is no tag of an OMS image, expected feature_X.Y.Z, feature_X.Y.Z-ce or "
            "feature_X.Y.Z_ce\nHINT: use the tag under which the image was delivered, for example "
            "'feature_4.2.9_ce'; `docker images` lists the ones that are here",
            cases[i]);

        assert_fails(oms_version_parse(cases[i], &v, &err));
        assert_err(&err, ERR_USAGE, expected);
    }
}

static void order(void **state)
{
    static const char *const ascending[] = {"3.2.2",         "3.3.0",     "3.3.1-ce",
                                            "4.0",           "4.0.0_bp1", "4.0.2",
                                            "feature_4.2.9", "4.2.10",    "10.0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
        for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
            struct oms_version a, b;
            struct err err = ERR_INIT;
            int got;

            assert_ok(oms_version_parse(ascending[i], &a, &err), &err);
            assert_ok(oms_version_parse(ascending[k], &b, &err), &err);
            got = oms_version_compare(&a, &b);
            assert_int_equal((got > 0) - (got < 0), (i > k) - (i < k));
        }
    }
}

static void at_least(void **state)
{
    const struct oms_version v = {.major = 3, .minor = 3, .patch = 1};

    (void)state;
    assert_true(oms_version_at_least(&v, 3, 3, 1));
    assert_true(oms_version_at_least(&v, 3, 3, 0));
    assert_true(oms_version_at_least(&v, 2, 9, 9));
    assert_false(oms_version_at_least(&v, 3, 3, 2));
    assert_false(oms_version_at_least(&v, 4, 0, 0));
}

static void image_references(void **state)
{
    static const char *const cases[][3] = {
        {"host:5000/repo/oms:TAG@sha256:abc", "host:5000/repo/oms", "TAG"},
        {"host:5000/repo/oms@sha256:abc", "host:5000/repo/oms", ""},
        {"host:5000/repo/oms", "host:5000/repo/oms", ""},
        {"host:5000/repo/oms:feature_4.2.3_ce", "host:5000/repo/oms", "feature_4.2.3_ce"},
        {"oms", "oms", ""},
        {"oms:4.2", "oms", "4.2"},
        {"oms:", "oms", ""},
        {"a/b/c:d", "a/b/c", "d"},
        {"", "", ""},
        {"sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268", "", ""},
        {"23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *repository = NULL;
        AUTO_FREE char *tag = NULL;

        image_ref_split(cases[i][0], &repository, &tag);
        assert_string_equal(repository, cases[i][1]);
        assert_string_equal(tag, cases[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),     cmocka_unit_test(no_tags),          cmocka_unit_test(order),
        cmocka_unit_test(at_least), cmocka_unit_test(image_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
