/*
 * Policy: whether claims of any Trusted Execution Environment are acceptable, in the policy language of
 * Microsoft Azure Attestation, versions 1.0, 1.1 and 1.2 (docs/policy.md has the language as built).
 *
 *   struct cm_policy *policy = NULL;              // parsed once, used by every thread
 *   struct cm_policy_claims *claims = NULL;       // of verified evidence
 *   struct cm_policy_outcome *outcome = NULL;     // what was decided, by which rule, and what was issued
 *
 *   st = cm_policy_parse(text, &policy, &error);
 *   st = cm_policy_claims_evidence(evidence, &claims);
 *   st = cm_policy_evaluate(policy, claims, 0, &outcome);   // CM_OK: permitted
 *
 * The default is to refuse: without a policy, without a rule that permits, with an error while a rule is
 * evaluated, with evidence that is not genuine, and with emulated evidence unless it is accepted by name.
 *
 * Evaluation terminates: no loops, no recursion on input, a budget of steps and of memory. Nothing here
 * reads a clock, a file or the network. Enclave-safe.
 *
 * NOT promised: that a policy says what its author meant; cm_policy_outcome_json() shows how it was read.
 */
#ifndef CASEMATE_POLICY_H
#define CASEMATE_POLICY_H

#include <casemate/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CM_POLICY_MAX_TEXT   65536u     /* bytes of a policy */
#define CM_POLICY_MAX_RULES  512u       /* of all sections */
#define CM_POLICY_MAX_CLAIMS 16384u     /* incoming and added, during one evaluation */
#define CM_POLICY_MAX_JSON   (4u << 20) /* bytes of one JSON value */
#define CM_POLICY_HASH_CAP   44u        /* of a policy's hash as text, with its NUL */

/* ----------------------------------------------------------------- policies */

/** A parsed policy. Opaque and immutable: any number of threads may evaluate it at once. */
struct cm_policy;

/** Where a text was refused, and why. line and column begin with 1 and count characters; 0: nowhere. */
struct cm_policy_error {
    size_t line;
    size_t column;
    char text[192];
};

/**
 * Parse a policy.
 *
 * @param text   UNTRUSTED, UTF-8; borrowed for the call.
 * @param out    set only on CM_OK; free it with cm_policy_free().
 * @param error  optional; filled on every failure.
 *
 * @retval CM_ERR_SYNTAX      not a policy, or empty: error says where
 * @retval CM_ERR_UNSUPPORTED a version other than 1.0, 1.1 and 1.2, or something its version lacks
 * @retval CM_ERR_FORMAT      not strict UTF-8
 * @retval CM_ERR_LIMIT       beyond a limit above @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_policy_parse(struct cm_span text, struct cm_policy **out,
                                           struct cm_policy_error *error);

/** Accepts NULL. No evaluation and no outcome may be using it. */
void cm_policy_free(struct cm_policy *policy);

/** The version as text, such as "1.2"; belongs to the policy. */
const char *cm_policy_version(const struct cm_policy *policy);

/** How many rules it has, of all sections. */
size_t cm_policy_rules(const struct cm_policy *policy);

/**
 * What a reader should know about a policy that is correct: rules that can never match, digests in upper
 * case, and the like.
 * @param index  from 0. @retval CM_ERR_NOTFOUND there is no further one
 */
CM_MUST_USE enum cm_status cm_policy_warning(const struct cm_policy *policy, size_t index,
                                             struct cm_policy_error *out);

/**
 * A policy's hash as Azure Attestation puts it into x-ms-policy-hash:
 * base64url(SHA-256(base64url(text))), over the exact bytes. Any text has one.
 */
CM_MUST_USE enum cm_status cm_policy_hash(struct cm_span text, char out[CM_POLICY_HASH_CAP]);

/* ------------------------------------------------------------------- claims */

