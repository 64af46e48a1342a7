/*
 * The claims of a token; see maa_private.h. What was verified stands in it whatever a policy issues: a
 * policy's claims are in x-ms-policy, and beside it only under names that are nobody else's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/identity.h"
#include "maa/maa_private.h"

#define UNDETERMINED "not-determined"
#define COMPLIANCE   "x-ms-compliance-status"

/* json_object_set_new() that remembers whether one has failed. */
struct claims {
    json_t *object;
    bool bad;
};

static void put(struct claims *c, const char *name, json_t *value)
{
    c->bad = value == NULL || json_object_set_new(c->object, name, value) != 0 || c->bad;
}

static void put_if(struct claims *c, const char *name, const json_t *value)
{
    if (value != NULL) {
        put(c, name, json_deep_copy(value));
    }
}

static json_t *done(struct claims *c)
{
    if (c->bad) {
        json_decref(c->object);
        c->object = NULL;
    }
    return c->object;
}

json_t *cm_maa_common(const struct cm_maa_issue *issue)
{
    struct claims c = {json_object(), false};
    const uint64_t begin = issue->now - CM_MAA_EARLY;
    const uint64_t end = issue->now + CM_IDENTITY_TOKEN_LIFE;

    put(&c, "iss", json_string(issue->base));
    put(&c, "iat", json_integer((json_int_t)issue->now));
    put(&c, "nbf", json_integer((json_int_t)begin));
    put(&c, "exp", json_integer((json_int_t)end));
    if (issue->jti != NULL) {
        put(&c, "jti", json_string(issue->jti));
    }
    put(&c, "x-ms-ver", json_string("1.0"));
    return done(&c);
}

/* ------------------------------------------------------------ verified claims */

static bool starts(struct cm_span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len > len && memcmp(text.ptr, prefix, len) == 0;
}

static bool equals(struct cm_span text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

/* Whether an incoming claim is one of Azure's about the hardware. */
static bool is_azures(const struct cm_policy_claim *claim)
{
    return claim->issuer == CM_POLICY_SERVICE &&
           (starts(claim->type, "x-ms-sgx-") || starts(claim->type, "x-ms-sevsnpvm-") ||
            starts(claim->type, "tdx_") || equals(claim->type, "x-ms-attestation-type") ||
            equals(claim->type, "attester_tcb_status") || equals(claim->type, "eat_profile") ||
            equals(claim->type, "intuse"));
}

static json_t *value_of(const struct cm_policy_claim *claim)
{
    switch (claim->value_type) {
    case CM_POLICY_INT:
        return json_integer((json_int_t)claim->number);
    case CM_POLICY_BOOL:
        return json_boolean(claim->number != 0);
    case CM_POLICY_TEXT:
        break;
    }
    return json_stringn((const char *)claim->text.ptr, claim->text.len);
}

/* A claim's name as a string; NULL: longer than any of ours. */
static const char *name_of(const struct cm_policy_claim *claim, char out[256])
{
    if (claim->type.len >= 256 || memchr(claim->type.ptr, 0, claim->type.len) != NULL) {
        return NULL;
    }
    memcpy(out, claim->type.ptr, claim->type.len);
    out[claim->type.len] = '\0';
    return out;
}

static void put_evidence_text(struct claims *c, const char *name, const struct cm_evidence *ev,
                              const char *ours)
{
    const struct cm_claim *claim = cm_evidence_find(ev, 0, ours, 0);

    if (claim != NULL && claim->type == CM_CLAIM_TYPE_TEXT) {
        put(c, name, json_stringn(claim->text, claim->len));
    }
}

json_t *cm_maa_verified(const struct cm_decision *d)
{
    struct claims c = {json_object(), false};
    struct cm_policy_claim claim;
    char name[256] = "";

    for (size_t i = 0; d->claims != NULL && cm_policy_claims_at(d->claims, i, &claim); i++) {
        if (is_azures(&claim) && name_of(&claim, name) != NULL) {
            put(&c, name, value_of(&claim));
        }
    }
    if (json_object_get(c.object, "eat_profile") != NULL) { /* TDX: an EAT has it, too */
        put_evidence_text(&c, "dbgstat", d->evidence, CM_CLAIM_DBGSTAT);
    }
    return done(&c);
}

json_t *cm_maa_machine(const struct cm_decision *d)
{
    struct claims c = {json_object(), false};
    struct cm_policy_claim claim;
    char name[256] = "";

    for (size_t i = 0; d->claims != NULL && cm_policy_claims_at(d->claims, i, &claim); i++) {
        if (claim.issuer != CM_POLICY_SERVICE ||
            (!starts(claim.type, "x-ms-azurevm-") && !equals(claim.type, "secureboot")) ||
            name_of(&claim, name) == NULL) {
            continue;
        }
        if (strcmp(name, "x-ms-azurevm-attested-pcrs") != 0) {
            put(&c, name, value_of(&claim));
            continue;
        }
        if (json_object_get(c.object, name) == NULL) {
            put(&c, name, json_array());
        }
        c.bad =
            json_array_append_new(json_object_get(c.object, name), value_of(&claim)) != 0 || c.bad;
    }
    return done(&c);
}

/* ------------------------------------------------------------- issued claims */

json_t *cm_maa_issued(const struct cm_decision *d)
{
    struct claims c = {json_object(), false};
    struct cm_policy_claim claim;
    char name[256] = "";

    for (size_t i = 0; d->outcome != NULL && cm_policy_outcome_claim(d->outcome, i, &claim); i++) {
        json_t *there = NULL;

        if (name_of(&claim, name) == NULL) {
            continue;
        }
        there = json_object_get(c.object, name);
        if (there == NULL) {
            put(&c, name, value_of(&claim));
        } else if (json_is_array(there)) {
            c.bad = json_array_append_new(there, value_of(&claim)) != 0 || c.bad;
        } else {
            put(&c, name, json_pack("[O, o]", there, value_of(&claim)));
        }
    }
    return done(&c);
}

/* Names under which a relying party looks for what was verified, or for what a token is. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"iss",
                                        "iat",
                                        "nbf",
                                        "exp",
                                        "jti",
                                        "aud",
                                        "sub",
                                        "cnf",
                                        "nonce",
                                        "ver",
                                        "rp_data",
                                        "aas-ehd",
                                        "attester_tcb_status",
                                        "dbgstat",
                                        "eat_profile",
                                        "intuse",
                                        "policy_hash",
                                        "policy_signer"};
    static const char *const prefixes[] = {"x-ms-", "maa-", "tdx_", "casemate."};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void put_issued(struct claims *c, json_t *issued)
{
    const char *name = NULL;
    json_t *value = NULL;

    if (json_object_size(issued) == 0) {
        return;
    }
    put(c, "x-ms-policy", json_deep_copy(issued));
    json_object_foreach(issued, name, value)
    {
        if (!is_reserved(name)) {
            put(c, name, json_deep_copy(value));
        }
    }
}

/* Azure's own finding about its fleet, which nobody else can make: the policy's author says it, or nobody. */
static void put_compliance(struct claims *c, const json_t *issued)
{
    const json_t *value = json_object_get(issued, COMPLIANCE);

    put(c, COMPLIANCE, json_is_string(value) ? json_deep_copy(value) : json_string(UNDETERMINED));
}

/* -------------------------------------------------------------------- tokens */

/* The names of 2018, which clients still read, beside today's. */
static void put_sgx_twins(struct claims *c, const struct cm_maa_request *r,
                          const struct cm_decision *d)
{
    static const char *const twins[][2] = {
        {"is-debuggable", "x-ms-sgx-is-debuggable"},
        {"product-id", "x-ms-sgx-product-id"},
        {"svn", "x-ms-sgx-svn"},
        {"sgx-mrenclave", "x-ms-sgx-mrenclave"},
        {"sgx-mrsigner", "x-ms-sgx-mrsigner"},
        {"tee", "x-ms-attestation-type"},
        {"ver", "x-ms-ver"},
        {"policy_hash", "x-ms-policy-hash"},
        {"maa-policyHash", "x-ms-policy-hash"},
        {"policy_signer", "x-ms-policy-signer"},
        {"rp_data", "nonce"},
    };

    if (d->collateral != NULL) {
        put_if(c, "x-ms-sgx-collateral", d->collateral);
        put_if(c, "maa-attestationcollateral", d->collateral);
    }
    if (r->runtime.given && r->runtime.json == NULL) {
        put(c, "x-ms-sgx-ehd", cm_call_base64url(cm_maa_span(&r->runtime.bytes)));
        put(c, "maa-ehd", cm_call_base64url(cm_maa_span(&r->runtime.bytes)));
        put(c, "aas-ehd", cm_call_base64url(cm_maa_span(&r->runtime.bytes)));
    }
    for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
        put_if(c, twins[i][0], json_object_get(c->object, twins[i][1]));
    }
}

