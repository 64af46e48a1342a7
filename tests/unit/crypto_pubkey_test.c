/* Keys and signatures: what must not verify first. */
#include "harness.h"

#include <openssl/x509.h>

#include "crypto/pubkey.h"

static const struct {
    enum cm_sig_alg alg;
    enum cm_curve curve;
    unsigned rsa_bits;
    size_t sig_len;
} algs[] = {
    {CM_SIG_ES256, CM_CURVE_P256, 0, 64},     {CM_SIG_ES384, CM_CURVE_P384, 0, 96},
    {CM_SIG_ES512, CM_CURVE_P521, 0, 132},    {CM_SIG_RS256, CM_CURVE_P256, 2048, 256},
    {CM_SIG_RS512, CM_CURVE_P256, 2048, 256}, {CM_SIG_PS256, CM_CURVE_P256, 2048, 256},
    {CM_SIG_PS384, CM_CURVE_P256, 2048, 256},
};
#define ALG_COUNT (sizeof(algs) / sizeof(algs[0]))

static struct cm_privkey *rsa;
static struct cm_privkey *ec[3];

static struct cm_privkey *key_for(size_t i)
{
    struct cm_privkey **slot = algs[i].rsa_bits != 0 ? &rsa : &ec[algs[i].curve];

    if (*slot == NULL && cm_privkey_generate(algs[i].curve, algs[i].rsa_bits, slot) != CM_OK) {
        return NULL;
    }
    return *slot;
}

TEST(flipped_bytes_do_not_verify)
{
    struct cm_span parts[2] = {{(const uint8_t *)"head", 4}, {(const uint8_t *)"body", 4}};
    struct cm_span joined = {(const uint8_t *)"headbody", 8};
    struct cm_span other = {(const uint8_t *)"headbodz", 8};

    for (size_t i = 0; i < ALG_COUNT; i++) {
        uint8_t sig[CM_SIG_MAX_SIZE] = {0};
        struct cm_pubkey *pub = NULL;
        size_t len = 0;

        REQUIRE(key_for(i) != NULL);
        REQUIRE(cm_privkey_public(key_for(i), &pub) == CM_OK);
        CHECK_EQ(cm_privkey_sign(key_for(i), algs[i].alg, parts, 2, sig, algs[i].sig_len - 1, &len),
                 CM_ERR_SPACE);
        CHECK_EQ(cm_privkey_sign(key_for(i), algs[i].alg, parts, 2, sig, sizeof(sig), &len), CM_OK);
        CHECK_EQ(len, algs[i].sig_len);
        CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &joined, 1, cm_span_make(sig, len)), CM_OK);
        CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &other, 1, cm_span_make(sig, len)),
                 CM_ERR_SIGNATURE);
        CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &joined, 1, cm_span_make(sig, len - 1)),
                 CM_ERR_SIGNATURE);
        CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &joined, 1, cm_span_make(sig, len + 1)),
                 CM_ERR_SIGNATURE);
        CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &joined, 1, cm_span_make(NULL, 0)),
                 CM_ERR_SIGNATURE);
        for (size_t at = 0; at < len; at += 7) {
            sig[at] ^= 0x40;
            CHECK_EQ(cm_pubkey_verify(pub, algs[i].alg, &joined, 1, cm_span_make(sig, len)),
                     CM_ERR_SIGNATURE);
            sig[at] ^= 0x40;
        }
        cm_pubkey_free(pub);
    }
}

TEST(zero_and_order_sized_ecdsa_values_are_refused)
{
    struct cm_span msg = {(const uint8_t *)"m", 1};
    struct cm_pubkey *pub = NULL;
    uint8_t sig[64];

    REQUIRE(key_for(0) != NULL && cm_privkey_public(key_for(0), &pub) == CM_OK);
    memset(sig, 0, sizeof(sig));
    CHECK_EQ(cm_pubkey_verify(pub, CM_SIG_ES256, &msg, 1, cm_span_make(sig, 64)), CM_ERR_SIGNATURE);
    memset(sig, 0xff, sizeof(sig));
    CHECK_EQ(cm_pubkey_verify(pub, CM_SIG_ES256, &msg, 1, cm_span_make(sig, 64)), CM_ERR_SIGNATURE);
    cm_pubkey_free(pub);
}

