/*
 * AMD's key distribution service (AMD 57230): addresses, and what makes its documents usable. Nothing that
 * it says is trusted: certificates and lists are verified wherever they are used. Private to src/decide.
 */
#ifndef CM_DECIDE_DECIDE_KDS_H
#define CM_DECIDE_DECIDE_KDS_H

#include "collateral/collateral_http.h"
#include "decide/decide_kept.h"

#define CM_KDS_MAX_URL 512u

enum cm_kds_document {
    CM_KDS_KEY,   /* the chip's certificate */
    CM_KDS_CHAIN, /* intermediate and root */
    CM_KDS_CRL,
};

/** @param base  "https://kdsintf.amd.com" */
CM_MUST_USE enum cm_status cm_kds_url(const char *base, const struct cm_kds_ask *ask,
                                      enum cm_kds_document d, char out[CM_KDS_MAX_URL]);

/** Two certificates, the second self-issued, both of the line's names. @retval CM_ERR_FORMAT */
CM_MUST_USE enum cm_status cm_kds_check_chain(struct cm_span pem, const struct cm_kds_ask *ask,
                                              struct cm_why *why);
/** One certificate, of the line. @param not_after  set to its end */
CM_MUST_USE enum cm_status cm_kds_check_key(struct cm_span der, const struct cm_kds_ask *ask,
                                            uint64_t *not_after, struct cm_why *why);

/** Get what is wanted (CM_KEPT_SNP_CA or _KEY). @retval of cm_http_get() and cm_kept_make() */
CM_MUST_USE enum cm_status cm_kds_fetch(const char *base, const char *ca_file, uint64_t now,
                                        const struct cm_want *want, struct cm_kept **out,
                                        struct cm_why *why);

#endif
