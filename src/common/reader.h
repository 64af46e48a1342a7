/*
 * The sticky reader: the only way to take untrusted bytes apart. Every read is bounded; the first
 * failure makes the reader bad for good and all later reads give zero, so that a parser may run to
 * its end and ask once. Nothing read may be acted on before cm_rd_finish() (or a check of bad),
 * except as the next length. Memory that another party can change must be copied first.
 * Freestanding: needs memcpy and memset only.
 */
#ifndef CM_COMMON_READER_H
#define CM_COMMON_READER_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

struct cm_rd {
    const uint8_t *ptr;
    size_t left;
    bool bad; /* sticky */
};

struct cm_rd cm_rd_init(struct cm_span in);

/** The next n bytes in place; {NULL, 0} and bad when fewer are left. */
struct cm_span cm_rd_take(struct cm_rd *r, size_t n);

/** All that is left. */
struct cm_span cm_rd_rest(struct cm_rd *r);

/** The next n bytes copied to out; out is zeroed when they are not there. */
void cm_rd_copy(struct cm_rd *r, void *out, size_t n);

/** Skip n bytes and become bad unless all of them are zero (reserved fields). */
void cm_rd_zero(struct cm_rd *r, size_t n);

/** A reader of its own over the next n bytes; bad when they are not there. */
struct cm_rd cm_rd_sub(struct cm_rd *r, size_t n);

uint8_t cm_rd_u8(struct cm_rd *r);
uint16_t cm_rd_u16le(struct cm_rd *r);
uint32_t cm_rd_u32le(struct cm_rd *r);
uint64_t cm_rd_u64le(struct cm_rd *r);
uint16_t cm_rd_u16be(struct cm_rd *r);
uint32_t cm_rd_u32be(struct cm_rd *r);
uint64_t cm_rd_u64be(struct cm_rd *r);

/** CM_OK only if nothing failed and nothing is left; CM_ERR_FORMAT otherwise. */
CM_MUST_USE enum cm_status cm_rd_finish(const struct cm_rd *r);

#endif
