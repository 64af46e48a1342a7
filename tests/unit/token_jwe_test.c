/* JWE: published values, round trips, and everything that must not open. */
#include "harness.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "common/span.h"
#include "token/base64.h"
#include "token/jwe.h"
#include "token/jwe_key.h"

static struct cm_jwe jwe;

static struct cm_span text_span(const char *text)
{
    return cm_span_make(text, strlen(text));
}

static BIGNUM *number(const char *base64url)
{
    uint8_t raw[512];
    size_t len = 0;

    if (cm_base64url_decode(text_span(base64url), raw, sizeof(raw), &len) != CM_OK) {
        return NULL;
    }
    return BN_bin2bn(raw, (int)len, NULL);
}

/* A private key from OpenSSL's parameters, by way of PEM. */
static struct cm_privkey *from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *pkey = NULL;
    struct cm_privkey *key = NULL;
    char *pem = NULL;
    long len = 0;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) == 1 &&
        PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        len = BIO_get_mem_data(bio, &pem);
        if (cm_privkey_from_pem(cm_span_make(pem, (size_t)len), &key) != CM_OK) {
            key = NULL;
        }
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return key;
}

/* RFC 7516 appendix A.1: RSA-OAEP and A256GCM. */
TEST(rfc7516_a1)
{
    static const char token[] = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ."
                                "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe"
                                "ipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDb"
                                "Sv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaV"
                                "mqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je8"
                                "1860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi"
                                "6UklfCpIMfIjf7iGdXKHzg."
                                "48V1_ALb6US04U3b."
                                "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji"
                                "SdiwkIr3ajwQzaBtQD_A."
                                "XFBoMYUZodetZdvTiFvSkQ";
    static const char want[] = "The true sign of intelligence is not knowledge but imagination.";
    const struct cm_jwe_suite suite = {CM_JWE_RSA_OAEP, CM_AEAD_A256GCM};
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *n = number("oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70im"
                       "EVhRU5djINXtqllXI4DFqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFAB"
                       "NIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln"
                       "0_mtUZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYg"
                       "yD3JR_MB_4NUJW_TqOQtwHYbxevoJArm-L5StowjzGy-_bq6Gw");
    BIGNUM *e = number("AQAB");
    BIGNUM *d = number("kLdtIj6GbDks_ApCSTYQtelcNttlKiOyPzMrXHeI-yk1F7-kpDxY4-WY5NWV5KntaEeXS1j82"
                       "E375xxhWMHXyvjYecPT9fpwR_M9gV8n9Hrh2anTpTD93Dt62ypW3yDsJzBnTnrYu1iwWRgBKr"
                       "EYY46qAZIrA2xAwnm2X7uGR1hghkqDp0Vqj3kbSCz1XyfCs6_LehBwtxHIyh8Ripy40p24moO"
                       "AbgxVw3rxT_vlt3UVe4WO3JkJOzlpUf-KTVI2Ptgm-dARxTEtE-id-4OJr0h-K-VFs3VSndVT"
                       "IznSxfyrj8ILL6MG_Uv8YAu7VILSB3lOW085-4qE3DzgrTjgyQ");
    BIGNUM *p = number("1r52Xk46c-LsfB5P442p7atdPUrxQSy4mti_tZI3Mgf2EuFVbUoDBvaRQ-SWxkbkmoEzL7JXr"
                       "oSBjSrK3YIQgYdMgyAEPTPjXv_hI2_1eTSPVZfzL0lffNn03IXqWF5MDFuoUYE0hzb2vhrlN_"
                       "rKrbfDIwUbTrjjgieRbwC6Cl0");
    BIGNUM *q = number("wLb35x7hmQWZsWJmB_vle87ihgZ19S8lBEROLIsZG4ayZVe9Hi9gDVCOBmUDdaDYVTSNx_8Fy"
                       "w1YYa9XGrGnDew00J28cRUoeBB_jKI1oma0Orv1T9aXIWxKwd4gvxFImOWr3QRL9KEBRzk2Ra"
                       "tUBnmDZJTIAfwTs0g68UZHvtc");
    BIGNUM *dp = BN_new();
    BIGNUM *dq = BN_new();
    BIGNUM *less = BN_new();
    BN_CTX *bn = BN_CTX_new();
    BIGNUM *qi = BN_mod_inverse(NULL, q, p, bn);
    struct cm_privkey *key = NULL;
    uint8_t out[256];
    size_t len = 0;

    REQUIRE(BN_sub(less, p, BN_value_one()) == 1 && BN_mod(dp, d, less, bn) == 1 &&
            BN_sub(less, q, BN_value_one()) == 1 && BN_mod(dq, d, less, bn) == 1);
    REQUIRE(bld != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, p) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, q) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi) == 1);
    key = from_params("RSA", bld);
    REQUIRE(key != NULL);
    CHECK_EQ(cm_jwe_parse(text_span(token), &jwe, NULL), CM_OK);
    CHECK_EQ(jwe.suite.alg, CM_JWE_RSA_OAEP);
    CHECK_EQ(cm_jwe_decrypt(&jwe, key, suite, out, sizeof(out), &len), CM_OK);
    CHECK_EQ(len, sizeof(want) - 1);
    CHECK_MEM(out, want, sizeof(want) - 1);
    cm_privkey_free(key);
    BN_free(n);
    BN_free(e);
    BN_free(d);
    BN_free(p);
    BN_free(q);
    BN_free(dp);
    BN_free(dq);
    BN_free(qi);
    BN_free(less);
    BN_CTX_free(bn);
}

