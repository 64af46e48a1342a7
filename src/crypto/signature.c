/*
 * Signatures of tokens and evidence; see pubkey.h. ECDSA signatures travel as r || s of fixed
 * length, so the DER form that OpenSSL wants is made and taken apart here, strictly.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/try.h"
#include "common/writer.h"
#include "crypto/pubkey_evp.h"

struct alg {
    bool ec;
    bool pss;
    enum cm_curve curve;
    const EVP_MD *(*hash)(void);
};

static const struct alg *alg_of(enum cm_sig_alg alg)
{
    static const struct alg table[] = {
        [CM_SIG_ES256] = {true, false, CM_CURVE_P256, EVP_sha256},
        [CM_SIG_ES384] = {true, false, CM_CURVE_P384, EVP_sha384},
        [CM_SIG_ES512] = {true, false, CM_CURVE_P521, EVP_sha512},
        [CM_SIG_RS256] = {false, false, CM_CURVE_P256, EVP_sha256},
        [CM_SIG_RS384] = {false, false, CM_CURVE_P256, EVP_sha384},
        [CM_SIG_RS512] = {false, false, CM_CURVE_P256, EVP_sha512},
        [CM_SIG_PS256] = {false, true, CM_CURVE_P256, EVP_sha256},
        [CM_SIG_PS384] = {false, true, CM_CURVE_P256, EVP_sha384},
        [CM_SIG_PS512] = {false, true, CM_CURVE_P256, EVP_sha512},
    };

    return (size_t)alg < sizeof(table) / sizeof(table[0]) ? &table[alg] : NULL;
}

/* Whether the key is of the kind and on the curve that the algorithm names. */
static bool fits(struct cm_key_kind kind, const struct alg *a)
{
    return a != NULL && kind.is_ec == a->ec && (!kind.is_ec || kind.curve == a->curve);
}

static int set_padding(EVP_PKEY_CTX *ctx, const struct alg *a)
{
    if (a->ec) {
        return 1;
    }
    if (!a->pss) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
    }
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1) {
        return 0;
    }
    return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
}

/* r || s to DER; refuses zero and, through the verification itself, values beyond the order. */
static enum cm_status der_from_raw(struct cm_span raw, uint8_t *der, size_t cap, size_t *len)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)(raw.len / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + raw.len / 2, (int)(raw.len / 2), NULL);
    enum cm_status st = CM_ERR_SIGNATURE;
    unsigned char *at = der;
    int n = 0;

    if (sig != NULL && r != NULL && s != NULL && !BN_is_zero(r) && !BN_is_zero(s) &&
        ECDSA_SIG_set0(sig, r, s) == 1) {
        r = NULL; /* owned by sig now */
        s = NULL;
        n = i2d_ECDSA_SIG(sig, NULL);
        if (n > 0 && (size_t)n <= cap) {
            n = i2d_ECDSA_SIG(sig, &at);
            *len = (size_t)n;
            st = CM_OK;
        }
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return st;
}

static enum cm_status raw_from_der(const uint8_t *der, size_t der_len, uint8_t *out, size_t out_len)
{
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    enum cm_status st = CM_ERR_CRYPTO;
    int half = (int)(out_len / 2);

    if (sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half) {
        st = CM_OK;
    }
    ECDSA_SIG_free(sig);
    return st;
}

enum cm_status cm_pubkey_verify(const struct cm_pubkey *key, enum cm_sig_alg alg,
                                const struct cm_span *parts, size_t part_count,
                                struct cm_span signature)
{
    const struct alg *a = alg_of(alg);
    uint8_t der[160] = {0};
    EVP_MD_CTX *md = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    enum cm_status st = CM_ERR_SIGNATURE;

