/*
 * Every claim that Azure documents for SGX, SEV-SNP and TDX stands in the token, with the form that clients
 * parse: digits of the right number, integers, booleans. Over invented makers, so that every field is set.
 */
#include "harness.h"

#include "crypto/hash.h"
#include "maa_kit.h"
#include "token/base64.h"

enum form { TEXT, HEX, INTEGER, BOOLEAN, OBJECT, ARRAY };

struct row {
    const char *name;
    enum form form;
    size_t digits; /* of HEX */
};

/* Whether a claim has its form; says what is wrong. */
static void check_row(const json_t *claims, const struct row *row)
{
    const json_t *v = json_object_get(claims, row->name);
    const char *text = json_string_value(v);
    bool good = false;

    switch (row->form) {
    case TEXT:
        good = text != NULL && text[0] != '\0';
        break;
    case HEX:
        good = text != NULL && strlen(text) == row->digits &&
               strspn(text, "0123456789abcdef") == row->digits;
        break;
    case INTEGER:
        good = json_is_integer(v);
        break;
    case BOOLEAN:
        good = json_is_boolean(v);
        break;
    case OBJECT:
        good = json_is_object(v) && json_object_size(v) != 0;
        break;
    case ARRAY:
        good = json_is_array(v) && json_array_size(v) != 0;
        break;
    }
    if (!good) {
        char *dump = v == NULL ? NULL : json_dumps(v, JSON_ENCODE_ANY);

        TEST_FAIL("claim %s is %s", row->name, dump == NULL ? "absent" : dump);
        free(dump);
    }
}

#define CHECK_ROWS(claims, rows)                                         \
    do {                                                                 \
        for (size_t i_ = 0; i_ < sizeof(rows) / sizeof(rows[0]); i_++) { \
            check_row(claims, &(rows)[i_]);                              \
        }                                                                \
    } while (0)

static const struct row common[] = {
    {"iss", TEXT, 0},
    {"iat", INTEGER, 0},
    {"nbf", INTEGER, 0},
    {"exp", INTEGER, 0},
    {"jti", HEX, 64},
    {"x-ms-ver", TEXT, 0},
    {"x-ms-policy-hash", TEXT, 0},
    {"x-ms-attestation-type", TEXT, 0},
};

static const struct row sgx[] = {
    {"x-ms-sgx-is-debuggable", BOOLEAN, 0},
    {"x-ms-sgx-product-id", INTEGER, 0},
    {"x-ms-sgx-mrsigner", HEX, 64},
    {"x-ms-sgx-mrenclave", HEX, 64},
    {"x-ms-sgx-svn", INTEGER, 0},
    {"x-ms-sgx-ehd", TEXT, 0},
    {"x-ms-sgx-report-data", HEX, 128},
    {"x-ms-sgx-collateral", OBJECT, 0},
    {"x-ms-sgx-config-id", HEX, 128},
    {"x-ms-sgx-config-svn", INTEGER, 0},
    {"x-ms-sgx-isv-extended-product-id", HEX, 32},
    {"x-ms-sgx-isv-family-id", HEX, 32},
    /* deprecated twins */
    {"is-debuggable", BOOLEAN, 0},
    {"product-id", INTEGER, 0},
    {"svn", INTEGER, 0},
    {"sgx-mrenclave", HEX, 64},
    {"sgx-mrsigner", HEX, 64},
    {"tee", TEXT, 0},
    {"maa-ehd", TEXT, 0},
    {"aas-ehd", TEXT, 0},
    {"maa-attestationcollateral", OBJECT, 0},
    {"ver", TEXT, 0},
    {"policy_hash", TEXT, 0},
    {"maa-policyHash", TEXT, 0},
    {"rp_data", TEXT, 0},
    {"nonce", TEXT, 0},
    {"x-ms-policy", OBJECT, 0},
};

static const struct row collateral[] = {
    {"qeidcertshash", HEX, 64}, {"qeidcrlhash", HEX, 64},      {"qeidhash", HEX, 64},
    {"quotehash", HEX, 64},     {"tcbinfocertshash", HEX, 64}, {"tcbinfocrlhash", HEX, 64},
    {"tcbinfohash", HEX, 64},
};

static const struct row policy[] = {
    {"is-debuggable", BOOLEAN, 0}, {"product-id", INTEGER, 0}, {"sgx-mrenclave", HEX, 64},
    {"sgx-mrsigner", HEX, 64},     {"svn", INTEGER, 0},        {"tee", TEXT, 0},
};

