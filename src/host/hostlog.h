/*
 * The host library's log. Messages go to the callback of openenclave/trace.h, or to standard error,
 * or to the file of OE_LOG_DEVICE: docs/logging.md. Thread-safe; keeps errno.
 */
#ifndef CM_HOST_HOSTLOG_H
#define CM_HOST_HOSTLOG_H

#include <casemate/status.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>
#include <openenclave/log.h>

enum cm_log_level {
    CM_LOG_NONE = OE_LOG_LEVEL_NONE,
    CM_LOG_FATAL = OE_LOG_LEVEL_FATAL,
    CM_LOG_ERROR = OE_LOG_LEVEL_ERROR,
    CM_LOG_WARNING = OE_LOG_LEVEL_WARNING,
    CM_LOG_INFO = OE_LOG_LEVEL_INFO,
    CM_LOG_VERBOSE = OE_LOG_LEVEL_VERBOSE,
};

/** The host's level: of oe_set_host_log_level(), else of OE_LOG_LEVEL, else ERROR. */
enum cm_log_level cm_host_log_level(void);

/** A message of the host's own. The text may quote anything: it is escaped. */
void cm_host_log(enum cm_log_level level, const char *fmt, ...) CM_PRINTF(2, 3);

/** A message of an enclave, UNTRUSTED throughout: a level that is none is dropped with its text. */
void cm_host_log_enclave(uint32_t level, const char *message);

/** Where messages are written when there is no callback; hostlog_out.c. */
struct cm_log_entry;
void cm_host_log_write(const char *raw, const struct cm_log_entry *entry);

/**
 * Ask an enclave for a level (hostlog_enclave.c).
 *
 * @param path  Shown at most.
 * @retval OE_UNSUPPORTED  it, or this host's EDL, knows nothing of logging
 */
oe_result_t cm_host_log_ask(oe_enclave_t *enclave, const char *path, uint32_t level);

#endif
