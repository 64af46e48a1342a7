/*
 * The enclave's end of a key release: what a service wraps comes out, and nothing that a host may hand in
 * instead does. And files that are sealed with such keys.
 */
#include "bank/enclave/bank_release.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "bank/common/bank_base64.h"
#include "bank/enclave/bank_session.h"
#include "harness.h"

#define WRAPPED 296U

/* What the test stands on itself: without it there is nothing to test. */
static void kit_must(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* The public key of a description, made from what stands in it. */
static EVP_PKEY *public_of(const char *runtime)
{
    const char *n = strstr(runtime, "\"n\":\"");
    uint8_t modulus[256];
    uint8_t e[] = {1, 0, 1};
    size_t len = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    kit_must(n != NULL);
    kit_must(bank_base64_decode(n + 5, strcspn(n + 5, "\""), modulus, sizeof(modulus), &len));
    for (size_t i = 0; i < len / 2; i++) { /* little endian, as OpenSSL's numbers are */
        uint8_t t = modulus[i];

        modulus[i] = modulus[len - 1 - i];
        modulus[len - 1 - i] = t;
    }
    params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus, len);
    params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, sizeof(e));
    params[2] = OSSL_PARAM_construct_end();
    kit_must(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
             EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* As a service does it. Returns the length. */
static size_t wrap(const char *runtime, const EVP_MD *oaep, const uint8_t *key, size_t len,
                   uint8_t out[512])
{
    static const uint8_t kek[32] = {7, 7, 7};
    EVP_PKEY *to = public_of(runtime);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(to, NULL);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    size_t first = 512;
    int second = 0;

    kit_must(ctx != NULL && cipher != NULL && aes != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(ctx, oaep) == 1 &&
             EVP_PKEY_encrypt(ctx, out, &first, kek, sizeof(kek)) == 1);
    EVP_CIPHER_CTX_set_flags(aes, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    kit_must(EVP_EncryptInit_ex2(aes, cipher, kek, NULL, NULL) == 1 &&
             EVP_EncryptUpdate(aes, out + first, &second, key, (int)len) == 1);
    EVP_CIPHER_CTX_free(aes);
    EVP_CIPHER_free(cipher);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(to);
    return first + (size_t)second;
}

TEST(what_the_service_wraps_comes_out)
{
    struct bank_release *r = NULL;
    uint8_t key[BANK_RELEASED_SIZE];
    uint8_t got[BANK_RELEASED_SIZE] = {0};
    uint8_t wrapped[512];
    size_t len = 0;

    memset(key, 0x5a, sizeof(key));
    REQUIRE(bank_release_new(&r, NULL) == BANK_OK);
    len = wrap(bank_release_runtime(r), EVP_sha256(), key, sizeof(key), wrapped);
    CHECK_EQ(len, WRAPPED);
    CHECK_EQ(bank_release_unwrap(r, wrapped, len, got, NULL), BANK_OK);
    CHECK_MEM(got, key, sizeof(key));
    bank_release_free(r);
}

TEST(what_a_host_hands_in_instead_does_not)
{
    struct bank_release *mine = NULL;
    struct bank_release *other = NULL;
    struct bank_why why = {{0}};
    uint8_t key[64] = {1};
    uint8_t got[BANK_RELEASED_SIZE] = {0};
    uint8_t wrapped[512];
    size_t len = 0;

    REQUIRE(bank_release_new(&mine, NULL) == BANK_OK && bank_release_new(&other, NULL) == BANK_OK);
    /* for another enclave's key */
    len = wrap(bank_release_runtime(other), EVP_sha256(), key, 32, wrapped);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, len, got, &why), BANK_REFUSED);
    CHECK(why.text[0] != '\0');
    /* another hash than was asked for */
    len = wrap(bank_release_runtime(mine), EVP_sha1(), key, 32, wrapped);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, len, got, NULL), BANK_REFUSED);
    /* keys of other lengths */
    for (size_t n = 16; n <= 40; n += 8) {
        len = wrap(bank_release_runtime(mine), EVP_sha256(), key, n, wrapped);
        CHECK_EQ(bank_release_unwrap(mine, wrapped, len, got, NULL),
                 n == 32 ? BANK_OK : BANK_REFUSED);
    }
    /* 31 bytes, which take as much room as 32 */
    len = wrap(bank_release_runtime(mine), EVP_sha256(), key, 31, wrapped);
    CHECK_EQ(len, WRAPPED);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, len, got, NULL), BANK_REFUSED);
    /* cut, longer, changed anywhere */
    len = wrap(bank_release_runtime(mine), EVP_sha256(), key, 32, wrapped);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, 0, got, NULL), BANK_REFUSED);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, len - 1, got, NULL), BANK_REFUSED);
    CHECK_EQ(bank_release_unwrap(mine, wrapped, len + 1, got, NULL), BANK_REFUSED);
    for (size_t i = 0; i < len; i += 5) {
        wrapped[i] ^= 1;
        CHECK_EQ(bank_release_unwrap(mine, wrapped, len, got, NULL), BANK_REFUSED);
        wrapped[i] ^= 1;
    }
    bank_release_free(mine);
    bank_release_free(other);
}

