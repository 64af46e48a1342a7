/* `casemate policy`: policies without evidence: check, explain, hash, test. */
#ifndef CM_CLI_POLICY_H
#define CM_CLI_POLICY_H

#include <casemate/policy.h>
#include <stdio.h>

/**
 * Check a policy, whatever kind it is (text, token, key release policy as JSON): print what it is and
 * what a reader should know about it.
 *
 * @param path    UNTRUSTED file.
 * @retval CM_ERR_SYNTAX, CM_ERR_UNSUPPORTED, ...  it is none; why has file, line, column and a sentence
 */
CM_MUST_USE enum cm_status cm_cli_policy_check(const char *path, bool json, FILE *out,
                                               struct cm_why *why);

/** Print the hash of a policy as Azure Attestation puts it into x-ms-policy-hash. */
CM_MUST_USE enum cm_status cm_cli_policy_hash(const char *path, FILE *out, struct cm_why *why);

struct cm_cli_explain {
    const char *policy;
    const char *claims; /* a JSON object: claims of the service; of a release policy: a token's */
    const char *custom; /* a JSON object: CustomClaim claims; NULL: none */
    const char *issuer; /* of a release policy: who issued the token; NULL: its claim iss */
    bool allow_emulated;
    bool json;
};

/**
 * Evaluate a policy over claims from files, and print every rule and what became of it.
 * @return CM_OK permitted, CM_ERR_POLICY refused, or what kept it from being evaluated (why says what)
 */
CM_MUST_USE enum cm_status cm_cli_policy_explain(const struct cm_cli_explain *e, FILE *out,
                                                 struct cm_why *why);

/**
 * Run test cases: a file of them, or every *.test.json of a folder.
 * @param failed  set: how many cases did not come out as expected
 * @retval CM_ERR_NOTFOUND  there is nothing to run
 */
CM_MUST_USE enum cm_status cm_cli_policy_test(const char *path, FILE *out, size_t *failed,
                                              struct cm_why *why);

/** For people: every rule and what became of it. */
void cm_cli_outcome_steps(const struct cm_policy_outcome *o, FILE *out);

#endif