static void put_policy(struct claims *c, const struct cm_rule_version *rule)
{
    if (rule == NULL) {
        return;
    }
    put(c, "x-ms-policy-hash", json_string(rule->hash));
    if (rule->signer_jwk != NULL) {
        put(c, "x-ms-policy-signer", json_loads(rule->signer_jwk, 0, NULL));
    }
}

/* What a request brought along and the evidence is bound to. */
static void put_bound(struct claims *c, const struct cm_maa_request *r)
{
    put_if(c, "x-ms-runtime", r->runtime.json);
    if (r->init.given) {
        put(c, "x-ms-inittime",
            r->init.json != NULL ? json_deep_copy(r->init.json)
                                 : cm_call_base64url(cm_maa_span(&r->init.bytes)));
    }
    put_if(c, "nonce", r->nonce);
}

enum cm_status cm_maa_claims(const struct cm_maa_issue *issue, const struct cm_maa_request *r,
                             const struct cm_decision *d, json_t **out)
{
    struct claims c = {cm_maa_common(issue), false};
    json_t *verified = cm_maa_verified(d);
    json_t *issued = cm_maa_issued(d);

    if (c.object == NULL || verified == NULL || issued == NULL) {
        c.bad = true;
        goto out;
    }
    put_issued(&c, issued);
    if (r->tee !=
        CM_MAA_GUEST) { /* a machine has its hardware's claims in an object of their own */
        c.bad = json_object_update(c.object, verified) != 0 || c.bad;
    }
    put_policy(&c, d->rule);
    put_bound(&c, r);
    if (r->tee == CM_MAA_SGX || r->tee == CM_MAA_OE) {
        put_sgx_twins(&c, r, d);
    } else {
        put_compliance(&c, issued);
    }
    if (d->emulated) {
        put(&c, "casemate.emulated", json_true());
    }
out:
    json_decref(verified);
    json_decref(issued);
    *out = done(&c);
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}
