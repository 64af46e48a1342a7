/* mbedTLS inside an enclave, held against OpenSSL in the same enclave where both compute the same. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/aes.h>
#include <mbedtls/aesni.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy_poll.h>
#include <mbedtls/gcm.h>
#include <mbedtls/havege.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <mbedtls/timing.h>

#include "mbed_case.h"

int cm_mbed_rng_start(struct cm_mbed_rng *rng)
{
    mbedtls_entropy_init(&rng->entropy);
    mbedtls_ctr_drbg_init(&rng->drbg);
    return mbedtls_ctr_drbg_seed(&rng->drbg, mbedtls_entropy_func, &rng->entropy, NULL, 0);
}

void cm_mbed_rng_end(struct cm_mbed_rng *rng)
{
    mbedtls_ctr_drbg_free(&rng->drbg);
    mbedtls_entropy_free(&rng->entropy);
}

int cm_mbed_hash(unsigned thread, unsigned threads)
{
    unsigned char data[1000];
    unsigned char ours[64];
    unsigned char theirs[64];
    int failed = 0;

    (void)thread;
    (void)threads;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)(i * 7);
    }
    for (size_t len = 0; len < sizeof(data); len += 111) {
        CASE_CHECK(failed, mbedtls_sha256_ret(data, len, ours, 0) == 0);
        CASE_CHECK(failed, EVP_Digest(data, len, theirs, NULL, EVP_sha256(), NULL) == 1);
        CASE_CHECK(failed, memcmp(ours, theirs, 32) == 0);
        CASE_CHECK(failed, mbedtls_sha512_ret(data, len, ours, 1) == 0);
        CASE_CHECK(failed, EVP_Digest(data, len, theirs, NULL, EVP_sha384(), NULL) == 1);
        CASE_CHECK(failed, memcmp(ours, theirs, 48) == 0);
    }
    CASE_CHECK(failed, mbedtls_sha256_self_test(0) == 0);
    return failed;
}

static int openssl_gcm(const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv,
                       const unsigned char *in, int len, unsigned char *out, unsigned char *tag)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;
    int ok = c != NULL && EVP_EncryptInit_ex(c, cipher, NULL, key, iv) == 1 &&
             EVP_EncryptUpdate(c, NULL, &n, iv, 12) == 1 &&
             EVP_EncryptUpdate(c, out, &n, in, len) == 1 &&
             EVP_EncryptFinal_ex(c, out + n, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;

    EVP_CIPHER_CTX_free(c);
    return ok;
}

/* One key size: encrypt as OpenSSL does, decrypt, refuse what was changed. */
static int gcm(unsigned bits, const EVP_CIPHER *cipher)
{
    unsigned char key[32];
    unsigned char iv[12];
    unsigned char plain[777];
    unsigned char sealed[777];
    unsigned char back[777];
    unsigned char other[777];
    unsigned char tag[16];
    unsigned char other_tag[16];
    mbedtls_gcm_context g;
    int failed = 0;

    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (unsigned char)(i * i + bits);
    }
    memcpy(key, plain, sizeof(key));
    memcpy(iv, plain + 100, sizeof(iv));
    mbedtls_gcm_init(&g);
    CASE_CHECK(failed, mbedtls_gcm_setkey(&g, MBEDTLS_CIPHER_ID_AES, key, bits) == 0);
    CASE_CHECK(failed, mbedtls_gcm_crypt_and_tag(&g, MBEDTLS_GCM_ENCRYPT, sizeof(plain), iv, 12, iv,
                                                 12, plain, sealed, 16, tag) == 0);
    CASE_CHECK(failed, openssl_gcm(cipher, key, iv, plain, sizeof(plain), other, other_tag) == 1);
    CASE_CHECK(failed,
               memcmp(sealed, other, sizeof(sealed)) == 0 && memcmp(tag, other_tag, 16) == 0);
    CASE_CHECK(failed, mbedtls_gcm_auth_decrypt(&g, sizeof(sealed), iv, 12, iv, 12, tag, 16, sealed,
                                                back) == 0);
    CASE_CHECK(failed, memcmp(plain, back, sizeof(plain)) == 0);
    sealed[500] ^= 1;
    CASE_CHECK(failed, mbedtls_gcm_auth_decrypt(&g, sizeof(sealed), iv, 12, iv, 12, tag, 16, sealed,
                                                back) == MBEDTLS_ERR_GCM_AUTH_FAILED);
    mbedtls_gcm_free(&g);
    return failed;
}

int cm_mbed_cipher(unsigned thread, unsigned threads)
{
    unsigned char key[32] = {7};
    unsigned char block[16] = {1, 2, 3};
    unsigned char sealed[16];
    unsigned char back[16];
    mbedtls_aes_context a;
    int failed = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, mbedtls_aesni_has_support(MBEDTLS_AESNI_AES) == 1);
    CASE_CHECK(failed, mbedtls_aesni_has_support(MBEDTLS_AESNI_CLMUL) == 1);
    failed +=
        gcm(128, EVP_aes_128_gcm()) + gcm(192, EVP_aes_192_gcm()) + gcm(256, EVP_aes_256_gcm());
    mbedtls_aes_init(&a);
    CASE_CHECK(failed, mbedtls_aes_setkey_enc(&a, key, 256) == 0);
    CASE_CHECK(failed, mbedtls_aes_crypt_ecb(&a, MBEDTLS_AES_ENCRYPT, block, sealed) == 0);
    CASE_CHECK(failed, mbedtls_aes_setkey_dec(&a, key, 256) == 0);
    CASE_CHECK(failed, mbedtls_aes_crypt_ecb(&a, MBEDTLS_AES_DECRYPT, sealed, back) == 0);
    CASE_CHECK(failed, memcmp(block, back, 16) == 0 && memcmp(block, sealed, 16) != 0);
    mbedtls_aes_free(&a);
    CASE_CHECK(failed, mbedtls_aes_self_test(0) == 0 && mbedtls_gcm_self_test(0) == 0);
    return failed;
}

