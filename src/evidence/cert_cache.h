/* The inside of struct cm_cert_cache (casemate/verify.h): what sets and chains do with it. */
#ifndef CM_EVIDENCE_CERT_CACHE_H
#define CM_EVIDENCE_CERT_CACHE_H

#include "evidence/certs.h"

/** The certificate of exactly these bytes, held for the caller (cm_cert_release); NULL: none. */
struct cm_cert *cm_cert_cache_find(struct cm_cert_cache *cache, struct cm_span der);

/**
 * Keep a certificate that stands in a chain to a trusted root: nobody else's, so that strangers
 * cannot push out what is of use. Running out of memory is no failure: it is just not kept.
 */
void cm_cert_cache_keep(struct cm_cert_cache *cache, const struct cm_cert *cert);

/**
 * Public keys by the bytes that they were made of: a few, the last ones used. Only keys that the caller
 * enrolled and that verified something are kept, and those of few bytes.
 * @return the key, the caller's to free; NULL: not there
 */
struct cm_pubkey *cm_cert_cache_find_key(struct cm_cert_cache *cache, struct cm_span encoded);
void cm_cert_cache_keep_key(struct cm_cert_cache *cache, struct cm_span encoded,
                            const struct cm_pubkey *key);

#endif
