/*
 * Allocations fail, the first each, later ones in steps, while a certificate of attested TLS is made
 * and read: an error or the right result comes of it, and a certificate with another signature is never
 * accepted.
 */
#include "harness.h"
#include "openssl_memory.h"

#include <openssl/pem.h>

#include "attest/attls_cert.h"
#include "attest/attls_make.h"

static char private_pem[4096];
static char public_pem[4096];
static uint8_t *good;
static size_t good_len;

static oe_result_t make(uint8_t **der, size_t *len)
{
    struct cm_attls_wanted want = {.subject = "CN=a,O=b",
                                   .not_before = CM_ATTLS_NOT_BEFORE,
                                   .not_after = CM_ATTLS_NOT_AFTER,
                                   .oid = cm_attls_oid_evidence,
                                   .statement = cm_span_make("evidence", 8)};
    struct cm_attls_keys *keys = NULL;
    char text[CM_ATTLS_MAX_PEM];
    size_t text_len = 0;
    oe_result_t r = OE_OK;

    *der = NULL;
    r = cm_attls_keys_read(cm_span_make(private_pem, strlen(private_pem)),
                           cm_span_make(public_pem, strlen(public_pem)), &keys);
    if (r == OE_OK) {
        r = cm_attls_keys_text(keys, text, sizeof(text), &text_len);
        CHECK(r != OE_OK || strcmp(text, public_pem) == 0);
    }
    if (r == OE_OK) {
        r = cm_attls_cert_make(keys, &want, der, len);
    }
    cm_attls_keys_free(keys);
    return r;
}

static bool prepare(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *a = BIO_new(BIO_s_mem());
    BIO *b = BIO_new(BIO_s_mem());
    bool ok = good != NULL;

    if (!ok && PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_PUBKEY(b, key) == 1) {
        (void)BIO_read(a, private_pem, sizeof(private_pem) - 1);
        (void)BIO_read(b, public_pem, sizeof(public_pem) - 1);
        ok = make(&good, &good_len) == OE_OK;
    }
    BIO_free(a);
    BIO_free(b);
    EVP_PKEY_free(key);
    return ok;
}

TEST(making)
{
    bool hit = true;
    long failures = 0;

    REQUIRE(prepare());
    for (long k = 1; hit && k < 100000; k += 1 + k / 32) {
        struct cm_attls_cert cert;
        uint8_t *der = NULL;
        size_t len = 0;
        oe_result_t r = OE_OK;

        fail_alloc_at(k);
        r = make(&der, &len);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        failures += r != OE_OK;
        CHECK_EQ(r == OE_OK, der != NULL);
        CHECK(r != OE_OK || cm_attls_cert_read(cm_span_make(der, len), &cert, NULL) == CM_OK);
        free(der);
    }
    CHECK(!hit && failures > 0);
}

TEST(reading)
{
    bool hit = true;

    REQUIRE(prepare());
    for (long k = 1; hit && k < 100000; k += 1 + k / 32) {
        struct cm_attls_cert cert;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_attls_cert_read(cm_span_make(good, good_len), &cert, NULL);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(hit || st == CM_OK);
        CHECK_EQ(st == CM_OK, cert.statement.ptr != NULL);
        good[good_len - 1] ^= 1; /* the signature */
        fail_alloc_at(k);
        st = cm_attls_cert_read(cm_span_make(good, good_len), &cert, NULL);
        fail_alloc_at(-1);
        CHECK(st != CM_OK && cert.statement.ptr == NULL);
        good[good_len - 1] ^= 1;
    }
    CHECK(!hit);
    free(good);
    good = NULL;
}

TEST_MAIN
