/*
 * The verifier of the public API: openenclave/attestation/verifier.h. Finds the format, splits the
 * evidence, has it verified and turns the result into claims. Host and enclave.
 */
#include <openenclave/attestation/verifier.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>

#include "attest/attest_quote.h"
#include "attest/attest_side.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

enum format { FORMAT_LOCAL, FORMAT_ECDSA, FORMAT_LEGACY, FORMAT_RAW, FORMAT_TDX, FORMATS };

static const oe_uuid_t uuids[FORMATS] = {
    [FORMAT_LOCAL] = {OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION},
    [FORMAT_ECDSA] = {OE_FORMAT_UUID_SGX_ECDSA},
    [FORMAT_LEGACY] = {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE},
    [FORMAT_RAW] = {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA},
    [FORMAT_TDX] = {OE_FORMAT_UUID_TDX_QUOTE_ECDSA},
};

static atomic_bool sgx_ready;
static atomic_bool tdx_ready;

static bool ready(enum format f)
{
    switch (f) {
    case FORMAT_LOCAL:
        return atomic_load(&sgx_ready) && cm_attest_has_local();
    case FORMAT_TDX:
        return atomic_load(&tdx_ready);
    case FORMAT_ECDSA:
    case FORMAT_LEGACY:
    case FORMAT_RAW:
        return atomic_load(&sgx_ready);
    case FORMATS:
        break;
    }
    return false;
}

static enum format find(const oe_uuid_t *id)
{
    for (int f = 0; f < FORMATS; f++) {
        if (ready((enum format)f) && cm_uuid_equal(&uuids[f], id)) {
            return (enum format)f;
        }
    }
    return FORMATS;
}

oe_result_t oe_verifier_initialize(void)
{
    atomic_store(&sgx_ready, true);
    return OE_OK;
}

oe_result_t oe_verifier_shutdown(void)
{
    atomic_store(&sgx_ready, false);
    return OE_OK;
}

oe_result_t oe_tdx_verifier_initialize(void)
{
    atomic_store(&tdx_ready, true);
    return OE_OK;
}

oe_result_t oe_tdx_verifier_shutdown(void)
{
    atomic_store(&tdx_ready, false);
    return OE_OK;
}

