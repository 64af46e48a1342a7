/*
 * Collateral before it is kept: every signature that can be verified without the evidence it is for, so that
 * what is forged or mixed up never takes the place of what is good. Untrusted: all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_engine.h"
#include "evidence/certs.h"
#include "evidence/collateral.h"

#define CHAIN CM_CERTS_MAX_CHAIN

static bool is_root(const struct cm_cert *c, const char *family, const struct cm_trust_root *roots,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(roots[i].family, family) == 0 &&
            memcmp(roots[i].spki_sha256, cm_cert_spki_sha256(c), 32) == 0) {
            return true;
        }
    }
    return false;
}

/* What roots are trusted, handed on. */
struct trust {
    const struct cm_trust_root *roots;
    size_t count;
};

/* A chain in PEM, leaf first: names, roles and signatures up to a trusted root. */
static enum cm_status chain_verify(struct cm_certs *set, struct cm_span pem, const struct trust *t,
                                   const struct cm_cert *out[CHAIN], size_t *count,
                                   struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_pem(set, pem, out, count));
    for (size_t i = 0; i < *count; i++) {
        const bool last = i + 1 == *count;

        CM_TRY(cm_cert_verify(out[i], out[last ? i : i + 1],
                              last     ? CM_CERT_ROOT
                              : i == 0 ? CM_CERT_SIGNER
                                       : CM_CERT_CA,
                              why));
    }
    if (!is_root(out[*count - 1], "sgx", t->roots, t->count)) {
        cm_why_set(why, "the chain does not lead to a trusted root");
        st = CM_ERR_POLICY;
    }
out:
    return st;
}