static struct cm_privkey *ec_private(const char *x, const char *y, const char *d)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *bd = number(d);
    uint8_t point[65] = {4};
    struct cm_privkey *key = NULL;
    size_t len = 0;

    if (cm_base64url_decode(text_span(x), point + 1, 32, &len) == CM_OK &&
        cm_base64url_decode(text_span(y), point + 33, 32, &len) == CM_OK && bld != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 65) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bd) == 1) {
        key = from_params("EC", bld);
        bld = NULL;
    }
    OSSL_PARAM_BLD_free(bld);
    BN_free(bd);
    return key;
}

/* RFC 7518 appendix C: Alice's ephemeral key, Bob's static one, and what both derive. */
TEST(rfc7518_c)
{
    struct cm_privkey *alice = ec_private("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                                          "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
                                          "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
    struct cm_privkey *bob = ec_private("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                                        "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
                                        "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
    const struct cm_concat_info info = {"A128GCM", text_span("Alice"), text_span("Bob")};
    struct cm_pubkey *bob_pub = NULL;
    struct cm_pubkey *alice_pub = NULL;
    uint8_t shared[CM_KEYENC_MAX_SHARED];
    uint8_t want[16];
    uint8_t key[16];
    size_t len = 0;

    REQUIRE(alice != NULL && bob != NULL && cm_privkey_public(bob, &bob_pub) == CM_OK &&
            cm_privkey_public(alice, &alice_pub) == CM_OK);
    REQUIRE(cm_base64url_decode(text_span("VqqN6vgjbSBcIijNcacQGg"), want, 16, &len) == CM_OK);
    for (int side = 0; side < 2; side++) {
        CHECK_EQ(cm_ecdh(side == 0 ? alice : bob, side == 0 ? bob_pub : alice_pub, shared, &len),
                 CM_OK);
        CHECK_EQ(shared[0], 158);
        CHECK_EQ(shared[31], 196);
        CHECK_EQ(cm_concat_kdf(cm_span_make(shared, len), &info, key, sizeof(key)), CM_OK);
        CHECK_MEM(key, want, sizeof(want));
    }
    CHECK_EQ(cm_concat_kdf(cm_span_make(shared, len), &info, key, CM_AEAD_MAX_KEY + 1),
             CM_ERR_PARAM);
    cm_pubkey_free(bob_pub);
    cm_pubkey_free(alice_pub);
    cm_privkey_free(alice);
    cm_privkey_free(bob);
}

/* The same pair in a whole token: the header's epk, apu and apv enter the key. */
TEST(party_info_counts)
{
    static const char header[] =
        "{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",%s\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}}";
    static const char *const infos[] = {"\"apu\":\"QWxpY2U\",\"apv\":\"Qm9i\",", "",
                                        "\"apu\":\"QWxpY2U\",", "\"apv\":\"***\","};
    const struct cm_jwe_suite suite = {CM_JWE_ECDH_ES, CM_AEAD_A128GCM};
    struct cm_privkey *bob = ec_private("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                                        "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
                                        "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
    uint8_t key[16];
    uint8_t iv[12] = {1, 2, 3};

    REQUIRE(bob != NULL && cm_base64url_decode(text_span("VqqN6vgjbSBcIijNcacQGg"), key, 16,
                                               &(size_t){0}) == CM_OK);
    for (size_t i = 0; i < 4; i++) {
        struct cm_aead_in in = {.alg = CM_AEAD_A128GCM,
                                .key = cm_span_make(key, 16),
                                .iv = cm_span_make(iv, 12),
                                .text = text_span("for Bob")};
        const enum cm_status want = i == 0 ? CM_OK : i == 3 ? CM_ERR_FORMAT : CM_ERR_SIGNATURE;
        char plain_header[512] = "";
        char token[1024] = "";
        uint8_t cipher[16];
        uint8_t tag[CM_AEAD_MAX_TAG];
        uint8_t out[64];
        size_t used = 0;
        size_t n = 0;

        (void)snprintf(plain_header, sizeof(plain_header), header, infos[i]);
        CHECK_EQ(cm_base64url_encode(text_span(plain_header), token, sizeof(token), &used), CM_OK);
        in.aad = cm_span_make(token, used);
        CHECK_EQ(cm_aead_seal(&in, cipher, sizeof(cipher), &n, tag), CM_OK);
        (void)snprintf(token + used, sizeof(token) - used, "..AQIDAAAAAAAAAAAA.");
        used = strlen(token);
        CHECK_EQ(cm_base64url_encode(cm_span_make(cipher, n), token + used, 64, &n), CM_OK);
        used += n;
        token[used++] = '.';
        CHECK_EQ(cm_base64url_encode(cm_span_make(tag, 16), token + used, 64, &n), CM_OK);
        CHECK_EQ(cm_jwe_parse(cm_span_make(token, used + n), &jwe, NULL), CM_OK);
        CHECK_EQ(cm_jwe_decrypt(&jwe, bob, suite, out, sizeof(out), &n), want);
        if (want == CM_OK) {
            CHECK_MEM(out, "for Bob", 7);
        }
    }
    cm_privkey_free(bob);
}

/* ------------------------------------------------------------- round trips */

/* One key of each kind, made once: RSA, P-256, P-384, P-521. */
#define KEYS 4

static struct cm_privkey *keys[KEYS];
static struct cm_pubkey *pubs[KEYS];

static bool have_keys(void)
{
    for (unsigned i = 0; i < KEYS; i++) {
        if (keys[i] == NULL && (cm_privkey_generate(i == 0 ? CM_CURVE_P256 : (enum cm_curve)(i - 1),
                                                    i == 0 ? 2048 : 0, &keys[i]) != CM_OK ||
                                cm_privkey_public(keys[i], &pubs[i]) != CM_OK)) {
            return false;
        }
    }
    return true;
}

static bool fits(unsigned key, unsigned alg)
{
    return (key == 0) == (alg <= CM_JWE_RSA_OAEP_256);
}

TEST(round_trips)
{
    static char token[16384];
    static uint8_t out[8192];
    uint8_t plain[2000];
    size_t len = 0;

    REQUIRE(have_keys());
    memset(plain, 0xc3, sizeof(plain));
    for (unsigned i = 0; i < KEYS * 4 * 3 * 2; i++) {
        const unsigned k = i % KEYS;
        const struct cm_jwe_suite suite = {(enum cm_jwe_alg)(i / KEYS % 4),
                                           (enum cm_aead)(i / (KEYS * 4) % 3)};
        const struct cm_jwe_options options = {i / (KEYS * 4 * 3) == 1, "\"kid\":\"a\""};

        if (!fits(k, suite.alg)) {
            CHECK_EQ(cm_jwe_encrypt(pubs[k], suite, &options, text_span("x"), token, sizeof(token)),
                     CM_ERR_MISMATCH);
            continue;
        }
        for (size_t n = 0; n < sizeof(plain); n = 2 * n + 1) {
            CHECK_EQ(cm_jwe_encrypt(pubs[k], suite, &options, cm_span_make(plain, n), token,
                                    sizeof(token)),
                     CM_OK);
            CHECK_EQ(token[0] == '{', options.flattened);
            CHECK_EQ(cm_jwe_parse(text_span(token), &jwe, NULL), CM_OK);
            CHECK(cm_json_equal(cm_json_get(cm_json_root(&jwe.header), "kid"), "a"));
            CHECK_EQ(cm_jwe_decrypt(&jwe, keys[k], suite, out, sizeof(out), &len), CM_OK);
            CHECK_EQ(len, n);
            CHECK_MEM(out, plain, n);
        }
    }
}

static bool make_token(unsigned key, struct cm_jwe_suite suite, bool flattened, char *token,
                       size_t cap)
{
    const struct cm_jwe_options options = {flattened, NULL};

    return have_keys() &&
           cm_jwe_encrypt(pubs[key], suite, &options, text_span("a secret"), token, cap) == CM_OK;
}

/* Whoever pins other algorithms, or has another key, gets nothing. */
TEST(pinned_algorithms_and_keys)
{
    static char token[4096];
    const struct cm_jwe_suite suite = {CM_JWE_ECDH_ES_A256KW, CM_AEAD_A256GCM};
    struct cm_privkey *stranger = NULL;
    uint8_t out[64];
    size_t len = 0;

    REQUIRE(make_token(1, suite, false, token, sizeof(token)));
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &stranger) == CM_OK);
    REQUIRE(cm_jwe_parse(text_span(token), &jwe, NULL) == CM_OK);
    for (unsigned alg = 0; alg < 4; alg++) {
        for (unsigned enc = 0; enc < 3; enc++) {
            struct cm_jwe_suite pinned = {(enum cm_jwe_alg)alg, (enum cm_aead)enc};
            bool right = alg == suite.alg && enc == suite.enc;

            CHECK_EQ(cm_jwe_decrypt(&jwe, keys[1], pinned, out, sizeof(out), &len),
                     right ? CM_OK : CM_ERR_MISMATCH);
        }
    }
    CHECK_EQ(cm_jwe_decrypt(&jwe, stranger, suite, out, sizeof(out), &len), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[2], suite, out, sizeof(out), &len), CM_ERR_MISMATCH);
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[0], suite, out, sizeof(out), &len), CM_ERR_MISMATCH);
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[1], suite, out, 7, &len), CM_ERR_SPACE);
    cm_privkey_free(stranger);
}

