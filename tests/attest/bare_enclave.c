/* See bare.edl. */
#include <casemate/attest.h>
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/enclave.h>
#include <string.h>

#include "bare_t.h"

oe_result_t bare_evidence(bool local, uint8_t *evidence, size_t cap, size_t *size)
{
    static const oe_uuid_t ids[2] = {{OE_FORMAT_UUID_SGX_ECDSA},
                                     {OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION}};
    uint8_t *made = NULL;
    oe_result_t result = OE_OK;

    (void)oe_attester_initialize();
    (void)oe_verifier_initialize();
    result = oe_get_evidence(&ids[local ? 1 : 0], OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID, NULL, 0, NULL,
                             0, &made, size, NULL, NULL);
    if (result == OE_OK && *size <= cap) {
        memcpy(evidence, made, *size);
    }
    (void)oe_free_evidence(made);
    return result;
}

oe_result_t bare_verify(const uint8_t *evidence, size_t evidence_size, const uint8_t *endorsements,
                        size_t endorsements_size)
{
    return oe_verify_evidence(NULL, evidence, evidence_size, endorsements, endorsements_size, NULL,
                              0, NULL, NULL);
}

void bare_accept(void)
{
    cm_attest_accept_emulated();
}

OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 1);
