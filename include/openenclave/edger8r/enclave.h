/*
 * The enclave side of generated code (X_t.c), and its contract with the enclave runtime.
 *
 * Rules that the generated code keeps, and needs the runtime to keep:
 * - An ecall stub gets two buffers in ENCLAVE memory: the runtime has copied the input in, and has
 *   zeroed the output, which it copies back afterwards and then wipes, with the input. Sizes are
 *   multiples of 16. The stub knows nothing of where they came from.
 * - Larger plain data of an ecall are not in these buffers: the argument struct, in its enclave copy,
 *   says where the host has them. The stub checks the whole range, copies it in once, into memory of
 *   cm_call_memory, and copies what goes out back to the address that was checked.
 * - What an ecall returns through [out] deep-copied members, the stub itself puts into host memory
 *   (oe_host_malloc, cm_copy_out); the runtime does not look into the argument struct.
 * - An ocall wrapper writes host memory with cm_copy_out and cm_zero_out, and reads each byte of the
 *   answer once, with cm_copy_in: what has to be checked into an enclave copy, plain data at the end
 *   into the caller's own object. No other access to host memory exists.
 */
#ifndef OE_EDGER8R_ENCLAVE_H
#define OE_EDGER8R_ENCLAVE_H

#ifdef OE_EDGER8R_HOST_H
#error "edger8r/enclave.h and edger8r/host.h must not be included in the same compilation unit"
#endif

#include <errno.h>
#include <openenclave/edger8r/common.h>

OE_EXTERNC_BEGIN

/** An ecall stub. written is set only on success of the marshalling; otherwise it stays 0. */
typedef void (*oe_ecall_func_t)(uint8_t *input_buffer, size_t input_buffer_size,
                                uint8_t *output_buffer, size_t output_buffer_size,
                                size_t *output_bytes_written);

/* Defined by exactly one generated X_t.c (or OE_DEFINE_EMPTY_ECALL_TABLE); read by the runtime. */
extern oe_ecall_func_t oe_ecalls_table[];
extern size_t oe_ecalls_table_size;
extern const char *const oe_ecalls_names[]; /* oe_ecalls_table_size names, in the same order */

/*
 * Which of them a worker of the enclave's may run for the host (transition_using_threads). Generated
 * where there are any; else the runtime's, of size 0.
 */
extern const bool oe_ecalls_switchless[];
extern const size_t oe_ecalls_switchless_size;

/** For an enclave without ecalls of its own. The tables have one unused entry. */
#define OE_DEFINE_EMPTY_ECALL_TABLE()             \
    oe_ecall_func_t oe_ecalls_table[] = {NULL};   \
    const char *const oe_ecalls_names[] = {NULL}; \
    size_t oe_ecalls_table_size = 0

/**
 * Call a host function by its number in the host's ocall table.
 *
 * Both buffers are host memory (of oe_allocate_ocall_buffer). The result is that of the call, not
 * of the function. *written is the host's word, copied once; set only on OE_OK.
 */
oe_result_t oe_call_host_function(uint64_t function_id, const void *input_buffer,
                                  size_t input_buffer_size, void *output_buffer,
                                  size_t output_buffer_size, size_t *output_bytes_written);

/**
 * The same through a worker thread of the host's, without leaving the enclave
 * (transition_using_threads); an ordinary call whenever none polls for one. The same results.
 */
oe_result_t oe_switchless_call_host_function(uint64_t function_id, const void *input_buffer,
                                             size_t input_buffer_size, void *output_buffer,
                                             size_t output_buffer_size,
                                             size_t *output_bytes_written);

/** Host memory for one ocall, 16-aligned, wholly outside the enclave; NULL when there is none. */
void *oe_allocate_ocall_buffer(size_t size);
void oe_free_ocall_buffer(void *buffer);
void *oe_allocate_switchless_ocall_buffer(size_t size);
void oe_free_switchless_ocall_buffer(void *buffer);

/** OE_OK, or why no call may leave the enclave any more. */
oe_result_t oe_get_enclave_status(void);

/*
 * The three functions of generated code that touch host memory. The host range was checked with
 * oe_is_outside_enclave; host memory is accessed in aligned 8-byte steps only (MMIO stale data,
 * AEPIC). n may be 0.
 */
void cm_copy_in(void *dst, const void *host_src, size_t n);
void cm_copy_out(void *host_dst, const void *src, size_t n);
void cm_zero_out(void *host_dst, size_t n);

/**
 * Enclave memory, 16-aligned, for the data of the running ecall; NULL when there is none. *zero says
 * whether it is all zero. size is a multiple of 16 and not 0. Give it back before the ecall ends, and
 * before anything that was taken earlier: cm_call_memory_end wipes it. p may be NULL.
 */
void *cm_call_memory(size_t size, bool *zero);
void cm_call_memory_end(void *p, size_t size);

bool oe_is_within_enclave(const void *p, size_t size);
bool oe_is_outside_enclave(const void *p, size_t size);
void *oe_malloc(size_t size);
void *oe_calloc(size_t count, size_t size);
void oe_free(void *p);
void *oe_host_malloc(size_t size);
void oe_host_free(void *p);

