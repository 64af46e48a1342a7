/*
 * The verification of NVIDIA's device evidence; see nvidia.h. Every device of a list is verified by itself,
 * up to its own root; what holds a list together is that all answered the same challenge.
 */
#include "nvidia/nvidia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/same.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/pubkey.h"
#include "evidence/chain.h"
#include "nvidia/nvidia_claims.h"
#include "nvidia/nvidia_form.h"

#define MAX_CERTS 10u

/* What is being verified. */
struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t submod; /* of the device at hand */
    struct cm_nvidia_form form;
    struct cm_spdm_report report;
    uint8_t first_nonce[CM_SPDM_NONCE_SIZE]; /* of device0 */
    uint8_t leaf[CM_NVIDIA_MAX_DEVICES]
                [32];     /* whose devices these are: their keys; zeros: not known */
    enum cm_status first; /* the first failed required check */
};

static void step(struct run *r, const char *name, enum cm_status st, const char *detail)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", detail);
    if (r->first == CM_OK) {
        r->first = st;
    }
}

/* The device's own certificates (leaf first), or those that are materials. */
static enum cm_status load_chain(struct run *r, const struct cm_nvidia_device *d,
                                 struct cm_certs *pool, const struct cm_cert **leaf)
{
    const struct cm_cert *list[MAX_CERTS] = {NULL};
    size_t count = 0;
    const struct cm_material *m = cm_material(r->job, CM_MATERIAL_CERTS, 0);
    enum cm_status st = CM_ERR_NOTFOUND;

    if (d->certs.ptr != NULL) {
        st = cm_certs_add(pool, d->certs, list, MAX_CERTS, &count);
    } else if (m != NULL) {
        st = cm_certs_add(pool, m->bytes, list, MAX_CERTS, &count);
        if (st == CM_OK && cm_cert_self_issued(list[0])) {
            return CM_ERR_NOTFOUND; /* a root alone */
        }
    }
    if (st != CM_OK) {
        return st;
    }
    *leaf = list[0];
    return cm_chain_pool(r->job, pool, true); /* an issuer may be given beside them */
}

/* The firmware that the leaf was made for is the firmware that signed. */
static void judge_fwid(struct run *r, const struct cm_cert *leaf)
{
    struct cm_span said = cm_spdm_field(&r->report, CM_NVIDIA_FWID);
    struct cm_span certified = {NULL, 0};
    enum cm_status st = CM_OK;

    if (said.ptr == NULL) {
        cm_check_note(r->ev, r->submod, "nvidia.fwid", CM_CHECK_NOT_APPLICABLE, "%s",
                      "the device does not report it");
        return;
    }
    st = cm_nvidia_leaf_fwid(leaf, &certified);
    if (st == CM_OK && (certified.len != said.len || said.len == 0 ||
                        !cm_ct_equal(certified.ptr, said.ptr, said.len))) {
        st = CM_ERR_MISMATCH;
    }
    step(r, "nvidia.fwid", st,
         st == CM_OK ? "" : "the report is of other firmware than the certificate");
}

/* What the text around a report says of it is nobody's word; it must not contradict what is signed. */
static void judge_text(struct run *r, const struct cm_nvidia_device *d, const struct cm_cert *leaf)
{
    struct cm_span cn = cm_cert_cn(leaf);
    bool same = true;

    if (d->arch[0] != '\0' && cn.len >= 2) {
        if (strcasecmp(d->arch, "HOPPER") == 0) {
            same = memcmp(cn.ptr, "GH", 2) == 0;
        } else if (strcasecmp(d->arch, "BLACKWELL") == 0) {
            same = memcmp(cn.ptr, "GB", 2) == 0;
        } else if (strcasecmp(d->arch, "LS10") == 0) {
            same = cm_nvidia_is_switch(leaf);
        }
    }
    if (d->arch[0] == '\0') {
        cm_check_note(r->ev, r->submod, "nvidia.arch", CM_CHECK_NOT_APPLICABLE, "%s", "");
    } else {
        step(r, "nvidia.arch", same ? CM_OK : CM_ERR_MISMATCH,
             same ? "" : "another kind of device than the text says");
    }
    if (d->has_nonce) {
        same = cm_ct_equal(d->nonce, r->report.nonce.ptr, CM_SPDM_NONCE_SIZE);
        step(r, "nvidia.stated_nonce", same ? CM_OK : CM_ERR_MISMATCH,
             same ? "" : "the text names another challenge than the report answers");
    }
}

static void judge_signature(struct run *r, const struct cm_cert *leaf, enum cm_status chain,
                            size_t mark)
{
    enum cm_status st = cm_pubkey_verify(cm_cert_key(leaf), CM_SIG_ES384, &r->report.signed_bytes,
                                         1, r->report.signature);

    step(r, "nvidia.signature", st, st == CM_OK ? "" : "the device's key did not sign this report");
    if (chain == CM_OK && st == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_HARDWARE);
    }
}

static void not_looked_at(struct run *r)
{
    cm_check_note(
        r->ev, r->submod, "nvidia.ocsp", CM_CHECK_NOT_CHECKED, "%s",
        "whether NVIDIA has put a certificate on hold is asked for online, which is not done");
    if (cm_material(r->job, CM_MATERIAL_REFERENCE, 0) == NULL) {
        cm_check_note(r->ev, r->submod, "nvidia.reference", CM_CHECK_NOT_CHECKED, "%s",
                      "no reference values: what firmware this is, is not judged");
    }
}

