/*
 * Local attestation in the emulator: REPORTs and evidence between enclaves, both APIs, host and
 * enclave side; and what a forger, another target or a debug enclave gets (G7, H1).
 */
#include "attest_twins.h"

static oe_enclave_t *a;
static oe_enclave_t *b;
static oe_enclave_t *debugged;

TEST(the_enclaves_start)
{
    a = twin(false);
    b = twin(false);
    debugged = twin(true);
}

TEST(formats_of_an_enclave)
{
    oe_uuid_t ids[8];
    oe_uuid_t selected;
    const oe_uuid_t wanted[2] = {id_raw, id_local};
    size_t n = 0;
    oe_result_t result = OE_UNEXPECTED;

    CHECK_EQ(enc_formats(a, &result, ids, 8, &n), OE_OK);
    CHECK_EQ(result, OE_OK);
    REQUIRE(n == 5);
    CHECK_MEM(&ids[0], &id_local, 16);
    CHECK_MEM(&ids[1], &id_ecdsa, 16);
    CHECK_MEM(&ids[2], &id_legacy, 16);
    CHECK_MEM(&ids[3], &id_raw, 16);
    CHECK_EQ(enc_select(a, &result, wanted, 2, &selected), OE_OK);
    CHECK_EQ(result, OE_OK);
    CHECK_MEM(&selected, &id_local, 16);
    CHECK_EQ(enc_select(a, &result, wanted, 1, &selected), OE_OK);
    CHECK_EQ(result, OE_NOT_FOUND);
}

TEST(misuse_inside)
{
    int where = -1;

    CHECK_EQ(enc_misuse(a, &where), OE_OK);
    CHECK_EQ(where, 0);
}

