/*
 * MRENCLAVE: the SHA-256 that ECREATE, EADD and EEXTEND compute (SDM Vol. 3D,
 * "MRENCLAVE"). Runs when enclaves are signed and predicted, and when an
 * unsigned one is loaded.
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
    LOG_SIZE = 4 * PAGE_LOG, /* so that a gigabyte of heap is not a call for each 64 bytes */
};

struct log {
    struct cm_sha256 *hash;
    struct cm_wr w;
    uint8_t buffer[LOG_SIZE];
};

static enum cm_status flush(struct log *log)
{
    const enum cm_status st = cm_sha256_update(log->hash, log->buffer, log->w.used);

    log->w = cm_wr_init(log->buffer, sizeof(log->buffer));
    return st;
}

static void add_header(struct log *log, const struct cm_plan *plan)
{
    cm_wr_u64le(&log->w, TAG_ECREATE);
    cm_wr_u32le(&log->w, plan->ssa_frame_pages);
    cm_wr_u64le(&log->w, plan->enclave_size);
    cm_wr_fill(&log->w, 0, BLOCK - 2 * sizeof(uint64_t) - sizeof(uint32_t));
}

/* One page's EADD and, when it is measured, its EEXTENDs. */
static void add_page(struct log *log, const struct cm_region *r, uint64_t at)
{
    struct cm_wr *w = &log->w;
    const uint64_t offset = r->offset + at;

    cm_wr_u64le(w, TAG_EADD);
    cm_wr_u64le(w, offset);
    cm_wr_u64le(w, r->secinfo_flags);
    cm_wr_fill(w, 0, SECINFO_MEASURED - sizeof(uint64_t));
    for (uint64_t c = 0; r->measured && c < SGX_PAGE_SIZE; c += SGX_CHUNK_SIZE) {
        cm_wr_u64le(w, TAG_EEXTEND);
        cm_wr_u64le(w, offset + c);
        cm_wr_fill(w, 0, BLOCK - 2 * sizeof(uint64_t));
        if (r->data != NULL) {
            cm_wr_bytes(w, r->data + at + c, SGX_CHUNK_SIZE);
        } else {
            cm_wr_fill(w, 0, SGX_CHUNK_SIZE);
        }
    }
}

static enum cm_status add_region(struct log *log, const struct cm_region *r)
{
    enum cm_status st = CM_OK;

    for (uint64_t at = 0; at < r->length && st == CM_OK; at += SGX_PAGE_SIZE) {
        if (log->w.used > LOG_SIZE - PAGE_LOG) {
            st = flush(log);
        }
        add_page(log, r, at);
    }
    return st;
}

enum cm_status cm_plan_mrenclave(const struct cm_plan *plan, uint8_t out[CM_MRENCLAVE_SIZE])
{
    enum cm_status st = CM_OK;
    struct log log;

    log.hash = NULL;
    log.w = cm_wr_init(log.buffer, sizeof(log.buffer));
    CM_TRY(cm_sha256_create(&log.hash));
    add_header(&log, plan);
    for (size_t i = 0; i < plan->region_count; i++) {
        CM_TRY(add_region(&log, &plan->regions[i]));
    }
    CM_TRY(flush(&log));
    CM_TRY(cm_sha256_final(log.hash, out));
out:
    if (st != CM_OK) {
        memset(out, 0, CM_MRENCLAVE_SIZE);
    }
    cm_sha256_free(log.hash);
    return st;
}
