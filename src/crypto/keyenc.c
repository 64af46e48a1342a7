/* Key transport and agreement; see keyenc.h. */
#include "crypto/keyenc.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/wipe.h"
#include "crypto/pubkey_evp.h"

#define WRAP_MAX 128u /* of keys that are wrapped */

enum cm_status cm_random_bytes(void *out, size_t len)
{
    bool good = len <= INT32_MAX && RAND_bytes(out, (int)len) == 1;

    ERR_clear_error();
    return good ? CM_OK : CM_ERR_CRYPTO;
}

/* ---------------------------------------------------------------- RSA-OAEP */

static const EVP_MD *digest_of(enum cm_oaep oaep)
{
    switch (oaep) {
    case CM_OAEP_SHA1:
        return EVP_sha1();
    case CM_OAEP_SHA384:
        return EVP_sha384();
    case CM_OAEP_SHA256:
        break;
    }
    return EVP_sha256();
}

static bool set_oaep(EVP_PKEY_CTX *ctx, enum cm_oaep oaep)
{
    const EVP_MD *md = digest_of(oaep);

    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

enum cm_status cm_oaep_encrypt(const struct cm_pubkey *key, enum cm_oaep oaep, struct cm_span plain,
                               uint8_t *out, size_t cap, size_t *len)
{
    size_t digest = (size_t)EVP_MD_get_size(digest_of(oaep));
    size_t size = (size_t)EVP_PKEY_get_size(key->pkey);
    EVP_PKEY_CTX *ctx = NULL;
    enum cm_status st = CM_ERR_CRYPTO;

    *len = 0;
    if (key->kind.is_ec) {
        return CM_ERR_MISMATCH;
    }
    if (plain.len > size - 2 * digest - 2) { /* RSA of 2048 bits at least */
        return CM_ERR_LIMIT;
    }
    if (size > cap) {
        return CM_ERR_SPACE;
    }
    ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 && set_oaep(ctx, oaep) &&
        EVP_PKEY_encrypt(ctx, out, &size, plain.ptr, plain.len) == 1) {
        *len = size;
        st = CM_OK;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

enum cm_status cm_rsaes_encrypt(const struct cm_pubkey *key, struct cm_span plain, uint8_t *out,
                                size_t cap, size_t *len)
{
    size_t size = (size_t)EVP_PKEY_get_size(key->pkey);
    EVP_PKEY_CTX *ctx = NULL;
    enum cm_status st = CM_ERR_CRYPTO;

    *len = 0;
    if (key->kind.is_ec) {
        return CM_ERR_MISMATCH;
    }
    if (plain.len > size - RSA_PKCS1_PADDING_SIZE) {
        return CM_ERR_LIMIT;
    }
    if (size > cap) {
        return CM_ERR_SPACE;
    }
    ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_encrypt(ctx, out, &size, plain.ptr, plain.len) == 1) {
        *len = size;
        st = CM_OK;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

enum cm_status cm_oaep_decrypt(const struct cm_privkey *key, enum cm_oaep oaep,
                               struct cm_span cipher, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = NULL;
    enum cm_status st = CM_ERR_SIGNATURE;
    size_t size = CM_KEYENC_MAX_RSA;

    *len = 0;
    memset(out, 0, CM_KEYENC_MAX_RSA);
    if (key->kind.is_ec) {
        return CM_ERR_MISMATCH;
    }
    ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 || !set_oaep(ctx, oaep)) {
        st = CM_ERR_CRYPTO;
    } else if (EVP_PKEY_decrypt(ctx, out, &size, cipher.ptr, cipher.len) == 1) {
        *len = size;
        st = CM_OK;
    } else {
        cm_wipe(out, CM_KEYENC_MAX_RSA);
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

/* -------------------------------------------------------------------- ECDH */

enum cm_status cm_ecdh(const struct cm_privkey *own, const struct cm_pubkey *peer,
                       uint8_t out[CM_KEYENC_MAX_SHARED], size_t *len)
{
    EVP_PKEY_CTX *ctx = NULL;
    enum cm_status st = CM_ERR_CRYPTO;
    size_t size = 0;

    *len = 0;
    if (!own->kind.is_ec || !peer->kind.is_ec || own->kind.curve != peer->kind.curve) {
        return CM_ERR_MISMATCH;
    }
    size = cm_curve_size(own->kind.curve);
    ctx = EVP_PKEY_CTX_new(own->pkey, NULL);
    if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer(ctx, peer->pkey) == 1 && EVP_PKEY_derive(ctx, out, &size) == 1 &&
        size == cm_curve_size(own->kind.curve)) {
        *len = size;
        st = CM_OK;
    } else {
        cm_wipe(out, CM_KEYENC_MAX_SHARED);
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

/* ---------------------------------------------------------------- key wrap */

static bool wrap_pass(const uint8_t *kek, int encrypt, struct cm_span in, uint8_t *out, size_t want)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t made[WRAP_MAX + 2 * CM_KEYENC_WRAP_EXTRA] = {0};
    int n = 0;
    bool good = false;

    if (ctx != NULL) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        good = EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL, encrypt) == 1 &&
               EVP_CipherUpdate(ctx, made, &n, in.ptr, (int)in.len) == 1 && (size_t)n == want;
    }
    if (good) {
        memcpy(out, made, want);
    } else {
        cm_wipe(out, want);
    }
    cm_wipe(made, sizeof(made));
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

enum cm_status cm_aes_wrap(const uint8_t kek[CM_KEYENC_KEK_SIZE], struct cm_span key, uint8_t *out)
{
    if (key.len == 0 || key.len % 16 != 0 || key.len > WRAP_MAX) {
        return CM_ERR_PARAM;
    }
    return wrap_pass(kek, 1, key, out, key.len + CM_KEYENC_WRAP_EXTRA) ? CM_OK : CM_ERR_CRYPTO;
}

enum cm_status cm_aes_unwrap(const uint8_t kek[CM_KEYENC_KEK_SIZE], struct cm_span wrapped,
                             uint8_t *out)
{
    if (wrapped.len < 16 + CM_KEYENC_WRAP_EXTRA || wrapped.len % 16 != CM_KEYENC_WRAP_EXTRA ||
        wrapped.len > WRAP_MAX + CM_KEYENC_WRAP_EXTRA) {
        return CM_ERR_SIGNATURE;
    }
    return wrap_pass(kek, 0, wrapped, out, wrapped.len - CM_KEYENC_WRAP_EXTRA) ? CM_OK
                                                                               : CM_ERR_SIGNATURE;
}

enum cm_status cm_aes_wrap_pad(const uint8_t kek[CM_KEYENC_KEK_SIZE], struct cm_span key,
                               uint8_t *out)
{
    size_t want = CM_KEYENC_WRAP_PAD_SIZE(key.len);
    EVP_CIPHER_CTX *ctx = NULL;
    bool good = false;
    int n = 0;

    if (key.len == 0 || key.len > CM_KEYENC_WRAP_PAD_MAX) {
        return CM_ERR_PARAM;
    }
    ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        good = EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL) == 1 &&
               EVP_EncryptUpdate(ctx, out, &n, key.ptr, (int)key.len) == 1 && (size_t)n == want;
    }
    if (!good) {
        cm_wipe(out, want);
    }
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return good ? CM_OK : CM_ERR_CRYPTO;
}