/** Who says a claim: the property "issuer" of the language. */
enum cm_policy_issuer {
    CM_POLICY_CUSTOM = 0,  /* "CustomClaim": the attester itself; nobody vouches for it */
    CM_POLICY_SERVICE = 1, /* "AttestationService": whoever verified the evidence */
    CM_POLICY_POLICY = 2,  /* "AttestationPolicy": a rule added it */
};

/**
 * A set of incoming claims. Built by one thread; once complete any number of threads may evaluate it.
 *
 * A claim of the issuer CM_POLICY_CUSTOM is seen only by conditions that name an issuer: no rule that
 * asks for a type and a value alone can take the attester's word for the hardware's.
 */
struct cm_policy_claims;

CM_MUST_USE enum cm_status cm_policy_claims_create(struct cm_policy_claims **out);
/** Accepts NULL. No evaluation and no outcome may be using it. */
void cm_policy_claims_free(struct cm_policy_claims *claims);

/**
 * Add a claim; several of one type are a set. Everything is copied.
 *
 * @param type   NUL-terminated UTF-8, at least one character.
 * @param value  of _text: UTF-8 without U+0000. Of _json: a whole JSON value, which rules query with
 *               JmesPath(); "pcrs" of the service is read-only: it can be examined but not issued.
 * @retval CM_ERR_FORMAT  not UTF-8, not JSON   @retval CM_ERR_LIMIT  too many, too long, too deep
 */
CM_MUST_USE enum cm_status cm_policy_claims_text(struct cm_policy_claims *claims, const char *type,
                                                 struct cm_span value,
                                                 enum cm_policy_issuer issuer);
CM_MUST_USE enum cm_status cm_policy_claims_int(struct cm_policy_claims *claims, const char *type,
                                                int64_t value, enum cm_policy_issuer issuer);
CM_MUST_USE enum cm_status cm_policy_claims_bool(struct cm_policy_claims *claims, const char *type,
                                                 bool value, enum cm_policy_issuer issuer);
CM_MUST_USE enum cm_status cm_policy_claims_json(struct cm_policy_claims *claims, const char *type,
                                                 struct cm_span value,
                                                 enum cm_policy_issuer issuer);

/**
 * Add the members of a JSON object as claims: strings, integers and booleans as they are, arrays of them
 * as sets, objects and arrays of anything else as JSON claims, null not at all.
 *
 * @param issuer  of all of them.
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT  why says what
 */
CM_MUST_USE enum cm_status cm_policy_claims_object(struct cm_policy_claims *claims,
                                                   struct cm_span object,
                                                   enum cm_policy_issuer issuer,
                                                   struct cm_why *why);

/**
 * The claims of verified evidence, of any TEE (docs/policy.md has the table):
 *
 * - Azure Attestation's names for SGX, TDX and SEV-SNP ("x-ms-sgx-mrenclave", "tdx_mrtd", ...);
 * - "pcrs" and, of evidence verified with CM_VERIFY_EVENTS, "events" and "bootEvents", for JmesPath();
 * - every claim under its own name; behind the first submodule with its name and '/' before it;
 * - "casemate.genuine", "casemate.emulated", "casemate.check.NAME", "casemate.authority.NAME".
 *
 * What is not vouched for (authority CM_AUTHORITY_SELF, or a submodule that is not genuine) has the
 * issuer CM_POLICY_CUSTOM and never one of Azure's names. An emulator's claims are treated like those
 * of hardware, since cm_policy_evaluate() refuses the whole of them unless a policy accepts them by name.
 *
 * @param ev  borrowed for the call.
 */
CM_MUST_USE enum cm_status cm_policy_claims_evidence(const struct cm_evidence *ev,
                                                     struct cm_policy_claims **out);

/* --------------------------------------------------------------- evaluation */

#define CM_POLICY_ALLOW_EMULATED 1u /* accept emulated evidence though no rule names it */

/** What an evaluation came to. Opaque, immutable; refers to the policy and the claims it was made of. */
struct cm_policy_outcome;

