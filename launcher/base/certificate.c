#include "launcher/base/certificate.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "launcher/base/mem.h"

static void bio_free_ptr(BIO **bio)
{
    (void)BIO_free(*bio);
}

/* libcrypto takes lengths as int. */
static BIO *bio_of(const char *text, size_t len)
{
    return len > INT_MAX ? NULL : BIO_new_mem_buf(text, (int)len);
}

/* Would ask the terminal if it were NULL; notes that a pass phrase is wanted, and has none. */
static int no_pass_phrase(char *buffer, int size, int writing, void *arg)
{
    bool *wanted = arg;

    (void)buffer;
    (void)size;
    (void)writing;
    *wanted = true;
    return -1;
}

static bool read_time(const ASN1_TIME *time, uint64_t *ret_ms)
{
    struct tm parts;
    time_t seconds;

    if (!ASN1_TIME_to_tm(time, &parts)) {
        return false;
    }
    seconds = timegm(&parts);
    *ret_ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return true;
}

static void read_subject(const X509 *certificate, char *ret, size_t size)
{
    CLEANUP(bio_free_ptr) BIO *out = BIO_new(BIO_s_mem());
    int n = 0;

    if (out && X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0,
                                  XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        n = BIO_read(out, ret, (int)size - 1);
    }
    ret[n > 0 ? n : 0] = '\0';
}

void certificate_pair_read(const char *certificate, size_t certificate_len, const char *key,
                           size_t key_len, struct certificate_pair *ret)
{
    CLEANUP(bio_free_ptr) BIO *certificate_bio = bio_of(certificate, certificate_len);
    CLEANUP(bio_free_ptr) BIO *key_bio = bio_of(key, key_len);
    X509 *x509 = NULL;
    EVP_PKEY *pkey = NULL;

    *ret = (struct certificate_pair){.certificate_ok = false};
    if (certificate_bio) {
        x509 = PEM_read_bio_X509(certificate_bio, NULL, no_pass_phrase, &ret->key_encrypted);
    }
    ret->key_encrypted = false;
    if (key_bio) {
        pkey = PEM_read_bio_PrivateKey(key_bio, NULL, no_pass_phrase, &ret->key_encrypted);
    }
    ret->key_ok = pkey != NULL;
    ret->certificate_ok = x509 && read_time(X509_get0_notBefore(x509), &ret->from_ms) &&
                          read_time(X509_get0_notAfter(x509), &ret->until_ms);
    ret->match = x509 && pkey && X509_check_private_key(x509, pkey) == 1;
    if (x509) {
        read_subject(x509, ret->subject, sizeof(ret->subject));
    }
    X509_free(x509);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
}
