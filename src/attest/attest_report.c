/*
 * Remote reports of the older API verified, and endorsements fetched, in host and enclave alike.
 * Everything is UNTRUSTED until it is verified.
 */
#include "attest/attest_report.h"

#include <openenclave/attestation/sgx/evidence.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attest_side.h"

oe_result_t cm_report_verify_remote(struct cm_span report, struct cm_span endorsements,
                                    oe_report_t *parsed_report)
{
    const struct cm_attest_policy policy = {.has_time = false};
    struct cm_attest_verdict v;
    struct cm_span quote = {NULL, 0};
    enum cm_report_type type = CM_REPORT_LOCAL;
    oe_report_t parsed;
    oe_result_t result = cm_report_parse(report, &type, &parsed);

    if (result != OE_OK) {
        return result;
    }
    if (type != CM_REPORT_REMOTE) {
        return OE_UNSUPPORTED;
    }
    quote = cm_span_make(parsed.enclave_report, parsed.enclave_report_size);
    result = cm_attest_verify_quote(quote, endorsements, &policy, &v);
    if ((result == OE_OK || result == OE_TCB_LEVEL_INVALID) && parsed_report != NULL) {
        parsed.verification_result = (uint32_t)v.status;
        *parsed_report = parsed;
    }
    cm_attest_verdict_free(&v);
    return result;
}

oe_result_t oe_verify_remote_report(const uint8_t *report, size_t report_size,
                                    const uint8_t *endorsements, size_t endorsements_size,
                                    oe_report_t *parsed_report)
{
    if (report == NULL || (endorsements == NULL && endorsements_size != 0)) {
        return OE_INVALID_PARAMETER;
    }
    return cm_report_verify_remote(cm_span_make(report, report_size),
                                   cm_span_make(endorsements, endorsements_size), parsed_report);
}

/* -------------------------------------------------------------- endorsements */

oe_result_t oe_get_sgx_endorsements(const uint8_t *quote, size_t quote_size,
                                    const uint8_t *baseline, size_t baseline_size,
                                    uint8_t **endorsements_buffer, size_t *endorsements_buffer_size)
{
    struct cm_endorsements parsed;
    struct cm_quote q;
    struct cm_why why = {{0}};
    uint8_t *fetched = NULL;
    size_t size = 0;
    oe_result_t result = OE_OK;

    if (quote == NULL || (baseline == NULL) != (baseline_size == 0) ||
        endorsements_buffer == NULL || endorsements_buffer_size == NULL ||
        cm_quote_parse(cm_span_make(quote, quote_size), &q, &why) != CM_OK) {
        return OE_INVALID_PARAMETER;
    }
    *endorsements_buffer = NULL;
    *endorsements_buffer_size = 0;
    result = cm_attest_fetch(cm_span_make(quote, quote_size),
                             cm_span_make(baseline, baseline == NULL ? 0 : baseline_size), &fetched,
                             &size);
    if (result == OE_OK) {
        result = cm_endorsements_parse(cm_span_make(fetched, size), &parsed);
    }
    if (result != OE_OK) {
        free(fetched);
        return result;
    }
    *endorsements_buffer = fetched;
    *endorsements_buffer_size = size;
    return OE_OK;
}

void oe_free_sgx_endorsements(uint8_t *endorsements_buffer)
{
    free(endorsements_buffer);
}
