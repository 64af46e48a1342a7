/* Policies and the certificates under which they are signed, as Azure's clients manage them. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/hash.h"
#include "maa/maa_private.h"
#include "token/json.h"

#define MAX_TOKEN (256u << 10)

static json_t *common(const struct cm_call *call)
{
    const struct cm_maa_issue issue = {cm_call_base(call), call->now, NULL};

    return cm_maa_common(&issue);
}

static void put(json_t **claims, const char *name, json_t *value)
{
    if (value == NULL || *claims == NULL || json_object_set(*claims, name, value) != 0) {
        json_decref(*claims);
        *claims = NULL;
    }
    json_decref(value);
}

/* The type in the path; NULL: none, and the call has been answered. */
static const char *type_of(struct cm_call *call)
{
    static const char *const azures[] = {"SgxEnclave", "OpenEnclave", "SevSnpVm",
                                         "TdxVm",      "AzureGuest",  "Tpm"};
    const char *type = NULL;

    if (!cm_maa_versioned(call)) {
        return NULL;
    }
    type = cm_rules_type(cm_call_param(call, "type"));
    for (size_t i = 0; type != NULL && i < sizeof(azures) / sizeof(azures[0]); i++) {
        if (strcmp(azures[i], type) == 0) {
            return type;
        }
    }
    cm_call_fail(call, 400, "InvalidParameter", "there is no such type of attestation");
    return NULL;
}

/* ------------------------------------------------------------------- policies */

void cm_maa_policy_get(struct cm_call *call, void *state)
{
    const struct cm_rule_version *rule = NULL;
    const char *type = type_of(call);
    json_t *claims = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (type == NULL) {
        return;
    }
    st = cm_rules_active(call->service, type, &rule);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, NULL);
        return;
    }
    claims = common(call);
    put(&claims, "x-ms-policy", json_string(rule->jws));
    put(&claims, "x-ms-policy-hash", json_string(rule->hash));
    cm_rules_release(rule);
    cm_maa_answer_claims(call, claims);
}

static void refuse_change(struct cm_call *call, enum cm_status st,
                          const struct cm_policy_error *error, const struct cm_why *why)
{
    const char *text = why->text[0] == '\0' ? cm_status_str(st) : why->text;

    if (st == CM_ERR_SYNTAX || st == CM_ERR_UNSUPPORTED || st == CM_ERR_FORMAT ||
        st == CM_ERR_LIMIT) {
        if (error != NULL && error->line != 0) {
            cm_call_fail(call, 400, "PolicyParsingError", "Line: '%zu', Column: '%zu': %s",
                         error->line, error->column, error->text);
        } else {
            cm_call_fail(call, 400, "PolicyParsingError", "%s", text);
        }
    } else if (st == CM_ERR_SIGNATURE || st == CM_ERR_DENIED || st == CM_ERR_EXPIRED ||
               st == CM_ERR_MISMATCH) {
        cm_call_fail(call, 400, "InvalidOperation", "%s", text);
    } else {
        cm_call_fail_status(call, st, why);
    }
}

/* The hash of the token exactly as it came, and who signed it. */
static void answer_change(struct cm_call *call, const char *type, const char *result, bool set)
{
    const struct cm_rule_version *rule = NULL;
    uint8_t digest[32] = {0};
    json_t *claims = common(call);

    if (cm_hash(CM_HASH_SHA256, cm_web_body(call->req), digest) != CM_OK) {
        json_decref(claims);
        claims = NULL;
    }
    put(&claims, "x-ms-policy-result", json_string(result));
    put(&claims, "x-ms-policy-token-hash", cm_call_base64url(cm_span_make(digest, sizeof(digest))));
    if (set && cm_rules_active(call->service, type, &rule) == CM_OK) {
        if (rule->signer_jwk != NULL) {
            put(&claims, "x-ms-policy-signer", json_loads(rule->signer_jwk, 0, NULL));
        }
        cm_rules_release(rule);
    }
    cm_maa_answer_claims(call, claims);
}

