/*
 * Asking the host. Every call goes through CM_HOST_ASK, every answer through cm_host_number: what
 * comes out is a number in the range that the caller named, or -errno with one of Linux's numbers.
 */
#ifndef CM_SYSCALL_SYS_HOST_H
#define CM_SYSCALL_SYS_HOST_H

#include <stdint.h>

#include <openenclave/bits/result.h>

#include "cm_syscall_t.h"

/* Bytes that go in one call: the generated code needs as many of the enclave's heap meanwhile. */
#define CM_HOST_CHUNK  65536u

#define CM_HOST_FD_MAX INT32_MAX

/* Generated code of an enclave that imports the EDL file defines the function. */
#define CM_HOST_MAY(fn) \
    extern __typeof(fn) fn __attribute__((weak)) /* NOLINT(bugprone-macro-parentheses) */

/* OE_UNSUPPORTED, after one warning that names the file (edl: "fcntl"), when it was not imported */
#define CM_HOST_ASK(edl, fn, ...) ((fn) == NULL ? cm_host_missing(edl) : (fn)(__VA_ARGS__))

/* Says once for each name that openenclave/edl/<edl>.edl (of "files": casemate/edl) has to be imported.
 * OE_UNSUPPORTED. */
oe_result_t cm_host_missing(const char *edl);

/**
 * The checked answer of an ocall with errno (C2).
 *
 * @param call   what became of the call
 * @param value  the host's word: -1, or 0 to most
 * @return 0 to most, or -errno; -EIO for anything that the host may not say
 */
long cm_host_number(oe_result_t call, int64_t value, int64_t most);

/* The same for what can only succeed or fail. */
static inline long cm_host_done(oe_result_t call, int64_t value)
{
    return cm_host_number(call, value, 0);
}

#endif
