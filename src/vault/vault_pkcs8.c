/*
 * A private key as PKCS#8 (RFC 5208, 8017, 5915), in DER. OpenSSL's own encoders would do, but for the copies of
 * the key that they leave in freed memory. Written from the back, since lengths stand in front.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "vault/vault_material.h"

enum { SEQUENCE = 0x30, INTEGER = 2, BIT_STRING = 3, OCTET_STRING = 4, PUBLIC_PART = 0xa1 };

struct der {
    uint8_t bytes[CM_VAULT_MATERIAL_MAX];
    size_t at; /* of the first byte written */
    bool bad;
};

static void put(struct der *d, const void *bytes, size_t len)
{
    if (d->bad || len > d->at) {
        d->bad = true;
        return;
    }
    d->at -= len;
    memcpy(d->bytes + d->at, bytes, len);
}

static void put_byte(struct der *d, uint8_t byte)
{
    put(d, &byte, 1);
}

/* Tag and length of what was written since `end` was where it began. */
static void put_head(struct der *d, uint8_t tag, size_t end)
{
    size_t len = end - d->at;

    if (len > 0xff) {
        put_byte(d, (uint8_t)len);
        put_byte(d, (uint8_t)(len >> 8));
        put_byte(d, 0x82);
    } else if (len > 0x7f) {
        put_byte(d, (uint8_t)len);
        put_byte(d, 0x81);
    } else {
        put_byte(d, (uint8_t)len);
    }
    put_byte(d, tag);
}

/* A parameter of the key: as INTEGER (width 0), or as so many bytes. */
static void put_number(struct der *d, const EVP_PKEY *key, const char *name, size_t width)
{
    const size_t end = d->at;
    BIGNUM *n = BN_secure_new();
    size_t len = 0;

    if (n == NULL || EVP_PKEY_get_bn_param(key, name, &n) != 1) {
        d->bad = true;
    } else {
        len =
            width != 0 ? width : (size_t)BN_num_bits(n) / 8 + 1; /* a leading zero for a high bit */
    }
    if (d->bad || len > d->at || BN_bn2binpad(n, d->bytes + d->at - len, (int)len) != (int)len) {
        d->bad = true;
    } else {
        d->at -= len;
    }
    BN_clear_free(n);
    if (width == 0) {
        put_head(d, INTEGER, end);
    }
}

static void put_rsa(struct der *d, const EVP_PKEY *key)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const char *const parts[] = {
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_N,
    };
    static const uint8_t version[] = {INTEGER, 1, 0};
    const size_t end = d->at;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        put_number(d, key, parts[i], 0);
    }
    put(d, version, sizeof(version));
    put_head(d, SEQUENCE, end);
    put_head(d, OCTET_STRING, end);
    put(d, algorithm, sizeof(algorithm));
}

static void put_ec(struct der *d, const EVP_PKEY *key, size_t size)
{
    /* id-ecPublicKey with the named curve */
    static const uint8_t p256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                   0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                   0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    static const uint8_t p521[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                   0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
    static const uint8_t version[] = {INTEGER, 1, 1};
    static const uint8_t whole_uncompressed[] = {0, 4}; /* no unused bits; the form of the point */
    const size_t end = d->at;
    size_t private_end = 0;

    put_number(d, key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    put_number(d, key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    put(d, whole_uncompressed, sizeof(whole_uncompressed));
    put_head(d, BIT_STRING, end);
    put_head(d, PUBLIC_PART, end);
    private_end = d->at;
    put_number(d, key, OSSL_PKEY_PARAM_PRIV_KEY, size);
    put_head(d, OCTET_STRING, private_end);
    put(d, version, sizeof(version));
    put_head(d, SEQUENCE, end);
    put_head(d, OCTET_STRING, end);
    if (size == 32) {
        put(d, p256, sizeof(p256));
    } else if (size == 48) {
        put(d, p384, sizeof(p384));
    } else {
        put(d, p521, sizeof(p521));
    }
}

enum cm_status cm_vault_pkcs8(const void *evp_pkey, size_t coordinate, uint8_t **out, size_t *len)
{
    static const uint8_t version[] = {INTEGER, 1, 0};
    struct der *d = calloc(1, sizeof(*d));
    enum cm_status st = CM_ERR_NOMEM;

    *out = NULL;
    *len = 0;
    if (d == NULL) {
        return st;
    }
    d->at = sizeof(d->bytes);
    if (coordinate == 0) {
        put_rsa(d, evp_pkey);
    } else {
        put_ec(d, evp_pkey, coordinate);
    }
    put(d, version, sizeof(version));
    put_head(d, SEQUENCE, sizeof(d->bytes));
    if (d->bad) {
        st = CM_ERR_CRYPTO;
    } else {
        *out = malloc(sizeof(d->bytes) - d->at);
    }
    if (*out != NULL) {
        *len = sizeof(d->bytes) - d->at;
        memcpy(*out, d->bytes + d->at, *len);
        st = CM_OK;
    }
    cm_wipe(d, sizeof(*d));
    free(d);
    return st;
}
