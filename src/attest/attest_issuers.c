/* The issuers of a quote's PCK certificate as text; see attest_wire.h. Untrusted: every byte. */
#include <stdlib.h>

#include "attest/attest_wire.h"
#include "common/writer.h"
#include "evidence/pck_ext.h"
#include "evidence/quote.h"
#include "token/base64.h"

#define CERT_CHAIN_PEM 5 /* certification data: the PCK chain */

/* The intermediate and the root of a PCK chain, in whatever order it is (dcap_platform.c). */
static enum cm_status find(struct cm_certs *set, struct cm_span pem, const struct cm_cert *found[2])
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    size_t count = 0;
    enum cm_status st = cm_certs_pem(set, pem, chain, &count);

    for (size_t i = 0; st == CM_OK && i < count; i++) {
        bool root = cm_cert_self_issued(chain[i]);
        const struct cm_cert **place = &found[root ? 1 : 0];

        if (root || cm_pck_extension_of(chain[i]).len == 0) {
            st = *place == NULL ? CM_OK : CM_ERR_FORMAT;
            *place = chain[i];
        }
    }
    return st != CM_OK || (found[0] != NULL && found[1] != NULL) ? st : CM_ERR_FORMAT;
}

/*
 * Written anew and not copied: between the certificates and inside them the reader takes any white
 * space, and NUL bytes, which would hide what follows from who takes the text for a string.
 */
oe_result_t cm_issuers_text(const struct cm_cert *ca, const struct cm_cert *root, uint8_t **out,
                            size_t *size)
{
    const struct cm_span der[2] = {cm_cert_der(ca), cm_cert_der(root)};
    size_t cap =
        CM_PEM_ENCODED(der[0].len) + CM_PEM_ENCODED(der[1].len) + 4 * sizeof("CERTIFICATE") + 1;
    struct cm_wr wr = {0};

    *size = 0;
    *out = malloc(cap);
    if (*out == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    wr = cm_wr_init(*out, cap);
    cm_pem_write(&wr, "CERTIFICATE", der[0]);
    cm_pem_write(&wr, "CERTIFICATE", der[1]);
    *size = wr.used;
    cm_wr_u8(&wr, 0);
    if (cm_wr_finish(&wr) != CM_OK) {
        free(*out);
        *out = NULL;
        *size = 0;
        return OE_UNEXPECTED;
    }
    return OE_OK;
}

oe_result_t cm_pck_issuers(struct cm_span quote, uint8_t **out, size_t *size)
{
    const struct cm_cert *found[2] = {NULL, NULL};
    struct cm_certs *set = NULL;
    struct cm_why why = {{0}};
    struct cm_quote q;
    enum cm_status st = CM_OK;
    oe_result_t result = OE_OK;

    *out = NULL;
    *size = 0;
    if (cm_quote_parse(quote, &q, &why) != CM_OK || q.cert_type != CERT_CHAIN_PEM) {
        return OE_MISSING_CERTIFICATE_CHAIN;
    }
    st = cm_certs_create(&set);
    if (st == CM_OK) {
        st = find(set, q.cert_data, found);
    }
    if (st != CM_OK) {
        result = st == CM_ERR_NOMEM ? OE_OUT_OF_MEMORY : OE_MISSING_CERTIFICATE_CHAIN;
    } else {
        result = cm_issuers_text(found[0], found[1], out, size);
    }
    cm_certs_free(set);
    return result;
}

bool cm_pck_chain_elsewhere(struct cm_span quote, struct cm_why *why)
{
    struct cm_quote q;

    if (cm_quote_parse(quote, &q, NULL) != CM_OK || q.cert_type >= CERT_CHAIN_PEM) {
        return false;
    }
    cm_why_set(
        why,
        "the quote holds no PCK chain (certification data %u), and Open Enclave's endorsements "
        "have no place for one: use casemate collateral and casemate verify",
        (unsigned)q.cert_type);
    return true;
}
