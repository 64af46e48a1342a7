/*
 * Secure key release: a key, or a secret with a release policy, to whoever shows a token of an attestation
 * that the policy accepts, encrypted to the key that was attested. Every release and every refusal is in the
 * history and the audit log before it is answered. Untrusted: the body, the token until it is verified.
 */
#include <casemate/release.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "identity/identity.h"
#include "vault/vault_call.h"
#include "vault/vault_target.h"

#define MAX_NONCE 1024

struct release {
    struct cm_call *call;
    struct cm_vault *vault;
    enum cm_vault_kind kind;
    struct cm_vault_path path;
    struct cm_vault_item item;
    struct cm_vault_target target;
    struct cm_vault_refusal refusal;
    struct cm_release_reason reason;
    const struct cm_vault_wrap *wrap;
    const char *token;
    const char *nonce; /* NULL: none */
    struct cm_pubkey *to;
    char to_kid[257];
    bool changed; /* it is not any more what was judged */
};

static enum cm_status refuse(struct release *r, const char *code, const char *text)
{
    r->refusal.code = code;
    r->refusal.why.text[0] = '\0';
    cm_why_set(&r->refusal.why, "%s", text);
    return CM_ERR_POLICY;
}

/* ------------------------------------------------------------------- request */

/* @return false: the call HAS BEEN ANSWERED */
static bool read_request(struct release *r)
{
    json_t *body = cm_call_json(r->call);
    const json_t *token = NULL;
    const json_t *nonce = NULL;
    const json_t *enc = NULL;

    if (body == NULL) {
        return false;
    }
    token = json_object_get(body, "target");
    nonce = json_object_get(body, "nonce");
    enc = json_object_get(body, "enc");
    if (!json_is_string(token) || json_string_length(token) == 0 ||
        strlen(json_string_value(token)) != json_string_length(token)) {
        cm_call_fail(r->call, 400, "BadParameter", "target must be a token");
        return false;
    }
    if (nonce != NULL && !json_is_null(nonce) &&
        (!json_is_string(nonce) || json_string_length(nonce) > MAX_NONCE)) {
        cm_call_fail(r->call, 400, "BadParameter", "nonce must be a text of at most %d bytes",
                     MAX_NONCE);
        return false;
    }
    r->wrap = enc == NULL || json_is_null(enc) ? cm_vault_wrap_of(NULL)
              : json_is_string(enc)            ? cm_vault_wrap_of(json_string_value(enc))
                                               : NULL;
    if (r->wrap == NULL) {
        cm_call_fail(r->call, 400, "BadParameter",
                     "enc is CKM_RSA_AES_KEY_WRAP, RSA_AES_KEY_WRAP_256 or RSA_AES_KEY_WRAP_384");
        return false;
    }
    r->token = json_string_value(token);
    r->nonce = json_string_value(nonce);
    return true;
}

/* -------------------------------------------------------------------- judging */

/* Whether this version is given out at all. */
static enum cm_status check_item(struct release *r, int64_t now)
{
    const struct cm_vault_item *i = &r->item;

    if (!i->enabled) {
        return refuse(r, "Disabled", "this version is disabled");
    }
    if (i->nbf != 0 && now < i->nbf) {
        return refuse(r, "NotYetValid", "this version is not valid yet (nbf)");
    }
    if (i->expires != 0 && now >= i->expires) {
        return refuse(r, "Expired", "this version has expired (exp)");
    }
    if (i->kind == CM_VAULT_KEY && !i->exportable) {
        return refuse(r, "NotExportable", "this key is not exportable");
    }
    if (i->policy == NULL) {
        return refuse(r, "NoReleasePolicy", "this version has no release policy");
    }
    return CM_OK;
}

static enum cm_status check_policy(struct release *r)
{
    const struct cm_vault_target *t = &r->target;
    struct cm_release *policy = NULL;
    enum cm_status st =
        cm_release_parse(cm_span_make(r->item.policy, strlen(r->item.policy)), &policy, NULL);

    if (st == CM_OK) {
        st = cm_release_evaluate(policy, cm_span_make(t->issuer, strlen(t->issuer)),
                                 cm_span_make(t->text, t->text_len), &r->reason);
    }
    cm_release_free(policy);
    if (st == CM_OK || st == CM_ERR_NOMEM) {
        return st;
    }
    return refuse(r, "PolicyNotMet",
                  r->reason.text[0] == '\0' ? "the release policy cannot be read" : r->reason.text);
}

static enum cm_status judge(struct release *r)
{
    const struct cm_service_config *config = cm_service_config(r->call->service);
    const uint64_t now = cm_service_now(r->call->service);
    const struct cm_vault_verifier verifier = {
        .service = r->call->service, .jwks = r->vault->jwks, .db = r->call->db, .now = now};
    enum cm_status st = CM_OK;

    CM_TRY(check_item(r, (int64_t)now));
    CM_TRY(cm_vault_target_verify(&verifier, r->token, &r->target, &r->refusal));
    if (!config->accept_emulated && cm_vault_target_emulated(&r->target)) {
        CM_TRY(
            refuse(r, "Emulated", "the evidence was made by an emulator, which protects nothing"));
    }
    CM_TRY(check_policy(r));
    CM_TRY(cm_vault_target_key(&r->target, &r->to, r->to_kid, &r->refusal));
out:
    return st;
}

