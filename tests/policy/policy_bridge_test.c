/* Evidence as claims: Azure's names, authority, emulation, submodules; what must not look better than it is. */
#include "policy_kit.h"

#include "evidence/claims.h"

#define CPU 0

static char issued[4096];

static const uint8_t ones[48] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
#define ONES_32 "0101010101010101010101010101010101010101010101010101010101010101"

struct sample {
    const char *tee;
    const char *dbgstat;
    const uint8_t *attributes; /* sgx: 16 bytes; tdx: 8 */
    enum cm_authority authority;
    bool genuine;
    bool emulated;
};

static struct cm_evidence *sample(const struct sample *s)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    bool sgx = strcmp(s->tee, "sgx") == 0;

    if (ev == NULL) {
        return NULL;
    }
    cm_claim_text(ev, CPU, CM_CLAIM_TEE, s->tee);
    cm_claim_text(ev, CPU, CM_CLAIM_DBGSTAT, s->dbgstat);
    if (sgx) {
        cm_claim_bytes(ev, CPU, "sgx.mrenclave", cm_span_make(ones, 32));
        cm_claim_bytes(ev, CPU, "sgx.mrsigner", cm_span_make(ones, 32));
        cm_claim_uint(ev, CPU, "sgx.isvprodid", 7);
        cm_claim_uint(ev, CPU, "sgx.isvsvn", 3);
        cm_claim_bytes(ev, CPU, "sgx.attributes", cm_span_make(s->attributes, 16));
        cm_claim_uint(ev, CPU, "sgx.configsvn", 9);
    } else {
        cm_claim_bytes(ev, CPU, "tdx.mrtd", cm_span_make(ones, 48));
        cm_claim_bytes(ev, CPU, "tdx.td_attributes", cm_span_make(s->attributes, 8));
        cm_claim_bytes(ev, CPU, "tdx.tee_tcb_svn", cm_span_make("\x03\0\x06", 3));
    }
    cm_evidence_raise(ev, CPU, 0, s->authority);
    if (s->emulated) {
        cm_claim_bool(ev, CPU, CM_CLAIM_EMULATED, true);
    }
    cm_check_status(ev, CPU, "quote.signature", s->genuine ? CM_OK : CM_ERR_SIGNATURE, "%s", "");
    return ev;
}

/* What permit() under these conditions says of the evidence. */
static enum cm_status judge(const struct sample *s, const char *conditions)
{
    struct cm_evidence *ev = sample(s);
    struct cm_policy_claims *c = NULL;
    char policy[1024] = "";
    enum cm_status st = CM_ERR_PARAM;

    (void)snprintf(policy, sizeof(policy), "version=1.2; authorizationrules { %s => permit(); };",
                   conditions);
    if (ev != NULL && cm_policy_claims_evidence(ev, &c) == CM_OK) {
        st = kit_run(policy, c, issued, sizeof(issued));
    }
    cm_policy_claims_free(c);
    cm_evidence_free(ev);
    return st;
}

static const uint8_t no_kss[16] = {0x05};
static const uint8_t kss[16] = {0x85};
static const uint8_t td_plain[8] = {0, 0, 0, 0x10}; /* SEPT_VE_DISABLE */
static const struct sample sgx = {"sgx", "disabled", no_kss, CM_AUTHORITY_HARDWARE, true, false};
static const struct sample tdx = {"tdx", "disabled", td_plain, CM_AUTHORITY_HARDWARE, true, false};

