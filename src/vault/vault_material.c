/* Making, importing and wrapping keys; see vault_material.h. Untrusted: JWKs. */
#include "vault/vault_material.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "vault/vault_form.h"

#define PART_MAX 1024 /* of a JWK's member, decoded */
#define OCT_MAX  32

static const struct {
    const char *crv;
    const char *group; /* OpenSSL's name */
    size_t size;       /* of a coordinate */
} curves[] = {{"P-256", "P-256", 32}, {"P-384", "P-384", 48}, {"P-521", "P-521", 66}};
#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))

void cm_vault_material_clear(struct cm_vault_material *m)
{
    if (m->bytes != NULL) {
        cm_wipe(m->bytes, m->len);
    }
    free(m->bytes);
    json_decref(m->jwk);
    memset(m, 0, sizeof(*m));
}

static enum cm_status wrong(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_PARAM;
}

/* --------------------------------------------------------------- public part */

static json_t *number_json(const EVP_PKEY *key, const char *name, size_t size)
{
    BIGNUM *n = NULL;
    uint8_t bytes[PART_MAX];
    int len = 0;
    json_t *out = NULL;

    if (EVP_PKEY_get_bn_param(key, name, &n) == 1) {
        len = size == 0 ? BN_num_bytes(n) : (int)size;
        if (len <= PART_MAX && BN_bn2binpad(n, bytes, len) == len) {
            out = cm_call_base64url(cm_span_make(bytes, (size_t)len));
        }
    }
    BN_free(n);
    return out;
}

