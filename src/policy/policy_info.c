/* What can be said about a policy without evaluating it: version, hash, warnings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/crypto.h"
#include "policy/policy_ast.h"
#include "token/base64.h"

const char *cm_policy_version(const struct cm_policy *policy)
{
    static const char *const versions[] = {"1.0", "1.1", "1.2"};

    return versions[policy->minor];
}

size_t cm_policy_rules(const struct cm_policy *policy)
{
    return policy->rule_count;
}

enum cm_status cm_policy_hash(struct cm_span text, char out[CM_POLICY_HASH_CAP])
{
    size_t cap = 0;
    char *encoded = NULL;
    uint8_t digest[32] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (text.len > CM_POLICY_MAX_TEXT) {
        return CM_ERR_LIMIT;
    }
    cap = CM_BASE64_ENCODED(text.len) + 1;
    encoded = malloc(cap);
    if (encoded == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_base64url_encode(text, encoded, cap, &len));
    CM_TRY(cm_sha256_of(cm_span_make(encoded, len), digest));
    CM_TRY(
        cm_base64url_encode(cm_span_make(digest, sizeof(digest)), out, CM_POLICY_HASH_CAP, &len));
    out[len] = '\0';
out:
    free(encoded);
    return st;
}

/* Hexadecimal digits of a digest's length with capital letters: claims have small ones. */
static bool capital_digest(const struct cm_pexpr *e)
{
    struct cm_span s = e->literal.text;
    bool capital = false;

    if (e->kind != CM_PE_LITERAL || e->literal.type != CM_POLICY_TEXT || s.len < 32 ||
        s.len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
            return false;
        }
        capital = capital || (c >= 'A' && c <= 'F');
    }
    return capital;
}

static bool known_issuer(const struct cm_pexpr *e)
{
    if (e->kind != CM_PE_LITERAL) {
        return true;
    }
    for (unsigned i = CM_POLICY_CUSTOM; i <= CM_POLICY_POLICY; i++) {
        const char *name = cm_policy_issuer_name((enum cm_policy_issuer)i);

        if (cm_span_same(e->literal.text, cm_span_make(name, strlen(name)))) {
            return true;
        }
    }
    return false;
}

struct warnings {
    const struct cm_policy *policy;
    size_t left; /* how many to pass over */
    bool found;
    struct cm_policy_error *out;
};

static void warn(struct warnings *w, size_t off, const char *what)
{
    if (w->found || w->left-- != 0) {
        return;
    }
    w->found = true;
    cm_policy_place(w->policy->text, off, &w->out->line, &w->out->column);
    (void)snprintf(w->out->text, sizeof(w->out->text), "%s", what);
}

static void look_at_condition(struct warnings *w, const struct cm_pcond *c)
{
    bool value = false;

    for (size_t i = 0; i < c->prop_count; i++) {
        const struct cm_pprop *pr = &c->props[i];

        value = value || pr->prop == CM_PROP_VALUE;
        if (pr->prop == CM_PROP_VALUE && capital_digest(pr->right)) {
            warn(w, pr->right->off,
                 "a digest in capital letters equals no claim: they are written in small ones");
        }
        if (pr->prop == CM_PROP_ISSUER && !known_issuer(pr->right)) {
            warn(w, pr->right->off,
                 "no claim has this issuer: there are AttestationService, "
                 "AttestationPolicy and CustomClaim");
        }
    }
    if (!c->has_type && value && !c->negated) {
        warn(w, c->off, "without a type any claim with this value satisfies the condition");
    }
}

enum cm_status cm_policy_warning(const struct cm_policy *policy, size_t index,
                                 struct cm_policy_error *out)
{
    struct warnings w = {.policy = policy, .left = index, .out = out};
    bool permits = false;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct cm_prule *r = &policy->rules[i];

        permits = permits || r->action.kind == CM_PA_PERMIT;
        for (size_t k = 0; k < r->cond_count; k++) {
            look_at_condition(&w, &r->conds[k]);
        }
        if (r->action.kind == CM_PA_PERMIT && r->cond_count == 0) {
            warn(&w, r->off, "this permits whatever is genuine, of any TEE and signer");
        }
        if (r->action.kind == CM_PA_ISSUE && r->section == CM_PS_AUTHORIZATION) {
            warn(&w, r->off, "issue in authorizationrules only adds the claim for later rules");
        }
    }
    if (!permits) {
        warn(&w, 0, "no rule permits: everything is refused");
    }
    return w.found ? CM_OK : CM_ERR_NOTFOUND;
}
