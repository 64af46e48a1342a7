/*
 * What the C library inside an enclave needs from the enclave runtime (src/enclave), and nothing
 * more. The test loader of tests/inside provides the same functions on a plain Linux process.
 */
#ifndef CM_LIBC_INSIDE_RUNTIME_H
#define CM_LIBC_INSIDE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* size random bytes from RDSEED or RDRAND, and 0 (OE_OK); when the processor has none, the enclave
 * aborts (C5). */
uint32_t cm_libc_random(void *data, size_t size);

/* Stops the enclave for good: this ecall and all later ones end with OE_ENCLAVE_ABORTING. The host is
 * told the cause, an enum cm_abort_cause. */
_Noreturn void oe_abort(void);
_Noreturn void cm_abort_with(uint32_t cause);

/* Calls fn when the enclave is destroyed, last registered first. 0, or -1 when out of memory. */
int oe_atexit(void (*function)(void));
int cm_atexit_arg(void (*fn)(void *), void *arg);

/* Writes to the host's stdout (device 0) or stderr (1). Never allocates in the enclave. May fail
 * silently: what the host does with it is its own affair. */
void cm_host_write(int device, const char *text, size_t size);

/* The enclave's heap. Thread-safe; NULL when there is no room. */
void *oe_allocator_malloc(size_t size);
void oe_allocator_free(void *ptr);
void *oe_allocator_calloc(size_t nmemb, size_t size);
void *oe_allocator_realloc(void *ptr, size_t size);
void *oe_allocator_aligned_alloc(size_t alignment, size_t size);
int oe_allocator_posix_memalign(void **memptr, size_t alignment, size_t size);
size_t oe_allocator_malloc_usable_size(void *ptr);

/* The ELF header of the shared library that is part of the enclave; NULL: there is none. */
const void *cm_module_header(void);

/* The calling thread's data page, FS:0 included; fixed for the life of its TCS. */
void *cm_td_self(void);

/*
 * Sleep until a wake for this thread arrives; one that came before is not lost. The host decides
 * when either returns, so both may return at any time and mean nothing: callers look at their own
 * state in enclave memory again (D5).
 */
void cm_thread_wait(void);
void cm_thread_wait_for(uint64_t nanoseconds); /* comes back by itself after that time */
void cm_thread_wake(void *td);

/* Nanoseconds since 1970 as the host tells them. UNTRUSTED: may stand still or run backwards. */
uint64_t cm_host_time_ns(void);

/* The enclave's XFRM as the processor reports it (EREPORT): which register states may be used. */
uint64_t cm_xfrm(void);

/*
 * Looks up the CPUID table that the host gave at initialisation: regs = EAX, EBX, ECX, EDX. Bits of
 * register states that XFRM does not allow are cleared. False when the table has no such leaf.
 * UNTRUSTED: a lie must cost no more than speed or a fault (C4).
 */
bool cm_cpuid_lookup(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

#endif
