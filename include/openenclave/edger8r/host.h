/*
 * The host side of generated code (X_u.c). The host is not protected from the enclave by this
 * code, nor must it be: an enclave that a host runs is code the host chose.
 */
#ifndef OE_EDGER8R_HOST_H
#define OE_EDGER8R_HOST_H

#ifdef OE_EDGER8R_ENCLAVE_H
#error "edger8r/enclave.h and edger8r/host.h must not be included in the same compilation unit"
#endif

#include <errno.h>
#include <openenclave/edger8r/common.h>
#include <openenclave/host.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

OE_EXTERNC_BEGIN

/* a wrapper that has not yet asked which number its name has */
#define OE_GLOBAL_ECALL_ID_NULL OE_UINT64_MAX
#define OE_ECALL_ID_NULL        OE_UINT64_MAX

/**
 * Call an enclave function by its name.
 *
 * @param global_id  the wrapper's cache of the process-wide number of name; starts as
 *                   OE_GLOBAL_ECALL_ID_NULL. Written by the host library, by several threads.
 * @param input_buffer  16-aligned; input_buffer_size is a multiple of 16. The same for output.
 * @param output_bytes_written  set only on OE_OK.
 *
 * The result is that of the call, not of the function; that stands in the output buffer.
 * @retval OE_NOT_FOUND the enclave has no such function
 * Thread-safe.
 */
oe_result_t oe_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id, const char *name,
                                     const void *input_buffer, size_t input_buffer_size,
                                     void *output_buffer, size_t output_buffer_size,
                                     size_t *output_bytes_written);

/** The same through the enclave's worker threads (transition_using_threads). */
oe_result_t oe_switchless_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id,
                                                const char *name, const void *input_buffer,
                                                size_t input_buffer_size, void *output_buffer,
                                                size_t output_buffer_size,
                                                size_t *output_bytes_written);

OE_INLINE void *oe_malloc(size_t size)
{
    return malloc(size);
}

OE_INLINE void *oe_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

OE_INLINE void oe_free(void *p)
{
    free(p);
}

/* what an ecall's argument struct says of data that go in: their place, in the buffer or as it is */
OE_INLINE void *oe_edger8r_pass(oe_edger8r_buffer_t *b, const void *p, size_t count, size_t size)
{
    return oe_edger8r_is_direct(p, count, size) ? OE_EDGER8R_PTR(void *, p)
                                                : oe_edger8r_put(b, p, count, size);
}

/*
 * The targets of [out] deep-copied members, gathered in one host block for the enclave to fetch.
 * local is what the stub fills, remote is the block that the caller gets: here they are the same.
 */
typedef struct _oe_edger8r_deep {
    oe_edger8r_buffer_t local;
    uint8_t *remote;
} oe_edger8r_deep_t;

OE_INLINE oe_result_t oe_edger8r_deep_begin(oe_edger8r_deep_t *d, size_t size)
{
    oe_edger8r_open(&d->local, NULL, 0);
    d->remote = NULL;
    if (size == OE_EDGER8R_SIZE_OVERFLOW) {
        return OE_INTEGER_OVERFLOW;
    }
    if (size != 0) {
        d->remote = (uint8_t *)malloc(size);
        if (d->remote == NULL) {
            return OE_OUT_OF_MEMORY;
        }
        oe_edger8r_open(&d->local, d->remote, size);
    }
    return OE_OK;
}

/* the block now belongs to the caller */
OE_INLINE oe_result_t oe_edger8r_deep_send(oe_edger8r_deep_t *d)
{
    return oe_edger8r_finish(&d->local);
}

OE_INLINE void oe_edger8r_deep_abort(oe_edger8r_deep_t *d)
{
    free(d->remote);
    d->remote = NULL;
}

OE_EXTERNC_END

#include <openenclave/edger8r/heap.h>

#endif
