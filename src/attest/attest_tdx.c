/* What TDX evidence claims, and the public helpers for TDX quotes; see attest_claims.h. */
#include <stdlib.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>

#include "attest/attest_claims.h"
#include "common/reader.h"
#include "evidence/pck_ext.h"

#define CPU 0

const char *OE_TDX_REQUIRED_CLAIMS[OE_TDX_REQUIRED_CLAIMS_COUNT] = {
    OE_CLAIM_TDX_TEE_TCB_SVN,
    OE_CLAIM_TDX_MRSEAM,
    OE_CLAIM_TDX_MRSEAMSIGNER,
    OE_CLAIM_TDX_SEAM_ATTRIBUTES,
    OE_CLAIM_TDX_TD_ATTRIBUTES,
    OE_CLAIM_TDX_TD_ATTRIBUTES_DEBUG,
    OE_CLAIM_TDX_TD_ATTRIBUTES_HGS_PLUS_PROF,
    OE_CLAIM_TDX_TD_ATTRIBUTES_PERF_PROF,
    OE_CLAIM_TDX_TD_ATTRIBUTES_PMT_PROF,
    OE_CLAIM_TDX_TD_ATTRIBUTES_ICSSD,
    OE_CLAIM_TDX_TD_ATTRIBUTES_SERVTD_EXT,
    OE_CLAIM_TDX_TD_ATTRIBUTES_LASS,
    OE_CLAIM_TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE,
    OE_CLAIM_TDX_TD_ATTRIBUTES_MIGRATABLE,
    OE_CLAIM_TDX_TD_ATTRIBUTES_PROTECTION_KEYS,
    OE_CLAIM_TDX_TD_ATTRIBUTES_KEY_LOCKER,
    OE_CLAIM_TDX_TD_ATTRIBUTES_PERFMON,
    OE_CLAIM_TDX_XFAM,
    OE_CLAIM_TDX_MRTD,
    OE_CLAIM_TDX_MRCONFIGID,
    OE_CLAIM_TDX_MROWNER,
    OE_CLAIM_TDX_MROWNERCONFIG,
    OE_CLAIM_TDX_RTMR0,
    OE_CLAIM_TDX_RTMR1,
    OE_CLAIM_TDX_RTMR2,
    OE_CLAIM_TDX_RTMR3,
    OE_CLAIM_TDX_REPORT_DATA,
    OE_CLAIM_TDX_TEE_TCB_SVN_2,
    OE_CLAIM_TDX_MRSERVICETD,
};

static void add_span(struct cm_claims *c, const char *name, struct cm_span value)
{
    cm_claims_add(c, name, value.ptr, value.len);
}

void cm_claims_td_required(struct cm_claims *c, const struct cm_td_body *body,
                           const oe_uuid_t *format)
{
    static const uint8_t product[OE_PRODUCT_ID_SIZE];
    const uint32_t zero = 0;
    /* the whole group "TD under debug" (TDX module specification, ATTRIBUTES) */
    const uint64_t attributes =
        OE_EVIDENCE_ATTRIBUTES_SGX_REMOTE |
        (body->td_attributes.ptr[0] != 0 ? OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG : 0);

    cm_claims_add(c, OE_CLAIM_ID_VERSION, &zero, sizeof(zero));
    cm_claims_add(c, OE_CLAIM_SECURITY_VERSION, &zero, sizeof(zero));
    cm_claims_add(c, OE_CLAIM_ATTRIBUTES, &attributes, sizeof(attributes));
    add_span(c, OE_CLAIM_UNIQUE_ID, body->mrtd);
    add_span(c, OE_CLAIM_SIGNER_ID, body->mrsignerseam);
    cm_claims_add(c, OE_CLAIM_PRODUCT_ID, product, sizeof(product));
    cm_claims_add(c, OE_CLAIM_FORMAT_UUID, format->b, sizeof(format->b));
}

