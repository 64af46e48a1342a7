/* Verifying a Nitro document; see nitro.h. */
#include "nitro/nitro.h"

#include <stdio.h>
#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "crypto/hash.h"
#include "evidence/chain.h"
#include "evidence/claims.h"

#define PCR_IMAGE    0
#define PCR_KERNEL   1
#define PCR_APP      2
#define PCR_IAM_ROLE 3
#define PCR_INSTANCE 4
#define PCR_SIGNER   8
#define PCR_SIZE     48

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t submod;
    struct cm_nitro_doc doc;
    struct cm_why why;
    enum cm_status first; /* the first failed required check */
};

static void step(struct run *r, const char *name, enum cm_status st, const char *detail)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", detail);
    if (r->first == CM_OK) {
        r->first = st;
    }
}

/* An enclave in debug mode has zeros where its measurements would be. One register of zeros is enough,
 * since no image has such a digest. */
static bool in_debug_mode(const struct cm_nitro_doc *d)
{
    return cm_span_is_zero(d->pcrs[PCR_IMAGE]) || cm_span_is_zero(d->pcrs[PCR_KERNEL]) ||
           cm_span_is_zero(d->pcrs[PCR_APP]);
}

static bool measured(const struct cm_nitro_doc *d)
{
    return d->pcrs[PCR_IMAGE].ptr != NULL && d->pcrs[PCR_KERNEL].ptr != NULL &&
           d->pcrs[PCR_APP].ptr != NULL;
}

static enum cm_measurement_role role_of(size_t index)
{
    switch (index) {
    case PCR_IMAGE:
    case PCR_KERNEL:
    case PCR_APP:
        return CM_ROLE_LAUNCH;
    case PCR_IAM_ROLE:
    case PCR_INSTANCE:
        return CM_ROLE_CONFIG;
    case PCR_SIGNER:
        return CM_ROLE_SIGNER;
    default:
        return CM_ROLE_RUNTIME;
    }
}

static void add_pcrs(struct run *r)
{
    for (size_t i = 0; i < CM_NITRO_MAX_PCRS; i++) {
        const struct cm_span pcr = r->doc.pcrs[i];
        char label[8] = "";
        struct cm_digest digest = {.label = label, .role = role_of(i), .value = pcr};

        if (pcr.ptr == NULL) {
            continue;
        }
        (void)snprintf(label, sizeof(label), "pcr%zu", i);
        digest.alg = pcr.len == 32 ? "sha-256" : (pcr.len == PCR_SIZE ? "sha-384" : "sha-512");
        cm_claim_digest(r->ev, r->submod, &digest);
    }
}

static void add_claims(struct run *r)
{
    const struct cm_nitro_doc *d = &r->doc;
    char text[260] = "";

    (void)snprintf(text, sizeof(text), "%.*s", (int)d->module_id.len,
                   (const char *)d->module_id.ptr);
    cm_claim_text(r->ev, r->submod, CM_CLAIM_TEE, "nitro");
    cm_claim_text(r->ev, r->submod, CM_CLAIM_HWMODEL, "nitro");
    cm_claim_text(r->ev, r->submod, CM_CLAIM_OEMID, "Amazon");
    cm_claim_bytes(r->ev, r->submod, CM_CLAIM_UEID, d->module_id);
    cm_claim_text(r->ev, r->submod, "nitro.module_id", text);
    cm_claim_text(r->ev, r->submod, "nitro.digest", "SHA384");
    cm_claim_time(r->ev, r->submod, CM_CLAIM_IAT, d->timestamp_ms / 1000);
    cm_claim_uint(r->ev, r->submod, "nitro.timestamp", d->timestamp_ms);
    add_pcrs(r);
    if (measured(d)) {
        cm_claim_text(r->ev, r->submod, CM_CLAIM_DBGSTAT,
                      in_debug_mode(d) ? "enabled" : "disabled");
    }
    if (d->nonce.ptr != NULL) {
        cm_claim_bytes(r->ev, r->submod, CM_CLAIM_NONCE, d->nonce);
    }
    if (d->user_data.ptr != NULL) {
        cm_claim_bytes(r->ev, r->submod, CM_CLAIM_REPORT_DATA, d->user_data);
        cm_claim_bytes(r->ev, r->submod, "nitro.user_data", d->user_data);
    }
    if (d->public_key.ptr != NULL) {
        cm_claim_bytes(r->ev, r->submod, "nitro.public_key", d->public_key);
    }
}

