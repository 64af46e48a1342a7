/* Enclaves of tests/attest on the emulator, and the calls into them that most tests make. */
#ifndef CM_TESTS_ATTEST_TWINS_H
#define CM_TESTS_ATTEST_TWINS_H

#include "harness.h"

#include <openenclave/attestation/custom_claims.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include <openenclave/host_verify.h>

#include "attest_u.h"

#define CAP          (64u * 1024)
#define CAP_ENDORSED (256u * 1024)

static const oe_uuid_t id_ecdsa = {OE_FORMAT_UUID_SGX_ECDSA};
static const oe_uuid_t id_raw = {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA};
static const oe_uuid_t id_legacy = {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE};
static const oe_uuid_t id_local = {OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION};

static const uint8_t data_bound[] = "bound to the evidence";

static inline oe_enclave_t *twin(bool debug)
{
    uint32_t flags = OE_ENCLAVE_FLAG_SIMULATE | (debug ? OE_ENCLAVE_FLAG_DEBUG : 0);
    oe_enclave_t *e = NULL;
    oe_result_t result = OE_FAILURE;

    if (oe_create_attest_enclave(ENCLAVE, OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &e) != OE_OK ||
        enc_initialize(e, &result, true, true, true) != OE_OK || result != OE_OK) {
        (void)printf("cannot go on: no enclave\n");
        exit(2);
    }
    return e;
}

struct bytes {
    uint8_t *data;
    size_t size;
};

static inline struct bytes room(size_t cap)
{
    struct bytes b = {calloc(1, cap), 0};

    if (b.data == NULL) {
        exit(2);
    }
    return b;
}

static inline oe_result_t evidence_of(oe_enclave_t *e, const oe_uuid_t *id, uint32_t flags,
                                      const struct bytes *settings, struct bytes *evidence,
                                      struct bytes *endorsements)
{
    size_t ignored = 0;
    oe_result_t result = OE_UNEXPECTED;
    oe_result_t call = enc_evidence(
        e, &result, id, flags, data_bound, sizeof(data_bound),
        settings == NULL ? NULL : settings->data, settings == NULL ? 0 : settings->size,
        evidence->data, CAP, &evidence->size, endorsements == NULL ? NULL : endorsements->data,
        endorsements == NULL ? 0 : CAP_ENDORSED,
        endorsements == NULL ? &ignored : &endorsements->size);

    return call == OE_OK ? result : call;
}

/* the claims as one buffer in claims; NULL when they do not matter */
static inline oe_result_t verify_in(oe_enclave_t *e, const oe_uuid_t *id, struct bytes evidence,
                                    struct bytes endorsements, struct bytes *claims)
{
    size_t ignored = 0;
    oe_result_t result = OE_UNEXPECTED;
    struct bytes none = room(CAP_ENDORSED);
    struct bytes *out = claims == NULL ? &none : claims;
    oe_result_t call = enc_verify(e, &result, id, evidence.data, evidence.size, endorsements.data,
                                  endorsements.size, NULL, out->data, CAP_ENDORSED,
                                  claims == NULL ? &ignored : &claims->size);

    free(none.data);
    return call == OE_OK ? result : call;
}

static inline oe_result_t report_of(oe_enclave_t *e, uint32_t flags, struct bytes opt,
                                    struct bytes *report)
{
    oe_result_t result = OE_UNEXPECTED;
    oe_result_t call = enc_report(e, &result, flags, data_bound, sizeof(data_bound), opt.data,
                                  opt.size, report->data, CAP, &report->size);

    return call == OE_OK ? result : call;
}

static inline oe_result_t settings_of(oe_enclave_t *e, struct bytes *settings)
{
    oe_result_t result = OE_UNEXPECTED;
    oe_result_t call = enc_settings(e, &result, &id_local, settings->data, &settings->size);

    return call == OE_OK ? result : call;
}

static inline oe_result_t verify_report_in(oe_enclave_t *e, struct bytes report,
                                           oe_identity_t *identity)
{
    oe_result_t result = OE_UNEXPECTED;
    oe_result_t call = enc_verify_report(e, &result, report.data, report.size, identity);

    return call == OE_OK ? result : call;
}

static const struct bytes nothing = {NULL, 0};

#endif
