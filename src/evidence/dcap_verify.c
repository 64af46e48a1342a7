/*
 * The verification of one quote; see casemate/dcap.h. Straight-line: every check is made where its
 * inputs exist and recorded by name; nothing is skipped because something before it failed.
 */
#include <stdio.h>
#include <string.h>

#include "common/reader.h"
#include "common/same.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "crypto/pubkey.h"
#include "evidence/dcap_cache.h"
#include "evidence/dcap_claims.h"
#include "evidence/dcap_part.h"
#include "evidence/material.h"

#define SGX_DEBUG     2u
#define CERT_PCK_PEM  5
#define CERT_LEAF_PEM 4

struct run {
    struct cm_quote q;
    const struct cm_platform *p;
    const struct cm_verify_input *in;
    struct cm_evidence *ev;
    size_t submod;
    enum cm_status first; /* the first failed required check */
};

/* Record a required check. */
static void step(struct run *r, const char *name, enum cm_status st, const char *detail)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", detail);
    if (r->first == CM_OK) {
        r->first = st;
    }
}

static const struct cm_trust_root *trusted(const struct cm_verify_input *in,
                                           const struct cm_cert *root)
{
    return root == NULL ? NULL : cm_root_find(in, "sgx", cm_cert_spki_sha256(root));
}

/*
 * All three chains must end in a root that the caller trusts, known by its key, and in the same one:
 * one maker must not endorse another's platforms, and the revocation list is that root's only.
 */
static void judge_roots(struct run *r)
{
    const struct cm_cert *roots[3] = {r->p->root, r->p->tcb_root, r->p->qe_root};
    const struct cm_trust_root *t = NULL;

    for (size_t i = 0; i < 3; i++) {
        t = trusted(r->in, roots[i]);
        if (t == NULL) {
            step(r, "root.trusted", CM_ERR_POLICY, "a chain does not end in a trusted root");
            return;
        }
        if (t->emulated) {
            if (cm_evidence_find(r->ev, r->submod, CM_CLAIM_EMULATED, 0) == NULL) {
                cm_claim_bool(r->ev, r->submod, CM_CLAIM_EMULATED, true);
            }
            if ((r->in->flags & CM_VERIFY_ALLOW_EMULATED) == 0) {
                step(r, "root.trusted", CM_ERR_POLICY, "EMULATED: an emulator protects nothing");
                return;
            }
        }
        if (memcmp(cm_cert_spki_sha256(roots[i]), cm_cert_spki_sha256(roots[0]), 32) != 0) {
            step(r, "root.trusted", CM_ERR_MISMATCH, "the chains end in different roots");
            return;
        }
    }
    cm_claim_bytes(r->ev, r->submod, CM_CLAIM_SIGNER_ROOT,
                   cm_span_make(cm_cert_spki_sha256(roots[0]), 32));
    step(r, "root.trusted", CM_OK, t->label);
}

static void judge_periods(struct run *r)
{
    char detail[128] = "";
    uint64_t latest = 0;
    uint64_t earliest = UINT64_MAX;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < r->p->period_count; i++) {
        const struct cm_platform_period *pp = &r->p->periods[i];

        if (pp->period.not_after < earliest) {
            earliest = pp->period.not_after;
        }
        if (pp->period.not_before > latest) {
            latest = pp->period.not_before;
        }
        if (st == CM_OK && r->in->now < pp->period.not_before) {
            st = CM_ERR_EXPIRED;
            (void)snprintf(detail, sizeof(detail), "%s: not valid yet", pp->what);
        } else if (st == CM_OK && r->in->now > pp->period.not_after) {
            st = CM_ERR_EXPIRED;
            (void)snprintf(detail, sizeof(detail), "%s: expired", pp->what);
        }
    }
    if (r->p->period_count == 0) {
        st = CM_ERR_EXPIRED;
        (void)snprintf(detail, sizeof(detail), "nothing with a period of validity");
    } else {
        cm_claim_time(r->ev, r->submod, CM_CLAIM_NOT_BEFORE, latest);
        cm_claim_time(r->ev, r->submod, CM_CLAIM_NOT_AFTER, earliest);
    }
    step(r, "validity", st, detail);
}

