/* Google Compute Engine's vTPM attestation; see gce.h. Untrusted: all of the evidence. */
#include "cvm/gce.h"

#include <stdlib.h>
#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "crypto/sig_digest.h"
#include "cvm/gce_parse.h"
#include "evidence/chain.h"
#include "evidence/enrolled.h"
#include "tpm/tpm_ak.h"

#define USE_EK   1 /* what Google writes into certificates of attestation keys, too */
#define USE_AK   3
#define MAX_TEXT 256

/* 1.3.6.1.4.1.11129.2.1.21 */
static const uint8_t oid_instance[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x01, 0x15};
static const uint8_t oid_eku[] = {0x55, 0x1d, 0x25};

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t submod;
    struct cm_gce_attestation att;
    struct cm_tpm_public pub; /* of the attestation key, as it stands in the evidence */
    struct cm_pubkey *ak;
    enum cm_authority authority;
    struct cm_why why;
};

bool cm_gce_recognise(struct cm_span bytes)
{
    struct cm_gce_attestation att;
    struct cm_rd r = {NULL, 0, false};

    if (bytes.len < 4 || bytes.ptr[0] != 0x0a || /* field 1, bytes */
        cm_gce_parse(bytes, &att, NULL) != CM_OK) {
        return false;
    }
    r = cm_rd_init(att.quotes[0].attest);
    return cm_tpm_public_recognise(att.ak_pub) && cm_rd_u32be(&r) == CM_TPM_MAGIC;
}

static enum cm_status step(struct run *r, const char *name, enum cm_status st)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", st == CM_OK ? "" : r->why.text);
    return st;
}

static enum cm_status same_key(void *ctx, const struct cm_pubkey *key)
{
    const struct run *r = ctx;

    return cm_pubkey_equal(key, r->ak) ? CM_OK : CM_ERR_MISMATCH;
}

/* An enrolled key: a public area, whole, or a key. */
static enum cm_status check_enrolled(struct run *r)
{
    static const struct cm_enrolled_query any = {{NULL, 0}, {NULL, 0}, NULL};
    const struct cm_material *m = NULL;
    enum cm_status st = cm_tpm_public_key(&r->pub, &r->ak);

    if (st != CM_OK) {
        cm_why_set(&r->why, "the attestation key is no key");
        return st;
    }
    st = CM_ERR_MISMATCH;
    for (size_t i = 0; (m = cm_material(r->job, CM_MATERIAL_KEY, i)) != NULL; i++) {
        struct cm_tpm_public pub;

        if (!cm_tpm_public_recognise(m->bytes)) {
            st = cm_enrolled_find_in(m->bytes, &any, same_key, r, &r->why);
            r->authority = CM_AUTHORITY_KEY;
        } else if (cm_tpm_public_parse(m->bytes, &pub, &r->why) == CM_OK) {
            st = cm_span_same(pub.bytes, r->att.ak_pub) ? CM_OK : CM_ERR_MISMATCH;
            r->authority = CM_AUTHORITY_HARDWARE;
        }
        if (st == CM_OK) {
            return st;
        }
    }
    cm_why_set(&r->why, "the attestation key is none of the enrolled keys");
    return st;
}

static void text_claim(struct run *r, const char *name, struct cm_span s)
{
    char text[MAX_TEXT] = "";

    if (s.len < sizeof(text) && memchr(s.ptr, 0, s.len) == NULL) {
        memcpy(text, s.ptr, s.len);
        cm_claim_text(r->ev, r->submod, name, text);
    } else {
        cm_claim_bytes(r->ev, r->submod, name, s);
    }
}

/* The instance, if the certificate is of a production machine: others may claim to be any. */
static enum cm_status check_instance(struct run *r, const struct cm_cert *leaf)
{
    struct cm_span ext = cm_cert_extension(leaf, cm_span_make(oid_instance, sizeof(oid_instance)));
    struct cm_gce_instance in;
    const size_t from = cm_evidence_mark(r->ev, r->submod);

