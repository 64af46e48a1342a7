/*
 * Every status that the emulated platform can be given, seen by verifiers in host and enclave: what
 * an application's policy meets on hardware in a year's time, today.
 */
#include "attest_twins.h"

#include "emuplat/emuplat_admin.h"

static oe_enclave_t *attester;
static oe_enclave_t *verifier;

static uint32_t status_in(const oe_claim_t *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_TCB_STATUS) == 0) {
            uint32_t status = 0;

            memcpy(&status, claims[i].value, sizeof(status));
            return status;
        }
    }
    return 77;
}

/* the same result and status outside and inside, with endorsements of now */
static void expect_at(int line, oe_result_t want, uint32_t status)
{
    struct bytes evidence = room(CAP);
    struct bytes endorsed = room(CAP_ENDORSED);
    struct bytes wire = room(CAP_ENDORSED);
    oe_claim_t *claims = NULL;
    size_t n = 0;
    oe_result_t got = OE_OK;

    if (evidence_of(attester, &id_ecdsa, 1, NULL, &evidence, &endorsed) != OE_OK) {
        TEST_FAIL("line %d: no evidence", line);
    }
    got = oe_verify_evidence(NULL, evidence.data, evidence.size, endorsed.data, endorsed.size, NULL,
                             0, &claims, &n);
    if (got != want || (claims != NULL && status_in(claims, n) != status)) {
        TEST_FAIL("line %d: outside %d, status %u", line, (int)got, status_in(claims, n));
    }
    (void)oe_free_claims(claims, n);
    claims = NULL;
    got = verify_in(verifier, NULL, evidence, endorsed, &wire);
    if (got != want || (wire.size != 0 &&
                        (oe_deserialize_custom_claims(wire.data, wire.size, &claims, &n) != OE_OK ||
                         status_in(claims, n) != status))) {
        TEST_FAIL("line %d: inside %d", line, (int)got);
    }
    CHECK_EQ(wire.size != 0, want == OE_OK || want == OE_TCB_LEVEL_INVALID);
    (void)oe_free_custom_claims(claims, wire.size != 0 ? n : 0);
    free(evidence.data);
    free(endorsed.data);
    free(wire.data);
}

#define EXPECT(want, status) expect_at(__LINE__, want, status)

TEST(the_enclaves_start)
{
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0);
    attester = twin(false);
    verifier = twin(false);
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    EXPECT(OE_OK, OE_SGX_TCB_STATUS_UP_TO_DATE);
}

TEST(H2_all_statuses_of_the_platform)
{
    static const struct {
        enum cm_dcap_tcb tcb;
        uint32_t status;
        oe_result_t want;
    } all[] = {
        {CM_DCAP_SW_HARDENING_NEEDED, OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED, OE_OK},
        {CM_DCAP_CONFIGURATION_NEEDED, OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED,
         OE_TCB_LEVEL_INVALID},
        {CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
         OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED, OE_TCB_LEVEL_INVALID},
        {CM_DCAP_OUT_OF_DATE, OE_SGX_TCB_STATUS_OUT_OF_DATE, OE_TCB_LEVEL_INVALID},
        {CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
         OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED, OE_TCB_LEVEL_INVALID},
        {CM_DCAP_REVOKED, OE_SGX_TCB_STATUS_REVOKED, OE_TCB_LEVEL_INVALID},
        {CM_DCAP_UP_TO_DATE, OE_SGX_TCB_STATUS_UP_TO_DATE, OE_OK},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        REQUIRE(cm_emuplat_set_tcb(all[i].tcb, NULL) == CM_OK);
        EXPECT(all[i].want, all[i].status);
    }
}

TEST(a_revoked_platform)
{
    REQUIRE(cm_emuplat_revoke(NULL) == CM_OK);
    EXPECT(OE_VERIFY_REVOKED, 0);
    REQUIRE(cm_emuplat_rotate(NULL) == CM_OK);
    EXPECT(OE_OK, OE_SGX_TCB_STATUS_UP_TO_DATE);
}

TEST(the_enclaves_end)
{
    CHECK_EQ(oe_terminate_enclave(attester), OE_OK);
    CHECK_EQ(oe_terminate_enclave(verifier), OE_OK);
}

TEST_MAIN