static void add_attributes(struct cm_claims *c, struct cm_span attributes)
{
    static const struct {
        const char *name;
        unsigned bit;
    } flags[] = {
        {OE_CLAIM_TDX_TD_ATTRIBUTES_DEBUG, 0},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_HGS_PLUS_PROF, 4},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_PERF_PROF, 5},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_PMT_PROF, 6},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_ICSSD, 16},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_SERVTD_EXT, 17},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_LASS, 27},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE, 28},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_MIGRATABLE, 29},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_PROTECTION_KEYS, 30},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_KEY_LOCKER, 31},
        {OE_CLAIM_TDX_TD_ATTRIBUTES_PERFMON, 63},
    };
    struct cm_rd rd = cm_rd_init(attributes);
    uint64_t word = cm_rd_u64le(&rd);

    add_span(c, OE_CLAIM_TDX_TD_ATTRIBUTES, attributes);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        bool set = (word >> flags[i].bit & 1) != 0;

        cm_claims_add(c, flags[i].name, &set, sizeof(set));
    }
}

/* What TD 1.5 Ex appends, in its order. */
static void add_extended(struct cm_claims *c, struct cm_span extended)
{
    static const struct {
        const char *name;
        size_t size;
    } fields[] = {
        {OE_CLAIM_TDX_VMID, 1},
        {OE_CLAIM_TDX_TD_ID, 32},
        {OE_CLAIM_TDX_DEVINFO, 48},
        {OE_CLAIM_TDX_INIT_SERVER_TD_HASH, 48},
        {OE_CLAIM_TDX_INIT_SERVER_TD_ATTR, 8},
        {OE_CLAIM_TDX_INIT_CPU_SVN, 16},
        {OE_CLAIM_TDX_INIT_TEE_TCB_SVN, 16},
        {OE_CLAIM_TDX_INIT_TEE_FMSPC, 12},
        {OE_CLAIM_TDX_CURR_SERVER_TD_HASH, 48},
        {OE_CLAIM_TDX_CURR_SERVER_TD_ATTR, 8},
    };
    struct cm_rd rd = cm_rd_init(extended);

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct cm_span value = cm_rd_take(&rd, fields[i].size);

        if (value.ptr != NULL) {
            add_span(c, fields[i].name, value);
        }
    }
}

void cm_claims_td(struct cm_claims *c, const struct cm_td_body *body)
{
    static const uint8_t zeros[48];
    static const char *const rtmr[4] = {OE_CLAIM_TDX_RTMR0, OE_CLAIM_TDX_RTMR1, OE_CLAIM_TDX_RTMR2,
                                        OE_CLAIM_TDX_RTMR3};
    bool newer = body->tee_tcb_svn2.ptr != NULL;

    add_span(c, OE_CLAIM_TDX_TEE_TCB_SVN, body->tee_tcb_svn);
    add_span(c, OE_CLAIM_TDX_MRSEAM, body->mrseam);
    add_span(c, OE_CLAIM_TDX_MRSEAMSIGNER, body->mrsignerseam);
    add_span(c, OE_CLAIM_TDX_SEAM_ATTRIBUTES, body->seam_attributes);
    add_attributes(c, body->td_attributes);
    add_span(c, OE_CLAIM_TDX_XFAM, body->xfam);
    add_span(c, OE_CLAIM_TDX_MRTD, body->mrtd);
    add_span(c, OE_CLAIM_TDX_MRCONFIGID, body->mrconfigid);
    add_span(c, OE_CLAIM_TDX_MROWNER, body->mrowner);
    add_span(c, OE_CLAIM_TDX_MROWNERCONFIG, body->mrownerconfig);
    for (size_t i = 0; i < 4; i++) {
        add_span(c, rtmr[i], body->rtmr[i]);
    }
    add_span(c, OE_CLAIM_TDX_REPORT_DATA, body->reportdata);
    add_span(c, OE_CLAIM_TDX_TEE_TCB_SVN_2, newer ? body->tee_tcb_svn2 : cm_span_make(zeros, 16));
    add_span(c, OE_CLAIM_TDX_MRSERVICETD, newer ? body->mrservicetd : cm_span_make(zeros, 48));
    if (body->extended.ptr != NULL) {
        add_extended(c, body->extended);
    }
}

