/* Private to src/collateral: what a service can be asked for, one document at a time. */
#ifndef CM_COLLATERAL_DOCUMENT_H
#define CM_COLLATERAL_DOCUMENT_H

#include "collateral/collateral_client.h"
#include "evidence/pck_ext.h"

#define CM_DOCUMENT_MAX_URL ((size_t)3 * CM_COLLATERAL_MAX_URL)

enum cm_document {
    CM_DOCUMENT_PCK, /* first: it says what the others are found by */
    CM_DOCUMENT_TCB_INFO,
    CM_DOCUMENT_QE_IDENTITY,
    CM_DOCUMENT_PCK_CRL,
    CM_DOCUMENT_ROOT_CRL,
    CM_DOCUMENT_COUNT,
};

/* A document as it was served. */
struct cm_document_bytes {
    struct cm_span body;
    struct cm_span chain; /* of certificate, TCB info and QE identity; {NULL, 0} of the others */
};

/** For people: "TCB info". */
const char *cm_document_name(enum cm_document d);

/** Names of the headers that may hold the issuer chain; NULL when the document has none. */
const char *const *cm_document_headers(enum cm_document d);

/** @retval CM_ERR_UNSUPPORTED the service has no such document (TDX before v4; a PCK certificate
 *                             without a PPID encrypted with RSA-3072 at Intel's) */
CM_MUST_USE enum cm_status cm_document_url(const struct cm_collateral_config *config,
                                           const struct cm_collateral_key *key, enum cm_document d,
                                           char out[CM_DOCUMENT_MAX_URL], struct cm_why *why);

/** Read from a PCK certificate in PEM what the rest is found by. @retval CM_ERR_FORMAT */
CM_MUST_USE enum cm_status cm_collateral_key_pck(struct cm_span pem, struct cm_collateral_key *key,
                                                 struct cm_pck_ext *pck);

/**
 * Well formed, of the right kind, for this platform, and valid now. Signatures are not verified.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED, CM_ERR_MISMATCH, CM_ERR_EXPIRED, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_document_check(enum cm_document d, struct cm_document_bytes bytes,
                                             const struct cm_collateral_key *key, uint64_t now,
                                             struct cm_why *why);

/* ------------------------------------------------------------------- cache */

struct cm_cache_entry {
    uint8_t *file; /* owned; the spans point into it */
    struct cm_document_bytes bytes;
    uint64_t stored; /* seconds since 1970 */
};

/** @retval CM_ERR_NOTFOUND no such entry, or one that is damaged */
CM_MUST_USE enum cm_status cm_cache_get(const char *folder, const char *url,
                                        struct cm_cache_entry *out);
void cm_cache_entry_free(struct cm_cache_entry *e);
CM_MUST_USE enum cm_status cm_cache_put(const char *folder, const char *url, uint64_t now,
                                        struct cm_document_bytes bytes);

#endif
