/*
 * Certificates of attested TLS: what is written is read, by us and by OpenSSL; and a zoo of
 * certificates with one flaw each is refused, with every truncation and every flipped bit.
 */
#include "harness.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "attest/attls_cert.h"
#include "attest/attls_make.h"

static const uint8_t old_evidence[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x02};
static const uint8_t old_report[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x01};
static const uint8_t statement[] = "what stands for evidence";

static void pem_of(EVP_PKEY *key, char private_pem[8192], char public_pem[4096])
{
    BIO *a = BIO_new(BIO_s_mem());
    BIO *b = BIO_new(BIO_s_mem());
    int n = 0;

    CHECK(PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL) == 1);
    CHECK(PEM_write_bio_PUBKEY(b, key) == 1);
    n = BIO_read(a, private_pem, 8191);
    private_pem[n > 0 ? n : 0] = '\0';
    n = BIO_read(b, public_pem, 4095);
    public_pem[n > 0 ? n : 0] = '\0';
    BIO_free(a);
    BIO_free(b);
}

static struct cm_attls_keys *keys_of(EVP_PKEY *key)
{
    char private_pem[8192];
    char public_pem[4096];
    struct cm_attls_keys *keys = NULL;

    pem_of(key, private_pem, public_pem);
    CHECK_EQ(cm_attls_keys_read(cm_span_make(private_pem, strlen(private_pem) + 1),
                                cm_span_make(public_pem, strlen(public_pem) + 1), &keys),
             OE_OK);
    return keys;
}

static struct cm_attls_wanted wanted(const uint8_t *oid)
{
    struct cm_attls_wanted w = {NULL, CM_ATTLS_NOT_BEFORE, CM_ATTLS_NOT_AFTER, oid,
                                cm_span_make(statement, sizeof(statement))};

    return w;
}

static enum cm_status read_back(const uint8_t *der, size_t len, struct cm_attls_cert *out)
{
    return cm_attls_cert_read(cm_span_make(der, len), out, NULL);
}

static void check_kind(EVP_PKEY *key)
{
    struct cm_attls_keys *keys = keys_of(key);
    struct cm_attls_wanted w = wanted(cm_attls_oid_evidence);
    struct cm_attls_cert cert;
    char private_pem[8192];
    char public_pem[4096];
    char text[CM_ATTLS_MAX_PEM];
    uint8_t *der = NULL;
    const unsigned char *at = NULL;
    size_t len = 0;
    size_t text_len = 0;
    X509 *x = NULL;

    REQUIRE(keys != NULL && cm_attls_cert_make(keys, &w, &der, &len) == OE_OK);
    CHECK_EQ(read_back(der, len, &cert), CM_OK);
    CHECK(!cert.legacy && cert.statement.len == sizeof(statement));
    CHECK_MEM(cert.statement.ptr, statement, sizeof(statement));
    CHECK_EQ(cert.period.not_before, 1556668800);
    CHECK_EQ(cert.period.not_after, 2556143999);
    /* the key's text is what OpenSSL writes, terminator included */
    pem_of(key, private_pem, public_pem);
    CHECK_EQ(cm_attls_pem(cert.spki, text, sizeof(text), &text_len), CM_OK);
    CHECK_STR(text, public_pem);
    CHECK_EQ(text_len, strlen(public_pem) + 1);
    CHECK_EQ(cm_attls_pem(cert.spki, text, text_len - 1, &text_len), CM_ERR_SPACE);
    CHECK_EQ(cm_attls_keys_text(keys, text, sizeof(text), &text_len), OE_OK);
    CHECK_STR(text, public_pem);
    at = der;
    x = d2i_X509(NULL, &at, (long)len);
    REQUIRE(x != NULL);
    CHECK(X509_verify(x, key) == 1);
    CHECK_EQ(X509_check_ca(x), 0);
    X509_free(x);
    free(der);
    cm_attls_keys_free(keys);
}

TEST(every_kind_of_key)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
                        EVP_RSA_gen(2048), EVP_RSA_gen(3072)};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        check_kind(keys[i]);
        EVP_PKEY_free(keys[i]);
    }
}

