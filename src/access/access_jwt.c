/* Claims of a token; see access_jwt.h. */
#include "access/access_jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

#define MAX_NODES 2048

/* What a token is taken apart in: large, so not on a loop's stack. */
struct parsed {
    struct cm_jws jws;
    uint8_t payload[CM_JWT_MAX];
    struct cm_json_node nodes[MAX_NODES];
    struct cm_json doc;
    struct cm_json_value claims;
    uint64_t now;
};

static bool says_type(struct cm_json_value type)
{
    return type.doc == NULL || cm_json_equal(type, "JWT") || cm_json_equal(type, "jwt") ||
           cm_json_equal(type, "at+jwt");
}

/* The signature, with the key that the kid chooses among ours; without a kid the set's only key. */
static enum cm_status verify_signature(const struct cm_jws *jws, const struct cm_jwks *keys,
                                       struct cm_why *why)
{
    const struct cm_json_value header = cm_json_root(&jws->header);
    const struct cm_json_value kid = cm_json_get(header, "kid");
    size_t at = 0;
    enum cm_status st = CM_OK;

    if (!says_type(cm_json_get(header, "typ"))) {
        cm_why_set(why, "it is not a JWT");
        return CM_ERR_FORMAT;
    }
    if (kid.doc == NULL && keys->count != 1) {
        cm_why_set(why, "it does not name its key");
        return CM_ERR_NOTFOUND;
    }
    while (kid.doc != NULL && at < keys->count && !cm_json_equal(kid, keys->keys[at].kid)) {
        at++;
    }
    if (at >= keys->count) {
        cm_why_set(why, "its key is not in the provider's key set");
        return CM_ERR_NOTFOUND;
    }
    st = cm_jws_verify(jws, keys->keys[at].key, keys->keys[at].alg);
    if (st != CM_OK) {
        cm_why_set(why, "its signature does not verify");
    }
    return st;
}

static bool audience_fits(struct cm_json_value aud, const char *audience)
{
    if (cm_json_is(aud, CM_JSON_STRING)) {
        return cm_json_equal(aud, audience);
    }
    if (cm_json_is(aud, CM_JSON_ARRAY)) {
        for (struct cm_json_value v = cm_json_first(aud); v.doc != NULL; v = cm_json_next(v)) {
            if (cm_json_equal(v, audience)) {
                return true;
            }
        }
    }
    return false;
}

/* A time of RFC 7519: seconds, perhaps with a fraction, which is cut off. */
static enum cm_status numeric_date(struct cm_json_value v, uint64_t *out)
{
    const struct cm_span text = cm_json_bytes(v);
    uint64_t n = 0;
    size_t i = 0;

    if (!cm_json_is(v, CM_JSON_NUMBER)) {
        return CM_ERR_FORMAT;
    }
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        if (i >= 15) {
            return CM_ERR_FORMAT;
        }
        n = n * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (i == 0 || (i < text.len && text.ptr[i] != '.') || memchr(text.ptr, 'e', text.len) != NULL ||
        memchr(text.ptr, 'E', text.len) != NULL) {
        return CM_ERR_FORMAT;
    }
    *out = n;
    return CM_OK;
}

/* exp must be there; nbf and iat, where they are, must have come. */
static enum cm_status check_times(struct cm_json_value claims, uint64_t now, struct cm_why *why)
{
    static const char *const begins[] = {"nbf", "iat"};
    uint64_t t = 0;

    if (numeric_date(cm_json_get(claims, "exp"), &t) != CM_OK) {
        cm_why_set(why, "it does not say when it expires");
        return CM_ERR_FORMAT;
    }
    if (now >= t + CM_JWT_LEEWAY) {
        cm_why_set(why, "it has expired");
        return CM_ERR_EXPIRED;
    }
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        const struct cm_json_value v = cm_json_get(claims, begins[i]);

        if (v.doc != NULL && numeric_date(v, &t) != CM_OK) {
            cm_why_set(why, "its %s is no time", begins[i]);
            return CM_ERR_FORMAT;
        }
        if (v.doc != NULL && t > now + CM_JWT_LEEWAY) {
            cm_why_set(why, "it is not good yet");
            return CM_ERR_EXPIRED;
        }
    }
    return CM_OK;
}

/* A claim by its path: as it is written, or else from object to object. */
static struct cm_json_value claim_at(struct cm_json_value claims, const char *path)
{
    char part[CM_OIDC_TEXT];
    struct cm_json_value v = cm_json_get(claims, path);
    const char *at = path;

