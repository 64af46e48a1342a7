/*
 * The published policies of ../shared/vectors/service/maa-policies, where they exist: each is a policy
 * or is refused at the place where its author went wrong; and what they say of the evidence they are for.
 */
#include <stdlib.h>

#include "os/os.h"
#include "policy_kit.h"

#define ROOT "../shared/vectors/service/maa-policies/"
#define MISS "../shared/vectors/service is not here"

static char issued[16384];

/* The whole text of a policy; a fragment becomes the issuance rules of one. NULL when it is absent. */
static char *load(const char *name)
{
    char path[256] = "";
    uint8_t *text = NULL;
    size_t len = 0;
    char *out = NULL;

    (void)snprintf(path, sizeof(path), ROOT "%s", name);
    if (cm_file_read(path, CM_POLICY_MAX_TEXT, &text, &len, NULL) != CM_OK) {
        return NULL;
    }
    out = malloc(len + 128);
    if (out != NULL && strncmp(name, "v12-", 4) == 0) {
        (void)snprintf(out, len + 128,
                       "version=1.2; authorizationrules { => permit(); }; issuancerules {\n%s\n};",
                       (const char *)text);
    } else if (out != NULL) {
        (void)snprintf(out, len + 128, "%s", (const char *)text);
    }
    free(text);
    return out;
}

