/* Custom claims; see openenclave/attestation/custom_claims.h. The buffer is UNTRUSTED. */
#include <openenclave/attestation/custom_claims.h>

#include <openenclave/attestation/verifier.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attest_claims.h"
#include "common/checked.h"
#include "common/reader.h"
#include "common/writer.h"

#define HEADER_SIZE 16u
#define ENTRY_SIZE  16u

oe_result_t oe_serialize_custom_claims(const oe_claim_t *custom_claims, size_t custom_claims_length,
                                       uint8_t **claims_out, size_t *claims_size_out)
{
    size_t total = HEADER_SIZE;
    struct cm_wr wr = {0};
    uint8_t *buffer = NULL;

    if (claims_out == NULL || claims_size_out == NULL ||
        (custom_claims == NULL && custom_claims_length != 0)) {
        return OE_INVALID_PARAMETER;
    }
    for (size_t i = 0; i < custom_claims_length; i++) {
        const oe_claim_t *c = &custom_claims[i];

        if (c->name == NULL || (c->value == NULL && c->value_size != 0)) {
            return OE_INVALID_PARAMETER;
        }
        if (cm_add_ovf(total, ENTRY_SIZE + strlen(c->name) + 1, &total) ||
            cm_add_ovf(total, c->value_size, &total)) {
            return OE_INTEGER_OVERFLOW;
        }
    }
    buffer = malloc(total);
    if (buffer == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    wr = cm_wr_init(buffer, total);
    cm_wr_u64le(&wr, OE_CUSTOM_CLAIMS_VERSION);
    cm_wr_u64le(&wr, custom_claims_length);
    for (size_t i = 0; i < custom_claims_length; i++) {
        const oe_claim_t *c = &custom_claims[i];

        cm_wr_u64le(&wr, strlen(c->name) + 1);
        cm_wr_u64le(&wr, c->value_size);
        cm_wr_bytes(&wr, c->name, strlen(c->name) + 1);
        cm_wr_bytes(&wr, c->value, c->value_size);
    }
    if (cm_wr_finish(&wr) != CM_OK || wr.used != total) {
        free(buffer); /* the caller's claims changed meanwhile */
        return OE_INVALID_PARAMETER;
    }
    *claims_out = buffer;
    *claims_size_out = total;
    return OE_OK;
}

oe_result_t oe_deserialize_custom_claims(const uint8_t *claims_buffer, size_t claims_buffer_size,
                                         oe_claim_t **claims_out, size_t *claims_length_out)
{
    struct cm_rd rd = cm_rd_init(cm_span_make(claims_buffer, claims_buffer_size));
    struct cm_claims list = {NULL, 0, 0, false};
    uint64_t version = 0;
    uint64_t count = 0;

    if (claims_buffer == NULL || claims_out == NULL || claims_length_out == NULL) {
        return OE_INVALID_PARAMETER;
    }
    version = cm_rd_u64le(&rd);
    count = cm_rd_u64le(&rd);
    if (rd.bad || version != OE_CUSTOM_CLAIMS_VERSION || count > rd.left / ENTRY_SIZE) {
        return OE_INVALID_PARAMETER;
    }
    for (uint64_t i = 0; i < count && !rd.bad && !list.bad; i++) {
        uint64_t name_size = cm_rd_u64le(&rd);
        uint64_t value_size = cm_rd_u64le(&rd);
        struct cm_span name = cm_rd_take(&rd, name_size);
        struct cm_span value = cm_rd_take(&rd, value_size);

        if (rd.bad || name.len == 0 || memchr(name.ptr, 0, name.len) != name.ptr + name.len - 1) {
            rd.bad = true;
        } else {
            cm_claims_add(&list, (const char *)name.ptr, value.ptr, value.len);
        }
    }
    if (cm_rd_finish(&rd) != CM_OK) {
        cm_claims_free(&list);
        return OE_INVALID_PARAMETER;
    }
    if (count == 0) {
        list.items = calloc(1, sizeof(*list.items)); /* nothing, but not NULL */
        list.bad = list.items == NULL;
    }
    return cm_claims_done(&list, claims_out, claims_length_out);
}

oe_result_t oe_free_serialized_custom_claims(uint8_t *custom_claims_buffer)
{
    free(custom_claims_buffer);
    return OE_OK;
}

oe_result_t oe_free_custom_claims(oe_claim_t *custom_claims, size_t custom_claims_length)
{
    return oe_free_claims(custom_claims, custom_claims_length);
}
