/* The enclave of tests/attest: hands the API's functions through, so that the tests can call them. */
#include <casemate/attest.h>
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/custom_claims.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/enclave.h>
#include <stdlib.h>
#include <string.h>

#include "attest_t.h"

oe_result_t enc_initialize(bool attester, bool verifier, bool on)
{
    oe_result_t result = OE_OK;

    if (attester) {
        result = on ? oe_attester_initialize() : oe_attester_shutdown();
    }
    if (verifier && result == OE_OK) {
        result = on ? oe_verifier_initialize() : oe_verifier_shutdown();
    }
    if (verifier && result == OE_OK) {
        result = on ? oe_tdx_verifier_initialize() : oe_tdx_verifier_shutdown();
    }
    return result;
}

oe_result_t enc_select(const oe_uuid_t *ids, size_t n, oe_uuid_t *selected)
{
    return oe_attester_select_format(ids, n, selected);
}

oe_result_t enc_formats(oe_uuid_t *ids, size_t cap, size_t *n)
{
    oe_uuid_t *list = NULL;
    oe_result_t result = oe_verifier_get_formats(&list, n);

    if (result == OE_OK) {
        for (size_t i = 0; i < *n && i < cap; i++) {
            ids[i] = list[i];
        }
        (void)oe_verifier_free_formats(list);
    }
    return result;
}

oe_result_t enc_settings(const oe_uuid_t *id, uint8_t *settings, size_t *size)
{
    uint8_t *made = NULL;
    oe_result_t result = oe_verifier_get_format_settings(id, &made, size);

    if (result == OE_OK && made != NULL) {
        memcpy(settings, made, *size < 512 ? *size : 512);
    }
    (void)oe_verifier_free_format_settings(made);
    return result;
}

/* what the enclave made, for the host */
static oe_result_t hand_out(oe_result_t result, const uint8_t *made, size_t size, uint8_t *out,
                            size_t cap, size_t *out_size)
{
    *out_size = size;
    if (result == OE_OK && size > cap) {
        return OE_BUFFER_TOO_SMALL;
    }
    if (result == OE_OK && size != 0) {
        memcpy(out, made, size);
    }
    return result;
}

oe_result_t enc_evidence(const oe_uuid_t *id, uint32_t flags, const uint8_t *claims,
                         size_t claims_size, const uint8_t *settings, size_t settings_size,
                         uint8_t *evidence, size_t evidence_cap, size_t *evidence_size,
                         uint8_t *endorsements, size_t endorsements_cap, size_t *endorsements_size)
{
    uint8_t *made = NULL;
    uint8_t *endorsed = NULL;
    size_t size = 0;
    size_t endorsed_size = 0;
    bool wanted = endorsements != NULL;
    oe_result_t result =
        oe_get_evidence(id, flags, claims, claims_size, settings, settings_size, &made, &size,
                        wanted ? &endorsed : NULL, wanted ? &endorsed_size : NULL);
    oe_result_t second = hand_out(result, endorsed, endorsed_size, endorsements, endorsements_cap,
                                  endorsements_size);

    result = hand_out(result, made, size, evidence, evidence_cap, evidence_size);
    (void)oe_free_evidence(made);
    (void)oe_free_endorsements(endorsed);
    return result == OE_OK ? second : result;
}

/* The claims leave as custom claims do: one buffer. */
oe_result_t enc_verify(const oe_uuid_t *id, const uint8_t *evidence, size_t evidence_size,
                       const uint8_t *endorsements, size_t endorsements_size,
                       const oe_datetime_t *time, uint8_t *claims, size_t claims_cap,
                       size_t *claims_size)
{
    oe_datetime_t at;
    oe_policy_t policy = {OE_POLICY_ENDORSEMENTS_TIME, &at, sizeof(at)};
    oe_claim_t *list = NULL;
    uint8_t *wire = NULL;
    size_t count = 0;
    size_t size = 0;
    oe_result_t packed = OE_OK;
    oe_result_t result = OE_OK;

    if (time != NULL) {
        at = *time;
    }
    result = oe_verify_evidence(id, evidence, evidence_size, endorsements, endorsements_size,
                                time == NULL ? NULL : &policy, time == NULL ? 0 : 1, &list, &count);
    *claims_size = 0;
    if (list != NULL) {
        packed = oe_serialize_custom_claims(list, count, &wire, &size);
        packed = hand_out(packed, wire, size, claims, claims_cap, claims_size);
    }
    (void)oe_free_serialized_custom_claims(wire);
    (void)oe_free_claims(list, count);
    return packed != OE_OK ? packed : result;
}