TEST(each_published_policy_parses_or_is_refused_in_its_place)
{
    static const struct {
        const char *name;
        size_t rules;
        size_t line; /* of the refusal; 0: it parses */
        size_t column;
    } rows[] = {
        {"author-sign-policy-01.txt", 3, 0, 0},
        {"author-sign-policy-02.txt", 1, 0, 0},
        {"author-sign-policy-03.txt", 1, 0, 0},
        {"author-sign-policy-04.txt", 2, 0, 0},
        {"azcli-text_sgx_policy.txt", 3, 0, 0},
        {"claim-rule-functions-01.txt", 4, 0, 0},
        {"claim-sets-01.txt", 1, 0, 0},
        {"claim-sets-02.txt", 2, 0, 0},
        {"claim-sets-03.txt", 1, 0, 0},
        {"custom-tcb-baseline-enforcement-01.txt", 0, 5, 42}, /* a typographic quotation mark */
        {"default-tdxvm-hash-verified.txt", 1, 0, 0},
        {"policy-examples-01.txt", 0, 5, 50}, /* <product-id> is to be filled in */
        {"policy-examples-02.txt", 8, 0, 0},
        {"policy-examples-03.txt", 2, 0, 0},
        {"policy-version-1-0-01.txt", 2, 0, 0},
        {"policy-version-1-1-01.txt", 5, 0, 0},
        {"policy-version-1-2-01.txt", 8, 0, 0},
        {"samples-signing-tool-add.custom.claim.txt", 2, 0, 0},
        {"samples-signing-tool-deny.all.txt", 1, 0, 0},
        {"samples-signing-tool-permit.secure.boot.txt", 1, 0, 0},
        {"sdk-java-minimal.txt", 1, 0, 0},
        {"sdk-python-minimal.txt", 1, 0, 0},
        {"thirdparty-snp-with-comments.txt", 3, 0, 0},
        {"tpm-attestation-sample-policies-01.txt", 2, 0, 0},
        {"tpm-attestation-sample-policies-02.txt", 16, 0, 0},
        {"tpm-attestation-sample-policies-03.txt", 5, 0, 0},
        {"tpm-attestation-sample-policies-04.txt", 7, 0, 0},
        {"tpm-attestation-sample-policies-05.txt", 1, 0, 0},
        {"tpm-attestation-sample-policies-06.txt", 3, 0, 0},
        {"tpm-attestation-sample-policies-07.txt", 19, 0, 0},
        {"tpm-attestation-sample-policies-08.txt", 27, 0, 0},
        {"tpm-attestation-sample-policies-09.txt", 3, 0, 0},
        {"tpm-attestation-sample-policies-10.txt", 6, 0, 0},
        {"v12-rule-01-secure-boot.txt", 0, 3, 72}, /* its second rule uses the first one's name */
        {"v12-rule-02-code-integrity.txt", 5, 0, 0},
        {"v12-rule-03-bitlocker-boot-state.txt", 4, 0, 0},
        {"v12-rule-04-early-launch-antimalware-elam.txt", 4, 0, 0},
        {"v12-rule-05-boot-debugging.txt", 5, 0, 0},
        {"v12-rule-06-kernel-debugging.txt", 5, 0, 0},
        {"v12-rule-07-data-execution-prevention-dep-policy.txt", 4, 0, 0},
        {"v12-rule-08-test-and-flight-signing.txt", 7, 0, 0},
        {"v12-rule-09-virtual-secure-mode-vbs.txt", 7, 0, 0},
        {"v12-rule-10-hypervisor-protected-code-integrity-hvci.txt", 5, 0, 0},
        {"v12-rule-11-input-output-memory-management-unit-iomm.txt", 5, 0, 0},
        {"v12-rule-12-pcr-value-evaluation.txt", 2, 0, 0},
        {"v12-rule-13-boot-manager-version.txt", 7, 0, 0},
        {"v12-rule-14-safe-mode.txt", 5, 0, 0},
        {"v12-rule-15-winpe-boot.txt", 5, 0, 0},
        {"v12-rule-16-code-integrity-ci-policy.txt", 2, 0, 0},
        {"v12-rule-17-secure-boot-configuration-policy-hash-sb.txt", 2, 0, 0},
        {"v12-rule-18-system-guard-drtm-validation-and-smm-lev.txt", 7, 0, 0},
        {"v12-rule-19-boot-application-subversion.txt", 10, 0, 0},
        {"v12-rule-20-boot-revision-list.txt", 2, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = load(rows[i].name);
        struct cm_policy *p = NULL;
        struct cm_policy_error e = {0};
        enum cm_status st = CM_OK;

        if (text == NULL) {
            SKIP(MISS);
        }
        st = cm_policy_parse(kit_span(text), &p, &e);
        if (rows[i].line != 0
                ? st != CM_ERR_SYNTAX || e.line != rows[i].line || e.column != rows[i].column
                : st != CM_OK || cm_policy_rules(p) != rows[i].rules) {
            TEST_FAIL("%s: %d at %zu:%zu: %s", rows[i].name, st, e.line, e.column, e.text);
        }
        cm_policy_free(p);
        free(text);
    }
}

/* what a measured boot looks like to these policies */
static const char events[] =
    "{\"events\":{\"Events\":["
    "{\"EventSeq\":1,\"EventTypeString\":\"EV_EFI_VARIABLE_DRIVER_CONFIG\",\"PcrIndex\":7,"
    "\"ProcessedData\":{\"VariableGuid\":\"8BE4DF61-93CA-11D2-AA0D-00E098032B8C\","
    "\"UnicodeName\":\"SecureBoot\",\"VariableData\":\"%s\"}},"
    "{\"EventSeq\":2,\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":12,\"ProcessedData\":"
    "{\"EVENT_TRUSTBOUNDARY\":{\"EVENT_CODEINTEGRITY\":true,\"EVENT_BOOTDEBUGGING\":false,"
    "\"EVENT_SAFEMODE\":false,\"EVENT_BITLOCKER_UNLOCK\":{\"Value\":0},"
    "\"EVENT_APPLICATION_SVN\":3,\"EVENT_VBS_VSM_REQUIRED\":true,"
    "\"EVENT_DATAEXECUTIONPREVENTION\":{\"Value\":1}}}},"
    "{\"EventSeq\":3,\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":13,\"ProcessedData\":"
    "{\"EVENT_TRUSTBOUNDARY\":{\"EVENT_CODEINTEGRITY\":%s,\"EVENT_LOADEDMODULE_AGGREGATION\":["
    "{\"EVENT_FILEPATH\":\"\\\\Windows\\\\System32\\\\Drivers\\\\WdBoot.sys\","
    "\"EVENT_IMAGEVALIDATED\":true},{\"EVENT_FILEPATH\":\"x\"}],"
    "\"EVENT_BITLOCKER_UNLOCK\":{\"Value\":2},\"EVENT_DATAEXECUTIONPREVENTION\":{\"Value\":2}}}},"
    "{\"EventSeq\":4,\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":20,\"ProcessedData\":"
    "{\"EVENT_DRTM_SMM\":{\"Value\":7}}},"
    "{\"EventSeq\":5,\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":20,\"ProcessedData\":"
    "{\"EVENT_TRUSTBOUNDARY\":{\"EVENT_DRTM_STATE_AUTH\":{\"SignatureValid\":true}}}}]},"
    "\"aikValidated\":true,\"pcrs\":{\"PCRs\":[{\"Index\":0,\"Digests\":{\"SHA1\":\"KCk6Ow\"}}]},"
    "\"pcrMatchesExpectedValue\":true}";

/* One policy over the boot: what it issues. */
static bool check(const char *name, const char *secure_boot, const char *integrity,
                  const char *want)
{
    static char json[4096];
    char *text = load(name);
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return false;
    }
    (void)snprintf(json, sizeof(json), events, secure_boot, integrity);
    st = kit_decide(text, json, issued, sizeof(issued));
    if (st != CM_OK || strcmp(issued, want) != 0) {
        TEST_FAIL("%s: %d: %s, not %s", name, st, issued, want);
    }
    free(text);
    return true;
}

