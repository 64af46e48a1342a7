/*
 * Passwords: Argon2id in the usual text form, parameters and salt inside. A hash takes tens of MiB and a
 * tenth of a second: only few are made at once, so that logins cannot eat the memory. Thread-safe.
 */
#ifndef CM_ACCESS_ACCESS_PASSWORD_H
#define CM_ACCESS_ACCESS_PASSWORD_H

#include <casemate/status.h>
#include <stdbool.h>

#define CM_PASSWORD_HASH_CAP 128
#define CM_PASSWORD_MIN      12 /* characters */
#define CM_PASSWORD_MAX      256
#define CM_PASSWORD_BYTES    1024 /* more is no password */
#define CM_PASSWORD_AT_ONCE  2

/** What a hash costs. The least is OWASP's: 19 MiB, 2 passes. */
struct cm_password_cost {
    unsigned memory_kib;
    unsigned passes;
};
#define CM_PASSWORD_COST       ((struct cm_password_cost){64 * 1024, 3})
#define CM_PASSWORD_MEMORY_MIN 19456U
#define CM_PASSWORD_MEMORY_MAX (1024U * 1024U)
#define CM_PASSWORD_PASSES_MIN 2U
#define CM_PASSWORD_PASSES_MAX 16U

/** Whether it is of a good length. why says what is wrong. @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_password_check(const char *password, struct cm_why *why);

/** @retval CM_ERR_BUSY as many as may be are being made   @retval CM_ERR_NOMEM, CM_ERR_CRYPTO */
CM_MUST_USE enum cm_status cm_password_hash(const char *password,
                                            const struct cm_password_cost *cost,
                                            char out[CM_PASSWORD_HASH_CAP]);

/**
 * @param hash  NULL: there is no such account. Then it takes as long, at this cost, and does not fit.
 * @retval CM_ERR_MISMATCH another password   Otherwise as above.
 */
CM_MUST_USE enum cm_status cm_password_verify(const char *password, const char *hash,
                                              const struct cm_password_cost *cost);

/** Whether a hash was made at another cost. */
bool cm_password_outdated(const char *hash, const struct cm_password_cost *cost);

#endif
