/* CM_FORMAT_TPM: a quote as evidence of its own; see evidence/material.h. Untrusted: all but the keys. */
#include "tpm/tpm_verify.h"

#include "crypto/pubkey.h"
#include "evidence/claims.h"
#include "evidence/material.h"
#include "tpm/tpm.h"
#include "tpm/tpm_ak.h"

/* TPMI_ST_ATTEST */
#define FIRST_TYPE 0x8014
#define LAST_TYPE  0x801D

/* TPMS_ATTEST as it is, or TPM2B_ATTEST with or without TPMT_SIGNATURE behind it. */
static void split(struct cm_span bytes, struct cm_span *attest, struct cm_span *signature)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint16_t size = cm_rd_u16be(&r);

    *attest = bytes;
    *signature = cm_span_make(NULL, 0);
    if (size != CM_TPM_MAGIC >> 16 && !r.bad && size <= r.left) {
        *attest = cm_rd_take(&r, size);
        if (r.left != 0) {
            *signature = cm_rd_rest(&r);
        }
    }
}

bool cm_tpm_recognise(struct cm_span bytes)
{
    struct cm_span attest = {NULL, 0};
    struct cm_span signature = {NULL, 0};
    struct cm_rd r;
    uint16_t type = 0;

    split(bytes, &attest, &signature);
    r = cm_rd_init(attest);
    if (cm_rd_u32be(&r) != CM_TPM_MAGIC) {
        return false;
    }
    type = cm_rd_u16be(&r);
    return !r.bad && type >= FIRST_TYPE && type <= LAST_TYPE;
}

static struct cm_span first(const struct cm_verify_job *job, enum cm_material_kind kind)
{
    const struct cm_material *m = cm_material(job, kind, 0);

    return m == NULL ? cm_span_make(NULL, 0) : m->bytes;
}

enum cm_status cm_tpm_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod)
{
    struct cm_tpm_quote q = {.pcrs = first(job, CM_MATERIAL_PCRS),
                             .log = first(job, CM_MATERIAL_EVENT_LOG)};
    struct cm_tpm_attest att;
    struct cm_tpm_signature sig;
    struct cm_tpm_ak ak = {NULL, CM_AUTHORITY_SELF, 0};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    split(job->evidence, &q.attest, &q.signature);
    if (q.signature.ptr == NULL) {
        q.signature = first(job, CM_MATERIAL_SIGNATURE);
    }
    st = cm_tpm_attest_parse(q.attest, &att, &why);
    if (st != CM_OK) {
        cm_check_status(ev, submod, "tpm.attest", st, "%s", why.text);
        return st;
    }
    if (q.signature.ptr == NULL) {
        cm_tpm_attest_claims(&att, ev, submod);
        cm_check_status(ev, submod, "tpm.signature", CM_ERR_NOTFOUND, "%s",
                        "the quote's signature was not given");
        return CM_ERR_NOTFOUND;
    }
    st = cm_tpm_signature_parse(q.signature, true, &sig, &why);
    if (st != CM_OK) {
        cm_check_status(ev, submod, "tpm.signature", st, "%s", why.text);
        return st;
    }
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, "tpm");
    st = cm_tpm_ak_find(job, &att, &sig, ev, submod, &ak);
    if (st == CM_OK) {
        q.ak = ak.key;
        q.authority = ak.authority;
        q.verified = ak.verified;
        st = cm_tpm_quote_verify(&q, job->in, ev, submod);
    } else {
        cm_tpm_attest_claims(&att, ev, submod); /* nobody vouches for them */
    }
    cm_pubkey_free(ak.key);
    return st;
}
