/* Public keys as COSE_Key and as points; see cose_key.h. Untrusted: all of it. */
#include "token/cose_key.h"

#include "common/try.h"

#define KEY_KTY     1
#define KEY_EC2     2
#define KEY_RSA     3
#define EC2_CRV     (-1)
#define EC2_X       (-2)
#define EC2_Y       (-3)
#define EC2_PRIVATE (-4)
#define RSA_N       (-1)
#define RSA_E       (-2)
#define RSA_D       (-3)
#define RSA_LAST    (-12) /* of the private members */

static enum cm_status ec2_key(struct cm_cbor_value key, struct cm_pubkey **out)
{
    static const enum cm_curve curves[] = {CM_CURVE_P256, CM_CURVE_P384, CM_CURVE_P521};
    struct cm_cbor_value y_item = cm_cbor_get(key, EC2_Y);
    struct cm_span x = {NULL, 0};
    struct cm_span y = {NULL, 0};
    uint64_t crv = 0;

    if (cm_cbor_get(key, EC2_PRIVATE).doc != NULL) {
        return CM_ERR_FORMAT;
    }
    if (cm_cbor_is(y_item, CM_CBOR_TRUE) || cm_cbor_is(y_item, CM_CBOR_FALSE)) {
        return CM_ERR_UNSUPPORTED;
    }
    if (cm_cbor_u64(cm_cbor_get(key, EC2_CRV), &crv) != CM_OK || crv < 1 || crv > 3) {
        return CM_ERR_UNSUPPORTED;
    }
    if (cm_cbor_bytes(cm_cbor_get(key, EC2_X), &x) != CM_OK || cm_cbor_bytes(y_item, &y) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return cm_pubkey_from_ec(curves[crv - 1], x, y, out);
}

static enum cm_status rsa_key(struct cm_cbor_value key, struct cm_pubkey **out)
{
    struct cm_span n = {NULL, 0};
    struct cm_span e = {NULL, 0};

    for (int64_t label = RSA_D; label >= RSA_LAST; label--) {
        if (cm_cbor_get(key, label).doc != NULL) {
            return CM_ERR_FORMAT;
        }
    }
    if (cm_cbor_bytes(cm_cbor_get(key, RSA_N), &n) != CM_OK ||
        cm_cbor_bytes(cm_cbor_get(key, RSA_E), &e) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return cm_pubkey_from_rsa(n, e, out);
}

enum cm_status cm_cose_key_parse(struct cm_cbor_value key, struct cm_pubkey **out)
{
    uint64_t kty = 0;

    *out = NULL;
    if (!cm_cbor_is(key, CM_CBOR_MAP)) {
        return CM_ERR_FORMAT;
    }
    if (cm_cbor_u64(cm_cbor_get(key, KEY_KTY), &kty) != CM_OK) {
        return CM_ERR_UNSUPPORTED; /* named kinds do not exist for signatures that we verify */
    }
    if (kty == KEY_EC2) {
        return ec2_key(key, out);
    }
    return kty == KEY_RSA ? rsa_key(key, out) : CM_ERR_UNSUPPORTED;
}

enum cm_status cm_sec1_point_parse(struct cm_span point, struct cm_pubkey **out)
{
    static const struct {
        enum cm_curve curve;
        size_t size;
    } curves[] = {{CM_CURVE_P256, 32}, {CM_CURVE_P384, 48}, {CM_CURVE_P521, 66}};

    *out = NULL;
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        const size_t size = curves[i].size;

        if (point.len == 1 + 2 * size && point.ptr[0] == 4) {
            return cm_pubkey_from_ec(curves[i].curve, cm_span_make(point.ptr + 1, size),
                                     cm_span_make(point.ptr + 1 + size, size), out);
        }
    }
    return CM_ERR_FORMAT;
}