TEST(I3_keys_must_be_one_pair_of_a_good_kind)
{
    EVP_PKEY *a = EVP_EC_gen("P-256");
    EVP_PKEY *b = EVP_EC_gen("P-256");
    EVP_PKEY *bad[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"),
                       EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    char private_a[8192];
    char public_a[4096];
    char private_b[8192];
    char public_b[4096];
    struct cm_attls_keys *keys = NULL;

    pem_of(a, private_a, public_a);
    pem_of(b, private_b, public_b);
    CHECK_EQ(cm_attls_keys_read(cm_span_make(private_a, strlen(private_a)),
                                cm_span_make(public_b, strlen(public_b)), &keys),
             OE_INVALID_PARAMETER);
    CHECK_EQ(cm_attls_keys_read(cm_span_make(public_a, strlen(public_a)),
                                cm_span_make(public_a, strlen(public_a)), &keys),
             OE_INVALID_PARAMETER);
    CHECK_EQ(cm_attls_keys_read(cm_span_make(NULL, 0), cm_span_make(NULL, 0), &keys),
             OE_INVALID_PARAMETER);
    CHECK(keys == NULL);
    for (size_t i = 0; i < 3; i++) {
        pem_of(bad[i], private_b, public_b);
        CHECK_EQ(cm_attls_keys_read(cm_span_make(private_b, strlen(private_b)),
                                    cm_span_make(public_b, strlen(public_b)), &keys),
                 OE_INVALID_PARAMETER);
        EVP_PKEY_free(bad[i]);
    }
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}

TEST(names_and_dates)
{
    static const char *const good[] = {"CN=a", "C=US, O=\\, Inc,CN=x=y",
                                       "CN=Open Enclave SDK,O=OE,C=US"};
    static const char *const bad[] = {"",      "CN",      "=x",      "CN=",         "CN=a,",
                                      ",CN=a", "CN=a\tb", "XYZZY=a", "CN=\xc3\xa4", "CN=a,,O=b"};
    static const char *const dates[] = {"",
                                        "2019050100000",
                                        "201905010000000",
                                        "20190501000000Z",
                                        "20191301000000",
                                        "20190230000000",
                                        "2019050100000x",
                                        "19190501000000",
                                        NULL};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct cm_attls_keys *keys = keys_of(key);
    struct cm_attls_wanted w = wanted(cm_attls_oid_evidence);
    struct cm_attls_cert cert;
    uint8_t *der = NULL;
    size_t len = 0;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        w.subject = good[i];
        REQUIRE(cm_attls_cert_make(keys, &w, &der, &len) == OE_OK);
        CHECK_EQ(read_back(der, len, &cert), CM_OK);
        free(der);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        w.subject = bad[i];
        CHECK_EQ(cm_attls_cert_make(keys, &w, &der, &len), OE_INVALID_PARAMETER);
        CHECK(der == NULL);
    }
    w = wanted(cm_attls_oid_evidence);
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        w.not_before = dates[i];
        CHECK_EQ(cm_attls_cert_make(keys, &w, &der, &len), OE_INVALID_PARAMETER);
    }
    w.not_before = CM_ATTLS_NOT_AFTER; /* nothing would be left */
    CHECK_EQ(cm_attls_cert_make(keys, &w, &der, &len), OE_INVALID_PARAMETER);
    w.not_before = "20260101120000";
    w.not_after = "20510101000000";
    REQUIRE(cm_attls_cert_make(keys, &w, &der, &len) == OE_OK);
    CHECK_EQ(read_back(der, len, &cert), CM_OK);
    CHECK_EQ(cert.period.not_before, 1767268800);
    CHECK_EQ(cert.period.not_after, 2556144000);
    free(der);
    cm_attls_keys_free(keys);
    EVP_PKEY_free(key);
}

