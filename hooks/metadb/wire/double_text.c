/* Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles"): the boundaries of the
 * interval of decimals that are read as this double, scaled by a power of ten so that they lie a
 * few units apart; the shortest decimal is one of the four integers around. */
#include "hooks/metadb/wire/double_text.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hooks/metadb/wire/digits.h"

typedef unsigned __int128 u128;

enum { POWER_MIN = -292, POWER_MAX = 324, WORDS = 18 };

/* 10^k as 128 bits, rounded up, the highest of them set. */
static u128 powers[POWER_MAX - POWER_MIN + 1];

/* ---- powers of ten ----------------------------------------------------------------------------
 */

/* A large number: the lowest word first. */
struct large {
    uint64_t words[WORDS];
};

static void times_10(struct large *n)
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        u128 product = (u128)n->words[i] * 10 + carry;
        n->words[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}

/* Rounded down, as often as wanted: the same as dividing once. */
static void by_10(struct large *n)
{
    uint64_t rest = 0;
    for (int i = WORDS - 1; i >= 0; i--) {
        u128 part = (u128)rest << 64 | n->words[i];
        n->words[i] = (uint64_t)(part / 10);
        rest = (uint64_t)(part % 10);
    }
}

/* The highest 128 bits. `*ret_rest`: there are ones below them. */
static u128 top(const struct large *n, bool *ret_rest)
{
    int i = WORDS - 1;
    while (n->words[i] == 0) {
        i--;
    }
    int shift = __builtin_clzll(n->words[i]);
    uint64_t w[3] = {n->words[i], i > 0 ? n->words[i - 1] : 0, i > 1 ? n->words[i - 2] : 0};
    u128 high = ((u128)w[0] << 64 | w[1]) << shift;
    *ret_rest = false;
    if (shift > 0) {
        high |= w[2] >> (64 - shift);
        *ret_rest = w[2] << shift != 0;
    } else {
        *ret_rest = w[2] != 0;
    }
    for (int k = i - 3; k >= 0; k--) {
        *ret_rest = *ret_rest || n->words[k] != 0;
    }
    return high;
}

static void make_powers(void)
{
    struct large n = {.words = {1}};
    bool rest;
    for (int k = 0; k <= POWER_MAX; k++, times_10(&n)) {
        u128 high = top(&n, &rest);
        powers[k - POWER_MIN] = high + rest;
    }
    /* Large enough for 128 bits to be left of it after the last division. */
    memset(n.words, 0, sizeof(n.words));
    n.words[WORDS - 1] = 1ULL << 63;
    for (int k = -1; k >= POWER_MIN; k--) {
        by_10(&n);
        powers[k - POWER_MIN] = top(&n, &rest) + 1;
    }
}

/* ---- digits -----------------------------------------------------------------------------------
 */

/* Logarithms rounded down, exact for every exponent of a double. */
static inline int log10_of_power_of_2(int e)
{
    return (e * 1262611) >> 22;
}

static inline int log10_of_3_quarters_of_power_of_2(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

static inline int log2_of_power_of_10(int e)
{
    return (e * 1741647) >> 19;
}

/* The product's upper 64 bits; odd when something was cut off, so that no comparison goes wrong. */
static inline uint64_t scale(u128 power, uint64_t value)
{
    u128 low = (u128)(uint64_t)power * value;
    u128 high = (u128)(uint64_t)(power >> 64) * value + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct decimal {
    uint64_t digits;
    int exponent;
};

/* Of the number, not zero, whose bits' two fields these are. */
static struct decimal shortest(uint64_t fraction, int biased)
{
    uint64_t m = biased ? fraction | 1ULL << 52 : fraction;
    int e = (biased ? biased : 1) - 1075;
    bool even = m % 2 == 0;
    /* Below a power of two the next double is only half as far away as above it. */
    bool nearer_below = fraction == 0 && biased > 1;
    int k = nearer_below ? log10_of_3_quarters_of_power_of_2(e) : log10_of_power_of_2(e);
    int shift = e + log2_of_power_of_10(-k) + 1;
    u128 power = powers[-k - POWER_MIN];
    uint64_t below = scale(power, (4 * m - 2 + nearer_below) << shift);
    uint64_t exact = scale(power, 4 * m << shift);
    uint64_t above = scale(power, (4 * m + 2) << shift);
    uint64_t lower = below + !even, upper = above - !even, s = exact / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up) {
            return (struct decimal){tens + up, k + 1};
        }
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up) {
        return (struct decimal){s + up, k};
    }
    uint64_t middle = 4 * s + 2;
    bool nearer_up = exact > middle || (exact == middle && s % 2 == 1);
    return (struct decimal){s + nearer_up, k};
}

/* ---- text -------------------------------------------------------------------------------------
 */

/* The digits, but for zeroes at their end; returns how many. */
static int write_digits(char *out, struct decimal *d)
{
    for (; d->digits % 10 == 0; d->digits /= 10) {
        d->exponent++;
    }
    return (int)(digits_put(out, d->digits) - out);
}

static char *write_zeroes(char *out, int count)
{
    for (int i = 0; i < count; i++) {
        *out++ = '0';
    }
    return out;
}

/* As the servers do: plain as long as the point is at most 15 places from the first digit. */
static char *write_decimal(char *out, struct decimal d)
{
    char digits[DIGITS_MAX];
    int count = write_digits(digits, &d), point = count + d.exponent;
    if (point > 15 || point < -14) {
        *out++ = digits[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, digits + 1, (size_t)count - 1);
            out += count - 1;
        }
        *out++ = 'e';
        int exponent = point - 1;
        if (exponent < 0) {
            *out++ = '-';
            exponent = -exponent;
        }
        return digits_put(out, (uint64_t)exponent);
    }
    int whole = point < 0 ? 0 : point < count ? point : count;
    memcpy(out, digits, (size_t)whole);
    out = write_zeroes(out + whole, whole == 0 ? 1 : point - whole);
    if (count > whole) {
        *out++ = '.';
        out = write_zeroes(out, point < 0 ? -point : 0);
        memcpy(out, digits + whole, (size_t)(count - whole));
        out += count - whole;
    }
    return out;
}

char *double_text(char *out, double value)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    pthread_once(&once, make_powers);
    if (bits >> 63) {
        *out++ = '-';
    }
    uint64_t fraction = bits & ((1ULL << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7ff);
    if (fraction == 0 && biased == 0) {
        *out++ = '0';
        return out;
    }
    return write_decimal(out, shortest(fraction, biased));
}