enum cm_status cm_pck_chain_trusted(struct cm_span pem, const struct cm_trust_root *roots,
                                    size_t root_count, struct cm_why *why)
{
    const struct trust t = {roots, root_count};
    const struct cm_cert *chain[CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    struct cm_why own = {""};
    size_t count = 0;
    enum cm_status st = CM_OK;

    while (pem.len != 0 && pem.ptr[pem.len - 1] == '\0') { /* quotes end it like a C string */
        pem.len--;
    }
    CM_TRY(cm_certs_create(&set));
    st = chain_verify(set, pem, &t, chain, &count, &own);
    if (st == CM_OK && count < 2) {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        cm_why_set(why, "nothing is asked for by a quote whose PCK chain is not trusted (%s)",
                   own.text[0] != '\0' ? own.text : cm_status_str(st));
    }
out:
    cm_certs_free(set);
    return st;
}

static enum cm_status check_tcb(const struct cm_kept *k, const struct cm_cert *signer,
                                struct cm_why *why)
{
    struct cm_tcb_info *info = calloc(1, sizeof(*info));
    enum cm_status st = CM_ERR_NOMEM;

    if (info == NULL) {
        return st;
    }
    CM_TRY(cm_tcb_info_parse(k->part[CM_PART_TCB_INFO], info, why));
    CM_TRY(cm_cert_check_signature(signer, info->json.signed_bytes,
                                   cm_span_make(info->json.signature, 64)));
out:
    cm_tcb_info_free(info);
    free(info);
    return st;
}

static enum cm_status check_qe(const struct cm_kept *k, const struct cm_cert *signer,
                               struct cm_why *why)
{
    struct cm_qe_identity *id = calloc(1, sizeof(*id));
    enum cm_status st = CM_ERR_NOMEM;

    if (id == NULL) {
        return st;
    }
    CM_TRY(cm_qe_identity_parse(k->part[CM_PART_QE_IDENTITY], id, why));
    CM_TRY(cm_cert_check_signature(signer, id->json.signed_bytes,
                                   cm_span_make(id->json.signature, 64)));
out:
    cm_qe_identity_free(id);
    free(id);
    return st;
}

static enum cm_status check_crl(struct cm_span bytes, bool general, const struct cm_cert *issuer,
                                struct cm_why *why)
{
    struct cm_crl *crl = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(general ? cm_crl_parse_general(bytes, &crl) : cm_crl_parse(bytes, &crl));
    CM_TRY(cm_crl_verify(crl, issuer, why));
out:
    cm_crl_free(crl);
    return st;
}

static enum cm_status verify_dcap(const struct cm_kept *k, const struct trust *t,
                                  struct cm_span issuers, struct cm_why *why)
{
    const struct cm_cert *tcb[CHAIN] = {NULL};
    const struct cm_cert *qe[CHAIN] = {NULL};
    const struct cm_cert *pck[CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    while (issuers.len != 0 && issuers.ptr[issuers.len - 1] == '\0') {
        issuers.len--;
    }
    CM_TRY(cm_certs_create(&set));
    CM_TRY(chain_verify(set, k->part[CM_PART_TCB_INFO_CHAIN], t, tcb, &count, why));
    CM_TRY(check_tcb(k, tcb[0], why));
    CM_TRY(check_crl(k->part[CM_PART_ROOT_CA_CRL], false, tcb[count - 1], why));
    CM_TRY(chain_verify(set, k->part[CM_PART_QE_IDENTITY_CHAIN], t, qe, &count, why));
    CM_TRY(check_qe(k, qe[0], why));
    if (issuers.len != 0) {
        CM_TRY(chain_verify(set, issuers, t, pck, &count, why));
        CM_TRY(check_crl(k->part[CM_PART_PCK_CRL], false, pck[1 < count ? 1 : 0], why));
    }
out:
    cm_certs_free(set);
    return st;
}

/* An AMD chain: the root is trusted and signed itself, the intermediate and the list. */
static enum cm_status amd_chain(struct cm_certs *set, const struct cm_kept *k,
                                const struct trust *t, const struct cm_cert *out[2],
                                struct cm_why *why)
{
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_add(set, k->part[0], out, 2, &count));
    if (count != 2 || !is_root(out[1], "snp", t->roots, t->count)) {
        cm_why_set(why, "AMD's chain does not lead to a trusted root");
        st = CM_ERR_POLICY;
        goto out;
    }
    CM_TRY(cm_cert_signed_by(out[1], out[1]));
    CM_TRY(cm_cert_signed_by(out[0], out[1]));
out:
    return st;
}

static enum cm_status verify_amd(const struct cm_kept *k, const struct cm_kept *ca,
                                 const struct trust *t, struct cm_why *why)
{
    const struct cm_cert *chain[2] = {NULL};
    const struct cm_cert *leaf[1] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(NULL, &set));
    CM_TRY(amd_chain(set, ca, t, chain, why));
    if (k->want.kind == CM_KEPT_SNP_KEY) {
        CM_TRY(cm_certs_add(set, k->part[0], leaf, 1, &count));
        CM_TRY(cm_cert_signed_by(leaf[0], chain[0]));
    } else if (k->part[1].len != 0) {
        CM_TRY(check_crl(k->part[1], true, chain[1], why));
    }
out:
    cm_certs_free(set);
    return st;
}

enum cm_status cm_kept_verify(const struct cm_kept *k, const struct cm_trust_root *roots,
                              size_t root_count, const struct cm_kept *snp_ca,
                              struct cm_span issuers, struct cm_why *why)
{
    const struct trust t = {roots, root_count};
    struct cm_why own = {""};
    enum cm_status st = CM_OK;

    if (k->want.kind == CM_KEPT_DCAP) {
        st = verify_dcap(k, &t, issuers, &own);
    } else if (k->want.kind == CM_KEPT_SNP_KEY && snp_ca == NULL) {
        cm_why_set(&own, "AMD's chain of this line is not there");
        st = CM_ERR_NOTFOUND;
    } else {
        st = verify_amd(k, k->want.kind == CM_KEPT_SNP_CA ? k : snp_ca, &t, &own);
    }
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "%.80s: the source's answer does not verify: %s", k->want.name,
                   own.text[0] != '\0' ? own.text : cm_status_str(st));
    }
    return st;
}
