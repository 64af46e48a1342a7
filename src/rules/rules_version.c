/* Versions of policies, parsed and counted; see rules.h. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_token.h"
#include "rules/rules_private.h"
#include "token/base64.h"

#define UNSIGNED_HEADER "eyJhbGciOiJub25lIn0." /* {"alg":"none"}, exactly as Azure writes it */
#define PAYLOAD_BEGIN   "{\"AttestationPolicy\":\""
#define PAYLOAD_END     "\"}"

struct rule {
    struct cm_rule_version v; /* first: it is what users hold */
    atomic_uint users;
    char *text;
    char *jws;
    char *signer_jwk;
    struct cm_policy *policy;
};

static struct rule *rule_of(const struct cm_rule_version *version)
{
    /* users hold it as const; its count of users is what changes */
    return (struct rule *)(uintptr_t)version; /* NOLINT(performance-no-int-to-ptr) */
}

static void rule_free(struct rule *r)
{
    if (r != NULL) {
        cm_policy_free(r->policy);
        free(r->text);
        free(r->jws);
        free(r->signer_jwk);
        free(r);
    }
}

const struct cm_rule_version *cm_rule_hold(const struct cm_rule_version *version)
{
    (void)atomic_fetch_add(&rule_of(version)->users, 1);
    return version;
}

void cm_rules_release(const struct cm_rule_version *version)
{
    if (version != NULL && atomic_fetch_sub(&rule_of(version)->users, 1) == 1) {
        rule_free(rule_of(version));
    }
}

char *cm_rules_unsigned(struct cm_span text)
{
    size_t encoded = CM_BASE64_ENCODED(text.len);
    size_t payload_cap = encoded + sizeof(PAYLOAD_BEGIN) + sizeof(PAYLOAD_END);
    size_t cap = sizeof(UNSIGNED_HEADER) + CM_BASE64_ENCODED(payload_cap) + 2;
    char *payload = malloc(payload_cap);
    char *out = malloc(cap);
    size_t used = sizeof(PAYLOAD_BEGIN) - 1;
    size_t len = 0;

    if (payload == NULL || out == NULL) {
        goto fail;
    }
    memcpy(payload, PAYLOAD_BEGIN, used);
    if (cm_base64url_encode(text, payload + used, payload_cap - used, &len) != CM_OK) {
        goto fail;
    }
    used += len;
    memcpy(payload + used, PAYLOAD_END, sizeof(PAYLOAD_END) - 1);
    used += sizeof(PAYLOAD_END) - 1;
    memcpy(out, UNSIGNED_HEADER, sizeof(UNSIGNED_HEADER) - 1);
    if (cm_base64url_encode(cm_span_make(payload, used), out + sizeof(UNSIGNED_HEADER) - 1,
                            cap - sizeof(UNSIGNED_HEADER) - 1, &len) != CM_OK) {
        goto fail;
    }
    len += sizeof(UNSIGNED_HEADER) - 1;
    out[len] = '.';
    out[len + 1] = '\0';
    free(payload);
    return out;
fail:
    free(payload);
    free(out);
    return NULL;
}

static void say(struct cm_policy_error *error, const char *text)
{
    if (error != NULL) {
        memset(error, 0, sizeof(*error));
        (void)snprintf(error->text, sizeof(error->text), "%s", text);
    }
}

static enum cm_status copy_parts(const struct cm_rule_parts *parts, struct rule *r)
{
    r->text = strndup((const char *)parts->text.ptr, parts->text.len);
    r->jws = parts->jws == NULL ? cm_rules_unsigned(parts->text) : strdup(parts->jws);
    r->signer_jwk = parts->signer_jwk == NULL ? NULL : strdup(parts->signer_jwk);
    return r->text == NULL || r->jws == NULL || (r->signer_jwk == NULL && parts->signer_jwk != NULL)
               ? CM_ERR_NOMEM
               : CM_OK;
}

enum cm_status cm_rule_make(const struct cm_rule_parts *parts, const struct cm_rule_version **out,
                            struct cm_policy_error *error)
{
    struct rule *r = NULL;
    enum cm_status st = CM_OK;

    if (parts->text.len != 0 && memchr(parts->text.ptr, 0, parts->text.len) != NULL) {
        say(error, "a policy's text holds no U+0000");
        return CM_ERR_FORMAT;
    }
    r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return CM_ERR_NOMEM;
    }
    atomic_init(&r->users, 1);
    CM_TRY(cm_policy_parse(parts->text, &r->policy, error));
    CM_TRY(cm_policy_hash(parts->text, r->v.hash));
    CM_TRY(copy_parts(parts, r));
    (void)snprintf(r->v.type, sizeof(r->v.type), "%s", parts->type);
    r->v.version = parts->version;
    r->v.text = r->text;
    r->v.jws = r->jws;
    r->v.signer_jwk = r->signer_jwk;
    r->v.policy = r->policy;
    *out = &r->v;
    r = NULL;
out:
    rule_free(r);
    return st;
}

enum cm_status cm_rules_draft_text(const char *type, struct cm_span text,
                                   const struct cm_rule_version **out,
                                   struct cm_policy_error *error)
{
    const struct cm_rule_parts parts = {cm_rules_type(type), 0, text, NULL, NULL};

    if (parts.type == NULL) {
        say(error, "there is no such type of policy");
        return CM_ERR_NOTFOUND;
    }
    return cm_rule_make(&parts, out, error);
}

/* Of a signed upload: who signed it. */
static enum cm_status draft_signer(struct cm_service *s, struct cm_span jws,
                                   struct cm_rules_signature *signature, struct cm_why *why)
{
    struct cm_rules_signers none = {NULL, {NULL}, 0};

    return cm_rules_signature_verify(jws, &none, cm_service_now(s), signature, why);
}

enum cm_status cm_rules_draft(struct cm_service *s, const char *type, struct cm_span jws,
                              const struct cm_rule_version **out, struct cm_policy_error *error)
{
    struct cm_policy_token token = {{NULL, 0}, {NULL, 0}, false, NULL};
    struct cm_rules_signature signature = {false, NULL};
    struct cm_why why = {""};
    char *copy = NULL;
    struct cm_rule_parts parts = {cm_rules_type(type), 0, {NULL, 0}, NULL, NULL};
    enum cm_status st = CM_OK;

    if (parts.type == NULL) {
        say(error, "there is no such type of policy");
        return CM_ERR_NOTFOUND;
    }
    CM_TRY(cm_policy_token_open(jws, &token, &why));
    CM_TRY(cm_rules_token_fits(&token, parts.type, &why));
    if (token.is_signed) {
        CM_TRY(draft_signer(s, jws, &signature, &why));
    }
    copy = strndup((const char *)jws.ptr, jws.len);
    if (copy == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    parts.text = token.text;
    parts.jws = copy;
    parts.signer_jwk = signature.signer_jwk;
    st = cm_rule_make(&parts, out, error);
out:
    if (st != CM_OK && why.text[0] != '\0') {
        say(error, why.text);
    }
    free(copy);
    free(signature.signer_jwk);
    cm_policy_token_free(&token);
    return st;
}