/* Any change of any character: refused, and nothing of the plaintext is left. */
TEST(every_character_counts)
{
    static char token[4096];
    static const uint8_t zeros[256];

    for (unsigned alg = 0; alg < 4; alg++) {
        for (unsigned form = 0; form < 2; form++) {
            const struct cm_jwe_suite suite = {(enum cm_jwe_alg)alg, CM_AEAD_A256CBC_HS512};
            const unsigned k = alg <= CM_JWE_RSA_OAEP_256 ? 0 : 1;
            size_t size = 0;

            REQUIRE(make_token(k, suite, form == 1, token, sizeof(token)));
            size = strlen(token);
            for (size_t i = 0; i < size; i += 3) { /* a third of them: RSA is slow */
                const char was = token[i];
                uint8_t out[256];
                size_t len = 0;

                token[i] = was == 'A' ? 'B' : 'A';
                memset(out, 0, sizeof(out));
                if (cm_jwe_parse(cm_span_make(token, size), &jwe, NULL) == CM_OK) {
                    CHECK(cm_jwe_decrypt(&jwe, keys[k], suite, out, sizeof(out), &len) != CM_OK);
                }
                CHECK_MEM(out, zeros, sizeof(out));
                token[i] = was;
            }
            for (size_t i = 0; i < size; i++) { /* nor any truncation */
                if (cm_jwe_parse(cm_span_make(token, i), &jwe, NULL) == CM_OK) {
                    uint8_t out[256];
                    size_t len = 0;

                    CHECK(cm_jwe_decrypt(&jwe, keys[k], suite, out, sizeof(out), &len) != CM_OK);
                }
            }
        }
    }
}

