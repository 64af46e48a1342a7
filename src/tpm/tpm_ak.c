/* Whose key signed a quote; see tpm_ak.h. Untrusted: certificates and the public area beside the quote. */
#include "tpm/tpm_ak.h"

#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/sig_digest.h"
#include "evidence/chain.h"
#include "evidence/der.h"
#include "evidence/enrolled.h"

static const uint8_t oid_eku[] = {0x55, 0x1d, 0x25};
static const uint8_t oid_tcg_kp[] = {0x67, 0x81, 0x05, 0x08};
#define USE_AK 3

struct search {
    const struct cm_verify_job *job;
    const struct cm_tpm_attest *att;
    const struct cm_tpm_signature *sig;
    struct cm_evidence *ev;
    size_t submod;
    struct cm_tpm_ak *out;
    struct cm_why why;
};

static enum cm_status refuse(struct search *s, const char *name, enum cm_status st)
{
    cm_check_status(s->ev, s->submod, name, st, "%s", s->why.text);
    return st;
}

static enum cm_status try_key(void *ctx, const struct cm_pubkey *key)
{
    struct search *s = ctx;
    uint16_t hash = 0;
    enum cm_status st = cm_tpm_signature_verify(s->sig, s->att, key, &hash);

    s->out->verified = st == CM_OK ? hash : 0;
    return st == CM_OK ? cm_pubkey_copy(key, &s->out->key) : st;
}

static void name_claim(struct search *s, const struct cm_tpm_public *pub, bool vouched)
{
    const size_t from = cm_evidence_mark(s->ev, s->submod);
    uint8_t name[2 + CM_TPM_MAX_DIGEST];
    size_t len = 0;

    if (cm_tpm_public_name(pub, name, &len) == CM_OK) {
        cm_claim_bytes(s->ev, s->submod, "tpm.ak_name", cm_span_make(name, len));
        cm_claim_uint(s->ev, s->submod, "tpm.ak_attributes", pub->attributes);
        if (vouched) {
            cm_claim_bytes(s->ev, s->submod, CM_CLAIM_UEID, cm_span_make(name, len));
            cm_evidence_raise(s->ev, s->submod, from, s->out->authority);
        }
    }
}

/* An enrolled public area: the whole of it is the caller's word. */
static enum cm_status try_area(struct search *s, struct cm_span bytes)
{
    struct cm_tpm_public pub;
    struct cm_pubkey *key = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_parse(bytes, &pub, &s->why));
    CM_TRY(cm_tpm_public_key(&pub, &key));
    CM_TRY(try_key(s, key));
    st = cm_tpm_public_is_ak(&pub, &s->why);
    if (st != CM_OK) {
        (void)refuse(s, "tpm.ak_attributes", st);
        goto out;
    }
    cm_check_status(s->ev, s->submod, "tpm.ak_attributes", CM_OK, "%s", "");
    s->out->authority = CM_AUTHORITY_HARDWARE;
    name_claim(s, &pub, true);
out:
    cm_pubkey_free(key);
    return st;
}

static enum cm_status find_enrolled(struct search *s)
{
    const struct cm_enrolled_query any = {{NULL, 0}, {NULL, 0}, s->job->cert_cache};
    const struct cm_material *m = NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    for (size_t i = 0; (m = cm_material(s->job, CM_MATERIAL_KEY, i)) != NULL; i++) {
        struct cm_why why = {{0}};

        s->why.text[0] = '\0';
        if (cm_tpm_public_recognise(m->bytes)) {
            st = try_area(s, m->bytes);
        } else {
            st = cm_enrolled_find_in(m->bytes, &any, try_key, s, &why);
            s->out->authority = CM_AUTHORITY_KEY;
        }
        if (st == CM_OK || s->out->key != NULL) {
            return st;
        }
        cm_why_set(&s->why, "no enrolled key made the signature (%s: %s)",
                   m->name == NULL ? "the last one" : m->name,
                   why.text[0] == '\0' ? cm_status_str(st) : why.text);
    }
    /* not the key of these signatures: what that is depends on how many keys there are, so one answer */
    return st == CM_ERR_MISMATCH ? CM_ERR_SIGNATURE : st;
}

bool cm_tpm_cert_for(const struct cm_cert *cert, uint8_t use, bool absent)
{
    struct cm_span value = cm_cert_extension(cert, cm_span_make(oid_eku, sizeof(oid_eku)));
    struct cm_rd outer = cm_rd_init(value);
    struct cm_rd list = cm_der_enter(&outer, CM_DER_SEQUENCE);

    if (value.ptr == NULL) {
        return absent;
    }
    while (!list.bad && list.left != 0) {
        struct cm_span oid = cm_der_oid(&list);

        if (oid.len == sizeof(oid_tcg_kp) + 1 &&
            memcmp(oid.ptr, oid_tcg_kp, sizeof(oid_tcg_kp)) == 0 && oid.ptr[oid.len - 1] == use) {
            return true;
        }
    }
    return false;
}

