/* Private to src/rules. */
#ifndef CM_RULES_RULES_PRIVATE_H
#define CM_RULES_RULES_PRIVATE_H

#include <pthread.h>

#include "policy/policy_token.h"
#include "rules/rules.h"

#define CM_RULES_TYPES 14

/** The topic of everything that src/rules keeps in memory. */
#define CM_RULES_TOPIC "policy"

/* ------------------------------------------------------------------- versions */

/** What a version is made of. */
struct cm_rule_parts {
    const char *type; /* canonical */
    int64_t version;
    struct cm_span text;
    const char *jws;        /* NULL: an unsigned one is made */
    const char *signer_jwk; /* NULL: unsigned */
};

/** Parse and copy; one user. @retval of cm_policy_parse() */
CM_MUST_USE enum cm_status cm_rule_make(const struct cm_rule_parts *parts,
                                        const struct cm_rule_version **out,
                                        struct cm_policy_error *error);
/** One user more. */
const struct cm_rule_version *cm_rule_hold(const struct cm_rule_version *version);

/** A policy's text as an unsigned upload. The caller frees it; NULL: no memory. */
char *cm_rules_unsigned(struct cm_span text);

/** Which of the types it is; -1: none. */
int cm_rules_index(const char *name);

/* -------------------------------------------------------------------- signers */

struct cm_certs;
struct cm_cert;

#define CM_RULES_MAX_CERTIFICATES 32

/** The registered certificates, as of a transaction. */
struct cm_rules_signers {
    struct cm_certs *set; /* owned */
    const struct cm_cert *certs[CM_RULES_MAX_CERTIFICATES];
    size_t count;
};

CM_MUST_USE enum cm_status cm_rules_signers_read(struct cm_db *db, struct cm_rules_signers *out,
                                                 struct cm_why *why);
void cm_rules_signers_free(struct cm_rules_signers *signers);

/** Who signed an upload. */
struct cm_rules_signature {
    bool registered;  /* under one of the signers */
    char *signer_jwk; /* owned */
};

/**
 * Verify a signed JWS under the certificate that its header brings (x5c), and look whether that one is
 * registered or leads to a registered one.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED, CM_ERR_SIGNATURE; CM_ERR_EXPIRED the certificate
 */
CM_MUST_USE enum cm_status cm_rules_signature_verify(struct cm_span jws,
                                                     struct cm_rules_signers *signers, uint64_t now,
                                                     struct cm_rules_signature *out,
                                                     struct cm_why *why);

/** A certificate as a JWK with x5c; NULL: no memory. */
json_t *cm_rules_cert_jwk(const struct cm_cert *cert);

/* ------------------------------------------------------------------ in memory */

struct cm_rules {
    struct cm_service *service;
    pthread_mutex_t lock;
    const struct cm_rule_version *active[CM_RULES_TYPES]; /* under lock */
    struct cm_rules_mode mode;                            /* under lock */
    json_t *certificates;                                 /* under lock */
    bool stale;                                           /* under lock: to be read again */
};

struct cm_rules *cm_rules_of(struct cm_service *s);

/** The mode as of a transaction. */
CM_MUST_USE enum cm_status cm_rules_mode_read(struct cm_db *db, struct cm_rules_mode *out,
                                              struct cm_why *why);
/** Mode as text, and back. @retval CM_ERR_FORMAT */
void cm_rules_mode_text(const struct cm_rules_mode *mode, char out[64]);
CM_MUST_USE enum cm_status cm_rules_mode_parse(const char *text, struct cm_rules_mode *out);

/* -------------------------------------------------------------------- changes */

/** First in every change's transaction: other instances' changes wait. */
CM_MUST_USE enum cm_status cm_rules_guard(struct cm_db *db, struct cm_why *why);

/** A row of the table of versions. Texts are owned. */
struct cm_rules_row {
    int64_t version;
    char state[16];
    char author[CM_WHO_MAX];
    int64_t time;
    char *comment;
    char *text;
    char *jws;
    char *signer; /* NULL: unsigned */
    char hash[CM_POLICY_HASH_CAP];
};
/** @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_rules_row_read(struct cm_db *db, const char *type, int64_t version,
                                             struct cm_rules_row *out, struct cm_why *why);
void cm_rules_row_free(struct cm_rules_row *row);

/** Insert a row with the next version number, which becomes active, or waits. */
CM_MUST_USE enum cm_status cm_rules_row_add(struct cm_db *db, const char *type,
                                            struct cm_rules_row *row, bool waits,
                                            struct cm_why *why);
/** What is in force, within a transaction; 0: the default. */
CM_MUST_USE enum cm_status cm_rules_row_in_force(struct cm_db *db, const char *type, int64_t *out,
                                                 struct cm_why *why);
/** Whether a policy's token is for this type, as far as it says. @retval CM_ERR_DENIED */
CM_MUST_USE enum cm_status cm_rules_token_fits(const struct cm_policy_token *token,
                                               const char *type, struct cm_why *why);
/** Put a version in force: the one before is replaced, and so is what waited before it. */
CM_MUST_USE enum cm_status cm_rules_row_activate(struct cm_db *db, const char *type,
                                                 int64_t version, struct cm_why *why);

#endif
