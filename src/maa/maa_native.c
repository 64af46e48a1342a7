/*
 * Our own API: evidence of any kind that Casemate verifies in, an EAR token out (ES256). Keys and
 * reference values that are trusted are never a request's: the operator configures them (decide.h).
 * Untrusted: the whole request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <casemate/appraisal.h>

#include "common/try.h"
#include "crypto/hash.h"
#include "identity/identity.h"
#include "maa/maa_private.h"
#include "verify/material_kind.h"

#define EAR_CAP (256u << 10)

void cm_maa_native_nonce(struct cm_call *call, void *state)
{
    struct cm_maa_nonce nonce = {{0}, NULL, 0};
    struct cm_why why = {""};
    enum cm_status st = cm_maa_nonce_make(call, CM_MAA_NONCE_NATIVE, NULL, &nonce, &why);

    (void)state;
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    cm_call_answer_json(
        call, 200,
        json_pack("{s:s, s:o, s:I}", "nonce", nonce.token, "challenge",
                  cm_call_base64url(cm_span_make(nonce.challenge, sizeof(nonce.challenge))),
                  "expires", (json_int_t)nonce.expires));
    free(nonce.token);
}

/* ------------------------------------------------------------------- requests */

/* What only the native API's answer needs. */
struct native {
    uint8_t challenge[32];
    bool fresh;
};

static enum cm_status wrong(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_FORMAT;
}

static enum cm_status read_format(const json_t *value, enum cm_format *out, struct cm_why *why)
{
    const char *name = json_string_value(value);

    *out = CM_FORMAT_ANY;
    if (value == NULL) {
        return CM_OK;
    }
    for (int f = CM_FORMAT_DCAP; name != NULL && cm_format_name((enum cm_format)f) != NULL; f++) {
        if (strcmp(cm_format_name((enum cm_format)f), name) == 0) {
            *out = (enum cm_format)f;
            return CM_OK;
        }
    }
    return wrong(why, "format is none that this service knows");
}

static enum cm_status read_material(const json_t *item, struct cm_maa_request *r,
                                    struct cm_why *why)
{
    const json_t *word = json_object_get(item, "kind");
    struct cm_maa_bytes *bytes = &r->owned[r->material_count];
    enum cm_material_kind kind = CM_MATERIAL_CERTS;
    enum cm_status st = CM_OK;

    if (!json_is_string(word) ||
        !cm_material_brought(json_string_value(word), json_string_length(word), &kind)) {
        return wrong(why, "a material is of no kind that a request may bring: keys and reference "
                          "values are the operator's to configure");
    }
    st = cm_maa_base64_of(json_object_get(item, "data"), bytes);
    if (st != CM_OK) {
        return st == CM_ERR_NOMEM ? st : wrong(why, "a material has no data in base64");
    }
    r->materials[r->material_count++] =
        (struct cm_material){kind, cm_material_word(kind), cm_maa_span(bytes)};
    return CM_OK;
}

static enum cm_status read_materials(const json_t *list, struct cm_maa_request *r,
                                     struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (list == NULL) {
        return CM_OK;
    }
    if (!json_is_array(list) || json_array_size(list) > CM_MAA_MAX_MATERIALS) {
        cm_why_set(why, "materials is not an array of at most %d", CM_MAA_MAX_MATERIALS);
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < json_array_size(list) && st == CM_OK; i++) {
        st = read_material(json_array_get(list, i), r, why);
    }
    return st;
}

/* What the evidence is bound to: the challenge, or the hash of it and of the runtime data. */
static enum cm_status bind(struct cm_call *call, const json_t *body, struct cm_maa_request *r,
                           struct native *n, struct cm_why *why)
{
    const json_t *nonce = json_object_get(body, "nonce");
    const json_t *runtime = json_object_get(body, "runtimeData");
    struct cm_span parts[2] = {{NULL, 0}, {NULL, 0}};
    enum cm_status st = CM_OK;

    if (nonce != NULL) {
        if (!json_is_string(nonce)) {
            return wrong(why, "nonce is not a token of /api/v1/nonce");
        }
        CM_TRY(cm_maa_nonce_check(call, CM_MAA_NONCE_NATIVE, json_string_value(nonce), n->challenge,
                                  NULL, why));
        n->fresh = true;
        parts[0] = cm_span_make(n->challenge, sizeof(n->challenge));
    }
    if (runtime != NULL) {
        if (cm_maa_base64_of(runtime, &r->runtime.bytes) != CM_OK) {
            return wrong(why, "runtimeData is not base64");
        }
        parts[1] = cm_maa_span(&r->runtime.bytes);
    }
    r->runtime.given = nonce != NULL || runtime != NULL;
    if (runtime == NULL) {
        memcpy(r->expected, n->challenge, sizeof(r->expected));
    } else {
        CM_TRY(cm_hash_parts(CM_HASH_SHA256, parts, 2, r->expected));
    }
out:
    return st;
}

