/*
 * The host's log: how much of it there is, and who gets it. Host side.
 *
 * Messages of the host library, and of enclaves that import openenclave/edl/logging.edl, go to
 * standard error, or to where OE_LOG_DEVICE says (docs/logging.md), or to a callback.
 */
#ifndef _OE_TRACE_H
#define _OE_TRACE_H

#ifdef _OE_ENCLAVE_H
#error "openenclave/trace.h is the host's; an enclave has openenclave/tracee.h"
#endif

#include <time.h>

#include "bits/defs.h"
#include "bits/result.h"
#include "bits/types.h"
#include "log.h"

OE_EXTERNC_BEGIN

/**
 * Gets one message. Calls never overlap.
 *
 * @param context         As given to oe_log_set_callback().
 * @param is_enclave      From an enclave: the text is whatever that enclave, or who took it over,
 *                        wanted to say.
 * @param t, usecs        When, in UTC; microseconds of that second.
 * @param level           OE_LOG_LEVEL_FATAL to OE_LOG_LEVEL_VERBOSE.
 * @param host_thread_id  pthread_self() of the thread that logs.
 * @param message         Printable ASCII with one newline at its end: bytes of any other kind stand
 *                        there as \xNN. Borrowed for the call.
 *
 * May call any function of the SDK. What is logged meanwhile by the same thread goes to the
 * standard place, not to the callback.
 */
typedef void (*oe_log_callback_t)(void *context, bool is_enclave, const struct tm *t,
                                  long int usecs, oe_log_level_t level, uint64_t host_thread_id,
                                  const char *message);

/**
 * Give every message to a callback instead of writing it; NULL: write again.
 *
 * The callback gets the host's messages up to the host's level, and of enclaves' messages all that
 * arrive (see oe_set_enclave_log_level()). Once this returns, the former callback is not running on
 * any other thread and will not be called again.
 *
 * @param context   Passed on; must live as long as the callback is set.
 *
 * @retval OE_OK    always
 *
 * Thread-safe.
 */
oe_result_t oe_log_set_callback(void *context, oe_log_callback_t callback);

/**
 * How much the host logs. Overrules the environment variable OE_LOG_LEVEL; also the level that
 * enclaves are asked for when they are created from now on.
 *
 * @retval OE_OK                 it holds for every message from now
 * @retval OE_INVALID_PARAMETER  no level
 *
 * Thread-safe.
 */
oe_result_t oe_set_host_log_level(oe_log_level_t log_level);

/**
 * Ask an enclave to log that much. It is a wish: an enclave without the DEBUG attribute tells at most
 * errors, whatever is asked. Messages above the host's level that do arrive are not written, but a
 * callback gets them.
 *
 * @retval OE_OK                 the enclave was asked
 * @retval OE_INVALID_PARAMETER  no enclave, or no level
 * @retval OE_UNSUPPORTED        the EDL file of the enclave or of this host does not import
 *                               openenclave/edl/logging.edl
 *
 * Makes an ecall, and fails as one may.
 */
oe_result_t oe_set_enclave_log_level(oe_enclave_t *enclave, uint32_t log_level);

OE_EXTERNC_END

#endif