/* Two banks whose keys are with a service. */
static const struct bank_agreement *two_banks(struct bank_signer *signers[2])
{
    static struct bank_agreement a;

    a = (struct bank_agreement){.bank_count = 2,
                                .min_length = 3,
                                .max_length = 5,
                                .window_seconds = 3600,
                                .keep_percent = 90,
                                .names = {"north", "south"}};
    CHECK_EQ(bank_signer_new(&signers[0], a.signers[0]), BANK_OK);
    CHECK_EQ(bank_signer_new(&signers[1], a.signers[1]), BANK_OK);
    return &a;
}

TEST(a_file_opens_with_the_key_of_its_bank_only)
{
    struct bank_signer *signers[2] = {NULL, NULL};
    const struct bank_agreement *a = two_banks(signers);
    uint8_t keys[2][BANK_RELEASED_SIZE] = {{1}, {2}};
    uint8_t wrapped[512];
    struct bank_envelope e = {a, 0, NULL, keys[0]};
    struct bank_sealer *sealer = NULL;
    uint8_t header[BANK_HEADER_SIZE];
    const char *runtime = NULL;

    REQUIRE(bank_sealer_new(&e, signers[0], 100, &sealer, header) == BANK_OK);
    bank_sealer_free(sealer);
    for (unsigned released = 0; released < 3; released++) { /* the other bank's, its own, none */
        struct bank_session *s = NULL;
        struct bank_why why = {{0}};

        REQUIRE(bank_session_new(a, &s, NULL) == BANK_OK);
        CHECK_EQ(bank_session_released(s, 0, wrapped, WRAPPED, &why), BANK_STATE);
        REQUIRE(bank_session_runtime(s, &runtime, NULL) == BANK_OK);
        if (released < 2) {
            size_t len = wrap(runtime, EVP_sha256(), keys[released ^ 1], 32, wrapped);

            CHECK_EQ(bank_session_released(s, 2, wrapped, len, NULL), BANK_SYNTAX);
            CHECK_EQ(bank_session_released(s, 0, wrapped, len, NULL), BANK_OK);
        }
        CHECK_EQ(bank_session_begin(s, 0, header, NULL), released == 1 ? BANK_OK : BANK_REFUSED);
        bank_session_free(s);
    }
    bank_signer_free(signers[0]);
    bank_signer_free(signers[1]);
}

TEST(base64url_is_read_strictly)
{
    static const char *const no[] = {"A", "AAAAA", "AA=", "A A", "AB", "A+", "A/", "\xc3\xa9"};
    uint8_t out[8];
    char text[BANK_BASE64_SIZE(8)];
    size_t len = 0;

    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        CHECK(!bank_base64_decode(no[i], strlen(no[i]), out, sizeof(out), &len));
    }
    CHECK(!bank_base64_decode("AAAAAAAAAAAA", 12, out, 8, &len)); /* nine bytes */
    for (size_t n = 0; n <= 8; n++) {
        bank_base64((const uint8_t *)"\x00\xff\x10\x83\xfe\x7f\x80\x01", n, text);
        CHECK(bank_base64_decode(text, strlen(text), out, sizeof(out), &len) && len == n);
        CHECK_MEM(out, "\x00\xff\x10\x83\xfe\x7f\x80\x01", n);
    }
}

TEST_MAIN
