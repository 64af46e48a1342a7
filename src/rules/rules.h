/*
 * Policies by type, with their history: every version that was ever set, who set it and when, which one
 * is active, what waits for a second person. Types are Azure Attestation's (SgxEnclave, OpenEnclave,
 * SevSnpVm, TdxVm, AzureGuest, Tpm), compared without regard to case, and ours for what it has not:
 * Nitro, Gce, GcpToken, Cca, Psa, OpTee, Nvidia, and Kbs-Resource. The module "rules". Thread-safe.
 *
 * NOT promised: that someone who writes to the store itself changes nothing: signatures are verified when
 * a policy is set, approved or restored, not when it is read. And that a signed policy is newer than
 * another: whoever may set policies may set an older one that was signed.
 */
#ifndef CM_RULES_RULES_H
#define CM_RULES_RULES_H

#include <casemate/policy.h>
#include <jansson.h>

#include "service/service_call.h"

extern const struct cm_module cm_rules_module;

#define CM_RULES_TYPE_MAX 32

/** One version of a policy, parsed, as it is in force. Counted: whoever gets one lets go of it. */
struct cm_rule_version {
    char type[CM_RULES_TYPE_MAX];
    int64_t version; /* 0: the default, which nobody set */
    const char *text;
    const char *jws; /* as it was uploaded; of the default: one that says the same, unsigned */
    const char *signer_jwk; /* JSON of the key that signed it; NULL: unsigned */
    char hash[CM_POLICY_HASH_CAP];
    const struct cm_policy *policy;
};

/** The canonical name of a type; NULL: there is none. */
const char *cm_rules_type(const char *name);
/** The index-th type; NULL beyond the end. */
const char *cm_rules_type_at(size_t index);
/** The text of a type's default: version 0, and what a version with the text "" goes back to. */
const char *cm_rules_default(const char *type);

/**
 * The version in force, from memory: never waits. There is always one: the default of a type that Azure
 * permits by default (all but Tpm) permits genuine evidence; Kbs-Resource permits guests whose appraisal is
 * affirming; those of other types refuse.
 * @retval CM_ERR_NOTFOUND no such type   @retval CM_ERR_NOMEM
 * @retval CM_ERR_BUSY  it has changed, and what it is now could not be read yet
 */
CM_MUST_USE enum cm_status cm_rules_active(struct cm_service *s, const char *type,
                                           const struct cm_rule_version **out);
/** Accepts NULL. */
void cm_rules_release(const struct cm_rule_version *version);

/** A policy out of an upload (a JWS, signed or not, as Azure's clients make it), not in force: what-if.
 * @retval of cm_policy_parse(); CM_ERR_FORMAT, CM_ERR_SIGNATURE */
CM_MUST_USE enum cm_status cm_rules_draft(struct cm_service *s, const char *type,
                                          struct cm_span jws, const struct cm_rule_version **out,
                                          struct cm_policy_error *error);
/** The same out of a policy's text. */
CM_MUST_USE enum cm_status cm_rules_draft_text(const char *type, struct cm_span text,
                                               const struct cm_rule_version **out,
                                               struct cm_policy_error *error);

/** What became of a change. */
enum cm_rules_outcome {
    CM_RULES_ACTIVE,  /* in force */
    CM_RULES_WAITING, /* for a second person's approval */
};

#define CM_RULES_ANY_BASE (-1)

/**
 * Set a policy from a JWS (cm_rules_set()) or from text (unsigned), or go back to the default (cm_rules_reset(); a version
 * with text ""). On a worker; with an audit record. A signed-policies mode refuses what no registered certificate signed.
 * A JWS that names a type ("PolicyType" beside "AttestationPolicy") is for that type alone.
 * @param base     what was in force when the author made up his mind (0: the default): found otherwise by the
 *                 transaction that writes, nothing changes. CM_RULES_ANY_BASE: whatever it was
 * @param comment  optional; the author's, for history: at most 1000 characters of it are kept.
 * @param version  optional; set to the new version's number, 0 where it put the default in force.
 * @param error    optional; where the policy's text was refused.
 * @retval CM_ERR_SIGNATURE, CM_ERR_DENIED  not signed as the mode asks; signed for another type
 * @retval CM_ERR_STATE  another version than base is in force
 * @retval of cm_policy_parse() and of cm_call_write()
 */
CM_MUST_USE enum cm_status cm_rules_set(struct cm_call *call, const char *type, int64_t base,
                                        struct cm_span jws, enum cm_rules_outcome *outcome,
                                        int64_t *version, struct cm_policy_error *error,
                                        struct cm_why *why);
