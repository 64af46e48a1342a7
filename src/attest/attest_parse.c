/*
 * Reports of the older API taken apart, in host and enclave alike. UNTRUSTED; nothing is verified.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/sgx.h"
#include "attest/attest_report.h"
#include "common/writer.h"

void cm_identity_of(const struct cm_sgx_body *body, bool remote, oe_identity_t *out)
{
    memset(out, 0, sizeof(*out));
    out->security_version = body->isvsvn;
    out->attributes = ((body->flags & SGX_ATTR_DEBUG) != 0 ? OE_REPORT_ATTRIBUTES_DEBUG : 0) |
                      (remote ? OE_REPORT_ATTRIBUTES_REMOTE : 0);
    memcpy(out->unique_id, body->mrenclave.ptr, sizeof(out->unique_id));
    memcpy(out->signer_id, body->mrsigner.ptr, sizeof(out->signer_id));
    out->product_id[0] = (uint8_t)(body->isvprodid & 0xff);
    out->product_id[1] = (uint8_t)(body->isvprodid >> 8);
}

/* Pointers of oe_report_t are not const, and the report's are: nobody writes through them here. */
static void set_report(struct cm_span inner, struct cm_span data, oe_report_t *out)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): how C drops a const */
    out->report_data = (uint8_t *)(uintptr_t)data.ptr;
    out->report_data_size = data.len;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    out->enclave_report = (uint8_t *)(uintptr_t)inner.ptr;
    out->enclave_report_size = inner.len;
}

static oe_result_t parse_body(struct cm_span report, enum cm_report_type *type,
                              struct cm_sgx_body *body, oe_report_t *out)
{
    struct cm_span inner = {NULL, 0};
    struct cm_quote quote;
    struct cm_why why = {{0}};
    oe_result_t result = cm_report_unwrap(report, type, &inner);

    memset(out, 0, sizeof(*out));
    if (result != OE_OK) {
        return result;
    }
    if (*type == CM_REPORT_LOCAL) {
        if (cm_sgx_body_parse(cm_span_make(inner.ptr, CM_SGX_BODY_SIZE), body) != CM_OK) {
            return OE_REPORT_PARSE_ERROR;
        }
    } else {
        if (cm_quote_parse(inner, &quote, &why) != CM_OK || quote.tee != CM_QUOTE_TEE_SGX) {
            return OE_REPORT_PARSE_ERROR;
        }
        *body = quote.sgx;
    }
    out->size = sizeof(*out);
    out->type = OE_ENCLAVE_TYPE_SGX;
    set_report(inner, body->reportdata, out);
    cm_identity_of(body, *type == CM_REPORT_REMOTE, &out->identity);
    return OE_OK;
}

oe_result_t cm_report_parse(struct cm_span report, enum cm_report_type *type, oe_report_t *out)
{
    struct cm_sgx_body body;

    return parse_body(report, type, &body, out);
}

oe_result_t oe_parse_report(const uint8_t *report, size_t report_size, oe_report_t *parsed_report)
{
    enum cm_report_type type = CM_REPORT_LOCAL;

    if (report == NULL || parsed_report == NULL) {
        return OE_INVALID_PARAMETER;
    }
    return cm_report_parse(cm_span_make(report, report_size), &type, parsed_report);
}

/* The layout of TARGETINFO: SDM volume 3D. */
oe_result_t oe_get_target_info_v2(const uint8_t *report, size_t report_size,
                                  void **target_info_buffer, size_t *target_info_size)
{
    struct cm_span in = cm_span_make(report, report_size);
    enum cm_report_type type = CM_REPORT_LOCAL;
    oe_report_t parsed;
    struct cm_sgx_body body;
    struct cm_wr wr = {0};
    uint8_t *out = NULL;
    oe_result_t result = OE_OK;

    if (report == NULL || target_info_buffer == NULL || target_info_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *target_info_buffer = NULL;
    *target_info_size = 0;
    result = parse_body(in, &type, &body, &parsed);
    if (result != OE_OK) {
        return result;
    }
    out = malloc(CM_SGX_TARGET_INFO_SIZE);
    if (out == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    wr = cm_wr_init(out, CM_SGX_TARGET_INFO_SIZE);
    cm_wr_bytes(&wr, body.mrenclave.ptr, body.mrenclave.len);
    cm_wr_bytes(&wr, body.attributes.ptr, body.attributes.len);
    cm_wr_u16le(&wr, 0);
    cm_wr_u16le(&wr, body.configsvn);
    cm_wr_u32le(&wr, body.miscselect);
    cm_wr_fill(&wr, 0, 8);
    cm_wr_bytes(&wr, body.configid.ptr, body.configid.len);
    cm_wr_fill(&wr, 0, 384);
    if (cm_wr_finish(&wr) != CM_OK) {
        free(out);
        return OE_UNEXPECTED;
    }
    *target_info_buffer = out;
    *target_info_size = CM_SGX_TARGET_INFO_SIZE;
    return OE_OK;
}

void oe_free_target_info(void *target_info_buffer)
{
    free(target_info_buffer);
}

void oe_free_report(uint8_t *report_buffer)
{
    free(report_buffer);
}