    if (ext.ptr == NULL) {
        cm_check_note(r->ev, r->submod, "gce.instance", CM_CHECK_NOT_APPLICABLE,
                      "the certificate names no instance");
        return CM_OK;
    }
    if (cm_gce_instance(ext, &in) != CM_OK) {
        cm_why_set(&r->why, "the certificate's instance is malformed");
        return step(r, "gce.instance", CM_ERR_FORMAT);
    }
    if (!in.production) {
        cm_check_note(r->ev, r->submod, "gce.instance", CM_CHECK_NOT_APPLICABLE,
                      "the certificate is not of Google's production, so its instance counts for "
                      "nothing");
        return CM_OK;
    }
    text_claim(r, "gce.zone", in.zone);
    cm_claim_uint(r->ev, r->submod, "gce.project_number", in.project_number);
    text_claim(r, "gce.project_id", in.project_id);
    cm_claim_uint(r->ev, r->submod, "gce.instance_id", in.instance_id);
    text_claim(r, "gce.instance_name", in.instance_name);
    cm_claim_uint(r->ev, r->submod, "gce.security_version", in.security_version);
    cm_claim_bool(r->ev, r->submod, "gce.production", in.production);
    cm_evidence_raise(r->ev, r->submod, from, CM_AUTHORITY_ENDORSER);
    return step(r, "gce.instance", CM_OK);
}

static void cert_claims(struct run *r, const struct cm_chain *chain)
{
    const size_t from = cm_evidence_mark(r->ev, r->submod);

    cm_chain_claims(chain, r->ev, r->submod);
    cm_evidence_raise(r->ev, r->submod, from, CM_AUTHORITY_HARDWARE);
}

/* The key by its certificate. */
static enum cm_status check_certified(struct run *r)
{
    static const struct cm_span handled[] = {{oid_eku, sizeof(oid_eku)}};
    static const struct cm_chain_rule rule = {
        .family = "gce", .names = CM_CHAIN_NAMES("gce"), .handled = handled, .handled_count = 1};
    struct cm_certs *pool = NULL;
    const struct cm_cert *leaf = NULL;
    struct cm_chain chain;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(r->job->cert_cache, &pool));
    st = cm_certs_add(pool, r->att.ak_cert, &leaf, 1, NULL);
    for (size_t i = 0; st == CM_OK && i < r->att.intermediate_count; i++) {
        st = cm_certs_add(pool, r->att.intermediates[i], NULL, 0, NULL);
    }
    st = st == CM_OK ? cm_chain_pool(r->job, pool, true) : st;
    if (st != CM_OK) {
        cm_why_set(&r->why, "a certificate cannot be read");
        goto out;
    }
    st = cm_chain_verify(r->job, r->ev, r->submod, pool, leaf, &rule, &chain);
    if (st != CM_OK) {
        cm_why_set(&r->why, "the attestation key's certificate does not lead to a trusted root");
        goto out;
    }
    if (!cm_tpm_cert_for(leaf, USE_AK, true) && !cm_tpm_cert_for(leaf, USE_EK, true)) {
        cm_why_set(&r->why, "the certificate is not one for keys of a TPM");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    st = cm_tpm_public_match(&r->pub, cm_cert_key(leaf));
    if (st != CM_OK) {
        cm_why_set(&r->why, "%s",
                   st == CM_ERR_MISMATCH
                       ? "the certificate is of another key than the attestation's"
                       : "the attestation key is no key");
        goto out;
    }
    CM_TRY(cm_pubkey_copy(cm_cert_key(leaf), &r->ak));
    r->authority = CM_AUTHORITY_HARDWARE;
    cert_claims(r, &chain);
    st = check_instance(r, leaf);
out:
    cm_certs_free(pool);
    return st;
}

static enum cm_status check_key(struct run *r)
{
    uint8_t name[2 + CM_TPM_MAX_DIGEST];
    size_t len = 0;
    size_t from = 0;
    enum cm_status st = cm_tpm_public_parse(r->att.ak_pub, &r->pub, &r->why);

