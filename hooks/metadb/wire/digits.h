/* Whole numbers as text, two digits at a time. */
#ifndef OMSLAUNCH_METADB_DIGITS_H
#define OMSLAUNCH_METADB_DIGITS_H

#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 64 bits */

/* `value` < 100. Returns the end, as all of these do. */
static inline char *digits_put_two(char *out, unsigned value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    memcpy(out, pairs + (size_t)2 * value, 2);
    return out + 2;
}

static inline char *digits_put(char *out, uint64_t value)
{
    char digits[DIGITS_MAX], *p = digits + DIGITS_MAX;
    for (; value >= 100; value /= 100) {
        p -= 2;
        (void)digits_put_two(p, (unsigned)(value % 100));
    }
    if (value >= 10) {
        p -= 2;
        (void)digits_put_two(p, (unsigned)value);
    } else {
        *--p = (char)('0' + value);
    }
    size_t n = (size_t)(digits + DIGITS_MAX - p);
    memcpy(out, p, n);
    return out + n;
}

#endif