/* RFC 7516 11.5: a key that does not open, a key of another length and a wrong tag look alike. */
TEST(failures_look_alike)
{
    static char token[4096];
    const struct cm_jwe_suite suite = {CM_JWE_RSA_OAEP_256, CM_AEAD_A256GCM};
    uint8_t out[64];
    uint8_t short_key[16] = {1};
    size_t len = 0;

    REQUIRE(make_token(0, suite, false, token, sizeof(token)));
    REQUIRE(cm_jwe_parse(text_span(token), &jwe, NULL) == CM_OK);
    jwe.tag[0] ^= 1;
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[0], suite, out, sizeof(out), &len), CM_ERR_SIGNATURE);
    jwe.tag[0] ^= 1;
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[0], suite, out, sizeof(out), &len), CM_OK);
    jwe.key[200] ^= 1; /* OAEP's padding fails */
    CHECK_EQ(cm_jwe_decrypt(&jwe, keys[0], suite, out, sizeof(out), &len), CM_ERR_SIGNATURE);
    /* a well-formed key that is too short for the algorithm, and would be right if zeros followed */
    CHECK_EQ(cm_oaep_encrypt(pubs[0], CM_OAEP_SHA256, cm_span_make(short_key, 16), jwe.key,
                             sizeof(jwe.key), &jwe.key_len),
             CM_OK);
    {
        const uint8_t padded[32] = {1};
        struct cm_aead_in in = {.alg = CM_AEAD_A256GCM,
                                .key = cm_span_make(padded, 32),
                                .iv = cm_span_make(jwe.iv, 12),
                                .aad = jwe.aad,
                                .text = text_span("a secret")};
        char text[16] = "";
        uint8_t cipher[8];
        size_t n = 0;

        CHECK_EQ(cm_aead_seal(&in, cipher, sizeof(cipher), &n, jwe.tag), CM_OK);
        CHECK_EQ(cm_base64url_encode(cm_span_make(cipher, n), text, sizeof(text), &n), CM_OK);
        jwe.ciphertext = cm_span_make(text, n);
        CHECK_EQ(cm_jwe_decrypt(&jwe, keys[0], suite, out, sizeof(out), &len), CM_ERR_SIGNATURE);
    }
}

