/*
 * Policies by type, with their history: every version that was ever set, who set it and when, which one
 * is active, what waits for a second person. Types are Azure Attestation's (SgxEnclave, OpenEnclave,
 * SevSnpVm, TdxVm, AzureGuest, Tpm), compared without regard to case, and ours for what it has not:
 * Nitro, Gce, GcpToken, Cca, Psa, OpTee, Nvidia, and Kbs-Resource. The module "rules". Thread-safe.
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

/**
 * The version in force, from memory: never waits. There is always one: the default of a type that Azure
 * permits by default permits genuine evidence; those of other types refuse.
 * @retval CM_ERR_NOTFOUND no such type   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_rules_active(struct cm_service *s, const char *type,
                                           const struct cm_rule_version **out);
void cm_rules_release(const struct cm_rule_version *version);

/** A policy out of an upload (a JWS, signed or not, as Azure's clients make it), not in force: what-if.
 * @retval of cm_policy_parse(); CM_ERR_FORMAT, CM_ERR_SIGNATURE */
CM_MUST_USE enum cm_status cm_rules_draft(struct cm_service *s, const char *type,
                                          struct cm_span jws, const struct cm_rule_version **out,
                                          struct cm_policy_error *error);

/** What became of a change. */
enum cm_rules_outcome {
    CM_RULES_ACTIVE,  /* in force */
    CM_RULES_WAITING, /* for a second person's approval */
};

/**
 * Set a policy from a JWS (cm_rules_set()) or from text (unsigned), or go back to the default (text ""). On a worker;
 * with an audit record. A signed-policies mode refuses what no registered certificate signed.
 * @param version  set to the new version's number.
 * @retval CM_ERR_SIGNATURE, CM_ERR_DENIED  not signed as the mode asks
 */
CM_MUST_USE enum cm_status cm_rules_set(struct cm_call *call, const char *type, struct cm_span jws,
                                        enum cm_rules_outcome *outcome, int64_t *version,
                                        struct cm_policy_error *error, struct cm_why *why);
CM_MUST_USE enum cm_status cm_rules_set_text(struct cm_call *call, const char *type,
                                             struct cm_span text, const char *comment,
                                             enum cm_rules_outcome *outcome, int64_t *version,
                                             struct cm_policy_error *error, struct cm_why *why);
CM_MUST_USE enum cm_status cm_rules_reset(struct cm_call *call, const char *type,
                                          struct cm_span jws, enum cm_rules_outcome *outcome,
                                          struct cm_why *why);
/** Approve or reject a version that waits: by another person than its author, with the role approver. */
CM_MUST_USE enum cm_status cm_rules_approve(struct cm_call *call, const char *type, int64_t version,
                                            bool approve, struct cm_why *why);
/** Put an older version in force again (a new version with its text). */
CM_MUST_USE enum cm_status cm_rules_restore(struct cm_call *call, const char *type, int64_t version,
                                            enum cm_rules_outcome *outcome, struct cm_why *why);

/** For the dashboard: all versions of a type, newest first, as JSON: [{"version","state":"active|waiting|
 * rejected|replaced","author","time","approver","comment","hash","signed","text"}]. On a worker. */
CM_MUST_USE enum cm_status cm_rules_history(struct cm_call *call, const char *type, json_t **out,
                                            struct cm_why *why);

#endif
