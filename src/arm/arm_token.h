/* Private to src/arm: what CCA and PSA tokens have in common. Untrusted: every byte of a token. */
#ifndef CM_ARM_ARM_TOKEN_H
#define CM_ARM_ARM_TOKEN_H

#include "evidence/claims.h"
#include "evidence/material.h"
#include "token/cbor_own.h"
#include "token/cose.h"

#define CM_ARM_MAX_TOKEN      (256u << 10)
#define CM_ARM_MAX_NODES      8192
#define CM_ARM_MAX_COMPONENTS 64
#define CM_ARM_MAX_TEXT       256

/* claims of both kinds of token */
#define CM_ARM_NONCE         10
#define CM_ARM_UEID          256
#define CM_ARM_PROFILE       265
#define CM_ARM_CLIENT_ID     2394
#define CM_ARM_LIFECYCLE     2395
#define CM_ARM_IMPL_ID       2396
#define CM_ARM_SW_COMPONENTS 2399
#define CM_ARM_SERVICE       2400

#define CM_ARM_IMPL_ID_SIZE  32
#define CM_ARM_UEID_SIZE     33
#define CM_ARM_UEID_RAND     1 /* first byte of a UEID that is a random number */

/** Parse within our limits; freed by the caller also after a failure. */
CM_MUST_USE enum cm_status cm_arm_parse(struct cm_span bytes, struct cm_cbor_own *out,
                                        struct cm_why *why);

/* A signed token taken apart: the message and its claims. Not movable. */
struct cm_arm_token {
    struct cm_cbor_own message;
    struct cm_cbor_own payload;
    struct cm_cose_sign1 sign1;
    struct cm_cbor_value claims; /* a map */
};

/** Take a COSE_Sign1 apart, tagged or not, within CWT's tag or not; freed as above. */
CM_MUST_USE enum cm_status cm_arm_token_open(struct cm_span bytes, struct cm_arm_token *out,
                                             struct cm_why *why);
void cm_arm_token_free(struct cm_arm_token *t);

/** Find the key of a device among the enrolled ones and in CoRIM files, and verify with it. The
 * SHA-256 of the key's SubjectPublicKeyInfo is set when it verifies. */
CM_MUST_USE enum cm_status cm_arm_verify_enrolled(const struct cm_verify_job *job,
                                                  const struct cm_arm_token *t,
                                                  struct cm_span instance_id,
                                                  struct cm_span implementation_id,
                                                  uint8_t key_sha256[32], struct cm_why *why);

/** A byte string whose length is one of those of the SHA-2 family. */
CM_MUST_USE enum cm_status cm_arm_hash_value(struct cm_cbor_value v, struct cm_span *out);
/** A byte string of exactly so many bytes. */
CM_MUST_USE enum cm_status cm_arm_bytes(struct cm_cbor_value v, size_t size, struct cm_span *out);
/** A text of at most CM_ARM_MAX_TEXT bytes without NUL, copied with a NUL behind it. */
CM_MUST_USE enum cm_status cm_arm_text(struct cm_cbor_value v, char out[CM_ARM_MAX_TEXT + 1]);

/** A hash algorithm's usual name ("sha-256", ...) for all ways to write it; NULL: none we know. */
const char *cm_arm_hash_name(const char *text);
/** Digest size of a usual name; 0 for another. */
size_t cm_arm_hash_size(const char *name);
/** Hash with the algorithm of a usual name. @retval CM_ERR_UNSUPPORTED another name */
CM_MUST_USE enum cm_status cm_arm_hash(const char *name, struct cm_span data, uint8_t out[64]);

/* How the two formats call the claims about software components. */
struct cm_arm_component_names {
    const char *version; /* repeated text: "TYPE VERSION" */
    const char *raw;     /* the array as it stands in the token */
};

/** Claims about software components: measurements with their role, signers, versions.
 * @param alg  the token's hash algorithm, for components that name none; or NULL */
CM_MUST_USE enum cm_status cm_arm_components(struct cm_cbor_value array, const char *alg,
                                             const struct cm_arm_component_names *names,
                                             struct cm_evidence *ev, size_t submod,
                                             struct cm_why *why);

/**
 * The lifecycle as claims (a number, a word, dbgstat), and the required check on it.
 * @param names  of the claims of the number and of the word
 * @return the check's status: CM_OK only for "secured", or what CM_VERIFY_ALLOW_DEBUG lets through
 */
struct cm_arm_lifecycle_names {
    const char *number;
    const char *word;
    const char *check;
};
CM_MUST_USE enum cm_status cm_arm_lifecycle(uint64_t value, unsigned flags,
                                            const struct cm_arm_lifecycle_names *names,
                                            struct cm_evidence *ev, size_t submod);
/** Whether a number is in one of the seven ranges that are defined. */
bool cm_arm_lifecycle_known(uint64_t value);

#endif
