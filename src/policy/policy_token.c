/* Policies as tokens; see policy_token.h. Untrusted: every byte. */
#include "policy/policy_token.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "token/base64.h"
#include "token/jose.h"
#include "token/jws.h"

#define NODES 512u

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct cm_span trimmed(struct cm_span s)
{
    while (s.len != 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    while (s.len != 0 && is_space(s.ptr[0])) {
        s = cm_span_make(s.ptr + 1, s.len - 1);
    }
    return s;
}

bool cm_policy_token_recognise(struct cm_span bytes)
{
    struct cm_span s = trimmed(bytes);
    size_t dots = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && c != '-' && c != '_' && c != '.') {
            return false;
        }
        dots += c == '.' ? 1 : 0;
    }
    return dots == 2;
}

struct opening {
    uint8_t *memory; /* of the token's length: its decoded parts, one after the other */
    size_t used;
    size_t cap;
    struct cm_json_node nodes[NODES];
};

static enum cm_status decode(struct opening *o, struct cm_span text, struct cm_span *out)
{
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_base64url_decode(text, o->memory + o->used, o->cap - o->used, &len));
    *out = cm_span_make(o->memory + o->used, len);
    o->used += len;
out:
    return st;
}

/* Whether the header names a signature algorithm. */
static enum cm_status read_header(struct opening *o, struct cm_span text, bool *is_signed,
                                  struct cm_why *why)
{
    struct cm_span header = {NULL, 0};
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    struct cm_json_value alg = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(decode(o, text, &header));
    CM_TRY(cm_json_parse(header, o->nodes, NODES, &doc, why));
    alg = cm_json_get(cm_json_root(&doc), "alg");
    if (!cm_json_is(alg, CM_JSON_STRING)) {
        cm_why_set(why, "the token's header names no algorithm");
        return CM_ERR_FORMAT;
    }
    *is_signed = !cm_json_equal(alg, "none");
out:
    return st;
}

static enum cm_status read_payload(struct opening *o, struct cm_span text,
                                   struct cm_policy_token *out, struct cm_why *why)
{
    struct cm_json_value type = {NULL, 0};
    struct cm_span payload = {NULL, 0};
    struct cm_span encoded = {NULL, 0};
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    enum cm_status st = CM_OK;

    if (text.len == 0) {
        out->text = cm_span_make("", 0);
        return CM_OK;
    }
    CM_TRY(decode(o, text, &payload));
    CM_TRY(cm_json_parse(payload, o->nodes, NODES, &doc, why));
    if (cm_json_plain(cm_json_get(cm_json_root(&doc), "AttestationPolicy"), &encoded) != CM_OK) {
        cm_why_set(why, "the token's payload has no string AttestationPolicy");
        return CM_ERR_SYNTAX;
    }
    type = cm_json_get(cm_json_root(&doc), "PolicyType");
    if (type.doc != NULL && cm_json_plain(type, &out->type) != CM_OK) {
        cm_why_set(why, "the token's PolicyType is no name of a type");
        return CM_ERR_SYNTAX;
    }
    st = decode(o, encoded, &out->text);
out:
    return st;
}

static enum cm_status open_parts(struct opening *o, struct cm_span token,
                                 struct cm_policy_token *out, struct cm_why *why)
{
    struct cm_span rest = token;
    struct cm_span parts[3];
    bool dot = false;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < 3; i++) {
        parts[i] = cm_jose_part(&rest, &dot);
        if (dot == (i == 2)) {
            cm_why_set(why, "a token has three parts");
            return CM_ERR_FORMAT;
        }
    }
    CM_TRY(read_header(o, parts[0], &out->is_signed, why));
    if (out->is_signed == (parts[2].len == 0)) {
        cm_why_set(why, out->is_signed ? "the token names an algorithm and has no signature"
                                       : "the token says that it is unsecured and has a signature");
        return CM_ERR_FORMAT;
    }
    CM_TRY(read_payload(o, parts[1], out, why));
out:
    return st;
}

enum cm_status cm_policy_token_open(struct cm_span token, struct cm_policy_token *out,
                                    struct cm_why *why)
{
    struct cm_policy_token t = {{NULL, 0}, {NULL, 0}, false, NULL};
    struct opening *o = NULL;
    struct cm_span s = trimmed(token);
    enum cm_status st = CM_OK;

    if (s.len > CM_POLICY_TOKEN_MAX) {
        cm_why_set(why, "the token is too long");
        return CM_ERR_LIMIT;
    }
    o = calloc(1, sizeof(*o));
    t.memory = malloc(2 * s.len + 1); /* the payload is decoded once more inside itself */
    if (o == NULL || t.memory == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    o->memory = t.memory;
    o->cap = 2 * s.len + 1;
    CM_TRY(open_parts(o, s, &t, why));
    *out = t;
    t.memory = NULL;
out:
    free(o);
    free(t.memory);
    return st;
}

void cm_policy_token_free(struct cm_policy_token *t)
{
    free(t->memory);
    t->memory = NULL;
}

enum cm_status cm_policy_token_verify(struct cm_span token, const struct cm_pubkey *key,
                                      enum cm_sig_alg alg, struct cm_why *why)
{
    struct cm_jws *jws = calloc(1, sizeof(*jws));
    struct cm_policy_token t = {{NULL, 0}, {NULL, 0}, false, NULL};
    enum cm_status st = CM_OK;

    if (jws == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_policy_token_open(token, &t, why));
    if (!t.is_signed) {
        cm_why_set(why, "the policy is not signed");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(cm_jws_parse(trimmed(token), jws, why));
    CM_TRY(cm_jws_verify(jws, key, alg));
out:
    cm_policy_token_free(&t);
    free(jws);
    return st;
}
