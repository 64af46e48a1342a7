/* Private to src/cli: verified (or refused) evidence for people. Its text is UNTRUSTED: ASCII only. */
#ifndef CM_CLI_VERIFY_PRINT_H
#define CM_CLI_VERIFY_PRINT_H

#include <casemate/verify.h>
#include <stdio.h>

/** What a check asks, for people; "" when there is no more to say than its name. */
const char *cm_cli_question(const char *check);

/** Every check of every submodule, and what binds the submodules together. */
void cm_cli_print_checks(const struct cm_evidence *ev, FILE *out);

/** What a quote says that a person asks for; --json has all. */
void cm_cli_print_quote_claims(const struct cm_evidence *ev, FILE *out);

/**
 * All claims, by submodule and by who vouches for them.
 * @param verified  false: as a tree of what the evidence says of itself, without authority.
 */
void cm_cli_print_claims(const struct cm_evidence *ev, bool verified, FILE *out);

#endif
