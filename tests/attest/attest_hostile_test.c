/*
 * A host that lies to an enclave in every answer that attestation asks for: quotes of others, sizes
 * that are not so, collateral that is garbage, proofs that are none. The host's half of the ocalls is
 * this file's own; without a lie it answers as the library does.
 */
#include "attest_kit.h"
#include "attest_twins.h"

#include <casemate/emuplat.h>
#include <openssl/x509.h>

#include "attest/attest_wire.h"

enum lie {
    HONEST,
    QUOTE_OLD,      /* of an earlier REPORT of the same enclave */
    QUOTE_STRANGER, /* of another enclave, with the same report data */
    QUOTE_FLIPPED,  /* one bit of the body, at lie_at */
    QUOTE_SIZE,     /* says lie_at */
    QUOTE_LONG,     /* says lie_at, and so do the lengths inside */
    QUOTE_GARBAGE,
    QUOTE_RESULT, /* answers lie_at as its result */
    TARGET_RESERVED,
    TARGET_RESULT,
    FORMATS_SIZE,
    COLLATERAL_SIZE,
    COLLATERAL_GARBAGE,
    COLLATERAL_FLIPPED,
    COLLATERAL_CUT,
    COLLATERAL_RESULT,
    WISH_UNPROVEN,
    WISH_OTHER_KEY,
    WISH_STRANGER,       /* a genuine REPORT for this enclave, of an enclave */
    WISH_STRANGER_BOUND, /* the same, and it has the report data of a proof */
    WISH_FLIPPED,
    WISH_STRANGERS_KEY, /* a genuine proof, beside another root's key */
    WISH_RESULT,
};

static enum lie lie;
static size_t lie_at;
static struct bytes kept; /* a quote, or a REPORT */
static oe_enclave_t *other;
static bool chosen; /* by the baseline of the test */

static oe_result_t code(void)
{
    return (oe_result_t)lie_at;
}

oe_result_t oe_get_supported_attester_format_ids_ocall(void *format_ids, size_t format_ids_size,
                                                       size_t *format_ids_size_out)
{
    *format_ids_size_out = lie == FORMATS_SIZE ? lie_at : sizeof(id_ecdsa);
    if (format_ids_size >= sizeof(id_ecdsa)) {
        memcpy(format_ids, &id_ecdsa, sizeof(id_ecdsa));
    }
    return OE_OK;
}

oe_result_t oe_get_qetarget_info_ocall(const oe_uuid_t *format_id, const void *opt_params,
                                       size_t opt_params_size, sgx_target_info_t *target_info)
{
    (void)format_id;
    (void)opt_params;
    (void)opt_params_size;
    if (cm_emuplat_target_info((uint8_t *)target_info, NULL) != CM_OK) {
        return OE_FAILURE;
    }
    if (lie == TARGET_RESERVED) {
        ((uint8_t *)target_info)[lie_at] ^= 0x40;
    }
    return lie == TARGET_RESULT ? code() : OE_OK;
}

oe_result_t oe_get_quote_ocall(const oe_uuid_t *format_id, const void *opt_params,
                               size_t opt_params_size, const sgx_report_t *sgx_report, void *quote,
                               size_t quote_size, size_t *quote_size_out)
{
    (void)format_id;
    (void)opt_params;
    (void)opt_params_size;
    if (cm_emuplat_quote((const uint8_t *)sgx_report, quote, quote_size, quote_size_out, NULL) !=
        CM_OK) {
        return OE_SGX_QUOTE_LIBRARY_ERROR;
    }
    if (lie == QUOTE_OLD || lie == QUOTE_STRANGER) {
        memcpy(quote, kept.data, kept.size);
        *quote_size_out = kept.size;
    } else if (lie == QUOTE_FLIPPED) {
        ((uint8_t *)quote)[lie_at] ^= 4;
    } else if (lie == QUOTE_SIZE) {
        *quote_size_out = lie_at;
    } else if (lie == QUOTE_LONG) {
        const uint32_t auth = (uint32_t)(lie_at - 436);
        const uint32_t certs = (uint32_t)(lie_at - 1052); /* behind 32 bytes of QE data */

        memcpy((uint8_t *)quote + 432, &auth, 4);
        memcpy((uint8_t *)quote + 1048, &certs, 4);
        *quote_size_out = lie_at;
    } else if (lie == QUOTE_GARBAGE) {
        memset(quote, 0x5a, quote_size);
        *quote_size_out = quote_size;
    }
    return lie == QUOTE_RESULT ? code() : OE_OK;
}

