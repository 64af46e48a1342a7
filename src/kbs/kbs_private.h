/* Private to src/kbs: sessions, evidence as guests send it, tokens, and what lies in the store. */
#ifndef CM_KBS_KBS_PRIVATE_H
#define CM_KBS_KBS_PRIVATE_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "crypto/hash.h"
#include "decide/decide.h"
#include "kbs/kbs.h"
#include "service/service_call.h"
#include "token/json.h"

#define CM_KBS_TOPIC   "kbs"
#define CM_KBS_PROFILE "tag:github.com,2024:confidential-containers/Trustee"
/** Of a challenge, and of a token, in seconds. */
#define CM_KBS_CHALLENGE 300u
#define CM_KBS_TOKEN     300u

/** What is counted; kbs.c has the names. */
enum cm_kbs_count {
    CM_KBS_CHALLENGED, /* auth, answered with a challenge */
    CM_KBS_ATTESTED,
    CM_KBS_REFUSED, /* attest, answered without a token */
    CM_KBS_RELEASED,
    CM_KBS_WITHHELD, /* a resource, by the policy */
    CM_KBS_UNNOTED,  /* of these, what was not written down */
    CM_KBS_COUNTS,
};

struct cm_kbs {
    struct cm_service *service;
    atomic_ullong counts[CM_KBS_COUNTS];
    uint8_t secret[32]; /* nonces are made with it; the same on all instances */
    pthread_mutex_t lock;
    json_t *references;    /* name: [values]; replaced as a whole */
    uint64_t unknown_hour; /* under lock, with unknown: what was withheld where there is nothing */
    unsigned unknown;
};
#define CM_KBS_UNKNOWN 20u /* of these an instance writes down in an hour */

/* ----------------------------------------------------------------- sessions */

/** The kinds of evidence that guests name. */
struct cm_kbs_tee {
    const char *name;
    const char *submod; /* in tokens: "cpu", "gpu" */
    const char *claim;  /* what verified evidence of it says that it is; NULL: not compared */
    /** Bytes of the evidence that hold the hash, zeros behind it; 0: as long as the hash. */
    size_t bound;
    enum cm_format format;
    bool device; /* never the first of a guest */
};
/** NULL: it is not taken. */
const struct cm_kbs_tee *cm_kbs_tee(const char *name);
/** Why not, to follow the name (NULL: none was given). Static. */
const char *cm_kbs_tee_refusal(const char *name);

#define CM_KBS_COOKIE     "kbs-session-id"
#define CM_KBS_COOKIE_CAP 33
#define CM_KBS_NONCE_CAP  45

/**
 * What a cookie says. It is no secret and needs no row in the store: the nonce that belongs to it is a MAC
 * of it, so that only who was answered by this service can have both.
 */
struct cm_kbs_session {
    uint8_t id[16];
    const struct cm_kbs_tee *tee;
    unsigned minor; /* of the protocol: 1 to 4 */
    enum cm_hash_alg hash;
    uint64_t expires;
};

CM_MUST_USE enum cm_status cm_kbs_session_new(struct cm_kbs_session *session, uint64_t now);
/** The session of a Cookie header. @return false: there is none, or it is malformed */
bool cm_kbs_session_from(const char *cookies, struct cm_kbs_session *out);
void cm_kbs_session_cookie(const struct cm_kbs_session *session, char out[CM_KBS_COOKIE_CAP]);
CM_MUST_USE enum cm_status cm_kbs_session_nonce(const struct cm_kbs *kbs,
                                                const struct cm_kbs_session *session,
                                                char out[CM_KBS_NONCE_CAP]);
/** The name of its row, once it is attested. */
CM_MUST_USE enum cm_status cm_kbs_session_row(const struct cm_kbs_session *session, char out[65]);

/* ----------------------------------------------------------------- evidence */

#define CM_KBS_MAX_NODES     131072u
#define CM_KBS_MAX_DEVICES   16u
#define CM_KBS_MAX_MATERIALS 8u

