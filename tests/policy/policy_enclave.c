/* Enclave side of policy_inside_test: an enclave that judges others by a policy. */
#include <casemate/release.h>
#include <openenclave/enclave.h>
#include <string.h>

#include "policy_inside_t.h"

int judge_inside(const uint8_t *policy, size_t policy_len, const uint8_t *claims, size_t claims_len,
                 char *json, size_t cap)
{
    struct cm_policy *p = NULL;
    struct cm_policy_claims *c = NULL;
    struct cm_policy_outcome *o = NULL;
    struct cm_why why = {{0}};
    size_t len = 0;
    enum cm_status st = cm_policy_parse((struct cm_span){policy, policy_len}, &p, NULL);

    memset(json, 0, cap);
    if (st == CM_OK) {
        st = cm_policy_claims_create(&c);
    }
    if (st == CM_OK) {
        st = cm_policy_claims_object(c, (struct cm_span){claims, claims_len}, CM_POLICY_SERVICE,
                                     &why);
    }
    if (st == CM_OK) {
        st = cm_policy_evaluate(p, c, 0, &o);
    }
    if (o != NULL && cm_policy_outcome_json(o, json, cap - 1, &len) != CM_OK) {
        st = CM_ERR_SPACE;
    }
    cm_policy_outcome_free(o);
    cm_policy_claims_free(c);
    cm_policy_free(p);
    return (int)st;
}

int release_inside(const uint8_t *policy, size_t policy_len, const uint8_t *claims,
                   size_t claims_len)
{
    static const char issuer[] = "https://attest.example.net";
    struct cm_release *r = NULL;
    enum cm_status st = cm_release_parse((struct cm_span){policy, policy_len}, &r, NULL);

    if (st == CM_OK) {
        st = cm_release_evaluate(r, (struct cm_span){(const uint8_t *)issuer, sizeof(issuer) - 1},
                                 (struct cm_span){claims, claims_len}, NULL);
    }
    cm_release_free(r);
    return (int)st;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 1);