TEST(sgx_under_the_names_of_azure)
{
    struct sample debug = sgx;
    struct sample odd = sgx;
    struct sample with_kss = sgx;

    debug.dbgstat = "enabled";
    odd.dbgstat = "";
    with_kss.attributes = kss;
    CHECK_EQ(judge(&sgx, "[type==\"x-ms-attestation-type\", value==\"sgx\"] && "
                         "[type==\"x-ms-sgx-is-debuggable\", value==false] && "
                         "[type==\"x-ms-sgx-mrenclave\", value==\"" ONES_32 "\"] && "
                         "[type==\"x-ms-sgx-mrsigner\", value==\"" ONES_32 "\"] && "
                         "[type==\"x-ms-sgx-product-id\", value==7] && "
                         "[type==\"x-ms-sgx-svn\", value==3, issuer==\"AttestationService\"]"),
             CM_OK);
    CHECK_EQ(judge(&sgx, "[type==\"$is-debuggable\", value==false] && [type==\"$product-id\", "
                         "value==7] && [type==\"$svn\", value>=3] && [type==\"$tee\", "
                         "value==\"sgx\"] && [type==\"$sgx-mrenclave\", value==\"" ONES_32 "\"]"),
             CM_OK);
    CHECK_EQ(judge(&debug, "[type==\"x-ms-sgx-is-debuggable\", value==true]"), CM_OK);
    CHECK_EQ(judge(&odd, "[type==\"x-ms-sgx-is-debuggable\", value==true]"), CM_OK);
    CHECK_EQ(judge(&sgx, "![type==\"x-ms-sgx-config-svn\"]"), CM_OK);
    CHECK_EQ(judge(&with_kss, "[type==\"x-ms-sgx-config-svn\", value==9]"), CM_OK);
}

TEST(tdx_under_the_names_of_azure)
{
    static const uint8_t debug_bits[8] = {0x01, 0, 0, 0xd0, 0, 0, 0, 0x80};
    struct sample debug = tdx;

    debug.attributes = debug_bits;
    CHECK_EQ(judge(&tdx, "[type==\"x-ms-attestation-type\", value==\"tdxvm\"] && "
                         "[type==\"tdx_mrtd\", value==\"" ONES_32
                         "01010101010101010101010101010101\"] && "
                         "[type==\"tdx_td_attributes\", value==\"0000001000000000\"] && "
                         "[type==\"tdx_td_attributes_debug\", value==false] && "
                         "[type==\"tdx_td_attributes_septve_disable\", value==true] && "
                         "[type==\"tdx_td_attributes_perfmon\", value==false] && "
                         "[type==\"tdx_seamsvn\", value==3] && ![type==\"x-ms-sgx-svn\"]"),
             CM_OK);
    CHECK_EQ(judge(&debug, "[type==\"tdx_td_attributes_debug\", value==true] && "
                           "[type==\"tdx_td_attributes_protection_keys\", value==true] && "
                           "[type==\"tdx_td_attributes_key_locker\", value==true] && "
                           "[type==\"tdx_td_attributes_perfmon\", value==true]"),
             CM_OK);
}

TEST(every_claim_has_its_own_name_its_authority_and_every_check_its_result)
{
    CHECK_EQ(judge(&sgx,
                   "[type==\"sgx.mrenclave\", value==\"" ONES_32 "\"] && "
                   "[type==\"sgx.isvsvn\", value==3] && [type==\"tee\", value==\"sgx\"] && "
                   "[type==\"casemate.genuine\", value==true] && "
                   "[type==\"casemate.emulated\", value==false] && "
                   "[type==\"casemate.check.quote.signature\", value==\"pass\"] && "
                   "[type==\"casemate.authority.sgx.mrenclave\", value==\"hardware-signed\"]"),
             CM_OK);
}