static const struct row snp[] = {
    {"x-ms-compliance-status", TEXT, 0},
    {"x-ms-runtime", OBJECT, 0},
    {"x-ms-sevsnpvm-authorkeydigest", HEX, 96},
    {"x-ms-sevsnpvm-bootloader-svn", INTEGER, 0},
    {"x-ms-sevsnpvm-familyId", HEX, 32},
    {"x-ms-sevsnpvm-guestsvn", INTEGER, 0},
    {"x-ms-sevsnpvm-hostdata", HEX, 64},
    {"x-ms-sevsnpvm-idkeydigest", HEX, 96},
    {"x-ms-sevsnpvm-imageId", HEX, 32},
    {"x-ms-sevsnpvm-is-debuggable", BOOLEAN, 0},
    {"x-ms-sevsnpvm-launchmeasurement", HEX, 96},
    {"x-ms-sevsnpvm-microcode-svn", INTEGER, 0},
    {"x-ms-sevsnpvm-migration-allowed", BOOLEAN, 0},
    {"x-ms-sevsnpvm-reportdata", HEX, 128},
    {"x-ms-sevsnpvm-reportid", HEX, 64},
    {"x-ms-sevsnpvm-smt-allowed", BOOLEAN, 0},
    {"x-ms-sevsnpvm-snpfw-svn", INTEGER, 0},
    {"x-ms-sevsnpvm-tee-svn", INTEGER, 0},
    {"x-ms-sevsnpvm-vmpl", INTEGER, 0},
};

static const struct row tdx[] = {
    {"attester_tcb_status", TEXT, 0},
    {"dbgstat", TEXT, 0},
    {"eat_profile", TEXT, 0},
    {"intuse", TEXT, 0},
    {"tdx_mrconfigid", HEX, 96},
    {"tdx_mrowner", HEX, 96},
    {"tdx_mrownerconfig", HEX, 96},
    {"tdx_mrseam", HEX, 96},
    {"tdx_mrsignerseam", HEX, 96},
    {"tdx_mrtd", HEX, 96},
    {"tdx_rtmr0", HEX, 96},
    {"tdx_rtmr1", HEX, 96},
    {"tdx_rtmr2", HEX, 96},
    {"tdx_rtmr3", HEX, 96},
    {"tdx_report_data", HEX, 128},
    {"tdx_seam_attributes", HEX, 16},
    {"tdx_seamsvn", INTEGER, 0},
    {"tdx_td_attributes", HEX, 16},
    {"tdx_td_attributes_debug", BOOLEAN, 0},
    {"tdx_td_attributes_key_locker", BOOLEAN, 0},
    {"tdx_td_attributes_perfmon", BOOLEAN, 0},
    {"tdx_td_attributes_protection_keys", BOOLEAN, 0},
    {"tdx_td_attributes_septve_disable", BOOLEAN, 0},
    {"tdx_tee_tcb_svn", HEX, 32},
    {"tdx_xfam", HEX, 16},
    {"x-ms-compliance-status", TEXT, 0},
    {"x-ms-runtime", OBJECT, 0},
};

static const char held[] = "held data";
static const char runtime[] = "{\"keys\":[{\"kid\":\"k\",\"kty\":\"RSA\"}],\"n\":1}";

static void bind(uint8_t report_data[64], const char *data)
{
    memset(report_data, 0, 64);
    if (cm_hash(CM_HASH_SHA256, cm_span_make(data, strlen(data)), report_data) != CM_OK) {
        abort();
    }
}

#define SGX_ATTRIBUTES  48
#define SGX_REPORT_DATA 320
#define SGX_CONFIG_ID   192
#define SGX_KSS         0x80
#define TD_REPORT_DATA  520
#define TD_CONFIG_ID    184