/** The body of POST attest, taken apart. Spans and values are of the body or of owned. */
struct cm_kbs_attestation {
    struct cm_json doc;
    struct cm_json_node *nodes;
    struct cm_json_value pubkey;    /* JWK */
    struct cm_json_value nonce;     /* absent in old dialects */
    struct cm_json_value init_data; /* absent or null: none */
    struct cm_json_value primary;
    struct cm_json_value additional; /* a text; absent in old dialects */
    /* of texts that are JSON: additional, and in the oldest dialect the evidence itself */
    struct cm_kbs_text {
        char *text;
        struct cm_json_node *nodes; /* NULL: there is none */
        struct cm_json doc;
    } devices, evidence;
};

/**
 * Take a body apart. UNTRUSTED.
 * @param minor  of the session's dialect
 * @param out    to be freed in any case
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT  why says what
 */
CM_MUST_USE enum cm_status cm_kbs_attestation_read(struct cm_span body, unsigned minor,
                                                   struct cm_kbs_attestation *out,
                                                   struct cm_why *why);
void cm_kbs_attestation_free(struct cm_kbs_attestation *a);

/** What binds a guest: with_devices for the first evidence, without for its devices. */
CM_MUST_USE enum cm_status cm_kbs_binding(const struct cm_kbs_attestation *a, const char *nonce,
                                          enum cm_hash_alg hash, bool with_devices,
                                          uint8_t out[CM_HASH_MAX_SIZE], struct cm_why *why);

/** Evidence as a verifier takes it. */
struct cm_kbs_evidence {
    struct cm_span evidence;
    struct cm_material materials[CM_KBS_MAX_MATERIALS];
    size_t material_count;
    uint8_t *owned[CM_KBS_MAX_MATERIALS + 1];
    size_t owned_count;
};

/** One TEE's evidence from the JSON of guest-components. UNTRUSTED. @param out to be freed in any case */
CM_MUST_USE enum cm_status cm_kbs_evidence_read(const struct cm_kbs_tee *tee,
                                                struct cm_json_value v, struct cm_kbs_evidence *out,
                                                struct cm_why *why);
void cm_kbs_evidence_free(struct cm_kbs_evidence *e);

/** Room of `cap` bytes that belongs to e; NULL: out of memory or places. */
uint8_t *cm_kbs_evidence_room(struct cm_kbs_evidence *e, size_t cap);
/** Bytes as an array of numbers, or a text in base64 of either alphabet. */
CM_MUST_USE enum cm_status cm_kbs_bytes(struct cm_kbs_evidence *e, struct cm_json_value v,
                                        struct cm_span *out);

/** An SNP report that was taken apart into members, put together again: 1184 bytes. */
#define CM_KBS_SNP_REPORT 1184u
CM_MUST_USE enum cm_status cm_kbs_snp_report(struct cm_json_value v,
                                             uint8_t out[CM_KBS_SNP_REPORT]);

/**
 * Hold init-data against what the evidence says of it.
 * @param digest  set to the hash of the document in hexadecimal
 * @retval CM_ERR_MISMATCH  another document   @retval CM_ERR_UNSUPPORTED  this TEE has no place for it
 * @retval CM_ERR_FORMAT    it does not say by which algorithm
 */
CM_MUST_USE enum cm_status cm_kbs_init_data(struct cm_json_value init_data,
                                            const struct cm_kbs_tee *tee,
                                            const struct cm_evidence *ev, json_t **digest,
                                            struct cm_why *why);

/* ------------------------------------------------------------------- tokens */

/** One decision that goes into a token. */
struct cm_kbs_part {
    const struct cm_kbs_tee *tee;
    const struct cm_decision *decision;
};

/**
 * The claims of a token (EAR, with the names of Trustee's profile).
 * @param runtime  what is bound: goes in as runtime_data_claims
 * @param init     NULL: none was given
 */
CM_MUST_USE enum cm_status cm_kbs_token_claims(struct cm_kbs *kbs, const struct cm_kbs_part *parts,
                                               size_t count, json_t *runtime, json_t *init,
                                               json_t **out);

