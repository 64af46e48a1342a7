/* Which platform's collateral a quote needs: read from the PCK certificate in the quote. */
#include <string.h>

#include "collateral/collateral_parts.h"
#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/pck_ext.h"
#include "evidence/quote.h"

#define CERT_LEAF  4u /* PEM of the PCK certificate */
#define CERT_CHAIN 5u /* and of its issuers */

enum cm_status cm_collateral_key_of(struct cm_span quote, struct cm_collateral_key *out,
                                    struct cm_why *why)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_span extension = {NULL, 0};
    struct cm_certs *certs = NULL;
    struct cm_pck_ext pck;
    struct cm_quote q;
    enum cm_status st = CM_OK;
    size_t count = 0;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_quote_parse(quote, &q, why));
    if (q.cert_type != CERT_LEAF && q.cert_type != CERT_CHAIN) {
        cm_why_set(why, "the quote holds no PCK certificate (certification data type %u)",
                   q.cert_type);
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    CM_TRY(cm_certs_create(&certs));
    CM_TRY(cm_certs_pem(certs, q.cert_data, chain, &count));
    for (size_t i = 0; i < count && extension.len == 0; i++) {
        extension = cm_pck_extension_of(chain[i]);
    }
    if (extension.len == 0) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_pck_ext_parse(extension, &pck));
    out->tdx = q.tee == CM_QUOTE_TEE_TDX;
    memcpy(out->fmspc, pck.fmspc, sizeof(out->fmspc));
    out->platform_ca = pck.platform;
out:
    if (st != CM_OK) {
        cm_why_set(why, "the quote's PCK certificate cannot be read: %s", cm_status_str(st));
    }
    cm_certs_free(certs);
    return st;
}