/* ------------------------------------------------------------------- recording */

struct note {
    struct release *r;
    bool released;
    bool changed; /* since it was judged: nothing was recorded */
};

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * What was judged is as old as the judging took, which may have waited for an issuer's keys. Whoever was told
 * meanwhile that the key is disabled, deleted or under another policy, or that the issuer is off the list or has
 * other keys, was told that nobody gets it any more.
 */
static enum cm_status check_unchanged(struct cm_db *db, struct note *n, int64_t now,
                                      struct cm_why *why)
{
    const struct cm_vault_item *was = &n->r->item;
    struct cm_vault_item is = {.number = 0};
    struct cm_vault_issuer listed = {.jwks = NULL};
    enum cm_status st = cm_vault_hold(db, was->kind, was->name, was->version, &is, why);

    if (st == CM_OK && !n->r->target.own) {
        st = cm_vault_issuer_load(db, n->r->target.issuer, &listed, why);
    }
    n->changed =
        st == CM_ERR_NOTFOUND ||
        (st == CM_OK && !n->r->target.own &&
         !cm_vault_issuer_same(&listed, &n->r->target.listed)) ||
        (st == CM_OK && (is.deleted != 0 || is.enabled != was->enabled || is.nbf != was->nbf ||
                         is.expires != was->expires || (is.expires != 0 && now >= is.expires) ||
                         is.updated != was->updated || !same_text(is.policy, was->policy)));
    if (n->changed) {
        why->text[0] = '\0';
        cm_why_set(why,
                   "%s, or whose tokens count, was changed while its release was judged: ask again",
                   was->shown);
        st = CM_ERR_STATE;
    }
    cm_vault_issuer_clear(&listed);
    cm_vault_item_clear(&is);
    return st;
}

static enum cm_status run_note(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct note *n = arg;
    const struct release *r = n->r;
    const struct cm_vault_release row = {
        .id = r->call->id,
        .time = (int64_t)cm_service_now(r->call->service),
        .kind = r->kind,
        .name = r->item.shown,
        .version = r->item.version,
        .released = n->released,
        .client = r->call->who.name,
        .api = "vault",
        .wrap = n->released ? r->wrap->name : "",
        .issuer = r->target.issuer,
        .attestation = r->target.own ? r->target.id : "",
        .reason = n->released ? r->reason.text : r->refusal.why.text,
    };
    enum cm_status st = CM_OK;

    if (n->released) {
        CM_TRY(check_unchanged(db, n, row.time, why));
    }
    CM_TRY(cm_vault_release_note(db, &row, why));
out:
    return st;
}

/* What the audit keeps. Of a token that was not verified only the issuer that it names, as its word. */
static char *audit_detail(const struct release *r, bool released)
{
    json_t *facts = r->target.claims == NULL ? NULL : cm_vault_target_facts(&r->target);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o*}", "version", r->item.version, "issuer",
                  r->target.issuer, "attestation", r->target.claims == NULL ? "" : r->target.id,
                  released ? "enc" : "code", released ? r->wrap->name : r->refusal.code, "reason",
                  released ? r->reason.text : r->refusal.why.text, "claims", facts);
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

    json_decref(o);
    return text;
}

static enum cm_status record_as(struct release *r, bool released, struct cm_why *why)
{
    static const char *const actions[2][2] = {{"key.withhold", "key.release"},
                                              {"secret.withhold", "secret.release"}};
    struct note note = {r, released, false};
    char object[CM_VAULT_OBJECT_CAP] = "";
    char *detail = audit_detail(r, released);
    enum cm_status st = CM_ERR_NOMEM;

    cm_vault_object(&r->item, object);
    if (detail != NULL) {
        st = cm_call_write(r->call, run_note, &note, actions[r->kind][released ? 1 : 0], object,
                           detail, why);
    }
    free(detail);
    if (st == CM_OK) {
        atomic_fetch_add(released ? &r->vault->released : &r->vault->withheld, 1);
    }
    r->changed = r->changed || note.changed;
    return st;
}

/* @retval CM_ERR_STATE  it may not be released any more, which is recorded */
static enum cm_status record(struct release *r, bool released, struct cm_why *why)
{
    enum cm_status st = record_as(r, released, why);

    if (st == CM_ERR_STATE && r->changed) {
        struct cm_why other = {""};
        enum cm_status noted = CM_OK;

        (void)refuse(r, "Changed", why->text);
        noted = record_as(r, false, &other);
        if (noted != CM_OK) {
            *why = other;
            st = noted;
        }
    }
    return st;
}

static void say_refusal(struct release *r, int status, const char *code)
{
    cm_call_answer_json(r->call, status,
                        json_pack("{s:{s:s, s:s, s:{s:s}}}", "error", "code", code, "message",
                                  r->refusal.why.text, "innererror", "code", r->refusal.code));
}