/* ------------------------------------------------------------ hostile forms */

static enum cm_status parse_text(const char *text)
{
    return cm_jwe_parse(text_span(text), &jwe, NULL);
}

/* A token of five parts with any header; key, IV and tag of the right lengths for ECDH-ES, A128GCM. */
static enum cm_status parse_header(const char *header)
{
    char token[8192] = "";
    size_t used = 0;

    if (cm_base64url_encode(text_span(header), token, sizeof(token), &used) != CM_OK) {
        return CM_ERR_PARAM;
    }
    (void)snprintf(token + used, sizeof(token) - used,
                   "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
    return parse_text(token);
}

TEST(hostile_headers)
{
    const struct {
        const char *header;
        enum cm_status want;
    } cases[] = {
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\"}", CM_OK},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"}", CM_OK},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A256CBC-HS512\"}", CM_ERR_FORMAT}, /* lengths */
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", CM_ERR_FORMAT},      /* no key */
        {"{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A128GCM\"}", CM_ERR_FORMAT},
        {"{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"RSA1_5\",\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"none\",\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ecdh-es\",\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128CBC-HS256\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\"}", CM_ERR_UNSUPPORTED},
        {"{\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":7,\"enc\":\"A128GCM\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",\"zip\":\"DEF\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",\"crit\":[]}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",\"b64\":true}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ECDH-ES\",\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\"}", CM_ERR_FORMAT},
        {"[]", CM_ERR_FORMAT},
        {"{", CM_ERR_FORMAT},
        {"", CM_ERR_FORMAT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse_header(cases[i].header) != cases[i].want) {
            TEST_FAIL("%s", cases[i].header);
        }
    }
}