/* "dcap.<root>.<what>[.<FMSPC>]": numbers are a root's own, so no root can spoil another's */
static void floor_name(char out[96], const struct cm_platform *p, const char *what, bool fmspc)
{
    const uint8_t *k = cm_cert_spki_sha256(p->root);
    const uint8_t *f = p->ext.fmspc;
    char tail[16] = "";

    if (fmspc) {
        (void)snprintf(tail, sizeof(tail), ".%02X%02X%02X%02X%02X%02X", f[0], f[1], f[2], f[3],
                       f[4], f[5]);
    }
    (void)snprintf(out, 96, "dcap.%02X%02X%02X%02X.%s%s", k[0], k[1], k[2], k[3], what, tail);
}

/*
 * Numbers and dates that never decrease for a platform (H7). What was reached is given out only once
 * all of it is verified: else a stranger could raise a caller's floors beyond anything real.
 */
static void judge_floors(struct run *r)
{
    const struct cm_platform *p = r->p;
    bool have = p->has_tcb && p->has_qe && p->root_crl != NULL && p->pck_crl != NULL;
    const struct {
        const char *what;
        bool per_platform;
        uint64_t value;
    } floors[] = {
        {p->tcb.tdx ? "tdx_tcb_evaluation" : "sgx_tcb_evaluation", true,
         p->tcb.dates.evaluation_number},
        {p->tcb.tdx ? "tdx_tcb_issued" : "sgx_tcb_issued", true, p->tcb.dates.issue_date},
        {p->qe.tdx ? "td_qe_evaluation" : "qe_evaluation", false, p->qe.dates.evaluation_number},
        {p->qe.tdx ? "td_qe_issued" : "qe_issued", false, p->qe.dates.issue_date},
        {"root_crl", false, have ? cm_crl_number(p->root_crl) : 0},
        {p->ext.platform ? "pck_crl.platform" : "pck_crl.processor", false,
         have ? cm_crl_number(p->pck_crl) : 0},
    };
    const size_t count = sizeof(floors) / sizeof(floors[0]);
    char name[96] = "";

    if (!have) {
        step(r, "rollback", CM_ERR_NOTFOUND, "collateral that is not verified has no age");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        floor_name(name, p, floors[i].what, floors[i].per_platform);
        if (cm_floor_below(r->in, name, floors[i].value)) {
            step(r, "rollback", CM_ERR_POLICY, "collateral is older than what was seen before");
            return;
        }
    }
    step(r, "rollback", CM_OK, "");
    for (size_t i = 0; r->first == CM_OK && i < count; i++) {
        floor_name(name, p, floors[i].what, floors[i].per_platform);
        cm_evidence_reach(r->ev, name, floors[i].value);
    }
}

static void judge_belonging(struct run *r)
{
    const struct cm_platform *p = r->p;
    bool tdx = r->q.tee == CM_QUOTE_TEE_TDX;
    enum cm_status st = CM_ERR_NOTFOUND;

    if (p->has_ext && p->has_tcb) {
        st = memcmp(p->ext.fmspc, p->tcb.fmspc, 6) == 0 &&
                     memcmp(p->ext.pceid, p->tcb.pceid, 2) == 0 && p->tcb.tdx == tdx
                 ? CM_OK
                 : CM_ERR_MISMATCH;
    }
    step(r, "tcb_info.platform", st,
         st == CM_OK ? "" : "the TCB info is not this platform's, or another TEE's");
}

/* What the QE's report data must be: the hash of key and authentication data, then zeros. */
static enum cm_status bound_hash(const struct cm_quote *q, uint8_t want[64])
{
    struct cm_sha256 *h = NULL;
    enum cm_status st = CM_OK;

    memset(want, 0, 64);
    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, q->att_key.ptr, q->att_key.len));
    CM_TRY(cm_sha256_update(h, q->qe_auth.ptr, q->qe_auth.len));
    CM_TRY(cm_sha256_final(h, want));
out:
    cm_sha256_free(h);
    return st;
}

/* The quoting enclave: its report's signature, its key, and who it is. */
static void judge_qe(struct run *r)
{
    const struct cm_quote *q = &r->q;
    const struct cm_qe_identity *id = &r->p->qe;
    uint8_t want[64] = {0};
    enum cm_status st = CM_ERR_NOTFOUND;

    if (r->p->pck != NULL) {
        st = cm_cert_check_statement(r->p->pck, q->qe_report, q->qe_signature);
    }
    step(r, "qe.report_signature", st, "");

    st = bound_hash(q, want);
    if (st == CM_OK && !cm_ct_equal(want, q->qe.reportdata.ptr, 64)) {
        st = CM_ERR_MISMATCH;
    }
    step(r, "qe.binding", st,
         st == CM_OK ? "" : "the attestation key is not the one that the QE vouches for");

    st = CM_ERR_NOTFOUND;
    if (r->p->has_qe) {
        bool same = id->tdx == (q->tee == CM_QUOTE_TEE_TDX) &&
                    (q->qe.miscselect & id->miscselect_mask) == id->miscselect &&
                    q->qe.isvprodid == id->isvprodid &&
                    memcmp(q->qe.mrsigner.ptr, id->mrsigner, 32) == 0 &&
                    (q->qe.flags & SGX_DEBUG) == 0;

        for (size_t i = 0; i < 16; i++) {
            same = same && (q->qe.attributes.ptr[i] & id->attributes_mask[i]) == id->attributes[i];
        }
        st = same ? CM_OK : CM_ERR_MISMATCH;
    }
    step(r, "qe.identity", st, st == CM_OK ? "" : "not the quoting enclave of the identity given");
}

