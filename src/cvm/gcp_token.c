/* Confidential Space tokens: whose key signed them; see gcp_token.h. Untrusted: the token. */
#include "cvm/gcp_token.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/pubkey.h"
#include "evidence/chain.h"
#include "evidence/enrolled.h"
#include "token/base64.h"
#include "token/jws.h"

#define MAX_TOKEN   (1u << 17)
#define MAX_PAYLOAD 65536
#define MAX_NODES   2048
#define MAX_X5C     6

/* A token taken apart; large, so on the heap. */
struct token {
    struct cm_jws jws;
    uint8_t payload[MAX_PAYLOAD];
    size_t payload_len;
    struct cm_json_node nodes[MAX_NODES];
    struct cm_json json;
};

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t submod;
    struct token *t;
    struct cm_why why;
};

/* Take a token apart; nothing is verified. */
static enum cm_status read_token(struct cm_span bytes, struct token *t, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    while (bytes.len != 0 &&
           (bytes.ptr[bytes.len - 1] == '\n' || bytes.ptr[bytes.len - 1] == '\r')) {
        bytes.len--; /* a file's last line */
    }
    if (bytes.len > MAX_TOKEN) {
        cm_why_set(why, "the token has %zu bytes", bytes.len);
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_jws_parse(bytes, &t->jws, why));
    CM_TRY(cm_jws_payload(&t->jws, t->payload, sizeof(t->payload), &t->payload_len));
    CM_TRY(cm_json_parse(cm_span_make(t->payload, t->payload_len), t->nodes, MAX_NODES, &t->json,
                         why));
    if (!cm_json_is(cm_json_root(&t->json), CM_JSON_OBJECT)) {
        cm_why_set(why, "the token's payload is no JSON object");
        st = CM_ERR_FORMAT;
    }
out:
    if (st == CM_ERR_SPACE) {
        cm_why_set(why, "the token's payload is longer than %d bytes", MAX_PAYLOAD);
        st = CM_ERR_LIMIT;
    }
    return st;
}

bool cm_gcp_token_recognise(struct cm_span bytes)
{
    struct token *t = NULL;
    bool known = false;

    if (bytes.len < 16 || bytes.len > MAX_TOKEN || bytes.ptr[0] != 'e') { /* "{" in base64 */
        return false;
    }
    t = malloc(sizeof(*t));
    if (t != NULL) {
        known = read_token(bytes, t, NULL) == CM_OK &&
                cm_json_equal(cm_json_get(cm_json_root(&t->json), "iss"), CM_GCP_ISSUER);
    }
    free(t);
    return known;
}

static enum cm_status try_key(void *ctx, const struct cm_pubkey *key)
{
    const struct run *r = ctx;

    return cm_jws_verify(&r->t->jws, key, CM_SIG_RS256);
}

/* The keys that the caller gave; kid is only a hint, since any of them is trusted. */
static enum cm_status by_key_set(struct run *r)
{
    static const struct cm_enrolled_query any = {{NULL, 0}, {NULL, 0}, NULL};
    enum cm_status st =
        cm_enrolled_find(r->job->materials, r->job->material_count, &any, try_key, r, &r->why);

    cm_why_set(&r->why, "no key of the given set made the signature");
    return st == CM_ERR_MISMATCH ? CM_ERR_SIGNATURE : st;
}

/* One certificate of x5c: base64 of DER (RFC 7515, 4.1.6). */
static enum cm_status add_x5c(struct cm_json_value text, struct cm_certs *pool,
                              const struct cm_cert **out)
{
    uint8_t der[CM_CERT_MAX_SIZE];
    struct cm_span plain = {NULL, 0};
    size_t len = 0;
    enum cm_status st = cm_json_plain(text, &plain);

    if (st == CM_OK) {
        st = cm_base64_decode(plain, der, sizeof(der), &len);
    }
    return st == CM_OK ? cm_certs_add(pool, cm_span_make(der, len), out, 1, NULL) : st;
}

