/* Headers, reports and where quotes end; see attest_wire.h. */
#include "attest/attest_wire.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/reader.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "evidence/quote.h"

bool cm_uuid_equal(const oe_uuid_t *a, const oe_uuid_t *b)
{
    return cm_ct_equal(a->b, b->b, sizeof(a->b));
}

oe_result_t cm_attest_unwrap(struct cm_span in, oe_uuid_t *format, struct cm_span *data)
{
    struct cm_rd rd = cm_rd_init(in);
    oe_uuid_t id = {{0}};
    uint32_t version = cm_rd_u32le(&rd);
    uint64_t size = 0;

    cm_rd_copy(&rd, id.b, sizeof(id.b));
    (void)cm_rd_take(&rd, 4); /* alignment; writers have left there what they liked */
    size = cm_rd_u64le(&rd);
    if (rd.bad || version != CM_ATTEST_HEADER_VERSION || size != rd.left) {
        return OE_INVALID_PARAMETER;
    }
    *format = id;
    *data = cm_rd_rest(&rd);
    return OE_OK;
}

oe_result_t cm_attest_join(const oe_uuid_t *format, const struct cm_span *parts, size_t count,
                           uint8_t **out, size_t *size)
{
    size_t data = 0;
    size_t total = 0;
    struct cm_wr wr = {0};
    uint8_t *buffer = NULL;

    for (size_t i = 0; i < count; i++) {
        if (cm_add_ovf(data, parts[i].len, &data)) {
            return OE_INTEGER_OVERFLOW;
        }
    }
    if (cm_add_ovf(data, format == NULL ? 0 : CM_ATTEST_HEADER_SIZE, &total)) {
        return OE_INTEGER_OVERFLOW;
    }
    buffer = malloc(total == 0 ? 1 : total);
    if (buffer == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    wr = cm_wr_init(buffer, total);
    if (format != NULL) {
        cm_wr_u32le(&wr, CM_ATTEST_HEADER_VERSION);
        cm_wr_bytes(&wr, format->b, sizeof(format->b));
        cm_wr_u32le(&wr, 0);
        cm_wr_u64le(&wr, data);
    }
    for (size_t i = 0; i < count; i++) {
        cm_wr_bytes(&wr, parts[i].ptr, parts[i].len);
    }
    if (cm_wr_finish(&wr) != CM_OK) {
        free(buffer);
        return OE_UNEXPECTED;
    }
    *out = buffer;
    *size = total;
    return OE_OK;
}

oe_result_t cm_report_unwrap(struct cm_span in, enum cm_report_type *type, struct cm_span *inner)
{
    struct cm_rd rd = cm_rd_init(in);
    uint32_t version = cm_rd_u32le(&rd);
    uint32_t kind = cm_rd_u32le(&rd);
    uint64_t size = cm_rd_u64le(&rd);

    if (rd.bad || version != CM_REPORT_HEADER_VERSION || size != rd.left ||
        (kind != CM_REPORT_LOCAL && kind != CM_REPORT_REMOTE) ||
        (kind == CM_REPORT_LOCAL && size != CM_SGX_REPORT_SIZE)) {
        return OE_INVALID_PARAMETER;
    }
    *type = (enum cm_report_type)kind;
    *inner = cm_rd_rest(&rd);
    return OE_OK;
}

oe_result_t cm_report_wrap(enum cm_report_type type, struct cm_span inner, uint8_t **out,
                           size_t *size)
{
    uint8_t header[CM_REPORT_HEADER_SIZE];
    struct cm_wr wr = cm_wr_init(header, sizeof(header));
    struct cm_span parts[2] = {{header, sizeof(header)}, inner};

    cm_wr_u32le(&wr, CM_REPORT_HEADER_VERSION);
    cm_wr_u32le(&wr, (uint32_t)type);
    cm_wr_u64le(&wr, inner.len);
    return cm_wr_finish(&wr) == CM_OK ? cm_attest_join(NULL, parts, 2, out, size) : OE_UNEXPECTED;
}

enum cm_status cm_quote_split(struct cm_span in, struct cm_span *quote, struct cm_span *rest)
{
    struct cm_rd rd = cm_rd_init(in);
    uint16_t version = cm_rd_u16le(&rd);
    uint32_t tee = 0;

    (void)cm_rd_take(&rd, 2);
    tee = cm_rd_u32le(&rd);
    (void)cm_rd_take(&rd, 40);
    if (version == 5) {
        (void)cm_rd_u16le(&rd);
        (void)cm_rd_take(&rd, cm_rd_u32le(&rd));
    } else if (version == 3 || version == 4) {
        (void)cm_rd_take(&rd, tee == CM_QUOTE_TEE_SGX ? CM_SGX_BODY_SIZE : 584);
    } else if (!rd.bad) {
        return CM_ERR_UNSUPPORTED;
    }
    (void)cm_rd_take(&rd, cm_rd_u32le(&rd));
    if (rd.bad) {
        return CM_ERR_FORMAT;
    }
    *quote = cm_span_make(in.ptr, in.len - rd.left);
    *rest = cm_rd_rest(&rd);
    return CM_OK;
}

enum cm_status cm_quote_find(struct cm_span in, struct cm_quote_place *out)
{
    enum cm_report_type type = CM_REPORT_LOCAL;

    *out = (struct cm_quote_place){.wrapping = CM_QUOTE_BARE, .inner = in};
    if (cm_attest_unwrap(in, &out->format, &out->inner) == OE_OK) {
        out->wrapping = CM_QUOTE_IN_EVIDENCE;
    } else if (cm_report_unwrap(in, &type, &out->inner) == OE_OK) {
        if (type == CM_REPORT_REMOTE) {
            out->wrapping = CM_QUOTE_IN_REPORT;
        } else {
            out->inner = in; /* no quote in there */
        }
    }
    return cm_quote_split(out->inner, &out->quote, &out->rest);
}