static enum cm_status read_policy(const json_t *value, struct cm_maa_request *r, struct cm_why *why)
{
    if (value == NULL) {
        return CM_OK;
    }
    r->policy_type = cm_rules_type(json_string_value(value));
    if (r->policy_type == NULL || strncmp(r->policy_type, "Kbs-", 4) == 0) {
        return wrong(why, "policy is none of the types that judge evidence");
    }
    return CM_OK;
}

static enum cm_status read_request(struct cm_call *call, json_t *body, struct cm_maa_request *r,
                                   struct native *n, struct cm_why *why)
{
    static const char *const names[] = {"evidence",    "format", "materials", "nonce",
                                        "runtimeData", "policy", NULL};
    enum cm_status st = CM_OK;

    CM_TRY(cm_json_only(body, "the request", names, why));
    st = cm_maa_base64_of(json_object_get(body, "evidence"), &r->evidence);
    if (st != CM_OK || r->evidence.len == 0) {
        st = st == CM_ERR_NOMEM ? st : wrong(why, "evidence is missing or not base64");
        goto out;
    }
    CM_TRY(read_format(json_object_get(body, "format"), &r->format, why));
    CM_TRY(read_materials(json_object_get(body, "materials"), r, why));
    CM_TRY(read_policy(json_object_get(body, "policy"), r, why));
    st = bind(call, body, r, n, why);
out:
    return st;
}

/* -------------------------------------------------------------------- results */

static enum cm_status write_ear(const struct cm_decision *d, const struct native *n, json_t **out)
{
    char policy[128] = "";
    uint8_t *text = malloc(EAR_CAP);
    size_t len = 0;
    struct cm_ear ear = {.profile = CM_EAR_VERAISON, .form = CM_EAR_JSON, .iat = d->time};
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    if (d->rule != NULL) {
        (void)snprintf(policy, sizeof(policy), "%s/%lld/%s", d->rule->type,
                       (long long)d->rule->version, d->rule->hash);
        ear.policy_id = policy;
    }
    if (n->fresh) {
        ear.nonce = cm_span_make(n->challenge, sizeof(n->challenge));
    }
    CM_TRY(cm_ear_write(d->evidence, &ear, text, EAR_CAP, &len));
    *out = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    free(text);
    return st;
}

static enum cm_status add_claims(struct cm_call *call, const struct cm_decision *d,
                                 const struct cm_maa_request *r, json_t *ear)
{
    const uint64_t end = d->time + CM_IDENTITY_TOKEN_LIFE;
    json_t *issued = cm_maa_issued(d);
    bool bad = issued == NULL;

    bad = json_object_set_new(ear, "iss", json_string(cm_call_base(call))) != 0 || bad;
    bad = json_object_set_new(ear, "exp", json_integer((json_int_t)end)) != 0 || bad;
    bad = json_object_set_new(ear, "jti", json_string(d->id)) != 0 || bad;
    if (json_object_size(issued) != 0) {
        bad = json_object_set(ear, "casemate.policy", issued) != 0 || bad;
    }
    if (r->runtime.bytes.ptr != NULL) {
        bad = json_object_set_new(ear, "casemate.runtime-data",
                                  cm_call_base64url(cm_maa_span(&r->runtime.bytes))) != 0 ||
              bad;
    }
    if (d->emulated) {
        bad = json_object_set_new(ear, "casemate.emulated", json_true()) != 0 || bad;
    }
    json_decref(issued);
    return bad ? CM_ERR_NOMEM : CM_OK;
}

static enum cm_status make_result(struct cm_call *call, const struct cm_maa_request *r,
                                  struct cm_decision *d, void *arg, json_t **out,
                                  struct cm_why *why)
{
    const struct cm_token_form form = {.type = "JWT", .jku = NULL, .x5c = false};
    json_t *ear = NULL;
    char *text = NULL;
    char *token = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(write_ear(d, arg, &ear));
    CM_TRY(add_claims(call, d, r, ear));
    text = cm_call_text(ear);
    if (text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_identity_sign(call->service, CM_SIGNER_RESULT, &form,
                            cm_span_make(text, strlen(text)), &token, why));
    d->token = text; /* what was said is part of the record */
    text = NULL;
    *out = json_pack("{s:s, s:s}", "token", token, "id", d->id);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(ear);
    free(text);
    free(token);
    return st;
}

void cm_maa_native_attest(struct cm_call *call, void *state)
{
    struct cm_maa_request *r = NULL;
    struct native *n = NULL;
    struct cm_why why = {""};
    json_t *body = cm_call_json(call);
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    r = calloc(1, sizeof(*r));
    n = calloc(1, sizeof(*n));
    st = r == NULL || n == NULL ? CM_ERR_NOMEM : read_request(call, body, r, n, &why);
    if (st == CM_OK) {
        const struct cm_maa_finish finish = {make_result, n, free};

        cm_maa_decide(call, "native", r, &finish, cm_maa_native_attest);
        return;
    }
    free(n);
    cm_maa_request_free(r);
    if (st == CM_ERR_SIGNATURE || st == CM_ERR_EXPIRED || st == CM_ERR_MISMATCH) {
        cm_call_fail(call, 400, "InvalidNonce", "%s", why.text);
    } else {
        cm_maa_fail_input(call, st, &why);
    }
}
