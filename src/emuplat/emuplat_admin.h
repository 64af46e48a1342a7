/*
 * The emulated platform for the tools that show, change and serve it: everything about it that is
 * public, and the changes that `casemate platform` makes. Thread-safe; errors are those of
 * casemate/emuplat.h.
 */
#ifndef CM_EMUPLAT_ADMIN_H
#define CM_EMUPLAT_ADMIN_H

#include <casemate/emuplat.h>

#include "common/span.h"

/* Everything public. Spans point into the bundle; texts and certificates in PEM, lists in DER. */
struct cm_emuplat_info {
    uint8_t fmspc[6];
    uint8_t pceid[2];
    uint16_t pcesvn;
    uint8_t cpusvn[16];
    uint8_t ppid[16];
    uint8_t qe_id[16];
    uint8_t instance_id[16];
    uint8_t pck_serial[16];
    uint8_t root_spki_sha256[32];
    enum cm_dcap_tcb tcb;
    bool pck_revoked;
    uint32_t revoked_count; /* certificates on the PCK CA's list */
    uint32_t evaluation;    /* tcbEvaluationDataNumber */
    uint32_t crl_number;    /* of both lists */
    uint64_t created;       /* seconds since 1970 */
    uint64_t not_after;     /* of the certificates */
    uint64_t issued;        /* lists and documents */
    uint64_t next_update;
    struct cm_span root;     /* certificate */
    struct cm_span pck;      /* certificate */
    struct cm_span pck_ca;   /* CA and root: the issuer chain of PCK and its list */
    struct cm_span tcb_info; /* version 3 */
    struct cm_span tcb_info_v2;
    struct cm_span tcb_chain; /* signer and root: the issuer chain of all documents */
    struct cm_span qe_identity;
    struct cm_span root_crl;
    struct cm_span pck_crl;
    const char *root_crl_uri; /* where the certificates say that the lists are */
    const char *pck_crl_uri;
};

const struct cm_emuplat_info *cm_emuplat_bundle_info(const struct cm_emuplat_bundle *bundle);

/**
 * Give the platform this status from now on: UpToDate, SWHardeningNeeded, ConfigurationNeeded,
 * ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded or Revoked.
 * The TCB info is issued anew with a higher evaluation number.
 * @retval CM_ERR_PARAM  another status
 */
CM_MUST_USE enum cm_status cm_emuplat_set_tcb(enum cm_dcap_tcb tcb, struct cm_why *why);

/** Put the present PCK certificate on its CA's list. It stays there; rotate gives another. */
CM_MUST_USE enum cm_status cm_emuplat_revoke(struct cm_why *why);

/** New attestation, PCK and TCB signing keys under the same root. Older quotes stay what they are. */
CM_MUST_USE enum cm_status cm_emuplat_rotate(struct cm_why *why);

/**
 * Throw the platform and its processor's secrets away and make new ones: another root, another
 * PPID; nothing that was sealed can be opened again. Processes that run keep the old processor.
 */
CM_MUST_USE enum cm_status cm_emuplat_reset(struct cm_why *why);

#endif