/* what nobody vouches for has none of Azure's names and is not seen without asking for its issuer */
TEST(self_asserted_claims_do_not_pass_for_the_hardware)
{
    struct sample self = sgx;

    self.authority = CM_AUTHORITY_SELF;
    CHECK_EQ(judge(&self, ""), CM_OK);
    CHECK_EQ(judge(&self, "[type==\"x-ms-sgx-mrenclave\"]"), CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"x-ms-sgx-mrenclave\", issuer==\"CustomClaim\"]"),
             CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"x-ms-attestation-type\"]"), CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"$sgx-mrenclave\"]"), CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"sgx.mrenclave\", value==\"" ONES_32 "\"]"), CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"sgx.mrenclave\", issuer==\"AttestationService\"]"),
             CM_ERR_POLICY);
    CHECK_EQ(judge(&self, "[type==\"sgx.mrenclave\", issuer==\"CustomClaim\"]"), CM_OK);
    CHECK_EQ(judge(&self, "[type==\"casemate.authority.sgx.mrenclave\", "
                          "value==\"self-asserted\"]"),
             CM_OK);
    self.authority = CM_AUTHORITY_KEY;
    CHECK_EQ(judge(&self, "[type==\"sgx.mrenclave\"]"), CM_OK);
}

TEST(what_is_not_genuine_is_refused_and_vouches_for_nothing)
{
    struct sample forged = sgx;

    forged.genuine = false;
    CHECK_EQ(judge(&forged, ""), CM_ERR_POLICY);
    CHECK(strstr(issued, "not genuine") != NULL);
    CHECK_EQ(judge(&forged, "[type==\"casemate.genuine\", value==false]"), CM_ERR_POLICY);
}

TEST(emulated_evidence_is_accepted_by_name_only)
{
    struct sample emulated = sgx;

    emulated.emulated = true;
    emulated.authority = CM_AUTHORITY_SELF; /* as the verifiers leave it */
    CHECK_EQ(judge(&emulated, "[type==\"x-ms-sgx-mrenclave\", value==\"" ONES_32 "\"]"),
             CM_ERR_POLICY);
    CHECK(strstr(issued, "EMULATED") != NULL);
    CHECK_EQ(judge(&emulated, "[type==\"casemate.emulated\", value==true] && "
                              "[type==\"x-ms-sgx-mrenclave\", value==\"" ONES_32 "\"]"),
             CM_OK);
    CHECK_EQ(judge(&emulated, "[type==\"casemate.emulated\", value==true] && "
                              "[type==\"x-ms-sgx-mrenclave\", value==\"00\"]"),
             CM_ERR_POLICY);
}

/* two claims of one name are a contradiction: none of them becomes Azure's */
TEST(a_name_that_stands_twice_is_not_azures)
{
    struct cm_evidence *ev = sample(&sgx);
    struct cm_policy_claims *c = NULL;

    REQUIRE(ev != NULL);
    cm_claim_bytes(ev, CPU, "sgx.mrsigner", cm_span_make("\0", 1));
    cm_evidence_raise(ev, CPU, 0, CM_AUTHORITY_HARDWARE);
    REQUIRE(cm_policy_claims_evidence(ev, &c) == CM_OK);
    CHECK_EQ(
        kit_run("version=1.0; authorizationrules { [type==\"x-ms-sgx-mrsigner\"] => permit(); };",
                c, issued, sizeof(issued)),
        CM_ERR_POLICY);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"sgx.mrsigner\", value==\"00\"] => "
                     "permit(); };",
                     c, issued, sizeof(issued)),
             CM_OK);
    cm_policy_claims_free(c);
    cm_evidence_free(ev);
}

/* A later, better word of the verifier's does not take back what an earlier one said. */
TEST(gates_once_closed_stay_closed)
{
    static const char permits[] = "version=1.0; authorizationrules { => permit(); };";

    for (int second = 0; second < 2; second++) {
        struct cm_policy_claims *c = NULL;

        REQUIRE(cm_policy_claims_create(&c) == CM_OK);
        CHECK_EQ(cm_policy_claims_bool(c, "casemate.genuine", second == 1, CM_POLICY_SERVICE),
                 CM_OK);
        CHECK_EQ(cm_policy_claims_bool(c, "casemate.genuine", second == 0, CM_POLICY_SERVICE),
                 CM_OK);
        CHECK_EQ(kit_run(permits, c, issued, sizeof(issued)), CM_ERR_POLICY);
        cm_policy_claims_free(c);
        REQUIRE(cm_policy_claims_create(&c) == CM_OK);
        CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", second == 0, CM_POLICY_SERVICE),
                 CM_OK);
        CHECK_EQ(cm_policy_claims_bool(c, "casemate.emulated", second == 1, CM_POLICY_SERVICE),
                 CM_OK);
        CHECK_EQ(kit_run(permits, c, issued, sizeof(issued)), CM_ERR_POLICY);
        cm_policy_claims_free(c);
    }
}