TEST(of_sgx)
{
    struct pki_spec spec;
    struct pki_bundle *b = NULL;
    json_t *body = NULL;
    json_t *claims = NULL;

    pki_defaults(&spec, 3, 1);
    spec.body[SGX_ATTRIBUTES] |= SGX_KSS;
    bind(spec.body + SGX_REPORT_DATA, held);
    bind(spec.body + SGX_CONFIG_ID, "{\"a\":1}"); /* and zeros behind it */
    b = pki_make(&spec);
    maa_start_invented(b, NULL);
    body = maa_body("quote", b->quote);
    maa_data(body, "runtimeData", held, "Binary");
    maa_data(body, "initTimeData", "{\"a\":1}", "JSON");
    (void)json_object_set_new(body, "nonce", json_string("n-1"));
    CHECK_EQ(maa_attest("SgxEnclave", body)->status, 200);
    claims = maa_claims();
    if (claims == NULL) {
        TEST_FAIL("no token: %s", kit_last()->body);
    } else {
        CHECK_ROWS(claims, common);
        CHECK_ROWS(claims, sgx);
        CHECK_ROWS(json_object_get(claims, "x-ms-sgx-collateral"), collateral);
        CHECK_ROWS(json_object_get(claims, "x-ms-policy"), policy);
        CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "sgx");
        CHECK_STR(maa_text(claims, "tee"), "sgx");
        CHECK_STR(maa_text(claims, "rp_data"), "n-1");
        CHECK_STR(maa_text(claims, "x-ms-sgx-ehd"), "aGVsZCBkYXRh");
        CHECK_STR(maa_text(claims, "aas-ehd"), "aGVsZCBkYXRh");
        CHECK_EQ(json_integer_value(json_object_get(json_object_get(claims, "x-ms-inittime"), "a")),
                 1);
        CHECK(json_object_get(claims, "x-ms-runtime") == NULL); /* the data was Binary */
        CHECK(json_object_get(claims, "casemate.emulated") == NULL);
    }
    pki_free(b);
}

TEST(of_sgx_without_key_separation_are_four_fewer)
{
    static const char *const absent[] = {"x-ms-sgx-config-id", "x-ms-sgx-config-svn",
                                         "x-ms-sgx-isv-extended-product-id",
                                         "x-ms-sgx-isv-family-id"};
    struct pki_spec spec;
    struct pki_bundle *b = NULL;
    json_t *claims = NULL;

    pki_defaults(&spec, 3, 1);
    b = pki_make(&spec);
    maa_start_invented(b, NULL);
    CHECK_EQ(maa_attest("SgxEnclave", maa_body("quote", b->quote))->status, 200);
    claims = maa_claims();
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        CHECK(json_object_get(claims, absent[i]) == NULL);
    }
    CHECK(json_object_get(claims, "x-ms-sgx-ehd") == NULL && claims != NULL);
    pki_free(b);
}

static json_t *snp_body(const struct sk_world *w)
{
    char *report = maa_b64(cm_span_make(w->report, 1184));
    struct cm_wr pem = {NULL, 0, 0, false};
    static uint8_t chain[32768];
    char *encoded = NULL;
    json_t *proof = NULL;
    json_t *body = NULL;
    char *text = NULL;

    pem = cm_wr_init(chain, sizeof(chain));
    for (int i = 2; i >= 0; i--) { /* VCEK, ASK, ARK */
        cm_pem_write(&pem, "CERTIFICATE", cm_span_make(w->ders[i], w->ders_len[i]));
    }
    encoded = maa_b64_std(cm_span_make(chain, pem.used));
    proof = json_pack("{s:s, s:s}", "SnpReport", report, "VcekCertChain", encoded);
    text = json_dumps(proof, 0);
    body = maa_body("report", cm_span_make(text, strlen(text)));
    free(text);
    json_decref(proof);
    free(encoded);
    free(report);
    return body;
}

TEST(of_sev_snp)
{
    static struct sk_world w;
    json_t *body = NULL;
    json_t *claims = NULL;

    sk_init(&w, "Milan");
    bind(w.report_data, runtime);
    if (cm_hash(CM_HASH_SHA256, cm_span_make("init", 4), w.host_data) != CM_OK) {
        abort();
    }
    sk_build(&w);
    maa_start_invented(NULL, &w);
    body = snp_body(&w);
    maa_data(body, "runtimeData", runtime, "JSON");
    maa_data(body, "initTimeData", "init", "Binary");
    (void)json_object_set_new(body, "nonce", json_integer(9007199254740993));
    CHECK_EQ(maa_attest("sevsnpvm", body)->status, 200);
    claims = maa_claims();
    if (claims == NULL) {
        TEST_FAIL("no token: %s", kit_last()->body);
    } else {
        CHECK_ROWS(claims, common);
        CHECK_ROWS(claims, snp);
        CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "sevsnpvm");
        CHECK_STR(maa_text(claims, "x-ms-inittime"), "aW5pdA");
        CHECK_STR(maa_text(claims, "x-ms-compliance-status"), "not-determined");
        CHECK_EQ(json_integer_value(json_object_get(claims, "nonce")), 9007199254740993);
        CHECK_EQ(json_array_size(json_object_get(json_object_get(claims, "x-ms-runtime"), "keys")),
                 1);
        CHECK(json_object_get(claims, "tee") == NULL); /* the names of 2018 are SGX's */
    }
}

