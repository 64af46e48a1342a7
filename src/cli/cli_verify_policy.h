/* `casemate verify --policy`: the policy's part of a verdict. */
#ifndef CM_CLI_VERIFY_POLICY_H
#define CM_CLI_VERIFY_POLICY_H

#include <casemate/policy.h>
#include <stdio.h>

#include "token/json.h"

/** A policy from a file, and what it decided. Begin zeroed. */
struct cm_cli_policy {
    const char *path;
    struct cm_policy *policy;
    struct cm_policy_claims *claims;
    struct cm_policy_outcome *outcome; /* NULL until it decided */
    char *json;                        /* of the outcome, when asked for */
    size_t json_len;
};

/**
 * Read and parse a policy.
 * @retval CM_ERR_IO  also: it is no policy; why has the file, line, column and what is wrong
 */
CM_MUST_USE enum cm_status cm_cli_policy_load(struct cm_cli_policy *p, const char *path,
                                              struct cm_why *why);

/** Accepts one that was never loaded. */
void cm_cli_policy_free(struct cm_cli_policy *p);

/**
 * Judge genuine evidence.
 * @param flags  CM_VERIFY_*: what the user accepts by name.
 * @return CM_OK permitted; CM_ERR_POLICY refused, for whatever reason; CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_cli_policy_judge(struct cm_cli_policy *p,
                                               const struct cm_evidence *ev, unsigned flags);

/** For people: what decided, what was issued, and (explain) every rule. Nothing without a policy. */
void cm_cli_policy_print(const struct cm_cli_policy *p, bool explain, FILE *out);

/** The outcome as JSON into p. */
CM_MUST_USE enum cm_status cm_cli_policy_json(struct cm_cli_policy *p);

/** An outcome as JSON in a buffer that the caller frees. */
CM_MUST_USE enum cm_status cm_cli_outcome_json(const struct cm_policy_outcome *o, char **out,
                                               size_t *len);

/** Claims that were issued, one a line. */
void cm_cli_outcome_claims(const struct cm_policy_outcome *o, FILE *out);

#endif
