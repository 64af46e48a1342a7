/*
 * Copies to and from host memory that respect the stale data of the MMIO flaws (INTEL-SA-00615) and of
 * the APIC (INTEL-SA-00657): whole aligned 8-byte words, ragged ends between VERW and fences. Enclave
 * side. What EDL moves is moved this way already; these are for memory that a program reaches itself.
 */
#ifndef _OE_BITS_SGX_WRITEBARRIER_H
#define _OE_BITS_SGX_WRITEBARRIER_H

#include "../defs.h"
#include "../result.h"
#include "../types.h"

OE_EXTERNC_BEGIN

/** As memcpy(); reads aligned 8-byte words of src only. dst is enclave memory. */
void *oe_memcpy_aligned(void *dst, const void *src, size_t size);

/** As memcpy(), memmove() and memset(); dst may be host memory. Nothing is checked. */
void *oe_memcpy_with_barrier(void *dst, const void *src, size_t size);
void *oe_memmove_with_barrier(void *dst, const void *src, size_t size);
void *oe_memset_with_barrier(void *dst, int value, size_t size);

/**
 * The same with bounds.
 *
 * @retval OE_OK                 done
 * @retval OE_INVALID_PARAMETER  a pointer is NULL
 * @retval OE_OUT_OF_BOUNDS      more bytes than dst_size
 * @retval OE_OVERLAPPED_COPY    memcpy: the ranges overlap
 */
oe_result_t oe_memcpy_s_with_barrier(void *dst, size_t dst_size, const void *src, size_t size);
oe_result_t oe_memmove_s_with_barrier(void *dst, size_t dst_size, const void *src, size_t size);
oe_result_t oe_memset_s_with_barrier(void *dst, size_t dst_size, int value, size_t size);

/** Writes one value (of at most 8 bytes, or any struct) to host memory. */
#define OE_WRITE_VALUE_WITH_BARRIER(dest, value)                                         \
    do {                                                                                 \
        __typeof__(*(dest)) oe_write_value_ = (value);                                   \
        (void)oe_memcpy_with_barrier((dest), &oe_write_value_, sizeof(oe_write_value_)); \
    } while (0)

OE_EXTERNC_END

#endif