oe_result_t oe_get_quote_verification_collateral_ocall(const void *quote, size_t quote_size,
                                                       void *endorsements, size_t endorsements_size,
                                                       size_t *endorsements_size_out)
{
    uint8_t *made = NULL;
    size_t size = 0;
    oe_result_t result = oe_get_sgx_endorsements(quote, quote_size, NULL, 0, &made, &size);

    if (result == OE_OK && size <= endorsements_size) {
        memcpy(endorsements, made, size);
        *endorsements_size_out = size;
    }
    if (lie == COLLATERAL_SIZE) {
        *endorsements_size_out = lie_at;
    } else if (lie == COLLATERAL_GARBAGE) {
        memset(endorsements, (int)lie_at, endorsements_size);
    } else if (lie == COLLATERAL_FLIPPED) {
        ((uint8_t *)endorsements)[lie_at] ^= 1;
    } else if (lie == COLLATERAL_CUT) {
        *endorsements_size_out = size - lie_at;
    }
    oe_free_sgx_endorsements(made);
    return lie == COLLATERAL_RESULT ? code() : result;
}

/* the key of the root that kit_under_root() makes, as an uncompressed point */
static void strangers_key(uint8_t out[65])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pki_evp(PKI_OTHER), &der);

    if (len < 65) {
        exit(2);
    }
    memcpy(out, der + len - 65, 65);
    OPENSSL_free(der);
}

/* what any enclave can make: a REPORT with these data, for whoever asks for a proof */
static void strangers_report(const sgx_target_info_t *target, const uint8_t *data, size_t size,
                             sgx_report_t *out)
{
    uint8_t report[16 + sizeof(*out)];
    size_t n = 0;
    oe_result_t result = OE_UNEXPECTED;

    if (enc_report(other, &result, 0, data, size, (const uint8_t *)target, sizeof(*target), report,
                   sizeof(report), &n) != OE_OK ||
        result != OE_OK || n != sizeof(report)) {
        exit(2);
    }
    memcpy(out, report + 16, sizeof(*out));
}

oe_result_t oe_get_quote_verification_collateral_with_baseline_ocall(
    const void *quote, size_t quote_size, const void *baseline, size_t baseline_size,
    void *endorsements, size_t endorsements_size, size_t *endorsements_size_out)
{
    chosen = baseline_size == 9 && memcmp(baseline, "edition 7", 9) == 0;
    return oe_get_quote_verification_collateral_ocall(quote, quote_size, endorsements,
                                                      endorsements_size, endorsements_size_out);
}

oe_result_t cm_attest_wish_ocall(const sgx_target_info_t *target_info, uint32_t *accepts,
                                 sgx_report_t *proof, uint8_t *root_key)
{
    uint8_t bound[32];

    *accepts = lie >= WISH_UNPROVEN ? 0xffffffff : 0;
    if (lie >= WISH_UNPROVEN &&
        (cm_emuplat_root_key(root_key, NULL) != CM_OK ||
         cm_emuplat_prove((const uint8_t *)target_info, (uint8_t *)proof, NULL) != CM_OK)) {
        exit(2);
    }
    if (lie == WISH_UNPROVEN) {
        memset(proof, 0, sizeof(*proof));
    } else if (lie == WISH_OTHER_KEY) {
        root_key[64] ^= 1;
    } else if (lie == WISH_STRANGERS_KEY) {
        strangers_key(root_key);
    } else if (lie == WISH_FLIPPED) {
        ((uint8_t *)proof)[lie_at] ^= 1;
    } else if (lie == WISH_STRANGER) {
        strangers_report(target_info, data_bound, sizeof(data_bound), proof);
    } else if (lie == WISH_STRANGER_BOUND) {
        kit_must(cm_sha256_of(cm_span_make(root_key, CM_EMUPLAT_ROOT_KEY_SIZE), bound) == CM_OK &&
                     memcmp(bound, proof->body.report_data.field, sizeof(bound)) == 0,
                 "the proof's report data");
        strangers_report(target_info, bound, sizeof(bound), proof);
    }
    return lie == WISH_RESULT ? code() : OE_OK;
}

