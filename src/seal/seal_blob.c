/* Sealed blobs; see seal_blob.h. */
#include "seal/seal_blob.h"

#include <string.h>

#include "common/checked.h"
#include "common/reader.h"
#include "common/writer.h"
#include "seal/seal_request.h"

enum { RESERVED = 12 };

_Static_assert(sizeof(struct sgx_keyrequest) + 4 + RESERVED + 4 + CM_SEAL_IV_SIZE +
                       CM_SEAL_TAG_SIZE ==
                   CM_SEAL_HEADER_SIZE,
               "header");

/* The second size in a header: ciphertext and additional data together. */
static bool total_of(size_t ciphertext_size, size_t aad_size, uint32_t *out)
{
    return !cm_add_ovf(ciphertext_size, aad_size, out);
}

oe_result_t cm_seal_blob_parse(struct cm_span blob, size_t aad_size, struct cm_seal_blob *out)
{
    struct cm_rd r = cm_rd_init(blob);
    uint32_t ciphertext_size = 0;
    uint32_t total = 0;
    uint32_t want = 0;

    memset(out, 0, sizeof(*out));
    cm_seal_request_read(&r, &out->request);
    ciphertext_size = cm_rd_u32le(&r);
    cm_rd_zero(&r, RESERVED);
    total = cm_rd_u32le(&r);
    cm_rd_copy(&r, out->iv, sizeof(out->iv));
    cm_rd_copy(&r, out->tag, sizeof(out->tag));
    out->ciphertext = cm_rd_take(&r, ciphertext_size);
    if (cm_rd_finish(&r) != CM_OK || !total_of(ciphertext_size, aad_size, &want) || total != want) {
        return OE_INVALID_PARAMETER;
    }
    return cm_seal_request_check(&out->request);
}

oe_result_t cm_seal_blob_size(size_t plaintext_size, size_t aad_size, size_t *out)
{
    uint32_t total = 0;
    uint32_t size = 0;

    if (!total_of(plaintext_size, aad_size, &total) ||
        cm_add_ovf(total, CM_SEAL_HEADER_SIZE, &size)) {
        return OE_INTEGER_OVERFLOW;
    }
    *out = plaintext_size + CM_SEAL_HEADER_SIZE;
    return OE_OK;
}

oe_result_t cm_seal_blob_write(const struct cm_seal_blob *b, size_t aad_size,
                               uint8_t header[CM_SEAL_HEADER_SIZE])
{
    struct cm_wr w = cm_wr_init(header, CM_SEAL_HEADER_SIZE);
    uint32_t total = 0;

    if (!total_of(b->ciphertext.len, aad_size, &total)) {
        return OE_INTEGER_OVERFLOW;
    }
    cm_wr_bytes(&w, &b->request,
                sizeof(b->request)); /* its fields are the bytes on this processor */
    cm_wr_u32le(&w, (uint32_t)b->ciphertext.len);
    cm_wr_fill(&w, 0, RESERVED);
    cm_wr_u32le(&w, total);
    cm_wr_bytes(&w, b->iv, sizeof(b->iv));
    cm_wr_bytes(&w, b->tag, sizeof(b->tag));
    return cm_wr_finish(&w) == CM_OK ? OE_OK : OE_UNEXPECTED;
}
