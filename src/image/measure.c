/*
 * MRENCLAVE: the SHA-256 that ECREATE, EADD and EEXTEND compute (SDM Vol. 3D,
 * "MRENCLAVE"). Written for one hash update per page, because this runs when
 * enclaves are signed and predicted.
 */
#include <string.h>

#include "arch/sgx.h"
#include "common/try.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "image/image.h"

#define TAG_ECREATE UINT64_C(0x0045544145524345)
#define TAG_EADD    UINT64_C(0x0000000044444145)
#define TAG_EEXTEND UINT64_C(0x00444E4554584545)

enum {
    BLOCK = 64,
    SECINFO_MEASURED = 48, /* the first bytes of SECINFO that EADD hashes */
    CHUNKS = SGX_PAGE_SIZE / SGX_CHUNK_SIZE,
    PAGE_LOG = BLOCK + CHUNKS * (BLOCK + SGX_CHUNK_SIZE),
};

static enum cm_status add_header(struct cm_sha256 *h, const struct cm_plan *plan)
{
    uint8_t block[BLOCK] = {0};
    struct cm_wr w = cm_wr_init(block, sizeof(block));

    cm_wr_u64le(&w, TAG_ECREATE);
    cm_wr_u32le(&w, plan->ssa_frame_pages);
    cm_wr_u64le(&w, plan->enclave_size);
    return cm_sha256_update(h, block, sizeof(block));
}

/* One page's EADD and, when it is measured, its EEXTENDs. */
static enum cm_status add_page(struct cm_sha256 *h, const struct cm_region *r, uint64_t at)
{
    uint8_t log[PAGE_LOG];
    struct cm_wr w = cm_wr_init(log, sizeof(log));
    const uint64_t offset = r->offset + at;

    cm_wr_u64le(&w, TAG_EADD);
    cm_wr_u64le(&w, offset);
    cm_wr_u64le(&w, r->secinfo_flags);
    cm_wr_fill(&w, 0, SECINFO_MEASURED - sizeof(uint64_t));
    for (uint64_t c = 0; r->measured && c < SGX_PAGE_SIZE; c += SGX_CHUNK_SIZE) {
        cm_wr_u64le(&w, TAG_EEXTEND);
        cm_wr_u64le(&w, offset + c);
        cm_wr_fill(&w, 0, BLOCK - 2 * sizeof(uint64_t));
        if (r->data != NULL) {
            cm_wr_bytes(&w, r->data + at + c, SGX_CHUNK_SIZE);
        } else {
            cm_wr_fill(&w, 0, SGX_CHUNK_SIZE);
        }
    }
    return cm_sha256_update(h, log, w.used);
}

static enum cm_status add_region(struct cm_sha256 *h, const struct cm_region *r)
{
    enum cm_status st = CM_OK;

    for (uint64_t at = 0; at < r->length && st == CM_OK; at += SGX_PAGE_SIZE) {
        st = add_page(h, r, at);
    }
    return st;
}

enum cm_status cm_plan_mrenclave(const struct cm_plan *plan, uint8_t out[CM_MRENCLAVE_SIZE])
{
    enum cm_status st = CM_OK;
    struct cm_sha256 *h = NULL;

    CM_TRY(cm_sha256_create(&h));
    CM_TRY(add_header(h, plan));
    for (size_t i = 0; i < plan->region_count; i++) {
        CM_TRY(add_region(h, &plan->regions[i]));
    }
    CM_TRY(cm_sha256_final(h, out));
out:
    if (st != CM_OK) {
        memset(out, 0, CM_MRENCLAVE_SIZE);
    }
    cm_sha256_free(h);
    return st;
}
