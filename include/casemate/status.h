/*
 * Status codes of Casemate's own API. Ranges say who must act:
 * 1-19 the caller, 20-39 the input is malformed, 40-59 refused, 60-79 the environment.
 * Append only. Every code has one sentence in cm_status_str().
 */
#ifndef CASEMATE_STATUS_H
#define CASEMATE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CM_MUST_USE           __attribute__((warn_unused_result))
#define CM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define CM_MUST_USE
#define CM_PRINTF(fmt, first)
#endif

enum cm_status {
    CM_OK = 0,
    /* the caller */
    CM_ERR_PARAM = 1,  /* an argument is NULL, out of range or contradicts another */
    CM_ERR_STATE = 2,  /* the object is not in a state that allows the call */
    CM_ERR_SPACE = 3,  /* the caller's buffer is too small */
    CM_ERR_EXISTS = 4, /* it exists already */
    /* malformed input */
    CM_ERR_FORMAT = 20,      /* truncated, trailing bytes, bad magic or bad length */
    CM_ERR_LIMIT = 21,       /* well formed, but beyond a stated limit */
    CM_ERR_OVERFLOW = 22,    /* a size or an address does not fit its type */
    CM_ERR_UNSUPPORTED = 23, /* well formed, but a version or feature that is not handled */
    CM_ERR_SYNTAX = 24,      /* text does not follow its grammar; cm_why names the place */
    /* refused */
    CM_ERR_SIGNATURE = 40, /* a signature or MAC does not verify */
    CM_ERR_MISMATCH = 41,  /* a value differs from the one that is required */
    CM_ERR_POLICY = 42,    /* genuine, but policy does not accept it */
    CM_ERR_EXPIRED = 43,   /* outside its period of validity */
    CM_ERR_REVOKED = 44,   /* revoked */
    CM_ERR_DENIED = 45,    /* the platform or the operating system refused */
    /* the environment */
    CM_ERR_NOMEM = 60,    /* out of memory */
    CM_ERR_IO = 61,       /* a read or a write failed */
    CM_ERR_NOTFOUND = 62, /* a file, a device, a symbol or a key is absent */
    CM_ERR_CRYPTO = 63,   /* the cryptographic library failed */
    CM_ERR_PLATFORM = 64, /* the processor, the kernel or a driver lacks something or failed */
    CM_ERR_BUSY = 65,     /* in use; try again later */
};

/** The sentence for a status code; never NULL. Thread-safe, no allocation. */
const char *cm_status_str(enum cm_status st);

/** Where a failing call may write what went wrong, for a person. The caller owns it. */
struct cm_why {
    char text[256];
};

/**
 * Write the reason into why (printf style, truncated to fit). NULL why is allowed and ignored.
 * The first reason wins: a text that is there already is kept, since the cause is deepest.
 */
void cm_why_set(struct cm_why *why, const char *fmt, ...) CM_PRINTF(2, 3);

/** Whether the reason begins with that name and a colon, so that a caller need not put it there. */
bool cm_why_names(const struct cm_why *why, const char *name);

#ifdef __cplusplus
}
#endif
#endif