int cm_mbed_sign(unsigned thread, unsigned threads)
{
    struct cm_mbed_rng *rng = calloc(1, sizeof(*rng));
    unsigned char signature[MBEDTLS_ECDSA_MAX_LEN];
    unsigned char hash[32] = {1};
    mbedtls_ecdsa_context key;
    mbedtls_ecdsa_context other;
    size_t len = 0;
    int failed = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, rng != NULL && cm_mbed_rng_start(rng) == 0);
    mbedtls_ecdsa_init(&key);
    mbedtls_ecdsa_init(&other);
    CASE_CHECK(failed, mbedtls_ecdsa_genkey(&key, MBEDTLS_ECP_DP_SECP256R1, mbedtls_ctr_drbg_random,
                                            &rng->drbg) == 0);
    CASE_CHECK(failed, mbedtls_ecdsa_genkey(&other, MBEDTLS_ECP_DP_SECP256R1,
                                            mbedtls_ctr_drbg_random, &rng->drbg) == 0);
    CASE_CHECK(failed,
               mbedtls_ecdsa_write_signature(&key, MBEDTLS_MD_SHA256, hash, 32, signature, &len,
                                             mbedtls_ctr_drbg_random, &rng->drbg) == 0);
    CASE_CHECK(failed, mbedtls_ecdsa_read_signature(&key, hash, 32, signature, len) == 0);
    CASE_CHECK(failed, mbedtls_ecdsa_read_signature(&other, hash, 32, signature, len) != 0);
    hash[31] ^= 1;
    CASE_CHECK(failed, mbedtls_ecdsa_read_signature(&key, hash, 32, signature, len) != 0);
    mbedtls_ecdsa_free(&key);
    mbedtls_ecdsa_free(&other);
    cm_mbed_rng_end(rng);
    free(rng);
    return failed;
}

/* Every source is the enclave's own, and a source that fails is not replaced by anything. */
int cm_mbed_random(unsigned thread, unsigned threads)
{
    struct cm_mbed_rng *rng = calloc(1, sizeof(*rng));
    mbedtls_havege_state *havege = calloc(1, sizeof(*havege));
    int (*const polls[])(void *, unsigned char *, size_t, size_t *) = {
        mbedtls_platform_entropy_poll, mbedtls_hardclock_poll, mbedtls_havege_poll};
    unsigned char first[300];
    unsigned char second[300];
    size_t len = 0;
    int failed = 0;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, rng != NULL && havege != NULL && cm_mbed_rng_start(rng) == 0);
    CASE_CHECK(failed, mbedtls_ctr_drbg_random(&rng->drbg, first, 32) == 0);
    CASE_CHECK(failed, mbedtls_ctr_drbg_random(&rng->drbg, second, 32) == 0);
    CASE_CHECK(failed, memcmp(first, second, 32) != 0);
    cm_mbed_rng_end(rng);
    for (size_t i = 0; i < sizeof(polls) / sizeof(polls[0]); i++) {
        memset(second, 0, sizeof(second));
        CASE_CHECK(failed, polls[i](NULL, first, sizeof(first), &len) == 0 && len == sizeof(first));
        CASE_CHECK(failed, polls[i](NULL, second, 8, &len) == 0 && len == 8 && second[8] == 0);
        CASE_CHECK(failed, memcmp(first, second, 8) != 0);
        CASE_CHECK(failed, memcmp(first, first + 256, 44) != 0);
    }
    mbedtls_havege_init(havege);
    CASE_CHECK(failed, mbedtls_havege_random(havege, first, 32) == 0);
    CASE_CHECK(failed, mbedtls_havege_random(havege, second, 32) == 0);
    CASE_CHECK(failed, memcmp(first, second, 32) != 0);
    mbedtls_havege_free(havege);
#ifndef CM_MBED_REAL_RUNTIME /* which cannot be told to fail */
    cm_case_random_fails = true;
    CASE_CHECK(failed, cm_mbed_rng_start(rng) != 0);
    cm_mbed_rng_end(rng);
    CASE_CHECK(failed, polls[0](NULL, first, 8, &len) != 0 && len == 0);
    CASE_CHECK(failed, mbedtls_havege_random(havege, first, 8) != 0);
    cm_case_random_fails = false;
#endif
    free(rng);
    free(havege);
    return failed;
}

int cm_mbed_timing(unsigned thread, unsigned threads)
{
    mbedtls_timing_delay_context delay;
    struct mbedtls_timing_hr_time timer;
    int failed = 0;

    (void)thread;
    (void)threads;
    (void)mbedtls_timing_get_timer(&timer, 1);
    CASE_CHECK(failed, mbedtls_timing_get_timer(&timer, 0) < 10000);
    CASE_CHECK(failed, mbedtls_timing_hardclock() != 0);
    mbedtls_timing_set_delay(&delay, 0, 0);
    CASE_CHECK(failed, mbedtls_timing_get_delay(&delay) == -1);
    mbedtls_timing_set_delay(&delay, 3600000, 7200000);
    CASE_CHECK(failed, mbedtls_timing_get_delay(&delay) == 0);
    mbedtls_timing_set_delay(&delay, 0, 7200000);
    CASE_CHECK(failed, mbedtls_timing_get_delay(&delay) == 1);
    mbedtls_timing_set_delay(&delay, 1, 2);
    while (mbedtls_timing_get_timer(&timer, 0) < 3) {
    }
    while (mbedtls_timing_get_delay(&delay) != 2) {
    }
    return failed;
}
