/*
 * The signed JSON of DCAP collateral: TCB info (versions 2 and 3) and enclave identities (version 2).
 * Parsing only; signatures are verified over the exact span that stands in the result.
 */
#ifndef CM_EVIDENCE_COLLATERAL_H
#define CM_EVIDENCE_COLLATERAL_H

#include <casemate/dcap.h>

#include "token/json.h"

#define CM_TCB_MAX_LEVELS  128
#define CM_TCB_MAX_MODULES 32

/** A signed JSON document: {"<name>": {...}, "signature": "<128 hex>"}. */
struct cm_signed_json {
    struct cm_json doc;
    struct cm_json_node *nodes; /* owned */
    struct cm_json_value body;
    struct cm_span signed_bytes; /* the object's exact bytes */
    uint8_t signature[64];
};

/* What both kinds of document carry. */
struct cm_collateral_dates {
    uint64_t issue_date;
    uint64_t next_update;
    uint32_t evaluation_number;
};

struct cm_tcb_level {
    uint8_t sgx[16];
    uint16_t pcesvn;
    uint8_t tdx[16];
    uint64_t tcb_date;
    enum cm_dcap_tcb status;
    struct cm_json_value advisories; /* array of strings, or absent */
};

struct cm_isv_level {
    uint16_t isvsvn;
    uint64_t tcb_date;
    enum cm_dcap_tcb status;
    struct cm_json_value advisories;
};

struct cm_tdx_module {
    char id[16]; /* "TDX_01"; empty for the one without identity (tdxModule) */
    uint8_t mrsigner[48];
    uint8_t attributes[8];
    struct cm_isv_level levels[CM_TCB_MAX_LEVELS / 4];
    size_t level_count;
};

struct cm_tcb_info {
    struct cm_signed_json json;
    struct cm_collateral_dates dates;
    bool tdx;
    uint8_t fmspc[6];
    uint8_t pceid[2];
    struct cm_tcb_level levels[CM_TCB_MAX_LEVELS];
    size_t level_count;
    bool has_module;
    struct cm_tdx_module module;   /* tdxModule */
    struct cm_tdx_module *modules; /* tdxModuleIdentities; owned */
    size_t module_count;
};

struct cm_qe_identity {
    struct cm_signed_json json;
    struct cm_collateral_dates dates;
    bool tdx;
    uint32_t miscselect;
    uint32_t miscselect_mask;
    uint8_t attributes[16];
    uint8_t attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid;
    struct cm_isv_level levels[CM_TCB_MAX_LEVELS / 4];
    size_t level_count;
};

/**
 * @param text  UNTRUSTED; must outlive out, which refers to it.
 * @param out   to be freed with its _free function also when CM_OK was not returned.
 * @retval CM_ERR_FORMAT any member missing, of another type, or out of range; unknown status
 */
CM_MUST_USE enum cm_status cm_tcb_info_parse(struct cm_span text, struct cm_tcb_info *out,
                                             struct cm_why *why);
void cm_tcb_info_free(struct cm_tcb_info *info);

CM_MUST_USE enum cm_status cm_qe_identity_parse(struct cm_span text, struct cm_qe_identity *out,
                                                struct cm_why *why);
void cm_qe_identity_free(struct cm_qe_identity *id);

#endif
