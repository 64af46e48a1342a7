/*
 * What a guest's token says: EAT Attestation Results with the names of Trustee's profile; see kbs_private.h.
 * Only what is vouched for goes in; what an operator's policy issues may judge otherwise than we do.
 */
#include <casemate/appraisal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/try.h"
#include "kbs/kbs_private.h"
#include "policy/policy_saved.h"

#define MAX_CLAIM    8192u /* characters of one: boot logs as JSON are left out */
#define TRUST_PREFIX "ear."

struct appraised {
    int8_t vector[CM_TRUST_CLAIMS];
    enum cm_trust_tier status;
};

/* ------------------------------------------------------------------ appraisal */

/* All submodules of one piece of evidence: the worst of each claim. */
static void fold(const struct cm_evidence *ev, struct appraised *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        struct cm_appraisal one = {{0}, CM_TRUST_NONE};

        if (cm_appraise(ev, s, &one) != CM_OK) {
            one.vector[CM_TRUST_HARDWARE] = 97;
        }
        for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
            if (out->vector[i] == 0 ||
                cm_trust_tier_of(one.vector[i]) > cm_trust_tier_of(out->vector[i])) {
                out->vector[i] = one.vector[i];
            }
        }
    }
}

/* A claim's value as reference values are written: hexadecimal, decimal, or text. */
static bool value_text(const struct cm_claim *c, char *out, size_t cap)
{
    switch (c->type) {
    case CM_CLAIM_TYPE_BYTES:
    case CM_CLAIM_TYPE_DIGEST:
        if (2 * c->len >= cap) {
            return false;
        }
        cm_hex_encode(cm_span_make(c->bytes, c->len), CM_HEX_LOWER, out);
        return true;
    case CM_CLAIM_TYPE_TEXT:
        return snprintf(out, cap, "%s", c->text) < (int)cap;
    case CM_CLAIM_TYPE_UINT:
    case CM_CLAIM_TYPE_TIME:
        return snprintf(out, cap, "%llu", (unsigned long long)c->number) < (int)cap;
    case CM_CLAIM_TYPE_BOOL:
        return snprintf(out, cap, "%s", c->number != 0 ? "true" : "false") < (int)cap;
    }
    return false;
}

static bool accepted(json_t *values, const char *text)
{
    json_t *value = NULL;
    size_t i = 0;

    json_array_foreach(values, i, value)
    {
        if (json_is_string(value) && strcasecmp(json_string_value(value), text) == 0) {
            return true;
        }
    }
    return false;
}

/* Hold measurements against reference values: all that are named must be among them, and of what was loaded
 * at launch at least one must be named. */
static void refer(const struct cm_evidence *ev, json_t *references, struct appraised *a)
{
    bool emulated = cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 0) != NULL;
    bool launch = false;
    bool other = false;

    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        const struct cm_claim *c = NULL;

        for (size_t i = 0; (c = cm_evidence_claim(ev, s, i)) != NULL; i++) {
            bool digest = c->type == CM_CLAIM_TYPE_DIGEST;
            json_t *values = json_object_get(references, digest ? c->text : c->name);
            char text[512] = "";

            if (values == NULL || (c->authority == CM_AUTHORITY_SELF && !emulated) ||
                !cm_evidence_genuine(ev, s)) {
                continue;
            }
            if (!value_text(c, text, sizeof(text)) || !accepted(values, text)) {
                other = true;
            } else if (digest && c->role == CM_ROLE_LAUNCH) {
                launch = true;
            }
        }
    }
    if (other) {
        a->vector[CM_TRUST_EXECUTABLES] = 33;
    } else if (launch && a->vector[CM_TRUST_EXECUTABLES] == 33) {
        a->vector[CM_TRUST_EXECUTABLES] = 3;
    }
}

