/* COSE_Key (RFC 9052 section 7, RFC 9053): public keys as CBOR; and uncompressed points. */
#ifndef CM_TOKEN_COSE_KEY_H
#define CM_TOKEN_COSE_KEY_H

#include "crypto/pubkey.h"
#include "token/cbor.h"

/**
 * A public key from a COSE_Key: EC2 on P-256, P-384 or P-521 with both coordinates, or RSA. Members
 * that would make it a private key are refused.
 * @retval CM_ERR_FORMAT not a COSE_Key, private, or a point that is not on the curve
 * @retval CM_ERR_UNSUPPORTED another kind of key or curve, or a compressed point
 */
CM_MUST_USE enum cm_status cm_cose_key_parse(struct cm_cbor_value key, struct cm_pubkey **out);

/**
 * A public key from an uncompressed point of SEC 1 (4, x, y); its length says which curve.
 * @retval CM_ERR_FORMAT another length or form, or a point that is not on the curve
 */
CM_MUST_USE enum cm_status cm_sec1_point_parse(struct cm_span point, struct cm_pubkey **out);

#endif
