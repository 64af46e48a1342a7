/*
 * From security versions to a status: matching a platform against published TCB levels and merging
 * the parts' verdicts. Pure functions over parsed structures (Intel's TCB recovery rules).
 */
#ifndef CM_EVIDENCE_DCAP_TCB_H
#define CM_EVIDENCE_DCAP_TCB_H

#include "evidence/collateral.h"
#include "evidence/pck_ext.h"
#include "evidence/quote.h"

/* How a quote stands against its collateral. */
struct cm_tcb_verdict {
    enum cm_dcap_tcb platform;
    enum cm_dcap_tcb qe;
    enum cm_dcap_tcb module; /* UpToDate where there is none */
    enum cm_dcap_tcb merged;
    uint64_t tcb_date;                /* the oldest of the matched levels */
    const struct cm_tcb_level *level; /* NULL: none matched */
    const struct cm_isv_level *qe_level;
    const struct cm_isv_level *module_level;
};

/**
 * The TDX module identity that a quote's TEE_TCB_SVN names.
 * @param out  NULL when its version is 0: the tdxModule member describes it.
 * @retval CM_ERR_MISMATCH an identity is needed and absent
 */
CM_MUST_USE enum cm_status cm_tdx_module_find(const struct cm_tcb_info *info,
                                              struct cm_span tee_tcb_svn,
                                              const struct cm_tdx_module **out);

/** Match and merge for one TEE_TCB_SVN (ignored for SGX). */
void cm_tcb_evaluate(const struct cm_tcb_info *info, const struct cm_qe_identity *qe,
                     const struct cm_pck_ext *pck, uint16_t qe_isvsvn, struct cm_span tee_tcb_svn,
                     struct cm_tcb_verdict *out);

/** TD relaunch: the verdict at launch and the one for the module as it is now, into one status. */
enum cm_dcap_tcb cm_tcb_relaunch(enum cm_dcap_tcb launch, enum cm_dcap_tcb now);

#endif