/* issue(type="ear.executables", value=3): whoever writes the policy appraises, too. */
static void judge(const struct cm_policy_outcome *outcome, struct appraised *a)
{
    struct cm_policy_claim c;

    for (size_t i = 0; outcome != NULL && cm_policy_outcome_claim(outcome, i, &c); i++) {
        for (unsigned k = 0; k < CM_TRUST_CLAIMS; k++) {
            char name[64] = "";
            int n = snprintf(name, sizeof(name), TRUST_PREFIX "%s",
                             cm_trust_claim_name((enum cm_trust_claim)k));

            if (c.value_type == CM_POLICY_INT && c.type.len == (size_t)n &&
                memcmp(c.type.ptr, name, c.type.len) == 0 && c.number >= -128 && c.number <= 127) {
                a->vector[k] = (int8_t)c.number;
            }
        }
    }
    a->status = CM_TRUST_NONE;
    for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
        enum cm_trust_tier tier = cm_trust_tier_of(a->vector[i]);

        a->status = tier > a->status ? tier : a->status;
    }
}

/* --------------------------------------------------------------------- claims */

static json_t *value_of(const struct cm_policy_claim *c, bool is_json)
{
    switch (c->value_type) {
    case CM_POLICY_INT:
        return json_integer(c->number);
    case CM_POLICY_BOOL:
        return json_boolean(c->number != 0);
    case CM_POLICY_TEXT:
        break;
    }
    if (c->text.len > MAX_CLAIM) {
        return NULL;
    }
    return is_json ? json_loadb((const char *)c->text.ptr, c->text.len,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL)
                   : json_stringn((const char *)c->text.ptr, c->text.len);
}

/* Several of one type are a list. */
static bool put(json_t *object, const struct cm_policy_claim *c, bool is_json)
{
    char name[600] = "";
    json_t *value = value_of(c, is_json);
    json_t *there = NULL;
    json_t *list = NULL;

    if (value == NULL || c->type.len >= sizeof(name)) {
        json_decref(value);
        return true; /* too long to go into a token */
    }
    memcpy(name, c->type.ptr, c->type.len);
    there = json_object_get(object, name);
    if (there == NULL) {
        return json_object_set_new(object, name, value) == 0;
    }
    if (json_is_array(there)) {
        return json_array_append_new(there, value) == 0;
    }
    list = json_pack("[O, o]", there, value);
    return list != NULL && json_object_set_new(object, name, list) == 0;
}

static bool begins(struct cm_span text, const char *with)
{
    return text.len >= strlen(with) && memcmp(text.ptr, with, strlen(with)) == 0;
}

