/*
 * Private to src/vault: whose attestation tokens count beside this service's own, and their keys. Only issuers
 * that the operator put on the list are ever asked for keys, and never at an address out of a token. The
 * answers are UNTRUSTED as to form; whose they are, TLS says. Thread-safe.
 */
#ifndef CM_VAULT_VAULT_ISSUER_H
#define CM_VAULT_VAULT_ISSUER_H

#include <jansson.h>

#include "crypto/pubkey.h"
#include "service/service_call.h"

#define CM_VAULT_ISSUER_MAX 512
#define CM_VAULT_JWKS_MAX   262144

struct cm_vault_issuer {
    char issuer[CM_VAULT_ISSUER_MAX];
    json_t *jwks;       /* pinned; NULL: fetched */
    char ca_file[1024]; /* "": the system's */
    int64_t added;
};
void cm_vault_issuer_clear(struct cm_vault_issuer *issuer);
/** Whether two rows of the list say the same: what one verified the other would have verified by the same keys. */
bool cm_vault_issuer_same(const struct cm_vault_issuer *a, const struct cm_vault_issuer *b);

/** All on the list, by name. A new reference: an array of {issuer, pinned, ca_file, added_at}. */
CM_MUST_USE enum cm_status cm_vault_issuers(struct cm_db *db, json_t **out, struct cm_why *why);

/** @retval CM_ERR_NOTFOUND  it is not on the list (compared as release policies compare addresses) */
CM_MUST_USE enum cm_status cm_vault_issuer_load(struct cm_db *db, const char *issuer,
                                                struct cm_vault_issuer *out, struct cm_why *why);

struct cm_vault_jwks; /* fetched keys, in memory */
struct cm_vault_jwks *cm_vault_jwks_create(void);
void cm_vault_jwks_free(struct cm_vault_jwks *j);
/** The next time they are fetched anew, and what is being fetched is not kept. */
void cm_vault_jwks_forget(struct cm_vault_jwks *j);

/**
 * An issuer's JWK set: the pinned one, or what its OpenID metadata lead to, kept for an hour. Waits for the
 * network: on a worker only, on one for each issuer, and after a failure not again for half a minute. Whoever
 * needs a key that is kept is not held up by who asks for others.
 *
 * @param kid  when the kept ones have no such key, they are fetched again, once a minute at most
 * @param out  a new reference
 * @retval CM_ERR_BUSY  another thread asks the same issuer   @retval of cm_http_get() CM_ERR_FORMAT, ...
 */
CM_MUST_USE enum cm_status cm_vault_jwks_get(struct cm_vault_jwks *j,
                                             const struct cm_vault_issuer *issuer, const char *kid,
                                             uint64_t now, json_t **out, struct cm_why *why);

/**
 * Whether this can be an issuer: an https address that may be fetched from.
 * @param normal  as it is compared  @retval CM_ERR_PARAM
 */
CM_MUST_USE enum cm_status cm_vault_issuer_check(const char *text, char normal[CM_VAULT_ISSUER_MAX],
                                                 struct cm_why *why);
/** Whether this is a JWK set of public keys, of which one at least can be used. @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_vault_jwks_check(json_t *jwks, struct cm_why *why);

/**
 * The public key of a JWK: by n and e, by crv, x and y, or by the first certificate of x5c, which is not
 * verified: the JWK is trusted already.
 * @retval CM_ERR_FORMAT  none of them, or not good   @retval CM_ERR_UNSUPPORTED  another type or size
 */
CM_MUST_USE enum cm_status cm_vault_jwk_key(json_t *jwk, struct cm_pubkey **out);

/** GET, POST and DELETE /vault/issuers */
void cm_vault_issuers_get(struct cm_call *call, void *state);
void cm_vault_issuers_post(struct cm_call *call, void *state);
void cm_vault_issuers_delete(struct cm_call *call, void *state);

#endif