TEST(both_numbers_of_both_extensions)
{
    const uint8_t *const oids[] = {cm_attls_oid_evidence, old_evidence, cm_attls_oid_report,
                                   old_report};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct cm_attls_keys *keys = keys_of(key);

    for (size_t i = 0; i < 4; i++) {
        struct cm_attls_wanted w = wanted(oids[i]);
        struct cm_attls_cert cert;
        uint8_t *der = NULL;
        size_t len = 0;

        REQUIRE(cm_attls_cert_make(keys, &w, &der, &len) == OE_OK);
        CHECK_EQ(read_back(der, len, &cert), CM_OK);
        CHECK_EQ(cert.legacy, i >= 2);
        free(der);
    }
    cm_attls_keys_free(keys);
    EVP_PKEY_free(key);
}

TEST(every_truncation_and_every_bit)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct cm_attls_keys *keys = keys_of(key);
    struct cm_attls_wanted w = wanted(cm_attls_oid_evidence);
    struct cm_attls_cert cert;
    uint8_t *der = NULL;
    uint8_t *more = NULL;
    size_t len = 0;
    int accepted = 0;

    REQUIRE(cm_attls_cert_make(keys, &w, &der, &len) == OE_OK);
    for (size_t n = 0; n < len; n++) {
        accepted += read_back(der, n, &cert) == CM_OK;
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        accepted += read_back(der, len, &cert) == CM_OK;
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    more = calloc(1, len + 1);
    REQUIRE(more != NULL);
    memcpy(more, der, len);
    accepted += read_back(more, len + 1, &cert) == CM_OK;
    CHECK_EQ(accepted, 0);
    CHECK_EQ(read_back(der, len, &cert), CM_OK);
    free(more);
    free(der);
    cm_attls_keys_free(keys);
    EVP_PKEY_free(key);
}

/* --------------------------------------------------------------- the zoo */

struct flaw {
    const char *name;
    enum cm_status want;
    void (*apply)(X509 *x, EVP_PKEY *key);
    bool other_signer;
};

static void extension(X509 *x, const char *oid, int critical, const void *value, int len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;

    (void)ASN1_OCTET_STRING_set(octets, value, len);
    e = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    (void)X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void evidence(X509 *x)
{
    extension(x, "1.3.6.1.4.1.311.105.2", 0, statement, sizeof(statement));
}

static void none(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
}

static void no_evidence(X509 *x, EVP_PKEY *key)
{
    (void)key;
    extension(x, "2.5.29.14", 0, "\x04\x01\x01", 3);
}

static void empty_evidence(X509 *x, EVP_PKEY *key)
{
    (void)key;
    extension(x, "1.3.6.1.4.1.311.105.2", 0, "", 0);
}

static void two_statements(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "1.2.840.113556.10.1.2", 0, statement, sizeof(statement));
}

static void evidence_and_report(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "1.3.6.1.4.1.311.105.1", 0, statement, sizeof(statement));
}

static void the_same_twice(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    evidence(x);
}

static void is_ca(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "2.5.29.19", 1, "\x30\x03\x01\x01\xff", 5);
}

static void may_not_sign(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "2.5.29.15", 1, "\x03\x02\x05\x20", 4);
}

static void usage_malformed(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "2.5.29.15", 1, "\x03\x01\x00", 3);
}

static void unknown_critical(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "1.2.3.4", 1, "\x05\x00", 2);
}

static void unknown_harmless(X509 *x, EVP_PKEY *key)
{
    (void)key;
    evidence(x);
    extension(x, "1.2.3.4", 0, "\x05\x00", 2);
}

static void other_issuer(X509 *x, EVP_PKEY *key)
{
    X509_NAME *name = X509_NAME_new();

    (void)key;
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"else", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(x, name);
    X509_NAME_free(name);
    evidence(x);
}

static void version_one(X509 *x, EVP_PKEY *key)
{
    (void)key;
    (void)X509_set_version(x, 0);
    evidence(x);
}

static void explicit_parameters(X509 *x, EVP_PKEY *key)
{
    EVP_PKEY *copy = EVP_PKEY_dup(key);

    (void)EVP_PKEY_set_utf8_string_param(copy, "encoding", "explicit");
    (void)X509_set_pubkey(x, copy);
    EVP_PKEY_free(copy);
    evidence(x);
}

