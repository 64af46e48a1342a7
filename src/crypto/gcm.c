/* AES-GCM; see crypto.h. */
#include "crypto/crypto.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/wipe.h"

/* EVP takes lengths as int, and NULL output as "additional data": so no call with nothing. */
static bool pass(EVP_CIPHER_CTX *ctx, struct cm_span in, uint8_t *out)
{
    int n = 0;

    return in.len == 0 ||
           (EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1 && n == (int)in.len);
}

static EVP_CIPHER_CTX *begin(struct cm_span key, const uint8_t *iv, int encrypt,
                             const struct cm_span *aad)
{
    const EVP_CIPHER *cipher = key.len == CM_GCM_KEY_SIZE ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx != NULL && (EVP_CipherInit_ex(ctx, cipher, NULL, key.ptr, iv, encrypt) != 1 ||
                        !pass(ctx, *aad, NULL))) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static bool lawful(struct cm_span key)
{
    return key.len == CM_GCM_KEY_SIZE || key.len == CM_GCM256_KEY_SIZE;
}

enum cm_status cm_gcm_seal(struct cm_span key, const uint8_t iv[CM_GCM_IV_SIZE], struct cm_span aad,
                           struct cm_span plain, uint8_t *out, uint8_t tag[CM_GCM_TAG_SIZE])
{
    enum cm_status st = CM_ERR_CRYPTO;
    EVP_CIPHER_CTX *ctx = NULL;
    uint8_t none[CM_GCM_TAG_SIZE]; /* the end of GCM gives no bytes */
    int n = 0;

    if (!lawful(key)) {
        return CM_ERR_PARAM;
    }
    if (aad.len > INT_MAX || plain.len > INT_MAX) {
        return CM_ERR_LIMIT;
    }
    ctx = begin(key, iv, 1, &aad);
    if (ctx != NULL && pass(ctx, plain, out) && EVP_CipherFinal_ex(ctx, none, &n) == 1 && n == 0 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)CM_GCM_TAG_SIZE, tag) == 1) {
        st = CM_OK;
    } else {
        cm_wipe(out, plain.len);
        cm_wipe(tag, CM_GCM_TAG_SIZE);
    }
    EVP_CIPHER_CTX_free(ctx); /* OpenSSL clears the key schedule */
    ERR_clear_error();
    return st;
}

enum cm_status cm_gcm_open(struct cm_span key, const uint8_t iv[CM_GCM_IV_SIZE], struct cm_span aad,
                           struct cm_span cipher, const uint8_t tag[CM_GCM_TAG_SIZE], uint8_t *out)
{
    enum cm_status st = CM_ERR_CRYPTO;
    EVP_CIPHER_CTX *ctx = NULL;
    uint8_t want[CM_GCM_TAG_SIZE];
    uint8_t none[CM_GCM_TAG_SIZE];
    int n = 0;

    if (!lawful(key)) {
        return CM_ERR_PARAM;
    }
    if (aad.len > INT_MAX || cipher.len > INT_MAX) {
        return CM_ERR_LIMIT;
    }
    for (size_t i = 0; i < sizeof(want); i++) {
        want[i] = tag[i]; /* EVP wants it writable */
    }
    ctx = begin(key, iv, 0, &aad);
    if (ctx != NULL && pass(ctx, cipher, out) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof(want), want) == 1) {
        st = EVP_CipherFinal_ex(ctx, none, &n) == 1 && n == 0 ? CM_OK : CM_ERR_SIGNATURE;
    }
    if (st != CM_OK) {
        cm_wipe(out, cipher.len); /* what came out is unauthenticated */
    }
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

enum cm_status cm_gcm_encrypt(const uint8_t key[CM_GCM_KEY_SIZE], const uint8_t iv[CM_GCM_IV_SIZE],
                              struct cm_span aad, struct cm_span plain, uint8_t *out,
                              uint8_t tag[CM_GCM_TAG_SIZE])
{
    return cm_gcm_seal(cm_span_make(key, CM_GCM_KEY_SIZE), iv, aad, plain, out, tag);
}

enum cm_status cm_gcm_decrypt(const uint8_t key[CM_GCM_KEY_SIZE], const uint8_t iv[CM_GCM_IV_SIZE],
                              struct cm_span aad, struct cm_span cipher,
                              const uint8_t tag[CM_GCM_TAG_SIZE], uint8_t *out)
{
    return cm_gcm_open(cm_span_make(key, CM_GCM_KEY_SIZE), iv, aad, cipher, tag, out);
}
