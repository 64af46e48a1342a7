/* Keys: making, checking, exporting; see pubkey.h. Untrusted: every encoding of a public key. */
#include "crypto/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/wipe.h"
#include "crypto/pubkey_evp.h"

static const struct {
    enum cm_curve curve;
    const char *name;
    size_t size;
} curves[] = {
    {CM_CURVE_P256, "prime256v1", 32},
    {CM_CURVE_P384, "secp384r1", 48},
    {CM_CURVE_P521, "secp521r1", 66},
};

size_t cm_curve_size(enum cm_curve curve)
{
    return curves[curve].size;
}

const char *cm_curve_name(enum cm_curve curve)
{
    return curves[curve].name;
}

/* Of 2048 to 8192 bits, and an exponent that is odd and not 1: as rsa_numbers_may_be_held(). */
static enum cm_status check_rsa(const EVP_PKEY *pkey)
{
    BIGNUM *e = NULL;
    const int bits = EVP_PKEY_get_bits(pkey);
    const bool good = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && bits >= 2048 &&
                      bits <= 8192 && BN_is_odd(e) && !BN_is_one(e);

    BN_free(e);
    return good ? CM_OK : CM_ERR_UNSUPPORTED;
}

enum cm_status cm_evp_check(const EVP_PKEY *pkey, struct cm_key_kind *out)
{
    char group[64] = "";
    int explicit_curve = 0;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        *out = (struct cm_key_kind){.is_ec = false};
        return check_rsa(pkey);
    }
    if (!EVP_PKEY_is_a(pkey, "EC") ||
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1) {
        return CM_ERR_UNSUPPORTED;
    }
    /* OpenSSL finds the name for explicit parameters as well: one key would have two encodings */
    if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &explicit_curve) == 1 &&
        explicit_curve != 0) {
        return CM_ERR_UNSUPPORTED;
    }
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (strcmp(group, curves[i].name) == 0) {
            *out = (struct cm_key_kind){true, curves[i].curve};
            return CM_OK;
        }
    }
    return CM_ERR_UNSUPPORTED;
}

/* A key that may be held, of a kind that is known; takes pkey over, also when it fails. */
static enum cm_status pubkey_of(EVP_PKEY *pkey, struct cm_key_kind kind, struct cm_pubkey **out)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL) {
        EVP_PKEY_free(pkey);
        return CM_ERR_NOMEM;
    }
    (*out)->pkey = pkey;
    (*out)->kind = kind;
    return CM_OK;
}

/* As cm_privkey_take. */
static enum cm_status pubkey_wrap(EVP_PKEY *pkey, struct cm_pubkey **out)
{
    struct cm_key_kind kind = {0};
    enum cm_status st = cm_evp_check(pkey, &kind);

    ERR_clear_error();
    if (st != CM_OK) {
        EVP_PKEY_free(pkey);
        return st;
    }
    return pubkey_of(pkey, kind, out);
}

enum cm_status cm_privkey_take(EVP_PKEY *pkey, struct cm_privkey **out)
{
    struct cm_privkey *key = calloc(1, sizeof(*key));
    enum cm_status st = key == NULL ? CM_ERR_NOMEM : cm_evp_check(pkey, &key->kind);

    ERR_clear_error();
    if (st != CM_OK) {
        EVP_PKEY_free(pkey);
        free(key);
        return st;
    }
    key->pkey = pkey;
    *out = key;
    return CM_OK;
}

/* What stands before the point of an uncompressed EC key, whole keys' sizes. */
static const struct {
    size_t size;
    size_t lead;
    uint8_t bytes[27];
    enum cm_curve curve;
} ec_keys[] = {
    {91,
     27,
     {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
      0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04},
     CM_CURVE_P256},
    {120,
     24,
     {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
      0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04},
     CM_CURVE_P384},
    {158,
     26,
     {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
      0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00, 0x04},
     CM_CURVE_P521},
};

/*
 * RSA keys of 2048 to 4096 bits with exponent 65537, as nearly all are: every byte but the modulus is
 * known. {NULL, 0}: another key.
 */
