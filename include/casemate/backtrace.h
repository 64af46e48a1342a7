/*
 * Which functions are active: inside the enclave, at run time, for its own messages. Enclave side.
 *
 * Open Enclave has these functions, without showing them in a header of its own.
 *
 * Frames are found by frame pointers. A function without one (of the C library, or of code that was
 * compiled with -fomit-frame-pointer) stands in the list in place of its caller, or ends the list.
 */
#ifndef CASEMATE_BACKTRACE_H
#define CASEMATE_BACKTRACE_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>

OE_EXTERNC_BEGIN

#define OE_BACKTRACE_MAX 32 /**< frames that the functions below ask names for at a time */

/**
 * The return addresses of the functions that are active, innermost first.
 *
 * @param buffer  Room for size addresses.
 * @return        How many there are in buffer. 0 when buffer is NULL or size is not positive.
 *
 * Thread-safe, and safe in exception handlers. No allocation, no ocall.
 */
int oe_backtrace(void **buffer, int size);

/**
 * The names of the functions that hold these addresses. In an enclave with the DEBUG attribute the host
 * looks them up in the image file: UNTRUSTED text, cut at 127 bytes, with printable bytes only. In any
 * other enclave nothing is told to the host, and the address itself stands in place of its name, as it
 * does for every function that the host does not know.
 *
 * @param buffer  size addresses, as oe_backtrace() gives them.
 * @param size    At most OE_BACKTRACE_MAX.
 * @return        size pointers to terminated text, one block: oe_backtrace_symbols_free() it. NULL when
 *                an argument is wrong or memory ran out.
 *
 * Thread-safe. An ocall, so not for handlers of exceptions that may come in one.
 */
char **oe_backtrace_symbols(void *const *buffer, int size);

/** Frees what oe_backtrace_symbols() gave, or NULL. */
void oe_backtrace_symbols_free(char **symbols);

/**
 * Writes the names of the functions that are active, one a line, to the host's stderr.
 *
 * @retval OE_OK             written, as far as the host does what it is asked
 * @retval OE_OUT_OF_MEMORY  memory ran out
 */
oe_result_t oe_print_backtrace(void);

OE_EXTERNC_END

#endif
