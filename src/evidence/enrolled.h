/*
 * Enrolled keys: public keys that the caller trusts by having put them there (CM_MATERIAL_KEY). One
 * file holds one or many, in any of these forms, told apart by their first byte: PEM ("PUBLIC KEY"
 * blocks), DER SubjectPublicKeyInfo, a JWK, a JWK set, a COSE_Key or COSE_KeySet, or a store of trust
 * anchors: a JSON array of {"instance-id", "implementation-id", "pkey"} with the identities in
 * hexadecimal and the key as JWK. Only the keys that are tried are made into key objects.
 */
#ifndef CM_EVIDENCE_ENROLLED_H
#define CM_EVIDENCE_ENROLLED_H

#include "crypto/pubkey.h"
#include "evidence/material.h"

#define CM_ENROLLED_MAX_BYTES (4u << 20)
#define CM_ENROLLED_MAX_TRIED 64 /* keys of no named device that are tried in turn */

/** Whose key is wanted. */
struct cm_enrolled_query {
    struct cm_span instance_id;       /* ptr NULL: no device in particular */
    struct cm_span implementation_id; /* ptr NULL: of any make */
    struct cm_cert_cache *cache; /* or NULL: keys that verified before need not be made again */
};

/** Try a key. CM_OK: it is the one, look no further. */
typedef enum cm_status (*cm_enrolled_try)(void *ctx, const struct cm_pubkey *key);

/**
 * Try the enrolled keys of a device: those that name it, or, if none does, those that name nobody. A
 * key that names another device is never tried.
 *
 * @param materials  those of kind CM_MATERIAL_KEY are read.
 * @return CM_OK when try_key accepted one
 * @retval CM_ERR_NOTFOUND   no key for this device
 * @retval CM_ERR_FORMAT     a file is none of the forms above, or a key that had to be tried is no key
 *                           (such as a point that is not on its curve)
 * @retval CM_ERR_LIMIT      a file is too large, or there are too many keys to try
 * @return else what try_key said about the last one
 *
 * Thread-safe. Allocates and frees a bounded amount.
 */
CM_MUST_USE enum cm_status cm_enrolled_find(const struct cm_material *materials, size_t count,
                                            const struct cm_enrolled_query *query,
                                            cm_enrolled_try try_key, void *ctx, struct cm_why *why);

/** The same for the bytes of one file, whatever its kind. */
CM_MUST_USE enum cm_status cm_enrolled_find_in(struct cm_span file,
                                               const struct cm_enrolled_query *query,
                                               cm_enrolled_try try_key, void *ctx,
                                               struct cm_why *why);

#endif
