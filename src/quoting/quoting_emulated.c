/* The emulated platform as a maker of quotes; chosen only by callers that ask for it. */
#include <casemate/emuplat.h>

#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/quote.h"
#include "quoting/quoting_backend.h"

/* what a change of the platform's keys may add between asking for the size and quoting */
#define SLACK 512u

static enum cm_status emulated_target_info(uint8_t *out, struct cm_why *why)
{
    return cm_emuplat_target_info(out, why);
}

static enum cm_status emulated_quote_size(size_t *size, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_quote(NULL, NULL, 0, size, why));
    *size += SLACK;
out:
    return st;
}

static enum cm_status emulated_quote(const uint8_t *report, uint8_t *quote, size_t *size,
                                     struct cm_why *why)
{
    return cm_emuplat_quote(report, quote, *size, size, why);
}

/* Whether a quote says that it is an emulated platform's. Nothing is believed for that. */
static bool says_emulated(struct cm_span quote)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *certs = NULL;
    struct cm_quote q;
    size_t count = 0;
    bool found = false;

    if (cm_quote_parse(quote, &q, NULL) == CM_OK && cm_certs_create(&certs) == CM_OK &&
        cm_certs_pem(certs, q.cert_data, chain, &count) == CM_OK) {
        for (size_t i = 0; i < count; i++) {
            found = found ||
                    (cm_cert_self_issued(chain[i]) && cm_cert_cn_contains(chain[i], "EMULATED"));
        }
    }
    cm_certs_free(certs);
    return found;
}

static enum cm_status copy(const struct cm_dcap_collateral *from, struct cm_collateral_parts *to)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_parts_set(to, CM_PART_TCB_INFO, from->tcb_info));
    CM_TRY(cm_parts_set(to, CM_PART_TCB_INFO_CHAIN, from->tcb_info_chain));
    CM_TRY(cm_parts_set(to, CM_PART_QE_IDENTITY, from->qe_identity));
    CM_TRY(cm_parts_set(to, CM_PART_QE_IDENTITY_CHAIN, from->qe_identity_chain));
    CM_TRY(cm_parts_set(to, CM_PART_ROOT_CA_CRL, from->root_ca_crl));
    CM_TRY(cm_parts_set(to, CM_PART_PCK_CRL, from->pck_crl));
out:
    return st;
}

/* Of this user's platform; of a genuine one, as anywhere else. */
static enum cm_status emulated_collateral(struct cm_span quote, struct cm_span baseline,
                                          struct cm_collateral_parts **out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_emuplat_bundle *bundle = NULL;
    struct cm_dcap_collateral view;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (cm_quoting_asks_elsewhere() || !says_emulated(quote)) {
        return cm_quoting_fetch(quote, baseline, out, why);
    }
    if (baseline.ptr != NULL) {
        cm_why_set(why, "the emulated platform has one edition of its collateral: no baseline");
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(cm_emuplat_collateral(&bundle, why));
    view = cm_emuplat_bundle_view(bundle);
    CM_TRY(cm_parts_create(&parts));
    CM_TRY(copy(&view, parts));
    *out = parts;
    parts = NULL;
out:
    cm_parts_free(parts);
    cm_emuplat_bundle_free(bundle);
    return st;
}

static const struct cm_quoting maker = {
    "EMULATED platform", emulated_target_info, emulated_quote_size,
    emulated_quote,      emulated_collateral,
};

const struct cm_quoting *cm_quoting_emulated(void)
{
    return &maker;
}
