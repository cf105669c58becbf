#include "hooks/metadb/model/rowhash.h"

#include "hooks/metadb/wire/load.h"

/* Odd constants with about as many ones as zeroes. */
#define K0 0x9e3779b97f4a7c15ULL
#define K1 0xd6e8feb86659fd93ULL
#define K2 0xa0761d6478bd642fULL

/* Both halves of the product, folded: every bit of a and b reaches every bit of the result. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The last bytes of a value, at most 16, by loads that overlap: most values are this short. */
static inline uint64_t hash_short(uint64_t h, const char *p, size_t len)
{
    uint64_t a = 0, b = 0;
    if (len >= 8) {
        a = load8(p);
        b = load8(p + len - 8);
    } else if (len >= 4) {
        a = load4(p);
        b = load4(p + len - 4);
    } else if (len > 0) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[len / 2] << 8 |
            (unsigned char)p[len - 1];
    }
    return fold(a ^ K2, b ^ h);
}

static inline uint64_t hash_bytes(uint64_t seed, const char *p, size_t len)
{
    uint64_t h = seed ^ (len + 1) * K0;
    while (len > 16) {
        h = fold(load8(p) ^ K1, load8(p + 8) ^ h);
        p += 16;
        len -= 16;
    }
    return hash_short(h, p, len);
}

uint64_t rowhash(char *const *cells, const unsigned long *lens, unsigned count)
{
    uint64_t h = K2 + count;
    for (unsigned i = 0; i < count; i++) {
        h = cells[i] ? hash_bytes(h, cells[i], lens[i]) : fold(h ^ K1, K0);
    }
    return fold(h ^ K0, K2);
}
