/*
 * Who signed an upload; see rules_private.h. Untrusted: the token, and every certificate in it. A
 * certificate that a token brings along proves only who signed it; whether he may, the registered
 * certificates say.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "evidence/chain.h"
#include "evidence/claims.h"
#include "rules/rules_private.h"
#include "token/base64.h"
#include "token/jws.h"

#define MAX_X5C 6
#define FAMILY  "policy"

/* ------------------------------------------------------- registered certificates */

struct reading {
    struct cm_rules_signers *out;
    enum cm_status st;
};

static bool read_certificate(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct reading *r = arg;

    if (count != 1 || r->out->count == CM_RULES_MAX_CERTIFICATES) {
        r->st = CM_ERR_LIMIT;
        return false;
    }
    r->st = cm_certs_add(r->out->set, columns[0].bytes, &r->out->certs[r->out->count], 1, NULL);
    r->out->count++;
    return r->st == CM_OK;
}

enum cm_status cm_rules_signers_read(struct cm_db *db, struct cm_rules_signers *out,
                                     struct cm_why *why)
{
    struct reading r = {out, CM_OK};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_certs_create_general(NULL, &out->set));
    CM_TRY(cm_db_run(db, "SELECT der FROM policy_certificate ORDER BY time, thumbprint",
                     cm_db_none(), cm_db_into(read_certificate, &r), why));
    st = r.st;
out:
    if (st != CM_OK) {
        cm_rules_signers_free(out);
    }
    return st;
}

void cm_rules_signers_free(struct cm_rules_signers *signers)
{
    cm_certs_free(signers->set);
    memset(signers, 0, sizeof(*signers));
}

/* ------------------------------------------------------------------ a signature */

/* A base64 text of JSON into DER, in place. */
static enum cm_status take_x5c(struct cm_json_value item, uint8_t *buf, size_t cap,
                               struct cm_span *der)
{
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_json_string(item, (char *)buf, cap, &len));
    CM_TRY(cm_base64_decode(cm_span_make(buf, len), buf, cap, &len));
    *der = cm_span_make(buf, len);
out:
    return st == CM_OK || st == CM_ERR_NOMEM ? st : CM_ERR_FORMAT;
}

/* The certificates of the header go into the set; the first is the signer's. */
static enum cm_status add_x5c(const struct cm_jws *jws, struct cm_certs *set,
                              const struct cm_cert **leaf, struct cm_why *why)
{
    struct cm_json_value list = cm_json_get(cm_json_root(&jws->header), "x5c");
    struct cm_json_value item = cm_json_first(list);
    uint8_t *buf = malloc(CM_JWS_MAX_HEADER);
    enum cm_status st = buf == NULL ? CM_ERR_NOMEM : CM_OK;

    if (!cm_json_is(list, CM_JSON_ARRAY) || cm_json_count(list) == 0 ||
        cm_json_count(list) > MAX_X5C) {
        cm_why_set(why, "the header of a signed token has the signer's certificate (x5c)");
        st = CM_ERR_FORMAT;
        goto out;
    }
    for (; item.doc != NULL && st == CM_OK; item = cm_json_next(item)) {
        const struct cm_cert *cert = NULL;
        struct cm_span der = {NULL, 0};

        st = take_x5c(item, buf, CM_JWS_MAX_HEADER, &der);
        if (st == CM_OK) {
            st = cm_certs_add(set, der, &cert, 1, NULL);
        }
        *leaf = *leaf == NULL ? cert : *leaf;
    }
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "a certificate in the token's header (x5c) cannot be read");
    }
out:
    free(buf);
    return st;
}

static bool is_registered(const struct cm_rules_signers *signers, const struct cm_cert *leaf)
{
    for (size_t i = 0; i < signers->count; i++) {
        if (signers->certs[i] == leaf) { /* a set holds the same bytes once */
            return true;
        }
    }
    return false;
}

