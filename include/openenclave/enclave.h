/*
 * The enclave side of the API: what code inside an enclave can use beside the C library. Include it
 * in trusted code only; the host's side is openenclave/host.h.
 */
#ifndef _OE_ENCLAVE_H
#define _OE_ENCLAVE_H

#ifdef _OE_HOST_H
#error "enclave.h and host.h must not be included in the same compilation unit"
#endif

#include "bits/attls.h"
#include "bits/defs.h"
#include "bits/enclave_reports.h"
#include "bits/exception.h"
#include "bits/fs.h"
#include "bits/keys.h"
#include "bits/module.h"
#include "bits/properties.h"
#include "bits/result.h"
#include "bits/security.h"
#include "bits/types.h"

OE_EXTERNC_BEGIN

/**
 * Whether every byte of [ptr, ptr + size) lies inside the enclave, or outside of it. A range that
 * straddles the border is neither, nor is one that wraps, nor NULL. A size of 0 counts as 1.
 *
 * Data from the host is safe to use only after oe_is_outside_enclave() said so and it was copied:
 * "not within" is not "outside".
 */
bool oe_is_within_enclave(const void *ptr, size_t size);
bool oe_is_outside_enclave(const void *ptr, size_t size);

/**
 * Memory of the host, wholly outside the enclave and 16-aligned; NULL when the host has none or
 * answers with an address that cannot be one. Its content belongs to the host at any time.
 */
void *oe_host_malloc(size_t size);
void *oe_host_calloc(size_t nmemb, size_t size);

/** As realloc(), for a block that this enclave obtained; NULL for any other. */
void *oe_host_realloc(void *ptr, size_t size);

/** Gives a block back; NULL is fine, an address inside the enclave is ignored. */
void oe_host_free(void *ptr);

/** Copies at most n characters of an enclave string, and a terminator, into host memory. */
char *oe_host_strndup(const char *str, size_t n);

/**
 * Stops the enclave for good: the current ecall and every later one ends with OE_ENCLAVE_ABORTING.
 */
void oe_abort(void) OE_NO_RETURN;

void __oe_assert_fail(const char *expr, const char *file, int line,
                      const char *function) OE_NO_RETURN;

/** As assert(), reporting to the host's stderr before oe_abort(). */
#ifdef NDEBUG
#define oe_assert(EXPR) ((void)0)
#else
#define oe_assert(EXPR)                                            \
    do {                                                           \
        if (!(EXPR)) {                                             \
            __oe_assert_fail(#EXPR, __FILE__, __LINE__, __func__); \
        }                                                          \
    } while (0)
#endif

/** The host's handle of this enclave, as the host told it: an opaque, UNTRUSTED number. */
oe_enclave_t *oe_get_enclave(void);

/** OE_OK while the enclave works; OE_ENCLAVE_ABORTING after it has aborted. */
oe_result_t oe_get_enclave_status(void);

/**
 * Random bytes from the processor, fit for keys. When the processor gives none, the enclave aborts:
 * there is no weaker source to fall back on.
 *
 * @retval OE_OK                 size random bytes are at data
 * @retval OE_INVALID_PARAMETER  data is NULL
 */
oe_result_t oe_random(void *data, size_t size);

/**
 * Adds a handler of exceptions that enclave code raises, before (first) or behind those that exist.
 *
 * @retval OE_OK                 added
 * @retval OE_INVALID_PARAMETER  handler is NULL
 * @retval OE_FAILURE            it is there already, or there are too many
 */
oe_result_t oe_add_vectored_exception_handler(bool is_first_handler,
                                              oe_vectored_exception_handler_t vectored_handler);

/** @retval OE_INVALID_PARAMETER  it was not there */
oe_result_t oe_remove_vectored_exception_handler(oe_vectored_exception_handler_t vectored_handler);

OE_EXTERNC_END

#endif
