/* The API's barriered copies, in terms of the three functions that touch host memory. */
#include <openenclave/bits/security.h>

#include <string.h>

#include "enclave/edge.h"

enum { PIECE = 256 };

void *oe_memcpy_aligned(void *dst, const void *src, size_t size)
{
    cm_copy_in(dst, src, size);
    return dst;
}

/* Through a piece of enclave memory, so that both ends may be the host's. */
static void copy_up(uint8_t *dst, const uint8_t *src, size_t size)
{
    uint8_t piece[PIECE];

    for (size_t done = 0; done < size; done += PIECE) {
        const size_t n = size - done < PIECE ? size - done : PIECE;

        cm_copy_in(piece, src + done, n);
        cm_copy_out(dst + done, piece, n);
    }
}

static void copy_down(uint8_t *dst, const uint8_t *src, size_t size)
{
    uint8_t piece[PIECE];

    while (size != 0) {
        const size_t n = size < PIECE ? size : PIECE;

        size -= n;
        cm_copy_in(piece, src + size, n);
        cm_copy_out(dst + size, piece, n);
    }
}

static bool overlap(const void *a, const void *b, size_t size)
{
    const uint64_t x = (uint64_t)a;
    const uint64_t y = (uint64_t)b;

    return size != 0 && (x < y ? y - x < size : x - y < size);
}

void *oe_memcpy_with_barrier(void *dst, const void *src, size_t size)
{
    copy_up(dst, src, size);
    return dst;
}

void *oe_memmove_with_barrier(void *dst, const void *src, size_t size)
{
    if ((uint64_t)dst <= (uint64_t)src) {
        copy_up(dst, src, size);
    } else {
        copy_down(dst, src, size);
    }
    return dst;
}

void *oe_memset_with_barrier(void *dst, int value, size_t size)
{
    uint8_t *to = dst;
    uint8_t piece[PIECE];

    memset(piece, value, sizeof(piece));
    for (size_t done = 0; done < size; done += PIECE) {
        cm_copy_out(to + done, piece, size - done < PIECE ? size - done : PIECE);
    }
    return dst;
}

static oe_result_t check(const void *dst, size_t dst_size, const void *src, size_t size)
{
    if (dst == NULL || src == NULL) {
        return OE_INVALID_PARAMETER;
    }
    return size > dst_size ? OE_OUT_OF_BOUNDS : OE_OK;
}

oe_result_t oe_memcpy_s_with_barrier(void *dst, size_t dst_size, const void *src, size_t size)
{
    const oe_result_t result = check(dst, dst_size, src, size);

    if (result == OE_OK && overlap(dst, src, size)) {
        return OE_OVERLAPPED_COPY;
    }
    if (result == OE_OK) {
        (void)oe_memcpy_with_barrier(dst, src, size);
    }
    return result;
}

oe_result_t oe_memmove_s_with_barrier(void *dst, size_t dst_size, const void *src, size_t size)
{
    const oe_result_t result = check(dst, dst_size, src, size);

    if (result == OE_OK) {
        (void)oe_memmove_with_barrier(dst, src, size);
    }
    return result;
}

oe_result_t oe_memset_s_with_barrier(void *dst, size_t dst_size, int value, size_t size)
{
    const oe_result_t result = check(dst, dst_size, dst, size);

    if (result == OE_OK) {
        (void)oe_memset_with_barrier(dst, value, size);
    }
    return result;
}