/**
 * Evaluate.
 *
 * Emulated evidence ("casemate.emulated" is true) is permitted only with CM_POLICY_ALLOW_EMULATED or by
 * a rule with the condition [type=="casemate.emulated", value==true]. Evidence that is not genuine
 * ("casemate.genuine" is false) is never permitted.
 *
 * @param policy  NULL: refused, as an empty policy is.
 * @param flags   CM_POLICY_ALLOW_EMULATED or 0.
 * @param out     optional; set whenever the evaluation began (also when it was refused), else NULL.
 *
 * @retval CM_OK           permitted
 * @retval CM_ERR_POLICY   refused: a rule denied, or none permitted
 * @retval CM_ERR_MISMATCH refused: a rule could not be evaluated (a function met a value it has no use
 *                         for, a read-only claim was to be issued)
 * @retval CM_ERR_LIMIT    refused: the budget of steps or memory was used up
 * @retval CM_ERR_NOMEM
 *
 * Thread-safe. Allocates a bounded amount.
 */
CM_MUST_USE enum cm_status cm_policy_evaluate(const struct cm_policy *policy,
                                              const struct cm_policy_claims *claims, unsigned flags,
                                              struct cm_policy_outcome **out);

/** Accepts NULL. */
void cm_policy_outcome_free(struct cm_policy_outcome *outcome);

/** What cm_policy_evaluate() returned. */
enum cm_status cm_policy_outcome_status(const struct cm_policy_outcome *outcome);

/** A sentence that says what decided: rule, line and claim. Belongs to the outcome. */
const char *cm_policy_outcome_reason(const struct cm_policy_outcome *outcome);

/** The line of the rule that decided; 0 when none did. */
size_t cm_policy_outcome_line(const struct cm_policy_outcome *outcome);

enum cm_policy_value_type {
    CM_POLICY_TEXT,
    CM_POLICY_INT,
    CM_POLICY_BOOL,
};

/** A claim that was issued. Spans are UTF-8 and belong to the outcome. */
struct cm_policy_claim {
    struct cm_span type;
    enum cm_policy_value_type value_type;
    struct cm_span text; /* also of what JmesPath() returned: JSON as text */
    int64_t number;      /* integer; of a boolean 0 or 1 */
    enum cm_policy_issuer issuer;
};

/**
 * The index-th incoming claim, in the order in which they were added; false beyond the end. Spans belong to
 * the set; of a JSON claim text is the JSON.
 */
bool cm_policy_claims_at(const struct cm_policy_claims *claims, size_t index,
                         struct cm_policy_claim *out);

/**
 * The index-th claim that rules issued, in order; false beyond the end. One type may stand more than
 * once: it is a set then. Nothing is issued unless the outcome is CM_OK.
 */
bool cm_policy_outcome_claim(const struct cm_policy_outcome *outcome, size_t index,
                             struct cm_policy_claim *out);

/** The index-th property (issueproperty), such as "x-ms-sgx-tcbidentifier". As above. */
bool cm_policy_outcome_property(const struct cm_policy_outcome *outcome, size_t index,
                                struct cm_policy_claim *out);

/** What became of one rule. Spans belong to the outcome. */
struct cm_policy_step {
    const char *section; /* "authorizationrules", ... */
    size_t line;
    struct cm_span rule;
    bool fired;
    bool failed; /* it could not be evaluated; the outcome's reason says why */
    char details
        [400]; /* the claims that matched; or the condition that failed and what came nearest */
};

/** The index-th rule that was looked at, in order; false beyond the end. */
bool cm_policy_outcome_step(const struct cm_policy_outcome *outcome, size_t index,
                            struct cm_policy_step *out);

/**
 * Everything as JSON, for people and programs: decision, reason, deciding rule, issued claims,
 * properties, and for every rule whether it fired, with the claims that matched, or else the condition
 * that failed and the claim that came nearest.
 *
 * @param len  set to the bytes written, without NUL. @retval CM_ERR_SPACE cap is too small
 */
CM_MUST_USE enum cm_status cm_policy_outcome_json(const struct cm_policy_outcome *outcome,
                                                  char *out, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
