/*
 * OpenSSL inside an enclave: known answers, round trips, and that what was tampered with is refused.
 * Known answers: FIPS 180-2 (SHA-256 "abc"), RFC 5869 test case 1, NIST GCM test case 16.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "inside_case.h"

static bool hex_equal(const unsigned char *bytes, size_t len, const char *hex)
{
    char text[3];
    size_t i;

    if (strlen(hex) != 2 * len) {
        return false;
    }
    for (i = 0; i < len; i++) {
        (void)snprintf(text, sizeof(text), "%02x", bytes[i]);
        if (memcmp(text, hex + 2 * i, 2) != 0) {
            return false;
        }
    }
    return true;
}

static int check_hkdf(void)
{
    unsigned char secret[22];
    unsigned char salt[13];
    unsigned char info[10];
    unsigned char out[42];
    char digest[] = "SHA256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[5];
    int failed = 0;
    unsigned char i;

    memset(secret, 0x0b, sizeof(secret));
    for (i = 0; i < sizeof(salt); i++) {
        salt[i] = i;
    }
    for (i = 0; i < sizeof(info); i++) {
        info[i] = (unsigned char)(0xf0 + i);
    }
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof(secret));
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt));
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info));
    params[4] = OSSL_PARAM_construct_end();
    CASE_CHECK(failed, EVP_KDF_derive(ctx, out, sizeof(out), params) == 1);
    CASE_CHECK(failed, hex_equal(out, sizeof(out),
                                 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                                 "34007208d5b887185865"));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return failed;
}

int cm_case_hash(unsigned thread, unsigned threads)
{
    static const char *const names[] = {"SHA256", "SHA384", "SHA512", "SHA3-256", "BLAKE2B512"};
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int failed = 0;
    size_t i;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, EVP_Digest("abc", 3, out, &len, EVP_sha256(), NULL) == 1);
    CASE_CHECK(failed, hex_equal(out, len,
                                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff"
                                 "61f20015ad"));
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        EVP_MD *md = EVP_MD_fetch(NULL, names[i], NULL);

        CASE_CHECK(failed, md != NULL && EVP_Digest("abc", 3, out, &len, md, NULL) == 1);
        EVP_MD_free(md);
    }
    (void)printf("  %s, %s\n", OpenSSL_version(OPENSSL_VERSION),
                 OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS));
    return failed + check_hkdf();
}

struct gcm {
    unsigned char key[32];
    unsigned char iv[12];
    unsigned char aad[20];
    unsigned char tag[16];
};

static bool gcm_encrypt(struct gcm *g, const unsigned char *in, int len, unsigned char *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok = EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, g->key, g->iv) == 1 &&
              EVP_EncryptUpdate(c, NULL, &n, g->aad, sizeof(g->aad)) == 1 &&
              EVP_EncryptUpdate(c, out, &n, in, len) == 1 && n == len &&
              EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, g->tag) == 1;

    EVP_CIPHER_CTX_free(c);
    return ok;
}

static bool gcm_decrypt(struct gcm *g, const unsigned char *in, int len, unsigned char *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, g->key, g->iv) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, g->aad, sizeof(g->aad)) == 1 &&
              EVP_DecryptUpdate(c, out, &n, in, len) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, 16, g->tag) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &n) == 1;

    EVP_CIPHER_CTX_free(c);
    return ok;
}

int cm_case_cipher(unsigned thread, unsigned threads)
{
    static const char key_hex[] =
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    static const char iv_hex[] = "cafebabefacedbaddecaf888";
    static const char aad_hex[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    static const char plain_hex[] =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    struct gcm g;
    unsigned char *plain = malloc(65536);
    unsigned char *out = malloc(65536);
    unsigned char *back = malloc(65536);
    int failed = 0;
    size_t n = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, OPENSSL_hexstr2buf_ex(g.key, 32, &n, key_hex, 0) == 1);
    CASE_CHECK(failed, OPENSSL_hexstr2buf_ex(g.iv, 12, &n, iv_hex, 0) == 1);
    CASE_CHECK(failed, OPENSSL_hexstr2buf_ex(g.aad, 20, &n, aad_hex, 0) == 1);
    CASE_CHECK(failed, OPENSSL_hexstr2buf_ex(plain, 60, &n, plain_hex, 0) == 1);
    CASE_CHECK(failed, gcm_encrypt(&g, plain, 60, out));
    CASE_CHECK(failed, hex_equal(g.tag, 16, "76fc6ece0f4e1768cddf8853bb2d551b"));
    CASE_CHECK(failed, hex_equal(out, 16, "522dc1f099567d07f47f37a32a84427d"));
    CASE_CHECK(failed, RAND_bytes(plain, 65536) == 1 && gcm_encrypt(&g, plain, 65536, out));
    CASE_CHECK(failed, gcm_decrypt(&g, out, 65536, back) && memcmp(back, plain, 65536) == 0);
    out[40000] ^= 1;
    CASE_CHECK(failed, !gcm_decrypt(&g, out, 65536, back));
    out[40000] ^= 1;
    g.aad[3] ^= 0x80;
    CASE_CHECK(failed, !gcm_decrypt(&g, out, 65536, back));
    ERR_clear_error();
    free(plain);
    free(out);
    free(back);
    return failed;
}

/* Signs and verifies; a changed message and a changed signature must be refused. */
static int check_signature(EVP_PKEY *key, const char *digest)
{
    unsigned char message[100] = {1, 2, 3};
    unsigned char sig[512];
    size_t len = sizeof(sig);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int failed = 0;

    CASE_CHECK(failed, key != NULL);
    CASE_CHECK(failed, EVP_DigestSignInit_ex(c, NULL, digest, NULL, NULL, key, NULL) == 1);
    CASE_CHECK(failed, EVP_DigestSign(c, sig, &len, message, sizeof(message)) == 1);
    CASE_CHECK(failed, EVP_DigestVerifyInit_ex(c, NULL, digest, NULL, NULL, key, NULL) == 1);
    CASE_CHECK(failed, EVP_DigestVerify(c, sig, len, message, sizeof(message)) == 1);
    message[50] ^= 1;
    CASE_CHECK(failed, EVP_DigestVerifyInit_ex(c, NULL, digest, NULL, NULL, key, NULL) == 1);
    CASE_CHECK(failed, EVP_DigestVerify(c, sig, len, message, sizeof(message)) != 1);
    message[50] ^= 1;
    sig[len - 1] ^= 1;
    CASE_CHECK(failed, EVP_DigestVerifyInit_ex(c, NULL, digest, NULL, NULL, key, NULL) == 1);
    CASE_CHECK(failed, EVP_DigestVerify(c, sig, len, message, sizeof(message)) != 1);
    ERR_clear_error();
    EVP_MD_CTX_free(c);
    return failed;
}

