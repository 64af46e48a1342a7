/*
 * Remote attestation in the emulator, end to end: an enclave's evidence verified by a host and by
 * another enclave, with endorsements from either side; refused by default, since it is EMULATED.
 */
#include <casemate/attest.h>

#include "attest_twins.h"

static oe_enclave_t *attester;
static oe_enclave_t *verifier; /* whose code accepts emulated evidence */
static oe_enclave_t *strict;   /* whose code does not */

static void accept(bool on)
{
    if (on) {
        CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0);
    } else {
        CHECK_EQ(unsetenv("CASEMATE_ACCEPT_EMULATED"), 0);
    }
}

static oe_result_t verify_here(const oe_uuid_t *id, struct bytes evidence, struct bytes endorsed)
{
    oe_claim_t *claims = NULL;
    size_t n = 0;
    oe_result_t result = oe_verify_evidence(id, evidence.data, evidence.size, endorsed.data,
                                            endorsed.size, NULL, 0, &claims, &n);
    bool emulated = false;

    for (size_t i = 0; i < n; i++) {
        emulated = emulated || (strcmp(claims[i].name, CM_OE_CLAIM_EMULATED) == 0 &&
                                strcmp((const char *)claims[i].value, "EMULATED") == 0);
    }
    CHECK_EQ(emulated, result == OE_OK || result == OE_TCB_LEVEL_INVALID);
    (void)oe_free_claims(claims, n);
    return result;
}

TEST(the_enclaves_start)
{
    attester = twin(false);
    verifier = twin(false);
    strict = twin(false);
    CHECK_EQ(enc_accept(verifier, true, false), OE_OK);
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    accept(false);
}

TEST(the_host_can_quote)
{
    const oe_uuid_t wanted[2] = {id_ecdsa, id_local};
    oe_uuid_t selected;
    oe_result_t result = OE_UNEXPECTED;

    CHECK_EQ(enc_select(attester, &result, wanted, 2, &selected), OE_OK);
    CHECK_EQ(result, OE_OK);
    CHECK_MEM(&selected, &id_ecdsa, 16);
}

TEST(G5_evidence_for_a_host)
{
    for (uint32_t embed = 0; embed < 2; embed++) {
        const oe_uuid_t *id = embed != 0 ? NULL : &id_ecdsa;
        struct bytes evidence = room(CAP);
        struct bytes endorsed = room(CAP_ENDORSED);

        REQUIRE(evidence_of(attester, &id_ecdsa, embed, NULL, &evidence, &endorsed) == OE_OK);
        CHECK_EQ(verify_here(id, evidence, endorsed), OE_VERIFY_FAILED);
        CHECK_EQ(verify_here(id, evidence, nothing), OE_VERIFY_FAILED);
        accept(true);
        CHECK_EQ(verify_here(id, evidence, endorsed), OE_OK);
        CHECK_EQ(verify_here(id, evidence, nothing), OE_OK); /* fetched */
        evidence.data[evidence.size - 1] ^= 1;
        CHECK_EQ(verify_here(id, evidence, endorsed), OE_QUOTE_HASH_MISMATCH);
        accept(false);
        free(evidence.data);
        free(endorsed.data);
    }
}

TEST(the_reason_of_a_refusal)
{
    oe_enclave_t *watched = twin(true);
    struct bytes evidence = room(CAP);
    struct bytes debug = room(CAP);
    struct bytes endorsed = room(CAP_ENDORSED);
    struct bytes ignored = room(CAP_ENDORSED);

    REQUIRE(evidence_of(attester, &id_ecdsa, 0, NULL, &evidence, &endorsed) == OE_OK);
    REQUIRE(evidence_of(watched, &id_ecdsa, 0, NULL, &debug, &ignored) == OE_OK);
    CHECK_EQ(verify_here(&id_ecdsa, evidence, endorsed), OE_VERIFY_FAILED);
    CHECK_STR(cm_attest_refusal(), "EMULATED, it proves nothing");
    accept(true);
    CHECK_EQ(verify_here(&id_ecdsa, evidence, endorsed), OE_OK);
    CHECK_STR(cm_attest_refusal(), "");
    CHECK_EQ(verify_here(&id_ecdsa, debug, endorsed), OE_VERIFY_FAILED);
    CHECK_STR(cm_attest_refusal(), "debug enclave, its host reads all");
    evidence.data[evidence.size - 1] ^= 1;
    CHECK_EQ(verify_here(&id_ecdsa, evidence, endorsed), OE_QUOTE_HASH_MISMATCH);
    CHECK(strstr(cm_attest_refusal(), "custom claims: ") == cm_attest_refusal());
    CHECK_EQ(oe_verify_evidence(&id_ecdsa, NULL, 0, NULL, 0, NULL, 0, NULL, NULL),
             OE_INVALID_PARAMETER);
    CHECK_STR(cm_attest_refusal(), ""); /* not the one before */
    accept(false);
    CHECK_EQ(oe_terminate_enclave(watched), OE_OK);
    free(evidence.data);
    free(debug.data);
    free(endorsed.data);
    free(ignored.data);
}

