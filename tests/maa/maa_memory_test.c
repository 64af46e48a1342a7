/*
 * Out of memory at every allocation while requests and uploads are taken apart: refused with that status,
 * nothing taken halfway, nothing leaked (the sanitisers' run says so).
 */
#include "harness.h"

#include "maa/maa_guest.h"
#include "maa_kit.h"
#include "rules/rules_private.h"
#include "rules_signer_kit.h"

/* Until one attempt goes through; its number, or -1 when a failure had another status. */
static long until_it_works(enum cm_status (*run)(void *arg), void *arg)
{
    for (long k = 1; k < 10000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = run(arg);
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK_EQ(st, CM_OK);
            return k;
        }
        fail_alloc_at(-1);
        if (st != CM_ERR_NOMEM && st != CM_ERR_CRYPTO && st != CM_OK) {
            TEST_FAIL("allocation %ld: %s", k, cm_status_str(st));
            return -1;
        }
    }
    return -1;
}

static struct cm_maa_request request;

static void clear(void)
{
    struct cm_maa_request *copy = __real_calloc(1, sizeof(*copy));

    if (copy == NULL) {
        abort();
    }
    *copy = request;
    cm_maa_request_free(copy);
    memset(&request, 0, sizeof(request));
}

static enum cm_status read_sgx(void *arg)
{
    enum cm_status st = CM_OK;

    request.tee = CM_MAA_SGX;
    st = cm_maa_request_read(arg, &request, NULL);
    if (st == CM_OK) {
        CHECK(request.runtime.json != NULL && request.custom != NULL && request.draft.ptr != NULL);
    }
    clear();
    return st;
}

TEST(while_a_request_is_taken_apart)
{
    static const uint8_t quote[64] = {3, 0, 2};
    json_t *body = maa_body("quote", cm_span_make(quote, sizeof(quote)));

    maa_data(body, "runtimeData", "{\"keys\":[1,{\"a\":\"b\"}]}", "JSON");
    maa_data(body, "initTimeData", "init", "Binary");
    (void)json_object_set_new(body, "draftPolicyForAttestation", json_string("a.b."));
    CHECK(until_it_works(read_sgx, body) > 10);
    json_decref(body);
}

static enum cm_status open_draft(void *arg)
{
    const struct cm_rule_version *version = NULL;
    enum cm_status st =
        cm_rules_draft_text("SgxEnclave", cm_span_make(arg, strlen(arg)), &version, NULL);

    CHECK((st == CM_OK) == (version != NULL));
    cm_rules_release(version);
    return st;
}

TEST(while_a_policy_is_made)
{
    char text[] = "version=1.0; authorizationrules { [type==\"a\", value==1] => permit(); };";

    CHECK(until_it_works(open_draft, text) > 3);
}

static enum cm_status verify_upload(void *arg)
{
    struct cm_rules_signers none = {NULL, {NULL}, 0};
    struct cm_rules_signature signature = {false, NULL};
    enum cm_status st = cm_rules_signature_verify(cm_span_make(arg, strlen(arg)), &none, kit_now(),
                                                  &signature, NULL);

    CHECK((st == CM_OK) == (signature.signer_jwk != NULL));
    free(signature.signer_jwk);
    return st;
}

TEST(while_a_signature_is_verified)
{
    struct signer *s = signer_ca(0);
    char *token = signer_policy(s, CM_SIG_ES256, "version=1.0; authorizationrules {};");

    CHECK_EQ(verify_upload(token), CM_OK);
    CHECK(until_it_works(verify_upload, token) > 5);
    free(token);
    signer_free(s);
}

TEST_MAIN
