/* Private to src/crypto: what is inside the key objects. */
#ifndef CM_CRYPTO_PUBKEY_EVP_H
#define CM_CRYPTO_PUBKEY_EVP_H

#include <openssl/evp.h>

#include "crypto/pubkey.h"

/* What a key is. It is found out once: OpenSSL takes half an RSA verification to say it. */
struct cm_key_kind {
    bool is_ec;
    enum cm_curve curve; /* of an EC key */
};

/* Both kinds hold one OpenSSL key; their types keep a caller from taking one for the other. */
struct cm_pubkey {
    EVP_PKEY *pkey;
    struct cm_key_kind kind;
    /* of a key that was made of them: OpenSSL takes a fifth of a P-256 verification to give them back */
    size_t coordinate_len; /* 0: not kept */
    uint8_t x[66];
    uint8_t y[66];
    /* of an RSA key that was made of them, to know it again */
    size_t modulus_len; /* 0: not kept */
    size_t exponent_len;
    uint8_t exponent[8];
    uint8_t modulus[512];
};

struct cm_privkey {
    EVP_PKEY *pkey;
    struct cm_key_kind kind;
};

/** What kind of key it is; CM_ERR_UNSUPPORTED for kinds and sizes that pubkey.h excludes. */
enum cm_status cm_evp_check(const EVP_PKEY *pkey, struct cm_key_kind *out);

/** An object that holds pkey, which it takes over, also when it fails. Checks as cm_evp_check. */
enum cm_status cm_privkey_take(EVP_PKEY *pkey, struct cm_privkey **out);

/** PKCS#8 PEM of a private key, NUL-terminated. @retval CM_ERR_SPACE */
enum cm_status cm_evp_pem(const EVP_PKEY *pkey, char *out, size_t cap);

/** OpenSSL's type of callback: refuses an encrypted key instead of asking a terminal. */
int cm_evp_no_passphrase(char *buf, int size, int rwflag, void *arg);

/** Bytes of a coordinate. */
size_t cm_curve_size(enum cm_curve curve);

/** OpenSSL's name of a curve. */
const char *cm_curve_name(enum cm_curve curve);

#endif