static struct cm_span usual_rsa(struct cm_span der)
{
    static const uint8_t alg[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const uint8_t exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    struct cm_rd r = cm_rd_init(der);
    bool known = cm_rd_u16be(&r) == 0x3082 && cm_rd_u16be(&r) == r.left;
    struct cm_span a = cm_rd_take(&r, sizeof(alg));

    known = known && !r.bad && cm_ct_equal(a.ptr, alg, sizeof(alg)) && cm_rd_u16be(&r) == 0x0382 &&
            cm_rd_u16be(&r) == r.left && cm_rd_u8(&r) == 0 && cm_rd_u16be(&r) == 0x3082 &&
            cm_rd_u16be(&r) == r.left && cm_rd_u16be(&r) == 0x0282;
    size_t len = known ? cm_rd_u16be(&r) : 0;

    known = known && len >= 257 && len <= 513 && cm_rd_u8(&r) == 0; /* the sign */
    struct cm_span n = cm_rd_take(&r, known ? len - 1 : 0);
    struct cm_span e = cm_rd_take(&r, known ? sizeof(exponent) : 0);

    if (!known || cm_rd_finish(&r) != CM_OK || (n.ptr[0] & 0x80) == 0 ||
        !cm_ct_equal(e.ptr, exponent, sizeof(exponent))) {
        return cm_span_make(NULL, 0);
    }
    return n;
}

/*
 * The usual keys, apart from OpenSSL's decoders, which take longer than a signature. *done: it was one.
 */
static enum cm_status from_usual_spki(struct cm_span der, bool *done, struct cm_pubkey **out)
{
    static const uint8_t exponent[] = {1, 0, 1};
    struct cm_span n = {NULL, 0};

    *done = true;
    for (size_t i = 0; i < sizeof(ec_keys) / sizeof(ec_keys[0]); i++) {
        size_t lead = ec_keys[i].lead;
        size_t size = (ec_keys[i].size - lead) / 2;

        if (der.len == ec_keys[i].size && cm_ct_equal(der.ptr, ec_keys[i].bytes, lead)) {
            return cm_pubkey_from_ec(ec_keys[i].curve, cm_span_make(der.ptr + lead, size),
                                     cm_span_make(der.ptr + lead + size, size), out);
        }
    }
    n = usual_rsa(der);
    if (n.ptr != NULL) {
        return cm_pubkey_from_rsa(n, cm_span_make(exponent, sizeof(exponent)), out);
    }
    *done = false;
    return CM_OK;
}

enum cm_status cm_pubkey_from_spki(struct cm_span der, struct cm_pubkey **out)
{
    const unsigned char *at = der.ptr;
    EVP_PKEY *pkey = NULL;
    bool usual = false;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (der.len == 0 || der.len > 8192) {
        return CM_ERR_FORMAT;
    }
    st = from_usual_spki(der, &usual, out);
    if (usual) {
        return st;
    }
    pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
    if (pkey == NULL || at != der.ptr + der.len) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return CM_ERR_FORMAT;
    }
    return pubkey_wrap(pkey, out);
}

enum cm_status cm_pubkey_from_evp(void *evp_pkey, struct cm_pubkey **out)
{
    EVP_PKEY *pkey = evp_pkey;

    *out = NULL;
    if (pkey == NULL || EVP_PKEY_up_ref(pkey) != 1) {
        return CM_ERR_FORMAT;
    }
    return pubkey_wrap(pkey, out);
}

enum cm_status cm_pubkey_copy(const struct cm_pubkey *key, struct cm_pubkey **out)
{
    *out = NULL;
    if (EVP_PKEY_up_ref(key->pkey) != 1) {
        return CM_ERR_CRYPTO;
    }
    return pubkey_of(key->pkey, key->kind, out);
}

