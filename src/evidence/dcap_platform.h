/*
 * Everything about a platform that does not change from quote to quote: its PCK chain and its
 * collateral, parsed and with every signature verified. Immutable once made but for the key, so that it can
 * be kept and shared (struct cm_dcap_cache). What depends on the caller (time, trusted roots, floors) is
 * NOT judged here: it is kept as data and judged at every use.
 */
#ifndef CM_EVIDENCE_DCAP_PLATFORM_H
#define CM_EVIDENCE_DCAP_PLATFORM_H

#include <casemate/dcap.h>
#include <stdatomic.h>

#include "evidence/certs.h"
#include "evidence/collateral.h"
#include "evidence/pck_ext.h"

#define CM_PLATFORM_MAX_CHECKS  16
#define CM_PLATFORM_MAX_PERIODS 16

/* The outcome of one check that depends on the bytes alone. */
struct cm_platform_check {
    const char *name;
    enum cm_status status;
    char detail[128];
};

struct cm_platform_period {
    const char *what;
    struct cm_period period;
};

/* An attestation key, ready to verify with. */
struct cm_platform_key {
    atomic_int state;  /* 0: none; what follows may be read once it is set */
    uint8_t point[64]; /* as in the quote */
    struct cm_pubkey *pub;
};

struct cm_platform {
    /* parts; NULL or empty when they could not be had (a failed check says why) */
    struct cm_certs *certs;
    const struct cm_cert *pck;
    const struct cm_cert *pck_ca;
    const struct cm_cert *root;       /* of the PCK chain */
    const struct cm_cert *tcb_signer; /* once its chain was verified */
    const struct cm_cert *tcb_root;   /* of the TCB info's chain */
    const struct cm_cert *qe_root;
    struct cm_crl *root_crl;
    struct cm_crl *pck_crl;
    struct cm_pck_ext ext;
    bool has_ext;
    struct cm_tcb_info tcb;
    bool has_tcb;
    struct cm_qe_identity qe;
    bool has_qe;
    struct cm_platform_check checks[CM_PLATFORM_MAX_CHECKS];
    size_t check_count;
    struct cm_platform_period periods[CM_PLATFORM_MAX_PERIODS];
    size_t period_count;
    /* The key of the first quote that verified: quotes of a platform have the same. Set once, then it stays. */
    struct cm_platform_key key;
};

/**
 * Parse and verify a platform's parts.
 *
 * @param pck_chain  PEM, from the quote or from the caller.
 * @param col        the bytes must outlive the result, which refers to them.
 * @param out        set on CM_OK, whatever the checks say.
 * @retval CM_ERR_NOMEM   (everything else is in the checks)
 */
CM_MUST_USE enum cm_status cm_platform_make(struct cm_span pck_chain,
                                            const struct cm_dcap_collateral *col,
                                            struct cm_platform **out);
/** The attestation key of a point: the platform's, if that has it. *own: it is the caller's. */
CM_MUST_USE enum cm_status cm_platform_key(const struct cm_platform *p, struct cm_span point,
                                           struct cm_pubkey **out, bool *own);
/** Keep the key of a quote that verified, if there is none yet; takes pub over. */
void cm_platform_keep_key(const struct cm_platform *p, struct cm_span point, struct cm_pubkey *pub);
/** Accepts NULL. */
void cm_platform_free(struct cm_platform *p);

#endif