static void judge_quote_signature(struct run *r, size_t mark)
{
    struct cm_pubkey *key = NULL;
    bool own = true;
    enum cm_status st = cm_platform_key(r->p, r->q.att_key, &key, &own);

    if (st == CM_OK) {
        st = cm_pubkey_verify(key, CM_SIG_ES256, &r->q.signed_bytes, 1, r->q.signature);
    }
    step(r, "quote.signature", st, "");
    if (own && st == CM_OK && r->first == CM_OK) { /* no stranger's key takes the place */
        cm_platform_keep_key(r->p, r->q.att_key, key);
    } else if (own) {
        cm_pubkey_free(key);
    }
    /* the whole way from the trusted root to these bytes holds */
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_HARDWARE);
    }
}

/* Who made the TDX module, from TCB info. */
static void judge_module(struct run *r)
{
    const struct cm_td_body *td = &r->q.td;
    const struct cm_tdx_module *m = NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    if (r->q.tee != CM_QUOTE_TEE_TDX) {
        cm_check_note(r->ev, r->submod, "tdx.module", CM_CHECK_NOT_APPLICABLE, "%s", "");
        return;
    }
    if (r->p->has_tcb) {
        static const uint8_t zero[8];

        st = cm_tdx_module_find(&r->p->tcb, td->tee_tcb_svn, &m);
        m = m == NULL ? &r->p->tcb.module : m;
        if (memcmp(td->mrsignerseam.ptr, m->mrsigner, 48) != 0 ||
            memcmp(td->seam_attributes.ptr, zero, 8) != 0 ||
            memcmp(td->seam_attributes.ptr, m->attributes, 8) != 0) {
            st = CM_ERR_MISMATCH;
        }
    }
    step(r, "tdx.module", st, st == CM_OK ? "" : "not the TDX module that the TCB info describes");
}

static void judge_tcb(struct run *r, unsigned accept)
{
    struct cm_tcb_verdict launch;
    struct cm_tcb_verdict now;
    enum cm_dcap_tcb merged = CM_DCAP_NOT_SUPPORTED;
    enum cm_status st = CM_OK;
    size_t mark = cm_evidence_mark(r->ev, r->submod);
    /* verified TCB info implies a verified PCK chain: its signer is judged by that chain's list */
    bool belongs = r->p->has_tcb && r->p->has_qe && r->p->tcb.tdx == (r->q.tee == CM_QUOTE_TEE_TDX);

    if (!belongs) {
        step(r, "tcb.status", CM_ERR_NOTFOUND, "no TCB info of this TEE to judge by");
        return;
    }
    cm_tcb_evaluate(&r->p->tcb, &r->p->qe, &r->p->ext, r->q.qe.isvsvn, r->q.td.tee_tcb_svn,
                    &launch);
    merged = launch.merged;
    if (r->q.td.tee_tcb_svn2.ptr != NULL) {
        cm_tcb_evaluate(&r->p->tcb, &r->p->qe, &r->p->ext, r->q.qe.isvsvn, r->q.td.tee_tcb_svn2,
                        &now);
        merged = cm_tcb_relaunch(launch.merged, now.merged);
    }
    cm_dcap_tcb_claims(r->ev, r->submod, r->p, &launch, merged);
    if (r->q.td.tee_tcb_svn2.ptr != NULL) {
        cm_dcap_current_claims(r->ev, r->submod, &now);
    }
    if (merged == CM_DCAP_REVOKED) {
        st = CM_ERR_REVOKED;
    } else if (merged == CM_DCAP_NOT_SUPPORTED) {
        st = CM_ERR_MISMATCH;
    } else if (merged != CM_DCAP_UP_TO_DATE && (accept & CM_DCAP_ACCEPT(merged)) == 0) {
        st = CM_ERR_POLICY;
    }
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_ENDORSER);
    }
    step(r, "tcb.status", st, cm_dcap_tcb_str(merged));
}