static void answer_refusal(struct release *r)
{
    struct cm_why why = {""};
    enum cm_status st = record(r, false, &why);

    if (st != CM_OK) {
        cm_vault_fail(r->call, r->kind, st, &why);
        return;
    }
    say_refusal(r, 403, "Forbidden");
}

/* --------------------------------------------------------------------- answer */

/* key_hsm: the wrapped key with what says how it was wrapped, as base64url. */
static json_t *wrapped_json(const struct release *r, struct cm_span cipher)
{
    json_t *ciphertext = cm_call_base64url(cipher);
    json_t *o = ciphertext == NULL ? NULL
                                   : json_pack("{s:s, s:{s:s, s:s, s:s}, s:o}", "schema_version",
                                               "1.0", "header", "kid", r->to_kid, "alg", "dir",
                                               "enc", r->wrap->name, "ciphertext", ciphertext);
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
    json_t *out = text == NULL ? NULL : cm_call_base64url(cm_span_make(text, strlen(text)));

    free(text);
    json_decref(o);
    return out;
}

static enum cm_status wrap_material(struct release *r, json_t **out, struct cm_why *why)
{
    uint8_t *plain = NULL;
    uint8_t *cipher = NULL;
    size_t len = 0;
    size_t cipher_len = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    st = cm_vault_open(r->call, &r->item, &plain, &len);
    if (st == CM_ERR_SIGNATURE) {
        cm_why_set(why, "%s: it does not open under this service's store key", r->item.shown);
    }
    CM_TRY(st);
    cipher = malloc(CM_VAULT_WRAPPED_MAX(len));
    CM_TRY(cipher == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_vault_wrap_for(r->to, r->wrap, cm_span_make(plain, len), cipher, &cipher_len));
    *out = wrapped_json(r, cm_span_make(cipher, cipher_len));
    CM_TRY(*out == NULL ? CM_ERR_NOMEM : CM_OK);
out:
    if (plain != NULL) {
        cm_wipe(plain, len);
    }
    free(plain);
    free(cipher);
    return st;
}

/* What is signed: the request, and the key with its attributes and policy. Takes the reference. */
static char *payload_of(const struct release *r, json_t *wrapped)
{
    const char *base = cm_call_base(r->call);
    json_t *ops = json_object_get(r->item.detail, "key_ops");
    json_t *type = json_object_get(r->item.detail, "kty");
    json_t *o = json_pack(
        "{s:{s:s, s:s, s:o, s:s*}, s:{s:{s:o, s:{s:o, s:o, s:o, s:o}, s:o}}}", "request",
        "api-version", cm_web_query(r->call->req, "api-version"), "enc", r->wrap->name, "kid",
        cm_vault_id(base, &r->item, r->item.version), "nonce", r->nonce, "response", "key",
        "attributes", cm_vault_attributes(&r->item), "key", "key_hsm", wrapped, "kid",
        cm_vault_id(base, &r->item, r->item.version), "kty",
        type == NULL ? json_string("oct-HSM") : json_incref(type), "key_ops",
        ops == NULL ? json_array() : json_incref(ops), "release_policy", cm_vault_policy(&r->item));
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

    json_decref(o);
    return text;
}

static void answer_release(struct release *r)
{
    const struct cm_token_form form = {.x5c = true};
    struct cm_why why = {""};
    json_t *wrapped = NULL;
    char *payload = NULL;
    char *jws = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(wrap_material(r, &wrapped, &why));
    payload = payload_of(r, wrapped);
    CM_TRY(payload == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_identity_sign(r->call->service, CM_SIGNER_RELEASE, &form,
                            cm_span_make(payload, strlen(payload)), &jws, &why));
    CM_TRY(record(r, true, &why)); /* before it is out */
out:
    if (st == CM_OK) {
        cm_call_answer_json(r->call, 200, json_pack("{s:s}", "value", jws));
    } else if (st == CM_ERR_STATE && r->changed) {
        say_refusal(r, 409, "Conflict");
    } else {
        cm_vault_fail(r->call, r->kind, st, &why);
    }
    free(payload);
    free(jws);
}

static void release(struct cm_call *call, struct cm_vault *vault, enum cm_vault_kind kind)
{
    struct release r = {.call = call, .vault = vault, .kind = kind};
    enum cm_status st = CM_OK;

    if (!cm_vault_begin(call, kind, &r.path) || !read_request(&r) ||
        !cm_vault_find(call, &r.path, false, &r.item)) {
        return;
    }
    st = judge(&r);
    if (st == CM_OK) {
        answer_release(&r);
    } else if (st == CM_ERR_POLICY) {
        answer_refusal(&r);
    } else {
        cm_vault_fail(call, kind, st, &r.refusal.why);
    }
    cm_pubkey_free(r.to);
    cm_vault_target_clear(&r.target);
    cm_vault_item_clear(&r.item);
}

void cm_vault_key_release(struct cm_call *call, void *state)
{
    release(call, state, CM_VAULT_KEY);
}

void cm_vault_secret_release(struct cm_call *call, void *state)
{
    release(call, state, CM_VAULT_SECRET);
}
