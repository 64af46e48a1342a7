/*
 * What the trusted runtime offers to the rest of the enclave's trusted code: the C library layer
 * (src/libc), attestation, keys. Not installed; applications use include/openenclave.
 *
 * Everything here may be called on any thread inside an ecall unless it says otherwise.
 */
#ifndef CM_ENCLAVE_RUNTIME_H
#define CM_ENCLAVE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openenclave/advanced/allocator.h>
#include <openenclave/bits/result.h>

/* ------------------------------------------------------------- thread data */

/* The calling thread's data page, FS:0 included; fixed for the life of its TCS. */
void *cm_td_self(void);

/* Hooks of src/libc; without it, weak versions in td_hooks.c set up the stack protector only. */
struct cm_musl_thread;
void cm_musl_td_init(void *td, const struct cm_musl_thread *thread);
void cm_musl_td_exit(void);
void cm_libc_fini(void);

/* ---------------------------------------------------------------- the host */

/**
 * One ocall of the built-in kind (enum cm_ocall_func).
 *
 * @param answer  May be NULL. What the host gave back: UNTRUSTED.
 * @retval OE_OK  the host came back and reported success; says nothing about what it did
 */
oe_result_t oe_ocall(uint16_t func, uint64_t argument, uint64_t *answer);

/**
 * Sleep until a wake for this thread arrives; one that came before is not lost. The host decides
 * when either returns: both may return at any time, or do nothing, so callers look at their own
 * state in enclave memory again and again (D5).
 */
void cm_thread_wait(void);
void cm_thread_wake(void *td);

/* Nanoseconds since 1970 as the host tells them. UNTRUSTED: may stand still or run backwards. */
uint64_t cm_host_time_ns(void);

/* Write to the host's stdout (0) or stderr (1). Never allocates in the enclave. May fail silently:
 * what the host does with it is its own affair. */
void cm_host_write(int device, const char *text, size_t size);

/* --------------------------------------------------------------- processor */

/* size random bytes from RDSEED or RDRAND; when the processor has none, the enclave aborts (C5). */
uint32_t cm_libc_random(void *data, size_t size);

/* XFRM in force, from the processor: which register states may be used. */
uint64_t cm_xfrm(void);

/* ATTRIBUTES.FLAGS in force, from the processor: DEBUG and so on. */
uint64_t cm_attributes(void);

/* ENCLU with the given registers; the caller answers for alignment. Returns RAX. */
uint64_t cm_enclu_call(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);

/**
 * Looks up the CPUID table that the host gave at initialisation: EAX, EBX, ECX, EDX. Bits of
 * register states that XFRM does not allow are cleared. False when the table has no such leaf.
 * UNTRUSTED: a lie must cost no more than speed or a fault (C4).
 */
bool cm_cpuid_lookup(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

/* ------------------------------------------------------------------ memory */

/* The enclave's address range, [base, base + size). */
uint64_t cm_enclave_base(void);
uint64_t cm_enclave_size(void);

/* Zeroes the block before it goes back to the heap. ptr may be NULL. */
void cm_free_wiped(void *ptr);

/* ----------------------------------------------------------------- the end */

/* Stops the enclave for good: this ecall and all later ones end with OE_ENCLAVE_ABORTED. */
_Noreturn void oe_abort(void);

/* Same, after a message to the host's stderr. */
_Noreturn void cm_abort_because(const char *why);

/* The log level that the host asked for, 0 (nothing) when it did not. A hint. */
uint32_t cm_log_level(void);

/* Runs function when the enclave is destroyed, last registered first. 0, or -1 when out of memory. */
int oe_atexit(void (*function)(void));
int cm_atexit_arg(void (*fn)(void *), void *arg);

#endif
