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

#include "libc/inside_runtime.h" /* the part that the C library needs */

/* ------------------------------------------------------------- thread data */

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

/* --------------------------------------------------------------- processor */

/* ENCLU with the given registers; the caller answers for alignment. Returns RAX. */
uint64_t cm_enclu_call(uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);

/* ------------------------------------------------------------------ memory */

/* Zeroes the block before it goes back to the heap. ptr may be NULL. */
void cm_free_wiped(void *ptr);

/* ----------------------------------------------------------------- the end */

/* As oe_abort; the host is told the cause (enum cm_abort_cause). */
_Noreturn void cm_abort_with(uint32_t cause);

/* The same on account of other code: the functions that are told are those of this context. */
_Noreturn void cm_abort_at(uint32_t cause, uint64_t rip, uint64_t rbp);

/* As oe_abort, after a message to the host's stderr. */
_Noreturn void cm_abort_because(const char *why);

#endif
