/* The HCL report's bytes and its runtime data. UNTRUSTED until the hardware's report has been verified. */
#ifndef CM_CVM_AZURE_HCL_H
#define CM_CVM_AZURE_HCL_H

#include "crypto/hash.h"
#include "crypto/pubkey.h"
#include "evidence/claims.h"

#define CM_HCL_REPORT_SIZE   1184u
#define CM_HCL_TDREPORT_SIZE 1024u
#define CM_HCL_MAX_RUNTIME   16384u

enum cm_hcl_kind {
    CM_HCL_SNP = 2,
    CM_HCL_TDX = 4,
};

struct cm_hcl {
    uint32_t version;
    enum cm_hcl_kind kind;
    enum cm_hash_alg hash;
    struct cm_span report;  /* CM_HCL_REPORT_SIZE bytes: SNP report, or TDREPORT and zeros */
    struct cm_span runtime; /* exactly the bytes whose hash the report has */
};

/** @retval CM_ERR_FORMAT @retval CM_ERR_UNSUPPORTED a version, kind or hash that is not known */
CM_MUST_USE enum cm_status cm_hcl_parse(struct cm_span bytes, struct cm_hcl *out,
                                        struct cm_why *why);

/** REPORTDATA of a TDREPORT (Intel TDX Module ABI, REPORTMACSTRUCT); {NULL, 0}: it is none. */
struct cm_span cm_hcl_td_report_data(const struct cm_hcl *hcl);

/**
 * Whether report data is the hash of the runtime data, and zeros behind it.
 * @retval CM_ERR_MISMATCH it is not
 */
CM_MUST_USE enum cm_status cm_hcl_bound(const struct cm_hcl *hcl, struct cm_span report_data);

/** What the runtime data says. */
struct cm_hcl_runtime {
    struct cm_pubkey *ak; /* HCLAkPub; the caller frees it */
    bool has_user_data;
    uint8_t user_data[64];
};

/**
 * Read the runtime data, add its claims (azure.*) to a submodule.
 * @retval CM_ERR_FORMAT, CM_ERR_SYNTAX not such JSON   @retval CM_ERR_NOTFOUND no HCLAkPub, or several
 * @retval CM_ERR_UNSUPPORTED HCLAkPub is no RSA key
 */
CM_MUST_USE enum cm_status cm_hcl_runtime_read(struct cm_span json, struct cm_evidence *ev,
                                               size_t submod, struct cm_hcl_runtime *out,
                                               struct cm_why *why);

#endif
