/*
 * The certificates that policies may be signed under; see rules.h. Untrusted: the token and the
 * certificate in it. The first one comes from an admin; every other change is signed under one that is
 * registered, and no token does its work a second time: a removed signer cannot be brought back by whoever
 * recorded how he once came in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "evidence/x509.h"
#include "rules/rules_private.h"
#include "token/base64.h"
#include "token/jws.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define TOKEN_MAX   (64u << 10)
#define TOKEN_NODES 256u

struct change {
    struct cm_call *call;
    struct cm_span jws;  /* empty: the first certificate */
    struct cm_span cert; /* DER, or of the first one PEM */
    bool add;
    char thumbprint[CM_RULES_THUMBPRINT_CAP];
    char used[2][80]; /* what the table holds of a token that has done this, and the opposite */
};

/* A certificate that may be registered: a CA's, valid now; self-issued: its own signature verifies. */
static enum cm_status judge(const struct cm_cert *cert, uint64_t now, struct cm_why *why)
{
    const struct cm_period p = cm_cert_period(cert);

    if (!cert->has_constraints || !cert->ca) {
        cm_why_set(why, "a certificate for policies is a CA's (basicConstraints CA:TRUE)");
        return CM_ERR_MISMATCH;
    }
    if (now < p.not_before || now > p.not_after) {
        cm_why_set(why, "the certificate is not valid at this time");
        return CM_ERR_EXPIRED;
    }
    if (cm_cert_self_issued(cert) && cm_cert_signed_by(cert, cert) != CM_OK) {
        cm_why_set(why, "the certificate's own signature does not verify");
        return CM_ERR_SIGNATURE;
    }
    return CM_OK;
}

/* The certificate of a change, parsed, with its thumbprint. */
static enum cm_status open_cert(struct change *c, struct cm_certs *set, const struct cm_cert **cert,
                                struct cm_why *why)
{
    uint8_t sha1[20] = {0};
    enum cm_status st = cm_certs_add(set, c->cert, cert, 1, NULL);

    if (st != CM_OK) {
        cm_why_set(why, "not one certificate with a key of RSA-2048 at least or on P-256 to P-521");
        goto out;
    }
    CM_TRY(cm_hash(CM_HASH_SHA1, cm_cert_der(*cert), sha1));
    cm_hex_encode(cm_span_make(sha1, sizeof(sha1)), CM_HEX_LOWER, c->thumbprint);
out:
    return st;
}

/* The first certificate is an admin's to bring, who shows with the token that he has its key. */
static bool may_be_first(const struct change *c)
{
    return c->add && (c->call->who.roles & CM_ROLE_ADMIN) != 0;
}

/*
 * Whether the change is signed under a registered certificate, or the first one under itself, by a token that
 * was not used before.
 */
static enum cm_status judge_token(struct cm_db *db, struct change *c, const struct cm_cert *cert,
                                  struct cm_rules_signers *signers, struct cm_why *why)
{
    struct cm_rules_signers own = {signers->set, {cert}, 1};
    struct cm_rules_signature signature = {false, NULL};
    const struct cm_db_value values[] = {cm_db_text(c->used[0]), cm_db_int((int64_t)c->call->now)};
    enum cm_status st = CM_OK;

    if (signers->count == 0 && !may_be_first(c)) {
        cm_why_set(why, "no certificate is registered; the first one is an admin's to register");
        return CM_ERR_DENIED;
    }
    CM_TRY(cm_rules_signature_verify(c->jws, signers->count == 0 ? &own : signers, c->call->now,
                                     &signature, why));
    free(signature.signer_jwk);
    if (!signature.registered) {
        cm_why_set(why, "the change is not signed under %s",
                   signers->count == 0 ? "the certificate that it brings, which is the first"
                                       : "a registered certificate");
        return CM_ERR_DENIED;
    }
    st = cm_db_run(db, "INSERT INTO policy_certificate_token (hash, time) VALUES (?, ?)",
                   cm_db_with(values, COUNT(values)), cm_db_nowhere(), why);
out:
    return st;
}

