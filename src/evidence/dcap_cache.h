/* Platforms that were made before, found by their exact bytes; for the DCAP verifier and attestation. */
#ifndef CM_EVIDENCE_DCAP_CACHE_H
#define CM_EVIDENCE_DCAP_CACHE_H

#include "evidence/dcap_platform.h"

/* A borrowed platform; give it back with cm_platform_release(). */
struct cm_platform_ref {
    const struct cm_platform *platform;
    struct cm_dcap_cache *cache; /* NULL: owned by the caller alone */
    struct cm_dcap_entry *entry;
    struct cm_platform *own;
};

/** From the cache, or made now (and kept, when there is a cache and every check passed). */
CM_MUST_USE enum cm_status cm_platform_acquire(struct cm_dcap_cache *cache,
                                               struct cm_span pck_chain,
                                               const struct cm_dcap_collateral *col,
                                               struct cm_platform_ref *out);
/** Accepts what holds none. */
void cm_platform_release(struct cm_platform_ref *ref);

/**
 * cm_dcap_verify(), with what was parsed and verified for it, so that no caller does it again.
 * @param ref  empty; set when out is; cm_platform_release() before the collateral goes.
 */
CM_MUST_USE enum cm_status cm_dcap_verify_lent(struct cm_span quote,
                                               const struct cm_dcap_collateral *collateral,
                                               const struct cm_verify_input *in,
                                               unsigned accept_tcb, struct cm_dcap_cache *cache,
                                               struct cm_platform_ref *ref,
                                               struct cm_evidence **out);

#endif
