/*
 * Hashes by name, for evidence whose hash is a field of its own: one shot and incremental. SHA-1 is
 * here because old event logs and PCR banks have it; whether a caller accepts it is the caller's.
 *
 * No policy here. Nothing of this is constant time in its length. Same code in host and enclave.
 */
#ifndef CM_CRYPTO_HASH_H
#define CM_CRYPTO_HASH_H

#include <casemate/status.h>

#include "common/span.h"

enum cm_hash_alg {
    CM_HASH_SHA1,
    CM_HASH_SHA256,
    CM_HASH_SHA384,
    CM_HASH_SHA512,
};

#define CM_HASH_MAX_SIZE 64U

/** Bytes of a digest (20, 32, 48, 64); 0 for another number. */
size_t cm_hash_size(enum cm_hash_alg alg);

/** The name that claims use: "sha1", "sha256", "sha384", "sha512"; NULL for another number. */
const char *cm_hash_name(enum cm_hash_alg alg);

/**
 * The digest of data; out has cm_hash_size(alg) bytes and is zeroed on failure.
 * @retval CM_ERR_PARAM another number than those above   @retval CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_hash(enum cm_hash_alg alg, struct cm_span data, uint8_t *out);

/** The digest of the concatenation of parts. */
CM_MUST_USE enum cm_status cm_hash_parts(enum cm_hash_alg alg, const struct cm_span *parts,
                                         size_t part_count, uint8_t *out);

/* A running hash. Opaque, heap allocated; not thread-safe per object. */
struct cm_hasher;

CM_MUST_USE enum cm_status cm_hasher_create(enum cm_hash_alg alg, struct cm_hasher **out);
CM_MUST_USE enum cm_status cm_hasher_update(struct cm_hasher *h, struct cm_span data);
/** out has cm_hash_size() bytes. What follows is cm_hasher_free() or cm_hasher_again(). */
CM_MUST_USE enum cm_status cm_hasher_final(struct cm_hasher *h, uint8_t *out);
/** Forget what was hashed and begin anew: a third cheaper than another object, where digests are many. */
CM_MUST_USE enum cm_status cm_hasher_again(struct cm_hasher *h);
/**
 * cm_hash_parts() with an object that is there: it begins anew whatever was in it.
 * @param out  cm_hash_size() bytes; may be one of the parts, and is zeroed on failure.
 */
CM_MUST_USE enum cm_status cm_hasher_parts(struct cm_hasher *h, const struct cm_span *parts,
                                           size_t part_count, uint8_t *out);
/** Which hash it is. */
enum cm_hash_alg cm_hasher_alg(const struct cm_hasher *h);
/** Accepts NULL. */
void cm_hasher_free(struct cm_hasher *h);

#endif