static void chain_claims(struct run *r, const struct cm_chain *chain)
{
    const size_t from = cm_evidence_mark(r->ev, r->submod);

    cm_claim_bytes(r->ev, r->submod, CM_CLAIM_SIGNER_ROOT,
                   cm_span_make(chain->root->spki_sha256, 32));
    cm_evidence_raise(r->ev, r->submod, from, CM_AUTHORITY_HARDWARE);
}

/* The certificates inside, to a root of the caller's. */
static enum cm_status by_chain(struct run *r, struct cm_json_value x5c)
{
    static const struct cm_chain_rule rule = {
        .family = "gcp-token", .names = CM_CHAIN_NAMES("gcp"), .max = MAX_X5C};
    struct cm_certs *pool = NULL;
    const struct cm_cert *leaf = NULL;
    const struct cm_cert *last = NULL;
    struct cm_chain chain;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(r->job->cert_cache, &pool));
    if (!cm_json_is(x5c, CM_JSON_ARRAY) || cm_json_count(x5c) > MAX_X5C) {
        cm_why_set(&r->why, "x5c is not a short list of certificates");
        st = CM_ERR_FORMAT;
        goto out;
    }
    for (struct cm_json_value v = cm_json_first(x5c); v.doc != NULL; v = cm_json_next(v)) {
        st = add_x5c(v, pool, &last);
        if (st != CM_OK) {
            cm_why_set(&r->why, "a certificate of x5c cannot be read");
            goto out;
        }
        leaf = leaf == NULL ? last : leaf;
    }
    if (leaf == NULL) {
        cm_why_set(&r->why, "x5c is empty");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_chain_pool(r->job, pool, true));
    st = cm_chain_verify(r->job, r->ev, r->submod, pool, leaf, &rule, &chain);
    if (st != CM_OK) {
        cm_why_set(&r->why, "x5c does not lead to a trusted root");
        goto out;
    }
    CM_TRY(try_key(r, cm_cert_key(leaf)));
    chain_claims(r, &chain);
out:
    cm_certs_free(pool);
    return st;
}

/* The signature, by the one way that the caller's inputs leave open. */
static enum cm_status check_signature(struct run *r)
{
    struct cm_json_value x5c = cm_json_get(cm_json_root(&r->t->jws.header), "x5c");
    enum cm_status st = CM_OK;

    if (r->t->jws.alg != CM_SIG_RS256) {
        cm_why_set(&r->why, "the token's algorithm is not RS256");
        st = CM_ERR_UNSUPPORTED;
    } else if (cm_material(r->job, CM_MATERIAL_KEY, 0) != NULL) {
        st = by_key_set(r);
    } else if (x5c.doc != NULL) {
        st = by_chain(r, x5c);
    } else {
        cm_why_set(&r->why, "the token holds no certificates, and no key set was given");
        st = CM_ERR_NOTFOUND;
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    cm_why_set(&r->why, "the token's signature does not verify");
    cm_check_status(r->ev, r->submod, "gcp.signature", st, "%s", st == CM_OK ? "" : r->why.text);
    return st;
}

enum cm_status cm_gcp_token_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                   size_t submod)
{
    struct run r = {.job = job, .ev = ev, .submod = submod, .t = malloc(sizeof(*r.t))};
    const size_t from = cm_evidence_mark(ev, submod);
    struct cm_json_value payload = {NULL, 0};
    enum cm_status first = CM_OK;
    enum cm_status st = CM_OK;

    if (r.t == NULL) {
        return CM_ERR_NOMEM;
    }
    st = read_token(job->evidence, r.t, &r.why);
    cm_check_status(ev, submod, "gcp.token", st, "%s", r.why.text);
    if (st != CM_OK) {
        goto out;
    }
    payload = cm_json_root(&r.t->json);
    cm_gcp_token_claims(ev, submod, payload);
    first = check_signature(&r);
    if (first == CM_ERR_NOMEM || first == CM_ERR_CRYPTO) {
        st = first;
        goto out;
    }
    if (first == CM_OK) { /* Google's word about the machine, not the machine's own */
        cm_evidence_raise(ev, submod, from, CM_AUTHORITY_ENDORSER);
    }
    st = cm_gcp_token_check(job->in, ev, submod, payload);
    st = first == CM_OK ? st : first;
out:
    free(r.t);
    return st;
}