/* No load after it starts before the checks ahead of it are decided (Spectre v1). */
OE_INLINE void oe_lfence(void)
{
    __builtin_ia32_lfence();
}

/**
 * For pointers that generated code does not check (user_check): copy from or to host memory, when
 * all of it lies outside the enclave. Copy once, then look at the copy only.
 *
 * @retval OE_OK                 copied
 * @retval OE_INVALID_PARAMETER  the range is not wholly the host's; nothing was touched
 */
OE_INLINE oe_result_t oe_copy_from_host(void *to, const void *host_from, size_t size)
{
    if (!oe_is_outside_enclave(host_from, size)) {
        return OE_INVALID_PARAMETER;
    }
    oe_lfence();
    cm_copy_in(to, host_from, size);
    return OE_OK;
}

OE_INLINE oe_result_t oe_copy_to_host(void *host_to, const void *from, size_t size)
{
    if (!oe_is_outside_enclave(host_to, size)) {
        return OE_INVALID_PARAMETER;
    }
    oe_lfence();
    cm_copy_out(host_to, from, size);
    return OE_OK;
}

/* an errno the host gave: one of Linux's, or EINVAL */
OE_INLINE void oe_edger8r_set_errno(int e)
{
    errno = e >= 0 && e <= 133 ? e : EINVAL;
}

/*
 * The plain data of an ecall. First each parameter is expected: its region is taken from the input,
 * from the output or from both, or its range in host memory is checked. Nothing was touched until
 * all are, then comes the fence, memory for them, and the one read of each.
 */
typedef struct _oe_edger8r_direct {
    oe_edger8r_buffer_t memory; /* its size is what was expected so far */
    bool zero;
} oe_edger8r_direct_t;

/* count elements at p, of the host's, which travel beside the buffers; false when they do not */
OE_INLINE bool oe_edger8r_expect(oe_edger8r_direct_t *d, const void *p, size_t count, size_t size)
{
    if (!oe_edger8r_is_direct(p, count, size)) {
        return false;
    }
    oe_edger8r_grow(&d->memory.size, count, size);
    if (d->memory.size == OE_EDGER8R_SIZE_OVERFLOW) {
        oe_edger8r_fail(&d->memory, OE_INTEGER_OVERFLOW);
    } else if (!oe_is_outside_enclave(p, count * size)) {
        oe_edger8r_fail(&d->memory, OE_INVALID_PARAMETER);
    }
    return true;
}

OE_INLINE void oe_edger8r_direct_open(oe_edger8r_direct_t *d)
{
    oe_edger8r_open(&d->memory, NULL, 0);
    d->zero = false;
}

/* a parameter of the input or of the output, whose buffer b is */
OE_INLINE void *oe_edger8r_expect_one(oe_edger8r_direct_t *d, oe_edger8r_buffer_t *b, const void *p,
                                      size_t count, size_t size)
{
    return oe_edger8r_expect(d, p, count, size) ? NULL : oe_edger8r_take(b, p != NULL, count, size);
}

OE_INLINE void *oe_edger8r_expect_inout(oe_edger8r_direct_t *d, oe_edger8r_buffer_t *in,
                                        oe_edger8r_buffer_t *out, const void *p, size_t count,
                                        size_t size)
{
    void *from = oe_edger8r_expect_one(d, in, p, count, size);

    return oe_edger8r_put(out, from, count, size);
}

/* after all were expected, and the fence: the memory; without it nothing is copied */
OE_INLINE oe_result_t oe_edger8r_direct_begin(oe_edger8r_direct_t *d)
{
    if (d->memory.size != 0) {
        d->memory.base = (uint8_t *)cm_call_memory(d->memory.size, &d->zero);
        if (d->memory.base == NULL) {
            return OE_OUT_OF_MEMORY;
        }
    }
    return OE_OK;
}

/* the enclave's copy of a parameter: at, from its buffer, or the one read of the data at host */
OE_INLINE void *oe_edger8r_bring(oe_edger8r_direct_t *d, void *at, const void *host, size_t count,
                                 size_t size)
{
    uint8_t *p = (uint8_t *)at;

    if (oe_edger8r_is_direct(host, count, size)) {
        p = (uint8_t *)oe_edger8r_take(&d->memory, true, count, size);
        if (p != NULL) {
            cm_copy_in(p, host, count * size);
        }
    }
    return p;
}

/* the same for data that only go out: zeros */
OE_INLINE void *oe_edger8r_blank(oe_edger8r_direct_t *d, void *at, const void *host, size_t count,
                                 size_t size)
{
    uint8_t *p = (uint8_t *)at;

    if (oe_edger8r_is_direct(host, count, size)) {
        p = (uint8_t *)oe_edger8r_take(&d->memory, true, count, size);
        if (p != NULL && !d->zero) {
            oe_edger8r_clear(p, count * size);
        }
    }
    return p;
}

/* what goes out, to the range that was checked, once the call has succeeded */
OE_INLINE void oe_edger8r_answer(void *host, const void *at, size_t count, size_t size)
{
    if (oe_edger8r_is_direct(host, count, size)) {
        cm_copy_out(host, at, count * size);
    }
}