TEST(algorithm_must_fit_the_key)
{
    struct cm_span msg = {(const uint8_t *)"m", 1};
    uint8_t sig[256] = {0};
    size_t len = 0;

    for (size_t i = 0; i < ALG_COUNT; i++) {
        struct cm_pubkey *pub = NULL;

        REQUIRE(key_for(i) != NULL && cm_privkey_public(key_for(i), &pub) == CM_OK);
        for (size_t j = 0; j < ALG_COUNT; j++) {
            bool same = algs[i].rsa_bits == algs[j].rsa_bits && algs[i].curve == algs[j].curve;

            if (!same) {
                CHECK_EQ(cm_pubkey_verify(pub, algs[j].alg, &msg, 1, cm_span_make(sig, 64)),
                         CM_ERR_MISMATCH);
                CHECK_EQ(cm_privkey_sign(key_for(i), algs[j].alg, &msg, 1, sig, sizeof(sig), &len),
                         CM_ERR_MISMATCH);
            }
        }
        CHECK_EQ(cm_pubkey_verify(pub, (enum cm_sig_alg)99, &msg, 1, cm_span_make(sig, 64)),
                 CM_ERR_MISMATCH);
        cm_pubkey_free(pub);
    }
}

TEST(bad_public_keys_are_refused)
{
    uint8_t spki[512] = {0};
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    struct cm_pubkey *pub = NULL;
    struct cm_pubkey *again = NULL;
    enum cm_curve curve = CM_CURVE_P521;
    size_t len = 0;
    size_t n = 0;

    REQUIRE(key_for(0) != NULL && cm_privkey_public(key_for(0), &pub) == CM_OK);
    CHECK_EQ(cm_pubkey_spki(pub, spki, 10, &len), CM_ERR_SPACE);
    REQUIRE(cm_pubkey_spki(pub, spki, sizeof(spki), &len) == CM_OK);
    for (size_t cut = 0; cut < len; cut++) {
        CHECK_EQ(cm_pubkey_from_spki(cm_span_make(spki, cut), &again), CM_ERR_FORMAT);
    }
    CHECK_EQ(cm_pubkey_from_spki(cm_span_make(spki, len + 1), &again), CM_ERR_FORMAT);
    spki[len - 1] ^= 1; /* off the curve */
    CHECK_EQ(cm_pubkey_from_spki(cm_span_make(spki, len), &again), CM_ERR_FORMAT);
    CHECK(again == NULL);

    REQUIRE(cm_pubkey_ec(pub, &curve, x, y, &n) == CM_OK);
    CHECK_EQ(curve, CM_CURVE_P256);
    CHECK_EQ(n, 32);
    CHECK_EQ(cm_pubkey_from_ec(CM_CURVE_P256, cm_span_make(x, 32), cm_span_make(y, 32), &again),
             CM_OK);
    cm_pubkey_free(again);
    CHECK_EQ(cm_pubkey_from_ec(CM_CURVE_P256, cm_span_make(x, 31), cm_span_make(y, 32), &again),
             CM_ERR_FORMAT);
    CHECK_EQ(cm_pubkey_from_ec(CM_CURVE_P384, cm_span_make(x, 48), cm_span_make(y, 48), &again),
             CM_ERR_FORMAT);
    y[31] ^= 1;
    CHECK_EQ(cm_pubkey_from_ec(CM_CURVE_P256, cm_span_make(x, 32), cm_span_make(y, 32), &again),
             CM_ERR_FORMAT);
    cm_pubkey_free(pub);
}

/* Keys that are read and written without OpenSSL's decoders, which must agree on every one. */
TEST(encodings_are_those_of_openssl)
{
    for (size_t i = 0; i < 4; i++) { /* each curve, and RSA */
        uint8_t spki[512] = {0};
        uint8_t back[512] = {0};
        unsigned char *theirs = NULL;
        struct cm_pubkey *pub = NULL;
        struct cm_pubkey *again = NULL;
        struct cm_pubkey *copy = NULL;
        size_t len = 0;
        size_t back_len = 0;

        REQUIRE(key_for(i) != NULL && cm_privkey_public(key_for(i), &pub) == CM_OK);
        REQUIRE(cm_pubkey_spki(pub, spki, sizeof(spki), &len) == CM_OK);
        CHECK_EQ(i2d_PUBKEY(cm_privkey_evp(key_for(i)), &theirs), (int)len);
        CHECK(theirs != NULL && memcmp(theirs, spki, len) == 0);
        OPENSSL_free(theirs);
        CHECK_EQ(cm_pubkey_copy(pub, &copy), CM_OK);
        cm_pubkey_free(pub);
        CHECK_EQ(cm_pubkey_spki(copy, back, sizeof(back), &back_len), CM_OK);
        CHECK(back_len == len && memcmp(back, spki, len) == 0);
        cm_pubkey_free(copy);
        CHECK_EQ(cm_pubkey_from_spki(cm_span_make(spki, len), &again), CM_OK);
        CHECK_EQ(cm_pubkey_spki(again, back, sizeof(back), &back_len), CM_OK);
        CHECK(back_len == len && memcmp(back, spki, len) == 0);
        cm_pubkey_free(again);
        for (size_t at = 0; at < len;
             at++) { /* another byte: no key, or OpenSSL's and another one */
            const unsigned char *p = spki;
            EVP_PKEY *key = NULL;

            spki[at] ^= 0x10;
            key = d2i_PUBKEY(NULL, &p, (long)len);
            if (cm_pubkey_from_spki(cm_span_make(spki, len), &again) == CM_OK) {
                theirs = NULL;
                CHECK(key != NULL && i2d_PUBKEY(key, &theirs) > 0);
                CHECK_EQ(cm_pubkey_spki(again, back, sizeof(back), &back_len), CM_OK);
                CHECK(theirs != NULL && memcmp(back, theirs, back_len) == 0);
                OPENSSL_free(theirs);
                cm_pubkey_free(again);
            }
            EVP_PKEY_free(key);
            spki[at] ^= 0x10;
        }
    }
}

