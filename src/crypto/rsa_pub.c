/*
 * RSA-3072 with exponent 3, public side: verification of a signature and the
 * quotients of SIGSTRUCT. UNTRUSTED: modulus and signature.
 */
#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "common/try.h"

static enum cm_status pub_to_evp(const struct cm_rsa_pub *pub, EVP_PKEY **out)
{
    enum cm_status st = CM_ERR_CRYPTO;
    BIGNUM *n = NULL;
    OSSL_PARAM_BLD *bld = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = NULL;

    *out = NULL;
    n = BN_bin2bn(pub->modulus, (int)sizeof(pub->modulus), NULL);
    if (n == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    if (BN_num_bits(n) != CM_RSA3072_BITS || !BN_is_odd(n)) {
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    bld = OSSL_PARAM_BLD_new();
    if (bld == NULL || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, CM_RSA3072_EXPONENT) != 1) {
        goto out;
    }
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        goto out;
    }
    st = CM_OK;
out:
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    return st;
}

enum cm_status cm_rsa_verify(const struct cm_rsa_pub *pub, const uint8_t digest[CM_SHA256_SIZE],
                             const uint8_t signature[CM_RSA3072_SIZE])
{
    enum cm_status st = CM_OK;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = NULL;

    CM_TRY(pub_to_evp(pub, &key));
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    if (EVP_PKEY_verify(ctx, signature, CM_RSA3072_SIZE, digest, CM_SHA256_SIZE) != 1) {
        st = CM_ERR_SIGNATURE;
    }
out:
    ERR_clear_error();
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return st;
}

/* The operands are public, so ordinary (variable time) arithmetic is right here. */
static enum cm_status quotients(const BIGNUM *m, const BIGNUM *s, BN_CTX *ctx,
                                uint8_t q1[CM_RSA3072_SIZE], uint8_t q2[CM_RSA3072_SIZE])
{
    enum cm_status st = CM_ERR_CRYPTO;
    BIGNUM *product = BN_new();
    BIGNUM *quotient = BN_new();
    BIGNUM *rest = BN_new();

    if (product == NULL || quotient == NULL || rest == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    if (BN_sqr(product, s, ctx) != 1 || BN_div(quotient, rest, product, m, ctx) != 1 ||
        BN_bn2binpad(quotient, q1, (int)CM_RSA3072_SIZE) < 0 ||
        BN_mul(product, s, rest, ctx) != 1 || BN_div(quotient, NULL, product, m, ctx) != 1 ||
        BN_bn2binpad(quotient, q2, (int)CM_RSA3072_SIZE) < 0) {
        goto out;
    }
    st = CM_OK;
out:
    BN_free(product);
    BN_free(quotient);
    BN_free(rest);
    return st;
}

enum cm_status cm_rsa_quotients(const struct cm_rsa_pub *pub,
                                const uint8_t signature[CM_RSA3072_SIZE],
                                uint8_t q1[CM_RSA3072_SIZE], uint8_t q2[CM_RSA3072_SIZE])
{
    enum cm_status st = CM_OK;
    BIGNUM *m = BN_bin2bn(pub->modulus, (int)CM_RSA3072_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(signature, (int)CM_RSA3072_SIZE, NULL);
    BN_CTX *ctx = BN_CTX_new();

    if (m == NULL || s == NULL || ctx == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    if (BN_is_zero(m) || BN_cmp(s, m) >= 0) { /* otherwise the quotients would not fit */
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    CM_TRY(quotients(m, s, ctx, q1, q2));
out:
    BN_CTX_free(ctx);
    BN_free(s);
    BN_free(m);
    return st;
}
