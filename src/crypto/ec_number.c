/* EC key pairs from their private number, for keys that are derived and not generated. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "crypto/pubkey_evp.h"

enum { MAX_POINT = 1 + 2 * 66 };

static int curve_nid(enum cm_curve curve)
{
    switch (curve) {
    case CM_CURVE_P256:
        return NID_X9_62_prime256v1;
    case CM_CURVE_P384:
        return NID_secp384r1;
    case CM_CURVE_P521:
        return NID_secp521r1;
    }
    return NID_undef;
}

/* The public point, uncompressed, of the number d in [1, order). */
static enum cm_status point_of(const EC_GROUP *group, const BIGNUM *d, uint8_t out[MAX_POINT],
                               size_t *len)
{
    EC_POINT *point = EC_POINT_new(group);
    enum cm_status st = CM_ERR_CRYPTO;

    /* with only the generator's factor given, OpenSSL multiplies in constant time */
    if (point != NULL && EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1) {
        *len =
            EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, MAX_POINT, NULL);
        st = *len != 0 ? CM_OK : CM_ERR_CRYPTO;
    }
    EC_POINT_clear_free(point);
    return st;
}

static EVP_PKEY *pair_of(enum cm_curve curve, const BIGNUM *d, const uint8_t *point, size_t len)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;

    /* d is marked secure, so the parameters that hold it are wiped when freed */
    if (bld != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, cm_curve_name(curve), 0) ==
            1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len) == 1) {
        params = OSSL_PARAM_BLD_to_param(bld);
    }
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

enum cm_status cm_privkey_from_number(enum cm_curve curve, struct cm_span number,
                                      struct cm_privkey **out)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve_nid(curve));
    BIGNUM *d = BN_secure_new();
    EVP_PKEY *pkey = NULL;
    uint8_t point[MAX_POINT] = {0};
    size_t len = 0;
    enum cm_status st = CM_ERR_CRYPTO;

    *out = NULL;
    if (number.len != cm_curve_size(curve)) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    if (group == NULL || d == NULL || BN_bin2bn(number.ptr, (int)number.len, d) == NULL) {
        goto out;
    }
    BN_set_flags(d, BN_FLG_CONSTTIME);
    if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0) {
        st = CM_ERR_LIMIT;
        goto out;
    }
    st = point_of(group, d, point, &len);
    if (st == CM_OK) {
        pkey = pair_of(curve, d, point, len);
        st = pkey == NULL ? CM_ERR_CRYPTO : cm_privkey_take(pkey, out);
    }
out:
    BN_clear_free(d);
    EC_GROUP_free(group);
    ERR_clear_error();
    return st;
}
