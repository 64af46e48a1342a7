/* Chains to the caller's roots; see chain.h. Untrusted: certificates and revocation lists. */
#include "evidence/chain.h"

#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "evidence/cert_cache.h"
#include "evidence/timefmt.h"
#include "evidence/x509.h"

#define USAGE_SIGNATURE 0x80u
#define USAGE_CERT_SIGN 0x04u
#define USAGE_CRL_SIGN  0x02u
#define MAX_ATTEMPTS    32 /* signatures tried while looking for issuers */

/* What is being verified. */
struct walk {
    const struct cm_verify_job *job;
    const struct cm_certs *pool;
    const struct cm_chain_rule *rule;
    struct cm_chain chain;
    unsigned attempts;
    struct cm_why why;
};

enum cm_status cm_chain_pool(const struct cm_verify_job *job, struct cm_certs *pool,
                             bool skip_others)
{
    const struct cm_material *m = NULL;
    enum cm_status st = CM_OK;

    for (size_t i = 0; st == CM_OK && (m = cm_material(job, CM_MATERIAL_CERTS, i)) != NULL; i++) {
        bool cert = m->bytes.len != 0 && (m->bytes.ptr[0] == 0x30 || m->bytes.ptr[0] == '-');

        if (cert || !skip_others) {
            st = cm_certs_add(pool, m->bytes, NULL, 0, NULL);
        }
    }
    return st;
}

static bool in_chain(const struct cm_chain *chain, const struct cm_cert *cert)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->certs[i] == cert) {
            return true;
        }
    }
    return false;
}

static bool valid_at(const struct cm_cert *cert, uint64_t now)
{
    return cert->period.not_before <= now && now <= cert->period.not_after;
}

static bool may_issue(const struct cm_cert *issuer, const struct cm_cert *cert)
{
    return cm_span_same(issuer->subject, cert->issuer) &&
           (cert->aki.len == 0 || issuer->ski.len == 0 || cm_span_same(cert->aki, issuer->ski));
}

/* The pool's issuer of a certificate: one that is valid now before one that is not. */
static enum cm_status find_issuer(struct walk *w, const struct cm_cert *cert,
                                  const struct cm_cert **out)
{
    enum cm_status st = CM_ERR_NOTFOUND;

    for (int pass = 0; pass < 2; pass++) {
        const struct cm_cert *c = NULL;

        for (size_t i = 0; (c = cm_certs_at(w->pool, i)) != NULL; i++) {
            if (valid_at(c, w->job->in->now) != (pass == 0) || in_chain(&w->chain, c) ||
                !may_issue(c, cert)) {
                continue;
            }
            if (w->attempts++ == MAX_ATTEMPTS) {
                cm_why_set(&w->why, "too many certificates of one name");
                return CM_ERR_LIMIT;
            }
            st = cm_cert_signed_by(cert, c);
            if (st == CM_OK) {
                *out = c;
                return CM_OK;
            }
            if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
                return st;
            }
            st = CM_ERR_SIGNATURE;
        }
    }
    cm_why_set(&w->why,
               st == CM_ERR_SIGNATURE
                   ? "\"%.*s\": its signature does not verify under its issuer's key"
                   : "\"%.*s\": its issuer's certificate was not given",
               (int)(cert->cn.len > 64 ? 64 : cert->cn.len),
               cert->cn.len == 0 ? "" : (const char *)cert->cn.ptr);
    return st;
}

/* From the leaf up to a pinned key. CM_ERR_POLICY: the end is nobody's that the caller trusts. */
static enum cm_status climb(struct walk *w)
{
    size_t max = w->rule->max == 0 ? CM_CHAIN_MAX : w->rule->max;
    enum cm_status st = CM_OK;

    for (;;) {
        const struct cm_cert *cert = w->chain.certs[w->chain.count - 1];
        const struct cm_cert *issuer = NULL;

        if (w->chain.count > 1) {
            w->chain.root = cm_root_find(w->job->in, w->rule->family, cert->spki_sha256);
        }
        if (w->chain.root != NULL) {
            st = cm_cert_self_issued(cert) ? cm_cert_signed_by(cert, cert) : CM_OK;
            if (st != CM_OK) {
                cm_why_set(&w->why, "the root's own signature does not verify");
            }
            return st;
        }
        if (cm_cert_self_issued(cert)) {
            return CM_ERR_POLICY;
        }
        CM_TRY(find_issuer(w, cert, &issuer));
        if (w->chain.count == max || w->chain.count == CM_CHAIN_MAX) {
            cm_why_set(&w->why, "the chain is longer than %zu certificates", max);
            return CM_ERR_LIMIT;
        }
        w->chain.certs[w->chain.count++] = issuer;
    }
out:
    return st;
}

