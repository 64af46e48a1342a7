/*
 * One attestation, whatever API it came by: verify the evidence (verify.h) with the collateral at hand,
 * evaluate the policy in force, keep a record that explains the decision, and count it in the inventory.
 * The module "decide". Thread-safe.
 */
#ifndef CM_DECIDE_DECIDE_H
#define CM_DECIDE_DECIDE_H

#include <casemate/verify.h>
#include <jansson.h>

#include "rules/rules.h"

extern const struct cm_module cm_decide_module;

/** What is to be decided. All borrowed for the call. */
struct cm_decide_job {
    const char *api;         /* "maa", "native", "kbs": for the record */
    const char *policy_type; /* NULL: by the TEE of the evidence */
    const struct cm_rule_version
        *draft; /* instead of the one in force, as long as the decision lives; not recorded; NULL */
    struct cm_span evidence; /* UNTRUSTED */
    enum cm_format format;
    const struct cm_material *materials; /* UNTRUSTED: trusted kinds are refused here */
    size_t material_count;
    struct cm_span
        report_data; /* what the evidence must have been challenged with; {NULL, 0}: nothing */
    json_t *custom_claims; /* UNTRUSTED, for the policy, of the issuer CustomClaim; NULL */
    const char *client;    /* name or address of who asked */
    const char *
        natural; /* the type of policies that judges this evidence, where another API than its own brought it
                              and says so; NULL: by its form */
    struct cm_span
        activated; /* a TPM's attestation key (TPMT_PUBLIC) that the API has proven to be in one TPM with */
    const char *endorsement; /* this endorsement key: SHA-256 in hex; both or none */
};

struct cm_decision {
    char id[65]; /* hex; the token's jti */
    uint64_t time;
    enum cm_status st;               /* CM_OK: genuine, and permitted */
    struct cm_why why;               /* for a person: the failed check, or the rule that decided */
    const char *stage;               /* "evidence", "policy", "" when permitted */
    struct cm_evidence *evidence;    /* NULL: nothing was recognised */
    struct cm_policy_claims *claims; /* NULL: not genuine */
    struct cm_policy_outcome *outcome;  /* NULL: not evaluated */
    const struct cm_rule_version *rule; /* NULL: none of this type */
    const char *policy_type;
    json_t *
        collateral; /* of SGX and TDX: hashes (hex SHA-256) of what was used, as the claim x-ms-sgx-collateral names them; NULL */
    bool
        unavailable; /* refused, but only for collateral that cannot be had now: the client is to try again */
    bool emulated;
    char *
        token; /* for the record: the payload that was issued, JSON; whoever issued it gives it to the decision,
                    malloc'd; NULL */
};

/**
 * Decide.
 * @param may_wait  false: on a loop; CM_ERR_BUSY when collateral must be fetched: go to a worker.
 * @param out  set with CM_OK, which means "decided", also when it was refused: see its st.
 * @retval CM_ERR_BUSY  also when it may wait: too much is being asked of the sources of collateral. Nothing was
 *                      decided, so nothing is recorded; the client is to try again (503).
 * @retval CM_ERR_NOMEM, CM_ERR_PARAM
 */
CM_MUST_USE enum cm_status cm_decide(struct cm_service *s, const struct cm_decide_job *job,
                                     bool may_wait, struct cm_decision **out, struct cm_why *why);
/** Accepts NULL. */
void cm_decision_free(struct cm_decision *d);

/**
 * Record a decision: log row, explanation, inventory. Does not wait; the decision belongs to the writer
 * until done was called (on the writer's thread: it must not wait); then it is freed.
 * An attestation is acknowledged to its client only after done(CM_OK).
 */
void cm_decision_record(struct cm_service *s, struct cm_decision *d,
                        const struct cm_decide_job *job,
                        void (*done)(void *arg, enum cm_status st, const struct cm_why *why),
                        void *arg);

#endif
