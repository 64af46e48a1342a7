/*
 * What attesters and verifiers speak of: claims, policies, the names of claims that every verifier
 * gives out. Evidence formats are in openenclave/attestation/{sgx,tdx}/evidence.h.
 */
#ifndef _OE_BITS_EVIDENCE_H
#define _OE_BITS_EVIDENCE_H

#include "defs.h"
#include "report.h"
#include "types.h"
#include "uuid.h"

OE_EXTERNC_BEGIN

/** Bits of the claim "attributes". */
#define OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG  OE_REPORT_ATTRIBUTES_DEBUG
#define OE_EVIDENCE_ATTRIBUTES_SGX_REMOTE OE_REPORT_ATTRIBUTES_REMOTE
#define OE_EVIDENCE_ATTRIBUTES_RESERVED \
    (~(OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG | OE_EVIDENCE_ATTRIBUTES_SGX_REMOTE))

/** A named value. The value has no terminator unless its type has one. */
typedef struct _oe_claim {
    char *name;
    uint8_t *value;
    size_t value_size;
} oe_claim_t;

/* Claims that every verification gives. Types in brackets; integers in the machine's byte order. */
#define OE_CLAIM_ID_VERSION       "id_version"       /* [uint32_t] 0 */
#define OE_CLAIM_SECURITY_VERSION "security_version" /* [uint32_t] ISVSVN; of a TD 0 */
#define OE_CLAIM_ATTRIBUTES       "attributes"       /* [uint64_t] OE_EVIDENCE_ATTRIBUTES_* */
#define OE_CLAIM_UNIQUE_ID        "unique_id"        /* [32] MRENCLAVE; of a TD [48] MRTD */
#define OE_CLAIM_SIGNER_ID        "signer_id"        /* [32] MRSIGNER; of a TD [48] MRSEAMSIGNER */
#define OE_CLAIM_PRODUCT_ID       "product_id"       /* [16] ISVPRODID, zeros; of a TD zeros */
#define OE_CLAIM_FORMAT_UUID      "format_uuid"      /* [oe_uuid_t] */
#define OE_REQUIRED_CLAIMS_COUNT  7
extern const char *OE_REQUIRED_CLAIMS[OE_REQUIRED_CLAIMS_COUNT];

/* Claims of evidence whose platform has endorsements. */
#define OE_CLAIM_TCB_STATUS      "tcb_status"     /* [oe_sgx_tcb_status_t] */
#define OE_CLAIM_TCB_DATE        "tcb_date"       /* [oe_datetime_t] */
#define OE_CLAIM_VALIDITY_FROM   "validity_from"  /* [oe_datetime_t] latest beginning of validity */
#define OE_CLAIM_VALIDITY_UNTIL  "validity_until" /* [oe_datetime_t] earliest end */
#define OE_CLAIM_UEID            "ueid" /* [21] OE_UEID_TYPE_RAND, then the platform's ID */
#define OE_CLAIM_HARDWARE_MODEL  "hardware_model" /* [6] FMSPC */
#define OE_OPTIONAL_CLAIMS_COUNT 6
extern const char *OE_OPTIONAL_CLAIMS[OE_OPTIONAL_CLAIMS_COUNT];

#define OE_UEID_TYPE_RAND 0x01

/** What the attester bound to its evidence, as it was given to oe_get_evidence(). */
#define OE_CLAIM_CUSTOM_CLAIMS_BUFFER "custom_claims_buffer"

/** [text with terminator] "EMULATED": there is such a claim only if an emulator made the evidence. */
#define CM_OE_CLAIM_EMULATED "emulated"

/** How a platform stands against what its maker publishes. */
__extension__ typedef enum _oe_sgx_tcb_status_t {
    OE_SGX_TCB_STATUS_UP_TO_DATE = 0,
    OE_SGX_TCB_STATUS_OUT_OF_DATE = 1,
    OE_SGX_TCB_STATUS_REVOKED = 2,
    OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED = 3,
    OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED = 4,
    OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED = 5,
    OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED = 6,
    OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED = 7,
    OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED_CONFIG_NEEDED = 8,
    OE_SGX_TCB_STATUS_INVALID = OE_ENUM_MAX, /**< no published level describes the platform */
} oe_sgx_tcb_status_t;

/** What a verification shall take into account. */
typedef enum _oe_policy_type {
    /** [oe_datetime_t] Judge every period of validity at this time instead of now. */
    OE_POLICY_ENDORSEMENTS_TIME = 1,
    /**
     * [bytes, not empty] Which edition of the collateral to fetch when no endorsements are given, in
     * the words of the host's provider library (libdcap_quoteprov): handed on as it is. Where another
     * source gives collateral, fetching with it is OE_UNSUPPORTED. Given endorsements are judged as
     * they are.
     */
    OE_POLICY_ENDORSEMENTS_BASELINE = 2,
    /**
     * [int64_t] seconds since 1970. If the platform's TCB level is not older than this, OutOfDate
     * counts as UpToDate and OutOfDateConfigurationNeeded as ConfigurationNeeded, also in the claim.
     */
    OE_POLICY_TCB_BASELINE_DATE = 3
} oe_policy_type_t;

typedef struct _oe_policy {
    oe_policy_type_t type;
    void *policy;
    size_t policy_size;
} oe_policy_t;

OE_EXTERNC_END

#endif
