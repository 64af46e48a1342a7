/*
 * The enclave's log: messages of the runtime inside. Enclave side; the host's is
 * openenclave/trace.h.
 */
#ifndef _OE_TRACEE_H
#define _OE_TRACEE_H

#include "bits/defs.h"
#include "bits/result.h"
#include "bits/types.h"
#include "log.h"

OE_EXTERNC_BEGIN

/**
 * Gets one message inside the enclave, before anything of it leaves. May run on several threads at
 * once. Its own calls may log: those messages are dropped.
 *
 * @param context    As given to oe_enclave_log_set_callback().
 * @param level      OE_LOG_LEVEL_FATAL to OE_LOG_LEVEL_VERBOSE.
 * @param thread_id  Of the thread that logs; the same number for the same thread during an ecall.
 * @param message    Printable ASCII with one newline at its end. Borrowed for the call. It can quote
 *                   what the host sent.
 */
typedef void (*oe_enclave_log_callback_t)(void *context, oe_log_level_t level, uint64_t thread_id,
                                          const char *message);

/**
 * Give the enclave's messages to a callback instead of to the host; NULL: to the host again. The
 * first message that it gets says that it was set.
 *
 * The callback gets messages of every level: the host's wish does not silence it. Without one they
 * leave by the ocall of openenclave/edl/logging.edl, up to the level that the host asked for and, in
 * an enclave without the DEBUG attribute, never above OE_LOG_LEVEL_ERROR.
 *
 * @param context  Passed on; must live until the enclave ends, since a thread may be in the former
 *                 callback when this returns.
 *
 * @retval OE_OK   always
 *
 * Thread-safe. The message of an abort is not among those: nothing may run any more.
 */
oe_result_t oe_enclave_log_set_callback(void *context, oe_enclave_log_callback_t callback);

OE_EXTERNC_END

#endif
