/*
 * Private to src/vault: the token that asks for a release. Untrusted: everything of it until its signature
 * was verified with a key of an issuer that counts; then it is as true as its issuer.
 */
#ifndef CM_VAULT_VAULT_TARGET_H
#define CM_VAULT_VAULT_TARGET_H

#include "crypto/pubkey.h"
#include "vault/vault_issuer.h"

/* What went wrong, for the error's inner code and the audit. */
struct cm_vault_refusal {
    const char *code; /* a constant, such as "TokenExpired" */
    struct cm_why why;
};

struct cm_vault_target {
    char issuer[CM_VAULT_ISSUER_MAX]; /* as the token has it; "": it has none */
    char id[129];                     /* jti; "": none */
    bool own;                         /* of this service */
    struct cm_vault_issuer listed;    /* else: as it was on the list when the token was verified */
    json_t *claims;                   /* NULL until it was verified */
    char *text;                       /* the payload itself, with NUL behind it */
    size_t text_len;
};
void cm_vault_target_clear(struct cm_vault_target *t);

struct cm_vault_verifier {
    struct cm_service *service;
    struct cm_vault_jwks *jwks;
    struct cm_db *db;
    uint64_t now;
};

/**
 * Verify a token: its issuer is this service or on the operator's list, alg is RS256, ES256 or PS256 and
 * fits the key, nbf is not after and exp not before now.
 *
 * @param out  what is known of it also after a refusal; end it with cm_vault_target_clear()
 * @retval CM_ERR_POLICY  refused: refusal says why   @retval CM_ERR_BUSY, CM_ERR_NOMEM, ... of the store
 */
CM_MUST_USE enum cm_status cm_vault_target_verify(const struct cm_vault_verifier *v,
                                                  const char *token, struct cm_vault_target *out,
                                                  struct cm_vault_refusal *refusal);

/**
 * The key to which its enclave wants things encrypted: the first RSA key of x-ms-runtime.keys[] (or of the
 * held data of old tokens) that is for encryption.
 *
 * @param kid  its name   @retval CM_ERR_POLICY  there is none that can be used: refusal says why
 */
CM_MUST_USE enum cm_status cm_vault_target_key(const struct cm_vault_target *t,
                                               struct cm_pubkey **out, char kid[257],
                                               struct cm_vault_refusal *refusal);

/** Whether anything in the claims says that an emulator made the evidence. */
bool cm_vault_target_emulated(const struct cm_vault_target *t);

/** What of the claims identifies who attested, for the audit. A new reference; NULL: out of memory. */
json_t *cm_vault_target_facts(const struct cm_vault_target *t);

#endif