static bool holds(const struct cm_rules_signers *signers, const struct cm_cert *cert)
{
    for (size_t i = 0; i < signers->count; i++) {
        if (signers->certs[i] == cert) {
            return true;
        }
    }
    return false;
}

static bool found(void *arg, const struct cm_db_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    *(bool *)arg = true;
    return false;
}

/*
 * A token does not say whether it adds or removes, and clients sign the same bytes for both. So one that
 * has done either adds nothing any more; one that has only added may still remove.
 */
static enum cm_status used_before(struct cm_db *db, const struct change *c, bool *used,
                                  struct cm_why *why)
{
    const struct cm_db_value hashes[] = {cm_db_text(c->used[0]),
                                         cm_db_text(c->used[c->add ? 1 : 0])};

    *used = false;
    return cm_db_run(db, "SELECT hash FROM policy_certificate_token WHERE hash = ? OR hash = ?",
                     cm_db_with(hashes, COUNT(hashes)), cm_db_into(found, used), why);
}

static enum cm_status apply(struct cm_db *db, struct change *c, const struct cm_cert *cert,
                            const struct cm_rules_signers *signers, struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_text(c->thumbprint), cm_db_blob(cm_cert_der(cert)),
                                         cm_db_text(c->call->who.name),
                                         cm_db_int((int64_t)c->call->now)};
    struct cm_rules_mode mode = {true, true};
    enum cm_status st = CM_OK;

    if (!c->add) {
        CM_TRY(cm_rules_mode_read(db, &mode, why));
        if (mode.signed_only && signers->count == 1) {
            cm_why_set(why, "the last certificate stays, where policies must be signed");
            return CM_ERR_STATE;
        }
        return cm_db_run(db, "DELETE FROM policy_certificate WHERE thumbprint = ?",
                         cm_db_with(values, 1), cm_db_nowhere(), why);
    }
    CM_TRY(judge(cert, c->call->now, why));
    if (signers->count == CM_RULES_MAX_CERTIFICATES) {
        cm_why_set(why, "at most %d certificates are registered", CM_RULES_MAX_CERTIFICATES);
        return CM_ERR_LIMIT;
    }
    st = cm_db_run(db,
                   "INSERT INTO policy_certificate (thumbprint, der, author, time)"
                   " VALUES (?, ?, ?, ?)",
                   cm_db_with(values, COUNT(values)), cm_db_nowhere(), why);
out:
    return st;
}

/* Whether the caller may make this change. */
static enum cm_status judge_change(struct cm_db *db, struct change *c, const struct cm_cert *cert,
                                   struct cm_rules_signers *signers, struct cm_why *why)
{
    const bool there = holds(signers, cert);
    bool used = false;
    enum cm_status st = CM_OK;

    if (c->jws.len == 0) {
        if (signers->count != 0) {
            cm_why_set(why, "there are certificates already: one of them signs for another");
            st = CM_ERR_STATE;
        }
        return st;
    }
    CM_TRY(used_before(db, c, &used, why));
    if (!used) {
        return judge_token(db, c, cert, signers, why);
    }
    if (there != c->add) {
        cm_why_set(why, "this token was used before: sign another");
        st = CM_ERR_DENIED;
    }
out:
    return st;
}

static enum cm_status run_change(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct change *c = arg;
    struct cm_rules_signers signers = {NULL, {NULL}, 0};
    const struct cm_cert *cert = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_guard(db, why));
    CM_TRY(cm_rules_signers_read(db, &signers, why));
    CM_TRY(open_cert(c, signers.set, &cert, why));
    CM_TRY(judge_change(db, c, cert, &signers, why));
    if (holds(&signers, cert) != c->add) {
        CM_TRY(apply(db, c, cert, &signers, why));
    }
    st = cm_service_touch(c->call->service, db, CM_RULES_TOPIC, why);
out:
    cm_rules_signers_free(&signers);
    return st;
}

/* -------------------------------------------------------------------- tokens */

