/*
 * The host's side of the ocalls in openenclave/edl/{logging,memory}.edl and
 * casemate/edl/threads.edl. Generated code declares
 * and calls them. Each group is an object of its own: a host that does not import the EDL file
 * does not link it, and one that defines such a function itself gets its own.
 */
#ifndef CM_HOST_SYS_OCALLS_H
#define CM_HOST_SYS_OCALLS_H

#include <stddef.h>
#include <stdint.h>

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

#endif
