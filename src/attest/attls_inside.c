/* Certificates of attested TLS for this enclave; openenclave/bits/attls.h says what they promise. */
#include <openenclave/attestation/attester.h>
#include <openenclave/enclave.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attls_cert.h"
#include "attest/attls_make.h"
#include "crypto/crypto.h"

/* What a caller wants, in any of the four forms of the call. */
struct call {
    const unsigned char *subject;
    struct cm_span private_pem;
    struct cm_span public_pem;
    uint8_t **out;
    size_t *out_len;
};

static bool inside(struct cm_span s)
{
    return s.ptr != NULL && s.len != 0 && oe_is_within_enclave(s.ptr, s.len);
}

/* The keys, after everything that the caller gave has been looked at. */
static oe_result_t begin(const struct call *c, struct cm_attls_keys **keys)
{
    *keys = NULL;
    if (c->out == NULL || c->out_len == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *c->out = NULL;
    *c->out_len = 0;
    if (!inside(c->private_pem) || !inside(c->public_pem) ||
        (c->subject != NULL && !oe_is_within_enclave(c->subject, 1))) {
        return OE_INVALID_PARAMETER;
    }
    return cm_attls_keys_read(c->private_pem, c->public_pem, keys);
}

static oe_result_t finish(const struct call *c, const struct cm_attls_keys *keys,
                          struct cm_attls_wanted *want)
{
    want->subject = (const char *)c->subject;
    return cm_attls_cert_make(keys, want, c->out, c->out_len);
}

/* NOLINTBEGIN(readability-function-size,readability-non-const-parameter): the API's parameters */
oe_result_t oe_get_attestation_certificate_with_evidence_v2(
    const oe_uuid_t *format_id, const unsigned char *subject_name, const uint8_t *private_key,
    size_t private_key_size, const uint8_t *public_key, size_t public_key_size,
    const void *optional_parameters, size_t optional_parameters_size, uint8_t **output_certificate,
    size_t *output_certificate_size)
{
    const struct call c = {subject_name, cm_span_make(private_key, private_key_size),
                           cm_span_make(public_key, public_key_size), output_certificate,
                           output_certificate_size};
    struct cm_attls_wanted want = {.not_before = CM_ATTLS_NOT_BEFORE,
                                   .not_after = CM_ATTLS_NOT_AFTER,
                                   .oid = cm_attls_oid_evidence};
    struct cm_attls_keys *keys = NULL;
    char text[CM_ATTLS_MAX_PEM];
    size_t text_len = 0;
    uint8_t *evidence = NULL;
    size_t evidence_size = 0;
    oe_result_t result = begin(&c, &keys);

    if (result == OE_OK && format_id == NULL) {
        result = OE_INVALID_PARAMETER;
    }
    if (result == OE_OK) {
        result = cm_attls_keys_text(keys, text, sizeof(text), &text_len);
    }
    if (result == OE_OK) {
        result = oe_get_evidence(format_id, OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID, text, text_len,
                                 optional_parameters, optional_parameters_size, &evidence,
                                 &evidence_size, NULL, NULL);
    }
    if (result == OE_OK) {
        want.statement = cm_span_make(evidence, evidence_size);
        result = finish(&c, keys, &want);
    }
    (void)oe_free_evidence(evidence);
    cm_attls_keys_free(keys);
    return result;
}

oe_result_t oe_get_attestation_certificate_with_evidence(
    const oe_uuid_t *format_id, const unsigned char *subject_name, const uint8_t *private_key,
    size_t private_key_size, const uint8_t *public_key, size_t public_key_size,
    uint8_t **output_certificate, size_t *output_certificate_size)
{
    return oe_get_attestation_certificate_with_evidence_v2(
        format_id, subject_name, private_key, private_key_size, public_key, public_key_size, NULL,
        0, output_certificate, output_certificate_size);
}

oe_result_t oe_generate_attestation_certificate_v2(
    const unsigned char *subject_name, const uint8_t *private_key, size_t private_key_size,
    const uint8_t *public_key, size_t public_key_size, const char *date_not_valid_before,
    const char *date_not_valid_after, uint8_t **output_cert, size_t *output_cert_size)
{
    const struct call c = {subject_name, cm_span_make(private_key, private_key_size),
                           cm_span_make(public_key, public_key_size), output_cert,
                           output_cert_size};
    struct cm_attls_wanted want = {.not_before = date_not_valid_before,
                                   .not_after = date_not_valid_after,
                                   .oid = cm_attls_oid_report};
    struct cm_attls_keys *keys = NULL;
    char text[CM_ATTLS_MAX_PEM];
    size_t text_len = 0;
    uint8_t hash[CM_SHA256_SIZE];
    uint8_t *report = NULL;
    size_t report_size = 0;
    oe_result_t result = begin(&c, &keys);

    if (result == OE_OK) {
        result = cm_attls_keys_text(keys, text, sizeof(text), &text_len);
    }
    if (result == OE_OK && cm_sha256_of(cm_span_make(text, text_len), hash) != CM_OK) {
        result = OE_CRYPTO_ERROR;
    }
    if (result == OE_OK) {
        result = oe_get_report_v2(OE_REPORT_FLAGS_REMOTE_ATTESTATION, hash, sizeof(hash), NULL, 0,
                                  &report, &report_size);
    }
    if (result == OE_OK) {
        want.statement = cm_span_make(report, report_size);
        result = finish(&c, keys, &want);
    }
    oe_free_report(report);
    cm_attls_keys_free(keys);
    return result;
}

oe_result_t oe_generate_attestation_certificate(const unsigned char *subject_name,
                                                const uint8_t *private_key, size_t private_key_size,
                                                const uint8_t *public_key, size_t public_key_size,
                                                uint8_t **output_cert, size_t *output_cert_size)
{
    return oe_generate_attestation_certificate_v2(
        subject_name, private_key, private_key_size, public_key, public_key_size,
        CM_ATTLS_NOT_BEFORE, CM_ATTLS_NOT_AFTER, output_cert, output_cert_size);
}
/* NOLINTEND(readability-function-size,readability-non-const-parameter) */

void oe_free_attestation_certificate(uint8_t *cert)
{
    free(cert);
}
