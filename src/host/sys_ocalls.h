/*
 * The host's side of the ocalls in openenclave/edl/{logging,memory}.edl, openenclave/edl/sgx/{cpu,debug,
 * switchless,thread}.edl and casemate/edl/threads.edl. Generated code declares and calls them. Each group is an object of its own: a host that does not import the EDL file
 * does not link it, and one that defines such a function itself gets its own.
 */
#ifndef CM_HOST_SYS_OCALLS_H
#define CM_HOST_SYS_OCALLS_H

#include <stddef.h>
#include <stdint.h>

#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

/* The host program may define single functions of a group itself (sys_{file,socket,poll,proc}*.c). */
#define CM_REPLACEABLE __attribute__((weak))

/** Answers by returning: the host can log. */
void oe_log_is_supported_ocall(void);

/** A line from inside the enclave, at one of the levels of hostlog.h. The text is shown as data. */
void oe_log_ocall(uint32_t log_level, const char *message);

/** At most maxlen characters of str to standard output (device 0) or standard error (1). */
void oe_write_ocall(int device, const char *str, size_t maxlen);

/** realloc; with size 0 the block is freed and the answer is NULL. */
void *oe_realloc_ocall(void *ptr, size_t size);

/**
 * Lend the calling thread's enclave a thread of the host, which runs cm_thread_run_ecall(thread).
 * Threads that the enclave has ended may hold their TCS a moment longer: while more than `others`
 * are lent and no TCS is free, it waits, for a second at most.
 *
 * @return An oe_result_t: OE_OK when the new thread has its TCS, OE_OUT_OF_THREADS when there is none.
 */
uint32_t cm_thread_start_ocall(uint64_t thread, uint64_t others);

/**
 * CPUID of the leaves 0, 1, 2, ... with subleaf 0: EAX, EBX, ECX, EDX of each, as many as there is room for.
 *
 * @param size  A multiple of 16, not 0; else OE_INVALID_PARAMETER.
 */
oe_result_t oe_sgx_get_cpuid_table_ocall(void *table, size_t size);

/**
 * Wake the thread of one TCS of the enclave, then wait as that of another, in one call. Nothing happens for
 * addresses that are none of its TCS, or without an enclave.
 */
void oe_sgx_thread_wake_wait_ocall(oe_enclave_t *enclave, uint64_t waiter_tcs, uint64_t self_tcs);

/**
 * Names of the functions that hold 1 to 1,024 addresses of the calling enclave, one after another, each with
 * its terminator: "" where none is known. symbols->buffer is the caller's, to free().
 */
struct _oe_symbols_t;
oe_result_t oe_sgx_backtrace_symbols_ocall(oe_enclave_t *enclave, const uint64_t *addresses,
                                           size_t count, struct _oe_symbols_t *symbols);
oe_result_t oe_sgx_log_backtrace_ocall(oe_enclave_t *enclave, const uint64_t *addresses,
                                       size_t count);

/** Let the host's worker of this line look for calls again. Any other address does nothing. */
struct _oe_host_worker_context_t;
void oe_sgx_wake_switchless_worker_ocall(struct _oe_host_worker_context_t *context);

/** Return when a call wants the enclave's worker of this line. Any other address: at once. */
struct _oe_enclave_worker_context_t;
void oe_sgx_sleep_switchless_worker_ocall(struct _oe_enclave_worker_context_t *context);

#endif
