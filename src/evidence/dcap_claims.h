/* Private to the DCAP verifier: a quote's fields as claims. */
#ifndef CM_EVIDENCE_DCAP_CLAIMS_H
#define CM_EVIDENCE_DCAP_CLAIMS_H

#include "evidence/claims.h"
#include "evidence/dcap_platform.h"
#include "evidence/dcap_tcb.h"

/** Everything that the quoted body says. Self-asserted until the caller raises it. */
void cm_dcap_body_claims(struct cm_evidence *ev, size_t submod, const struct cm_quote *q);

/** Everything that the PCK certificate says. */
void cm_dcap_pck_claims(struct cm_evidence *ev, size_t submod, const struct cm_pck_ext *ext);

/** Status, dates, numbers and advisories from the collateral. */
void cm_dcap_tcb_claims(struct cm_evidence *ev, size_t submod, const struct cm_platform *p,
                        const struct cm_tcb_verdict *launch, enum cm_dcap_tcb merged);

/** TDX 1.5: status, date and advisories of the module as it is now, after an update in place. */
void cm_dcap_current_claims(struct cm_evidence *ev, size_t submod,
                            const struct cm_tcb_verdict *now);

#endif
