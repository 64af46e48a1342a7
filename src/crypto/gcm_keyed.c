/* AES-256-GCM under one key for many texts; see crypto.h. */
#include "crypto/crypto.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/wipe.h"

/* A context for each direction: the key schedule is made once. */
struct cm_gcm {
    EVP_CIPHER_CTX *way[2];
};

enum cm_status cm_gcm_create(const uint8_t key[CM_GCM256_KEY_SIZE], struct cm_gcm **out)
{
    struct cm_gcm *g = calloc(1, sizeof(*g));
    bool good = g != NULL;

    *out = NULL;
    for (int encrypt = 0; good && encrypt < 2; encrypt++) {
        g->way[encrypt] = EVP_CIPHER_CTX_new();
        good = g->way[encrypt] != NULL &&
               EVP_CipherInit_ex(g->way[encrypt], EVP_aes_256_gcm(), NULL, key, NULL, encrypt) == 1;
    }
    ERR_clear_error();
    if (!good) {
        cm_gcm_free(g);
        return CM_ERR_NOMEM;
    }
    *out = g;
    return CM_OK;
}

void cm_gcm_free(struct cm_gcm *g)
{
    if (g != NULL) {
        EVP_CIPHER_CTX_free(g->way[0]); /* OpenSSL clears the key schedules */
        EVP_CIPHER_CTX_free(g->way[1]);
        free(g);
    }
}

static bool pass(EVP_CIPHER_CTX *ctx, struct cm_span in, uint8_t *out)
{
    int n = 0;

    return in.len == 0 ||
           (EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1 && n == (int)in.len);
}

static bool run(EVP_CIPHER_CTX *ctx, const uint8_t *iv, struct cm_span aad, struct cm_span in,
                uint8_t *out)
{
    return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) == 1 && pass(ctx, aad, NULL) &&
           pass(ctx, in, out);
}

enum cm_status cm_gcm_seal_with(struct cm_gcm *g, const uint8_t iv[CM_GCM_IV_SIZE],
                                struct cm_span aad, struct cm_span plain, uint8_t *out,
                                uint8_t tag[CM_GCM_TAG_SIZE])
{
    uint8_t none[CM_GCM_TAG_SIZE];
    int n = 0;

    if (aad.len > INT_MAX || plain.len > INT_MAX) {
        return CM_ERR_LIMIT;
    }
    if (run(g->way[1], iv, aad, plain, out) && EVP_CipherFinal_ex(g->way[1], none, &n) == 1 &&
        n == 0 &&
        EVP_CIPHER_CTX_ctrl(g->way[1], EVP_CTRL_AEAD_GET_TAG, (int)CM_GCM_TAG_SIZE, tag) == 1) {
        return CM_OK;
    }
    ERR_clear_error();
    cm_wipe(out, plain.len);
    cm_wipe(tag, CM_GCM_TAG_SIZE);
    return CM_ERR_CRYPTO;
}

enum cm_status cm_gcm_open_with(struct cm_gcm *g, const uint8_t iv[CM_GCM_IV_SIZE],
                                struct cm_span aad, struct cm_span cipher,
                                const uint8_t tag[CM_GCM_TAG_SIZE], uint8_t *out)
{
    enum cm_status st = CM_ERR_CRYPTO;
    uint8_t want[CM_GCM_TAG_SIZE];
    uint8_t none[CM_GCM_TAG_SIZE];
    int n = 0;

    if (aad.len > INT_MAX || cipher.len > INT_MAX) {
        return CM_ERR_LIMIT;
    }
    memcpy(want, tag, sizeof(want)); /* EVP wants it writable */
    if (run(g->way[0], iv, aad, cipher, out) &&
        EVP_CIPHER_CTX_ctrl(g->way[0], EVP_CTRL_AEAD_SET_TAG, (int)sizeof(want), want) == 1) {
        st = EVP_CipherFinal_ex(g->way[0], none, &n) == 1 && n == 0 ? CM_OK : CM_ERR_SIGNATURE;
    }
    if (st != CM_OK) {
        ERR_clear_error();
        cm_wipe(out, cipher.len); /* what came out is unauthenticated */
    }
    return st;
}