static bool known_critical(const struct cm_chain_rule *rule, struct cm_span oid)
{
    /* keyUsage, subjectAltName (names only), basicConstraints */
    static const uint8_t known[] = {0x0f, 0x11, 0x13};

    if (oid.len == 3 && oid.ptr[0] == 0x55 && oid.ptr[1] == 0x1d &&
        memchr(known, oid.ptr[2], sizeof(known)) != NULL) {
        return true;
    }
    for (size_t i = 0; i < rule->handled_count; i++) {
        if (cm_span_same(rule->handled[i], oid)) {
            return true;
        }
    }
    return false;
}

static const char *role_fault(const struct walk *w, size_t place, size_t cas_below)
{
    const struct cm_cert *c = w->chain.certs[place];

    for (size_t i = 0; i < c->ext_count; i++) {
        if (c->exts[i].critical && !known_critical(w->rule, c->exts[i].oid)) {
            return "has an unknown critical extension";
        }
    }
    if (place == 0) {
        if (c->ca) {
            return "is a CA's, and stands for a signer";
        }
        return c->has_usage && (c->usage & USAGE_SIGNATURE) == 0 && !w->rule->any_leaf_use
                   ? "may not sign data by its key usage"
                   : NULL;
    }
    if (!c->ca) {
        return "is no CA's, and signed another";
    }
    if (c->has_usage && (c->usage & USAGE_CERT_SIGN) == 0) {
        return "may not sign certificates by its key usage";
    }
    return c->has_pathlen && c->pathlen < cas_below ? "allows fewer CAs below it" : NULL;
}

static enum cm_status check_roles(struct walk *w)
{
    size_t cas_below = 0;

    for (size_t i = 0; i < w->chain.count; i++) {
        const struct cm_cert *c = w->chain.certs[i];
        const char *fault = role_fault(w, i, cas_below);

        if (fault != NULL) {
            cm_why_set(&w->why, "certificate %zu of the chain %s", i, fault);
            return CM_ERR_MISMATCH;
        }
        if (i != 0 && !cm_cert_self_issued(c)) { /* RFC 5280 section 4.2.1.9 */
            cas_below++;
        }
    }
    return CM_OK;
}

static enum cm_status check_root(struct walk *w, struct cm_evidence *ev, size_t submod)
{
    const struct cm_trust_root *root = w->chain.root;
    const char *name = w->rule->names.root;

    if (root == NULL) {
        cm_check_status(ev, submod, name, CM_ERR_POLICY, "%s",
                        "the root is not one that is trusted");
        return CM_ERR_POLICY;
    }
    if (root->emulated) {
        cm_claim_bool(ev, submod, CM_CLAIM_EMULATED, true);
        if ((w->job->in->flags & CM_VERIFY_ALLOW_EMULATED) == 0) {
            cm_check_status(ev, submod, name, CM_ERR_POLICY, "%s", "the root is an emulator's");
            return CM_ERR_POLICY;
        }
    }
    cm_check_status(ev, submod, name, CM_OK, "%s", root->label == NULL ? "" : root->label);
    return CM_OK;
}

static enum cm_status check_period(struct walk *w, struct cm_evidence *ev, size_t submod)
{
    struct cm_period *all = &w->chain.period;

    all->not_before = 0;
    all->not_after = UINT64_MAX;
    for (size_t i = 0; i < w->chain.count; i++) {
        const struct cm_cert *c = w->chain.certs[i];
        const struct cm_period p = c->period;

        all->not_before = p.not_before > all->not_before ? p.not_before : all->not_before;
        all->not_after = p.not_after < all->not_after ? p.not_after : all->not_after;
        if (!valid_at(c, w->job->in->now)) {
            char from[24] = "";
            char to[24] = "";

            cm_time_text(p.not_before, from);
            cm_time_text(p.not_after, to);
            cm_check_status(ev, submod, w->rule->names.period, CM_ERR_EXPIRED,
                            "certificate %zu of the chain is valid from %s to %s", i, from, to);
            return CM_ERR_EXPIRED;
        }
    }
    cm_check_status(ev, submod, w->rule->names.period, CM_OK, "%s", "");
    return CM_OK;
}

