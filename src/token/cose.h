/*
 * COSE_Sign1 (RFC 9052): one signer over one payload. Used by EAT, Nitro, CCA and PSA evidence.
 *
 * The algorithm stands in the protected header; the caller pins it together with the key. Header
 * parameters named critical are refused because no extension is understood.
 */
#ifndef CM_TOKEN_COSE_H
#define CM_TOKEN_COSE_H

#include "crypto/pubkey.h"
#include "token/cbor.h"

#define CM_COSE_TAG_SIGN1     18
#define CM_COSE_MAX_PROTECTED 32 /* nodes of the protected header */

/* header labels (IANA COSE registry) */
#define CM_COSE_ALG     1
#define CM_COSE_CRIT    2
#define CM_COSE_KID     4
#define CM_COSE_X5CHAIN 33

struct cm_cose_sign1 {
    struct cm_span protected_bytes;  /* the content of the protected byte string */
    struct cm_cbor protected_header; /* empty (count 0) when protected_bytes is */
    struct cm_cbor_value unprotected;
    struct cm_span payload; /* {NULL, 0} with detached set when the payload is nil */
    struct cm_span signature;
    enum cm_sig_alg alg;
    bool detached;
    struct cm_cbor_node nodes[CM_COSE_MAX_PROTECTED];
};

/**
 * Take a message apart; with or without its tag 18.
 * @param message  a parsed item; borrowed with the bytes under it.
 * @param out      not movable: its header refers to its own nodes.
 * @retval CM_ERR_FORMAT not a COSE_Sign1   @retval CM_ERR_UNSUPPORTED unknown algorithm, or crit
 */
CM_MUST_USE enum cm_status cm_cose_sign1_parse(struct cm_cbor_value message,
                                               struct cm_cose_sign1 *out, struct cm_why *why);

/**
 * Verify with the caller's key and algorithm.
 * @param external  external additional authenticated data, usually empty.
 * @param detached  the payload when the message carries none, else empty.
 * @retval CM_ERR_MISMATCH another algorithm than pinned; a detached payload given or missing wrongly
 * @retval CM_ERR_SIGNATURE it does not verify
 */
CM_MUST_USE enum cm_status cm_cose_sign1_verify(const struct cm_cose_sign1 *msg,
                                                const struct cm_pubkey *key, enum cm_sig_alg alg,
                                                struct cm_span external, struct cm_span detached);

/** Write a tagged COSE_Sign1 with {1: alg} protected and an empty unprotected header. */
CM_MUST_USE enum cm_status cm_cose_sign1_write(const struct cm_privkey *key, enum cm_sig_alg alg,
                                               struct cm_span payload, struct cm_wr *out);

#endif