TEST(published_rules_read_a_measured_boot)
{
    static const struct {
        const char *name;
        const char *secure_boot;
        const char *integrity;
        const char *want;
    } rows[] = {
        {"claim-rule-functions-01.txt", "AQ", "true", "secureBootEnabled=true"},
        {"claim-rule-functions-01.txt", "AA", "true", "secureBootEnabled=false"},
        {"policy-version-1-2-01.txt", "AQ", "true", ""}, /* it never adds boolProperties */
        {"tpm-attestation-sample-policies-02.txt", "AQ", "true",
         "aikValidated=true SecureBootEnabled=true CodeIntegrityEnabled=true BitlockerStatus=false "
         "ELAMDriverLoaded=true"},
        {"tpm-attestation-sample-policies-02.txt", "AA", "false",
         "aikValidated=true SecureBootEnabled=false CodeIntegrityEnabled=false "
         "BitlockerStatus=false ELAMDriverLoaded=true"},
        {"tpm-attestation-sample-policies-04.txt", "AQ", "true", "drtmMleValid=true smmLevel=7"},
        {"v12-rule-02-code-integrity.txt", "AQ", "true", "codeIntegrityEnabled=true"},
        {"v12-rule-02-code-integrity.txt", "AQ", "false", "codeIntegrityEnabled=false"},
        {"v12-rule-03-bitlocker-boot-state.txt", "AQ", "true", "bitlockerStatus=0"},
        {"v12-rule-04-early-launch-antimalware-elam.txt", "AQ", "true", "elamDriverLoaded=true"},
        {"v12-rule-05-boot-debugging.txt", "AQ", "true", "bootDebuggingDisabled=true"},
        {"v12-rule-06-kernel-debugging.txt", "AQ", "true", "osKernelDebuggingDisabled=false"},
        {"v12-rule-07-data-execution-prevention-dep-policy.txt", "AQ", "true", "depPolicy=2"},
        {"v12-rule-09-virtual-secure-mode-vbs.txt", "AQ", "true",
         "vsmEnabled=true vbsEnabled=true"},
        {"v12-rule-12-pcr-value-evaluation.txt", "AQ", "true", "pcrMatchesExpectedValue=true"},
        {"v12-rule-14-safe-mode.txt", "AQ", "true", "notSafeMode=true"},
        {"v12-rule-15-winpe-boot.txt", "AQ", "true", "notWinPE=true"},
        {"v12-rule-18-system-guard-drtm-validation-and-smm-lev.txt", "AQ", "true",
         "drtmMleValid=true smmLevel=7"},
        {"v12-rule-20-boot-revision-list.txt", "AQ", "true", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!check(rows[i].name, rows[i].secure_boot, rows[i].integrity, rows[i].want)) {
            SKIP(MISS);
        }
    }
}

/* a query that is put together while evaluating and is none (a number without back-ticks) */
TEST(a_published_query_that_is_none_refuses)
{
    static char json[4096];
    char *text = load("tpm-attestation-sample-policies-07.txt");
    const char *at = NULL;

    if (text == NULL) {
        SKIP(MISS);
    }
    (void)snprintf(json, sizeof(json), events, "AQ", "true");
    /* as published PcrIndex == '20' compares a number with a string, and nothing is found */
    CHECK_EQ(kit_decide(text, json, issued, sizeof(issued)), CM_OK);
    CHECK(strstr(issued, "drtmMleValid=false") != NULL);
    at = strstr(text, "PcrIndex == '20'");
    REQUIRE(at != NULL);
    memcpy(text + (at - text), "PcrIndex == `20`", 16);
    at = strstr(text, "length(@) == '1'");
    REQUIRE(at != NULL);
    memcpy(text + (at - text), "length(@) == `1`", 16);
    CHECK_EQ(kit_decide(text, json, issued, sizeof(issued)), CM_ERR_MISMATCH);
    CHECK(strstr(issued, "bare number") != NULL);
    free(text);
}

