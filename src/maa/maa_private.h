/* Private to src/maa. */
#ifndef CM_MAA_MAA_PRIVATE_H
#define CM_MAA_MAA_PRIVATE_H

#include "crypto/pubkey.h"
#include "decide/decide.h"
#include "maa/maa.h"
#include "maa/maa_text.h"
#include "rules/rules.h"
#include "service/service_call.h"

#define CM_MAA_EARLY UINT64_C(60) /* so much before now a token begins: clients' clocks differ */

/* ---------------------------------------------------------------- requests */

/** The kinds of evidence that have a claim set of their own in Azure's tokens. */
enum cm_maa_tee {
    CM_MAA_SGX,
    CM_MAA_OE, /* SGX behind Open Enclave's header */
    CM_MAA_SNP,
    CM_MAA_TDX,
    CM_MAA_GUEST,
    CM_MAA_TPM,
};

/** {"data", "dataType"}: what the evidence is bound to. */
struct cm_maa_data {
    bool given;
    struct cm_maa_bytes bytes; /* owned */
    json_t *json;              /* of dataType JSON; owned */
};

#define CM_MAA_MAX_MATERIALS 8

/** A request to attest, taken apart. Owns what it points to; nonce is the body's. */
struct cm_maa_request {
    enum cm_maa_tee tee;
    const char *policy_type;
    enum cm_format format;
    struct cm_maa_bytes evidence;
    struct cm_maa_bytes owned[CM_MAA_MAX_MATERIALS]; /* what materials point to */
    struct cm_material materials[CM_MAA_MAX_MATERIALS];
    size_t material_count;
    struct cm_maa_data runtime;
    struct cm_maa_data init;
    const json_t *nonce;       /* a string or an integer; NULL */
    struct cm_maa_bytes draft; /* a policy's token, as it was sent */
    uint8_t expected[32];      /* SHA-256 of the runtime data */
    json_t *custom;      /* for the policy: x-ms-runtime, x-ms-inittime, the client's own words */
    const char *natural; /* as of struct cm_decide_job */
    struct cm_maa_bytes activated; /* an attestation key that was proven to be in the TPM */
    char endorsement[65];          /* of this endorsement key; "": none was activated */
};

/**
 * Take the body of a request apart, for every type but AzureGuest and Tpm.
 * @param tee  set by the caller in out.
 * @retval CM_ERR_FORMAT, CM_ERR_SYNTAX, CM_ERR_LIMIT, CM_ERR_NOMEM  why says what
 */
CM_MUST_USE enum cm_status cm_maa_request_read(const json_t *body, struct cm_maa_request *out,
                                               struct cm_why *why);
void cm_maa_request_free(struct cm_maa_request *r);

/** {"SnpReport", "VcekCertChain"}: the report into evidence, the chain into materials. */
CM_MUST_USE enum cm_status cm_maa_snp_proof(const json_t *proof, struct cm_maa_request *r,
                                            struct cm_why *why);

/** A TPM's claim about its platform, as Windows makes it: quote, signature and registers of r are set. */
CM_MUST_USE enum cm_status cm_maa_tpm_claim(struct cm_span claim, struct cm_maa_request *r,
                                            struct cm_why *why);

/** Whether the evidence is bound to the initialisation data. @retval CM_ERR_MISMATCH, CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_maa_init_check(const struct cm_maa_request *r,
                                             const struct cm_evidence *ev, struct cm_why *why);

/** Whether the platform was judged by the baseline that the policy asks for. @retval CM_ERR_POLICY */
CM_MUST_USE enum cm_status cm_maa_baseline_check(const struct cm_decision *d, struct cm_why *why);

/* ---------------------------------------------------------------- challenges */

#define CM_MAA_NONCE_NATIVE   "challenge" /* what a challenge is for: none counts for the other */
#define CM_MAA_NONCE_TPM      "tpm"
#define CM_MAA_NONCE_ACTIVATE "tpm-activation"
#define CM_MAA_NONCE_LIFETIME 300u /* seconds */

struct cm_maa_nonce {
    uint8_t challenge[32];
    char *token; /* the caller frees it */
    uint64_t expires;
};

/** @param more  further claims of the token, which the client can read; NULL: none. */
CM_MUST_USE enum cm_status cm_maa_nonce_make(struct cm_call *call, const char *use, json_t *more,
                                             struct cm_maa_nonce *out, struct cm_why *why);
/** @param more  set on CM_OK to the token's claims, a reference; NULL: not wanted.
 * @retval CM_ERR_SIGNATURE not ours   @retval CM_ERR_MISMATCH for another use   @retval CM_ERR_EXPIRED */
CM_MUST_USE enum cm_status cm_maa_nonce_check(struct cm_call *call, const char *use,
                                              const char *token, uint8_t challenge[32],
                                              json_t **more, struct cm_why *why);

/* --------------------------------------------------------- keys inside of TPMs */

/** A key that a TPM made, and the TPM's word for it. All UNTRUSTED; borrowed. */
struct cm_maa_sealing {
    struct cm_span pub;       /* TPM2B_PUBLIC or TPMT_PUBLIC */
    struct cm_span certified; /* TPMS_ATTEST of TPM2_Certify */
    struct cm_span signature; /* of the attestation key: TPMT_SIGNATURE, or raw */
};