    if (v.doc != NULL) {
        return v;
    }
    v = claims;
    while (v.doc != NULL && at != NULL) {
        const char *dot = strchr(at, '.');

        (void)snprintf(part, sizeof(part), "%.*s", dot == NULL ? (int)strlen(at) : (int)(dot - at),
                       at);
        v = cm_json_get(v, part);
        at = dot == NULL ? NULL : dot + 1;
    }
    return v;
}

static unsigned mapped(const struct cm_oidc *oidc, const char *value)
{
    unsigned roles = 0;

    for (size_t i = 0; i < oidc->map_count; i++) {
        if (strcmp(oidc->maps[i].value, value) == 0) {
            roles |= oidc->maps[i].roles;
        }
    }
    return roles;
}

/* A text is a list of words (as scopes are), an array a list of texts. */
static unsigned roles_of(struct cm_json_value v, const struct cm_oidc *oidc)
{
    char text[4 * CM_OIDC_TEXT] = "";
    unsigned roles = 0;
    unsigned seen = 0;
    char *rest = NULL;

    if (cm_json_is(v, CM_JSON_STRING)) {
        if (cm_json_string(v, text, sizeof(text), NULL) != CM_OK) {
            return 0;
        }
        for (char *w = strtok_r(text, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
            roles |= mapped(oidc, w);
        }
    } else if (cm_json_is(v, CM_JSON_ARRAY)) {
        for (struct cm_json_value e = cm_json_first(v); e.doc != NULL && seen < CM_JWT_MAX_GROUPS;
             e = cm_json_next(e), seen++) {
            if (cm_json_string(e, text, sizeof(text), NULL) == CM_OK) {
                roles |= mapped(oidc, text);
            }
        }
    }
    return roles;
}

static enum cm_status name_of(struct cm_json_value v, struct cm_who *out, struct cm_why *why)
{
    const size_t lead = strlen(CM_JWT_NAME_LEAD);
    char name[CM_WHO_MAX] = CM_JWT_NAME_LEAD;
    size_t len = 0;

    if (cm_json_string(v, name + lead, sizeof(name) - lead, &len) != CM_OK || len == 0) {
        cm_why_set(why, "it does not say whose it is, or in too many words");
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < len; i++) { /* it goes into logs */
        const unsigned char c = (unsigned char)name[lead + i];

        if (c <= ' ' || c > '~') {
            cm_why_set(why, "the name of whose it is has other characters than printable ASCII");
            return CM_ERR_FORMAT;
        }
    }
    memcpy(out->name, name, sizeof(name));
    return CM_OK;
}

static enum cm_status verify(struct parsed *p, struct cm_span token, const struct cm_oidc *oidc,
                             const struct cm_jwks *keys, struct cm_who *out, struct cm_why *why)
{
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_jws_parse(token, &p->jws, why));
    CM_TRY(cm_jws_payload(&p->jws, p->payload, sizeof(p->payload), &len));
    CM_TRY(cm_json_parse(cm_span_make(p->payload, len), p->nodes, MAX_NODES, &p->doc, why));
    p->claims = cm_json_root(&p->doc);
    /* not believed yet: but what says that it is another's is none of ours, and no reason to fetch keys */
    if (!cm_json_equal(cm_json_get(p->claims, "iss"), oidc->issuer)) {
        cm_why_set(why, "another issuer made it");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(verify_signature(&p->jws, keys, why));
    if (!audience_fits(cm_json_get(p->claims, "aud"), oidc->audience)) {
        cm_why_set(why, "it is for another audience");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(check_times(p->claims, p->now, why));
    memset(out, 0, sizeof(*out));
    CM_TRY(name_of(claim_at(p->claims, oidc->name_claim), out, why));
    out->roles = roles_of(claim_at(p->claims, oidc->roles_claim), oidc);
out:
    return st;
}

enum cm_status cm_jwt_verify(struct cm_span token, const struct cm_oidc *oidc,
                             const struct cm_jwks *keys, uint64_t now, struct cm_who *out,
                             struct cm_why *why)
{
    struct parsed *p = NULL;
    enum cm_status st = CM_OK;

    if (token.len > CM_JWT_MAX) {
        cm_why_set(why, "it is too long");
        return CM_ERR_LIMIT;
    }
    p = malloc(sizeof(*p));
    if (p == NULL) {
        return CM_ERR_NOMEM;
    }
    p->now = now;
    st = verify(p, token, oidc, keys, out, why);
    free(p);
    return st;
}
