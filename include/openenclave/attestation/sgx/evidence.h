/*
 * Formats of SGX evidence, and the claims that its verification gives beside those of
 * openenclave/bits/evidence.h.
 *
 *   format                    evidence                        made by            verified in
 *   SGX_LOCAL_ATTESTATION     REPORT | custom claims          oe_get_evidence    enclaves
 *   SGX_ECDSA                 quote | custom claims           oe_get_evidence    both
 *   LEGACY_REPORT_REMOTE      report header | quote           oe_get_report      both
 *   RAW_SGX_QUOTE_ECDSA       quote                           other SDKs         both
 *
 * Of the first two the report data begin with SHA-256 of the custom claims buffer (of nothing if there
 * is none), followed by zeros; of the others they are the application's.
 */
#ifndef _OE_ATTESTATION_SGX_EVIDENCE_H
#define _OE_ATTESTATION_SGX_EVIDENCE_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/evidence.h>
#include <openenclave/bits/properties.h>
#include <openenclave/bits/result.h>

OE_EXTERNC_BEGIN

/* clang-format off */
#define OE_FORMAT_UUID_SGX_ECDSA \
    {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c}
#define OE_FORMAT_UUID_LEGACY_REPORT_REMOTE \
    {0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c, 0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x46, 0x0a, 0x76}
#define OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA \
    {0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72, 0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac, 0xe8, 0x71}
#define OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION \
    {0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a}
/* Names only: Intel has ended EPID attestation. Attester and verifier answer OE_NOT_FOUND. */
#define OE_FORMAT_UUID_SGX_EPID_LINKABLE \
    {0xf2, 0x28, 0xaa, 0x3f, 0xde, 0x4d, 0x49, 0xd3, 0x88, 0x4c, 0xb2, 0xaa, 0x87, 0xa5, 0x0d, 0xa6}
#define OE_FORMAT_UUID_SGX_EPID_UNLINKABLE \
    {0x5c, 0x35, 0xd2, 0x90, 0xa2, 0xc2, 0x4c, 0x55, 0x9e, 0x13, 0x5a, 0xd7, 0x32, 0x74, 0x6c, 0x88}
#define OE_FORMAT_UUID_SGX_UNKNOWN \
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}
/* clang-format on */

/* Of every SGX evidence. */
#define OE_CLAIM_SGX_PF_GP_EXINFO_ENABLED    "sgx_pf_gp_exit_info_enabled" /* [bool] */
#define OE_CLAIM_SGX_ISV_EXTENDED_PRODUCT_ID "sgx_isv_extended_product_id" /* [16] */
#define OE_CLAIM_SGX_IS_MODE64BIT            "sgx_is_mode64bit"            /* [bool] */
#define OE_CLAIM_SGX_HAS_PROVISION_KEY       "sgx_has_provision_key"       /* [bool] */
#define OE_CLAIM_SGX_HAS_EINITTOKEN_KEY      "sgx_has_einittoken_key"      /* [bool] */
#define OE_CLAIM_SGX_USES_KSS                "sgx_uses_kss"                /* [bool] */
#define OE_CLAIM_SGX_CONFIG_ID               "sgx_config_id"               /* [64] */
#define OE_CLAIM_SGX_CONFIG_SVN              "sgx_config_svn"              /* [uint16_t] */
#define OE_CLAIM_SGX_ISV_FAMILY_ID           "sgx_isv_family_id"           /* [16] */
#define OE_CLAIM_SGX_CPU_SVN                 "sgx_cpu_svn"                 /* [16] */
#define OE_SGX_REQUIRED_CLAIMS_COUNT         10
extern const char *OE_SGX_REQUIRED_CLAIMS[OE_SGX_REQUIRED_CLAIMS_COUNT];

/*
 * Of quotes: the endorsements that the verification used, as they were given. The issuers of the PCK
 * CA's list are the intermediate and the root of the verified chain in the quote, in PEM, with a NUL.
 */
#define OE_CLAIM_SGX_TCB_INFO                        "sgx_tcb_info"
#define OE_CLAIM_SGX_TCB_ISSUER_CHAIN                "sgx_tcb_issuer_chain"
#define OE_CLAIM_SGX_PCK_CRL                         "sgx_pck_crl"
#define OE_CLAIM_SGX_ROOT_CA_CRL                     "sgx_root_ca_crl"
#define OE_CLAIM_SGX_CRL_ISSUER_CHAIN                "sgx_crl_issuer_chain"
#define OE_CLAIM_SGX_QE_ID_INFO                      "sgx_qe_id_info"
#define OE_CLAIM_SGX_QE_ID_ISSUER_CHAIN              "sgx_qe_id_issuer_chain"
#define OE_SGX_OPTIONAL_CLAIMS_SGX_COLLATERALS_COUNT 7
#define OE_CLAIM_SGX_PCE_SVN                         "sgx_pce_svn" /* [uint16_t] as the quote's header says */
#define OE_SGX_OPTIONAL_CLAIMS_COUNT                 8
extern const char *OE_SGX_OPTIONAL_CLAIMS[OE_SGX_OPTIONAL_CLAIMS_COUNT];

/** [64] Of raw quotes and legacy reports, whose report data are the application's. */
#define OE_CLAIM_SGX_REPORT_DATA "sgx_report_data"

/**
 * The endorsements for a quote: what the host's provider of collateral has for its platform. In an
 * enclave they come from the host; they are signed by the platform's maker and are UNTRUSTED until a
 * verification has used them.
 *
 * @param quote     SGX or TDX, version 3 to 5.
 * @param baseline  NULL, or text for the provider (OE_POLICY_ENDORSEMENTS_BASELINE).
 * @param endorsements_buffer  set only on OE_OK; to be freed with oe_free_sgx_endorsements().
 * @retval OE_INVALID_PARAMETER    NULL arguments, or no such quote
 * @retval OE_UNSUPPORTED          the enclave does not import openenclave/edl/sgx/attestation.edl; or
 *                                 the quote holds no PCK chain (certification data 1 to 4), for which
 *                                 endorsements have no place: casemate verify can verify it
 * @retval OE_QUOTE_PROVIDER_CALL_ERROR  the provider failed or has none; the host's log says why
 * @retval OE_INVALID_ENDORSEMENT  what the host gave is no well-formed endorsements
 */
oe_result_t oe_get_sgx_endorsements(const uint8_t *quote, size_t quote_size,
                                    const uint8_t *baseline, size_t baseline_size,
                                    uint8_t **endorsements_buffer,
                                    size_t *endorsements_buffer_size);

/** Accepts NULL. */
void oe_free_sgx_endorsements(uint8_t *endorsements_buffer);

OE_EXTERNC_END

#endif
