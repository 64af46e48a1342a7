/*
 * The sticky writer: fills a caller's buffer of fixed size. The first write that does not fit makes
 * it bad for good; nothing is ever written past the end. Freestanding.
 */
#ifndef CM_COMMON_WRITER_H
#define CM_COMMON_WRITER_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

struct cm_wr {
    uint8_t *start;
    size_t used;
    size_t cap;
    bool bad; /* sticky */
};

struct cm_wr cm_wr_init(void *buf, size_t cap);
void cm_wr_bytes(struct cm_wr *w, const void *src, size_t n);
void cm_wr_fill(struct cm_wr *w, uint8_t value, size_t n);
void cm_wr_u8(struct cm_wr *w, uint8_t v);
void cm_wr_u16le(struct cm_wr *w, uint16_t v);
void cm_wr_u32le(struct cm_wr *w, uint32_t v);
void cm_wr_u64le(struct cm_wr *w, uint64_t v);
void cm_wr_u16be(struct cm_wr *w, uint16_t v);
void cm_wr_u32be(struct cm_wr *w, uint32_t v);
void cm_wr_u64be(struct cm_wr *w, uint64_t v);

/** CM_OK if everything fitted, CM_ERR_SPACE otherwise. */
CM_MUST_USE enum cm_status cm_wr_finish(const struct cm_wr *w);

#endif
