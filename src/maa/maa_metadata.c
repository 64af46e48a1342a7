/* What anyone may ask: keys, and what the service is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/identity.h"
#include "maa/maa_private.h"

void cm_maa_certs(struct cm_call *call, void *state)
{
    (void)state;
    /* RSA keys alone: clients refuse the whole set for one of another kind */
    cm_call_answer_json(call, 200, cm_identity_jwks(call->service, CM_SIGNER_TOKEN));
}

void cm_maa_native_keys(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_answer_json(call, 200, cm_identity_jwks(call->service, CM_SIGNER_RESULT));
}

void cm_maa_metadata(struct cm_call *call, void *state)
{
    static const char *const claims[] = {
        "is-debuggable",
        "sgx-mrsigner",
        "sgx-mrenclave",
        "product-id",
        "svn",
        "tee",
        "x-ms-ver",
        "x-ms-attestation-type",
        "x-ms-policy-hash",
        "x-ms-policy-signer",
        "x-ms-policy",
        "x-ms-runtime",
        "x-ms-inittime",
        "x-ms-compliance-status",
        "nonce",
    };
    const char *base = cm_call_base(call);
    char keys[512] = "";
    json_t *list = json_array();

    (void)state;
    (void)snprintf(keys, sizeof(keys), "%s/certs", base);
    for (size_t i = 0; list != NULL && i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (json_array_append_new(list, json_string(claims[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    cm_call_answer_json(call, 200,
                        list == NULL
                            ? NULL
                            : json_pack("{s:s, s:s, s:[s, s], s:[s], s:o}", "issuer", base,
                                        "jwks_uri", keys, "response_types_supported", "token",
                                        "none", "id_token_signing_alg_values_supported", "RS256",
                                        "claims_supported", list));
}