/**
 * The key, if the attestation key says that it is one of its own TPM's, which never leaves that and decrypts.
 * @param ak   a key that the hardware's evidence vouches for.
 * @param out  the caller frees it.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED, CM_ERR_SIGNATURE, CM_ERR_MISMATCH
 */
CM_MUST_USE enum cm_status cm_maa_sealing_key(const struct cm_maa_sealing *s,
                                              const struct cm_pubkey *ak, struct cm_pubkey **out,
                                              struct cm_why *why);
/** A token that only the TPM with this key can open, as Azure's guest library reads it. malloc'd. */
CM_MUST_USE enum cm_status cm_maa_seal(const struct cm_pubkey *key, const char *token, char **out);

/* ------------------------------------------------------------------- tokens */

/** Whom a token is from. */
struct cm_maa_issue {
    const char *base; /* the address that the client used */
    uint64_t now;
    const char *jti; /* NULL: none */
};

/** {"iss", "iat", "nbf", "exp", "jti", "x-ms-ver"}. NULL: no memory */
json_t *cm_maa_common(const struct cm_maa_issue *issue);

/**
 * The claims of a permitted attestation (docs/service-attestation.md has the table).
 * @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_maa_claims(const struct cm_maa_issue *issue,
                                         const struct cm_maa_request *r,
                                         const struct cm_decision *d, json_t **out);

/** The verified claims of a decision, under Azure's names. NULL: no memory */
json_t *cm_maa_verified(const struct cm_decision *d);
/** Those about a virtual machine of Azure's: secureboot, x-ms-azurevm-*. NULL: no memory */
json_t *cm_maa_machine(const struct cm_decision *d);
/** What the policy issued, as one object; a name that stands more than once is an array. */
json_t *cm_maa_issued(const struct cm_decision *d);

/**
 * Sign as RS256 with jku, kid and x5c. The caller frees *out.
 * @param said  set to the payload as text, which the caller frees; NULL: it is not wanted.
 */
CM_MUST_USE enum cm_status cm_maa_sign(struct cm_service *s, const char *base, json_t *claims,
                                       char **out, char **said, struct cm_why *why);
/** A token that nobody may trust: {"alg":"none"}. NULL: no memory */
char *cm_maa_unsigned(json_t *claims);
/** {"token": ...} of a token, or NULL, which is no memory. NULL: no memory */
json_t *cm_maa_token_body(const char *token);

/* ------------------------------------------------------------------ answers */

/** Whether the query names an api-version; else the call has been answered. */
bool cm_maa_versioned(struct cm_call *call);
/** {"token": ...} with 200. Takes the token. */
void cm_maa_answer_token(struct cm_call *call, char *token);
/** Sign claims and answer with them; takes the reference, which may be NULL (no memory). */
void cm_maa_answer_claims(struct cm_call *call, json_t *claims);
/** 400 in Azure's words. */
void cm_maa_fail_input(struct cm_call *call, enum cm_status st, const struct cm_why *why);

/** What is done with a permitted decision: the body of the answer. */
struct cm_maa_finish {
    /** @param out  set to the answer's JSON. */
    enum cm_status (*make)(struct cm_call *call, const struct cm_maa_request *r,
                           struct cm_decision *d, void *arg, json_t **out, struct cm_why *why);
    void *arg;
    void (*free_arg)(void *arg); /* NULL: nothing to free */
};

/**
 * Decide, record and answer. The request (on the heap) and arg are taken in any case.
 * @param again  what a worker is to run when collateral has to be fetched; it gets the same call.
 */
void cm_maa_decide(struct cm_call *call, const char *api, struct cm_maa_request *r,
                   const struct cm_maa_finish *finish,
                   void (*again)(struct cm_call *call, void *state));

/* ----------------------------------------------------------------- handlers */

void cm_maa_attest_sgx(struct cm_call *call, void *state);
void cm_maa_attest_oe(struct cm_call *call, void *state);
void cm_maa_attest_snp(struct cm_call *call, void *state);
void cm_maa_attest_tdx(struct cm_call *call, void *state);
void cm_maa_attest_guest(struct cm_call *call, void *state);
void cm_maa_attest_tpm(struct cm_call *call, void *state);

void cm_maa_policy_get(struct cm_call *call, void *state);
void cm_maa_policy_set(struct cm_call *call, void *state);
void cm_maa_policy_reset(struct cm_call *call, void *state);
void cm_maa_certificates_get(struct cm_call *call, void *state);
void cm_maa_certificates_add(struct cm_call *call, void *state);
void cm_maa_certificates_remove(struct cm_call *call, void *state);

void cm_maa_certs(struct cm_call *call, void *state);
void cm_maa_metadata(struct cm_call *call, void *state);
void cm_maa_baselines(struct cm_call *call, void *state);

void cm_maa_native_attest(struct cm_call *call, void *state);
void cm_maa_native_nonce(struct cm_call *call, void *state);
void cm_maa_native_keys(struct cm_call *call, void *state);

#endif
