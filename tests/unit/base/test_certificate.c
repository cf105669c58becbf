#include "tests/unit/unit.h"

#include <string.h>

/* A name that both have. */
#define ERR_STATE openssl_ERR_STATE
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#undef ERR_STATE

#include "launcher/base/certificate.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

#define FROM_S 1700000000L
#define UNTIL_S 4900000000L

struct pems {
    struct str certificate, key, encrypted, other_key;
};

static void take_bio(BIO *bio, struct str *ret)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    str_append_n(ret, data, (size_t)len);
    BIO_free(bio);
}

static void write_key(EVP_PKEY *key, const EVP_CIPHER *cipher, struct str *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char phrase[] = "phrase";

    assert_true(PEM_write_bio_PrivateKey(bio, key, cipher, cipher ? phrase : NULL,
                                         cipher ? (int)sizeof(phrase) - 1 : 0, NULL, NULL));
    take_bio(bio, ret);
}

static void make_certificate(EVP_PKEY *key, struct str *ret)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);

    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), FROM_S));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), UNTIL_S));
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)"oms.example.com", -1, -1, 0));
    assert_true(X509_set_issuer_name(x, name) && X509_set_pubkey(x, key));
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_true(PEM_write_bio_X509(bio, x));
    X509_free(x);
    take_bio(bio, ret);
}

static int make_pems(void **state)
{
    static struct pems pems;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");

    assert_non_null(key);
    assert_non_null(other);
    make_certificate(key, &pems.certificate);
    write_key(key, NULL, &pems.key);
    write_key(key, EVP_aes_128_cbc(), &pems.encrypted);
    write_key(other, NULL, &pems.other_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    *state = &pems;
    return 0;
}

static int free_pems(void **state)
{
    struct pems *p = *state;

    str_free(&p->certificate);
    str_free(&p->key);
    str_free(&p->encrypted);
    str_free(&p->other_key);
    return 0;
}

static struct certificate_pair read_pair(const struct str *certificate, const struct str *key)
{
    struct certificate_pair p;

    certificate_pair_read(str_get(certificate), certificate->len, str_get(key), key->len, &p);
    return p;
}

static void a_pair(void **state)
{
    const struct pems *pems = *state;
    const struct certificate_pair p = read_pair(&pems->certificate, &pems->key);

    assert_true(p.certificate_ok && p.key_ok && p.match && !p.key_encrypted);
    assert_true(p.from_ms == (uint64_t)FROM_S * 1000);
    assert_true(p.until_ms == (uint64_t)UNTIL_S * 1000);
    assert_string_equal(p.subject, "CN = oms.example.com");
}

static void the_key_of_another(void **state)
{
    const struct pems *pems = *state;
    const struct certificate_pair p = read_pair(&pems->certificate, &pems->other_key);

    assert_true(p.certificate_ok && p.key_ok && !p.match);
}

static void a_key_with_a_pass_phrase(void **state)
{
    const struct pems *pems = *state;
    const struct certificate_pair p = read_pair(&pems->certificate, &pems->encrypted);

    assert_true(p.certificate_ok && !p.key_ok && p.key_encrypted && !p.match);
}

static void files_exchanged(void **state)
{
    const struct pems *pems = *state;
    const struct certificate_pair p = read_pair(&pems->key, &pems->certificate);

    assert_true(!p.certificate_ok && !p.key_ok && !p.key_encrypted && !p.match);
    assert_string_equal(p.subject, "");
}

static void nothing_and_nonsense(void **state)
{
    static const char *const texts[] = {"", "-----BEGIN CERTIFICATE-----\n", "nonsense\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct certificate_pair p;

        certificate_pair_read(texts[i], strlen(texts[i]), texts[i], strlen(texts[i]), &p);
        assert_true(!p.certificate_ok && !p.key_ok && !p.match);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair),
        cmocka_unit_test(the_key_of_another),
        cmocka_unit_test(a_key_with_a_pass_phrase),
        cmocka_unit_test(files_exchanged),
        cmocka_unit_test(nothing_and_nonsense),
    };

    return cmocka_run_group_tests(tests, make_pems, free_pems);
}