static int check_oaep(EVP_PKEY *key)
{
    unsigned char secret[32] = {9, 8, 7};
    unsigned char sealed[384];
    unsigned char opened[384];
    size_t sealed_len = sizeof(sealed);
    size_t opened_len = sizeof(opened);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    int failed = 0;

    CASE_CHECK(failed, EVP_PKEY_encrypt_init(c) == 1);
    CASE_CHECK(failed, EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1);
    CASE_CHECK(failed, EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1);
    CASE_CHECK(failed, EVP_PKEY_encrypt(c, sealed, &sealed_len, secret, sizeof(secret)) == 1);
    EVP_PKEY_CTX_free(c);
    c = EVP_PKEY_CTX_new(key, NULL);
    CASE_CHECK(failed, EVP_PKEY_decrypt_init(c) == 1);
    CASE_CHECK(failed, EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1);
    CASE_CHECK(failed, EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1);
    CASE_CHECK(failed, EVP_PKEY_decrypt(c, opened, &opened_len, sealed, sealed_len) == 1);
    CASE_CHECK(failed, opened_len == sizeof(secret) && memcmp(opened, secret, sizeof(secret)) == 0);
    sealed[100] ^= 1;
    opened_len = sizeof(opened);
    CASE_CHECK(failed, EVP_PKEY_decrypt(c, opened, &opened_len, sealed, sealed_len) != 1);
    ERR_clear_error();
    EVP_PKEY_CTX_free(c);
    return failed;
}

int cm_case_sign(unsigned thread, unsigned threads)
{
    EVP_PKEY *p256 = EVP_EC_gen("P-256");
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_PKEY *rsa = EVP_RSA_gen(3072);
    int failed = 0;

    (void)thread;
    (void)threads;
    failed += check_signature(p256, "SHA256");
    failed += check_signature(p384, "SHA384");
    failed += check_signature(ed25519, NULL);
    failed += check_signature(rsa, "SHA256");
    failed += check_oaep(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(rsa);
    return failed;
}

/* C5: when the processor gives no random bytes, nobody gets any: no zeros, no repetition. */
int cm_case_random(unsigned thread, unsigned threads)
{
    unsigned char a[64] = {0};
    unsigned char b[64] = {0};
    EVP_PKEY *key;
    int failed = 0;

    (void)thread;
    (void)threads;
    cm_case_random_fails = true;
    CASE_CHECK(failed, RAND_bytes(a, sizeof(a)) != 1);
    CASE_CHECK(failed, RAND_priv_bytes(a, sizeof(a)) != 1);
    key = EVP_EC_gen("P-256");
    CASE_CHECK(failed, key == NULL);
    EVP_PKEY_free(key);
    ERR_clear_error();
    cm_case_random_fails = false;
    CASE_CHECK(failed, RAND_bytes(a, sizeof(a)) == 1 && RAND_bytes(b, sizeof(b)) == 1);
    CASE_CHECK(failed, memcmp(a, b, sizeof(a)) != 0);
    return failed;
}
