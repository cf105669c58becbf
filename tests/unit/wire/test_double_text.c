#include "tests/unit/unit.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/wire/double_text.h"
#include "launcher/base/mem.h"

static const char *text_of(double value)
{
    static char text[DOUBLE_TEXT_MAX + 1];
    char *end = double_text(text, value);
    assert_true(end - text <= DOUBLE_TEXT_MAX);
    *end = '\0';
    return text;
}

/* Each as `SELECT x * 1e0` shows it on MariaDB 10.11 and on MySQL 5.6. */
static void form_is_the_servers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100"},
        {1234567.125, "1234567.125"},
        {1.0 / 3, "0.3333333333333333"},
        {1e14, "100000000000000"},
        {999999999999999.0, "999999999999999"},
        {1e15, "1e15"},
        {1e20, "1e20"},
        {1e22, "1e22"},
        {1e23, "1e23"},
        {123456789012345678.0, "1.2345678901234568e17"},
        {0.00001, "0.00001"},
        {1e-15, "0.000000000000001"},
        {1.5e-15, "0.0000000000000015"},
        {1e-16, "1e-16"},
        {9007199254740993.0, "9.007199254740992e15"},
        {DBL_MAX, "1.7976931348623157e308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {-2.2250738585072011e-308, "-2.225073858507201e-308"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(text_of(cases[i].value), cases[i].text);
    }
}

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static void check_same(double value)
{
    double back = strtod(text_of(value), NULL);
    assert_memory_equal(&back, &value, sizeof(value));
}

static size_t digits_of(const char *text)
{
    size_t count = 0, zeroes = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text >= '1' && *text <= '9') {
            count += zeroes + 1;
            zeroes = 0;
        } else if (*text == '0' && count > 0) {
            zeroes++;
        }
    }
    return count;
}

/* No text of fewer digits is read as the same double. */
static void check_shortest(double value)
{
    char shorter[64];
    size_t digits = digits_of(text_of(value));
    if (digits > 1) {
        snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

/* Every power of two and its two neighbours: where the gaps between doubles change. */
static void powers_of_two_come_back(void **state)
{
    (void)state;
    for (uint64_t exponent = 0; exponent < 0x7ff; exponent++) {
        for (int step = exponent > 0 ? -1 : 0; step <= 1; step++) {
            double value = of_bits((exponent << 52) + (uint64_t)step);
            check_same(value);
            check_shortest(value);
        }
    }
}

static void powers_of_ten_come_back(void **state)
{
    (void)state;
    char text[16];
    for (int e = -323; e <= 308; e++) {
        snprintf(text, sizeof(text), "1e%d", e);
        double value = strtod(text, NULL);
        check_same(value);
        check_same(of_bits(bits_of(value) - 1));
        check_same(of_bits(bits_of(value) + 1));
        assert_int_equal(digits_of(text_of(value)), 1);
    }
}

static void any_double_comes_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252ULL;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value = of_bits(bits);
        if (isfinite(value)) {
            check_same(value);
            check_shortest(value);
        }
        check_same((double)(int64_t)(bits >> 30) / 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_is_the_servers),
        cmocka_unit_test(powers_of_two_come_back),
        cmocka_unit_test(powers_of_ten_come_back),
        cmocka_unit_test(any_double_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