void cm_claims_tdx_collateral(struct cm_claims *c, const struct cm_evidence *ev)
{
    const struct cm_claim *svn = cm_evidence_find(ev, CPU, "pck.pcesvn", 0);
    const struct cm_claim *advisory = NULL;
    char list[512] =
        ""; /* advisories have at most 64 characters; more than fit are cut at a comma */
    size_t used = 0;

    for (size_t n = 0; (advisory = cm_evidence_find(ev, CPU, CM_CLAIM_ADVISORY, n)) != NULL; n++) {
        size_t len = strlen(advisory->text);

        if (used + len + 2 > sizeof(list)) {
            break;
        }
        if (used != 0) {
            list[used++] = ',';
        }
        memcpy(list + used, advisory->text, len);
        used += len;
    }
    cm_claims_add(c, OE_CLAIM_TDX_SA_LIST, list, used + 1);
    if (svn != NULL) {
        uint16_t value = (uint16_t)svn->number;

        cm_claims_add(c, OE_CLAIM_TDX_PCE_SVN, &value, sizeof(value));
    }
}

/* --------------------------------------------------------- public helpers */

static oe_result_t fmspc_of(struct cm_span chain_pem, uint8_t fmspc[OE_TDX_FMSPC_SIZE])
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    struct cm_pck_ext ext;
    size_t count = 0;
    oe_result_t result = OE_OUT_OF_MEMORY;

    if (cm_certs_create(&set) != CM_OK) {
        return result;
    }
    result = cm_certs_pem(set, chain_pem, chain, &count) == CM_OK ? OE_NOT_FOUND
                                                                  : OE_MISSING_CERTIFICATE_CHAIN;
    for (size_t i = 0; result == OE_NOT_FOUND && i < count; i++) {
        struct cm_span value = cm_pck_extension_of(chain[i]);

        if (value.len != 0) {
            result = cm_pck_ext_parse(value, &ext) == CM_OK ? OE_OK
                                                            : OE_INVALID_SGX_CERTIFICATE_EXTENSIONS;
        }
    }
    if (result == OE_OK) {
        memcpy(fmspc, ext.fmspc, OE_TDX_FMSPC_SIZE);
    } else if (result == OE_NOT_FOUND) {
        result = OE_INVALID_SGX_CERTIFICATE_EXTENSIONS;
    }
    cm_certs_free(set);
    return result;
}

oe_result_t oe_get_tdx_fmspc_from_quote(const uint8_t *quote, uint32_t quote_size, uint8_t *fmspc,
                                        uint32_t fmspc_size)
{
    struct cm_quote q;
    struct cm_why why = {{0}};

    if (quote == NULL || fmspc == NULL || fmspc_size < OE_TDX_FMSPC_SIZE ||
        cm_quote_parse(cm_span_make(quote, quote_size), &q, &why) != CM_OK ||
        q.tee != CM_QUOTE_TEE_TDX) {
        return OE_INVALID_PARAMETER;
    }
    if (q.cert_type != 5) {
        return OE_MISSING_CERTIFICATE_CHAIN;
    }
    return fmspc_of(q.cert_data, fmspc);
}

oe_result_t oe_get_tdx_endorsements(const uint8_t *evidence_buffer, uint32_t evidence_buffer_size,
                                    uint8_t **endorsements_buffer,
                                    uint32_t *endorsements_buffer_size)
{
    size_t size = 0;
    oe_result_t result = OE_INVALID_PARAMETER;

    if (endorsements_buffer != NULL && endorsements_buffer_size != NULL) {
        *endorsements_buffer = NULL;
        *endorsements_buffer_size = 0;
        result = oe_get_sgx_endorsements(evidence_buffer, evidence_buffer_size, NULL, 0,
                                         endorsements_buffer, &size);
        *endorsements_buffer_size = (uint32_t)size; /* at most ..._ENDORSEMENT_MAX_SIZE */
    }
    return result;
}

void oe_free_tdx_endorsements(uint8_t *endorsements_buffer)
{
    oe_free_sgx_endorsements(endorsements_buffer);
}
