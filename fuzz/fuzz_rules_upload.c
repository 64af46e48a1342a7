/*
 * Uploads of policies: a token, signed or not, with the signer's certificates in its header. What verifies
 * names its signer; what holds a policy is one that can be parsed, or is refused with words.
 */
#include <stdlib.h>

#include "policy/policy_token.h"
#include "rules/rules_private.h"

#define NOW UINT64_C(1782864000) /* 2026-07-01: when the certificates of the corpus are valid */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cm_span token = {data, size};
    struct cm_policy_token opened = {{NULL, 0}, {NULL, 0}, false, NULL};
    struct cm_rules_signers none = {NULL, {NULL}, 0};
    struct cm_rules_signature signature = {false, NULL};
    const struct cm_rule_version *version = NULL;
    struct cm_policy_error error = {0, 0, ""};

    if (cm_policy_token_open(token, &opened, NULL) == CM_OK) {
        if (cm_rules_draft_text("SgxEnclave", opened.text, &version, &error) != CM_OK &&
            opened.text.len != 0 && error.text[0] == '\0') {
            abort();
        }
        cm_rules_release(version);
    }
    cm_policy_token_free(&opened);
    if (cm_rules_signature_verify(token, &none, NOW, &signature, NULL) == CM_OK &&
        (signature.signer_jwk == NULL || signature.registered)) {
        abort();
    }
    free(signature.signer_jwk);
    return 0;
}
