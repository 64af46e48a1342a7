/* Private to src/identity: the keys in memory, as they were read from the store at one time. */
#ifndef CM_IDENTITY_IDENTITY_KEYS_H
#define CM_IDENTITY_IDENTITY_KEYS_H

#include <pthread.h>
#include <stdatomic.h>

#include "identity/identity_names.h"
#include "identity/identity_store.h"

#define CM_SIGNERS 3u
/** How long a retired key stays published: the longest life of a token, and a day. */
#define CM_IDENTITY_PUBLISHED (CM_IDENTITY_TOKEN_LIFE + 86400)

/** What a signer is. */
struct cm_signer_kind {
    const char *name;  /* in the store and the admin's API */
    unsigned rsa_bits; /* 0: P-256 */
    enum cm_sig_alg alg;
    enum cm_cert_use use;
};
const struct cm_signer_kind *cm_signer_kind(enum cm_signer signer);
/** @return false: no signer has this name */
bool cm_signer_from(const char *name, enum cm_signer *out);

struct cm_identity_key {
    enum cm_signer signer;
    char kid[CM_CERT_KID_CAP];
    char thumbprint[44]; /* x5t#S256 */
    char *name;
    char *x5c; /* JSON text */
    json_t *jwk;
    struct cm_privkey *key; /* NULL: it is retired, and signs no more */
    struct cm_pubkey *pub;
    uint64_t made;
    uint64_t retired; /* 0: it signs */
    uint64_t not_after;
};

/** Immutable once made, and counted. */
struct cm_identity_set {
    atomic_uint refs;
    struct cm_identity_key *keys;
    size_t count;
    const struct cm_identity_key *current[CM_SIGNERS]; /* NULL: none yet */
};

/** The state of the module. */
struct cm_identity {
    struct cm_service *service;
    pthread_mutex_t lock; /* of the pointer to the set, of rotating, and of what is about TLS */
    struct cm_identity_set *set;
    struct cm_identity_names names;
    char *names_text;
    char *ca_pem;
    struct cm_privkey *ca_key;
    uint64_t ca_not_after;
    bool serves; /* with our certificate, so that tick() renews it */
    uint64_t tls_renew;
    uint64_t tls_not_after;
};

/** Unwrap and check all keys. @retval CM_ERR_SIGNATURE of cm_identity_unwrap() */
CM_MUST_USE enum cm_status cm_identity_set_make(const struct cm_keep *keep,
                                                const struct cm_identity_rows *rows,
                                                struct cm_identity_set **out, struct cm_why *why);
/** The set in force; let go of it. NULL: the module has not started. */
struct cm_identity_set *cm_identity_set_hold(struct cm_identity *id);
void cm_identity_set_release(struct cm_identity_set *set);

/** The quote in a key's certificate, as of cm_cert_evidence(). */
CM_MUST_USE enum cm_status cm_identity_key_evidence(const struct cm_identity_key *key,
                                                    uint8_t **out, size_t *len);

/** Whether a key is published at a time. */
bool cm_identity_published(const struct cm_identity_key *key, uint64_t now);

/** Read the store anew. On failure the set in force stays. */
CM_MUST_USE enum cm_status cm_identity_reload(struct cm_identity *id, struct cm_why *why);

/** A new key for a signer, not yet in the store. The caller frees *out. */
CM_MUST_USE enum cm_status cm_identity_new_key(struct cm_identity *id, enum cm_signer signer,
                                               struct cm_identity_row **out, struct cm_why *why);

/** Make the CA, if the store has none, and keep it in id. */
CM_MUST_USE enum cm_status cm_identity_open_ca(struct cm_identity *id, struct cm_why *why);

/** Whom a signer's certificate names. */
const char *cm_identity_name_of(const struct cm_identity *id, enum cm_signer signer);

#endif