/* One revocation list against the whole chain. applied is set when its issuer stands there. */
static enum cm_status apply_crl(struct walk *w, const struct cm_crl *crl, bool *applied)
{
    const struct cm_period p = cm_crl_period(crl);
    enum cm_status st = CM_OK;

    for (size_t i = 1; i < w->chain.count; i++) {
        const struct cm_cert *issuer = w->chain.certs[i];

        if (!cm_span_same(issuer->subject, cm_crl_issuer(crl))) {
            continue;
        }
        *applied = true;
        CM_TRY(cm_crl_verify(crl, issuer, &w->why));
        if (issuer->has_usage && (issuer->usage & USAGE_CRL_SIGN) == 0) {
            cm_why_set(&w->why, "its issuer may not sign revocation lists");
            return CM_ERR_MISMATCH;
        }
        if (w->job->in->now < p.not_before || w->job->in->now > p.not_after) {
            cm_why_set(&w->why, "a revocation list is out of its period");
            return CM_ERR_EXPIRED;
        }
        /* every certificate that the issuer signed; the root's own too */
        for (size_t j = 0; j < w->chain.count; j++) {
            const struct cm_cert *c = w->chain.certs[j];

            if (cm_span_same(c->issuer, issuer->subject) && cm_crl_revokes(crl, c)) {
                cm_why_set(&w->why, "certificate %zu of the chain is revoked", j);
                return CM_ERR_REVOKED;
            }
        }
        w->chain.period.not_after =
            p.not_after < w->chain.period.not_after ? p.not_after : w->chain.period.not_after;
    }
out:
    return st;
}

static enum cm_status check_crls(struct walk *w, struct cm_evidence *ev, size_t submod)
{
    const char *name = w->rule->names.crl;
    const struct cm_material *m = NULL;
    bool applied = false;
    enum cm_status st = CM_OK;

    for (size_t i = 0; (m = cm_material(w->job, CM_MATERIAL_CRL, i)) != NULL; i++) {
        struct cm_crl *crl = NULL;

        st = cm_crl_parse_general(m->bytes, &crl);
        if (st == CM_OK) {
            st = apply_crl(w, crl, &applied);
        } else {
            cm_why_set(&w->why, "a revocation list is malformed or of an unknown kind");
        }
        cm_crl_free(crl);
        if (st != CM_OK) {
            cm_check_status(ev, submod, name, st, "%s", w->why.text);
            return st;
        }
    }
    if (applied) {
        cm_check_status(ev, submod, name, CM_OK, "%s", "");
    } else {
        cm_check_note(ev, submod, name, CM_CHECK_NOT_CHECKED, "%s",
                      "no revocation list of the chain's issuers was given");
    }
    return CM_OK;
}

static void keep_all(const struct walk *w)
{
    if (w->job->cert_cache != NULL) {
        for (size_t i = 0; i < w->chain.count; i++) {
            cm_cert_cache_keep(w->job->cert_cache, w->chain.certs[i]);
        }
    }
}

/* NOLINTNEXTLINE(readability-function-size): the job, where to record, what to verify */
enum cm_status cm_chain_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                               size_t submod, const struct cm_certs *pool,
                               const struct cm_cert *leaf, const struct cm_chain_rule *rule,
                               struct cm_chain *out)
{
    struct walk w = {.job = job, .pool = pool, .rule = rule};
    enum cm_status st = CM_OK;

    w.chain.certs[w.chain.count++] = leaf;
    st = climb(&w);
    if (st == CM_ERR_POLICY) {
        return check_root(&w, ev, submod);
    }
    if (st == CM_OK) {
        st = check_roles(&w);
    }
    cm_check_status(ev, submod, rule->names.path, st, "%s", st == CM_OK ? "" : w.why.text);
    if (st != CM_OK) {
        return st;
    }
    CM_TRY(check_root(&w, ev, submod));
    CM_TRY(check_period(&w, ev, submod));
    CM_TRY(check_crls(&w, ev, submod));
    keep_all(&w);
    *out = w.chain;
out:
    return st;
}

void cm_chain_claims(const struct cm_chain *chain, struct cm_evidence *ev, size_t submod)
{
    cm_claim_bytes(ev, submod, CM_CLAIM_SIGNER_ROOT, cm_span_make(chain->root->spki_sha256, 32));
    cm_claim_time(ev, submod, CM_CLAIM_NOT_BEFORE, chain->period.not_before);
    cm_claim_time(ev, submod, CM_CLAIM_NOT_AFTER, chain->period.not_after);
}
