/* The token that asks for a release; see vault_target.h. */
#include "vault/vault_target.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "identity/identity.h"
#include "token/jws.h"
#include "token/utf8.h"
#include "vault/vault_form.h"

#define MAX_TOKEN 262144
#define EARLY     60 /* seconds by which our clock may be behind an issuer's */
#define MAX_DEPTH 32
#define MAX_KID   256
#define HELD_MAX  65536
#define KEYS_MAX  16
#define FACT_MAX  160

void cm_vault_target_clear(struct cm_vault_target *t)
{
    json_decref(t->claims);
    free(t->text);
    cm_vault_issuer_clear(&t->listed);
    memset(t, 0, sizeof(*t));
}

static enum cm_status refuse(struct cm_vault_refusal *r, const char *code, const char *format, ...)
    CM_PRINTF(3, 4);

/* What the token says is in it: a text that is no UTF-8 at its end could be neither recorded nor answered. */
static enum cm_status refuse(struct cm_vault_refusal *r, const char *code, const char *format, ...)
{
    char text[1024] = "";
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->code = code;
    cm_utf8_plain(r->why.text, sizeof(r->why.text), text);
    return CM_ERR_POLICY;
}

/* ----------------------------------------------------------------- unverified */

/* The payload as JSON, which nobody may believe yet. */
static enum cm_status read_payload(const struct cm_jws *jws, struct cm_vault_target *out,
                                   struct cm_vault_refusal *r)
{
    const json_t *v = NULL;
    size_t depth = 0;

    out->text = calloc(1, jws->payload_text.len + 1);
    if (out->text == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_jws_payload(jws, (uint8_t *)out->text, jws->payload_text.len, &out->text_len) != CM_OK) {
        return refuse(r, "TokenInvalid", "the token's payload is not base64url");
    }
    for (size_t i = 0; i < out->text_len; i++) { /* jansson recurses */
        depth += out->text[i] == '{' || out->text[i] == '[' ? 1 : 0;
        depth -= (out->text[i] == '}' || out->text[i] == ']') && depth != 0 ? 1 : 0;
        if (depth > (size_t)2 * MAX_DEPTH) {
            return refuse(r, "TokenInvalid", "the token's claims nest too deep");
        }
    }
    out->claims = json_loadb(out->text, out->text_len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(out->claims)) {
        return refuse(r, "TokenInvalid", "the token's claims are no JSON object");
    }
    v = json_object_get(out->claims, "iss");
    if (!json_is_string(v) || json_string_length(v) >= sizeof(out->issuer)) {
        return refuse(r, "TokenInvalid", "the token names no issuer");
    }
    (void)snprintf(out->issuer, sizeof(out->issuer), "%s", json_string_value(v));
    v = json_object_get(out->claims, "jti");
    if (json_is_string(v)) {
        cm_utf8_plain(out->id, sizeof(out->id), json_string_value(v));
    }
    return CM_OK;
}