/* The document's own certificates: all of them in one pool, the leaf first. */
static enum cm_status parse_certificates(struct run *r, struct cm_certs *pool,
                                         const struct cm_cert **leaf)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_add(pool, r->doc.certificate, leaf, 1, NULL));
    for (size_t i = 0; i < r->doc.ca_count; i++) {
        const struct cm_cert *one = NULL;

        CM_TRY(cm_certs_add(pool, r->doc.ca[i], &one, 1, NULL));
    }
out:
    return st;
}

/* From the document's leaf to a root of the caller's, and the leaf's signature over the document. */
static void judge_signature(struct run *r, size_t mark)
{
    static const struct cm_chain_rule rule = {.family = "nitro", .names = CM_CHAIN_NAMES("nitro")};
    const struct cm_span none = {NULL, 0};
    const struct cm_cert *leaf = NULL;
    struct cm_certs *pool = NULL;
    struct cm_chain chain = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(r->job->cert_cache, &pool));
    st = parse_certificates(r, pool, &leaf);
    if (st != CM_OK) {
        step(r, "nitro.chain", st, "a certificate of the document is malformed");
        goto out;
    }
    st = cm_chain_verify(r->job, r->ev, r->submod, pool, leaf, &rule, &chain);
    if (r->first == CM_OK) {
        r->first = st;
    }
    if (st == CM_OK) {
        cm_chain_claims(&chain, r->ev, r->submod);
    }
    step(r, "nitro.signature",
         cm_cose_sign1_verify(&r->doc.sign1, cm_cert_key(leaf), CM_SIG_ES384, none, none), "");
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_HARDWARE);
    }
out:
    if (r->first == CM_OK) {
        r->first = st;
    }
    cm_certs_free(pool);
}

static void judge_debug(struct run *r)
{
    const bool allowed = (r->job->in->flags & CM_VERIFY_ALLOW_DEBUG) != 0;

    if (!measured(&r->doc)) {
        step(r, "debug", CM_ERR_NOTFOUND, "PCR0, PCR1 or PCR2 is not in the document");
    } else if (in_debug_mode(&r->doc)) {
        step(r, "debug", allowed ? CM_OK : CM_ERR_POLICY,
             "an enclave in debug mode protects nothing: its console is open");
    } else {
        step(r, "debug", CM_OK, "");
    }
}

/* PCR4 is the parent instance's id; the module's id begins with the same. For people: both are signed. */
static enum cm_status note_instance(struct run *r)
{
    static const uint8_t zeros[PCR_SIZE] = {0};
    const struct cm_span id = r->doc.module_id;
    const struct cm_span pcr = r->doc.pcrs[PCR_INSTANCE];
    struct cm_span parts[2] = {{zeros, sizeof(zeros)}, {id.ptr, 0}};
    uint8_t want[CM_HASH_MAX_SIZE] = {0};
    enum cm_check_result result = CM_CHECK_NOT_APPLICABLE;
    enum cm_status st = CM_OK;

    while (parts[1].len + 4 < id.len && memcmp(id.ptr + parts[1].len, "-enc", 4) != 0) {
        parts[1].len++;
    }
    if (pcr.len == PCR_SIZE && !cm_span_is_zero(pcr) && parts[1].len + 4 < id.len) {
        CM_TRY(cm_hash_parts(CM_HASH_SHA384, parts, 2, want));
        result = memcmp(want, pcr.ptr, PCR_SIZE) == 0 ? CM_CHECK_PASS : CM_CHECK_FAIL;
    }
    cm_check_note(r->ev, r->submod, "nitro.instance", result, "%s",
                  "PCR4 is the hash of the instance id that the module id begins with");
out:
    return st;
}

enum cm_status cm_nitro_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                               size_t submod)
{
    struct run r = {.job = job, .ev = ev, .submod = submod};
    size_t mark = cm_evidence_mark(ev, submod);
    enum cm_status st = cm_nitro_doc_parse(job->evidence, &r.doc, &r.why);

    step(&r, "nitro.format", st, st == CM_OK ? "" : r.why.text);
    if (st == CM_OK) {
        add_claims(&r);
        judge_signature(&r, mark);
        judge_debug(&r);
        st = cm_check_nonce(job->in, ev, submod, r.doc.nonce, true);
        r.first = r.first == CM_OK ? st : r.first;
        st = note_instance(&r);
        r.first = r.first == CM_OK ? st : r.first;
    }
    cm_nitro_doc_free(&r.doc);
    return r.first;
}