static oe_enclave_t *victim;

static oe_result_t evidence(enum lie how, size_t at)
{
    struct bytes made = room(CAP);
    struct bytes endorsed = room(CAP_ENDORSED);
    oe_result_t result = OE_OK;

    lie = how;
    lie_at = at;
    result = evidence_of(victim, &id_ecdsa, 1, NULL, &made, &endorsed);
    lie = HONEST;
    CHECK(result == OE_OK || (made.size == 0 && endorsed.size == 0));
    free(made.data);
    free(endorsed.data);
    return result;
}

TEST(the_enclaves_start)
{
    CHECK_EQ(setenv("OE_LOG_LEVEL", "NONE", 1), 0); /* it would say each lie */
    victim = twin(false);
    other = twin(true);
    CHECK_EQ(evidence(HONEST, 0), OE_OK);
}

/* the report data of oe_get_report() are the caller's: so both enclaves can have the same */
TEST(G7_another_quote_is_not_passed_on_as_ours)
{
    struct bytes report = room(CAP);

    kept = room(CAP);
    REQUIRE(report_of(victim, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report) == OE_OK);
    kept.size = report.size - 16;
    memcpy(kept.data, report.data + 16, kept.size);
    CHECK_EQ(evidence(QUOTE_OLD, 0), OE_VERIFY_FAILED);
    REQUIRE(report_of(other, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report) == OE_OK);
    kept.size = report.size - 16;
    memcpy(kept.data, report.data + 16, kept.size);
    lie = QUOTE_STRANGER;
    CHECK_EQ(report_of(victim, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report),
             OE_VERIFY_FAILED);
    lie = HONEST;
    free(report.data);
    free(kept.data);
}

TEST(G7_every_byte_of_the_body_must_be_ours)
{
    for (size_t i = 48; i < 48 + 384; i++) {
        CHECK_EQ(evidence(QUOTE_FLIPPED, i), OE_VERIFY_FAILED);
    }
}

TEST(C1_sizes_of_quotes)
{
    const size_t sizes[] = {0,
                            1,
                            435,
                            CM_ATTEST_MAX_QUOTE,
                            SIZE_MAX,
                            CM_ATTEST_MAX_QUOTE + 1,
                            (size_t)1 << 63,
                            SIZE_MAX / 2};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_EQ(evidence(QUOTE_SIZE, sizes[i]), OE_VERIFY_FAILED);
    }
    CHECK_EQ(evidence(QUOTE_GARBAGE, 0), OE_VERIFY_FAILED);
    /* lengths that agree with each other, beyond what the enclave has room for */
    /* (the first is taken; then nobody has collateral for such a certificate) */
    CHECK_EQ(evidence(QUOTE_LONG, CM_ATTEST_MAX_QUOTE), OE_QUOTE_PROVIDER_CALL_ERROR);
    CHECK_EQ(evidence(QUOTE_LONG, CM_ATTEST_MAX_QUOTE + 1), OE_VERIFY_FAILED);
    CHECK_EQ(evidence(QUOTE_LONG, CM_ATTEST_MAX_QUOTE + 5000), OE_VERIFY_FAILED);
}

TEST(C2_results_that_do_not_exist)
{
    CHECK_EQ(evidence(QUOTE_RESULT, OE_SGX_QUOTE_LIBRARY_ERROR), OE_SGX_QUOTE_LIBRARY_ERROR);
    CHECK_EQ(evidence(QUOTE_RESULT, 63), OE_UNEXPECTED);
    CHECK_EQ(evidence(QUOTE_RESULT, 0xffffffff), OE_UNEXPECTED);
    CHECK_EQ(evidence(TARGET_RESULT, 0x80000000), OE_UNEXPECTED);
    CHECK_EQ(evidence(COLLATERAL_RESULT, 64), OE_UNEXPECTED);
}