static void judge_debug(struct run *r)
{
    bool debug = r->q.tee == CM_QUOTE_TEE_SGX ? (r->q.sgx.flags & SGX_DEBUG) != 0
                                              : r->q.td.td_attributes.ptr[0] != 0;
    bool allowed = (r->in->flags & CM_VERIFY_ALLOW_DEBUG) != 0;

    step(r, "debug", debug && !allowed ? CM_ERR_POLICY : CM_OK,
         !debug ? "" : (allowed ? "DEBUG, allowed by the caller" : "a debug TEE protects nothing"));
}

static void judge_report_data(struct run *r)
{
    struct cm_span have = r->q.tee == CM_QUOTE_TEE_SGX ? r->q.sgx.reportdata : r->q.td.reportdata;
    struct cm_span want = r->in->report_data;

    if (want.ptr == NULL) {
        cm_check_note(r->ev, r->submod, "report_data", CM_CHECK_NOT_CHECKED, "%s",
                      "none was expected");
        return;
    }
    step(r, "report_data",
         want.len != 0 && want.len <= have.len && cm_ct_equal(want.ptr, have.ptr, want.len)
             ? CM_OK
             : CM_ERR_MISMATCH,
         "");
}

/* Without what may stand behind the last certificate: white space, and a C string's end. */
static struct cm_span trimmed(struct cm_span pem)
{
    while (pem.len != 0 && memchr(" \t\r\n", pem.ptr[pem.len - 1], 5) != NULL) { /* 5: NUL, too */
        pem.len--;
    }
    return pem;
}

/*
 * The PCK chain: from the quote, else from the caller. When both give one they are equal but for
 * white space and NUL bytes at the end, which files and quotes in the wild differ in.
 */
static enum cm_status choose_chain(struct run *r, const struct cm_dcap_collateral *col,
                                   struct cm_span *chain)
{
    struct cm_span given = col->pck_chain;
    const struct cm_span own = trimmed(r->q.cert_data);
    const struct cm_span other = trimmed(given);

    if (r->q.cert_type != CERT_PCK_PEM) {
        *chain = given;
        return given.len == 0 ? CM_ERR_UNSUPPORTED : CM_OK;
    }
    *chain = own;
    return given.len == 0 || cm_span_same(other, own) ? CM_OK : CM_ERR_MISMATCH;
}

static void judge(struct run *r, enum cm_status chain_status, unsigned accept_tcb)
{
    size_t mark = cm_evidence_mark(r->ev, r->submod);

    if (chain_status == CM_OK && r->q.cert_type == CERT_LEAF_PEM &&
        (r->p->pck == NULL || !cm_cert_is_pem(r->p->pck, r->q.cert_data))) {
        chain_status = CM_ERR_MISMATCH; /* the chain given is not that of the leaf in the quote */
    }
    step(r, "pck.source", chain_status,
         chain_status == CM_OK ? "" : "no PCK chain, or not the one in the quote");
    for (size_t i = 0; i < r->p->check_count; i++) {
        step(r, r->p->checks[i].name, r->p->checks[i].status, r->p->checks[i].detail);
    }
    judge_roots(r);
    judge_periods(r);
    judge_floors(r);
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_ENDORSER);
    }
    judge_belonging(r);
    judge_qe(r);
    mark = cm_evidence_mark(r->ev, r->submod);
    cm_dcap_body_claims(r->ev, r->submod, &r->q);
    judge_quote_signature(r, mark);
    mark = cm_evidence_mark(r->ev, r->submod);
    if (r->p->has_ext) {
        cm_dcap_pck_claims(r->ev, r->submod, &r->p->ext);
    }
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_ENDORSER);
    }
    judge_module(r);
    judge_tcb(r, accept_tcb);
    judge_debug(r);
    judge_report_data(r);
}

static bool usable(struct cm_span quote, const struct cm_dcap_collateral *col,
                   const struct cm_verify_input *in)
{
    if (col == NULL || in == NULL || (in->roots == NULL && in->root_count != 0) ||
        (in->floors == NULL && in->floor_count != 0)) {
        return false;
    }
    const struct cm_span spans[] = {quote,
                                    col->tcb_info,
                                    col->tcb_info_chain,
                                    col->qe_identity,
                                    col->qe_identity_chain,
                                    col->root_ca_crl,
                                    col->pck_crl,
                                    col->pck_chain,
                                    in->report_data};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (spans[i].ptr == NULL && spans[i].len != 0) {
            return false;
        }
    }
    return true;
}

