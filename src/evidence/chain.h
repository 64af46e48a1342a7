/*
 * A certificate chain from a leaf to one of the caller's roots: the one way in which every format but
 * DCAP verifies chains. RFC 5280 section 6 without policies and name constraints (a certificate that
 * has them must say so critically, and is refused).
 */
#ifndef CM_EVIDENCE_CHAIN_H
#define CM_EVIDENCE_CHAIN_H

#include "evidence/certs.h"
#include "evidence/claims.h"
#include "evidence/material.h"

#define CM_CHAIN_MAX 10 /* certificates in a chain, leaf and root included */

/** The names of the checks; string constants. */
struct cm_chain_names {
    const char *path;   /* issuers, signatures, roles, path lengths, critical extensions */
    const char *root;   /* the end is a root of the caller's */
    const char *period; /* every certificate is valid at the given time */
    const char *crl;    /* what the revocation lists say; not required when none is given */
};
/** Names with a format's prefix, such as CM_CHAIN_NAMES("snp"). */
#define CM_CHAIN_NAMES(prefix)                                                         \
    {                                                                                  \
        prefix ".chain", prefix ".root", prefix ".chain_validity", prefix ".chain_crl" \
    }

struct cm_chain_rule {
    const char *family; /* of the caller's roots */
    struct cm_chain_names names;
    const struct cm_span *handled; /* OIDs (content) of critical extensions that the verifier itself
                                      judges, in any certificate */
    size_t handled_count;
    size_t max;        /* certificates at most; 0: CM_CHAIN_MAX */
    bool any_leaf_use; /* the leaf's key usage need not have digitalSignature */
};

struct cm_chain {
    const struct cm_cert *certs[CM_CHAIN_MAX]; /* leaf first, root last */
    size_t count;
    const struct cm_trust_root *root;
    struct cm_period period; /* in which all are valid */
};

/**
 * Add all CM_MATERIAL_CERTS of a job that are certificates in PEM or DER (others are left alone when
 * skip says so: their first bytes are not those of either).
 */
CM_MUST_USE enum cm_status cm_chain_pool(const struct cm_verify_job *job, struct cm_certs *pool,
                                         bool skip_others);

/**
 * Find and verify the chain from leaf to a root of the rule's family, and record the checks.
 *
 * The pool's order does not matter: an issuer is who has the name, no contradicting key identifier,
 * and the key under which the signature verifies. The chain ends at the first certificate whose public
 * key is one of in->roots; when that one is self-issued its own signature is verified too. Beyond the
 * roots nothing is read, so an intermediate may be pinned as a root. Revocation lists are those of
 * CM_MATERIAL_CRL whose issuer stands in the chain; one that does not verify or is out of its period
 * refuses.
 *
 * @param leaf  of a set of CM_CERTS_GENERAL, as is pool.
 * @param out   set on CM_OK only; points into pool.
 * @return CM_OK or the status of the first check that failed:
 * @retval CM_ERR_NOTFOUND an issuer is not in the pool   @retval CM_ERR_SIGNATURE
 * @retval CM_ERR_MISMATCH roles, path length, critical extensions
 * @retval CM_ERR_POLICY the root is not the caller's, or an emulator's and that was not allowed
 * @retval CM_ERR_EXPIRED, CM_ERR_REVOKED, CM_ERR_LIMIT (longer than the rule's maximum)
 */
CM_MUST_USE enum cm_status cm_chain_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                           size_t submod, const struct cm_certs *pool,
                                           const struct cm_cert *leaf,
                                           const struct cm_chain_rule *rule, struct cm_chain *out);

/** The claims of a chain that was verified: its root and its period. Their authority is the caller's. */
void cm_chain_claims(const struct cm_chain *chain, struct cm_evidence *ev, size_t submod);

#endif