static json_t *jwk_of(const EVP_PKEY *key, const char *kty, size_t curve)
{
    json_t *out = json_object();
    int bad = json_object_set_new(out, "kty", json_string(kty));

    if (EVP_PKEY_is_a(key, "RSA")) {
        bad |= json_object_set_new(out, "n", number_json(key, OSSL_PKEY_PARAM_RSA_N, 0));
        bad |= json_object_set_new(out, "e", number_json(key, OSSL_PKEY_PARAM_RSA_E, 0));
    } else {
        const size_t size = curves[curve].size;

        bad |= json_object_set_new(out, "crv", json_string(curves[curve].crv));
        bad |= json_object_set_new(out, "x", number_json(key, OSSL_PKEY_PARAM_EC_PUB_X, size));
        bad |= json_object_set_new(out, "y", number_json(key, OSSL_PKEY_PARAM_EC_PUB_Y, size));
    }
    if (bad != 0) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

static enum cm_status material_of(const EVP_PKEY *key, const char *kty, size_t curve,
                                  struct cm_vault_material *out)
{
    const size_t size = EVP_PKEY_is_a(key, "RSA") ? 0 : curves[curve].size;
    enum cm_status st = cm_vault_pkcs8(key, size, &out->bytes, &out->len);

    if (st == CM_OK) {
        out->jwk = jwk_of(key, kty, curve);
        st = out->jwk == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    if (st != CM_OK) {
        cm_vault_material_clear(out);
    }
    return st;
}

static enum cm_status oct_of(const uint8_t *bytes, size_t len, const char *kty,
                             struct cm_vault_material *out)
{
    out->bytes = malloc(len);
    out->jwk = json_object();
    if (out->bytes == NULL || json_object_set_new(out->jwk, "kty", json_string(kty)) != 0 ||
        json_object_set_new(out->jwk, "key_size", json_integer((json_int_t)len * 8)) != 0) {
        cm_vault_material_clear(out);
        return CM_ERR_NOMEM;
    }
    memcpy(out->bytes, bytes, len);
    out->len = len;
    return CM_OK;
}

/* ------------------------------------------------------------------ generate */

static bool find_curve(const char *crv, size_t *out)
{
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (strcmp(crv, curves[i].crv) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* "RSA" of "RSA-HSM"; the types that Key Vault has. */
static bool is_type(const char *kty, const char *type)
{
    const size_t n = strlen(type);

    return strncmp(kty, type, n) == 0 && (kty[n] == '\0' || strcmp(kty + n, "-HSM") == 0);
}

static enum cm_status generate_evp(EVP_PKEY *key, const char *kty, size_t curve,
                                   struct cm_vault_material *out)
{
    enum cm_status st = key == NULL ? CM_ERR_CRYPTO : material_of(key, kty, curve, out);

    EVP_PKEY_free(key);
    ERR_clear_error();
    return st;
}

enum cm_status cm_vault_generate(json_t *body, struct cm_vault_material *out, struct cm_why *why)
{
    const char *kty = json_string_value(json_object_get(body, "kty"));
    const json_t *size = json_object_get(body, "key_size");
    const json_t *crv = json_object_get(body, "crv");
    const json_t *exponent = json_object_get(body, "public_exponent");
    long long bits = json_integer_value(size);
    uint8_t fresh[OCT_MAX] = {0};
    size_t curve = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (kty == NULL || (size != NULL && !json_is_null(size) && !json_is_integer(size)) ||
        (crv != NULL && !json_is_null(crv) && !json_is_string(crv))) {
        return wrong(why, "kty must be a text, key_size a number, crv a text");
    }
    if (exponent != NULL && !json_is_null(exponent) && json_integer_value(exponent) != 65537) {
        return wrong(why, "public_exponent can only be 65537");
    }
    if (is_type(kty, "RSA")) {
        bits = bits == 0 ? 2048 : bits;
        if (bits != 2048 && bits != 3072 && bits != 4096) {
            return wrong(why, "key_size of RSA is 2048, 3072 or 4096");
        }
        return generate_evp(EVP_RSA_gen((unsigned)bits), kty, 0, out);
    }
    if (is_type(kty, "EC")) {
        if (json_is_string(crv) && !find_curve(json_string_value(crv), &curve)) {
            return wrong(why, "crv is P-256, P-384 or P-521");
        }
        return generate_evp(EVP_EC_gen(curves[curve].group), kty, curve, out);
    }
    if (is_type(kty, "oct")) {
        bits = bits == 0 ? 256 : bits;
        if (bits != 128 && bits != 192 && bits != 256) {
            return wrong(why, "key_size of oct-HSM is 128, 192 or 256");
        }
        CM_TRY(cm_random_bytes(fresh, (size_t)bits / 8));
        st = oct_of(fresh, (size_t)bits / 8, kty, out);
    } else {
        st = wrong(why, "kty is RSA, RSA-HSM, EC, EC-HSM or oct-HSM");
    }
out:
    cm_wipe(fresh, sizeof(fresh));
    return st;
}

/* -------------------------------------------------------------------- import */

/* A member of a JWK as a number, in secure memory as far as OpenSSL has that. NULL: it is none. */
static BIGNUM *number_of(json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    uint8_t *bytes = NULL;
    size_t len = 0;
    BIGNUM *out = NULL;

    if (text != NULL && cm_vault_base64(text, PART_MAX, &bytes, &len) == CM_OK && len != 0) {
        out = BN_secure_new();
        if (out != NULL && BN_bin2bn(bytes, (int)len, out) == NULL) {
            BN_clear_free(out);
            out = NULL;
        }
    }
    if (bytes != NULL) {
        cm_wipe(bytes, len);
    }
    free(bytes);
    return out;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

#define RSA_PARTS 8
enum { N, E, D, P, Q, DP, DQ, QI };

/* Whether x*y is 1 modulo m (y NULL: whether x is r modulo m). */
static bool is_modulo(const BIGNUM *x, const BIGNUM *y, const BIGNUM *m, const BIGNUM *r,
                      BN_CTX *ctx)
{
    BIGNUM *got = BN_CTX_get(ctx);

    if (got == NULL) {
        return false;
    }
    if (y != NULL) {
        return BN_mod_mul(got, x, y, m, ctx) == 1 && BN_is_one(got);
    }
    return BN_mod(got, x, m, ctx) == 1 && BN_cmp(got, r) == 0;
}

/* Whether the numbers are one key's. OpenSSL's own check leaves copies of some in freed memory. */
static bool rsa_fits(BIGNUM *const n[RSA_PARTS])
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *p1 = NULL;
    BIGNUM *q1 = NULL;
    BIGNUM *product = NULL;
    bool good = false;

    if (ctx == NULL) {
        return false;
    }
    BN_CTX_start(ctx);
    p1 = BN_CTX_get(ctx);
    q1 = BN_CTX_get(ctx);
    product = BN_CTX_get(ctx);
    good = product != NULL && BN_is_odd(n[E]) && !BN_is_one(n[E]) && BN_cmp(n[P], n[Q]) != 0 &&
           BN_mul(product, n[P], n[Q], ctx) == 1 && BN_cmp(product, n[N]) == 0 &&
           BN_sub(p1, n[P], BN_value_one()) == 1 && BN_sub(q1, n[Q], BN_value_one()) == 1 &&
           is_modulo(n[D], n[E], p1, NULL, ctx) && is_modulo(n[D], n[E], q1, NULL, ctx) &&
           is_modulo(n[D], NULL, p1, n[DP], ctx) && is_modulo(n[D], NULL, q1, n[DQ], ctx) &&
           BN_cmp(n[QI], n[P]) < 0 && is_modulo(n[QI], n[Q], n[P], NULL, ctx) &&
           BN_check_prime(n[P], ctx, NULL) == 1 && BN_check_prime(n[Q], ctx, NULL) == 1;
    BN_CTX_end(ctx);
    BN_CTX_free(ctx); /* clears what was in it */
    return good;
}

static EVP_PKEY *rsa_from(json_t *jwk)
{
    static const struct {
        const char *jwk;
        const char *param;
    } parts[RSA_PARTS] = {
        {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
        {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
        {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
    };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *numbers[RSA_PARTS] = {NULL};
    bool good = build != NULL;
    EVP_PKEY *key = NULL;
    int bits = 0;

    for (size_t i = 0; i < RSA_PARTS && good; i++) {
        numbers[i] = number_of(jwk, parts[i].jwk);
        good = numbers[i] != NULL && OSSL_PARAM_BLD_push_BN(build, parts[i].param, numbers[i]) == 1;
    }
    bits = good ? BN_num_bits(numbers[0]) : 0;
    /* the checks below take long for numbers of other sizes */
    if ((bits == 2048 || bits == 3072 || bits == 4096) && rsa_fits(numbers)) {
        params = OSSL_PARAM_BLD_to_param(build);
        key = key_from("RSA", params);
    }
    for (size_t i = 0; i < RSA_PARTS; i++) {
        BN_clear_free(numbers[i]);
    }
    OSSL_PARAM_BLD_free(build);
    OSSL_PARAM_free(params); /* clears what is secret */
    return key;
}

/* 04, x, y */
static bool point_of(json_t *jwk, size_t size, uint8_t out[1 + 2 * 66])
{
    BIGNUM *x = number_of(jwk, "x");
    BIGNUM *y = number_of(jwk, "y");
    bool good = x != NULL && y != NULL && BN_bn2binpad(x, out + 1, (int)size) == (int)size &&
                BN_bn2binpad(y, out + 1 + size, (int)size) == (int)size;

    out[0] = POINT_CONVERSION_UNCOMPRESSED;
    BN_free(x);
    BN_free(y);
    return good;
}

/* Whether the point is the private number's. */
static bool is_pair(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool good = ctx != NULL && EVP_PKEY_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static EVP_PKEY *ec_from(json_t *jwk, size_t curve)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *d = number_of(jwk, "d");
    uint8_t point[1 + 2 * 66];
    const size_t size = curves[curve].size;
    EVP_PKEY *key = NULL;

    if (build != NULL && d != NULL && point_of(jwk, size, point) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[curve].group,
                                        0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) ==
            1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
        key = key_from("EC", params);
    }
    if (key != NULL && !is_pair(key)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    BN_clear_free(d);
    OSSL_PARAM_BLD_free(build);
    OSSL_PARAM_free(params);
    return key;
}

static enum cm_status oct_from(json_t *jwk, const char *kty, struct cm_vault_material *out,
                               struct cm_why *why)
{
    const char *text = json_string_value(json_object_get(jwk, "k"));
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = text == NULL ? CM_ERR_FORMAT : cm_vault_base64(text, OCT_MAX, &bytes, &len);

    if (st == CM_ERR_NOMEM) {
        return st;
    }
    if (st != CM_OK || (len != 16 && len != 24 && len != 32)) {
        st = wrong(why, "k must be 16, 24 or 32 bytes in base64url");
    } else {
        st = oct_of(bytes, len, kty, out);
    }
    if (bytes != NULL) {
        cm_wipe(bytes, len);
    }
    free(bytes);
    return st;
}

enum cm_status cm_vault_import(json_t *jwk, bool hsm, struct cm_vault_material *out,
                               struct cm_why *why)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    EVP_PKEY *key = NULL;
    size_t curve = 0;
    const char *type = NULL;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (kty == NULL) {
        return wrong(why, "key must be a private JWK: kty is absent");
    }
    hsm = hsm || (strlen(kty) > 4 && strcmp(kty + strlen(kty) - 4, "-HSM") == 0);
    if (is_type(kty, "oct")) {
        return oct_from(jwk, hsm ? "oct-HSM" : "oct", out, why);
    }
    if (is_type(kty, "RSA")) {
        type = hsm ? "RSA-HSM" : "RSA";
        key = rsa_from(jwk);
    } else if (is_type(kty, "EC") && crv != NULL && find_curve(crv, &curve)) {
        type = hsm ? "EC-HSM" : "EC";
        key = ec_from(jwk, curve);
    } else {
        return wrong(why, "kty is RSA, EC (P-256, P-384, P-521) or oct, each with -HSM or without");
    }
    if (key == NULL) {
        st = wrong(why, "key is no whole private JWK: RSA of 2048, 3072 or 4096 bits has n e d p q "
                        "dp dq qi, EC has x y d, and they must fit together");
    } else {
        st = material_of(key, type, curve, out);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return st;
}

/* ---------------------------------------------------------------------- wrap */

const struct cm_vault_wrap *cm_vault_wrap_of(const char *name)
{
    static const struct cm_vault_wrap wraps[] = {
        {"CKM_RSA_AES_KEY_WRAP", CM_OAEP_SHA1},
        {"RSA_AES_KEY_WRAP_256", CM_OAEP_SHA256},
        {"RSA_AES_KEY_WRAP_384", CM_OAEP_SHA384},
    };

    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        if (name == NULL || strcmp(name, wraps[i].name) == 0) {
            return &wraps[i];
        }
    }
    return NULL;
}

enum cm_status cm_vault_wrap_for(const struct cm_pubkey *key, const struct cm_vault_wrap *wrap,
                                 struct cm_span plain, uint8_t *out, size_t *len)
{
    uint8_t kek[CM_KEYENC_KEK_SIZE] = {0};
    size_t head = 0;
    enum cm_status st = CM_OK;

    *len = 0;
    CM_TRY(cm_random_bytes(kek, sizeof(kek)));
    CM_TRY(cm_oaep_encrypt(key, wrap->oaep, cm_span_make(kek, sizeof(kek)), out, CM_KEYENC_MAX_RSA,
                           &head));
    CM_TRY(cm_aes_wrap_pad(kek, plain, out + head));
    *len = head + CM_KEYENC_WRAP_PAD_SIZE(plain.len);
out:
    cm_wipe(kek, sizeof(kek));
    return st;
}
