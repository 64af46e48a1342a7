/* Resources on their way to a guest; see kbs_private.h. Untrusted: the guest's key. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "kbs/kbs_private.h"
#include "token/jwe.h"
#include "token/jws.h"

#define JWK_NODES 64

/* The one algorithm for a kind of key. RSA1_5, which the oldest guests ask for, tells attackers too much. */
static enum cm_status suite_of(struct cm_json_value jwk, struct cm_jwe_suite *out,
                               struct cm_why *why)
{
    struct cm_json_value alg = cm_json_get(jwk, "alg");

    out->enc = CM_AEAD_A256GCM;
    out->alg =
        cm_json_equal(cm_json_get(jwk, "kty"), "RSA") ? CM_JWE_RSA_OAEP_256 : CM_JWE_ECDH_ES_A256KW;
    if (alg.doc != NULL && !cm_json_equal(alg, cm_jwe_alg_name(out->alg))) {
        cm_why_set(why, "tee-pubkey asks for another algorithm than %s", cm_jwe_alg_name(out->alg));
        return CM_ERR_UNSUPPORTED;
    }
    return CM_OK;
}

static enum cm_status key_of(struct cm_json_value jwk, struct cm_pubkey **key,
                             struct cm_jwe_suite *suite, struct cm_why *why)
{
    enum cm_status st = suite_of(jwk, suite, why);

    *key = NULL;
    if (st == CM_OK) {
        st = cm_jwk_parse(jwk, key);
        if (st != CM_OK) {
            cm_why_set(why, "tee-pubkey is not a public key: EC on P-256, P-384 or P-521, or RSA");
        }
    }
    return st;
}

enum cm_status cm_kbs_check_key(struct cm_json_value jwk, struct cm_why *why)
{
    struct cm_pubkey *key = NULL;
    struct cm_jwe_suite suite;
    enum cm_status st = key_of(jwk, &key, &suite, why);

    cm_pubkey_free(key);
    return st;
}

enum cm_status cm_kbs_encrypt(json_t *jwk, struct cm_span plain, char **out, const char **alg,
                              struct cm_why *why)
{
    const struct cm_jwe_options options = {.flattened = true};
    char *text = json_dumps(jwk, JSON_COMPACT);
    struct cm_json_node nodes[JWK_NODES];
    struct cm_json doc;
    struct cm_pubkey *key = NULL;
    struct cm_jwe_suite suite;
    size_t cap = plain.len / 3 * 4 + 8192;
    enum cm_status st = CM_OK;

    *out = NULL;
    *alg = NULL;
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(cm_span_make(text, strlen(text)), nodes, JWK_NODES, &doc, why));
    CM_TRY(key_of(cm_json_root(&doc), &key, &suite, why));
    *out = malloc(cap);
    if (*out == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    st = cm_jwe_encrypt(key, suite, &options, plain, *out, cap);
    *alg = cm_jwe_alg_name(suite.alg);
out:
    if (st != CM_OK) {
        free(*out);
        *out = NULL;
    }
    cm_pubkey_free(key);
    free(text);
    return st;
}
