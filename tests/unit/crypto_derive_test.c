/* AES-GCM, the counter-mode KDF and EC keys from numbers: against published answers and OpenSSL. */
#include "harness.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/crypto.h"
#include "crypto/pubkey.h"

/* some key, IV and additional data */
static const uint8_t key[16] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
                                0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
static const uint8_t iv[12] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                               0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
static const uint8_t aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};

TEST(gcm_refuses_every_change)
{
    uint8_t text[33];
    uint8_t cipher[33];
    uint8_t back[33];
    uint8_t tag[16];
    struct cm_span a = cm_span_make(aad, sizeof(aad));
    struct cm_span c = cm_span_make(cipher, sizeof(cipher));

    memset(text, 0x42, sizeof(text));
    CHECK_EQ(cm_gcm_encrypt(key, iv, a, cm_span_make(text, sizeof(text)), cipher, tag), CM_OK);
    CHECK_EQ(cm_gcm_decrypt(key, iv, a, c, tag, back), CM_OK);
    CHECK_MEM(back, text, sizeof(text));
    for (size_t bit = 0; bit < sizeof(tag) * 8; bit++) {
        tag[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(back, 1, sizeof(back));
        CHECK_EQ(cm_gcm_decrypt(key, iv, a, c, tag, back), CM_ERR_SIGNATURE);
        CHECK(back[0] == 0 && back[32] == 0); /* unauthenticated text does not stay */
        tag[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < sizeof(cipher) * 8; bit++) {
        cipher[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_EQ(cm_gcm_decrypt(key, iv, a, c, tag, back), CM_ERR_SIGNATURE);
        cipher[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    a.len--;
    CHECK_EQ(cm_gcm_decrypt(key, iv, a, c, tag, back), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_gcm_decrypt(key, iv, cm_span_make(NULL, 0), c, tag, back), CM_ERR_SIGNATURE);
}

TEST(gcm_of_nothing)
{
    /* GHASH of nothing leaves E(K, Y0): the specification's test case 1 with a zero key */
    static const uint8_t zero[16];
    static const uint8_t want[16] = {0x58, 0xe2, 0xfc, 0xce, 0xfa, 0x7e, 0x30, 0x61,
                                     0x36, 0x7f, 0x1d, 0x57, 0xa4, 0xe7, 0x45, 0x5a};
    struct cm_span none = cm_span_make(NULL, 0);
    uint8_t tag[16];
    uint8_t out[1];

    CHECK_EQ(cm_gcm_encrypt(zero, zero, none, none, out, tag), CM_OK);
    CHECK_MEM(tag, want, sizeof(want));
    CHECK_EQ(cm_gcm_decrypt(zero, zero, none, none, tag, out), CM_OK);
    tag[0] ^= 1;
    CHECK_EQ(cm_gcm_decrypt(zero, zero, none, none, tag, out), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_gcm_encrypt(zero, zero, none, cm_span_make(zero, (size_t)INT32_MAX + 1), out, tag),
             CM_ERR_LIMIT);
}

TEST(kdf_is_sp800_108_of_openssl)
{
    static const uint8_t fixed[] = "label\0context";
    char mode[] = "COUNTER";
    char mac[] = "HMAC";
    char digest[] = "SHA256";
    int off = 0;
    uint8_t want[32];
    uint8_t got[32];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[8];
    uint8_t k[16];

    memcpy(k, key, sizeof(k));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0);
    params[2] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, k, sizeof(k));
    params[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)fixed,
                                                  sizeof(fixed));
    params[5] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_L, &off);
    params[6] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_KBKDF_USE_SEPARATOR, &off);
    params[7] = OSSL_PARAM_construct_end();
    REQUIRE(EVP_KDF_derive(ctx, want, sizeof(want), params) == 1);
    CHECK_EQ(cm_kdf_counter(cm_span_make(key, 16), cm_span_make(fixed, sizeof(fixed)), got), CM_OK);
    CHECK_MEM(got, want, sizeof(want));
    CHECK_EQ(cm_kdf_counter(cm_span_make(key, 16), cm_span_make(NULL, 0), got), CM_OK);
    CHECK(memcmp(got, want, sizeof(want)) != 0);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

TEST(ec_number_one_is_the_generator)
{
    uint8_t number[66] = {0};
    /* first bytes of the base points' x (FIPS 186) */
    static const struct {
        enum cm_curve curve;
        size_t size;
        uint8_t x[4];
    } cases[] = {{CM_CURVE_P256, 32, {0x6b, 0x17, 0xd1, 0xf2}},
                 {CM_CURVE_P384, 48, {0xaa, 0x87, 0xca, 0x22}},
                 {CM_CURVE_P521, 66, {0x00, 0xc6, 0x85, 0x8e}}};

    for (size_t i = 0; i < 3; i++) {
        struct cm_privkey *pair = NULL;
        struct cm_pubkey *public = NULL;
        enum cm_curve curve = CM_CURVE_P256;
        uint8_t x[66];
        uint8_t y[66];
        size_t n = 0;

        memset(number, 0, sizeof(number));
        number[cases[i].size - 1] = 1;
        REQUIRE(cm_privkey_from_number(cases[i].curve, cm_span_make(number, cases[i].size),
                                       &pair) == CM_OK);
        CHECK_EQ(cm_privkey_public(pair, &public), CM_OK);
        CHECK_EQ(cm_pubkey_ec(public, &curve, x, y, &n), CM_OK);
        CHECK_MEM(x, cases[i].x, 4);
        CHECK_EQ(curve, cases[i].curve);
        cm_pubkey_free(public);
        cm_privkey_free(pair);
    }
}

TEST(ec_number_limits)
{
    /* the order of P-256 */
    uint8_t n[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t zero[32] = {0};
    struct cm_privkey *pair = NULL;
    struct cm_pubkey *public = NULL;
    char pem[512];

    CHECK_EQ(cm_privkey_from_number(CM_CURVE_P256, cm_span_make(n, 32), &pair), CM_ERR_LIMIT);
    CHECK_EQ(cm_privkey_from_number(CM_CURVE_P256, cm_span_make(zero, 32), &pair), CM_ERR_LIMIT);
    CHECK_EQ(cm_privkey_from_number(CM_CURVE_P256, cm_span_make(n, 31), &pair), CM_ERR_FORMAT);
    n[31]--;
    REQUIRE(cm_privkey_from_number(CM_CURVE_P256, cm_span_make(n, 32), &pair) == CM_OK);
    CHECK_EQ(cm_privkey_public(pair, &public), CM_OK);
    CHECK_EQ(cm_pubkey_pem(public, pem, sizeof(pem)), CM_OK);
    CHECK(strncmp(pem, "-----BEGIN PUBLIC KEY-----\n", 27) == 0);
    CHECK_EQ(cm_pubkey_pem(public, pem, strlen(pem)), CM_ERR_SPACE);
    cm_pubkey_free(public);
    cm_privkey_free(pair);
}

/* RFC 5869, appendix A: cases 1 and 3, and the shape of longer output */
TEST(hkdf_known_answers)
{
    static const uint8_t want_1[42] = {
        0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36,
        0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56,
        0xec, 0xc4, 0xc5, 0xbf, 0x34, 0x00, 0x72, 0x08, 0xd5, 0xb8, 0x87, 0x18, 0x58, 0x65};
    static const uint8_t want_3[42] = {
        0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80, 0x2a, 0x06, 0x3c,
        0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f,
        0x3c, 0x73, 0x8d, 0x2d, 0x9d, 0x20, 0x13, 0x95, 0xfa, 0xa4, 0xb6, 0x1a, 0x96, 0xc8};
    static uint8_t longest[255 * 32 + 1];
    uint8_t ikm[22];
    uint8_t salt[13];
    uint8_t info[10];
    uint8_t got[42];

    memset(ikm, 0x0b, sizeof(ikm));
    for (size_t i = 0; i < sizeof(salt); i++) {
        salt[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof(info); i++) {
        info[i] = (uint8_t)(0xf0 + i);
    }
    CHECK_EQ(cm_hkdf_sha256(cm_span_make(ikm, sizeof(ikm)), cm_span_make(salt, sizeof(salt)),
                            cm_span_make(info, sizeof(info)), got, sizeof(got)),
             CM_OK);
    CHECK_MEM(got, want_1, sizeof(got));
    CHECK_EQ(cm_hkdf_sha256(cm_span_make(ikm, sizeof(ikm)), cm_span_make(NULL, 0),
                            cm_span_make(NULL, 0), got, sizeof(got)),
             CM_OK);
    CHECK_MEM(got, want_3, sizeof(got));
    CHECK_EQ(cm_hkdf_sha256(cm_span_make(ikm, sizeof(ikm)), cm_span_make(NULL, 0),
                            cm_span_make(NULL, 0), longest, sizeof(longest) - 1),
             CM_OK);
    CHECK_MEM(longest, want_3, sizeof(want_3));
    CHECK(memcmp(longest + sizeof(longest) - 33, longest, 32) != 0);
    CHECK_EQ(cm_hkdf_sha256(cm_span_make(ikm, sizeof(ikm)), cm_span_make(NULL, 0),
                            cm_span_make(NULL, 0), longest, sizeof(longest)),
             CM_ERR_LIMIT);
}

TEST_MAIN