OE_INLINE void oe_edger8r_direct_end(oe_edger8r_direct_t *d)
{
    if (d->memory.base != NULL) {
        cm_call_memory_end(d->memory.base, d->memory.size);
    }
}

/*
 * The regions of an ocall. Data without anything to check or to clear go straight between the
 * caller's object and host memory; the rest is staged in an enclave buffer *b of the same layout.
 */

/* the next input region in host memory, filled from the caller's object */
OE_INLINE void *oe_edger8r_send(oe_edger8r_buffer_t *b, uint8_t *host, const void *from,
                                size_t count, size_t size)
{
    const uint8_t *p = (const uint8_t *)oe_edger8r_take(b, from != NULL, count, size);
    uint8_t *to = NULL;

    if (p != NULL) {
        to = host + (p - b->base);
        cm_copy_out(to, from, count * size);
        cm_zero_out(to + count * size, oe_edger8r_region(count, size) - count * size);
    }
    return to;
}

/* what was staged since start, moved to its place in host memory */
OE_INLINE void oe_edger8r_flush(const oe_edger8r_buffer_t *b, uint8_t *host, size_t start)
{
    if (b->result == OE_OK) {
        cm_copy_out(host + start, b->base + start, b->offset - start);
    }
}

/* the next output region, staged: the one read of these bytes */
OE_INLINE void *oe_edger8r_fetch(oe_edger8r_buffer_t *b, const uint8_t *host, bool present,
                                 size_t count, size_t size)
{
    uint8_t *p = (uint8_t *)oe_edger8r_take(b, present, count, size);

    if (p != NULL) {
        cm_copy_in(p, host + (p - b->base), count * size);
    }
    return p;
}

/* an output region that was left in host memory, read into the caller's object */
OE_INLINE void oe_edger8r_receive(void *to, const void *host_from, size_t count, size_t size)
{
    if (to != NULL && host_from != NULL) {
        cm_copy_in(to, host_from, count * size);
    }
}

/* the targets of an ecall's [out] deep-copied members: gathered inside, moved to host memory */
typedef struct _oe_edger8r_deep {
    oe_edger8r_buffer_t local;
    uint8_t *remote;
} oe_edger8r_deep_t;

OE_INLINE void oe_edger8r_deep_abort(oe_edger8r_deep_t *d)
{
    oe_edger8r_wipe(d->local.base, d->local.size);
    oe_free(d->local.base);
    oe_edger8r_open(&d->local, NULL, 0);
    if (d->remote != NULL) {
        oe_host_free(d->remote);
        d->remote = NULL;
    }
}

OE_INLINE oe_result_t oe_edger8r_deep_begin(oe_edger8r_deep_t *d, size_t size)
{
    oe_edger8r_open(&d->local, NULL, 0);
    d->remote = NULL;
    if (size == OE_EDGER8R_SIZE_OVERFLOW) {
        return OE_INTEGER_OVERFLOW;
    }
    if (size == 0) {
        return OE_OK;
    }
    d->remote = (uint8_t *)oe_host_malloc(size);
    if (d->remote == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    if (!oe_is_outside_enclave(d->remote, size)) {
        d->remote = NULL; /* not the host's: neither written nor freed */
        return OE_UNEXPECTED;
    }
    oe_edger8r_open(&d->local, oe_malloc(size), size);
    return d->local.base == NULL ? OE_OUT_OF_MEMORY : OE_OK;
}

/* the block now belongs to the host */
OE_INLINE oe_result_t oe_edger8r_deep_send(oe_edger8r_deep_t *d)
{
    oe_result_t result = oe_edger8r_finish(&d->local);

    if (result == OE_OK && d->remote != NULL) {
        cm_copy_out(d->remote, d->local.base, d->local.size);
        oe_edger8r_wipe(d->local.base, d->local.size);
        oe_free(d->local.base);
        oe_edger8r_open(&d->local, NULL, 0);
    }
    return result;
}

/*
 * The same for an ocall: the host's block becomes an enclave copy in *b (base is oe_malloc'd) and
 * is freed. A block that is not wholly outside the enclave is never touched.
 */
OE_INLINE oe_result_t oe_edger8r_deep_fetch(oe_edger8r_buffer_t *b, void *remote, size_t size)
{
    oe_edger8r_open(b, NULL, 0);
    if (remote == NULL || size == 0) {
        return OE_OK;
    }
    if (((size_t)remote | size) % 8 != 0 || !oe_is_outside_enclave(remote, size)) {
        return OE_INVALID_PARAMETER;
    }
    oe_lfence();
    oe_edger8r_open(b, oe_malloc(size), size);
    if (b->base == NULL) {
        oe_edger8r_open(b, NULL, 0);
        oe_host_free(remote);
        return OE_OUT_OF_MEMORY;
    }
    cm_copy_in(b->base, remote, size);
    oe_host_free(remote);
    return OE_OK;
}

OE_EXTERNC_END

#include <openenclave/edger8r/heap.h>

#endif
