/*
 * Evidence headers, where quotes end, and endorsements: no input may crash, what parses lies inside
 * the input, and endorsements made of parsed ones are the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/attest_wire.h"
#include "evidence/timefmt.h"
#include "inside.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void endorsements(struct cm_span in)
{
    struct cm_endorsements e;
    struct cm_endorsements again;
    uint8_t *made = NULL;
    size_t size = 0;

    if (cm_endorsements_parse(in, &e) != OE_OK) {
        return;
    }
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        inside(in, e.items[i]);
    }
    if (cm_endorsements_make(&e.collateral, cm_span_make(NULL, 0), 0, &made, &size) != OE_OK) {
        return; /* terminators may have made it too long */
    }
    if (cm_endorsements_parse(cm_span_make(made, size), &again) != OE_OK ||
        again.collateral.tcb_info.len != e.collateral.tcb_info.len ||
        again.collateral.pck_crl.len != e.collateral.pck_crl.len ||
        (e.collateral.tcb_info.len != 0 &&
         memcmp(again.collateral.tcb_info.ptr, e.collateral.tcb_info.ptr,
                e.collateral.tcb_info.len) != 0)) {
        abort();
    }
    free(made);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_span part = {NULL, 0};
    struct cm_span rest = {NULL, 0};
    oe_uuid_t id;

    if (cm_quote_split(whole, &part, &rest) == CM_OK &&
        (part.ptr != data || part.len + rest.len != size)) {
        abort();
    }
    if (cm_attest_unwrap(whole, &id, &part) == OE_OK) {
        if (part.len != size - CM_ATTEST_HEADER_SIZE) {
            abort();
        }
        inside(whole, part);
        endorsements(part);
    }
    endorsements(whole);
    return 0;
}
