/* Authenticated encryption; see aead.h. */
#include "crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

#define CBC_HALF 32u /* of the key: first the MAC's, then the cipher's */

static const struct {
    size_t key;
    size_t iv;
    size_t tag;
} sizes[] = {
    [CM_AEAD_A128GCM] = {16, 12, 16},
    [CM_AEAD_A256GCM] = {32, 12, 16},
    [CM_AEAD_A256CBC_HS512] = {64, 16, 32},
};

size_t cm_aead_key_size(enum cm_aead alg)
{
    return sizes[alg].key;
}

size_t cm_aead_iv_size(enum cm_aead alg)
{
    return sizes[alg].iv;
}

size_t cm_aead_tag_size(enum cm_aead alg)
{
    return sizes[alg].tag;
}

static enum cm_status check(const struct cm_aead_in *in)
{
    if ((size_t)in->alg >= sizeof(sizes) / sizeof(sizes[0]) || in->key.len != sizes[in->alg].key ||
        in->iv.len != sizes[in->alg].iv) {
        return CM_ERR_PARAM;
    }
    return in->text.len > CM_AEAD_MAX_TEXT || in->aad.len > CM_AEAD_MAX_TEXT ? CM_ERR_LIMIT : CM_OK;
}

/* ------------------------------------------------------------ CBC and HMAC */

/* RFC 7518 section 5.2.2.1: over AAD, IV, ciphertext and the AAD's length in bits. */
static enum cm_status cbc_tag(const struct cm_aead_in *in, struct cm_span text, uint8_t tag[32])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    char digest[] = "SHA512";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    const uint64_t bits = (uint64_t)in->aad.len * 8;
    uint8_t full[64] = {0};
    uint8_t al[8];
    enum cm_status st = CM_ERR_CRYPTO;
    size_t n = 0;

    for (unsigned i = 0; i < 8; i++) {
        al[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    if (ctx != NULL && EVP_MAC_init(ctx, in->key.ptr, CBC_HALF, params) == 1 &&
        EVP_MAC_update(ctx, in->aad.ptr, in->aad.len) == 1 &&
        EVP_MAC_update(ctx, in->iv.ptr, in->iv.len) == 1 &&
        EVP_MAC_update(ctx, text.ptr, text.len) == 1 && EVP_MAC_update(ctx, al, 8) == 1 &&
        EVP_MAC_final(ctx, full, &n, sizeof(full)) == 1 && n == sizeof(full)) {
        memcpy(tag, full, 32);
        st = CM_OK;
    }
    cm_wipe(full, sizeof(full));
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return st;
}

/* With padding (PKCS#7); out may be the text's own memory. */
static enum cm_status cbc_pass(const struct cm_aead_in *in, int encrypt, uint8_t *out, size_t *len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t last[CM_AEAD_MAX_PAD] = {0};
    enum cm_status st = CM_ERR_CRYPTO;
    int made = 0;
    int n = 0;

    if (ctx != NULL &&
        EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, in->key.ptr + CBC_HALF, in->iv.ptr,
                          encrypt) == 1 &&
        EVP_CipherUpdate(ctx, out, &made, in->text.ptr, (int)in->text.len) == 1 &&
        EVP_CipherFinal_ex(ctx, last, &n) == 1) {
        memcpy(out + made, last, (size_t)n);
        *len = (size_t)made + (size_t)n;
        st = CM_OK;
    }
    cm_wipe(last, sizeof(last));
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

static enum cm_status cbc_open(const struct cm_aead_in *in, struct cm_span tag, uint8_t *out,
                               size_t *len)
{
    uint8_t want[32] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cbc_tag(in, in->text, want));
    if (!cm_ct_equal(want, tag.ptr, sizeof(want))) {
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    /* authentic, so padding tells nobody anything; wrong padding was made by who has the key */
    st = cbc_pass(in, 0, out, len) == CM_OK ? CM_OK : CM_ERR_SIGNATURE;
out:
    cm_wipe(want, sizeof(want));
    return st;
}

/* -------------------------------------------------------------------- both */

enum cm_status cm_aead_seal(const struct cm_aead_in *in, uint8_t *out, size_t cap, size_t *len,
                            uint8_t tag[CM_AEAD_MAX_TAG])
{
    const bool cbc = in->alg == CM_AEAD_A256CBC_HS512;
    size_t need = 0;
    enum cm_status st = CM_OK;

    *len = 0;
    CM_TRY(check(in));
    need = in->text.len + (cbc ? CM_AEAD_MAX_PAD - in->text.len % CM_AEAD_MAX_PAD : 0);
    if (need > cap) {
        return CM_ERR_SPACE;
    }
    if (cbc) {
        CM_TRY(cbc_pass(in, 1, out, len));
        CM_TRY(cbc_tag(in, cm_span_make(out, *len), tag));
    } else {
        CM_TRY(cm_gcm_seal(in->key, in->iv.ptr, in->aad, in->text, out, tag));
        *len = in->text.len;
    }
out:
    if (st != CM_OK) {
        cm_wipe(out, need < cap ? need : cap);
        *len = 0;
    }
    ERR_clear_error();
    return st;
}

enum cm_status cm_aead_open(const struct cm_aead_in *in, struct cm_span tag, uint8_t *out,
                            size_t cap, size_t *len)
{
    enum cm_status st = CM_OK;

    *len = 0;
    CM_TRY(check(in));
    if (in->text.len > cap) {
        return CM_ERR_SPACE;
    }
    if (tag.len != sizes[in->alg].tag) {
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    if (in->alg == CM_AEAD_A256CBC_HS512) {
        CM_TRY(cbc_open(in, tag, out, len));
    } else {
        CM_TRY(cm_gcm_open(in->key, in->iv.ptr, in->aad, in->text, tag.ptr, out));
        *len = in->text.len;
    }
out:
    if (st != CM_OK) {
        /* what came out is unauthenticated */
        cm_wipe(out, in->text.len < cap ? in->text.len : cap);
        *len = 0;
    }
    ERR_clear_error();
    return st;
}