static void cert_claims(struct search *s, const struct cm_cert *leaf, const struct cm_chain *chain)
{
    const size_t from = cm_evidence_mark(s->ev, s->submod);

    cm_chain_claims(chain, s->ev, s->submod);
    cm_claim_bytes(s->ev, s->submod, "tpm.ak_cert", cm_cert_der(leaf));
    cm_evidence_raise(s->ev, s->submod, from, s->out->authority);
}

/*
 * The attestation key's certificate: the one that is no CA's. Of several, such as an endorsement key's beside
 * it, the one whose key made the signature; the chain of that is verified like any other's.
 */
static enum cm_status find_leaf(struct search *s, const struct cm_certs *pool,
                                const struct cm_cert **out)
{
    const struct cm_cert *c = NULL;
    unsigned count = 0;

    for (size_t i = 0; (c = cm_certs_at(pool, i)) != NULL; i++) {
        if (!cm_cert_is_ca(c)) {
            *out = count++ == 0 ? c : *out;
        }
    }
    if (count == 0) {
        cm_why_set(&s->why, "no certificate of an attestation key was given, only those of CAs");
        return CM_ERR_NOTFOUND;
    }
    for (size_t i = 0; count > 1 && (c = cm_certs_at(pool, i)) != NULL; i++) {
        uint16_t hash = 0;

        if (!cm_cert_is_ca(c) &&
            cm_tpm_signature_verify(s->sig, s->att, cm_cert_key(c), &hash) == CM_OK) {
            s->out->verified = hash;
            *out = c;
            break;
        }
    }
    return CM_OK;
}

static enum cm_status find_certified(struct search *s)
{
    static const struct cm_span handled[] = {{oid_eku, sizeof(oid_eku)}};
    static const struct cm_chain_rule rule = {
        .family = "tpm", .names = CM_CHAIN_NAMES("tpm"), .handled = handled, .handled_count = 1};
    struct cm_certs *pool = NULL;
    const struct cm_cert *leaf = NULL;
    struct cm_chain chain;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(s->job->cert_cache, &pool));
    st = cm_chain_pool(s->job, pool, true);
    if (st == CM_OK && cm_certs_at(pool, 0) == NULL) {
        st = CM_ERR_FORMAT;
    }
    cm_why_set(&s->why, "%s",
               st == CM_OK ? "" : "the attestation key's certificate cannot be read");
    CM_TRY(st);
    CM_TRY(find_leaf(s, pool, &leaf));
    s->out->authority = CM_AUTHORITY_HARDWARE;
    CM_TRY(cm_chain_verify(s->job, s->ev, s->submod, pool, leaf, &rule, &chain));
    if (!cm_tpm_cert_for(leaf, USE_AK, true)) {
        cm_why_set(&s->why, "the certificate is not one for attestation keys");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(cm_pubkey_copy(cm_cert_key(leaf), &s->out->key));
    cert_claims(s, leaf, &chain);
out:
    cm_certs_free(pool);
    return st;
}

/* A public area that nobody vouches for: it may condemn the key, but not save it. */
static enum cm_status check_area(struct search *s)
{
    const struct cm_material *m = cm_material(s->job, CM_MATERIAL_TPM_PUBLIC, 0);
    struct cm_tpm_public pub;
    enum cm_status st = CM_OK;

    if (m == NULL) {
        return CM_OK;
    }
    CM_TRY(cm_tpm_public_parse(m->bytes, &pub, &s->why));
    st = cm_tpm_public_match(&pub, s->out->key);
    if (st == CM_ERR_MISMATCH) {
        cm_why_set(&s->why, "the public area beside the quote is of another key");
    }
    CM_TRY(st);
    CM_TRY(cm_tpm_public_is_ak(&pub, &s->why));
    name_claim(s, &pub, false);
out:
    return st;
}

enum cm_status cm_tpm_ak_find(const struct cm_verify_job *job, const struct cm_tpm_attest *att,
                              const struct cm_tpm_signature *sig, struct cm_evidence *ev,
                              size_t submod, struct cm_tpm_ak *out)
{
    struct search s = {job, att, sig, ev, submod, out, {{0}}};
    const bool enrolled = cm_material(job, CM_MATERIAL_KEY, 0) != NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    out->key = NULL;
    out->authority = CM_AUTHORITY_SELF;
    out->verified = 0;
    if (enrolled) {
        st = find_enrolled(&s);
    } else if (cm_material(job, CM_MATERIAL_CERTS, 0) != NULL) {
        st = find_certified(&s);
    } else {
        cm_why_set(&s.why,
                   "no attestation key is trusted: give an enrolled key or its certificate");
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    cm_check_status(ev, submod, "tpm.ak", st, "%s", st == CM_OK ? "" : s.why.text);
    if (st != CM_OK) {
        return st;
    }
    st = check_area(&s);
    if (st != CM_OK) {
        return refuse(&s, "tpm.ak_attributes", st);
    }
    if (out->authority == CM_AUTHORITY_KEY) {
        cm_check_note(ev, submod, "tpm.ak_attributes", CM_CHECK_NOT_CHECKED,
                      "the enrolled key says not whether its TPM restricts what it signs");
    }
    return CM_OK;
}