CM_MUST_USE enum cm_status cm_rules_set_text(struct cm_call *call, const char *type, int64_t base,
                                             struct cm_span text, const char *comment,
                                             enum cm_rules_outcome *outcome, int64_t *version,
                                             struct cm_policy_error *error, struct cm_why *why);
CM_MUST_USE enum cm_status cm_rules_reset(struct cm_call *call, const char *type, int64_t base,
                                          struct cm_span jws, const char *comment,
                                          enum cm_rules_outcome *outcome, int64_t *version,
                                          struct cm_why *why);
/** Approve or reject a version that waits: by another person than its author, with the role approver. Approved
 * only in a session or by an OIDC identity, never by a bearer token; and by somebody who may not write policies
 * where the author is of another kind (token, account, OIDC): one person may have a name of each.
 * @param type  also CM_RULES_MODE
 * @retval CM_ERR_DENIED  the author himself, or another role; a token; an author of another kind
 * @retval CM_ERR_NOTFOUND, CM_ERR_STATE  no such version; it does not wait (any more) */
CM_MUST_USE enum cm_status cm_rules_approve(struct cm_call *call, const char *type, int64_t version,
                                            bool approve, struct cm_why *why);
/** Put an older version in force again: a new version with its text. @param version  as above */
CM_MUST_USE enum cm_status cm_rules_restore(struct cm_call *call, const char *type, int64_t base,
                                            int64_t again, enum cm_rules_outcome *outcome,
                                            int64_t *version, struct cm_why *why);

/** For the dashboard: all versions of a type, newest first, as JSON: [{"version","state":"active|reset|
 * waiting|rejected|replaced","author","time","approver","decided_at","comment","hash","signed","text"}]. On a
 * worker. type may be CM_RULES_MODE. */
CM_MUST_USE enum cm_status cm_rules_history(struct cm_call *call, const char *type, json_t **out,
                                            struct cm_why *why);

/* ---------------------------------------------------------------- how they may be changed */

#define CM_RULES_MODE "Mode" /* a type for history and approval: how policies may be changed */

struct cm_rules_mode {
    bool
        signed_only; /* Azure's "Isolated": only what a registered certificate signed; else "AAD" */
    bool two_people; /* a change waits for a second person's approval */
};

/** From memory. */
void cm_rules_mode(struct cm_service *s, struct cm_rules_mode *out);
/**
 * Whether a call may change what is trusted beside policies: reference values, enrolled keys, release policies.
 * Such a change is neither signed nor approved; so while a mode asks for either, it takes an admin. First in
 * the transaction of the change, which the mode is then the same for to its end.
 * @param what  is changed, for the sentence: "reference values"
 * @retval CM_ERR_DENIED   @retval of cm_db_run()
 */
CM_MUST_USE enum cm_status cm_rules_may_trust(const struct cm_call *call, struct cm_db *db,
                                              const char *what, struct cm_why *why);
/**
 * By an admin; on a worker. Where two people are asked for, it takes two to ask for less.
 * @retval CM_ERR_STATE  signed_only without a registered certificate: nobody could set a policy
 */
CM_MUST_USE enum cm_status cm_rules_mode_set(struct cm_call *call, const struct cm_rules_mode *mode,
                                             enum cm_rules_outcome *outcome, int64_t *version,
                                             struct cm_why *why);

#define CM_RULES_THUMBPRINT_CAP \
    41 /* hexadecimal SHA-1 of a certificate, as Azure has it, and NUL */

/** The certificates that policies may be signed under, as a JWK set. The caller owns the reference;
 * NULL: no memory. */
json_t *cm_rules_certificates(struct cm_service *s);
/**
 * Register or remove a certificate: a JWS with {"policyCertificate": {"kty", "x5c": [...]}}, signed under
 * one that is registered; while there is none, by an admin, under itself. It must be a CA's
 * (basicConstraints), valid now, with a key of RSA-2048 at least or on P-256 to P-521. What is there, or
 * gone, already stays so. No token does its work twice: one that was recorded does not bring a removed
 * certificate back. On a worker.
 * @retval CM_ERR_DENIED  not signed under a registered certificate, or used before
 * @retval CM_ERR_STATE   the last one, where policies must be signed
 * @retval CM_ERR_FORMAT, CM_ERR_SIGNATURE, CM_ERR_MISMATCH, CM_ERR_EXPIRED
 */
CM_MUST_USE enum cm_status cm_rules_certificate_change(struct cm_call *call, struct cm_span jws,
                                                       bool add, char thumbprint[],
                                                       struct cm_why *why);
/** The first certificate, PEM or DER, by an admin, while there is none. @retval CM_ERR_STATE, and as above */
CM_MUST_USE enum cm_status cm_rules_certificate_first(struct cm_call *call, struct cm_span cert,
                                                      char thumbprint[], struct cm_why *why);

#endif
