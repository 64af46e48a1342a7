/* Key sets; see access_jwt.h. */
#include <stdlib.h>
#include <string.h>

#include "access/access_jwt.h"
#include "common/try.h"

#define MAX_NODES 8192

/* The one algorithm that a key is for; false: none of ours. */
static bool alg_of(struct cm_json_value jwk, const struct cm_pubkey *key, enum cm_sig_alg *out)
{
    const struct cm_json_value named = cm_json_get(jwk, "alg");
    enum cm_curve curve = CM_CURVE_P521;
    uint8_t x[66];
    uint8_t y[66];
    size_t len = 0;

    if (cm_json_equal(cm_json_get(jwk, "kty"), "RSA")) {
        *out = CM_SIG_RS256;
    } else if (cm_pubkey_ec(key, &curve, x, y, &len) == CM_OK && curve == CM_CURVE_P256) {
        *out = CM_SIG_ES256;
    } else {
        return false;
    }
    return named.doc == NULL || cm_json_equal(named, cm_sig_alg_name(*out));
}

static bool for_signatures(struct cm_json_value jwk)
{
    const struct cm_json_value use = cm_json_get(jwk, "use");

    return use.doc == NULL || cm_json_equal(use, "sig");
}

static bool has_kid(const struct cm_jwks *keys, const char *kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->keys[i].kid, kid) == 0) {
            return true;
        }
    }
    return false;
}

static enum cm_status add_key(struct cm_json_value jwk, struct cm_jwks *out, struct cm_why *why)
{
    const struct cm_json_value named = cm_json_get(jwk, "kid");
    char kid[CM_OIDC_TEXT] = "";
    struct cm_pubkey *key = NULL;
    enum cm_sig_alg alg = CM_SIG_RS256;
    enum cm_status st = CM_OK;

    if (!cm_json_is(jwk, CM_JSON_OBJECT)) {
        cm_why_set(why, "the key set holds what is no key");
        return CM_ERR_FORMAT;
    }
    if (!for_signatures(jwk) || cm_jwk_parse(jwk, &key) != CM_OK || !alg_of(jwk, key, &alg)) {
        goto out; /* of a kind for others */
    }
    if (named.doc != NULL) {
        CM_TRY(cm_json_string(named, kid, sizeof(kid), NULL));
    }
    if (has_kid(out, kid)) {
        cm_why_set(why, "two keys of the key set have one kid");
        st = CM_ERR_FORMAT;
        goto out;
    }
    if (out->count == CM_JWKS_MAX) {
        cm_why_set(why, "the key set has more than %d keys", CM_JWKS_MAX);
        st = CM_ERR_LIMIT;
        goto out;
    }
    memcpy(out->keys[out->count].kid, kid, sizeof(kid));
    out->keys[out->count].alg = alg;
    out->keys[out->count].key = key;
    out->count++;
    key = NULL;
out:
    cm_pubkey_free(key);
    return st;
}

enum cm_status cm_jwks_parse(struct cm_span text, struct cm_jwks *out, struct cm_why *why)
{
    struct cm_json_node *nodes = calloc(MAX_NODES, sizeof(*nodes));
    struct cm_json doc;
    struct cm_json_value keys;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, MAX_NODES, &doc, why));
    keys = cm_json_get(cm_json_root(&doc), "keys");
    if (!cm_json_is(keys, CM_JSON_ARRAY)) {
        cm_why_set(why, "the key set has no \"keys\"");
        st = CM_ERR_FORMAT;
        goto out;
    }
    for (struct cm_json_value k = cm_json_first(keys); k.doc != NULL; k = cm_json_next(k)) {
        CM_TRY(add_key(k, out, why));
    }
    if (out->count == 0) {
        cm_why_set(why, "the key set has no key for RS256 or ES256");
        st = CM_ERR_NOTFOUND;
    }
out:
    free(nodes);
    return st;
}

void cm_jwks_free(struct cm_jwks *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        cm_pubkey_free(keys->keys[i].key);
    }
    keys->count = 0;
}