/* the second submodule's claims carry its name, and count only while it is genuine */
TEST(submodules_have_their_prefix)
{
    for (int genuine = 0; genuine < 2; genuine++) {
        struct cm_evidence *ev = sample(&sgx);
        struct cm_policy_claims *c = NULL;
        size_t vtpm = 0;

        REQUIRE(ev != NULL);
        vtpm = cm_evidence_add_submod(ev, "vtpm");
        cm_claim_text(ev, vtpm, CM_CLAIM_TEE, "sgx");
        cm_claim_uint(ev, vtpm, "tpm.clock", UINT64_MAX);
        cm_claim_uint(ev, vtpm, "sgx.isvsvn", 99);
        cm_evidence_raise(ev, vtpm, 0, CM_AUTHORITY_HARDWARE);
        cm_check_status(ev, vtpm, "tpm.signature", CM_OK, "%s", "");
        cm_evidence_bind(ev, "key", CPU, vtpm, genuine ? CM_CHECK_PASS : CM_CHECK_FAIL);
        REQUIRE(cm_policy_claims_evidence(ev, &c) == CM_OK);
        CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"vtpm/tpm.clock\", "
                         "value==\"18446744073709551615\"] => permit(); };",
                         c, issued, sizeof(issued)),
                 genuine ? CM_OK : CM_ERR_POLICY);
        CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"x-ms-sgx-svn\", value==99] => "
                         "permit(); [type==\"sgx.isvsvn\", value==99] => permit(); };",
                         c, issued, sizeof(issued)),
                 CM_ERR_POLICY);
        CHECK_EQ(
            kit_run(genuine ? "version=1.0; authorizationrules { [type==\"vtpm/casemate.genuine\", "
                              "value==true] && [type==\"casemate.binding.cpu.vtpm\", "
                              "value==\"pass\"] => permit(); };"
                            : "version=1.0; authorizationrules { [type==\"vtpm/casemate.genuine\", "
                              "value==false] && [type==\"casemate.binding.cpu.vtpm\", "
                              "value==\"fail\"] => permit(); };",
                    c, issued, sizeof(issued)),
            CM_OK);
        cm_policy_claims_free(c);
        cm_evidence_free(ev);
    }
}

TEST(digests_stand_under_their_label_too)
{
    struct cm_evidence *ev = sample(&sgx);
    struct cm_policy_claims *c = NULL;
    struct cm_digest d = {"mrenclave", "sha-256", CM_ROLE_LAUNCH, cm_span_make(ones, 32)};

    REQUIRE(ev != NULL);
    cm_claim_digest(ev, CPU, &d);
    cm_evidence_raise(ev, CPU, 0, CM_AUTHORITY_HARDWARE);
    REQUIRE(cm_policy_claims_evidence(ev, &c) == CM_OK);
    CHECK_EQ(kit_run("version=1.0; authorizationrules { [type==\"measurements.mrenclave\", "
                     "value==\"" ONES_32 "\"] && [type==\"measurements\", value==\"" ONES_32
                     "\"] => permit(); };",
                     c, issued, sizeof(issued)),
             CM_OK);
    cm_policy_claims_free(c);
    cm_evidence_free(ev);
}

