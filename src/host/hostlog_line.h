/*
 * Lines of the host's log: bytes of strangers made harmless, and the user's own line format
 * (OE_LOG_FORMAT) filled in. No I/O, no state.
 */
#ifndef CM_HOST_HOSTLOG_LINE_H
#define CM_HOST_HOSTLOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openenclave/log.h>

/* Of a message, before escaping; the rest is cut. */
#define CM_LOG_TEXT_MAX 2048u
/* Of a message, escaped: a byte becomes at most six. */
#define CM_LOG_SAFE_MAX (6u * CM_LOG_TEXT_MAX + 1u)
/* Of a whole line with its newline: what does not fit is cut. */
#define CM_LOG_LINE_MAX (CM_LOG_SAFE_MAX + 2048u)

/* How a byte that is not printable ASCII is written. */
enum cm_log_escape {
    CM_LOG_ESCAPE_TEXT, /* \xNN */
    CM_LOG_ESCAPE_JSON, /* as in a JSON string, quotation marks and backslashes too; above 0x7e \u00NN */
};

/** Escape text up to its terminator or CM_LOG_TEXT_MAX bytes; trailing newlines are dropped. */
void cm_log_escape(enum cm_log_escape how, const char *text, char out[CM_LOG_SAFE_MAX]);

/**
 * gmtime_r(), without the lock of the C library's time zone, which a fork could leave locked in the
 * child. Times before 1970 are the first of that year; a year is at most 400000.
 */
void cm_log_utc(time_t at, struct tm *out);

/** One message, ready to be written: everything in it is printable. */
struct cm_log_entry {
    struct tm when; /* UTC */
    long usecs;
    bool is_enclave;
    oe_log_level_t level;
    uint64_t thread;
    const char *message;
};

/**
 * Whether a format is one: at most nine conversions, in this order: time (s), microseconds (d),
 * "E" or "H" (s), level (s), thread (d u x X), message (s), file (s), function (s), line (s); each
 * with an optional 0 and width of at most two digits and with length letters, which mean nothing; %%; and
 * a newline at the end.
 */
bool cm_log_format_good(const char *format);

/**
 * The line of an entry in a format that is good. File, function and line are what a message ending in
 * "[file:function:line]" says, else empty; a format that does not have them gets the whole message.
 *
 * @return bytes in out; the last one is a newline
 */
size_t cm_log_line(const char *format, const struct cm_log_entry *entry, char out[CM_LOG_LINE_MAX]);

#endif
