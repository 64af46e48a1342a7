/* What Azure Attestation calls claims of ours (its page "claim sets"); see policy_azure.h. */
#include "policy/policy_azure.h"

#include <string.h>

#define KSS 0x80u /* ATTRIBUTES.KSS of SGX: key separation and sharing */

static const struct cm_policy_azure sgx[] = {
    {.name = "x-ms-attestation-type", .how = CM_AZURE_FIXED, .text = "sgx"},
    {.name = "x-ms-sgx-is-debuggable", .ours = CM_CLAIM_DBGSTAT, .how = CM_AZURE_DEBUGGABLE},
    {.name = "x-ms-sgx-mrenclave", .ours = "sgx.mrenclave"},
    {.name = "x-ms-sgx-mrsigner", .ours = "sgx.mrsigner"},
    {.name = "x-ms-sgx-product-id", .ours = "sgx.isvprodid"},
    {.name = "x-ms-sgx-svn", .ours = "sgx.isvsvn"},
    {.name = "x-ms-sgx-report-data", .ours = CM_CLAIM_REPORT_DATA},
    {.name = "x-ms-sgx-config-id", .ours = "sgx.configid", .only = "sgx.attributes", .mask = KSS},
    {.name = "x-ms-sgx-config-svn", .ours = "sgx.configsvn", .only = "sgx.attributes", .mask = KSS},
    {.name = "x-ms-sgx-isv-extended-product-id",
     .ours = "sgx.isvextprodid",
     .only = "sgx.attributes",
     .mask = KSS},
    {.name = "x-ms-sgx-isv-family-id",
     .ours = "sgx.isvfamilyid",
     .only = "sgx.attributes",
     .mask = KSS},
};

static const struct cm_policy_azure tdx[] = {
    {.name = "x-ms-attestation-type", .how = CM_AZURE_FIXED, .text = "tdxvm"},
    {.name = "eat_profile", .how = CM_AZURE_FIXED, .text = "https://aka.ms/maa-eat-profile-tdxvm"},
    {.name = "intuse", .how = CM_AZURE_FIXED, .text = "generic"},
    {.name = "attester_tcb_status", .ours = CM_CLAIM_TCB_STATUS},
    {.name = "tdx_mrconfigid", .ours = "tdx.mrconfigid"},
    {.name = "tdx_mrowner", .ours = "tdx.mrowner"},
    {.name = "tdx_mrownerconfig", .ours = "tdx.mrownerconfig"},
    {.name = "tdx_mrseam", .ours = "tdx.mrseam"},
    {.name = "tdx_mrsignerseam", .ours = "tdx.mrsignerseam"},
    {.name = "tdx_mrtd", .ours = "tdx.mrtd"},
    {.name = "tdx_report_data", .ours = CM_CLAIM_REPORT_DATA},
    {.name = "tdx_rtmr0", .ours = "tdx.rtmr0"},
    {.name = "tdx_rtmr1", .ours = "tdx.rtmr1"},
    {.name = "tdx_rtmr2", .ours = "tdx.rtmr2"},
    {.name = "tdx_rtmr3", .ours = "tdx.rtmr3"},
    {.name = "tdx_seam_attributes", .ours = "tdx.seam_attributes"},
    {.name = "tdx_seamsvn", .ours = "tdx.tee_tcb_svn", .how = CM_AZURE_BYTE, .bit = 0},
    {.name = "tdx_td_attributes", .ours = "tdx.td_attributes"},
    {.name = "tdx_td_attributes_debug", .ours = "tdx.td_attributes", .how = CM_AZURE_BIT, .bit = 0},
    {.name = "tdx_td_attributes_septve_disable",
     .ours = "tdx.td_attributes",
     .how = CM_AZURE_BIT,
     .bit = 28},
    {.name = "tdx_td_attributes_protection_keys",
     .ours = "tdx.td_attributes",
     .how = CM_AZURE_BIT,
     .bit = 30},
    {.name = "tdx_td_attributes_key_locker",
     .ours = "tdx.td_attributes",
     .how = CM_AZURE_BIT,
     .bit = 31},
    {.name = "tdx_td_attributes_perfmon",
     .ours = "tdx.td_attributes",
     .how = CM_AZURE_BIT,
     .bit = 63},
    {.name = "tdx_tee_tcb_svn", .ours = "tdx.tee_tcb_svn"},
    {.name = "tdx_xfam", .ours = "tdx.xfam"},
};

static const struct cm_policy_azure snp[] = {
    {.name = "x-ms-attestation-type", .how = CM_AZURE_FIXED, .text = "sevsnpvm"},
    {.name = "x-ms-sevsnpvm-is-debuggable", .ours = CM_CLAIM_DBGSTAT, .how = CM_AZURE_DEBUGGABLE},
    {.name = "x-ms-sevsnpvm-launchmeasurement", .ours = "snp.measurement"},
    {.name = "x-ms-sevsnpvm-hostdata", .ours = "snp.host_data"},
    {.name = "x-ms-sevsnpvm-idkeydigest", .ours = "snp.id_key_digest"},
    {.name = "x-ms-sevsnpvm-authorkeydigest", .ours = "snp.author_key_digest"},
    {.name = "x-ms-sevsnpvm-familyId", .ours = "snp.family_id"},
    {.name = "x-ms-sevsnpvm-imageId", .ours = "snp.image_id"},
    {.name = "x-ms-sevsnpvm-reportid", .ours = "snp.report_id"},
    {.name = "x-ms-sevsnpvm-reportdata", .ours = CM_CLAIM_REPORT_DATA},
    {.name = "x-ms-sevsnpvm-guestsvn", .ours = "snp.guest_svn"},
    {.name = "x-ms-sevsnpvm-vmpl", .ours = "snp.vmpl"},
    {.name = "x-ms-sevsnpvm-smt-allowed", .ours = "snp.policy.smt"},
    {.name = "x-ms-sevsnpvm-migration-allowed", .ours = "snp.policy.migrate_ma"},
    {.name = "x-ms-sevsnpvm-bootloader-svn", .ours = "snp.tcb.reported.bootloader"},
    {.name = "x-ms-sevsnpvm-tee-svn", .ours = "snp.tcb.reported.tee"},
    {.name = "x-ms-sevsnpvm-snpfw-svn", .ours = "snp.tcb.reported.snp"},
    {.name = "x-ms-sevsnpvm-microcode-svn", .ours = "snp.tcb.reported.microcode"},
};

const struct cm_policy_azure *cm_policy_azure_names(const char *tee, size_t *count)
{
    *count = 0;
    if (strcmp(tee, "sgx") == 0) {
        *count = sizeof(sgx) / sizeof(sgx[0]);
        return sgx;
    }
    if (strcmp(tee, "tdx") == 0) {
        *count = sizeof(tdx) / sizeof(tdx[0]);
        return tdx;
    }
    if (strcmp(tee, "snp") == 0) {
        *count = sizeof(snp) / sizeof(snp[0]);
        return snp;
    }
    return NULL;
}
