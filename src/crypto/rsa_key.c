/*
 * RSA-3072 signing keys: from a PEM file, behind an OpenSSL engine or
 * provider, or new. Host side only: enclaves are signed outside.
 */
#include "crypto/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/try.h"
#include "crypto/pubkey_evp.h"

enum { PEM_MAX = 64 * 1024 };

struct cm_rsa_key {
    EVP_PKEY *pkey;
};

/* The modulus of an RSA-3072 key with exponent 3; anything else cannot sign enclaves. */
static enum cm_status read_pub(const EVP_PKEY *pkey, struct cm_rsa_pub *out, struct cm_why *why)
{
    enum cm_status st = CM_ERR_UNSUPPORTED;
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;

    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
        cm_why_set(why, "the signing key is not an RSA key; SGX needs RSA with 3072 bits and "
                        "public exponent 3");
        goto out;
    }
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        cm_why_set(why, "the public half of the signing key cannot be read");
        st = CM_ERR_CRYPTO;
        goto out;
    }
    if (BN_num_bits(n) != CM_RSA3072_BITS) {
        cm_why_set(why, "the signing key has %d bits; SGX needs RSA with 3072 bits",
                   BN_num_bits(n));
        goto out;
    }
    if (!BN_is_word(e, CM_RSA3072_EXPONENT)) {
        cm_why_set(why, "the signing key's public exponent is not 3, as SGX needs "
                        "(openssl genrsa -3 3072)");
        goto out;
    }
    if (BN_bn2binpad(n, out->modulus, (int)sizeof(out->modulus)) < 0) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    st = CM_OK;
out:
    BN_free(n);
    BN_free(e);
    ERR_clear_error();
    return st;
}

enum cm_status cm_rsa_key_from_evp(void *evp_pkey, struct cm_rsa_key **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_rsa_key *key = NULL;
    struct cm_rsa_pub pub = {{0}};

    *out = NULL;
    CM_TRY(read_pub(evp_pkey, &pub, why));
    key = OPENSSL_zalloc(sizeof(*key));
    if (key == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    key->pkey = evp_pkey;
    *out = key;
out:
    return st;
}

static enum cm_status open_pem(struct cm_span pem, BIO **out, struct cm_why *why)
{
    *out = NULL;
    if (pem.len == 0 || pem.len > PEM_MAX) {
        cm_why_set(why, "a PEM file of %zu bytes (expected 1 to %d)", pem.len, (int)PEM_MAX);
        return CM_ERR_FORMAT;
    }
    *out = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    return *out != NULL ? CM_OK : CM_ERR_NOMEM;
}

enum cm_status cm_rsa_key_from_pem(struct cm_span pem, struct cm_rsa_key **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    BIO *bio = NULL;
    EVP_PKEY *pkey = NULL;

    *out = NULL;
    CM_TRY(open_pem(pem, &bio, why));
    pkey = PEM_read_bio_PrivateKey(bio, NULL, cm_evp_no_passphrase, NULL);
    if (pkey == NULL) {
        cm_why_set(why, "no unencrypted private key in PEM (\"BEGIN RSA PRIVATE KEY\" or "
                        "\"BEGIN PRIVATE KEY\")");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_rsa_key_from_evp(pkey, out, why));
    pkey = NULL;
out:
    ERR_clear_error();
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    return st;
}

enum cm_status cm_rsa_key_generate(struct cm_rsa_key **out)
{
    enum cm_status st = CM_ERR_CRYPTO;
    size_t bits = CM_RSA3072_BITS;
    unsigned int exponent = CM_RSA3072_EXPONENT;
    OSSL_PARAM params[3];
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *pkey = NULL;

    *out = NULL;
    params[0] = OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits);
    params[1] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent);
    params[2] = OSSL_PARAM_construct_end();
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_params(ctx, params) != 1 || EVP_PKEY_generate(ctx, &pkey) != 1) {
        goto out;
    }
    CM_TRY(cm_rsa_key_from_evp(pkey, out, NULL));
    pkey = NULL;
out:
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    return st;
}

enum cm_status cm_rsa_key_pem(const struct cm_rsa_key *key, char *out, size_t cap)
{
    return cm_evp_pem(key->pkey, out, cap);
}

void cm_rsa_key_free(struct cm_rsa_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey); /* OpenSSL wipes the private numbers */
        OPENSSL_free(key);
    }
}

enum cm_status cm_rsa_key_pub(const struct cm_rsa_key *key, struct cm_rsa_pub *out)
{
    return read_pub(key->pkey, out, NULL);
}

enum cm_status cm_rsa_pub_from_cert_pem(struct cm_span pem, struct cm_rsa_pub *out,
                                        struct cm_why *why)
{
    enum cm_status st = CM_OK;
    BIO *bio = NULL;
    X509 *cert = NULL;
    EVP_PKEY *pkey = NULL;

    CM_TRY(open_pem(pem, &bio, why));
    cert = PEM_read_bio_X509(bio, NULL, cm_evp_no_passphrase, NULL);
    if (cert == NULL) {
        cm_why_set(why, "no X.509 certificate in PEM (\"BEGIN CERTIFICATE\")");
        st = CM_ERR_FORMAT;
        goto out;
    }
    pkey = X509_get0_pubkey(cert);
    if (pkey == NULL) {
        cm_why_set(why, "the certificate's public key cannot be read");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(read_pub(pkey, out, why));
out:
    ERR_clear_error();
    X509_free(cert);
    BIO_free(bio);
    return st;
}

enum cm_status cm_rsa_sign(const struct cm_rsa_key *key, const uint8_t digest[CM_SHA256_SIZE],
                           uint8_t signature[CM_RSA3072_SIZE])
{
    enum cm_status st = CM_ERR_CRYPTO;
    size_t len = CM_RSA3072_SIZE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);

    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
        EVP_PKEY_sign(ctx, signature, &len, digest, CM_SHA256_SIZE) != 1 ||
        len != CM_RSA3072_SIZE) {
        goto out;
    }
    st = CM_OK;
out:
    ERR_clear_error();
    EVP_PKEY_CTX_free(ctx);
    return st;
}
