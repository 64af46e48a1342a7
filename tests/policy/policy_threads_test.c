/* One policy and one set of claims, evaluated by several threads at once: each gets the same outcome. */
#include "policy_kit.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  300

static const char policy_text[] =
    "version=1.2; authorizationrules { c:[type==\"events\"] => add(type=\"tags\", value=JmesPath("
    "c.value, \"Events[?PcrIndex == `12`].Data[]\")); [type==\"tags\", value!=\"null\"] => "
    "permit(); };"
    "issuancerules { c:[type==\"tags\"] => issue(type=\"tag\", value=JsonToClaimValue(c.value)); "
    "c:[type==\"tags\"] => issue(type=\"text\", value=AppendString(\"=\", c.value)); "
    "c:[type==\"$svn\"] => issue(claim=c); };";

struct shared {
    const struct cm_policy *policy;
    const struct cm_policy_claims *claims;
    char expected[4096];
};

static void *run(void *arg)
{
    const struct shared *s = arg;
    size_t different = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct cm_policy_outcome *o = NULL;
        char json[4096] = "";
        size_t len = 0;

        if (cm_policy_evaluate(s->policy, s->claims, 0, &o) != CM_OK ||
            cm_policy_outcome_json(o, json, sizeof(json) - 1, &len) != CM_OK ||
            strcmp(json, s->expected) != 0) {
            different++;
        }
        cm_policy_outcome_free(o);
    }
    return different == 0 ? NULL : arg;
}

TEST(threads_share_policies_and_claims)
{
    static struct shared s;
    struct cm_policy *policy = kit_parse(policy_text);
    struct cm_policy_claims *claims = kit_claims(
        "{\"x-ms-sgx-svn\":3,\"events\":{\"Events\":[{\"PcrIndex\":12,\"Data\":[1,\"x\"]},"
        "{\"PcrIndex\":7,\"Data\":[2]},{\"PcrIndex\":12,\"Data\":[true]}]}}");
    struct cm_policy_outcome *o = NULL;
    pthread_t threads[THREADS];
    size_t len = 0;

    REQUIRE(policy != NULL && claims != NULL);
    s.policy = policy;
    s.claims = claims;
    REQUIRE(cm_policy_evaluate(policy, claims, 0, &o) == CM_OK);
    REQUIRE(cm_policy_outcome_json(o, s.expected, sizeof(s.expected) - 1, &len) == CM_OK);
    CHECK(strstr(s.expected, "\"text\",\"value\":\"=[1,\\\"x\\\",true]\"") != NULL);
    cm_policy_outcome_free(o);
    for (size_t i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, run, &s) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;

        CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    }
    cm_policy_claims_free(claims);
    cm_policy_free(policy);
}

TEST_MAIN