void cm_maa_policy_set(struct cm_call *call, void *state)
{
    enum cm_rules_outcome outcome = CM_RULES_WAITING;
    struct cm_policy_error error = {0, 0, ""};
    struct cm_why why = {""};
    const char *type = type_of(call);
    enum cm_status st = CM_OK;

    (void)state;
    if (type == NULL) {
        return;
    }
    st = cm_rules_set(call, type, CM_RULES_ANY_BASE, cm_web_body(call->req), &outcome, NULL, &error,
                      &why);
    if (st != CM_OK) {
        refuse_change(call, st, &error, &why);
        return;
    }
    answer_change(call, type, outcome == CM_RULES_ACTIVE ? "Updated" : "WaitingForApproval",
                  outcome == CM_RULES_ACTIVE);
}

void cm_maa_policy_reset(struct cm_call *call, void *state)
{
    enum cm_rules_outcome outcome = CM_RULES_WAITING;
    struct cm_why why = {""};
    const char *type = type_of(call);
    enum cm_status st = CM_OK;

    (void)state;
    if (type == NULL) {
        return;
    }
    if (cm_web_body(call->req).len == 0) {
        cm_call_fail(call, 400, "InvalidParameter", "the body is a token, unsigned or signed");
        return;
    }
    st = cm_rules_reset(call, type, CM_RULES_ANY_BASE, cm_web_body(call->req), NULL, &outcome, NULL,
                        &why);
    if (st != CM_OK) {
        refuse_change(call, st, NULL, &why);
        return;
    }
    answer_change(call, type, outcome == CM_RULES_ACTIVE ? "Removed" : "WaitingForApproval", false);
}

/* ---------------------------------------------------------------- certificates */

void cm_maa_certificates_get(struct cm_call *call, void *state)
{
    json_t *claims = NULL;

    (void)state;
    if (!cm_maa_versioned(call)) {
        return;
    }
    claims = common(call);
    put(&claims, "x-ms-policy-certificates", cm_rules_certificates(call->service));
    cm_maa_answer_claims(call, claims);
}

/* The body is a token as a JSON string, with its quotes. */
static enum cm_status read_token(struct cm_call *call, char **out, struct cm_why *why)
{
    struct cm_span body = cm_web_body(call->req);
    struct cm_json_node nodes[4];
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    char *text = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (body.len > MAX_TOKEN) {
        cm_why_set(why, "the token is too long");
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_json_parse(body, nodes, sizeof(nodes) / sizeof(nodes[0]), &doc, why));
    text = malloc(body.len + 1);
    if (text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    st = cm_json_string(cm_json_root(&doc), text, body.len + 1, NULL);
    if (st == CM_OK) {
        *out = text;
        text = NULL;
    }
out:
    free(text);
    if (st != CM_OK) {
        cm_why_set(why, "the body is a token as a JSON string");
    }
    return st;
}

static void change_certificate(struct cm_call *call, bool add)
{
    char thumbprint[CM_RULES_THUMBPRINT_CAP] = "";
    struct cm_why why = {""};
    json_t *claims = NULL;
    char *token = NULL;
    enum cm_status st = CM_OK;

    if (!cm_maa_versioned(call)) {
        return;
    }
    st = read_token(call, &token, &why);
    if (st == CM_OK) {
        st = cm_rules_certificate_change(call, cm_span_make(token, strlen(token)), add, thumbprint,
                                         &why);
    }
    free(token);
    if (st == CM_ERR_SIGNATURE || st == CM_ERR_DENIED || st == CM_ERR_STATE) {
        cm_call_fail(call, 400, "InvalidOperation", "%s",
                     why.text[0] == '\0' ? cm_status_str(st) : why.text);
        return;
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_BUSY || st == CM_ERR_IO || st == CM_ERR_CRYPTO) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    if (st != CM_OK) {
        cm_maa_fail_input(call, st, &why);
        return;
    }
    claims = common(call);
    put(&claims, "x-ms-certificate-thumbprint", json_string(thumbprint));
    /* the specification has the one name, its published clients read the other */
    put(&claims, "x-ms-certificate-result", json_string(add ? "IsPresent" : "IsAbsent"));
    put(&claims, "x-ms-policycertificates-result", json_string(add ? "IsPresent" : "IsAbsent"));
    cm_maa_answer_claims(call, claims);
}

void cm_maa_certificates_add(struct cm_call *call, void *state)
{
    (void)state;
    change_certificate(call, true);
}

void cm_maa_certificates_remove(struct cm_call *call, void *state)
{
    (void)state;
    change_certificate(call, false);
}