TEST(hostile_sender_keys)
{
    static const char *const epks[] = {
        "", /* absent */
        ",\"epk\":7",
        ",\"epk\":{}",
        ",\"epk\":{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        /* not on the curve */
        ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpp0\"}",
        /* a private key in the open */
        ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"AAAA\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}",
    };
    const struct cm_jwe_suite suite = {CM_JWE_ECDH_ES, CM_AEAD_A128GCM};
    uint8_t out[64];
    size_t len = 0;

    REQUIRE(have_keys());
    for (size_t i = 0; i < sizeof(epks) / sizeof(epks[0]); i++) {
        char header[512] = "";

        (void)snprintf(header, sizeof(header), "{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\"%s}",
                       epks[i]);
        CHECK_EQ(parse_header(header), CM_OK);
        CHECK_EQ(cm_jwe_decrypt(&jwe, keys[1], suite, out, sizeof(out), &len), CM_ERR_FORMAT);
    }
}

TEST(hostile_shapes)
{
#define H   "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSJ9" /* ECDH-ES, A128GCM */
#define IV  "AAAAAAAAAAAAAAAA"
#define TAG "AAAAAAAAAAAAAAAAAAAAAA"
    const struct {
        const char *text;
        enum cm_status want;
    } cases[] = {
        {H ".." IV ".AAAA." TAG, CM_OK},
        {H ".." IV ".." TAG, CM_OK}, /* an empty text is a text */
        {H ".AAAA." IV ".AAAA." TAG, CM_ERR_FORMAT},
        {H ".." IV ".AAAA", CM_ERR_FORMAT},
        {H ".." IV ".AAAA." TAG ".", CM_ERR_FORMAT},
        {H ".." IV ".AAAA." TAG "=", CM_ERR_FORMAT},
        {H ".." IV ".AAAA.AAAAAAAAAAAAAAAAAAAA", CM_ERR_FORMAT},
        {H "..AAAA.AAAA." TAG, CM_ERR_FORMAT},
        {"....", CM_ERR_FORMAT},
        {"", CM_ERR_FORMAT},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG "\"}",
         CM_OK},
        {"{\"protected\":\"" H "\",\"encrypted_key\":\"\",\"iv\":\"" IV
         "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG "\"}",
         CM_OK},
        {"{\"protected\":\"" H "\",\"encrypted_key\":7,\"iv\":\"" IV
         "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG "\"}",
         CM_ERR_FORMAT},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG
         "\",\"header\":{\"alg\":\"dir\"}}",
         CM_ERR_UNSUPPORTED},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG
         "\",\"unprotected\":{}}",
         CM_ERR_UNSUPPORTED},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG
         "\",\"recipients\":[]}",
         CM_ERR_UNSUPPORTED},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG
         "\",\"aad\":\"AAAA\"}",
         CM_ERR_UNSUPPORTED},
        {"{\"iv\":\"" IV "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG "\"}", CM_ERR_FORMAT},
        {"{\"protected\":\"" H "\",\"iv\":\"\\u0041AAAAAAAAAAAAAAA\",\"ciphertext\":\"AAAA\","
         "\"tag\":\"" TAG "\"}",
         CM_ERR_FORMAT},
        {"{\"protected\":\"" H "\",\"iv\":\"" IV "\",\"iv\":\"" IV
         "\",\"ciphertext\":\"AAAA\",\"tag\":\"" TAG "\"}",
         CM_ERR_FORMAT},
        {"{", CM_ERR_FORMAT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse_text(cases[i].text) != cases[i].want) {
            TEST_FAIL("%s", cases[i].text);
        }
    }
}

TEST(room)
{
    static char token[4096];
    char small[4096];
    const struct cm_jwe_suite suite = {CM_JWE_ECDH_ES, CM_AEAD_A256GCM};
    const struct cm_jwe_suite wrong = {(enum cm_jwe_alg)9, CM_AEAD_A256GCM};

    REQUIRE(make_token(1, suite, true, token, sizeof(token)));
    for (size_t cap = 0; cap <= strlen(token); cap++) {
        CHECK_EQ(cm_jwe_encrypt(pubs[1], suite, &(struct cm_jwe_options){true, NULL},
                                text_span("a secret"), small, cap),
                 CM_ERR_SPACE);
    }
    CHECK_EQ(cm_jwe_encrypt(pubs[1], wrong, NULL, text_span("x"), token, sizeof(token)),
             CM_ERR_PARAM);
    fail_alloc_at(1);
    CHECK(cm_jwe_encrypt(pubs[1], suite, NULL, text_span("x"), token, sizeof(token)) != CM_OK);
}

TEST_MAIN