TEST(G7_a_quoting_enclave_with_reserved_bits)
{
    CHECK_EQ(evidence(TARGET_RESERVED, 49), OE_VERIFY_FAILED);
    CHECK_EQ(evidence(TARGET_RESERVED, 60), OE_VERIFY_FAILED);
    CHECK_EQ(evidence(TARGET_RESERVED, 511), OE_VERIFY_FAILED);
    CHECK_EQ(evidence(TARGET_RESERVED, 5), OE_SGX_QUOTE_LIBRARY_ERROR); /* nobody's */
}

TEST(C1_sizes_of_format_lists)
{
    const size_t sizes[] = {0, 15, 129, SIZE_MAX, (size_t)1 << 40};
    oe_uuid_t selected;
    oe_result_t result = OE_OK;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        lie = FORMATS_SIZE;
        lie_at = sizes[i];
        CHECK_EQ(enc_select(victim, &result, &id_ecdsa, 1, &selected), OE_OK);
        CHECK_EQ(result, OE_NOT_FOUND);
    }
    lie = HONEST;
}

TEST(C1_collateral_of_wrong_sizes_and_garbage)
{
    const size_t sizes[] = {
        0, 1, 15, 51, OE_ATTESTATION_ENDORSEMENT_MAX_SIZE + 1, SIZE_MAX, (size_t)1 << 63};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_EQ(evidence(COLLATERAL_SIZE, sizes[i]), OE_INVALID_ENDORSEMENT);
    }
    CHECK_EQ(evidence(COLLATERAL_GARBAGE, 0), OE_INVALID_ENDORSEMENT);
    CHECK_EQ(evidence(COLLATERAL_GARBAGE, 0xff), OE_INVALID_ENDORSEMENT);
    CHECK_EQ(evidence(COLLATERAL_CUT, 1), OE_INVALID_ENDORSEMENT);
    CHECK_EQ(evidence(COLLATERAL_RESULT, OE_QUOTE_PROVIDER_CALL_ERROR),
             OE_QUOTE_PROVIDER_CALL_ERROR);
}

static struct bytes sample;

static oe_result_t verify(oe_enclave_t *e, enum lie how, size_t at)
{
    oe_result_t result = OE_OK;

    lie = how;
    lie_at = at;
    result = verify_in(e, NULL, sample, nothing, NULL);
    lie = HONEST;
    return result;
}

/* The way of a baseline to the host; what comes back is as little believed as without one. */
TEST(C1_collateral_of_an_edition)
{
    static const uint8_t seven[] = "edition 7";
    struct bytes report = room(CAP);
    oe_result_t result = OE_UNEXPECTED;
    size_t size = 0;

    REQUIRE(report_of(victim, OE_REPORT_FLAGS_REMOTE_ATTESTATION, nothing, &report) == OE_OK);
    CHECK_EQ(enc_endorsements(victim, &result, report.data + 16, report.size - 16, seven, 9, &size),
             OE_OK);
    CHECK_EQ(result, OE_OK);
    CHECK(chosen && size > 4096);
    lie = COLLATERAL_SIZE;
    lie_at = SIZE_MAX;
    CHECK_EQ(enc_endorsements(victim, &result, report.data + 16, report.size - 16, seven, 9, &size),
             OE_OK);
    CHECK_EQ(result, OE_INVALID_ENDORSEMENT);
    lie = HONEST;
    free(report.data);
}

TEST(H12_changed_collateral_is_refused_inside)
{
    oe_enclave_t *verifier = twin(false);
    struct cm_endorsements parts;
    struct bytes endorsed = room(CAP_ENDORSED);

    sample = room(CAP);
    CHECK_EQ(enc_accept(verifier, true, false), OE_OK);
    REQUIRE(evidence_of(victim, &id_ecdsa, 1, NULL, &sample, &endorsed) == OE_OK);
    REQUIRE(cm_endorsements_parse(cm_span_make(endorsed.data + 32, endorsed.size - 32), &parts) ==
            OE_OK);
    CHECK_EQ(verify(verifier, HONEST, 0), OE_OK);
    for (size_t f = 1; f < OE_SGX_ENDORSEMENT_FIELD_CREATION_DATETIME; f++) {
        size_t at = (size_t)(parts.items[f].ptr - endorsed.data) - 32;

        if (f == OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT) {
            continue; /* for people: the quote's own chain is used */
        }
        for (size_t i = 0; i < parts.items[f].len; i += 97) {
            CHECK(verify(verifier, COLLATERAL_FLIPPED, at + i) != OE_OK);
        }
    }
    CHECK_EQ(verify(verifier, COLLATERAL_GARBAGE, 1), OE_INVALID_ENDORSEMENT);
    CHECK_EQ(verify(verifier, COLLATERAL_SIZE, SIZE_MAX), OE_INVALID_ENDORSEMENT);
    CHECK_EQ(verify(verifier, COLLATERAL_RESULT, OE_OUT_OF_MEMORY), OE_OUT_OF_MEMORY);
    CHECK_EQ(verify(verifier, HONEST, 0), OE_OK);
    CHECK_EQ(oe_terminate_enclave(verifier), OE_OK);
    free(endorsed.data);
}

