/* Collateral from the host: UNTRUSTED bytes, at most as many as there is room for. */
#include <stdlib.h>
#include <string.h>

#include "attest/attest_inside.h"
#include "attest/attest_side.h"

oe_result_t cm_attest_fetch(struct cm_span quote, struct cm_span baseline, uint8_t **out,
                            size_t *size)
{
    uint8_t *buffer = malloc(CM_ATTEST_MAX_FETCH);
    uint8_t *exact = NULL;
    size_t got = 0;
    oe_result_t retval = OE_UNEXPECTED;
    oe_result_t result = OE_OUT_OF_MEMORY;

    if (buffer == NULL) {
        return result;
    }
    result = baseline.ptr == NULL
                 ? oe_get_quote_verification_collateral_ocall(&retval, quote.ptr, quote.len, buffer,
                                                              CM_ATTEST_MAX_FETCH, &got)
                 : oe_get_quote_verification_collateral_with_baseline_ocall(
                       &retval, quote.ptr, quote.len, baseline.ptr, baseline.len, buffer,
                       CM_ATTEST_MAX_FETCH, &got);
    result = cm_attest_answer(result, &retval);
    if (result == OE_OK && (got == 0 || got > CM_ATTEST_MAX_FETCH)) {
        result = OE_INVALID_ENDORSEMENT; /* C1: the host says more than there is */
    }
    if (result == OE_OK) {
        exact = malloc(got);
        result = exact == NULL ? OE_OUT_OF_MEMORY : OE_OK;
    }
    if (result == OE_OK) {
        memcpy(exact, buffer, got);
        *out = exact;
        *size = got;
    }
    free(buffer);
    return result;
}