oe_result_t enc_report(uint32_t flags, const uint8_t *data, size_t data_size, const uint8_t *opt,
                       size_t opt_size, uint8_t *report, size_t cap, size_t *size)
{
    uint8_t *made = NULL;
    size_t made_size = 0;
    oe_result_t result = oe_get_report(flags, data, data_size, opt, opt_size, &made, &made_size);

    result = hand_out(result, made, made_size, report, cap, size);
    oe_free_report(made);
    return result;
}

oe_result_t enc_verify_report(const uint8_t *report, size_t size, oe_identity_t *identity)
{
    oe_report_t parsed;
    oe_result_t result = OE_OK;

    memset(&parsed, 0, sizeof(parsed));
    result = oe_verify_report(report, size, &parsed);
    *identity = parsed.identity;
    return result;
}

oe_result_t enc_endorsements(const uint8_t *quote, size_t quote_size, const uint8_t *baseline,
                             size_t baseline_size, size_t *size)
{
    uint8_t *made = NULL;
    oe_result_t result =
        oe_get_sgx_endorsements(quote, quote_size, baseline, baseline_size, &made, size);

    oe_free_sgx_endorsements(made);
    return result;
}

void enc_accept(bool emulated, bool debug)
{
    if (emulated) {
        cm_attest_accept_emulated();
    }
    if (debug) {
        cm_attest_accept_debug();
    }
}

oe_result_t enc_trust(const uint8_t *spki, bool emulated)
{
    return cm_attest_trust_root(spki, emulated) == CM_OK ? OE_OK : OE_FAILURE;
}

/* 0, or the number of the first call that did not answer as it should */
int enc_misuse(void)
{
    static const oe_uuid_t ecdsa = {OE_FORMAT_UUID_SGX_ECDSA};
    static const oe_uuid_t raw = {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA};
    oe_uuid_t selected;
    uint8_t *out = NULL;
    uint8_t byte = 0;
    size_t n = 0;
    const oe_result_t want = OE_INVALID_PARAMETER;
    const oe_result_t got[] = {
        oe_get_evidence(NULL, 0, NULL, 0, NULL, 0, &out, &n, NULL, NULL),
        oe_get_evidence(&ecdsa, 0, NULL, 0, NULL, 0, NULL, &n, NULL, NULL),
        oe_get_evidence(&ecdsa, 0, NULL, 0, NULL, 0, &out, NULL, NULL, NULL),
        oe_get_evidence(&ecdsa, 0, NULL, 0, NULL, 0, &out, &n, &out, NULL),
        oe_get_evidence(&ecdsa, 0, NULL, 0, NULL, 0, &out, &n, NULL, &n),
        oe_get_evidence(&ecdsa, 0, NULL, 5, NULL, 0, &out, &n, NULL, NULL),
        oe_get_evidence(&ecdsa, 2, NULL, 0, NULL, 0, &out, &n, NULL, NULL),
        oe_get_evidence(&ecdsa, 0, NULL, 0, &byte, 1, &out, &n, NULL, NULL),
        oe_attester_select_format(NULL, 1, &selected),
        oe_attester_select_format(&ecdsa, 0, &selected),
        oe_attester_select_format(&ecdsa, 1, NULL),
        oe_get_report(2, NULL, 0, NULL, 0, &out, &n),
        oe_get_report(0, &byte, 65, NULL, 0, &out, &n),
        oe_get_report(0, NULL, 1, NULL, 0, &out, &n),
        oe_get_report(0, NULL, 0, &byte, 1, &out, &n),
        oe_get_report(0, NULL, 0, NULL, 0, NULL, &n),
        oe_get_report(0, NULL, 0, NULL, 0, &out, NULL),
        oe_get_report(OE_REPORT_FLAGS_REMOTE_ATTESTATION, NULL, 0, &byte, 1, &out, &n),
        oe_get_report(OE_REPORT_FLAGS_REMOTE_ATTESTATION, &byte, 65, NULL, 0, &out, &n),
        oe_verify_report(NULL, 1, NULL),
        oe_get_sgx_endorsements(NULL, 0, NULL, 0, &out, &n),
        oe_get_sgx_endorsements(&byte, 1, NULL, 0, &out, &n),
    };

    for (size_t i = 0; i < sizeof(got) / sizeof(got[0]); i++) {
        if (got[i] != want) {
            return (int)i + 1;
        }
    }
    if (oe_get_evidence(&raw, 0, NULL, 0, NULL, 0, &out, &n, NULL, NULL) != OE_NOT_FOUND) {
        return 100;
    }
    oe_free_report(NULL);
    oe_free_target_info(NULL);
    return oe_free_evidence(NULL) == OE_OK && oe_free_endorsements(NULL) == OE_OK ? 0 : 101;
}

OE_SET_ENCLAVE_SGX(0x1234, 7, true, 2048, 64, 2);