/* Whether a chain leads from the leaf to a registered certificate's key. */
static enum cm_status climb(const struct cm_rules_signers *signers, const struct cm_cert *leaf,
                            uint64_t now, bool *registered)
{
    static const struct cm_chain_rule rule = {
        .family = FAMILY, .names = CM_CHAIN_NAMES("policy"), .max = MAX_X5C};
    struct cm_trust_root roots[CM_RULES_MAX_CERTIFICATES];
    struct cm_verify_input in = {.now = now, .roots = roots, .root_count = signers->count};
    const struct cm_verify_job job = {.in = &in};
    struct cm_evidence *ev = cm_evidence_new("policy");
    struct cm_chain chain;
    enum cm_status st = CM_OK;

    *registered = false;
    if (ev == NULL) {
        return CM_ERR_NOMEM;
    }
    for (size_t i = 0; i < signers->count; i++) {
        roots[i] = (struct cm_trust_root){.family = FAMILY, .label = "registered"};
        memcpy(roots[i].spki_sha256, cm_cert_spki_sha256(signers->certs[i]), 32);
    }
    st = cm_chain_verify(&job, ev, 0, signers->set, leaf, &rule, &chain);
    *registered = st == CM_OK;
    cm_evidence_free(ev);
    return st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO ? st : CM_OK;
}

static bool valid_at(const struct cm_cert *cert, uint64_t now)
{
    const struct cm_period p = cm_cert_period(cert);

    return p.not_before <= now && now <= p.not_after;
}

json_t *cm_rules_cert_jwk(const struct cm_cert *cert)
{
    struct cm_span der = cm_cert_der(cert);
    char text[CM_BASE64_ENCODED(CM_CERT_MAX_SIZE) + 1] = "";
    char kid[48] = "";
    uint8_t digest[32] = {0};
    uint8_t xy[2][66] = {{0}};
    enum cm_curve curve = CM_CURVE_P256;
    size_t len = 0;
    bool ec = cm_pubkey_ec(cm_cert_key(cert), &curve, xy[0], xy[1], &len) == CM_OK;

    if (cm_hash(CM_HASH_SHA256, der, digest) != CM_OK ||
        cm_base64url_encode(cm_span_make(digest, 32), kid, sizeof(kid) - 1, &len) != CM_OK ||
        cm_base64_encode(der, text, sizeof(text) - 1, &len) != CM_OK) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:[s]}", "kty", ec ? "EC" : "RSA", "kid", kid, "use", "sig",
                     "x5c", text);
}

static enum cm_status signer_text(const struct cm_cert *leaf, char **out)
{
    json_t *jwk = cm_rules_cert_jwk(leaf);

    *out = jwk == NULL ? NULL : json_dumps(jwk, JSON_COMPACT);
    json_decref(jwk);
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}

/* The set of the signers, or one of its own where there are none. */
static enum cm_status set_for(struct cm_rules_signers *signers, struct cm_certs **own,
                              struct cm_certs **set)
{
    *set = signers->set;
    if (*set != NULL) {
        return CM_OK;
    }
    enum cm_status st = cm_certs_create_general(NULL, own);

    *set = *own;
    return st;
}

/* without the white space that cm_policy_token_open() passes over, too */
static struct cm_span trimmed(struct cm_span s)
{
    while (s.len != 0 && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL && s.ptr[s.len - 1] != 0) {
        s.len--;
    }
    while (s.len != 0 && strchr(" \t\r\n", s.ptr[0]) != NULL && s.ptr[0] != 0) {
        s = cm_span_make(s.ptr + 1, s.len - 1);
    }
    return s;
}

enum cm_status cm_rules_signature_verify(struct cm_span token, struct cm_rules_signers *signers,
                                         uint64_t now, struct cm_rules_signature *out,
                                         struct cm_why *why)
{
    struct cm_jws *jws = malloc(sizeof(*jws));
    struct cm_certs *own = NULL;
    struct cm_certs *set = NULL;
    const struct cm_cert *leaf = NULL;
    enum cm_status st = CM_OK;

    out->registered = false;
    out->signer_jwk = NULL;
    if (jws == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(set_for(signers, &own, &set));
    CM_TRY(cm_jws_parse(trimmed(token), jws, why));
    CM_TRY(add_x5c(jws, set, &leaf, why));
    st = cm_jws_verify(jws, cm_cert_key(leaf), jws->alg);
    if (st != CM_OK) {
        cm_why_set(why, "the token's signature does not verify under the certificate it brings");
        st = st == CM_ERR_MISMATCH ? CM_ERR_SIGNATURE : st;
        goto out;
    }
    if (!valid_at(leaf, now)) {
        cm_why_set(why, "the signer's certificate is not valid at this time");
        st = CM_ERR_EXPIRED;
        goto out;
    }
    out->registered = is_registered(signers, leaf);
    if (!out->registered && signers->count != 0) {
        CM_TRY(climb(signers, leaf, now, &out->registered));
    }
    st = signer_text(leaf, &out->signer_jwk);
out:
    cm_certs_free(own);
    free(jws);
    return st;
}