static EVP_PKEY *from_params(const char *type, int selection, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/*
 * A key of a curve without a point, made once: a copy of it that gets a point costs a quarter of a key
 * that is made of the curve's name. Kept until the program ends. NULL: no memory.
 */
static EVP_PKEY *group_of(enum cm_curve curve)
{
    static _Atomic(EVP_PKEY *) groups[sizeof(curves) / sizeof(curves[0])];
    EVP_PKEY *group = atomic_load_explicit(&groups[curve], memory_order_acquire);
    char name[32] = ""; /* OpenSSL's type is not const */
    OSSL_PARAM params[2];
    EVP_PKEY *made = NULL;

    if (group != NULL) {
        return group;
    }
    memcpy(name, cm_curve_name(curve), strlen(cm_curve_name(curve)));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    made = from_params("EC", EVP_PKEY_KEY_PARAMETERS, params);
    if (made != NULL && atomic_compare_exchange_strong(&groups[curve], &group, made)) {
        return made;
    }
    EVP_PKEY_free(made); /* another thread was faster */
    return group;
}

enum cm_status cm_pubkey_from_ec(enum cm_curve curve, struct cm_span x, struct cm_span y,
                                 struct cm_pubkey **out)
{
    uint8_t point[1 + 2 * 66] = {4}; /* uncompressed */
    size_t size = cm_curve_size(curve);
    EVP_PKEY *group = group_of(curve);
    EVP_PKEY *pkey = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (x.len != size || y.len != size) {
        return CM_ERR_FORMAT;
    }
    memcpy(point + 1, x.ptr, size);
    memcpy(point + 1 + size, y.ptr, size);
    pkey = group == NULL ? NULL : EVP_PKEY_dup(group);
    /* refuses a point that is not on the curve */
    if (pkey == NULL || EVP_PKEY_set1_encoded_public_key(pkey, point, 1 + 2 * size) != 1) {
        st = pkey == NULL ? CM_ERR_NOMEM : CM_ERR_FORMAT;
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return st;
    }
    st = pubkey_of(pkey, (struct cm_key_kind){true, curve}, out);
    if (st == CM_OK) {
        (*out)->coordinate_len = size;
        memcpy((*out)->x, x.ptr, size);
        memcpy((*out)->y, y.ptr, size);
    }
    return st;
}

/* A number as OpenSSL's parameters have it: in the machine's order of bytes. */
static OSSL_PARAM number(const char *name, struct cm_span big_endian, uint8_t *room)
{
    for (size_t i = 0; i < big_endian.len; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        room[i] = big_endian.ptr[big_endian.len - 1 - i];
#else
        room[i] = big_endian.ptr[i];
#endif
    }
    return OSSL_PARAM_construct_BN(name, room, big_endian.len);
}

/* Of 2048 to 8192 bits, and an exponent that is odd and not 1. */
static bool rsa_numbers_may_be_held(struct cm_span n, struct cm_span e)
{
    const size_t top_bits = 32 - (size_t)__builtin_clz(n.ptr[0]);
    const size_t bits = 8 * (n.len - 1) + top_bits;

    return bits >= 2048 && bits <= 8192 && (e.ptr[e.len - 1] & 1) != 0 &&
           (e.len != 1 || e.ptr[0] != 1);
}

enum cm_status cm_pubkey_from_rsa(struct cm_span n, struct cm_span e, struct cm_pubkey **out)
{
    uint8_t n_room[1024];
    uint8_t e_room[8];
    OSSL_PARAM params[3];
    EVP_PKEY *pkey = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (n.len == 0 || n.len > sizeof(n_room) || n.ptr[0] == 0 || e.len == 0 ||
        e.len > sizeof(e_room) || e.ptr[0] == 0) {
        return CM_ERR_FORMAT;
    }
    if (!rsa_numbers_may_be_held(n, e)) {
        return CM_ERR_UNSUPPORTED;
    }
    params[0] = number(OSSL_PKEY_PARAM_RSA_N, n, n_room);
    params[1] = number(OSSL_PKEY_PARAM_RSA_E, e, e_room);
    params[2] = OSSL_PARAM_construct_end();
    pkey = from_params("RSA", EVP_PKEY_PUBLIC_KEY, params);
    ERR_clear_error();
    if (pkey == NULL) {
        return CM_ERR_FORMAT;
    }
    st = pubkey_of(pkey, (struct cm_key_kind){.is_ec = false}, out);
    if (st == CM_OK && n.len <= sizeof((*out)->modulus)) {
        (*out)->modulus_len = n.len;
        (*out)->exponent_len = e.len;
        memcpy((*out)->modulus, n.ptr, n.len);
        memcpy((*out)->exponent, e.ptr, e.len);
    }
    return st;
}

bool cm_pubkey_made_of_rsa(const struct cm_pubkey *key, struct cm_span n, struct cm_span e)
{
    return key->modulus_len != 0 && key->modulus_len == n.len && key->exponent_len == e.len &&
           memcmp(key->modulus, n.ptr, n.len) == 0 && memcmp(key->exponent, e.ptr, e.len) == 0;
}

/* Of an EC key: what stands before the point, and the point. */
static enum cm_status ec_spki(enum cm_curve curve, const uint8_t *x, const uint8_t *y, uint8_t *out,
                              size_t cap, size_t *len)
{
    size_t i = 0;

    while (ec_keys[i].curve != curve) { /* all curves are there */
        i++;
    }
    const size_t lead = ec_keys[i].lead;
    const size_t size = (ec_keys[i].size - lead) / 2;

    *len = ec_keys[i].size;
    if (*len > cap) {
        return CM_ERR_SPACE;
    }
    memcpy(out, ec_keys[i].bytes, lead);
    memcpy(out + lead, x, size);
    memcpy(out + lead + size, y, size);
    return CM_OK;
}

enum cm_status cm_pubkey_spki(const struct cm_pubkey *key, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t x[66];
    uint8_t y[66];
    enum cm_curve curve = CM_CURVE_P256;
    size_t size = 0;
    unsigned char *der = NULL;
    int n = 0;
    enum cm_status st = CM_OK;

    if (cm_pubkey_ec(key, &curve, x, y, &size) == CM_OK) {
        return ec_spki(curve, x, y, out, cap, len);
    }
    n = i2d_PUBKEY(key->pkey, &der);

    if (n <= 0) {
        ERR_clear_error();
        return CM_ERR_CRYPTO;
    }
    *len = (size_t)n;
    if ((size_t)n > cap) {
        st = CM_ERR_SPACE;
    } else {
        memcpy(out, der, (size_t)n);
    }
    OPENSSL_free(der);
    return st;
}

enum cm_status cm_pubkey_ec(const struct cm_pubkey *key, enum cm_curve *curve, uint8_t x[66],
                            uint8_t y[66], size_t *coordinate_len)
{
    BIGNUM *bx = NULL;
    BIGNUM *by = NULL;
    size_t size = 0;
    enum cm_status st = CM_OK;

    *curve = key->kind.curve;
    if (key->coordinate_len != 0) {
        *coordinate_len = key->coordinate_len;
        memcpy(x, key->x, key->coordinate_len);
        memcpy(y, key->y, key->coordinate_len);
        return CM_OK;
    }
    if (!key->kind.is_ec) {
        return CM_ERR_MISMATCH;
    }
    size = cm_curve_size(*curve);
    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, &bx) != 1 ||
        EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &by) != 1 ||
        BN_bn2binpad(bx, x, (int)size) < 0 || BN_bn2binpad(by, y, (int)size) < 0) {
        st = CM_ERR_CRYPTO;
    } else {
        *coordinate_len = size;
    }
    BN_free(bx);
    BN_free(by);
    ERR_clear_error();
    return st;
}

