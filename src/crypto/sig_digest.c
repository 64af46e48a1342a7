/* Signatures over digests; see sig_digest.h. Untrusted: digest and signature. */
#include "crypto/sig_digest.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/pubkey_evp.h"

#define MAX_ECDSA 160 /* bytes of DER on P-521 */

static const EVP_MD *hash_of(size_t len)
{
    switch (len) {
    case 32:
        return EVP_sha256();
    case 48:
        return EVP_sha384();
    case 64:
        return EVP_sha512();
    default:
        return NULL;
    }
}

bool cm_pubkey_is_ec(const struct cm_pubkey *key, size_t *size)
{
    *size = key->kind.is_ec ? cm_curve_size(key->kind.curve) : (size_t)EVP_PKEY_get_size(key->pkey);
    return key->kind.is_ec;
}

bool cm_pubkey_equal(const struct cm_pubkey *a, const struct cm_pubkey *b)
{
    bool same = EVP_PKEY_eq(a->pkey, b->pkey) == 1;

    ERR_clear_error();
    return same;
}

enum cm_status cm_ecdsa_raw(struct cm_span der, uint8_t *out, size_t out_len)
{
    const unsigned char *at = der.ptr;
    ECDSA_SIG *sig =
        der.len == 0 || der.len > MAX_ECDSA ? NULL : d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    enum cm_status st = CM_ERR_FORMAT;
    int half = (int)(out_len / 2);

    if (sig != NULL && at == der.ptr + der.len && !BN_is_negative(ECDSA_SIG_get0_r(sig)) &&
        !BN_is_negative(ECDSA_SIG_get0_s(sig)) &&
        BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half) {
        st = CM_OK;
    }
    ECDSA_SIG_free(sig);
    ERR_clear_error();
    return st;
}

/* r || s as the DER that OpenSSL takes; its length, 0 when it is none. */
static size_t ecdsa_der(struct cm_span raw, uint8_t der[MAX_ECDSA])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)(raw.len / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + raw.len / 2, (int)(raw.len / 2), NULL);
    unsigned char *at = der;
    int n = 0;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = NULL; /* owned by sig now */
        s = NULL;
        n = i2d_ECDSA_SIG(sig, NULL);
        n = n > 0 && n <= MAX_ECDSA ? i2d_ECDSA_SIG(sig, &at) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

/* One verification; salt is OpenSSL's number for the length of a PSS salt. */
static enum cm_status verify(EVP_PKEY *pkey, const EVP_MD *md, int padding, int salt,
                             struct cm_span digest, struct cm_span signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    enum cm_status st = CM_ERR_CRYPTO;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
        (padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1)) {
        st = EVP_PKEY_verify(ctx, signature.ptr, signature.len, digest.ptr, digest.len) == 1
                 ? CM_OK
                 : CM_ERR_SIGNATURE;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

enum cm_status cm_pubkey_verify_digest(const struct cm_pubkey *key, enum cm_sig_scheme scheme,
                                       struct cm_span digest, struct cm_span signature)
{
    const EVP_MD *md = hash_of(digest.len);
    uint8_t der[MAX_ECDSA] = {0};
    size_t size = 0;
    bool is_ec = cm_pubkey_is_ec(key, &size);
    enum cm_status st = CM_ERR_SIGNATURE;

    if (md == NULL) {
        return CM_ERR_UNSUPPORTED;
    }
    if (is_ec != (scheme == CM_SCHEME_ECDSA)) {
        return CM_ERR_MISMATCH;
    }
    if (is_ec) {
        if (signature.len != 2 * size) {
            return CM_ERR_SIGNATURE;
        }
        signature = cm_span_make(der, ecdsa_der(signature, der));
        return signature.len == 0 ? CM_ERR_SIGNATURE
                                  : verify(key->pkey, md, 0, 0, digest, signature);
    }
    if (signature.len != size) {
        return CM_ERR_SIGNATURE;
    }
    if (scheme == CM_SCHEME_PKCS1) {
        return verify(key->pkey, md, RSA_PKCS1_PADDING, 0, digest, signature);
    }
    st = verify(key->pkey, md, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, digest, signature);
    if (st == CM_ERR_SIGNATURE) { /* TPMs before revision 1.38 fill the room there is */
        st = verify(key->pkey, md, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, digest, signature);
    }
    return st;
}
