/*
 * Azure's claims of a virtual machine for policies: what its TPM proves, and nothing that it says of itself. The
 * attacks: self-asserted findings, a TPM that is not bound to the hardware, values that nobody named.
 */
#include "policy_kit.h"

#include "evidence/claims.h"
#include "policy/policy_azure.h"

static char issued[4096];

struct machine {
    const char *tee;
    enum cm_authority authority; /* of what the TPM says */
    bool bound;
    const char *const *matched; /* labels of reference values */
};

static void vtpm_claims(struct cm_evidence *ev, size_t at, const struct machine *m)
{
    const size_t from = cm_evidence_mark(ev, at);

    cm_claim_bytes(ev, at, "azure.runtime_data", cm_span_make("{}", 2));
    cm_claim_bool(ev, at, "tpm.secure_boot", true);
    cm_claim_bool(ev, at, "tpm.windows", true);
    cm_claim_bool(ev, at, "tpm.windows.boot_debug", false);
    cm_claim_bool(ev, at, "tpm.windows.kernel_debug", false);
    cm_claim_bool(ev, at, "tpm.windows.test_signing", true);
    cm_claim_uint(ev, at, "tpm.windows.hvci_policy", 1);
    cm_claim_uint(ev, at, "tpm.selected.sha-256", 0x81);
    cm_claim_text(ev, at, "azure.vm_unique_id", "1-2");
    for (size_t i = 0; m->matched != NULL && m->matched[i] != NULL; i++) {
        cm_claim_text(ev, at, "reference.matched", m->matched[i]);
    }
    cm_evidence_raise(ev, at, from, m->authority);
    cm_check_status(ev, at, "tpm.signature", CM_OK, "%s", "");
}

static enum cm_status judge(const struct machine *m, const char *conditions)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    struct cm_policy_claims *c = NULL;
    char policy[1024] = "";
    size_t vtpm = 0;
    enum cm_status st = CM_ERR_PARAM;

    if (ev == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_claim_text(ev, 0, CM_CLAIM_TEE, m->tee);
    cm_evidence_raise(ev, 0, 0, CM_AUTHORITY_HARDWARE);
    cm_check_status(ev, 0, "snp.signature", CM_OK, "%s", "");
    vtpm = cm_evidence_add_submod(ev, "vtpm");
    vtpm_claims(ev, vtpm, m);
    cm_evidence_bind(ev, "key", 0, vtpm, m->bound ? CM_CHECK_PASS : CM_CHECK_FAIL);
    (void)snprintf(policy, sizeof(policy), "version=1.2; authorizationrules { %s => permit(); };",
                   conditions);
    if (cm_policy_claims_evidence(ev, &c) == CM_OK) {
        st = kit_run(policy, c, issued, sizeof(issued));
    }
    cm_policy_claims_free(c);
    cm_evidence_free(ev);
    return st;
}

#define HAS(name, value) "[type==\"" name "\", value==" value "]"
#define NONE(name)       "![type==\"" name "\"]"
#define VM               "x-ms-azurevm-"

static const struct machine snp = {"snp", CM_AUTHORITY_KEY, true, NULL};

TEST(what_the_tpm_proves_is_there_under_azures_names)
{
    CHECK_EQ(judge(&snp, HAS("secureboot", "true") "&&" HAS(VM "bootdebug-enabled", "false") "&&" //
                   HAS(VM "debuggersdisabled", "true") "&&"                                       //
                   HAS(VM "testsigning-enabled", "true") "&&"                                     //
                   HAS(VM "signingdisabled", "false") "&&"                                        //
                   HAS(VM "hvci-policy", "1") "&&" HAS(VM "is-windows", "true")),
             CM_OK);
    CHECK_EQ(judge(&snp, HAS(VM "attested-pcrs", "0") "&&" HAS(VM "attested-pcrs", "7") "&&" //
                   HAS(VM "vmid", "\"1-2\"") "&&![type==\"" VM "attested-pcrs\", value==1]"),
             CM_OK);
}

TEST(the_tee_that_isolates_has_its_name)
{
    struct machine m = snp;

    CHECK_EQ(judge(&m, HAS(CM_POLICY_ISOLATION, "\"sevsnpvm\"")), CM_OK);
    m.tee = "tdx";
    CHECK_EQ(judge(&m, HAS(CM_POLICY_ISOLATION, "\"tdxvm\"")), CM_OK);
    m.tee = "sgx"; /* not a machine's */
    CHECK_EQ(judge(&m, NONE(CM_POLICY_ISOLATION)), CM_OK);
}

TEST(what_nobody_vouches_for_is_not_there)
{
    struct machine m = snp;

    m.authority = CM_AUTHORITY_SELF;
    CHECK_EQ(judge(&m, NONE("secureboot") "&&" NONE(VM "is-windows") "&&" NONE(VM "vmid") "&&" //
                   NONE(VM "debuggersdisabled") "&&" NONE(VM "attested-pcrs")),
             CM_OK);
    m = snp;
    m.bound = false; /* some other machine's TPM */
    CHECK_EQ(judge(&m, NONE("secureboot") "&&" NONE(CM_POLICY_ISOLATION)), CM_OK);
}

TEST(databases_are_validated_by_the_operators_reference_values_only)
{
    static const char *const db[] = {"uefi-db", NULL};
    static const char *const all[] = {"uefi-pk", "uefi-kek", "uefi-db", "uefi-dbx", NULL};
    struct machine m = snp;

    CHECK_EQ(judge(&m, NONE(VM "dbvalidated") "&&" NONE(VM "dbxvalidated")), CM_OK);
    m.matched = db;
    CHECK_EQ(judge(&m, HAS(VM "dbvalidated", "true") "&&" NONE(VM "dbxvalidated") "&&" //
                   NONE(VM "default-securebootkeysvalidated")),
             CM_OK);
    m.authority = CM_AUTHORITY_SELF; /* a log that leads nowhere */
    CHECK_EQ(judge(&m, NONE(VM "dbvalidated")), CM_OK);
    m = snp;
    m.matched = all;
    CHECK_EQ(judge(&m, HAS(VM "default-securebootkeysvalidated", "true")), CM_OK);
}

TEST_MAIN
