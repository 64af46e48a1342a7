/* Private to `casemate policy`: a policy of any kind from a file. */
#ifndef CM_CLI_POLICY_FILE_H
#define CM_CLI_POLICY_FILE_H

#include <casemate/release.h>

#include "policy/policy_token.h"

struct cm_cli_policy_file {
    struct cm_policy *policy;   /* of a text or a token */
    struct cm_release *release; /* of JSON */
    bool is_token;
    struct cm_policy_token token;
    uint8_t *bytes; /* the file */
    size_t len;
    struct cm_span text; /* the policy itself */
};

/** Read and parse; why has file, line, column and a sentence. End it with the next one in any case. */
CM_MUST_USE enum cm_status cm_cli_policy_open(const char *path, struct cm_cli_policy_file *f,
                                              struct cm_why *why);
void cm_cli_policy_close(struct cm_cli_policy_file *f);

#endif
