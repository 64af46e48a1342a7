/*
 * How keys and secrets rest in the store: each wrapped by AES-256-GCM under a key of its own, derived
 * from the root key, which is never in the store: a file, a PKCS#11 token, a passphrase (Argon2id), or
 * sealed by an enclave (docs/service-keys.md). Thread-safe once opened. Host side only.
 *
 * NOT promised: that an old blob is not put back in place of a newer one of the same name.
 */
#ifndef CM_KEEP_KEEP_H
#define CM_KEEP_KEEP_H

#include <casemate/status.h>

#include "common/span.h"
#include "store/db.h"

struct cm_keep;

/** Bytes that wrapping adds. */
#define CM_KEEP_OVERHEAD 64

/**
 * @param where  "file:PATH" (made with mode 0600 when missing; others' permissions are refused),
 *               "passphrase-file:PATH", "pkcs11:..." (RFC 7512, PIN by pin-source), "enclave:IMAGE".
 * @param db     the store: holds what the way needs (salt, the wrapped root key), and a check value that
 *               notices a wrong key before anything is written under it.
 * @retval CM_ERR_MISMATCH  another root key than the store was made with
 */
CM_MUST_USE enum cm_status cm_keep_open(const char *where, struct cm_db *db, struct cm_keep **out,
                                        struct cm_why *why);
/** Accepts NULL; wipes. */
void cm_keep_close(struct cm_keep *keep);

/**
 * @param name  what it is and where it belongs, such as "key/NAME/VERSION": unwrapping needs the same.
 * @param out   plain.len + CM_KEEP_OVERHEAD bytes at most; *len is set.
 */
CM_MUST_USE enum cm_status cm_keep_wrap(const struct cm_keep *keep, const char *name,
                                        struct cm_span plain, uint8_t *out, size_t cap,
                                        size_t *len);
/** @retval CM_ERR_SIGNATURE  not wrapped under this root key and name */
CM_MUST_USE enum cm_status cm_keep_unwrap(const struct cm_keep *keep, const char *name,
                                          struct cm_span wrapped, uint8_t *out, size_t cap,
                                          size_t *len);

#endif