    if (!fits(key->kind, a)) {
        return CM_ERR_MISMATCH;
    }
    if (a->ec) {
        if (signature.len != 2 * cm_curve_size(a->curve)) {
            return CM_ERR_SIGNATURE;
        }
        CM_TRY(der_from_raw(signature, der, sizeof(der), &signature.len));
        signature.ptr = der;
        st = CM_ERR_SIGNATURE;
    }
    md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestVerifyInit(md, &ctx, a->hash(), NULL, key->pkey) != 1 ||
        set_padding(ctx, a) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].len != 0 && EVP_DigestVerifyUpdate(md, parts[i].ptr, parts[i].len) != 1) {
            st = CM_ERR_CRYPTO;
            goto out;
        }
    }
    if (EVP_DigestVerifyFinal(md, signature.ptr, signature.len) == 1) {
        st = CM_OK;
    }
out:
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return st;
}

enum cm_status cm_pubkey_verify_x509(const struct cm_pubkey *key, enum cm_x509_scheme scheme,
                                     enum cm_hash_alg hash, struct cm_span data,
                                     struct cm_span signature)
{
    static const EVP_MD *(*const hashes[])(void) = {
        [CM_HASH_SHA256] = EVP_sha256,
        [CM_HASH_SHA384] = EVP_sha384,
        [CM_HASH_SHA512] = EVP_sha512,
    };
    struct alg a = {.ec = scheme == CM_X509_ECDSA, .pss = scheme == CM_X509_PSS};
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *md = NULL;
    enum cm_status st = CM_ERR_SIGNATURE;

    if ((size_t)hash >= sizeof(hashes) / sizeof(hashes[0]) || hashes[hash] == NULL) {
        return CM_ERR_UNSUPPORTED;
    }
    if (key->kind.is_ec != a.ec) {
        return CM_ERR_MISMATCH;
    }
    md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestVerifyInit(md, &ctx, hashes[hash](), NULL, key->pkey) != 1 ||
        set_padding(ctx, &a) != 1) {
        st = CM_ERR_CRYPTO;
    } else if (EVP_DigestVerify(md, signature.ptr, signature.len, data.ptr, data.len) == 1) {
        st = CM_OK;
    }
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return st;
}

/* OpenSSL's own form of the signature: DER for ECDSA. */
static enum cm_status sign_parts(EVP_PKEY *pkey, const struct alg *a, const struct cm_span *parts,
                                 size_t part_count, struct cm_wr *made)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    size_t len = made->cap;
    bool ok = md != NULL && EVP_DigestSignInit(md, &ctx, a->hash(), NULL, pkey) == 1 &&
              set_padding(ctx, a) == 1;

    for (size_t i = 0; ok && i < part_count; i++) {
        ok = parts[i].len == 0 || EVP_DigestSignUpdate(md, parts[i].ptr, parts[i].len) == 1;
    }
    ok = ok && EVP_DigestSignFinal(md, made->start, &len) == 1;
    made->used = ok ? len : 0;
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return ok ? CM_OK : CM_ERR_CRYPTO;
}

/* NOLINTNEXTLINE(readability-function-size): buffer, room and length are one thing in three */
enum cm_status cm_privkey_sign(const struct cm_privkey *key, enum cm_sig_alg alg,
                               const struct cm_span *parts, size_t part_count, uint8_t *out,
                               size_t cap, size_t *len)
{
    const struct alg *a = alg_of(alg);
    uint8_t buf[CM_SIG_MAX_SIZE] = {0};
    struct cm_wr made = cm_wr_init(buf, sizeof(buf));
    size_t size = 0;
    enum cm_status st = CM_OK;

    if (!fits(key->kind, a)) {
        return CM_ERR_MISMATCH;
    }
    CM_TRY(sign_parts(key->pkey, a, parts, part_count, &made));
    size = a->ec ? 2 * cm_curve_size(a->curve) : made.used;
    if (size > cap) {
        return CM_ERR_SPACE;
    }
    if (a->ec) {
        CM_TRY(raw_from_der(buf, made.used, out, size));
    } else {
        memcpy(out, buf, size);
    }
    *len = size;
out:
    return st;
}
