/*
 * The host library's log: one line to stderr, or nothing when OE_LOG_LEVEL says less. Levels as in
 * the Open Enclave API. Thread-safe; keeps errno.
 */
#ifndef CM_HOST_HOSTLOG_H
#define CM_HOST_HOSTLOG_H

#include <casemate/status.h>

enum cm_log_level {
    CM_LOG_NONE = 0,
    CM_LOG_FATAL = 1,
    CM_LOG_ERROR = 2,
    CM_LOG_WARNING = 3,
    CM_LOG_INFO = 4,
    CM_LOG_VERBOSE = 5,
};

/** What OE_LOG_LEVEL asks for (read once); ERROR when it is not set or not a level. */
enum cm_log_level cm_host_log_level(void);

void cm_host_log(enum cm_log_level level, const char *fmt, ...) CM_PRINTF(2, 3);

#endif