/* the published policy of version 1.2 that compares registers: over what is signed, and only that */
TEST(events_that_are_vouched_for_are_json_for_queries)
{
    static const char *const policies[] = {
        "version=1.2; authorizationrules { c:[type==\"events\", issuer==\"AttestationService\"] => "
        "add(type=\"n\", value=JsonToClaimValue(JmesPath(c.value, \"Events[0].PcrIndex\"))); "
        "[type==\"n\", value==7] => permit(); };",
        "version=1.2; authorizationrules { c:[type==\"bootEvents\"] => add(type=\"n\", "
        "value=JsonToClaimValue(JmesPath(c.value, \"Events[0].PcrIndex\"))); "
        "[type==\"n\", value==7] => permit(); };",
    };

    for (size_t i = 0; i < 4; i++) {
        const bool self = i % 2 == 1;
        struct cm_evidence *ev = cm_evidence_new("tpm");
        struct cm_policy_claims *c = NULL;
        struct cm_policy *p = kit_parse(policies[i / 2]);

        REQUIRE(ev != NULL);
        cm_claim_text(ev, CPU, "tpm.events", "{\"Events\":[{\"PcrIndex\":7}]}");
        cm_evidence_raise(ev, CPU, 0, self ? CM_AUTHORITY_SELF : CM_AUTHORITY_KEY);
        cm_check_status(ev, CPU, "tpm.signature", CM_OK, "%s", "");
        REQUIRE(cm_policy_claims_evidence(ev, &c) == CM_OK);
        CHECK_EQ(cm_policy_evaluate(p, c, 0, NULL), self ? CM_ERR_POLICY : CM_OK);
        cm_policy_claims_free(c);
        cm_policy_free(p);
        cm_evidence_free(ev);
    }
}

TEST(registers_are_json_for_queries)
{
    static const char policy[] =
        "version=1.2; authorizationrules { c:[type==\"pcrs\", issuer==\"AttestationService\"] => "
        "add(type=\"good\", value=JsonToClaimValue(JmesPath(c.value, \"PCRs[? Index == "
        "`14`].Digests.SHA256 | @[0] == '" ONES_32 "'\"))); [type==\"good\", value==true] => "
        "permit(); };";
    static const struct {
        enum cm_authority authority;
        const char *label;
        const char *alg;
        enum cm_status st;
    } rows[] = {
        {CM_AUTHORITY_KEY, "pcr14", "sha-256", CM_OK},
        {CM_AUTHORITY_SELF, "pcr14", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcr1", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcr14", "sha-1", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcr24", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcr014", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcr14-event", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "pcrx", "sha-256", CM_ERR_POLICY},
        {CM_AUTHORITY_KEY, "mrenclave", "sha-256", CM_ERR_POLICY},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_evidence *ev = cm_evidence_new("tpm");
        struct cm_digest d = {rows[i].label, rows[i].alg, CM_ROLE_RUNTIME, cm_span_make(ones, 32)};
        struct cm_digest zero = {"pcr0", "sha-384", CM_ROLE_RUNTIME, cm_span_make(ones, 48)};
        struct cm_policy_claims *c = NULL;

        REQUIRE(ev != NULL);
        cm_claim_digest(ev, CPU, &zero);
        cm_claim_digest(ev, CPU, &d);
        cm_evidence_raise(ev, CPU, 0, rows[i].authority);
        cm_check_status(ev, CPU, "tpm.signature", CM_OK, "%s", "");
        REQUIRE(cm_policy_claims_evidence(ev, &c) == CM_OK);
        CHECK_EQ(kit_run(policy, c, issued, sizeof(issued)), rows[i].st);
        cm_policy_claims_free(c);
        cm_evidence_free(ev);
    }
}

TEST(out_of_memory_gives_no_claims)
{
    struct cm_evidence *ev = sample(&sgx);
    long k = 0;

    REQUIRE(ev != NULL);
    for (k = 1; k < 200; k++) {
        struct cm_policy_claims *c = NULL;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_policy_claims_evidence(ev, &c);
        fail_alloc_at(-1);
        cm_policy_claims_free(c);
        if (st == CM_OK) {
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
        CHECK(c == NULL);
    }
    CHECK(k > 1 && k < 200);
    cm_evidence_free(ev);
}

TEST_MAIN