/* Whether the issuer is an address of this service: exactly as it issues. */
static bool is_own(const struct cm_service_config *config, const char *issuer)
{
    if (strcmp(issuer, config->public_url) == 0) {
        return true;
    }
    if (strncmp(issuer, "https://", 8) != 0) {
        return false;
    }
    for (size_t i = 0; config->more_hosts != NULL && config->more_hosts[i] != NULL; i++) {
        if (strcmp(issuer + 8, config->more_hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ signature */

static enum cm_status verify_own(const struct cm_vault_verifier *v, const struct cm_jws *jws,
                                 const char *token, struct cm_vault_refusal *r)
{
    const enum cm_signer signer = jws->alg == CM_SIG_ES256 ? CM_SIGNER_RESULT : CM_SIGNER_TOKEN;
    struct cm_why why = {""};
    json_t *payload = NULL;
    enum cm_status st =
        cm_identity_verify(v->service, signer, cm_span_make(token, strlen(token)), &payload, &why);

    json_decref(payload);
    if (st == CM_ERR_NOMEM) {
        return st;
    }
    return st == CM_OK ? CM_OK
                       : refuse(r, "TokenSignature", "not a token of this service: %s",
                                why.text[0] == '\0' ? cm_status_str(st) : why.text);
}

/* By one key of a set; why not is no matter: another may fit. */
static bool verify_by(const struct cm_jws *jws, json_t *jwk, const char *kid)
{
    const char *own = json_string_value(json_object_get(jwk, "kid"));
    const char *alg = json_string_value(json_object_get(jwk, "alg"));
    const char *use = json_string_value(json_object_get(jwk, "use"));
    struct cm_pubkey *key = NULL;
    bool good = false;

    if ((kid != NULL && (own == NULL || strcmp(own, kid) != 0)) ||
        (alg != NULL && strcmp(alg, cm_sig_alg_name(jws->alg)) != 0) ||
        (use != NULL && strcmp(use, "sig") != 0)) {
        return false;
    }
    good = cm_vault_jwk_key(jwk, &key) == CM_OK && cm_jws_verify(jws, key, jws->alg) == CM_OK;
    cm_pubkey_free(key);
    return good;
}

static enum cm_status verify_listed(const struct cm_vault_verifier *v, const struct cm_jws *jws,
                                    struct cm_vault_target *out, struct cm_vault_refusal *r)
{
    struct cm_why why = {""};
    char kid_text[MAX_KID + 1] = "";
    const char *kid = NULL;
    json_t *jwks = NULL;
    json_t *jwk = NULL;
    bool good = false;
    size_t i = 0;
    enum cm_status st = cm_vault_issuer_load(v->db, out->issuer, &out->listed, &why);

    if (st == CM_ERR_NOTFOUND) {
        st = refuse(r, "IssuerUnknown", "the token's issuer is not on this service's list: %s",
                    out->issuer);
    }
    CM_TRY(st);
    if (cm_json_string(cm_json_get(cm_json_root(&jws->header), "kid"), kid_text, sizeof(kid_text),
                       NULL) == CM_OK) {
        kid = kid_text;
    }
    st = cm_vault_jwks_get(v->jwks, &out->listed, kid, v->now, &jwks, &why);
    if (st != CM_OK && st != CM_ERR_NOMEM && st != CM_ERR_BUSY) {
        st = refuse(r, "IssuerKeys", "the issuer's keys cannot be had: %s", why.text);
    }
    CM_TRY(st);
    json_array_foreach(json_object_get(jwks, "keys"), i, jwk)
    {
        good = good || verify_by(jws, jwk, kid);
    }
    if (!good) {
        st = refuse(r, "TokenSignature", "no key of the issuer verifies the token");
    }
out:
    json_decref(jwks);
    return st;
}

/* ----------------------------------------------------------------------- time */

static enum cm_status check_time(const struct cm_vault_target *t, uint64_t now,
                                 struct cm_vault_refusal *r)
{
    const json_t *exp = json_object_get(t->claims, "exp");
    const json_t *nbf = json_object_get(t->claims, "nbf");

    if (!json_is_integer(exp) || json_integer_value(exp) <= 0) {
        return refuse(r, "TokenInvalid", "the token has no exp");
    }
    if ((uint64_t)json_integer_value(exp) <= now) {
        return refuse(r, "TokenExpired", "the token has expired");
    }
    if (nbf != NULL && (!json_is_integer(nbf) || json_integer_value(nbf) < 0 ||
                        (uint64_t)json_integer_value(nbf) > now + EARLY)) {
        return refuse(r, "TokenNotYetValid", "the token is not valid yet");
    }
    return CM_OK;
}

/* NOLINTNEXTLINE(readability-function-size): one refusal after the other */
enum cm_status cm_vault_target_verify(const struct cm_vault_verifier *v, const char *token,
                                      struct cm_vault_target *out, struct cm_vault_refusal *r)
{
    struct cm_jws *jws = NULL;
    struct cm_why why = {""};
    size_t len = strlen(token);
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (len > MAX_TOKEN) {
        return refuse(r, "TokenInvalid", "the token is longer than %d bytes", MAX_TOKEN);
    }
    jws = malloc(sizeof(*jws));
    if (jws == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_jws_parse(cm_span_make(token, len), jws, &why) != CM_OK) {
        st = refuse(r, "TokenInvalid", "target is no signed token: %s", why.text);
        goto out;
    }
    if (jws->alg != CM_SIG_RS256 && jws->alg != CM_SIG_ES256 && jws->alg != CM_SIG_PS256) {
        st = refuse(r, "TokenInvalid", "the token is signed by %s: RS256, ES256 and PS256 count",
                    cm_sig_alg_name(jws->alg));
        goto out;
    }
    CM_TRY(read_payload(jws, out, r));
    out->own = is_own(cm_service_config(v->service), out->issuer);
    CM_TRY(out->own ? verify_own(v, jws, token, r) : verify_listed(v, jws, out, r));
    CM_TRY(check_time(out, v->now, r));
out:
    free(jws);
    if (st != CM_OK) { /* nobody may look at what was not verified */
        json_decref(out->claims);
        out->claims = NULL;
    }
    return st;
}

/* ----------------------------------------------------------------- TEE's key */

static bool names(json_t *v, const char *wanted)
{
    size_t i = 0;
    json_t *item = NULL;

    if (json_is_string(v)) { /* clients write one operation without an array */
        return strcmp(json_string_value(v), wanted) == 0;
    }
    json_array_foreach(v, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_for_encryption(json_t *jwk)
{
    json_t *key_use = json_object_get(jwk, "key_use");
    json_t *use = json_object_get(jwk, "use");

    if ((key_use != NULL && !names(key_use, "enc")) || (use != NULL && !names(use, "enc"))) {
        return false; /* it is for something else, whatever its operations are */
    }
    return key_use != NULL || use != NULL || names(json_object_get(jwk, "key_ops"), "encrypt");
}

/* The first key of a list that can be used. */
static bool choose_key(json_t *keys, struct cm_pubkey **out, char kid[MAX_KID + 1],
                       const char **problem)
{
    size_t i = 0;
    json_t *jwk = NULL;

    json_array_foreach(keys, i, jwk)
    {
        const char *kty = json_string_value(json_object_get(jwk, "kty"));
        const json_t *name = json_object_get(jwk, "kid");

        if (i >= KEYS_MAX || !is_for_encryption(jwk)) {
            *problem = "no key of the token is for encryption (key_use enc, or key_ops encrypt)";
        } else if (kty == NULL || strcmp(kty, "RSA") != 0) {
            *problem = "the token's key is not an RSA key";
        } else if (!json_is_string(name) || json_string_length(name) == 0 ||
                   json_string_length(name) > MAX_KID) {
            *problem = "the token's key has no kid";
        } else if (json_object_get(jwk, "n") == NULL || cm_vault_jwk_key(jwk, out) != CM_OK) {
            *problem = "the token's key is no good RSA key of 2048 bits or more";
        } else {
            (void)snprintf(kid, MAX_KID + 1, "%s", json_string_value(name));
            return true;
        }
    }
    return false;
}

/* Keys in the held data of an enclave, as old tokens have them. A new reference, or NULL. */
static json_t *held_keys(json_t *claims)
{
    static const char *const held[] = {"aas-ehd", "maa-ehd", "x-ms-sgx-ehd"};
    json_t *out = NULL;

    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]) && out == NULL; i++) {
        const char *text = json_string_value(json_object_get(claims, held[i]));
        uint8_t *bytes = NULL;
        size_t len = 0;
        json_t *data = NULL;

        if (text == NULL || cm_vault_base64(text, HELD_MAX, &bytes, &len) != CM_OK) {
            continue;
        }
        data = memchr(bytes, '[', len) == NULL && memchr(bytes, '{', len) == NULL
                   ? NULL
                   : json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_array(json_object_get(data, "keys"))) {
            out = json_incref(json_object_get(data, "keys"));
        } else if (json_object_get(data, "kty") != NULL) {
            out = json_pack("[O]", data);
        }
        json_decref(data);
        free(bytes);
    }
    return out;
}

enum cm_status cm_vault_target_key(const struct cm_vault_target *t, struct cm_pubkey **out,
                                   char kid[MAX_KID + 1], struct cm_vault_refusal *r)
{
    json_t *keys = json_object_get(json_object_get(t->claims, "x-ms-runtime"), "keys");
    const char *problem = "the token has no keys (x-ms-runtime.keys) to encrypt to";
    json_t *held = NULL;
    bool found = false;

    *out = NULL;
    kid[0] = '\0';
    if (keys == NULL) {
        held = held_keys(t->claims);
        keys = held;
    }
    found = choose_key(keys, out, kid, &problem);
    json_decref(held);
    return found ? CM_OK : refuse(r, "TargetKeyUnusable", "%s", problem);
}

/* ---------------------------------------------------------------------- facts */

static bool says_emulated(json_t *v, unsigned depth)
{
    static const char suffix[] = "emulated";
    const char *name = NULL;
    json_t *member = NULL;

    if (depth > MAX_DEPTH) {
        return true; /* the default is to refuse */
    }
    json_object_foreach(v, name, member)
    {
        const size_t n = strlen(name);
        const size_t s = sizeof(suffix) - 1;

        if (n >= s && strcmp(name + n - s, suffix) == 0 && !json_is_false(member)) {
            return true;
        }
        if (says_emulated(member, depth + 1)) {
            return true;
        }
    }
    return false;
}

bool cm_vault_target_emulated(const struct cm_vault_target *t)
{
    return says_emulated(t->claims, 0);
}

json_t *cm_vault_target_facts(const struct cm_vault_target *t)
{
    static const char *const facts[] = {
        "x-ms-attestation-type",
        "x-ms-compliance-status",
        "x-ms-policy-hash",
        "x-ms-sgx-mrenclave",
        "x-ms-sgx-mrsigner",
        "x-ms-sgx-product-id",
        "x-ms-sgx-svn",
        "x-ms-sgx-is-debuggable",
        "x-ms-sevsnpvm-launchmeasurement",
        "x-ms-sevsnpvm-hostdata",
        "x-ms-sevsnpvm-guestsvn",
        "x-ms-sevsnpvm-is-debuggable",
        "tdx_mrtd",
        "tdx_rtmr0",
        "attester_tcb_status",
    };
    json_t *tee = json_object_get(t->claims, "x-ms-isolation-tee");
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) && out != NULL; i++) {
        json_t *v = json_object_get(t->claims, facts[i]);

        v = v == NULL ? json_object_get(tee, facts[i]) : v;
        if ((json_is_string(v) && json_string_length(v) <= FACT_MAX) || json_is_integer(v) ||
            json_is_boolean(v)) {
            if (json_object_set(out, facts[i], v) != 0) {
                json_decref(out);
                out = NULL;
            }
        }
    }
    return out;
}
