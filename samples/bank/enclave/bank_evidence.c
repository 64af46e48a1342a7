/* See bank_evidence.h. */
#include "bank_evidence.h"

#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/enclave.h>
#include <openssl/evp.h>
#include <string.h>

#include "../common/bank_text.h"

enum bank_status bank_evidence_make(const uint8_t key[BANK_KEY_SIZE],
                                    const uint8_t nonce[BANK_NONCE_SIZE], uint8_t *out,
                                    size_t capacity, size_t *size, struct bank_why *why)
{
    static const oe_uuid_t format = {OE_FORMAT_UUID_SGX_ECDSA};
    struct bank_bound bound;
    uint8_t *evidence = NULL;
    size_t n = 0;
    oe_result_t r = oe_attester_initialize();

    memcpy(bound.nonce, nonce, sizeof(bound.nonce));
    memcpy(bound.key, key, sizeof(bound.key));
    if (r == OE_OK) {
        r = oe_get_evidence(&format, 0, &bound, sizeof(bound), NULL, 0, &evidence, &n, NULL, NULL);
    }
    if (r != OE_OK) {
        return bank_fail(why, BANK_IO, "no evidence: %s", oe_result_str(r));
    }
    if (n <= capacity) {
        memcpy(out, evidence, n);
        *size = n;
    }
    (void)oe_free_evidence(evidence);
    return n <= capacity ? BANK_OK : bank_fail(why, BANK_LIMIT, "evidence of %zu bytes", n);
}

enum bank_status bank_evidence_report(const char *text, uint8_t *out, size_t capacity, size_t *size,
                                      struct bank_why *why)
{
    uint8_t digest[32];
    uint8_t *report = NULL;
    size_t n = 0;
    oe_result_t r = OE_CRYPTO_ERROR;

    if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) == 1) {
        r = oe_get_report(OE_REPORT_FLAGS_REMOTE_ATTESTATION, digest, sizeof(digest), NULL, 0,
                          &report, &n);
    }
    if (r != OE_OK) {
        return bank_fail(why, BANK_IO, "no report: %s", oe_result_str(r));
    }
    if (n <= capacity) {
        memcpy(out, report, n);
        *size = n;
    }
    oe_free_report(report);
    return n <= capacity ? BANK_OK : bank_fail(why, BANK_LIMIT, "a report of %zu bytes", n);
}
