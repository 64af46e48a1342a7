/* Which platform's collateral a quote needs: read from its PCK certificate, or what stands for one. */
#include <string.h>

#include "collateral/collateral_document.h"
#include "common/reader.h"
#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/pck_ext.h"
#include "evidence/quote.h"

#define CERT_PPID_PLAIN 1u
#define CERT_LEAF       4u /* PEM of the PCK certificate */
#define CERT_CHAIN      5u /* and of its issuers */

/* Certification data 1 to 3: PPID, CPUSVN, PCESVN, PCEID. A plain PPID (1) is no query's part. */
static enum cm_status from_ppid(const struct cm_quote *q, struct cm_pck_key *out,
                                struct cm_why *why)
{
    static const size_t sizes[] = {0, 16, 256, 384};
    struct cm_rd rd = cm_rd_init(q->cert_data);
    struct cm_span ppid = cm_rd_take(&rd, sizes[q->cert_type]);

    cm_rd_copy(&rd, out->cpusvn, sizeof(out->cpusvn));
    cm_rd_copy(&rd, out->pcesvn, sizeof(out->pcesvn));
    cm_rd_copy(&rd, out->pceid, sizeof(out->pceid));
    if (cm_rd_finish(&rd) != CM_OK) {
        cm_why_set(why, "the quote's certification data are not of the length of their type");
        return CM_ERR_FORMAT;
    }
    if (q->cert_type != CERT_PPID_PLAIN) {
        memcpy(out->ppid, ppid.ptr, ppid.len);
        out->ppid_len = ppid.len;
    }
    return CM_OK;
}

enum cm_status cm_collateral_key_pck(struct cm_span pem, struct cm_collateral_key *key,
                                     struct cm_pck_ext *pck)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_span extension = {NULL, 0};
    struct cm_certs *certs = NULL;
    enum cm_status st = CM_OK;
    size_t count = 0;

    CM_TRY(cm_certs_create(&certs));
    CM_TRY(cm_certs_pem(certs, pem, chain, &count));
    for (size_t i = 0; i < count && extension.len == 0; i++) {
        extension = cm_pck_extension_of(chain[i]);
    }
    if (extension.len == 0) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_pck_ext_parse(extension, pck));
    memcpy(key->fmspc, pck->fmspc, sizeof(key->fmspc));
    key->platform_ca = pck->platform;
    key->known = true;
out:
    cm_certs_free(certs);
    return st;
}

enum cm_status cm_collateral_key_of(struct cm_span quote, struct cm_collateral_key *out,
                                    struct cm_why *why)
{
    struct cm_pck_ext pck;
    struct cm_quote q;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_quote_parse(quote, &q, why));
    out->tdx = q.tee == CM_QUOTE_TEE_TDX;
    out->without_chain = q.cert_type != CERT_CHAIN;
    memcpy(out->pck.qe_id, q.user_data.ptr, sizeof(out->pck.qe_id));
    if (q.cert_type < CERT_LEAF) {
        CM_TRY(from_ppid(&q, &out->pck, why));
        goto out;
    }
    CM_TRY(cm_collateral_key_pck(q.cert_data, out, &pck));
    memcpy(out->pck.cpusvn, pck.cpusvn, sizeof(out->pck.cpusvn));
    memcpy(out->pck.pceid, pck.pceid, sizeof(out->pck.pceid));
    out->pck.pcesvn[0] = (uint8_t)pck.pcesvn;
    out->pck.pcesvn[1] = (uint8_t)(pck.pcesvn >> 8);
out:
    if (st != CM_OK) {
        cm_why_set(why, "the quote's PCK certificate cannot be read: %s", cm_status_str(st));
    }
    return st;
}
