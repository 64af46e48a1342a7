/* A provider of identities for tests: its keys, its key set and its tokens. */
#ifndef CM_TESTS_ACCESS_JWT_KIT_H
#define CM_TESTS_ACCESS_JWT_KIT_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "harness.h"

#include "access/access_jwt.h"
#include "token/base64.h"

#define ISSUER   "https://id.example"
#define AUDIENCE "casemate"

struct signer {
    struct cm_privkey *key;
    enum cm_sig_alg alg;
    const char *kid; /* NULL: none */
};

static inline struct signer signer_make(enum cm_sig_alg alg, enum cm_curve curve, const char *kid)
{
    struct signer s = {NULL, alg, kid};

    if (cm_privkey_generate(curve, alg == CM_SIG_RS256 || alg == CM_SIG_PS256 ? 2048 : 0, &s.key) !=
        CM_OK) {
        abort();
    }
    return s;
}

static inline void b64(const uint8_t *data, size_t len, char *out, size_t cap)
{
    size_t n = 0;

    if (cm_base64url_encode(cm_span_make(data, len), out, cap - 1, &n) != CM_OK) {
        abort();
    }
    out[n] = '\0';
}

static inline void rsa_number(const struct cm_privkey *key, const char *name, char *out, size_t cap)
{
    const EVP_PKEY *evp = cm_privkey_evp(key);
    uint8_t bytes[512];
    BIGNUM *n = NULL;

    if (EVP_PKEY_get_bn_param(evp, name, &n) != 1) {
        abort();
    }
    b64(bytes, (size_t)BN_bn2bin(n, bytes), out, cap);
    BN_free(n);
}

/* The public key as a JWK; more: further members, with a comma before them. */
static inline void jwk_of(const struct signer *s, const char *more, char *out, size_t cap)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66];
    uint8_t y[66];
    size_t len = 0;
    char a[400];
    char b[400];
    char kid[80] = "";

    if (s->kid != NULL) {
        (void)snprintf(kid, sizeof(kid), ",\"kid\":\"%s\"", s->kid);
    }
    if (cm_privkey_public(s->key, &pub) != CM_OK) {
        abort();
    }
    if (cm_pubkey_ec(pub, &curve, x, y, &len) == CM_OK) {
        b64(x, len, a, sizeof(a));
        b64(y, len, b, sizeof(b));
        (void)snprintf(out, cap, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s%s}",
                       curves[curve], a, b, kid, more);
    } else {
        rsa_number(s->key, OSSL_PKEY_PARAM_RSA_N, a, sizeof(a));
        rsa_number(s->key, OSSL_PKEY_PARAM_RSA_E, b, sizeof(b));
        (void)snprintf(out, cap, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s%s}", a, b, kid,
                       more);
    }
    cm_pubkey_free(pub);
}

/* A token of these claims; header: further members, or NULL. It lives until the next call. */
static inline const char *token_of(const struct signer *s, const char *header, const char *claims)
{
    static char token[32768];
    char members[512] = "";

    (void)snprintf(members, sizeof(members), "%s%s%s%s%s", s->kid != NULL ? "\"kid\":\"" : "",
                   s->kid != NULL ? s->kid : "", s->kid != NULL ? "\"" : "",
                   s->kid != NULL && header != NULL ? "," : "", header != NULL ? header : "");
    if (cm_jws_sign(s->key, s->alg, members[0] == '\0' ? NULL : members,
                    cm_span_make(claims, strlen(claims)), token, sizeof(token)) != CM_OK) {
        abort();
    }
    return token;
}

#endif
