/* What the tests of policies share: a policy, claims as JSON, and what comes of them. */
#ifndef CM_TESTS_POLICY_KIT_H
#define CM_TESTS_POLICY_KIT_H

#include "harness.h"

#include <casemate/policy.h>

#include "common/span.h"

static inline struct cm_span kit_span(const char *text)
{
    return cm_span_make(text, strlen(text));
}

/* The policy of a text that must be good. */
static inline struct cm_policy *kit_parse(const char *text)
{
    struct cm_policy *p = NULL;
    struct cm_policy_error e = {0};

    if (cm_policy_parse(kit_span(text), &p, &e) != CM_OK) {
        TEST_FAIL("not parsed: %zu:%zu: %s in: %s", e.line, e.column, e.text, text);
    }
    return p;
}

/* Whether a text is refused at this place with these words. */
static inline bool kit_refused(const char *text, enum cm_status st, size_t line, size_t column,
                               const char *words)
{
    struct cm_policy *p = NULL;
    struct cm_policy_error e = {0};
    enum cm_status got = cm_policy_parse(kit_span(text), &p, &e);
    bool right = got == st && e.line == line && e.column == column &&
                 strstr(e.text, words) != NULL && p == NULL;

    if (!right) {
        (void)printf("  %d at %zu:%zu \"%s\", not %d at %zu:%zu \"%s\": %s\n", got, e.line,
                     e.column, e.text, st, line, column, words, text);
    }
    cm_policy_free(p);
    return right;
}

/* Claims of the service from a JSON object. */
static inline struct cm_policy_claims *kit_claims(const char *json)
{
    struct cm_policy_claims *c = NULL;
    struct cm_why why = {{0}};

    if (cm_policy_claims_create(&c) != CM_OK ||
        cm_policy_claims_object(c, kit_span(json), CM_POLICY_SERVICE, &why) != CM_OK) {
        TEST_FAIL("claims: %s in: %s", why.text, json);
    }
    return c;
}

static inline size_t kit_claim_text(const struct cm_policy_claim *c, char *out, size_t cap)
{
    int n = 0;

    if (c->value_type == CM_POLICY_TEXT) {
        n = snprintf(out, cap, "%.*s='%.*s'", (int)c->type.len, (const char *)c->type.ptr,
                     (int)c->text.len, (const char *)c->text.ptr);
    } else if (c->value_type == CM_POLICY_BOOL) {
        n = snprintf(out, cap, "%.*s=%s", (int)c->type.len, (const char *)c->type.ptr,
                     c->number != 0 ? "true" : "false");
    } else {
        n = snprintf(out, cap, "%.*s=%lld", (int)c->type.len, (const char *)c->type.ptr,
                     (long long)c->number);
    }
    return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}

/* What a policy makes of claims: the status, and what was issued as "a=1 b='x' c=true". */
static inline enum cm_status kit_run(const char *policy, struct cm_policy_claims *claims,
                                     char *issued, size_t cap)
{
    struct cm_policy *p = kit_parse(policy);
    struct cm_policy_outcome *o = NULL;
    struct cm_policy_claim c;
    enum cm_status st = CM_ERR_PARAM;
    size_t used = 0;

    issued[0] = '\0';
    if (p != NULL && claims != NULL) {
        st = cm_policy_evaluate(p, claims, 0, &o);
        for (size_t i = 0; o != NULL && cm_policy_outcome_claim(o, i, &c); i++) {
            used += (size_t)snprintf(issued + used, cap - used, "%s", i == 0 ? "" : " ");
            used += kit_claim_text(&c, issued + used, cap - used);
        }
        if (st != CM_OK && o != NULL && issued[0] == '\0') {
            (void)snprintf(issued, cap, "%s", cm_policy_outcome_reason(o));
        }
    }
    cm_policy_outcome_free(o);
    cm_policy_free(p);
    return st;
}

/* The same over JSON claims of the service. */
static inline enum cm_status kit_decide(const char *policy, const char *json, char *issued,
                                        size_t cap)
{
    struct cm_policy_claims *c = kit_claims(json);
    enum cm_status st = kit_run(policy, c, issued, cap);

    cm_policy_claims_free(c);
    return st;
}

/* permit() with these conditions; only whether it fired. */
static inline enum cm_status kit_if(const char *conditions, const char *json)
{
    char policy[2048] = "";
    char issued[512] = "";

    (void)snprintf(policy, sizeof(policy), "version=1.2; authorizationrules { %s => permit(); };",
                   conditions);
    return kit_decide(policy, json, issued, sizeof(issued));
}

/* Issue the value of an expression over the claims c:[type=="c"]; the issued claim is r. */
static inline enum cm_status kit_value(const char *expression, const char *json, char *issued,
                                       size_t cap)
{
    char policy[4096] = "";

    (void)snprintf(policy, sizeof(policy),
                   "version=1.2; authorizationrules { => permit(); }; issuancerules {\n"
                   "c:[type==\"c\"] => issue(type=\"r\", value=%s); };",
                   expression);
    return kit_decide(policy, json, issued, cap);
}

#endif
