/*
 * The attester of the public API: openenclave/attestation/attester.h.
 */
#include <openenclave/attestation/attester.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>

#include "attest/attest_inside.h"
#include "attest/attest_side.h"
#include "crypto/crypto.h"

static const oe_uuid_t local_id = {OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION};
static const oe_uuid_t ecdsa_id = {OE_FORMAT_UUID_SGX_ECDSA};

static atomic_bool initialized;

oe_result_t oe_attester_initialize(void)
{
    atomic_store(&initialized, true);
    return OE_OK;
}

oe_result_t oe_attester_shutdown(void)
{
    atomic_store(&initialized, false);
    return OE_OK;
}

/* Whether the host has anybody who makes quotes. Its word: a lie fails later, when it has none. */
static bool host_quotes(void)
{
    oe_uuid_t ids[8];
    oe_result_t retval = OE_UNEXPECTED;
    size_t size = 0;

    memset(ids, 0, sizeof(ids));
    if (cm_attest_answer(
            oe_get_supported_attester_format_ids_ocall(&retval, ids, sizeof(ids), &size),
            &retval) != OE_OK ||
        size > sizeof(ids)) {
        return false;
    }
    for (size_t i = 0; i < size / sizeof(ids[0]); i++) {
        if (cm_uuid_equal(&ids[i], &ecdsa_id)) {
            return true;
        }
    }
    return false;
}

oe_result_t oe_attester_select_format(const oe_uuid_t *format_ids, size_t format_ids_length,
                                      oe_uuid_t *selected_format_id)
{
    if (format_ids == NULL || format_ids_length == 0 || selected_format_id == NULL) {
        return OE_INVALID_PARAMETER;
    }
    for (size_t i = 0; atomic_load(&initialized) && i < format_ids_length; i++) {
        if (cm_uuid_equal(&format_ids[i], &local_id) ||
            (cm_uuid_equal(&format_ids[i], &ecdsa_id) && host_quotes())) {
            *selected_format_id = format_ids[i];
            return OE_OK;
        }
    }
    return OE_NOT_FOUND;
}

/* ---------------------------------------------------------------- evidence */

struct request {
    const oe_uuid_t *embed; /* the format to name, or NULL */
    struct cm_span claims;
    const void *settings;
    size_t settings_size;
};

/* Report data: the hash of the custom claims, then zeros. */
static oe_result_t hash_claims(struct cm_span claims, uint8_t data[64])
{
    memset(data, 0, 64);
    return cm_sha256_of(claims, data) == CM_OK ? OE_OK : OE_CRYPTO_ERROR;
}

static oe_result_t get_local(const struct request *r, uint8_t **evidence, size_t *size)
{
    uint8_t report[CM_SGX_REPORT_SIZE] = {0};
    uint8_t data[64];
    struct cm_span parts[2] = {{report, sizeof(report)}, r->claims};
    oe_result_t result = hash_claims(r->claims, data);

    if (result == OE_OK) {
        result = cm_attest_own_report(r->settings, r->settings_size,
                                      cm_span_make(data, sizeof(data)), report);
    }
    return result == OE_OK ? cm_attest_join(r->embed, parts, 2, evidence, size) : result;
}

/* Endorsements for our own quote, well formed; the verifier judges them. */
static oe_result_t get_endorsements(const struct request *r, struct cm_span quote,
                                    uint8_t **endorsements, size_t *size)
{
    struct cm_endorsements parsed;
    struct cm_span part = {NULL, 0};
    uint8_t *fetched = NULL;
    size_t fetched_size = 0;
    oe_result_t result = cm_attest_fetch(quote, cm_span_make(NULL, 0), &fetched, &fetched_size);

    if (result == OE_OK) {
        part = cm_span_make(fetched, fetched_size);
        result = cm_endorsements_parse(part, &parsed);
    }
    if (result == OE_OK) {
        result = cm_attest_join(r->embed, &part, 1, endorsements, size);
    }
    free(fetched);
    return result;
}

static oe_result_t get_ecdsa(const struct request *r, uint8_t **evidence, size_t *evidence_size,
                             uint8_t **endorsements, size_t *endorsements_size)
{
    uint8_t data[64];
    uint8_t *quote = NULL;
    uint8_t *endorsed = NULL;
    size_t size = 0;
    size_t endorsed_size = 0;
    struct cm_span parts[2] = {{NULL, 0}, r->claims};
    oe_result_t result = OE_OK;

    if (r->settings != NULL || r->settings_size != 0) {
        return OE_INVALID_PARAMETER;
    }
    result = hash_claims(r->claims, data);
    if (result == OE_OK) {
        result = cm_attest_own_quote(cm_span_make(data, sizeof(data)), &quote, &size);
    }
    if (result == OE_OK && endorsements != NULL) {
        result = get_endorsements(r, cm_span_make(quote, size), &endorsed, &endorsed_size);
    }
    if (result == OE_OK) {
        parts[0] = cm_span_make(quote, size);
        result = cm_attest_join(r->embed, parts, 2, evidence, evidence_size);
    }
    if (result == OE_OK && endorsements != NULL) {
        *endorsements = endorsed;
        *endorsements_size = endorsed_size;
        endorsed = NULL;
    }
    free(endorsed);
    free(quote);
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_get_evidence(const oe_uuid_t *format_id, uint32_t flags,
                            const void *custom_claims_buffer, size_t custom_claims_buffer_size,
                            const void *optional_parameters, size_t optional_parameters_size,
                            uint8_t **evidence_buffer, size_t *evidence_buffer_size,
                            uint8_t **endorsements_buffer, size_t *endorsements_buffer_size)
{
    struct request r = {NULL,
                        {custom_claims_buffer, custom_claims_buffer_size},
                        optional_parameters,
                        optional_parameters_size};

    if (evidence_buffer != NULL) {
        *evidence_buffer = NULL;
    }
    if (evidence_buffer_size != NULL) {
        *evidence_buffer_size = 0;
    }
    if (endorsements_buffer != NULL && endorsements_buffer_size != NULL) {
        *endorsements_buffer = NULL;
        *endorsements_buffer_size = 0;
    }
    if (format_id == NULL || evidence_buffer == NULL || evidence_buffer_size == NULL ||
        (endorsements_buffer == NULL) != (endorsements_buffer_size == NULL) ||
        (custom_claims_buffer == NULL && custom_claims_buffer_size != 0) ||
        (flags & ~(uint32_t)OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID) != 0) {
        return OE_INVALID_PARAMETER;
    }
    if ((flags & OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID) != 0) {
        r.embed = format_id;
    }
    if (!atomic_load(&initialized)) {
        return OE_NOT_FOUND;
    }
    if (cm_uuid_equal(format_id, &local_id)) {
        return get_local(&r, evidence_buffer, evidence_buffer_size);
    }
    if (cm_uuid_equal(format_id, &ecdsa_id)) {
        return get_ecdsa(&r, evidence_buffer, evidence_buffer_size, endorsements_buffer,
                         endorsements_buffer_size);
    }
    return OE_NOT_FOUND;
}

oe_result_t oe_free_evidence(uint8_t *evidence_buffer)
{
    free(evidence_buffer);
    return OE_OK;
}

oe_result_t oe_free_endorsements(uint8_t *endorsements_buffer)
{
    free(endorsements_buffer);
    return OE_OK;
}