    if (st != CM_OK) {
        return step(r, "tpm.ak", st);
    }
    if (cm_material(r->job, CM_MATERIAL_KEY, 0) != NULL) { /* never mixed with certificates */
        st = check_enrolled(r);
    } else if (r->att.ak_cert.ptr != NULL) {
        st = check_certified(r);
    } else {
        cm_why_set(&r->why, "no certificate is in the attestation and no key is enrolled");
        st = CM_ERR_NOTFOUND;
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    if (step(r, "tpm.ak", st) != CM_OK) {
        return st;
    }
    st = step(r, "tpm.ak_attributes", cm_tpm_public_is_ak(&r->pub, &r->why));
    if (st == CM_OK && cm_tpm_public_name(&r->pub, name, &len) == CM_OK) {
        from = cm_evidence_mark(r->ev, r->submod);
        cm_claim_bytes(r->ev, r->submod, "tpm.ak_name", cm_span_make(name, len));
        cm_claim_bytes(r->ev, r->submod, CM_CLAIM_UEID, cm_span_make(name, len));
        cm_claim_uint(r->ev, r->submod, "tpm.ak_attributes", r->pub.attributes);
        cm_evidence_raise(r->ev, r->submod, from, r->authority);
    }
    return st;
}

/* How good a quote's bank is: the widest SHA-2. */
static size_t rank(const struct cm_gce_quote *q)
{
    struct cm_tpm_attest att;

    if (cm_tpm_attest_parse(q->attest, &att, NULL) != CM_OK || att.sel_count == 0) {
        return 0;
    }
    return cm_tpm_hash_size(att.sel[0].alg);
}

static enum cm_status check_quote(struct run *r, const struct cm_gce_quote *q, bool more)
{
    struct cm_tpm_pcrs *pcrs = malloc(sizeof(*pcrs));
    struct cm_tpm_quote quote = {.attest = q->attest,
                                 .signature = q->signature,
                                 .labelled = pcrs,
                                 .log = more ? cm_span_make(NULL, 0) : r->att.event_log,
                                 .ak = r->ak,
                                 .authority = r->authority,
                                 .more = more};
    enum cm_status st = pcrs == NULL ? CM_ERR_NOMEM : cm_gce_pcrs(q->pcrs, pcrs);

    if (st == CM_OK) {
        st = cm_tpm_quote_verify(&quote, r->job->in, r->ev, r->submod);
    } else if (st != CM_ERR_NOMEM) {
        cm_why_set(&r->why, "the values of a quote's registers are malformed");
        st = step(r, "tpm.pcrs", st);
    }
    free(pcrs);
    return st;
}

/* Other attestations inside: nothing in them or in the quotes binds one to the other. */
static void note_others(struct run *r)
{
    if (r->att.snp.ptr != NULL || r->att.tdx.ptr != NULL) {
        cm_check_note(r->ev, r->submod, "gce.tee", CM_CHECK_NOT_CHECKED,
                      "the %s attestation inside is not bound to the vTPM and was not read",
                      r->att.snp.ptr != NULL ? "SEV-SNP" : "TDX");
    }
    if (r->att.canonical_event_log.ptr != NULL) {
        cm_check_note(r->ev, r->submod, "gce.canonical_event_log", CM_CHECK_NOT_CHECKED,
                      "the log of containers was not read");
    }
}

enum cm_status cm_gce_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod)
{
    struct run *r = calloc(1, sizeof(*r));
    size_t best = 0;
    enum cm_status first = CM_OK;
    enum cm_status st = CM_OK;

    if (r == NULL) {
        return CM_ERR_NOMEM;
    }
    *r = (struct run){.job = job, .ev = ev, .submod = submod};
    st = cm_gce_parse(job->evidence, &r->att, &r->why);
    CM_TRY(step(r, "gce.attestation", st));
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, "gce");
    cm_claim_text(ev, submod, CM_CLAIM_OEMID, "Google");
    note_others(r);
    CM_TRY(check_key(r));
    for (size_t i = 1; i < r->att.quote_count; i++) {
        best = rank(&r->att.quotes[i]) > rank(&r->att.quotes[best]) ? i : best;
    }
    first = check_quote(r, &r->att.quotes[best], false);
    for (size_t i = 0; i < r->att.quote_count; i++) {
        st = i == best ? CM_OK : check_quote(r, &r->att.quotes[i], true);
        first = first == CM_OK ? st : first;
    }
    st = first;
out:
    cm_pubkey_free(r->ak);
    free(r);
    return st;
}