/* Certificates, signature and what binds them; CM_OK unless nothing can be said. */
static enum cm_status judge_device(struct run *r, const struct cm_nvidia_device *d, size_t index)
{
    static const struct cm_chain_rule rule = {.family = "nvidia",
                                              .names = CM_CHAIN_NAMES("nvidia")};
    const struct cm_cert *leaf = NULL;
    struct cm_certs *pool = NULL;
    struct cm_chain chain = {.count = 0};
    size_t mark = cm_evidence_mark(r->ev, r->submod);
    enum cm_status verified = CM_OK;
    enum cm_status st = CM_OK;

    cm_nvidia_report_claims(r->ev, r->submod, &r->report);
    CM_TRY(cm_certs_create_general(r->job->cert_cache, &pool));
    st = load_chain(r, d, pool, &leaf);
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        goto out;
    }
    if (st != CM_OK) {
        step(r, "nvidia.chain", st,
             st == CM_ERR_NOTFOUND ? "no certificates of the device" : "malformed certificates");
        st = CM_OK;
        goto out;
    }
    verified = cm_chain_verify(r->job, r->ev, r->submod, pool, leaf, &rule, &chain);
    r->first = r->first == CM_OK ? verified : r->first;
    memcpy(r->leaf[index], cm_cert_spki_sha256(leaf), sizeof(r->leaf[index]));
    cm_nvidia_cert_claims(r->ev, r->submod, leaf, chain.count > 1 ? chain.certs[1] : NULL);
    judge_signature(r, leaf, verified, mark);
    judge_fwid(r, leaf);
    judge_text(r, d, leaf);
    not_looked_at(r);
out:
    cm_certs_free(pool);
    return st;
}

/* Of several devices: each answered what the first one answered. */
static void judge_list(struct run *r, size_t first_submod)
{
    bool same = cm_ct_equal(r->first_nonce, r->report.nonce.ptr, CM_SPDM_NONCE_SIZE);

    cm_evidence_bind(r->ev, "both answer the same challenge", first_submod, r->submod,
                     same ? CM_CHECK_PASS : CM_CHECK_FAIL);
}

/* A device that stands twice is one: it may sign any number of reports, but its key is its own. */
static void judge_distinct(struct run *r, size_t index)
{
    bool again = false;

    for (size_t i = 0; i < index; i++) {
        again = again || memcmp(r->leaf[i], r->leaf[index], sizeof(r->leaf[i])) == 0;
    }
    cm_check_note(
        r->ev, r->submod, "nvidia.distinct", again ? CM_CHECK_FAIL : CM_CHECK_PASS, "%s",
        again ? "a device of this key stands in the list before: do not count devices by it" : "");
}

static enum cm_status verify_device(struct run *r, size_t index, size_t first_submod)
{
    const struct cm_nvidia_device *d = &r->form.devices[index];
    struct cm_why why = {{0}};
    enum cm_status st = cm_spdm_parse(d->report, &r->report, &why);

    step(r, "nvidia.format", st, why.text);
    if (st != CM_OK) {
        return CM_OK; /* the others may still be looked at */
    }
    if (index == 0) {
        memcpy(r->first_nonce, r->report.nonce.ptr, CM_SPDM_NONCE_SIZE);
    } else {
        judge_list(r, first_submod);
    }
    st = judge_device(r, d, index);
    if (index != 0) {
        judge_distinct(r, index);
    }
    if (st == CM_OK) {
        enum cm_status nonce = cm_check_nonce(r->job->in, r->ev, r->submod, r->report.nonce, true);

        r->first = r->first == CM_OK ? nonce : r->first;
    }
    return st;
}

static enum cm_status verify_devices(struct run *r)
{
    static const char *const names[CM_NVIDIA_MAX_DEVICES] = {
        "device0",  "device1",  "device2",  "device3", "device4",  "device5",
        "device6",  "device7",  "device8",  "device9", "device10", "device11",
        "device12", "device13", "device14", "device15"};
    const size_t first = r->submod;
    enum cm_status st = CM_OK;

    for (size_t i = 0; st == CM_OK && i < r->form.count; i++) {
        if (i != 0) {
            r->submod = cm_evidence_add_submod(r->ev, names[i]);
        }
        st = cm_evidence_done(r->ev);
        st = st == CM_OK ? verify_device(r, i, first) : st;
    }
    return st == CM_OK ? r->first : st;
}

enum cm_status cm_nvidia_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                size_t submod)
{
    struct run *r = calloc(1, sizeof(*r));
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (r == NULL) {
        return CM_ERR_NOMEM;
    }
    r->job = job;
    r->ev = ev;
    r->submod = submod;
    st = cm_nvidia_form_read(job, &r->form, &why);
    if (st == CM_OK) {
        st = verify_devices(r);
    } else {
        cm_check_status(ev, submod, "nvidia.format", st, "%s", why.text);
    }
    cm_nvidia_form_free(&r->form);
    free(r);
    return st;
}
