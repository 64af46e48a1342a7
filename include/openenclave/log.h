/*
 * The levels of log messages, on both sides of the boundary. The host's functions are in
 * openenclave/trace.h, the enclave's in openenclave/tracee.h.
 */
#ifndef _OE_LOG_H
#define _OE_LOG_H

#include "bits/defs.h"

OE_EXTERNC_BEGIN

/** A level says at most so much: a limit of WARNING lets FATAL, ERROR and WARNING through. */
typedef enum _oe_log_level {
    OE_LOG_LEVEL_NONE = 0, /**< as a limit: nothing. No message has this level */
    OE_LOG_LEVEL_FATAL,
    OE_LOG_LEVEL_ERROR, /**< the limit unless somebody says otherwise */
    OE_LOG_LEVEL_WARNING,
    OE_LOG_LEVEL_INFO,
    OE_LOG_LEVEL_VERBOSE,
    OE_LOG_LEVEL_MAX, /**< how many there are; no level */
} oe_log_level_t;

/** Short names by level: "NONE", "FATAL", "ERROR", "WARN", "INFO", "VERBOSE". */
extern const char *const oe_log_level_strings[OE_LOG_LEVEL_MAX];

OE_EXTERNC_END

#endif
