/* Known answers and refusals of src/crypto. */
#include "harness.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/crypto.h"

static void unhex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned int v = 0;

        CHECK_EQ(sscanf(text + 2 * i, "%2x", &v), 1);
        out[i] = (uint8_t)v;
    }
}

/* FIPS 180-4 examples */
TEST(sha256_known_answers)
{
    uint8_t expect[32];
    uint8_t got[32];

    unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expect, 32);
    CHECK_EQ(cm_sha256_of(cm_span_make("abc", 3), got), CM_OK);
    CHECK_MEM(got, expect, 32);
    unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", expect, 32);
    CHECK_EQ(cm_sha256_of(cm_span_make(NULL, 0), got), CM_OK);
    CHECK_MEM(got, expect, 32);
}

TEST(sha256_contexts_can_be_copied)
{
    struct cm_sha256 *a = NULL;
    struct cm_sha256 *b = NULL;
    uint8_t one[32];
    uint8_t two[32];
    uint8_t expect[32];

    CHECK_EQ(cm_sha256_create(&a), CM_OK);
    CHECK_EQ(cm_sha256_update(a, "a", 1), CM_OK);
    CHECK_EQ(cm_sha256_copy(a, &b), CM_OK);
    CHECK_EQ(cm_sha256_update(a, "xx", 2), CM_OK);
    CHECK_EQ(cm_sha256_update(b, "bc", 2), CM_OK);
    CHECK_EQ(cm_sha256_final(a, one), CM_OK);
    CHECK_EQ(cm_sha256_final(b, two), CM_OK);
    CHECK_EQ(cm_sha256_of(cm_span_make("abc", 3), expect), CM_OK);
    CHECK_MEM(two, expect, 32);
    CHECK(memcmp(one, two, 32) != 0);
    cm_sha256_free(a);
    cm_sha256_free(b);
    cm_sha256_free(NULL);
}

/* RFC 4493, section 4 */
TEST(cmac_known_answers)
{
    uint8_t key[16];
    uint8_t message[64];
    uint8_t expect[16];
    uint8_t got[16];
    static const struct {
        size_t len;
        const char *mac;
    } cases[] = {{0, "bb1d6929e95937287fa37d129b756746"},
                 {16, "070a16b46b4d4144f79bdd9dd04a287c"},
                 {40, "dfa66747de9ae63030ca32611497c827"},
                 {64, "51f0bebf7e3b9d92fc49741779363cfe"}};

    unhex("2b7e151628aed2a6abf7158809cf4f3c", key, 16);
    unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
          message, 64);
    for (size_t i = 0; i < 4; i++) {
        unhex(cases[i].mac, expect, 16);
        CHECK_EQ(cm_cmac_aes128(key, cm_span_make(message, cases[i].len), got), CM_OK);
        CHECK_MEM(got, expect, 16);
    }
}

TEST(rsa_round_trip_and_refusals)
{
    struct cm_rsa_key *key = NULL;
    struct cm_rsa_pub pub;
    struct cm_rsa_pub small = {{0}};
    uint8_t digest[32] = {42};
    uint8_t sig[CM_RSA3072_SIZE];
    uint8_t q1[CM_RSA3072_SIZE];
    uint8_t q2[CM_RSA3072_SIZE];

    REQUIRE(cm_rsa_key_generate(&key) == CM_OK);
    CHECK_EQ(cm_rsa_key_pub(key, &pub), CM_OK);
    CHECK_EQ(cm_rsa_sign(key, digest, sig), CM_OK);
    CHECK_EQ(cm_rsa_verify(&pub, digest, sig), CM_OK);
    CHECK_EQ(cm_rsa_quotients(&pub, sig, q1, q2), CM_OK);
    sig[100] ^= 1;
    CHECK_EQ(cm_rsa_verify(&pub, digest, sig), CM_ERR_SIGNATURE);
    sig[100] ^= 1;
    digest[0] ^= 1;
    CHECK_EQ(cm_rsa_verify(&pub, digest, sig), CM_ERR_SIGNATURE);
    digest[0] ^= 1;
    memset(sig, 0xff, sizeof(sig));
    CHECK_EQ(cm_rsa_verify(&pub, digest, sig), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_rsa_quotients(&pub, sig, q1, q2), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_rsa_verify(&small, digest, sig), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_rsa_quotients(&small, sig, q1, q2), CM_ERR_SIGNATURE);
    small.modulus[383] = 1;
    CHECK_EQ(cm_rsa_verify(&small, digest, sig), CM_ERR_SIGNATURE);
    cm_rsa_key_free(key);
}

static enum cm_status key_from(EVP_PKEY *pkey, struct cm_why *why)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct cm_rsa_key *key = NULL;
    char *text = NULL;
    enum cm_status st = CM_ERR_NOMEM;

    if (bio != NULL && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        const long len = BIO_get_mem_data(bio, &text);

        st = cm_rsa_key_from_pem(cm_span_make(text, (size_t)len), &key, why);
    }
    cm_rsa_key_free(key);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return st;
}

TEST(keys_that_sgx_cannot_use_are_named)
{
    struct cm_why bits = {{0}};
    struct cm_why exponent = {{0}};
    struct cm_why type = {{0}};
    struct cm_why none = {{0}};
    struct cm_rsa_key *key = NULL;

    CHECK_EQ(key_from(EVP_RSA_gen(2048), &bits), CM_ERR_UNSUPPORTED);
    CHECK(strstr(bits.text, "2048 bits") != NULL);
    CHECK_EQ(key_from(EVP_RSA_gen(3072), &exponent), CM_ERR_UNSUPPORTED);
    CHECK(strstr(exponent.text, "exponent") != NULL);
    CHECK_EQ(key_from(EVP_EC_gen("P-256"), &type), CM_ERR_UNSUPPORTED);
    CHECK(strstr(type.text, "not an RSA key") != NULL);
    CHECK_EQ(cm_rsa_key_from_pem(cm_span_make("hello", 5), &key, &none), CM_ERR_FORMAT);
    CHECK(strstr(none.text, "PEM") != NULL);
    CHECK_EQ(cm_rsa_key_from_pem(cm_span_make("", 0), &key, NULL), CM_ERR_FORMAT);
    CHECK(key == NULL);
}

TEST_MAIN
