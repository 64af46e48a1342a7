/*
 * TDX evidence: a quote (version 4 or 5) of a trust domain, verified in host and enclave. The claims
 * stand beside those of openenclave/bits/evidence.h.
 */
#ifndef _OE_ATTESTATION_TDX_EVIDENCE_H
#define _OE_ATTESTATION_TDX_EVIDENCE_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/evidence.h>
#include <openenclave/bits/result.h>

OE_EXTERNC_BEGIN

/* clang-format off */
#define OE_FORMAT_UUID_TDX_QUOTE_ECDSA \
    {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02}
/* clang-format on */

/* The TD report's fields, as they are; the flags of TDATTRIBUTES also one by one [bool]. */
#define OE_CLAIM_TDX_TEE_TCB_SVN                   "tdx_tee_tcb_svn"     /* [16] */
#define OE_CLAIM_TDX_MRSEAM                        "tdx_mrseam"          /* [48] */
#define OE_CLAIM_TDX_MRSEAMSIGNER                  "tdx_mrseamsigner"    /* [48] */
#define OE_CLAIM_TDX_SEAM_ATTRIBUTES               "tdx_seam_attributes" /* [8] */
#define OE_CLAIM_TDX_TD_ATTRIBUTES                 "tdx_td_attributes"   /* [8] */
#define OE_CLAIM_TDX_TD_ATTRIBUTES_DEBUG           "tdx_td_attributes_debug"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_HGS_PLUS_PROF   "tdx_td_attributes_hgs_plus_prof"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_PERF_PROF       "tdx_td_attributes_perf_prof"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_PMT_PROF        "tdx_td_attributes_pmt_prof"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_ICSSD           "tdx_td_attributes_icssd"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_SERVTD_EXT      "tdx_td_attributes_servtd_ext"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_LASS            "tdx_td_attributes_lass"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE "tdx_td_attributes_septve_disable"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_MIGRATABLE      "tdx_td_attributes_migratable"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_PROTECTION_KEYS "tdx_td_attributes_protection_keys"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_KEY_LOCKER      "tdx_td_attributes_key_locker"
#define OE_CLAIM_TDX_TD_ATTRIBUTES_PERFMON         "tdx_td_attributes_perfmon"
#define OE_CLAIM_TDX_XFAM                          "tdx_xfam"          /* [8] */
#define OE_CLAIM_TDX_MRTD                          "tdx_mrtd"          /* [48] */
#define OE_CLAIM_TDX_MRCONFIGID                    "tdx_mrconfigid"    /* [48] */
#define OE_CLAIM_TDX_MROWNER                       "tdx_mrowner"       /* [48] */
#define OE_CLAIM_TDX_MROWNERCONFIG                 "tdx_mrownerconfig" /* [48] */
#define OE_CLAIM_TDX_RTMR0                         "tdx_rtmr0"         /* [48] */
#define OE_CLAIM_TDX_RTMR1                         "tdx_rtmr1"
#define OE_CLAIM_TDX_RTMR2                         "tdx_rtmr2"
#define OE_CLAIM_TDX_RTMR3                         "tdx_rtmr3"
#define OE_CLAIM_TDX_REPORT_DATA                   "tdx_report_data" /* [64] */
/* Of TD 1.5 reports; of older ones zeros. */
#define OE_CLAIM_TDX_TEE_TCB_SVN_2   "tdx_tee_tcb_svn_2" /* [16] */
#define OE_CLAIM_TDX_MRSERVICETD     "tdx_mrservicetd"   /* [48] */
#define OE_TDX_REQUIRED_CLAIMS_COUNT 29
extern const char *OE_TDX_REQUIRED_CLAIMS[OE_TDX_REQUIRED_CLAIMS_COUNT];

/* Only of TD 1.5 reports with the service TD extension (body type 4). */
#define OE_CLAIM_TDX_VMID                "tdx_vmid"                /* [1] */
#define OE_CLAIM_TDX_TD_ID               "tdx_td_id"               /* [32] */
#define OE_CLAIM_TDX_DEVINFO             "tdx_devinfo"             /* [48] */
#define OE_CLAIM_TDX_INIT_SERVER_TD_HASH "tdx_init_server_td_hash" /* [48] */
#define OE_CLAIM_TDX_INIT_SERVER_TD_ATTR "tdx_init_server_td_attr" /* [8] */
#define OE_CLAIM_TDX_INIT_CPU_SVN        "tdx_init_cpu_svn"        /* [16] */
#define OE_CLAIM_TDX_INIT_TEE_TCB_SVN    "tdx_init_tee_tcb_svn"    /* [16] */
#define OE_CLAIM_TDX_INIT_TEE_FMSPC      "tdx_init_tee_fmspc"      /* [12] */
#define OE_CLAIM_TDX_CURR_SERVER_TD_HASH "tdx_curr_server_td_hash" /* [48] */
#define OE_CLAIM_TDX_CURR_SERVER_TD_ATTR "tdx_curr_server_td_attr" /* [8] */

/* From the endorsements. */
#define OE_CLAIM_TDX_SA_LIST           "tdx_sa_list" /* [text with terminator] advisories, comma separated */
#define OE_CLAIM_TDX_PCE_SVN           "tdx_pce_svn" /* [uint16_t] of the PCK certificate */
#define OE_TDX_ADDITIONAL_CLAIMS_COUNT 2

/**
 * Let oe_verify_evidence() know the format TDX_QUOTE_ECDSA, or no longer. May be called again.
 * @retval OE_OK
 */
oe_result_t oe_tdx_verifier_initialize(void);
oe_result_t oe_tdx_verifier_shutdown(void);

/**
 * The endorsements for a TDX quote; see oe_get_sgx_endorsements(), whose errors these are.
 * @param endorsements_buffer  set only on OE_OK; to be freed with oe_free_tdx_endorsements().
 */
oe_result_t oe_get_tdx_endorsements(const uint8_t *evidence_buffer, uint32_t evidence_buffer_size,
                                    uint8_t **endorsements_buffer,
                                    uint32_t *endorsements_buffer_size);

/** Accepts NULL. */
void oe_free_tdx_endorsements(uint8_t *endorsements_buffer);

#define OE_TDX_FMSPC_SIZE 6

/**
 * The FMSPC in a TDX quote's PCK certificate: which platform's collateral is needed. Nothing is
 * verified: the answer is a hint for whoever fetches collateral.
 *
 * @param fmspc  OE_TDX_FMSPC_SIZE bytes; set only on OE_OK.
 * @retval OE_INVALID_PARAMETER  NULL, fmspc_size too small, or no TDX quote
 * @retval OE_INVALID_SGX_CERTIFICATE_EXTENSIONS, OE_MISSING_CERTIFICATE_CHAIN
 */
oe_result_t oe_get_tdx_fmspc_from_quote(const uint8_t *quote, uint32_t quote_size, uint8_t *fmspc,
                                        uint32_t fmspc_size);

OE_EXTERNC_END

#endif