TEST(of_tdx)
{
    struct pki_spec spec;
    struct pki_bundle *b = NULL;
    json_t *body = NULL;
    json_t *claims = NULL;

    pki_defaults(&spec, 4, 2);
    bind(spec.body + TD_REPORT_DATA, runtime);
    b = pki_make(&spec);
    maa_start_invented(b, NULL);
    body = maa_body("quote", b->quote);
    maa_data(body, "runtimeData", runtime, "JSON");
    CHECK_EQ(maa_attest("TdxVm", body)->status, 200);
    claims = maa_claims();
    if (claims == NULL) {
        TEST_FAIL("no token: %s", kit_last()->body);
    } else {
        CHECK_ROWS(claims, common);
        CHECK_ROWS(claims, tdx);
        CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "tdxvm");
        CHECK_STR(maa_text(claims, "eat_profile"), "https://aka.ms/maa-eat-profile-tdxvm");
        CHECK_STR(maa_text(claims, "attester_tcb_status"), "UpToDate");
        CHECK_STR(maa_text(claims, "dbgstat"), "disabled");
        CHECK_STR(maa_text(claims, "x-ms-policy-hash"),
                  "B56nbp5slhw66peoRYkpdq1WykMkEworvdol08hnMXE");
    }
    pki_free(b);
}

TEST(initialisation_data_that_the_evidence_was_not_made_with_is_refused)
{
    int64_t before = 0;
    struct pki_spec spec;
    struct pki_bundle *b = NULL;
    json_t *body = NULL;

    pki_defaults(&spec, 4, 2);
    if (cm_hash(CM_HASH_SHA384, cm_span_make("init", 4), spec.body + TD_CONFIG_ID) != CM_OK) {
        abort();
    }
    b = pki_make(&spec);
    maa_start_invented(b, NULL);
    before = maa_records();
    body = maa_body("quote", b->quote);
    maa_data(body, "initTimeData", "init", "Binary");
    CHECK_EQ(maa_attest("TdxVm", body)->status, 200);
    CHECK_STR(maa_text(maa_claims(), "x-ms-inittime"), "aW5pdA");
    body = maa_body("quote", b->quote);
    maa_data(body, "initTimeData", "other", "Binary");
    CHECK_EQ(maa_attest("TdxVm", body)->status, 400);
    CHECK(strstr(kit_string("error.message"), "initTimeData") != NULL);
    CHECK_EQ(maa_records(), before + 2); /* refused ones, too */
    pki_free(b);
}

TEST(a_policy_says_what_only_its_author_can_know)
{
    struct pki_spec spec;
    struct pki_bundle *b = NULL;
    json_t *claims = NULL;

    pki_defaults(&spec, 4, 2);
    b = pki_make(&spec);
    maa_start_invented(b, NULL);
    REQUIRE(maa_policy("TdxVm",
                       "version=1.0; authorizationrules { => permit(); }; issuancerules {"
                       " => issue(type=\"x-ms-compliance-status\", value=\"azure-compliant-cvm\");"
                       " => issue(type=\"tdx_mrtd\", value=\"00\");"
                       " => issue(type=\"iss\", value=\"https://other\");"
                       " => issue(type=\"exp\", value=1);"
                       " => issue(type=\"colour\", value=\"red\");"
                       " => issue(type=\"colour\", value=\"blue\"); };") == 200);
    CHECK_EQ(maa_attest("TdxVm", maa_body("quote", b->quote))->status, 200);
    claims = maa_claims();
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-compliance-status"), "azure-compliant-cvm");
    CHECK_EQ(strlen(maa_text(claims, "tdx_mrtd")), 96); /* what was verified, not what was issued */
    CHECK_STR(maa_text(claims, "iss"), kit_url());
    CHECK(json_integer_value(json_object_get(claims, "exp")) > 1);
    CHECK_EQ(json_array_size(json_object_get(claims, "colour")), 2);
    CHECK_STR(maa_text(json_object_get(claims, "x-ms-policy"), "tdx_mrtd"), "00");
    pki_free(b);
}

TEST(the_end)
{
    maa_start_invented(NULL, NULL);
    maa_stop();
    CHECK(true);
}

TEST_MAIN