/* What verifying found, by the names that policies use; not who vouches for each, and what was checked. */
static json_t *verified_claims(const struct cm_decision *d)
{
    json_t *object = json_object();
    struct cm_policy_claim c;
    bool good = object != NULL;

    for (size_t i = 0; good && d->claims != NULL && cm_policy_claims_at(d->claims, i, &c); i++) {
        if (c.issuer == CM_POLICY_SERVICE && !begins(c.type, "casemate.check.") &&
            !begins(c.type, "casemate.authority.")) {
            good = put(object, &c, cm_policy_claims_is_json(d->claims, i));
        }
    }
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *issued_claims(const struct cm_decision *d)
{
    json_t *object = json_object();
    struct cm_policy_claim c;
    bool good = object != NULL;

    for (size_t i = 0; good && d->outcome != NULL && cm_policy_outcome_claim(d->outcome, i, &c);
         i++) {
        good = put(object, &c, false);
    }
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *vector_of(const struct appraised *a)
{
    json_t *v = json_object();

    for (unsigned i = 0; i < CM_TRUST_CLAIMS; i++) {
        if (json_object_set_new(v, cm_trust_claim_name((enum cm_trust_claim)i),
                                json_integer(a->vector[i])) != 0) {
            json_decref(v);
            return NULL;
        }
    }
    return v;
}

static json_t *submod_of(const struct cm_kbs_part *part, json_t *references, json_t *runtime,
                         json_t *init)
{
    const struct cm_decision *d = part->decision;
    struct appraised a;
    char policy[96] = "default";
    json_t *evidence = NULL;

    fold(d->evidence, &a);
    refer(d->evidence, references, &a);
    judge(d->outcome, &a);
    if (d->rule != NULL && d->rule->version != 0) {
        (void)snprintf(policy, sizeof(policy), "%s:%lld", d->rule->type,
                       (long long)d->rule->version);
    }
    evidence = json_pack("{s:o, s:O}", part->tee->name, verified_claims(d), "runtime_data_claims",
                         runtime);
    if (evidence != NULL && init != NULL && json_object_set(evidence, "init_data", init) != 0) {
        json_decref(evidence);
        evidence = NULL;
    }
    return json_pack("{s:s, s:o, s:s, s:o, s:o}", "ear.status", cm_trust_tier_name(a.status),
                     "ear.trustworthiness-vector", vector_of(&a), "ear.appraisal-policy-id", policy,
                     "ear.veraison.annotated-evidence", evidence, "ear.veraison.policy-claims",
                     issued_claims(d));
}

enum cm_status cm_kbs_token_claims(struct cm_kbs *kbs, const struct cm_kbs_part *parts,
                                   size_t count, json_t *runtime, json_t *init, json_t **out)
{
    const char *iss = cm_service_config(kbs->service)->public_url;
    uint64_t now = parts[0].decision->time;
    json_t *references = cm_kbs_references(kbs);
    json_t *submods = json_object();
    unsigned cpus = 0;
    unsigned others = 0;
    enum cm_status st = references == NULL || submods == NULL ? CM_ERR_NOMEM : CM_OK;

    *out = NULL;
    for (size_t i = 0; i < count && st == CM_OK; i++) {
        char name[32] = "";

        (void)snprintf(name, sizeof(name), "%s%u", parts[i].tee->submod,
                       parts[i].tee->device ? others++ : cpus++);
        if (json_object_set_new(submods, name,
                                submod_of(&parts[i], references, runtime, i == 0 ? init : NULL)) !=
            0) {
            st = CM_ERR_NOMEM;
        }
    }
    if (st == CM_OK) {
        *out = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:{s:s, s:s}, s:O}", "eat_profile",
                         CM_KBS_PROFILE, "iss", iss, "jti", parts[0].decision->id, "iat",
                         (json_int_t)now, "nbf", (json_int_t)now, "exp",
                         (json_int_t)now + (json_int_t)CM_KBS_TOKEN, "ear.verifier-id", "developer",
                         "Casemate", "build", "casemate " CM_VERSION, "submods", submods);
        st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    json_decref(submods);
    json_decref(references);
    return st;
}

/* ------------------------------------------------------------ what a token says */

static json_t *annotated(json_t *submod)
{
    return json_object_get(submod, "ear.veraison.annotated-evidence");
}

json_t *cm_kbs_token_key(json_t *claims)
{
    const char *profile = json_string_value(json_object_get(claims, "eat_profile"));
    json_t *cpu = json_object_get(json_object_get(claims, "submods"), "cpu0");
    json_t *key =
        json_object_get(json_object_get(annotated(cpu), "runtime_data_claims"), "tee-pubkey");

    return profile != NULL && strcmp(profile, CM_KBS_PROFILE) == 0 && json_is_object(key) ? key
                                                                                          : NULL;
}

static enum cm_trust_tier tier_from(const char *name)
{
    static const enum cm_trust_tier tiers[] = {CM_TRUST_NONE, CM_TRUST_AFFIRMING, CM_TRUST_WARNING};

    for (size_t i = 0; name != NULL && i < sizeof(tiers) / sizeof(tiers[0]); i++) {
        if (strcmp(name, cm_trust_tier_name(tiers[i])) == 0) {
            return tiers[i];
        }
    }
    return CM_TRUST_CONTRAINDICATED;
}

static enum cm_status add_text(struct cm_policy_claims *to, const char *type, const char *text)
{
    return cm_policy_claims_text(to, type, cm_span_make(text, strlen(text)), CM_POLICY_SERVICE);
}

/* The members of an object, those of devices with their name before them. */
static enum cm_status add_object(struct cm_policy_claims *to, const char *submod, json_t *object,
                                 enum cm_policy_issuer issuer)
{
    bool first = strcmp(submod, "cpu0") == 0;
    json_t *named = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    char *text = NULL;
    enum cm_status st = CM_OK;

    json_object_foreach(object, key, value)
    {
        char name[640] = "";

        (void)snprintf(name, sizeof(name), "%s%s%s", first ? "" : submod, first ? "" : "/", key);
        /* nobody issues what stands for this service's own words */
        if (issuer == CM_POLICY_SERVICE ||
            (strncmp(key, TRUST_PREFIX, 4) != 0 && strncmp(key, "kbs.", 4) != 0)) {
            (void)json_object_set(named, name, value);
        }
    }
    text = json_dumps(named, JSON_COMPACT);
    st = text == NULL ? CM_ERR_NOMEM
                      : cm_policy_claims_object(to, cm_span_make(text, strlen(text)), issuer, NULL);
    free(text);
    json_decref(named);
    return st;
}

static enum cm_status add_vector(struct cm_policy_claims *to, const char *name, json_t *vector)
{
    const char *key = NULL;
    json_t *value = NULL;
    enum cm_status st = CM_OK;

    json_object_foreach(vector, key, value)
    {
        char type[96] = "";

        (void)snprintf(type, sizeof(type), "%.32s.ear.%.32s", name, key);
        st = st != CM_OK
                 ? st
                 : cm_policy_claims_int(to, type, json_integer_value(value), CM_POLICY_SERVICE);
    }
    return st;
}

/* What was verified stands under the name of its TEE. */
static enum cm_status add_verified(struct cm_policy_claims *to, const char *name, json_t *evidence)
{
    const char *key = NULL;
    json_t *value = NULL;
    enum cm_status st = CM_OK;

    json_object_foreach(evidence, key, value)
    {
        char type[96] = "";

        if (st != CM_OK || cm_kbs_tee(key) == NULL) {
            continue;
        }
        (void)snprintf(type, sizeof(type), "%.32s.tee", name);
        st = add_text(to, type, key);
        if (st == CM_OK) {
            st = add_object(to, name, value, CM_POLICY_SERVICE);
        }
    }
    return st;
}

static enum cm_status add_submod(struct cm_policy_claims *to, const char *name, json_t *submod)
{
    const char *status = json_string_value(json_object_get(submod, "ear.status"));
    const char *init = json_string_value(json_object_get(annotated(submod), "init_data"));
    char type[96] = "";
    enum cm_status st = CM_OK;

    (void)snprintf(type, sizeof(type), "%.32s.ear.status", name);
    CM_TRY(add_text(to, type, status == NULL ? "contraindicated" : status));
    CM_TRY(add_vector(to, name, json_object_get(submod, "ear.trustworthiness-vector")));
    CM_TRY(add_verified(to, name, annotated(submod)));
    if (init != NULL) {
        CM_TRY(add_text(to, "kbs.init-data", init));
    }
    st = add_object(to, name, json_object_get(submod, "ear.veraison.policy-claims"),
                    CM_POLICY_POLICY);
out:
    return st;
}

/* "repository/type/tag", which has been checked to be that. */
static enum cm_status add_path(struct cm_policy_claims *to, const char *path)
{
    static const char *const names[] = {"kbs.repository", "kbs.type", "kbs.tag"};
    enum cm_status st = CM_OK;

    CM_TRY(add_text(to, "kbs.plugin", "resource"));
    CM_TRY(add_text(to, "kbs.path", path));
    for (size_t i = 0; i < 3; i++) {
        size_t len = strcspn(path, "/");

        CM_TRY(cm_policy_claims_text(to, names[i], cm_span_make(path, len), CM_POLICY_SERVICE));
        path += path[len] == '/' ? len + 1 : len;
    }
out:
    return st;
}

enum cm_status cm_kbs_resource_claims(json_t *token, const char *path,
                                      struct cm_policy_claims **out)
{
    struct cm_policy_claims *claims = NULL;
    json_t *submods = json_object_get(token, "submods");
    enum cm_trust_tier worst = CM_TRUST_NONE;
    const char *name = NULL;
    json_t *submod = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_policy_claims_create(&claims));
    json_object_foreach(submods, name, submod)
    {
        enum cm_trust_tier tier =
            tier_from(json_string_value(json_object_get(submod, "ear.status")));

        worst = tier > worst ? tier : worst;
        CM_TRY(add_submod(claims, name, submod));
    }
    CM_TRY(add_text(claims, "ear.status", cm_trust_tier_name(worst)));
    CM_TRY(add_path(claims, path));
    *out = claims;
    claims = NULL;
out:
    cm_policy_claims_free(claims);
    return st;
}
