/* Signing, verifying and publishing; see identity.h. May run on a loop: nothing here waits. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "identity/identity_keys.h"
#include "keep/keep.h"
#include "token/base64.h"
#include "token/jws.h"

#define MAX_TOKEN ((size_t)1 << 20)

static struct cm_identity_set *hold(struct cm_service *s)
{
    struct cm_identity *id = cm_service_module(s, cm_identity_module.name);

    return id == NULL ? NULL : cm_identity_set_hold(id);
}

/* The members of a header, without its braces, in the order that Azure Attestation has. */
static enum cm_status header_of(const struct cm_identity_key *key, const struct cm_token_form *form,
                                char *out, size_t cap)
{
    struct cm_json_wr w = cm_json_wr_init(out, cap);
    enum cm_status st = CM_OK;
    size_t len = 0;

    cm_json_wr_object(&w);
    if (form->jku != NULL) {
        cm_json_wr_name(&w, "jku");
        cm_json_wr_str(&w, form->jku);
    }
    cm_json_wr_name(&w, "kid");
    cm_json_wr_str(&w, key->kid);
    if (form->type != NULL) {
        cm_json_wr_name(&w, "typ");
        cm_json_wr_str(&w, form->type);
    }
    if (form->x5c) {
        cm_json_wr_name(&w, "x5c");
        cm_json_wr_raw(&w, cm_span_make(key->x5c, strlen(key->x5c)));
        if (key->signer == CM_SIGNER_RELEASE) {
            cm_json_wr_name(&w, "x5t#S256");
            cm_json_wr_str(&w, key->thumbprint);
        }
    }
    cm_json_wr_end(&w);
    CM_TRY(cm_json_wr_finish(&w, &len));
    memmove(out, out + 1, len - 2);
    out[len - 2] = '\0';
out:
    return st;
}

enum cm_status cm_identity_sign(struct cm_service *s, enum cm_signer signer,
                                const struct cm_token_form *form, struct cm_span payload,
                                char **out, struct cm_why *why)
{
    struct cm_identity_set *set = hold(s);
    const struct cm_identity_key *key = set == NULL ? NULL : set->current[signer];
    char header[CM_JWS_MAX_HEADER];
    char *token = NULL;
    size_t cap = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (key == NULL) {
        st = CM_ERR_STATE;
        goto out;
    }
    if (payload.len > MAX_TOKEN) {
        st = CM_ERR_LIMIT;
        goto out;
    }
    CM_TRY(header_of(key, form, header, sizeof(header)));
    cap = CM_BASE64_ENCODED(strlen(header) + 32) + CM_BASE64_ENCODED(payload.len) +
          CM_BASE64_ENCODED((size_t)CM_SIG_MAX_SIZE) + 8;
    token = malloc(cap);
    if (token == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_jws_sign(key->key, cm_signer_kind(signer)->alg, header, payload, token, cap));
    *out = token;
    token = NULL;
out:
    if (st != CM_OK) {
        cm_why_set(why, "a token cannot be signed: %s", cm_status_str(st));
    }
    free(token);
    cm_identity_set_release(set);
    return st;
}

static const struct cm_identity_key *find(const struct cm_identity_set *set, enum cm_signer signer,
                                          struct cm_json_value kid, uint64_t now)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct cm_identity_key *key = &set->keys[i];

        if (key->signer == signer && cm_json_equal(kid, key->kid) &&
            cm_identity_published(key, now)) {
            return key;
        }
    }
    return NULL;
}

static enum cm_status payload_of(const struct cm_jws *jws, json_t **payload)
{
    size_t cap = jws->payload_text.len + 1;
    uint8_t *bytes = malloc(cap);
    size_t len = 0;
    enum cm_status st = bytes == NULL ? CM_ERR_NOMEM : cm_jws_payload(jws, bytes, cap, &len);

    if (st == CM_OK) {
        *payload = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*payload)) {
            json_decref(*payload);
            *payload = NULL;
            st = CM_ERR_FORMAT;
        }
    }
    free(bytes);
    return st;
}

enum cm_status cm_identity_verify(struct cm_service *s, enum cm_signer signer, struct cm_span token,
                                  json_t **payload, struct cm_why *why)
{
    struct cm_identity_set *set = hold(s);
    const struct cm_identity_key *key = NULL;
    struct cm_jws *jws = malloc(sizeof(*jws));
    enum cm_status st = CM_OK;

    *payload = NULL;
    if (set == NULL || jws == NULL) {
        st = set == NULL ? CM_ERR_STATE : CM_ERR_NOMEM;
        goto out;
    }
    if (token.len > MAX_TOKEN) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    st = cm_jws_parse(token, jws, why);
    if (st == CM_ERR_UNSUPPORTED || st == CM_ERR_LIMIT) {
        st = CM_ERR_FORMAT;
    }
    CM_TRY(st);
    key = find(set, signer, cm_json_get(cm_json_root(&jws->header), "kid"), cm_service_now(s));
    if (key == NULL || cm_jws_verify(jws, key->pub, cm_signer_kind(signer)->alg) != CM_OK) {
        cm_why_set(why, key == NULL ? "no key of this service has the token's kid"
                                    : "the token's signature does not verify");
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    CM_TRY(payload_of(jws, payload));
out:
    free(jws);
    cm_identity_set_release(set);
    return st;
}

/* A key as it is published: it is said where its certificate has evidence, and what that is worth. */
static json_t *published(struct cm_service *s, const struct cm_identity_key *key)
{
    json_t *out = json_deep_copy(key->jwk);
    uint8_t *quote = NULL;
    size_t len = 0;

    if (cm_identity_key_evidence(key, &quote, &len) == CM_OK) {
        const bool emulated = cm_keep_emulated(cm_service_config(s)->keep);

        (void)json_object_set_new(out, "casemate.evidence",
                                  json_string(emulated ? "EMULATED sgx" : "sgx"));
    }
    free(quote);
    return out;
}

json_t *cm_identity_jwks(struct cm_service *s, enum cm_signer signer)
{
    struct cm_identity_set *set = hold(s);
    json_t *keys = json_array();
    uint64_t now = cm_service_now(s);

    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct cm_identity_key *key = &set->keys[i];

        if (key->signer == signer && cm_identity_published(key, now) &&
            json_array_append_new(keys, published(s, key)) != 0) {
            json_decref(keys);
            keys = NULL;
        }
    }
    cm_identity_set_release(set);
    return keys == NULL ? NULL : json_pack("{s:o}", "keys", keys);
}
