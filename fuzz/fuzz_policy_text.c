/*
 * Any bytes as a policy: what parses is evaluated over fixed claims, evaluates alike twice, and never
 * permits what it must not; what does not has a place and a reason.
 */
#include <stdlib.h>
#include <string.h>

#include <casemate/policy.h>

#include "common/span.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char object[] = "{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-svn\":3,\"x-ms-sgx-"
                             "mrsigner\":\"ab\",\"c\":[1,2,true,"
                             "\"x\"],\"q\":\"Events[0]\",\"pcrs\":{\"PCRs\":[{\"Index\":0}]},"
                             "\"events\":{\"Events\":[{\"EventSeq\":1,"
                             "\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":12,"
                             "\"ProcessedData\":{\"A\":[[1],[2,null]],\"B\":"
                             "\"AQ\"}},{\"EventSeq\":2,\"PcrIndex\":7}]}}";

static struct cm_policy_claims *make(bool genuine, bool emulated)
{
    struct cm_policy_claims *c = NULL;

    if (cm_policy_claims_create(&c) != CM_OK ||
        cm_policy_claims_object(c, cm_span_make(object, sizeof(object) - 1), CM_POLICY_SERVICE,
                                NULL) != CM_OK ||
        cm_policy_claims_bool(c, "casemate.genuine", genuine, CM_POLICY_SERVICE) != CM_OK ||
        cm_policy_claims_bool(c, "casemate.emulated", emulated, CM_POLICY_SERVICE) != CM_OK) {
        abort();
    }
    return c;
}

/* Evaluate and read everything that an outcome gives out. */
static enum cm_status run(const struct cm_policy *policy, const struct cm_policy_claims *claims)
{
    struct cm_policy_outcome *o = NULL;
    struct cm_policy_claim claim;
    static struct cm_policy_step step;
    static char json[1 << 20];
    size_t len = 0;
    enum cm_status st = cm_policy_evaluate(policy, claims, 0, &o);

    if (o == NULL) {
        return st;
    }
    if (cm_policy_outcome_status(o) != st || cm_policy_outcome_reason(o)[0] == '\0' ||
        (st != CM_OK && cm_policy_outcome_claim(o, 0, &claim))) {
        abort();
    }
    for (size_t i = 0; cm_policy_outcome_claim(o, i, &claim); i++) {
        if (claim.type.len == 0 || (claim.value_type == CM_POLICY_TEXT && claim.text.ptr == NULL)) {
            abort();
        }
    }
    for (size_t i = 0; cm_policy_outcome_step(o, i, &step); i++) {
        if (step.line == 0 || step.rule.len == 0) {
            abort();
        }
    }
    if (cm_policy_outcome_json(o, json, sizeof(json), &len) == CM_OK && json[0] != '{') {
        abort();
    }
    cm_policy_outcome_free(o);
    return st;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_policy_claims *good;
    static struct cm_policy_claims *forged;
    static struct cm_policy_claims *emulated;
    struct cm_policy *policy = NULL;
    struct cm_policy_error error = {0};
    enum cm_status st = CM_OK;

    if (good == NULL) {
        good = make(true, false);
        forged = make(false, false);
        emulated = make(true, true);
    }
    st = cm_policy_parse(cm_span_make(data, size), &policy, &error);
    if (st != CM_OK) {
        if (policy != NULL || error.text[0] == '\0' ||
            (st != CM_ERR_NOMEM && (error.line == 0 || error.column == 0))) {
            abort();
        }
        return 0;
    }
    for (size_t i = 0; cm_policy_warning(policy, i, &error) == CM_OK; i++) {
        if (error.line == 0 || error.text[0] == '\0') {
            abort();
        }
    }
    if (run(policy, good) != run(policy, good) || run(policy, forged) == CM_OK) {
        abort();
    }
    if (run(policy, emulated) == CM_OK && memmem(data, size, "emulated", 8) == NULL &&
        memmem(data, size, "\\u", 2) == NULL) {
        abort(); /* nobody accepts emulation without naming it */
    }
    cm_policy_free(policy);
    return 0;
}
