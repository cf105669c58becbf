/* What a certificate and its private key in PEM say of themselves, by libcrypto. */
#ifndef OMSLAUNCH_BASE_CERTIFICATE_H
#define OMSLAUNCH_BASE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate_pair {
    bool certificate_ok;        /* the first certificate of the text could be read */
    bool key_ok;                /* the first private key could, without a pass phrase */
    bool key_encrypted;         /* it needs a pass phrase */
    bool match;                 /* the key is the certificate's */
    uint64_t from_ms, until_ms; /* valid from and until; wall clock. With certificate_ok only */
    char subject[256];          /* "CN = oms.example.com", cut if longer */
};

/* Never fails: what cannot be read is not ok. Keeps nothing of the key. */
void certificate_pair_read(const char *certificate, size_t certificate_len, const char *key,
                           size_t key_len, struct certificate_pair *ret);

#endif
