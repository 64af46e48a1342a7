/*
 * Verifying the certificates of attested TLS, in host and enclave alike; openenclave/bits/attls.h
 * says what that means. The order: form, own signature, period, evidence, and that the evidence is
 * about the certificate's key. Nothing is given out before all of it holds.
 */
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/bits/attls.h>
#include <string.h>

#include "attest/attest_quote.h"
#include "attest/attest_report.h"
#include "attest/attest_side.h"
#include "attest/attls_cert.h"
#include "attest/attls_claims.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

static oe_result_t result_of(enum cm_status st)
{
    switch ((int)st) {
    case CM_OK:
        return OE_OK;
    case CM_ERR_NOTFOUND:
        return OE_NOT_FOUND;
    case CM_ERR_NOMEM:
        return OE_OUT_OF_MEMORY;
    case CM_ERR_CRYPTO:
        return OE_CRYPTO_ERROR;
    case CM_ERR_SIGNATURE:
        return OE_VERIFY_FAILED;
    default:
        return OE_INVALID_PARAMETER;
    }
}

/* Everything about the certificate but its evidence. */
static oe_result_t read_certificate(struct cm_span der, uint64_t now, struct cm_attls_cert *cert)
{
    struct cm_why why = {""};
    enum cm_status st = cm_attls_cert_read(der, cert, &why);

    if (st != CM_OK) {
        cm_attest_refused("certificate", why.text[0] != '\0' ? why.text : cm_status_str(st));
        return result_of(st);
    }
    if (now < cert->period.not_before || now > cert->period.not_after) {
        cm_attest_refused("certificate", "outside its period of validity");
        return OE_VERIFY_FAILED;
    }
    return OE_OK;
}

/* The bytes that evidence of this certificate must bind, with their terminator. */
struct key_text {
    char pem[CM_ATTLS_MAX_PEM];
    size_t len;
};

/* Attesters that do not count the terminator of their PEM text are understood as well. */
static bool is_key_text(const struct key_text *k, struct cm_span bytes)
{
    return (bytes.len == k->len || bytes.len + 1 == k->len) &&
           cm_ct_equal(bytes.ptr, k->pem, bytes.len);
}

/* Report data that are the hash of the key's text, then zeros. */
static bool is_key_hash(const struct key_text *k, struct cm_span report_data)
{
    for (size_t cut = 0; cut < 2; cut++) {
        uint8_t want[OE_REPORT_DATA_SIZE] = {0};

        if (report_data.len == sizeof(want) &&
            cm_sha256_of(cm_span_make(k->pem, k->len - cut), want) == CM_OK &&
            cm_ct_equal(want, report_data.ptr, sizeof(want))) {
            return true;
        }
    }
    return false;
}

static oe_result_t other_key(void)
{
    cm_attest_refused("certificate", "its evidence is about another key");
    return OE_QUOTE_HASH_MISMATCH;
}

static oe_result_t check_claims(const struct cm_attls_cert *cert, const oe_claim_t *claims,
                                size_t count)
{
    struct key_text k;
    struct cm_span bound = cm_attls_claim(
        claims, count, cert->legacy ? OE_CLAIM_SGX_REPORT_DATA : OE_CLAIM_CUSTOM_CLAIMS_BUFFER);

    if (cm_attls_pem(cert->spki, k.pem, sizeof(k.pem), &k.len) != CM_OK) {
        return OE_INVALID_PARAMETER;
    }
    if (cert->legacy ? is_key_hash(&k, bound) : is_key_text(&k, bound)) {
        return OE_OK;
    }
    return other_key();
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_verify_attestation_certificate_with_evidence_v2(
    const uint8_t *cert_in_der, size_t cert_in_der_len, const uint8_t *endorsements_buffer,
    size_t endorsements_buffer_size, const oe_policy_t *policies, size_t policies_size,
    oe_claim_t **claims, size_t *claims_length)
{
    static const oe_uuid_t legacy = {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE};
    struct cm_attls_cert cert;
    struct cm_attest_policy policy;
    oe_claim_t *found = NULL;
    size_t count = 0;
    oe_result_t result = OE_OK;
    oe_result_t bound = OE_OK;

    if (claims != NULL) {
        *claims = NULL;
    }
    if (claims_length != NULL) {
        *claims_length = 0;
    }
    if (cert_in_der == NULL || (claims == NULL) != (claims_length == NULL)) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_attest_policies(policies, policies_size, &policy);
    if (result == OE_OK) {
        result = read_certificate(cm_span_make(cert_in_der, cert_in_der_len),
                                  policy.has_time ? policy.time : cm_attest_now(), &cert);
    }
    if (result != OE_OK) {
        return result;
    }
    result = oe_verify_evidence(cert.legacy ? &legacy : NULL, cert.statement.ptr,
                                cert.statement.len, endorsements_buffer, endorsements_buffer_size,
                                policies, policies_size, &found, &count);
    if (result == OE_OK || result == OE_TCB_LEVEL_INVALID) {
        bound = check_claims(&cert, found, count);
        result = bound == OE_OK ? result : bound;
    }
    if ((result == OE_OK || result == OE_TCB_LEVEL_INVALID) && claims != NULL) {
        *claims = found;
        *claims_length = count;
    } else {
        (void)oe_free_claims(found, count);
    }
    return result;
}

static oe_result_t accept_any(void)
{
    cm_attest_show("a certificate was accepted from any enclave: no callback looks at it");
    return OE_OK;
}

oe_result_t
oe_verify_attestation_certificate_with_evidence(const uint8_t *cert_in_der, size_t cert_in_der_len,
                                                oe_verify_claims_callback_t claim_verify_callback,
                                                void *arg)
{
    oe_claim_t *claims = NULL;
    size_t count = 0;
    oe_result_t result = oe_verify_attestation_certificate_with_evidence_v2(
        cert_in_der, cert_in_der_len, NULL, 0, NULL, 0, &claims, &count);

    if (result == OE_OK) {
        result = claim_verify_callback != NULL ? claim_verify_callback(claims, count, arg)
                                               : accept_any();
    }
    (void)oe_free_claims(claims, count);
    return result;
}

oe_result_t
oe_verify_attestation_certificate(const uint8_t *cert_in_der, size_t cert_in_der_len,
                                  oe_identity_verify_callback_t enclave_identity_callback,
                                  void *arg)
{
    struct cm_attls_cert cert;
    struct key_text k;
    oe_report_t report;
    oe_result_t result = OE_OK;

    if (cert_in_der == NULL) {
        return OE_INVALID_PARAMETER;
    }
    result = read_certificate(cm_span_make(cert_in_der, cert_in_der_len), cm_attest_now(), &cert);
    if (result != OE_OK) {
        return result;
    }
    if (!cert.legacy) {
        cm_attest_refused("certificate", "it carries evidence, not a report of the older API");
        return OE_NOT_FOUND;
    }
    if (cm_attls_pem(cert.spki, k.pem, sizeof(k.pem), &k.len) != CM_OK) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_report_verify_remote(cert.statement, cm_span_make(NULL, 0), &report);
    if (result != OE_OK) {
        return result;
    }
    if (!is_key_hash(&k, cm_span_make(report.report_data, report.report_data_size))) {
        return other_key();
    }
    return enclave_identity_callback != NULL ? enclave_identity_callback(&report.identity, arg)
                                             : accept_any();
}