TEST(key_attestation)
{
    char *text = load("tpm-attestation-sample-policies-10.txt");
    static const char good[] = "{\"x-ms-tpm-request-key\":{\"jwk\":{\"kty\":\"RSA\"},\"info\":{"
                               "\"tpm_certify\":{\"obj_attr\":50}}}}";
    static const char other[] = "{\"x-ms-tpm-request-key\":{\"jwk\":{\"kty\":\"RSA\"},\"info\":{"
                                "\"tpm_certify\":{\"obj_attr\":51}}}}";

    if (text == NULL) {
        SKIP(MISS);
    }
    CHECK_EQ(kit_decide(text, good, issued, sizeof(issued)), CM_OK);
    CHECK_STR(issued, "");
    CHECK_EQ(kit_decide(text, other, issued, sizeof(issued)), CM_ERR_POLICY);
    free(text);
}

TEST(verdicts_on_enclaves_and_machines)
{
    static const struct {
        const char *name;
        const char *json;
        enum cm_status st;
        const char *want; /* of a permission: what is issued */
    } rows[] = {
        {"claim-sets-02.txt",
         "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrsigner\":\"mrsigner2\"}", CM_OK, ""},
        {"claim-sets-02.txt",
         "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrsigner\":\"mrsigner3\"}", CM_ERR_POLICY,
         ""},
        {"claim-sets-02.txt",
         "{\"x-ms-sgx-is-debuggable\":true,\"x-ms-sgx-mrsigner\":\"mrsigner1\"}", CM_ERR_POLICY,
         ""},
        {"policy-examples-03.txt",
         "{\"x-ms-sgx-is-debuggable\":true,\"x-ms-sgx-mrsigner\":\"mrsigner1\"}", CM_OK, ""},
        {"author-sign-policy-02.txt", "{\"a\":1}", CM_ERR_POLICY, ""},
        {"author-sign-policy-04.txt", "{\"secureBootEnabled\":true}", CM_OK,
         "SecurityLevelValue=100"},
        {"author-sign-policy-04.txt", "{\"secureBootEnabled\":false}", CM_ERR_POLICY, ""},
        {"author-sign-policy-01.txt", "{\"secureBootEnabled\":false,\"notSafeMode\":true}", CM_OK,
         "secureBootEnabled=false notSafeMode=true"},
        {"azcli-text_sgx_policy.txt",
         "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-product-id\":4639,\"x-ms-sgx-svn\":0,"
         "\"x-ms-sgx-mrsigner\":"
         "\"E31C9E505F37A58DE09335075FC8591254313EB20BB1A27E5443CC450B6E33E5\",\"maa-ehd\":\"q\"}",
         CM_OK,
         "sgx-mrsigner='E31C9E505F37A58DE09335075FC8591254313EB20BB1A27E5443CC450B6E33E5' "
         "aas-ehd='q'"},
        {"policy-examples-02.txt",
         "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrsigner\":\"s\",\"x-ms-sgx-mrenclave\":"
         "\"e\",\"x-ms-sgx-product-id\":1,\"x-ms-sgx-svn\":2,\"x-ms-attestation-type\":\"sgx\"}",
         CM_OK,
         "is-debuggable=false sgx-mrsigner='s' sgx-mrenclave='e' product-id=1 svn=2 tee='sgx'"},
        {"thirdparty-snp-with-comments.txt",
         "{\"x-ms-sevsnpvm-is-debuggable\":false,\"x-ms-sevsnpvm-guestsvn\":4}", CM_OK,
         "security-version=4"},
        {"thirdparty-snp-with-comments.txt", "{\"x-ms-sevsnpvm-is-debuggable\":true}",
         CM_ERR_POLICY, ""},
        {"tpm-attestation-sample-policies-05.txt",
         "{\"vsmReportPresent\":true,\"enclaveAuthorId\":"
         "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"enclaveImageId\":"
         "\"AQEAAAAAAAAAAAAAAAAAAA\",\"enclaveSvn\":0}",
         CM_OK, ""},
        {"tpm-attestation-sample-policies-08.txt", "{\"aikValidated\":false}", CM_ERR_POLICY, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = load(rows[i].name);
        enum cm_status st = CM_OK;

        if (text == NULL) {
            SKIP(MISS);
        }
        st = kit_decide(text, rows[i].json, issued, sizeof(issued));
        if (st != rows[i].st || (st == CM_OK && strcmp(issued, rows[i].want) != 0)) {
            TEST_FAIL("%s over %s: %d: %s", rows[i].name, rows[i].json, st, issued);
        }
        free(text);
    }
}

TEST_MAIN
