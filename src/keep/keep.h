/*
 * How keys and secrets rest in the store: each wrapped by AES-256-GCM under a key of its own, derived
 * from the store key. The store key is random, never changes, and rests in the store itself, wrapped by
 * the root key, which is never in the store: a file, a passphrase (Argon2id), behind a PKCS#11 token, or
 * sealed by an enclave (docs/service-keys.md). Thread-safe once opened. Host side only.
 *
 * NOT promised: that an old blob is not put back in place of a newer one of the same name.
 */
#ifndef CM_KEEP_KEEP_H
#define CM_KEEP_KEEP_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"
#include "store/db.h"

struct cm_keep;

/** Bytes that wrapping adds. */
#define CM_KEEP_OVERHEAD 64

/** Bytes of a name. */
#define CM_KEEP_NAME_MAX 1024

/**
 * Open, and on an empty store make, what its keys rest under. Brings the store's schema up to date.
 *
 * @param where  "file:PATH" (made with mode 0600 when the store is new and there is no such file; others'
 *               permissions are refused), "passphrase-file:PATH" (the same permissions; at least 12
 *               bytes, one line end at its end does not count), "pkcs11:..." (RFC 7512; a key for AES or
 *               RSA; PIN by pin-source=file:PATH), "enclave:IMAGE" (bound to the image's signer and
 *               product; with "enclave-exact:IMAGE" to its measurement).
 * @param db     no transaction may be open. Holds what the way needs (salt, what the token or the
 *               enclave sealed) and the store key, which a wrong root key cannot open: that is noticed
 *               before anything is written under it.
 *
 * @retval CM_ERR_MISMATCH  another root key, or another way, than the store was made with
 * @retval CM_ERR_NOTFOUND  the file, the token or its key, or the image is absent
 * @retval CM_ERR_DENIED    others may read the file; the token refused the PIN
 * @retval CM_ERR_PARAM     `where` is none of the above   @retval CM_ERR_LIMIT  too short, too long
 * @retval CM_ERR_FORMAT    the file or the store's record is malformed
 * @retval CM_ERR_PLATFORM  the module or the enclave cannot be used here
 * @retval CM_ERR_IO, CM_ERR_NOMEM, CM_ERR_CRYPTO, and those of the store
 */
CM_MUST_USE enum cm_status cm_keep_open(const char *where, struct cm_db *db, struct cm_keep **out,
                                        struct cm_why *why);
/** Accepts NULL; wipes. */
void cm_keep_close(struct cm_keep *keep);

/**
 * Wrap the store key by another root key instead, in one transaction. Nothing that rests under the store
 * key changes, and services that run go on; they need the new `where` at their next start.
 *
 * @param from  where the root key is now   @param to  where it is to be: made as for a new store
 * @retval CM_ERR_BUSY  somebody else changed it meanwhile   @retval others of cm_keep_open()
 *
 * NOT promised: that it helps against somebody who had the old root key and a copy of the store.
 */
CM_MUST_USE enum cm_status cm_keep_rewrap(const char *from, const char *to, struct cm_db *db,
                                          struct cm_why *why);

/** Where the root key is, for a person, without secrets; says EMULATED where that is so. */
const char *cm_keep_says(const struct cm_keep *keep);
/** Whether an emulated enclave keeps it: that protects nothing. */
bool cm_keep_emulated(const struct cm_keep *keep);

/** Whether an enclave keeps the root key, which can be asked for quotes. */
bool cm_keep_quotes(const struct cm_keep *keep);
/**
 * A quote of the enclave that keeps the root key (SGX, without any header), over data and 32 zeros. It says that
 * whoever asked had what this enclave sealed on this machine; NOT that data, or a key that it is the hash of,
 * ever was in the enclave. Starts the enclave: takes its time.
 * @param out  malloc'd, the caller frees it
 * @retval CM_ERR_UNSUPPORTED no enclave keeps it   @retval CM_ERR_PLATFORM, CM_ERR_NOTFOUND, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_keep_quote(const struct cm_keep *keep, const uint8_t data[32],
                                         uint8_t **out, size_t *len, struct cm_why *why);

/**
 * @param name  what it is and where it belongs, such as "key/NAME/VERSION": unwrapping needs the same.
 * @param out   plain.len + CM_KEEP_OVERHEAD bytes at most; *len is set. Must not overlap plain.
 * @retval CM_ERR_SPACE, CM_ERR_LIMIT, CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_keep_wrap(const struct cm_keep *keep, const char *name,
                                        struct cm_span plain, uint8_t *out, size_t cap,
                                        size_t *len);
/**
 * @param out  wrapped.len bytes are always enough; zeroed on failure. The caller wipes it.
 * @retval CM_ERR_SIGNATURE  not wrapped under this store key and name
 * @retval CM_ERR_SPACE, CM_ERR_LIMIT, CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_keep_unwrap(const struct cm_keep *keep, const char *name,
                                          struct cm_span wrapped, uint8_t *out, size_t cap,
                                          size_t *len);

#endif