struct cm_pubkey *cm_pubkey_share(const struct cm_pubkey *key)
{
    struct cm_pubkey *copy = malloc(sizeof(*copy));

    if (copy != NULL) {
        *copy = *key;
        if (EVP_PKEY_up_ref(copy->pkey) != 1) {
            free(copy);
            copy = NULL;
        }
    }
    return copy;
}

void cm_pubkey_free(struct cm_pubkey *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type of callback */
int cm_evp_no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

enum cm_status cm_privkey_from_pem(struct cm_span pem, struct cm_privkey **out)
{
    BIO *bio = NULL;
    EVP_PKEY *pkey = NULL;

    *out = NULL;
    if (pem.len == 0 || pem.len > 65536) {
        return CM_ERR_FORMAT;
    }
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, cm_evp_no_passphrase, NULL);
    BIO_free(bio);
    if (pkey == NULL) {
        ERR_clear_error();
        return CM_ERR_FORMAT;
    }
    return cm_privkey_take(pkey, out);
}

enum cm_status cm_privkey_generate(enum cm_curve curve, unsigned rsa_bits, struct cm_privkey **out)
{
    EVP_PKEY *pkey = rsa_bits != 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen(cm_curve_name(curve));

    *out = NULL;
    if (pkey == NULL) {
        ERR_clear_error();
        return CM_ERR_CRYPTO;
    }
    return cm_privkey_take(pkey, out);
}

/* PKCS#8 or SubjectPublicKeyInfo. */
static enum cm_status pem_of(const EVP_PKEY *pkey, bool private, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *data = NULL;
    long len = 0;
    enum cm_status st = CM_ERR_CRYPTO;

    if (bio != NULL &&
        (private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                 : PEM_write_bio_PUBKEY(bio, pkey)) == 1) {
        len = BIO_get_mem_data(bio, &data);
        st = (size_t)len < cap ? CM_OK : CM_ERR_SPACE;
    }
    if (st == CM_OK) {
        memcpy(out, data, (size_t)len);
        out[len] = '\0';
    }
    BIO_free(bio); /* secmem BIOs are wiped when freed */
    ERR_clear_error();
    return st;
}

enum cm_status cm_evp_pem(const EVP_PKEY *pkey, char *out, size_t cap)
{
    return pem_of(pkey, true, out, cap);
}

enum cm_status cm_pubkey_pem(const struct cm_pubkey *key, char *out, size_t cap)
{
    return pem_of(key->pkey, false, out, cap);
}

enum cm_status cm_privkey_pem(const struct cm_privkey *key, char *out, size_t cap)
{
    return cm_evp_pem(key->pkey, out, cap);
}

enum cm_status cm_privkey_public(const struct cm_privkey *key, struct cm_pubkey **out)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    enum cm_status st = CM_ERR_CRYPTO;

    *out = NULL;
    if (n > 0) {
        st = cm_pubkey_from_spki(cm_span_make(der, (size_t)n), out);
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return st;
}

void *cm_privkey_evp(const struct cm_privkey *key)
{
    return key->pkey;
}

void cm_privkey_free(struct cm_privkey *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey); /* OpenSSL clears the private numbers */
        free(key);
    }
}