TEST(G5_evidence_for_an_enclave)
{
    struct bytes evidence = room(CAP);
    struct bytes endorsed = room(CAP_ENDORSED);
    struct bytes inside = room(CAP_ENDORSED);
    oe_claim_t *here = NULL;
    uint8_t *wire = NULL;
    size_t n = 0;
    size_t wire_size = 0;

    REQUIRE(evidence_of(attester, &id_ecdsa, 1, NULL, &evidence, &endorsed) == OE_OK);
    CHECK_EQ(verify_in(verifier, NULL, evidence, endorsed, &inside), OE_OK);
    CHECK_EQ(verify_in(verifier, NULL, evidence, nothing, NULL), OE_OK);
    CHECK_EQ(verify_in(strict, NULL, evidence, endorsed, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(verify_in(strict, NULL, evidence, nothing, NULL), OE_VERIFY_FAILED);
    /* the very same answer outside */
    accept(true);
    REQUIRE(oe_verify_evidence(NULL, evidence.data, evidence.size, endorsed.data, endorsed.size,
                               NULL, 0, &here, &n) == OE_OK);
    accept(false);
    REQUIRE(oe_serialize_custom_claims(here, n, &wire, &wire_size) == OE_OK);
    CHECK_EQ(wire_size, inside.size);
    CHECK_MEM(wire, inside.data, wire_size);
    (void)oe_free_claims(here, n);
    (void)oe_free_serialized_custom_claims(wire);
    free(evidence.data);
    free(endorsed.data);
    free(inside.data);
}

/* (b) of the rule: the host asks, and proves that this enclave runs on the emulated processor */
TEST(G5_an_enclave_follows_a_host_that_proves_the_emulator)
{
    struct bytes evidence = room(CAP);
    struct bytes endorsed = room(CAP_ENDORSED);

    REQUIRE(evidence_of(attester, &id_ecdsa, 1, NULL, &evidence, &endorsed) == OE_OK);
    accept(true);
    CHECK_EQ(verify_in(strict, NULL, evidence, endorsed, NULL), OE_OK);
    accept(false);
    CHECK_EQ(verify_in(strict, NULL, evidence, endorsed, NULL), OE_VERIFY_FAILED);
    free(evidence.data);
    free(endorsed.data);
}

TEST(remote_reports)
{
    struct bytes report = room(CAP);
    uint8_t *second = NULL;
    size_t size = 0;
    oe_identity_t who;
    oe_report_t parsed;

    memset(&parsed, 0, sizeof(parsed));
    REQUIRE(report_of(attester, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report) == OE_OK);
    CHECK_EQ(oe_verify_report(NULL, report.data, report.size, &parsed), OE_VERIFY_FAILED);
    CHECK_EQ(verify_report_in(strict, report, &who), OE_VERIFY_FAILED);
    CHECK_EQ(verify_report_in(verifier, report, &who), OE_OK);
    accept(true);
    CHECK_EQ(oe_verify_report(NULL, report.data, report.size, &parsed), OE_OK);
    CHECK_EQ(oe_verify_remote_report(report.data, report.size, NULL, 0, &parsed), OE_OK);
    CHECK_MEM(parsed.report_data, data_bound, sizeof(data_bound));
    CHECK_EQ(parsed.identity.attributes, OE_REPORT_ATTRIBUTES_REMOTE);
    CHECK_EQ(parsed.verification_result, OE_SGX_TCB_STATUS_UP_TO_DATE);
    CHECK_MEM(&parsed.identity, &who, sizeof(who));
    CHECK_EQ(verify_here(&id_legacy, report, nothing), OE_OK);
    report.data += 16;
    report.size -= 16;
    CHECK_EQ(verify_here(&id_raw, report, nothing), OE_OK);
    report.data -= 16;
    REQUIRE(oe_get_report(attester, OE_REPORT_FLAGS_REMOTE_ATTESTATION, NULL, 0, &second, &size) ==
            OE_OK);
    CHECK_EQ(oe_verify_report(NULL, second, size, NULL), OE_OK);
    accept(false);
    oe_free_report(second);
    free(report.data);
}

TEST(endorsements_for_a_quote)
{
    struct bytes report = room(CAP);
    uint8_t *endorsements = NULL;
    size_t size = 0;
    oe_result_t result = OE_UNEXPECTED;

    REQUIRE(report_of(attester, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report) == OE_OK);
    CHECK_EQ(
        oe_get_sgx_endorsements(report.data + 16, report.size - 16, NULL, 0, &endorsements, &size),
        OE_OK);
    accept(true);
    CHECK_EQ(oe_verify_remote_report(report.data, report.size, endorsements, size, NULL), OE_OK);
    accept(false);
    oe_free_sgx_endorsements(endorsements);
    CHECK_EQ(
        enc_endorsements(attester, &result, report.data + 16, report.size - 16, NULL, 0, &size),
        OE_OK);
    CHECK_EQ(result, OE_OK);
    CHECK(size > 4096);
    CHECK_EQ(enc_endorsements(attester, &result, report.data + 16, report.size - 16,
                              (const uint8_t *)"17", 2, &size),
             OE_OK);
    CHECK_EQ(result, OE_UNSUPPORTED); /* the emulated platform has one edition */
    CHECK_EQ(oe_get_sgx_endorsements(report.data, report.size, NULL, 0, &endorsements, &size),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_sgx_endorsements(report.data + 16, report.size - 16, (const uint8_t *)"17", 3,
                                     &endorsements, &size),
             OE_UNSUPPORTED);
    CHECK_EQ(
        oe_get_sgx_endorsements(report.data + 16, report.size - 16, NULL, 3, &endorsements, &size),
        OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_sgx_endorsements(report.data + 16, report.size - 16, (const uint8_t *)"17", 0,
                                     &endorsements, &size),
             OE_INVALID_PARAMETER);
    oe_free_sgx_endorsements(NULL);
    free(report.data);
}

TEST(the_enclaves_end)
{
    CHECK_EQ(oe_terminate_enclave(attester), OE_OK);
    CHECK_EQ(oe_terminate_enclave(verifier), OE_OK);
    CHECK_EQ(oe_terminate_enclave(strict), OE_OK);
}

TEST_MAIN