/* what the host says about the emulator is believed with its proof only */
TEST(G5_wishes_without_proof_are_ignored)
{
    CHECK_EQ(verify(victim, HONEST, 0), OE_VERIFY_FAILED);
    CHECK_EQ(verify(victim, WISH_UNPROVEN, 0), OE_VERIFY_FAILED);
    CHECK_EQ(verify(victim, WISH_OTHER_KEY, 0), OE_VERIFY_FAILED);
    CHECK_EQ(verify(victim, WISH_STRANGER, 0), OE_VERIFY_FAILED);
    CHECK_EQ(verify(victim, WISH_STRANGER_BOUND, 0), OE_VERIFY_FAILED);
    for (size_t i = 0; i < 432; i += 3) {
        CHECK_EQ(verify(victim, WISH_FLIPPED, i), OE_VERIFY_FAILED);
    }
    CHECK_EQ(verify(victim, WISH_RESULT, OE_FAILURE), OE_VERIFY_FAILED);
    CHECK_EQ(verify(victim, WISH_RESULT, OE_OK), OE_OK); /* all of it is so */
}

/* a proof is for one root: not for another that only bears the same name */
TEST(G5_a_proof_is_for_one_root_only)
{
    oe_result_t result = OE_OK;
    oe_datetime_t then = kit_date(PKI_NOW);
    uint8_t none[16];
    size_t n = 0;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    kit_under_root(&s, "Casemate EMULATED SGX Root CA");
    k = kit_make(&s, &kit_ecdsa, true);
    lie = WISH_STRANGERS_KEY;
    CHECK_EQ(enc_verify(victim, &result, NULL, k.evidence, k.evidence_size, k.endorsements,
                        k.endorsements_size, &then, none, sizeof(none), &n),
             OE_OK);
    CHECK_EQ(result, OE_VERIFY_FAILED);
    lie = HONEST;
    /* it would be accepted by name: nothing else is wrong with it */
    CHECK_EQ(enc_accept(victim, true, false), OE_OK);
    CHECK_EQ(enc_verify(victim, &result, NULL, k.evidence, k.evidence_size, k.endorsements,
                        k.endorsements_size, &then, none, sizeof(none), &n),
             OE_OK);
    CHECK_EQ(result, OE_BUFFER_TOO_SMALL); /* claims, for which the test has no room */
    kit_free(&k);
}

TEST(H1_a_wish_for_debug_moves_no_production_enclave)
{
    struct bytes settings = room(512);
    struct bytes report = room(CAP);
    oe_identity_t who;

    REQUIRE(settings_of(victim, &settings) == OE_OK);
    REQUIRE(report_of(other, 0, settings, &report) == OE_OK);
    lie = WISH_RESULT;
    lie_at = OE_OK;
    CHECK_EQ(verify_report_in(victim, report, &who), OE_VERIFY_FAILED);
    REQUIRE(settings_of(other, &settings) == OE_OK);
    REQUIRE(report_of(other, 0, settings, &report) == OE_OK);
    CHECK_EQ(verify_report_in(other, report, &who), OE_OK);
    lie = HONEST;
    CHECK_EQ(verify_report_in(other, report, &who), OE_VERIFY_FAILED);
    free(settings.data);
    free(report.data);
}

TEST(the_enclaves_end)
{
    free(sample.data);
    CHECK_EQ(oe_terminate_enclave(victim), OE_OK);
    CHECK_EQ(oe_terminate_enclave(other), OE_OK);
}

TEST_MAIN