/** The JWK in a token; NULL: it is none of the key broker's. Belongs to the claims. */
json_t *cm_kbs_token_key(json_t *claims);

/** A token's claims and the resource that is asked for, as a policy's incoming claims. */
CM_MUST_USE enum cm_status cm_kbs_resource_claims(json_t *token, const char *path,
                                                  struct cm_policy_claims **out);

/** Encrypt to a JWK. The caller frees *out; *alg is the name of how, static. @retval CM_ERR_UNSUPPORTED another kind of
 * key */
CM_MUST_USE enum cm_status cm_kbs_encrypt(json_t *jwk, struct cm_span plain, char **out,
                                          const char **alg, struct cm_why *why);
/** Whether a JWK is one that resources can be encrypted to. */
CM_MUST_USE enum cm_status cm_kbs_check_key(struct cm_json_value jwk, struct cm_why *why);

/* -------------------------------------------------------------------- store */

/** Find or make the secret of nonces. */
CM_MUST_USE enum cm_status cm_kbs_secret_open(struct cm_kbs *kbs, struct cm_why *why);

/** The token of an attested session, on a worker's connection; the caller frees it.
 * @retval CM_ERR_NOTFOUND  it is not attested, or has expired */
CM_MUST_USE enum cm_status cm_kbs_session_token(struct cm_db *db, const char *row, uint64_t now,
                                                char **token, struct cm_why *why);

#define CM_KBS_PATH_CAP 512
/** Whether three segments are a resource's: letters, digits, '-', '_' and, behind the first, '.'. */
bool cm_kbs_path(const struct cm_call *call, char out[CM_KBS_PATH_CAP]);

/** The resource; the caller wipes and frees it. @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_kbs_resource_get(struct cm_kbs *kbs, struct cm_db *db,
                                               const char *path, uint8_t **out, size_t *len,
                                               struct cm_why *why);

/** A resource as it lies in the store; the caller frees *out. */
CM_MUST_USE enum cm_status cm_kbs_resource_wrap(struct cm_kbs *kbs, const char *path,
                                                struct cm_span plain, uint8_t **out, size_t *len);

/** Read the reference values anew. */
CM_MUST_USE enum cm_status cm_kbs_references_load(struct cm_kbs *kbs, struct cm_why *why);
/** As they are in force; the caller owns the reference. Never NULL but when out of memory. */
json_t *cm_kbs_references(struct cm_kbs *kbs);

enum cm_status cm_kbs_prune_run(struct cm_db *db, void *now, struct cm_why *why);

/* ------------------------------------------------------------------- routes */

void cm_kbs_serve_auth(struct cm_call *call, void *state);
void cm_kbs_serve_attest(struct cm_call *call, void *state);
void cm_kbs_serve_resource(struct cm_call *call, void *state);
void cm_kbs_serve_resource_put(struct cm_call *call, void *state);
void cm_kbs_serve_resource_delete(struct cm_call *call, void *state);
void cm_kbs_serve_resource_list(struct cm_call *call, void *state);
void cm_kbs_serve_resource_policy(struct cm_call *call, void *state);
void cm_kbs_serve_resource_policy_put(struct cm_call *call, void *state);
void cm_kbs_serve_attestation_policy(struct cm_call *call, void *state);
void cm_kbs_serve_attestation_policy_put(struct cm_call *call, void *state);
void cm_kbs_serve_attestation_policy_list(struct cm_call *call, void *state);
void cm_kbs_serve_reference(struct cm_call *call, void *state);
void cm_kbs_serve_reference_put(struct cm_call *call, void *state);
void cm_kbs_serve_reference_list(struct cm_call *call, void *state);
void cm_kbs_serve_reference_delete(struct cm_call *call, void *state);

/** The Cookie of an answer. */
void cm_kbs_set_cookie(struct cm_call *call, const struct cm_kbs_session *session);

#endif
