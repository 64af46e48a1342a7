/* Makes evidence about itself, for `oeutil generate-evidence`. A debug enclave: nothing to protect. */
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/enclave.h>
#include <string.h>

#include "oeutil_t.h"

static oe_result_t hand_out(const uint8_t *made, size_t made_size, uint8_t *out, size_t cap,
                            size_t *size)
{
    *size = made_size;
    if (made_size > cap) {
        return OE_BUFFER_TOO_SMALL;
    }
    if (made_size != 0) {
        memcpy(out, made, made_size);
    }
    return OE_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the ecall's */
oe_result_t oeutil_evidence(const oe_uuid_t *format, bool with_endorsements, uint8_t *evidence,
                            size_t cap, size_t *size, uint8_t *endorsements,
                            size_t endorsements_cap, size_t *endorsements_size)
{
    uint8_t *made = NULL;
    uint8_t *endorsed = NULL;
    size_t made_size = 0;
    size_t endorsed_size = 0;
    oe_result_t result = oe_attester_initialize();

    if (result == OE_OK) {
        result = oe_get_evidence(format, 0, NULL, 0, NULL, 0, &made, &made_size,
                                 with_endorsements ? &endorsed : NULL,
                                 with_endorsements ? &endorsed_size : NULL);
    }
    if (result == OE_OK) {
        result = hand_out(made, made_size, evidence, cap, size);
    }
    if (result == OE_OK) {
        result =
            hand_out(endorsed, endorsed_size, endorsements, endorsements_cap, endorsements_size);
    }
    (void)oe_free_evidence(made);
    (void)oe_free_endorsements(endorsed);
    (void)oe_attester_shutdown();
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the ecall's */
oe_result_t oeutil_certificate(const uint8_t *private_key, size_t private_size,
                               const uint8_t *public_key, size_t public_size, uint8_t *certificate,
                               size_t cap, size_t *size)
{
    static const oe_uuid_t format = {OE_FORMAT_UUID_SGX_ECDSA};
    uint8_t *made = NULL;
    size_t made_size = 0;
    oe_result_t result = oe_attester_initialize();

    if (result == OE_OK) {
        result = oe_get_attestation_certificate_with_evidence_v2(
            &format, NULL, private_key, private_size, public_key, public_size, NULL, 0, &made,
            &made_size);
    }
    if (result == OE_OK) {
        result = hand_out(made, made_size, certificate, cap, size);
    }
    oe_free_attestation_certificate(made);
    (void)oe_attester_shutdown();
    return result;
}

oe_result_t oeutil_report(uint8_t *report, size_t cap, size_t *size)
{
    uint8_t *made = NULL;
    size_t made_size = 0;
    oe_result_t result =
        oe_get_report(OE_REPORT_FLAGS_REMOTE_ATTESTATION, NULL, 0, NULL, 0, &made, &made_size);

    if (result == OE_OK) {
        result = hand_out(made, made_size, report, cap, size);
    }
    oe_free_report(made);
    return result;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 512, 64, 1);