static uint8_t *flawed(const struct flaw *f, EVP_PKEY *key, size_t *len)
{
    X509 *x = X509_new();
    EVP_PKEY *other = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    int n = 0;

    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 77);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"enclave", -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    (void)X509_set_pubkey(x, key);
    f->apply(x, key);
    CHECK(X509_sign(x, f->other_signer ? other : key, EVP_sha256()) != 0);
    n = i2d_X509(x, &der);
    X509_free(x);
    EVP_PKEY_free(other);
    *len = n > 0 ? (size_t)n : 0;
    return der;
}

TEST(I3_a_zoo_of_flaws)
{
    static const struct flaw flaws[] = {
        {"none", CM_OK, none, false},
        {"signed by another key", CM_ERR_SIGNATURE, none, true},
        {"no evidence", CM_ERR_NOTFOUND, no_evidence, false},
        {"empty evidence", CM_ERR_NOTFOUND, empty_evidence, false},
        {"two statements", CM_ERR_MISMATCH, two_statements, false},
        {"evidence and report", CM_ERR_MISMATCH, evidence_and_report, false},
        {"an extension twice", CM_ERR_FORMAT, the_same_twice, false},
        {"a CA", CM_ERR_MISMATCH, is_ca, false},
        {"may not sign", CM_ERR_MISMATCH, may_not_sign, false},
        {"malformed usage", CM_ERR_FORMAT, usage_malformed, false},
        {"unknown critical extension", CM_ERR_MISMATCH, unknown_critical, false},
        {"unknown extension", CM_OK, unknown_harmless, false},
        {"another issuer", CM_ERR_MISMATCH, other_issuer, false},
        {"version 1", CM_ERR_FORMAT, version_one, false},
        {"explicit curve parameters", CM_ERR_UNSUPPORTED, explicit_parameters, false},
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");

    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        struct cm_attls_cert cert;
        size_t len = 0;
        uint8_t *der = flawed(&flaws[i], key, &len);
        enum cm_status st = read_back(der, len, &cert);

        if (st != flaws[i].want) {
            TEST_FAIL("%s: %d, not %d", flaws[i].name, st, flaws[i].want);
        }
        CHECK(st == CM_OK || cert.statement.ptr == NULL);
        OPENSSL_free(der);
    }
    EVP_PKEY_free(key);
}

/* Of the two names of the algorithm only the inner one is signed; here they differ, and the signature is
 * good for the outer one. */
TEST(algorithms_inside_and_outside)
{
    static const struct flaw honest = {"none", CM_OK, none, false};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    struct cm_attls_cert cert;
    const ASN1_BIT_STRING *signature = NULL;
    unsigned char *tbs = NULL;
    unsigned char *der = NULL;
    uint8_t bytes[80];
    size_t len = sizeof(bytes);
    size_t honest_len = 0;
    uint8_t *first = flawed(&honest, key, &honest_len);
    const unsigned char *at = first;
    X509 *x = d2i_X509(NULL, &at, (long)honest_len);
    int n = 0;

    REQUIRE(x != NULL);
    CHECK(X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x),
                          OBJ_nid2obj(NID_ecdsa_with_SHA384), V_ASN1_UNDEF, NULL) == 1);
    n = i2d_re_X509_tbs(x, &tbs);
    CHECK(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
          EVP_DigestSign(md, bytes, &len, tbs, (size_t)n) == 1);
    X509_get0_signature(&signature, NULL, x);
    CHECK(ASN1_STRING_set((ASN1_STRING *)(uintptr_t)signature, bytes, (int)len) == 1);
    n = i2d_X509(x, &der);
    REQUIRE(n > 0);
    CHECK_EQ(read_back(der, (size_t)n, &cert), CM_ERR_FORMAT);
    OPENSSL_free(first);
    OPENSSL_free(tbs);
    OPENSSL_free(der);
    X509_free(x);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
}

TEST(too_long)
{
    uint8_t *big = calloc(1, CM_ATTLS_MAX_CERT + 1);
    struct cm_attls_cert cert;

    REQUIRE(big != NULL);
    CHECK_EQ(read_back(big, CM_ATTLS_MAX_CERT + 1, &cert), CM_ERR_FORMAT);
    free(big);
}

TEST_MAIN