TEST(weak_rsa_keys_are_refused)
{
    uint8_t n[256];
    uint8_t e3[1] = {3};
    uint8_t e1[1] = {1};
    uint8_t e4[1] = {4};
    struct cm_pubkey *pub = NULL;

    memset(n, 0xc1, sizeof(n));
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 128), cm_span_make(e3, 1), &pub),
             CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e1, 1), &pub),
             CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e4, 1), &pub),
             CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 0), cm_span_make(e3, 1), &pub), CM_ERR_FORMAT);
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e3, 1), &pub), CM_OK);
    cm_pubkey_free(pub);
    n[0] = 0x80;
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e3, 1), &pub), CM_OK);
    cm_pubkey_free(pub);
    n[0] = 0x7f; /* 2047 bits */
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e3, 1), &pub),
             CM_ERR_UNSUPPORTED);
    n[0] = 0;
    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 256), cm_span_make(e3, 1), &pub), CM_ERR_FORMAT);
}

/* Numbers of all sizes come through OpenSSL's order of bytes as they went in, and are known again. */
TEST(rsa_numbers_are_kept)
{
    static const size_t sizes[] = {256, 257, 384, 512, 513, 1024};
    uint8_t e[4] = {1, 0, 1, 9};
    uint8_t n[1025];
    uint8_t der[1100];
    size_t len = 0;

    for (size_t i = 0; i < sizeof(n); i++) {
        n[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct cm_span number = cm_span_make(n, sizes[i]);
        const bool kept = sizes[i] <= 512;
        struct cm_pubkey *pub = NULL;

        n[0] = 0x93;
        REQUIRE(cm_pubkey_from_rsa(number, cm_span_make(e, 3), &pub) == CM_OK);
        REQUIRE(cm_pubkey_spki(pub, der, sizeof(der), &len) == CM_OK);
        CHECK_MEM(der + len - 5 - sizes[i], n, sizes[i]);
        CHECK_MEM(der + len - 5, "\x02\x03\x01\x00\x01", 5);
        CHECK_EQ(cm_pubkey_made_of_rsa(pub, number, cm_span_make(e, 3)), kept);
        CHECK(!cm_pubkey_made_of_rsa(pub, number, cm_span_make(e, 4)));
        CHECK(!cm_pubkey_made_of_rsa(pub, number, cm_span_make(e + 1, 3)));
        CHECK(!cm_pubkey_made_of_rsa(pub, cm_span_make(n, sizes[i] - 1), cm_span_make(e, 3)));
        n[sizes[i] - 1] ^= 2;
        CHECK(!cm_pubkey_made_of_rsa(pub, number, cm_span_make(e, 3)));
        n[sizes[i] - 1] ^= 2;
        cm_pubkey_free(pub);
    }
    n[0] = 0x93;
    struct cm_pubkey *none = NULL;

    CHECK_EQ(cm_pubkey_from_rsa(cm_span_make(n, 1025), cm_span_make(e, 3), &none), CM_ERR_FORMAT);
    REQUIRE(none == NULL);
}

TEST(private_keys_round_trip_through_pem)
{
    char pem[4096] = "";
    struct cm_privkey *again = NULL;

    REQUIRE(key_for(0) != NULL);
    CHECK_EQ(cm_privkey_pem(key_for(0), pem, 20), CM_ERR_SPACE);
    REQUIRE(cm_privkey_pem(key_for(0), pem, sizeof(pem)) == CM_OK);
    CHECK_EQ(cm_privkey_from_pem(cm_span_make(pem, strlen(pem)), &again), CM_OK);
    cm_privkey_free(again);
    CHECK_EQ(cm_privkey_from_pem(cm_span_make("nonsense", 8), &again), CM_ERR_FORMAT);
    cm_privkey_free(rsa);
    for (int i = 0; i < 3; i++) {
        cm_privkey_free(ec[i]);
    }
}

TEST_MAIN