static const oe_claim_t *find(const oe_claim_t *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

static void claims_of_a(struct bytes wire)
{
    oe_claim_t *list = NULL;
    const oe_claim_t *c = NULL;
    size_t n = 0;
    uint64_t attributes = 9;

    REQUIRE(oe_deserialize_custom_claims(wire.data, wire.size, &list, &n) == OE_OK);
    CHECK_EQ(n, 7 + 10 + 1);
    c = find(list, n, OE_CLAIM_ATTRIBUTES);
    REQUIRE(c != NULL && c->value_size == 8);
    memcpy(&attributes, c->value, 8);
    CHECK_EQ(attributes, 0);
    c = find(list, n, OE_CLAIM_CUSTOM_CLAIMS_BUFFER);
    CHECK(c != NULL && c->value_size == sizeof(data_bound) &&
          memcmp(c->value, data_bound, sizeof(data_bound)) == 0);
    c = find(list, n, OE_CLAIM_PRODUCT_ID);
    CHECK(c != NULL && c->value_size == 16 && c->value[0] == 0x34 && c->value[1] == 0x12);
    c = find(list, n, OE_CLAIM_FORMAT_UUID);
    CHECK(c != NULL && memcmp(c->value, &id_local, 16) == 0);
    (void)oe_free_custom_claims(list, n);
}

TEST(evidence_for_another_enclave)
{
    struct bytes settings = room(512);
    struct bytes evidence = room(CAP);
    struct bytes claims = room(CAP_ENDORSED);

    REQUIRE(settings_of(b, &settings) == OE_OK && settings.size == 512);
    for (uint32_t embed = 0; embed < 2; embed++) {
        const oe_uuid_t *id = embed != 0 ? NULL : &id_local;

        REQUIRE(evidence_of(a, &id_local, embed, &settings, &evidence, NULL) == OE_OK);
        CHECK_EQ(evidence.size, (embed != 0 ? 32u : 0u) + 432u + sizeof(data_bound));
        CHECK_EQ(verify_in(b, id, evidence, nothing, &claims), OE_OK);
        claims_of_a(claims);
        /* made for b only: its twin has the same measurement, so it can verify it as well */
        CHECK_EQ(verify_in(a, id, evidence, nothing, NULL), OE_OK);
        CHECK_EQ(verify_in(debugged, id, evidence, nothing, NULL),
                 OE_VERIFY_FAILED_AES_CMAC_MISMATCH);
    }
    free(settings.data);
    free(evidence.data);
    free(claims.data);
}

TEST(G7_every_flipped_bit_of_a_report_is_refused)
{
    struct bytes settings = room(512);
    struct bytes evidence = room(CAP);

    REQUIRE(settings_of(b, &settings) == OE_OK);
    REQUIRE(evidence_of(a, &id_local, 0, &settings, &evidence, NULL) == OE_OK);
    for (size_t i = 0; i < evidence.size; i++) {
        oe_result_t want = i < 432 ? OE_VERIFY_FAILED_AES_CMAC_MISMATCH : OE_QUOTE_HASH_MISMATCH;

        evidence.data[i] ^= (uint8_t)(1u << (i % 8));
        CHECK_EQ(verify_in(b, &id_local, evidence, nothing, NULL), want);
        evidence.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t n = 0; n < evidence.size; n++) {
        struct bytes part = {evidence.data, n};

        CHECK(verify_in(b, &id_local, part, nothing, NULL) != OE_OK);
    }
    CHECK_EQ(verify_in(b, &id_local, evidence, settings, NULL), OE_INVALID_PARAMETER);
    free(settings.data);
    free(evidence.data);
}

/* TARGETINFO comes from outside: what the processor would fault on is refused before */
TEST(G7_a_target_with_reserved_bits_is_refused)
{
    struct bytes settings = room(512);
    struct bytes evidence = room(CAP);

    REQUIRE(settings_of(b, &settings) == OE_OK);
    for (size_t i = 0; i < 512; i++) {
        bool reserved = i == 49 || (i >= 56 && i < 64) || i >= 128;

        settings.data[i] ^= 0x40;
        CHECK_EQ(evidence_of(a, &id_local, 0, &settings, &evidence, NULL),
                 reserved ? OE_INVALID_PARAMETER : OE_OK);
        if (!reserved) { /* another target: b has no key for it */
            CHECK_EQ(verify_in(b, &id_local, evidence, nothing, NULL),
                     OE_VERIFY_FAILED_AES_CMAC_MISMATCH);
        }
        settings.data[i] ^= 0x40;
        i += i % 16 == 0 || reserved ? 0 : 6; /* samples */
    }
    settings.size = 511;
    CHECK_EQ(evidence_of(a, &id_local, 0, &settings, &evidence, NULL), OE_INVALID_PARAMETER);
    free(settings.data);
    free(evidence.data);
}

TEST(H1_a_debug_enclave_is_refused)
{
    struct bytes settings = room(512);
    struct bytes evidence = room(CAP);
    struct bytes report = room(CAP);
    oe_identity_t who;
    oe_enclave_t *c = twin(false);

    REQUIRE(settings_of(c, &settings) == OE_OK);
    REQUIRE(evidence_of(debugged, &id_local, 0, &settings, &evidence, NULL) == OE_OK);
    REQUIRE(report_of(debugged, 0, settings, &report) == OE_OK);
    CHECK_EQ(verify_in(c, &id_local, evidence, nothing, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(verify_report_in(c, report, &who), OE_VERIFY_FAILED);
    /* the host's wish counts for nothing in an enclave that is no debug enclave itself */
    CHECK_EQ(setenv("CASEMATE_ACCEPT_DEBUG", "1", 1), 0);
    CHECK_EQ(verify_in(c, &id_local, evidence, nothing, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_DEBUG"), 0);
    CHECK_EQ(enc_accept(c, false, true), OE_OK);
    CHECK_EQ(verify_in(c, &id_local, evidence, nothing, NULL), OE_OK);
    CHECK_EQ(verify_report_in(c, report, &who), OE_OK);
    CHECK_EQ(who.attributes, OE_REPORT_ATTRIBUTES_DEBUG);
    CHECK_EQ(oe_terminate_enclave(c), OE_OK);
    free(settings.data);
    free(evidence.data);
    free(report.data);
}

TEST(H1_a_debug_enclave_among_its_likes)
{
    struct bytes settings = room(512);
    struct bytes evidence = room(CAP);
    oe_enclave_t *other = twin(true);

    REQUIRE(settings_of(debugged, &settings) == OE_OK);
    REQUIRE(evidence_of(other, &id_local, 0, &settings, &evidence, NULL) == OE_OK);
    CHECK_EQ(verify_in(debugged, &id_local, evidence, nothing, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_DEBUG", "1", 1), 0);
    CHECK_EQ(verify_in(debugged, &id_local, evidence, nothing, NULL), OE_OK);
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_DEBUG"), 0);
    CHECK_EQ(oe_terminate_enclave(other), OE_OK);
    free(settings.data);
    free(evidence.data);
}

TEST(reports_between_enclaves)
{
    struct bytes untargeted = room(CAP);
    struct bytes report = room(CAP);
    struct bytes target = {NULL, 0};
    oe_identity_t who;
    oe_report_t parsed;
    void *info = NULL;
    size_t info_size = 0;

    REQUIRE(report_of(b, 0, nothing, &untargeted) == OE_OK);
    CHECK_EQ(untargeted.size, 16 + 432);
    CHECK_EQ(verify_report_in(b, untargeted, &who), OE_VERIFY_FAILED_AES_CMAC_MISMATCH);
    REQUIRE(oe_get_target_info(untargeted.data, untargeted.size, &info, &info_size) == OE_OK);
    target.data = info;
    target.size = info_size;
    REQUIRE(report_of(a, 0, target, &report) == OE_OK);
    CHECK_EQ(verify_report_in(b, report, &who), OE_OK);
    REQUIRE(oe_parse_report(report.data, report.size, &parsed) == OE_OK);
    CHECK_MEM(parsed.report_data, data_bound, sizeof(data_bound));
    CHECK_MEM(&parsed.identity, &who, sizeof(who));
    CHECK_EQ(who.security_version, 7);
    CHECK_EQ(who.attributes, 0);
    /* through the host's API: the enclave it was made for verifies it */
    CHECK_EQ(oe_verify_report(b, report.data, report.size, &parsed), OE_OK);
    CHECK_EQ(oe_verify_report(debugged, report.data, report.size, NULL),
             OE_VERIFY_FAILED_AES_CMAC_MISMATCH);
    CHECK_EQ(oe_verify_report(NULL, report.data, report.size, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_report(b, NULL, 1, NULL), OE_INVALID_PARAMETER);
    oe_free_target_info(info);
    free(untargeted.data);
    free(report.data);
}

TEST(reports_for_the_host)
{
    static const uint8_t zeros[64];
    uint8_t *report = NULL;
    uint8_t *second = NULL;
    void *info = NULL;
    size_t size = 0;
    size_t second_size = 0;
    size_t info_size = 0;
    oe_report_t parsed;

    REQUIRE(oe_get_report(b, 0, NULL, 0, &report, &size) == OE_OK);
    REQUIRE(oe_parse_report(report, size, &parsed) == OE_OK);
    CHECK_MEM(parsed.report_data, zeros, 64);
    REQUIRE(oe_get_target_info(report, size, &info, &info_size) == OE_OK);
    REQUIRE(oe_get_report(a, 0, info, info_size, &second, &second_size) == OE_OK);
    CHECK_EQ(oe_verify_report(b, second, second_size, &parsed), OE_OK);
    oe_free_report(report);
    oe_free_report(second);
    CHECK_EQ(oe_get_report(NULL, 0, NULL, 0, &report, &size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_report(a, 0, NULL, 0, NULL, &size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_report(a, 0, NULL, 0, &report, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_report(a, 4, NULL, 0, &report, &size), OE_INVALID_PARAMETER);
    CHECK(report == NULL && size == 0);
    CHECK_EQ(oe_get_report(a, 0, info, 511, &report, &size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_report(a, 0, NULL, 5, &report, &size), OE_INVALID_PARAMETER);
    oe_free_target_info(info);
    oe_free_report(NULL);
    oe_free_target_info(NULL);
}

TEST(hosts_do_not_verify_locally)
{
    struct bytes evidence = room(CAP);

    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    REQUIRE(evidence_of(a, &id_local, 1, NULL, &evidence, NULL) == OE_OK);
    CHECK_EQ(oe_verify_evidence(NULL, evidence.data, evidence.size, NULL, 0, NULL, 0, NULL, NULL),
             OE_NOT_FOUND);
    free(evidence.data);
}

TEST(after_shutdown_nothing_is_found)
{
    struct bytes evidence = room(CAP);
    struct bytes settings = room(512);
    oe_result_t result = OE_UNEXPECTED;

    CHECK_EQ(enc_initialize(a, &result, true, true, false), OE_OK);
    CHECK_EQ(evidence_of(a, &id_local, 0, NULL, &evidence, NULL), OE_NOT_FOUND);
    CHECK_EQ(settings_of(a, &settings), OE_NOT_FOUND);
    CHECK_EQ(oe_terminate_enclave(a), OE_OK);
    CHECK_EQ(oe_terminate_enclave(b), OE_OK);
    CHECK_EQ(oe_terminate_enclave(debugged), OE_OK);
    free(evidence.data);
    free(settings.data);
}

TEST_MAIN
