#include "launcher/base/digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "launcher/base/mem.h"

struct digest {
    EVP_MD_CTX *context;
};

/* SHA-256 of bytes in memory fails only for want of memory, or in a libcrypto that is broken. */
static void need(int ok)
{
    if (ok != 1) {
        abort();
    }
}

struct digest *digest_new(void)
{
    struct digest *d = mem_alloc(sizeof(*d));
    d->context = EVP_MD_CTX_new();
    need(d->context != NULL);
    need(EVP_DigestInit_ex(d->context, EVP_sha256(), NULL));
    return d;
}

void digest_update(struct digest *d, const void *bytes, size_t len)
{
    need(EVP_DigestUpdate(d->context, bytes, len));
}

void digest_finish_take(struct digest *d, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    need(EVP_DigestFinal_ex(d->context, sum, &len));
    need(len == (DIGEST_HEX_MAX - 1) / 2);
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    hex[DIGEST_HEX_MAX - 1] = '\0';
    digest_free(d);
}

void digest_free(struct digest *d)
{
    if (d) {
        EVP_MD_CTX_free(d->context);
        free(d);
    }
}

void digest_of(const void *bytes, size_t len, char *hex)
{
    struct digest *d = digest_new();
    digest_update(d, bytes, len);
    digest_finish_take(d, hex);
}