struct opened {
    uint8_t payload[TOKEN_MAX];
    uint8_t der[CM_CERT_MAX_SIZE];
    char text[CM_BASE64_ENCODED(CM_CERT_MAX_SIZE) + 1];
    struct cm_json_node nodes[TOKEN_NODES];
    struct cm_jws jws;
};

/* The certificate that a token names; its signature is looked at in the transaction. */
static enum cm_status open_token(struct cm_span token, struct opened *o, struct cm_span *der,
                                 struct cm_why *why)
{
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    struct cm_json_value cert = {NULL, 0};
    struct cm_json_value x5c = {NULL, 0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_jws_parse(token, &o->jws, why));
    CM_TRY(cm_jws_payload(&o->jws, o->payload, sizeof(o->payload), &len));
    CM_TRY(cm_json_parse(cm_span_make(o->payload, len), o->nodes, TOKEN_NODES, &doc, why));
    cert = cm_json_get(cm_json_root(&doc), "policyCertificate");
    if (cert.doc == NULL) { /* the name of 2018 */
        cert = cm_json_get(cm_json_root(&doc), "maa-policyCertificate");
    }
    x5c = cm_json_get(cert, "x5c");
    if (cm_json_count(x5c) != 1) {
        cm_why_set(why, "the token holds no policyCertificate with one certificate (x5c)");
        return CM_ERR_SYNTAX;
    }
    CM_TRY(cm_json_string(cm_json_first(x5c), o->text, sizeof(o->text), &len));
    CM_TRY(cm_base64_decode(cm_span_make(o->text, len), o->der, sizeof(o->der), &len));
    *der = cm_span_make(o->der, len);
out:
    cm_why_set(st == CM_OK ? NULL : why, "the token holds no certificate");
    return st == CM_ERR_SPACE || st == CM_ERR_MISMATCH ? CM_ERR_FORMAT : st;
}

static enum cm_status commit(struct change *c, char thumbprint[], struct cm_why *why)
{
    char object[65] = ""; /* SHA-256 of the certificate as it came */
    uint8_t digest[32] = {0};
    enum cm_status st = CM_OK;

    if (c->call->who.name[0] == '\0') {
        cm_why_set(why, "certificates are not changed by nobody");
        return CM_ERR_DENIED;
    }
    CM_TRY(cm_hash(CM_HASH_SHA256, c->jws, digest));
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, object);
    (void)snprintf(c->used[0], sizeof(c->used[0]), "%s:%s", c->add ? "add" : "remove", object);
    (void)snprintf(c->used[1], sizeof(c->used[1]), "%s:%s", c->add ? "remove" : "add", object);
    CM_TRY(cm_hash(CM_HASH_SHA256, c->cert, digest));
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, object);
    CM_TRY(cm_call_write(c->call, run_change, c,
                         c->add ? "policy.certificate.add" : "policy.certificate.remove", object,
                         NULL, why));
    if (thumbprint != NULL) {
        (void)snprintf(thumbprint, CM_RULES_THUMBPRINT_CAP, "%s", c->thumbprint);
    }
out:
    return st;
}

enum cm_status cm_rules_certificate_change(struct cm_call *call, struct cm_span jws, bool add,
                                           char thumbprint[], struct cm_why *why)
{
    struct opened *o = NULL;
    struct change c = {.call = call, .jws = jws, .add = add};
    enum cm_status st = CM_OK;

    if (jws.len == 0 || jws.len > TOKEN_MAX) {
        cm_why_set(why, jws.len == 0 ? "no token" : "the token is too long");
        return CM_ERR_FORMAT;
    }
    o = malloc(sizeof(*o));
    if (o == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(open_token(jws, o, &c.cert, why));
    st = commit(&c, thumbprint, why);
out:
    free(o);
    return st;
}

enum cm_status cm_rules_certificate_first(struct cm_call *call, struct cm_span cert,
                                          char thumbprint[], struct cm_why *why)
{
    struct change c = {.call = call, .cert = cert, .add = true};

    if ((call->who.roles & CM_ROLE_ADMIN) == 0) {
        cm_why_set(why, "it takes an admin");
        return CM_ERR_DENIED;
    }
    return commit(&c, thumbprint, why);
}
