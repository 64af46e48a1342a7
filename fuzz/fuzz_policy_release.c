/*
 * Any bytes as a key release policy, as a token's claims for a fixed policy, as claims of a policy, and
 * as a policy token: no input releases a key that the policy does not.
 */
#include <stdlib.h>
#include <string.h>

#include <casemate/release.h>

#include "common/span.h"
#include "policy/policy_token.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct cm_span span(const char *text)
{
    return cm_span_make(text, strlen(text));
}

static void as_policy(struct cm_span data)
{
    struct cm_release *r = NULL;
    struct cm_policy_error error = {0};
    struct cm_release_reason reason = {{0}};
    struct cm_span authority;
    enum cm_status st = cm_release_parse(data, &r, &error);

    if (st != CM_OK) {
        if (r != NULL || error.text[0] == '\0') {
            abort();
        }
        return;
    }
    if (!cm_release_authority(r, 0, &authority)) {
        abort(); /* a policy without an authority is none */
    }
    (void)!cm_release_evaluate(r, authority, span("{\"c\":\"x\",\"d\":{\"e\":1}}"), &reason);
    if (reason.text[0] == '\0') {
        abort();
    }
    if (cm_release_evaluate(r, span("https://nobody.invalid/..."), span("{}"), &reason) == CM_OK &&
        memmem(data.ptr, data.len, "invalid", 7) == NULL && data.len < 64) {
        abort();
    }
    cm_release_free(r);
}

static void as_claims(struct cm_span data)
{
    static const char policy[] =
        "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://a.b\",\"allOf\":["
        "{\"claim\":\"c.d\",\"equals\":\"wanted\"}]}]}";
    static struct cm_release *r;
    struct cm_policy_claims *claims = NULL;

    if (r == NULL && cm_release_parse(span(policy), &r, NULL) != CM_OK) {
        abort();
    }
    if (cm_release_evaluate(r, span("https://a.b/"), data, NULL) == CM_OK &&
        memmem(data.ptr, data.len, "wanted", 6) == NULL &&
        memmem(data.ptr, data.len, "\\u", 2) == NULL) {
        abort();
    }
    if (cm_policy_claims_create(&claims) == CM_OK) {
        (void)!cm_policy_claims_object(claims, data, CM_POLICY_CUSTOM, NULL);
    }
    cm_policy_claims_free(claims);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span bytes = cm_span_make(data, size);
    struct cm_policy_token token;

    if (size == 0) {
        return 0;
    }
    as_policy(bytes);
    as_claims(bytes);
    if (cm_policy_token_open(bytes, &token, NULL) == CM_OK) {
        cm_policy_token_free(&token);
    }
    return 0;
}