oe_result_t oe_verifier_get_formats(oe_uuid_t **format_ids, size_t *format_ids_length)
{
    oe_uuid_t *list = NULL;
    size_t count = 0;

    if (format_ids == NULL || format_ids_length == NULL) {
        return OE_INVALID_PARAMETER;
    }
    list = malloc(sizeof(uuids));
    if (list == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    for (int f = 0; f < FORMATS; f++) {
        if (ready((enum format)f)) {
            list[count++] = uuids[f];
        }
    }
    if (count == 0) {
        free(list);
        return OE_NOT_FOUND;
    }
    *format_ids = list;
    *format_ids_length = count;
    return OE_OK;
}

oe_result_t oe_verifier_free_formats(oe_uuid_t *format_ids)
{
    free(format_ids);
    return OE_OK;
}

oe_result_t oe_verifier_get_format_settings(const oe_uuid_t *format_id, uint8_t **settings,
                                            size_t *settings_size)
{
    enum format f = FORMATS;
    uint8_t *target = NULL;
    oe_result_t result = OE_OK;

    if (format_id == NULL || settings == NULL || settings_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *settings = NULL;
    *settings_size = 0;
    f = find(format_id);
    if (f != FORMAT_LOCAL) {
        return f == FORMATS ? OE_NOT_FOUND : OE_OK;
    }
    target = malloc(CM_SGX_TARGET_INFO_SIZE);
    if (target == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    result = cm_attest_target_info(target);
    if (result != OE_OK) {
        free(target);
        return result;
    }
    *settings = target;
    *settings_size = CM_SGX_TARGET_INFO_SIZE;
    return OE_OK;
}

oe_result_t oe_verifier_free_format_settings(uint8_t *settings)
{
    free(settings);
    return OE_OK;
}

/* ---------------------------------------------------------------- evidence */

/* One verification under way. */
struct job {
    enum format format;
    struct cm_span evidence;
    struct cm_span endorsements; /* ptr NULL: none were given */
    struct cm_attest_policy policy;
    struct cm_claims claims;
};

/* Report data that the custom claims must have: their hash, then zeros. */
static oe_result_t check_hash(struct cm_span claims, struct cm_span report_data)
{
    uint8_t want[64] = {0};

    if (cm_sha256_of(claims, want) != CM_OK) {
        return OE_CRYPTO_ERROR;
    }
    if (!cm_ct_equal(want, report_data.ptr, sizeof(want))) {
        cm_attest_refused("custom claims", "not those that the report data are the hash of");
        return OE_QUOTE_HASH_MISMATCH;
    }
    return OE_OK;
}

static void add_custom(struct job *j, struct cm_span custom)
{
    if (custom.len != 0) {
        cm_claims_add(&j->claims, OE_CLAIM_CUSTOM_CLAIMS_BUFFER, custom.ptr, custom.len);
    }
}

static oe_result_t sgx_quote_claims(struct job *j, const struct cm_attest_verdict *v,
                                    struct cm_span quote)
{
    cm_claims_sgx(&j->claims, &v->quote.sgx, &uuids[j->format], true);
    cm_claims_platform(&j->claims, v->evidence, quote, v->status);
    return cm_claims_sgx_collateral(&j->claims, &v->endorsements, v->lent.platform, quote);
}

static void td_quote_claims(struct job *j, const struct cm_attest_verdict *v, struct cm_span quote)
{
    cm_claims_td_required(&j->claims, &v->quote.td, &uuids[j->format]);
    cm_claims_td(&j->claims, &v->quote.td);
    cm_claims_platform(&j->claims, v->evidence, quote, v->status);
    cm_claims_tdx_collateral(&j->claims, v->evidence);
}

/* The quote and, where the format has them, the custom claims behind it. */
static oe_result_t split_quote(const struct job *j, struct cm_span *quote, struct cm_span *custom)
{
    enum cm_report_type type = CM_REPORT_LOCAL;
    oe_result_t result = OE_OK;

    *quote = j->evidence;
    *custom = cm_span_make(NULL, 0);
    if (j->format == FORMAT_LEGACY) {
        result = cm_report_unwrap(j->evidence, &type, quote);
        return result == OE_OK && type != CM_REPORT_REMOTE ? OE_INVALID_PARAMETER : result;
    }
    if (j->format == FORMAT_ECDSA || j->format == FORMAT_TDX) {
        enum cm_status st = cm_quote_split(j->evidence, quote, custom);

        if (st != CM_OK) {
            return st == CM_ERR_UNSUPPORTED ? OE_UNSUPPORTED : OE_INVALID_PARAMETER;
        }
    }
    if (j->format == FORMAT_TDX) { /* in the wild quotes fill buffers of a fixed size with zeros */
        for (size_t i = 0; i < custom->len; i++) {
            if (custom->ptr[i] != 0) {
                return OE_INVALID_PARAMETER;
            }
        }
    }
    return OE_OK;
}

static oe_result_t verify_quote(struct job *j)
{
    static const char emulated[] = "EMULATED";
    struct cm_attest_verdict v;
    struct cm_span quote = {NULL, 0};
    struct cm_span custom = {NULL, 0};
    oe_result_t result = split_quote(j, &quote, &custom);

    if (result != OE_OK) {
        cm_attest_refused("format", "no quote where this evidence format has one");
        return result;
    }
    result = cm_attest_verify_quote(quote, j->endorsements, &j->policy, &v);
    if (result == OE_OK || result == OE_TCB_LEVEL_INVALID) {
        oe_result_t bound = OE_OK;

        if ((v.quote.tee == CM_QUOTE_TEE_TDX) != (j->format == FORMAT_TDX)) {
            bound = OE_INVALID_PARAMETER;
        } else if (j->format == FORMAT_ECDSA) {
            bound = check_hash(custom, v.quote.sgx.reportdata);
        }
        if (bound == OE_OK && j->format != FORMAT_TDX) {
            bound = sgx_quote_claims(j, &v, quote);
        }
        if (bound != OE_OK) {
            result = bound;
        } else if (j->format == FORMAT_TDX) {
            td_quote_claims(j, &v, quote);
        } else if (j->format == FORMAT_ECDSA) {
            add_custom(j, custom);
        } else {
            cm_claims_add(&j->claims, OE_CLAIM_SGX_REPORT_DATA, v.quote.sgx.reportdata.ptr,
                          v.quote.sgx.reportdata.len);
        }
        if (v.emulated) {
            cm_claims_add(&j->claims, CM_OE_CLAIM_EMULATED, emulated, sizeof(emulated));
        }
    }
    cm_attest_verdict_free(&v);
    return result;
}

static oe_result_t verify_local(struct job *j)
{
    struct cm_span body = cm_span_make(j->evidence.ptr, CM_SGX_BODY_SIZE);
    struct cm_span custom = {NULL, 0};
    struct cm_sgx_body b;
    oe_result_t result = OE_OK;

    if (j->evidence.len < CM_SGX_REPORT_SIZE || j->endorsements.ptr != NULL) {
        return OE_INVALID_PARAMETER; /* no REPORT, or endorsements, which it does not have */
    }
    custom =
        cm_span_make(j->evidence.ptr + CM_SGX_REPORT_SIZE, j->evidence.len - CM_SGX_REPORT_SIZE);
    result = cm_attest_local_verify(j->evidence.ptr);
    if (result != OE_OK) {
        return result;
    }
    if (cm_sgx_body_parse(body, &b) != CM_OK) {
        return OE_UNEXPECTED;
    }
    result = cm_attest_debug_allowed(b.flags) ? check_hash(custom, b.reportdata) : OE_VERIFY_FAILED;
    if (result == OE_OK) {
        cm_claims_sgx(&j->claims, &b, &uuids[j->format], false);
        add_custom(j, custom);
    }
    return result;
}

/* Evidence and endorsements behind headers that name one format. */
static oe_result_t unwrap(struct job *j)
{
    oe_uuid_t evidence_id;
    oe_uuid_t endorsements_id;
    oe_result_t result = cm_attest_unwrap(j->evidence, &evidence_id, &j->evidence);

    if (result != OE_OK) {
        return result;
    }
    j->format = find(&evidence_id);
    if (j->format == FORMATS) {
        return OE_NOT_FOUND;
    }
    if (j->endorsements.ptr != NULL) {
        result = cm_attest_unwrap(j->endorsements, &endorsements_id, &j->endorsements);
        if (result == OE_OK && !cm_uuid_equal(&evidence_id, &endorsements_id)) {
            result = OE_CONSTRAINT_FAILED;
        }
    }
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_verify_evidence(const oe_uuid_t *format_id, const uint8_t *evidence_buffer,
                               size_t evidence_buffer_size, const uint8_t *endorsements_buffer,
                               size_t endorsements_buffer_size, const oe_policy_t *policies,
                               size_t policies_size, oe_claim_t **claims, size_t *claims_length)
{
    struct job j = {.format = FORMATS,
                    .evidence = {evidence_buffer, evidence_buffer_size},
                    .endorsements = {endorsements_buffer, endorsements_buffer_size}};
    oe_result_t result = OE_OK;
    oe_result_t done = OE_OK;

    cm_attest_refusal_clear();
    if (claims != NULL) {
        *claims = NULL;
    }
    if (claims_length != NULL) {
        *claims_length = 0;
    }
    if (evidence_buffer == NULL || (endorsements_buffer == NULL && endorsements_buffer_size != 0) ||
        (claims == NULL) != (claims_length == NULL)) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_attest_policies(policies, policies_size, &j.policy);
    if (result != OE_OK) {
        return result;
    }
    if (format_id == NULL) {
        result = unwrap(&j);
    } else {
        j.format = find(format_id);
        result = j.format == FORMATS ? OE_NOT_FOUND : OE_OK;
    }
    if (result != OE_OK) {
        return result;
    }
    result = j.format == FORMAT_LOCAL ? verify_local(&j) : verify_quote(&j);
    if (claims == NULL || (result != OE_OK && result != OE_TCB_LEVEL_INVALID)) {
        cm_claims_free(&j.claims);
        return result;
    }
    done = cm_claims_done(&j.claims, claims, claims_length);
    return done == OE_OK ? result : done;
}
