/* The work of bench_crypto; see crypto_work.h. Keys and contexts are made once, outside the loops. */
#include "crypto_work.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

static unsigned char input[WORK_SIZE_MAX];
static unsigned char output[WORK_SIZE_MAX + 16];

static bool encrypt(EVP_CIPHER_CTX *c, uint64_t number, int size)
{
    unsigned char iv[12] = {0};
    unsigned char tag[16];
    int n = 0;

    memcpy(iv, &number, sizeof(number));
    return EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(c, output, &n, input, size) == 1 &&
           EVP_EncryptFinal_ex(c, output + n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, sizeof(tag), tag) == 1;
}

static bool run_gcm(uint64_t count, int size)
{
    static const unsigned char key[32] = {1};
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, NULL) == 1;
    uint64_t i;

    for (i = 0; i < count && ok; i++) {
        ok = encrypt(c, i, size);
    }
    EVP_CIPHER_CTX_free(c);
    return ok;
}

static bool run_sha(uint64_t count, size_t size)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char digest[32];
    bool ok = md != NULL && c != NULL;
    uint64_t i;

    for (i = 0; i < count && ok; i++) {
        ok = EVP_DigestInit_ex(c, md, NULL) == 1 && EVP_DigestUpdate(c, input, size) == 1 &&
             EVP_DigestFinal_ex(c, digest, NULL) == 1;
    }
    EVP_MD_CTX_free(c);
    EVP_MD_free(md);
    return ok;
}

static bool run_p256(uint64_t count, bool verify)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    unsigned char digest[32] = {1, 2, 3};
    unsigned char sig[80];
    size_t len = sizeof(sig);
    bool ok = EVP_PKEY_sign_init(c) == 1 &&
              EVP_PKEY_sign(c, sig, &len, digest, sizeof(digest)) == 1 &&
              (!verify || EVP_PKEY_verify_init(c) == 1);
    uint64_t i;

    for (i = 0; i < count && ok; i++) {
        if (verify) {
            ok = EVP_PKEY_verify(c, sig, len, digest, sizeof(digest)) == 1;
        } else {
            len = sizeof(sig);
            ok = EVP_PKEY_sign(c, sig, &len, digest, sizeof(digest)) == 1;
        }
    }
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(key);
    return ok;
}

int crypto_work_run(unsigned what, uint64_t count, uint64_t size)
{
    bool ok = false;

    if (size > WORK_SIZE_MAX) {
        return -1;
    }
    switch (what) {
    case WORK_AES_256_GCM:
        ok = run_gcm(count, (int)size);
        break;
    case WORK_SHA_256:
        ok = run_sha(count, (size_t)size);
        break;
    case WORK_P256_SIGN:
    case WORK_P256_VERIFY:
        ok = run_p256(count, what == WORK_P256_VERIFY);
        break;
    default:
        break;
    }
    return ok ? 0 : -1;
}