/* Everything about one quote into a submodule; CM_OK or the first failure is in r->first. */
static enum cm_status judge_quote(struct run *r, const struct cm_dcap_collateral *collateral,
                                  unsigned accept_tcb, struct cm_dcap_cache *cache,
                                  struct cm_platform_ref *ref)
{
    struct cm_span chain = {NULL, 0};
    enum cm_status chain_status = choose_chain(r, collateral, &chain);
    enum cm_status st = cm_platform_acquire(cache, chain, collateral, ref);

    if (st == CM_OK) {
        r->p = ref->platform;
        step(r, "quote.format", CM_OK, "");
        judge(r, chain_status, accept_tcb);
    }
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): cm_dcap_verify() and what it lends */
enum cm_status cm_dcap_verify_lent(struct cm_span quote,
                                   const struct cm_dcap_collateral *collateral,
                                   const struct cm_verify_input *in, unsigned accept_tcb,
                                   struct cm_dcap_cache *cache, struct cm_platform_ref *ref,
                                   struct cm_evidence **out)
{
    struct run r = {.in = in, .submod = 0};
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    *out = NULL;
    if (!usable(quote, collateral, in)) {
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_quote_parse(quote, &r.q, NULL));
    r.ev = cm_evidence_new("cpu");
    if (r.ev == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(judge_quote(&r, collateral, accept_tcb, cache, ref));
    CM_TRY(cm_evidence_done(r.ev));
    *out = r.ev;
    r.ev = NULL;
    st = r.first;
out:
    cm_evidence_free(r.ev);
    return st;
}

bool cm_dcap_recognise(struct cm_span bytes)
{
    static const uint8_t intel[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    struct cm_rd r = cm_rd_init(bytes);
    uint16_t version = cm_rd_u16le(&r);
    uint16_t key_type = cm_rd_u16le(&r);
    uint32_t tee = cm_rd_u32le(&r);

    (void)cm_rd_take(&r, 4);
    struct cm_span vendor = cm_rd_take(&r, sizeof(intel));

    return !r.bad && version >= 3 && version <= 5 && (key_type == 2 || key_type == 3) &&
           (tee == CM_QUOTE_TEE_SGX || tee == CM_QUOTE_TEE_TDX) &&
           memcmp(vendor.ptr, intel, sizeof(intel)) == 0;
}

enum cm_status cm_dcap_verify_part(const struct cm_verify_job *job, struct cm_evidence *ev,
                                   size_t submod)
{
    static const struct cm_dcap_collateral none;
    const struct cm_dcap_collateral *collateral = job->dcap != NULL ? job->dcap : &none;
    struct cm_platform_ref ref = {NULL, NULL, NULL, NULL};
    struct run r = {.in = job->in, .ev = ev, .submod = submod};
    struct cm_why why = {{0}};
    enum cm_status st = CM_ERR_PARAM;

    if (!usable(job->evidence, collateral, job->in)) {
        return st;
    }
    st = cm_quote_parse(job->evidence, &r.q, &why);
    if (st != CM_OK) {
        cm_check_status(ev, submod, "quote.format", st, "%s", why.text);
        return st;
    }
    if (job->dcap == NULL) {
        step(&r, "collateral", CM_ERR_NOTFOUND, "nothing was given of what Intel publishes");
    }
    st = judge_quote(&r, collateral, job->accept_tcb, job->dcap_cache, &ref);
    cm_platform_release(&ref);
    return st == CM_OK ? r.first : st;
}

enum cm_status cm_dcap_verify(struct cm_span quote, const struct cm_dcap_collateral *collateral,
                              const struct cm_verify_input *in, unsigned accept_tcb,
                              struct cm_dcap_cache *cache, struct cm_evidence **out)
{
    struct cm_platform_ref ref = {NULL, NULL, NULL, NULL};
    enum cm_status st = cm_dcap_verify_lent(quote, collateral, in, accept_tcb, cache, &ref, out);

    cm_platform_release(&ref);
    return st;
}

const struct cm_trust_root *cm_dcap_intel_root(void)
{
    static const struct cm_trust_root intel = {"sgx",
                                               "Intel SGX Root CA",
                                               {0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4,
                                                0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
                                                0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74,
                                                0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e},
                                               false};

    return &intel;
}
