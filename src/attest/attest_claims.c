/* Lists of claims, and what SGX evidence claims; see attest_claims.h. */
#include "attest/attest_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>

#include "arch/sgx.h"
#include "common/reader.h"
#include "evidence/dcap_platform.h"
#include "evidence/timefmt.h"

#define CPU 0 /* the one submodule of a quote's evidence */

const char *OE_REQUIRED_CLAIMS[OE_REQUIRED_CLAIMS_COUNT] = {
    OE_CLAIM_ID_VERSION, OE_CLAIM_SECURITY_VERSION, OE_CLAIM_ATTRIBUTES,  OE_CLAIM_UNIQUE_ID,
    OE_CLAIM_SIGNER_ID,  OE_CLAIM_PRODUCT_ID,       OE_CLAIM_FORMAT_UUID,
};

const char *OE_OPTIONAL_CLAIMS[OE_OPTIONAL_CLAIMS_COUNT] = {
    OE_CLAIM_TCB_STATUS,     OE_CLAIM_TCB_DATE, OE_CLAIM_VALIDITY_FROM,
    OE_CLAIM_VALIDITY_UNTIL, OE_CLAIM_UEID,     OE_CLAIM_HARDWARE_MODEL,
};

const char *OE_SGX_REQUIRED_CLAIMS[OE_SGX_REQUIRED_CLAIMS_COUNT] = {
    OE_CLAIM_SGX_PF_GP_EXINFO_ENABLED,
    OE_CLAIM_SGX_ISV_EXTENDED_PRODUCT_ID,
    OE_CLAIM_SGX_IS_MODE64BIT,
    OE_CLAIM_SGX_HAS_PROVISION_KEY,
    OE_CLAIM_SGX_HAS_EINITTOKEN_KEY,
    OE_CLAIM_SGX_USES_KSS,
    OE_CLAIM_SGX_CONFIG_ID,
    OE_CLAIM_SGX_CONFIG_SVN,
    OE_CLAIM_SGX_ISV_FAMILY_ID,
    OE_CLAIM_SGX_CPU_SVN,
};

const char *OE_SGX_OPTIONAL_CLAIMS[OE_SGX_OPTIONAL_CLAIMS_COUNT] = {
    OE_CLAIM_SGX_TCB_INFO,           OE_CLAIM_SGX_TCB_ISSUER_CHAIN, OE_CLAIM_SGX_PCK_CRL,
    OE_CLAIM_SGX_ROOT_CA_CRL,        OE_CLAIM_SGX_CRL_ISSUER_CHAIN, OE_CLAIM_SGX_QE_ID_INFO,
    OE_CLAIM_SGX_QE_ID_ISSUER_CHAIN, OE_CLAIM_SGX_PCE_SVN,
};

/* ------------------------------------------------------------------- lists */

static bool grow(struct cm_claims *c)
{
    size_t cap = c->cap == 0 ? 32 : 2 * c->cap; /* callers add a few dozen */
    oe_claim_t *items = realloc(c->items, cap * sizeof(*items));

    if (items == NULL) {
        return false;
    }
    c->items = items;
    c->cap = cap;
    return true;
}

void cm_claims_add(struct cm_claims *c, const char *name, const void *value, size_t size)
{
    size_t name_size = strlen(name) + 1;
    char *n = NULL;
    uint8_t *v = NULL;

    if (c->bad || (c->count == c->cap && !grow(c))) {
        c->bad = true;
        return;
    }
    n = malloc(name_size);
    v = malloc(size == 0 ? 1 : size);
    if (n == NULL || v == NULL) {
        free(n);
        free(v);
        c->bad = true;
        return;
    }
    memcpy(n, name, name_size);
    if (size != 0) {
        memcpy(v, value, size);
    }
    c->items[c->count].name = n;
    c->items[c->count].value = v;
    c->items[c->count].value_size = size;
    c->count++;
}

void cm_claims_free(struct cm_claims *c)
{
    (void)oe_free_claims(c->items, c->count);
    memset(c, 0, sizeof(*c));
}

oe_result_t cm_claims_done(struct cm_claims *c, oe_claim_t **out, size_t *count)
{
    if (c->bad) {
        cm_claims_free(c);
        return OE_OUT_OF_MEMORY;
    }
    *out = c->items;
    *count = c->count;
    memset(c, 0, sizeof(*c));
    return OE_OK;
}

oe_result_t oe_free_claims(oe_claim_t *claims, size_t claims_length)
{
    for (size_t i = 0; claims != NULL && i < claims_length; i++) {
        free(claims[i].name);
        free(claims[i].value);
    }
    free(claims);
    return OE_OK;
}

/* ------------------------------------------------------------------- dates */

void cm_datetime_of(uint64_t t, oe_datetime_t *out)
{
    char text[24] = "";
    uint32_t part[6] = {0};
    size_t n = 0;

    cm_time_text(t, text);
    for (const char *p = text; *p != '\0' && n < 6; p++) {
        if (*p >= '0' && *p <= '9') {
            part[n] = part[n] * 10 + (uint32_t)(*p - '0');
        } else {
            n++;
        }
    }
    out->year = part[0];
    out->month = part[1];
    out->day = part[2];
    out->hours = part[3];
    out->minutes = part[4];
    out->seconds = part[5];
}

bool cm_datetime_seconds(const oe_datetime_t *d, uint64_t *out)
{
    char text[80] = "";
    int n = snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ", d->year, d->month,
                     d->day, d->hours, d->minutes, d->seconds);

    return n > 0 && cm_time_parse(cm_span_make(text, (size_t)n), out) == CM_OK;
}

static void add_date(struct cm_claims *c, const char *name, const struct cm_evidence *ev,
                     const char *from)
{
    const struct cm_claim *claim = cm_evidence_find(ev, CPU, from, 0);
    oe_datetime_t date;

    memset(&date, 0, sizeof(date));
    if (claim != NULL) {
        cm_datetime_of(claim->number, &date);
        cm_claims_add(c, name, &date, sizeof(date));
    }
}

/* --------------------------------------------------------------------- SGX */

static void add_flag(struct cm_claims *c, const char *name, bool value)
{
    cm_claims_add(c, name, &value, sizeof(value));
}

static void add_span(struct cm_claims *c, const char *name, struct cm_span value)
{
    cm_claims_add(c, name, value.ptr, value.len);
}

void cm_claims_sgx(struct cm_claims *c, const struct cm_sgx_body *body, const oe_uuid_t *format,
                   bool remote)
{
    oe_identity_t id;

    cm_identity_of(body, remote, &id);
    cm_claims_add(c, OE_CLAIM_ID_VERSION, &id.id_version, sizeof(id.id_version));
    cm_claims_add(c, OE_CLAIM_SECURITY_VERSION, &id.security_version, sizeof(id.security_version));
    cm_claims_add(c, OE_CLAIM_ATTRIBUTES, &id.attributes, sizeof(id.attributes));
    cm_claims_add(c, OE_CLAIM_UNIQUE_ID, id.unique_id, sizeof(id.unique_id));
    cm_claims_add(c, OE_CLAIM_SIGNER_ID, id.signer_id, sizeof(id.signer_id));
    cm_claims_add(c, OE_CLAIM_PRODUCT_ID, id.product_id, sizeof(id.product_id));
    cm_claims_add(c, OE_CLAIM_FORMAT_UUID, format->b, sizeof(format->b));
    add_flag(c, OE_CLAIM_SGX_PF_GP_EXINFO_ENABLED, (body->miscselect & SGX_MISC_EXINFO) != 0);
    add_span(c, OE_CLAIM_SGX_ISV_EXTENDED_PRODUCT_ID, body->isvextprodid);
    add_flag(c, OE_CLAIM_SGX_IS_MODE64BIT, (body->flags & SGX_ATTR_MODE64) != 0);
    add_flag(c, OE_CLAIM_SGX_HAS_PROVISION_KEY, (body->flags & SGX_ATTR_PROVISIONKEY) != 0);
    add_flag(c, OE_CLAIM_SGX_HAS_EINITTOKEN_KEY, (body->flags & SGX_ATTR_EINITTOKEN) != 0);
    add_flag(c, OE_CLAIM_SGX_USES_KSS, (body->flags & SGX_ATTR_KSS) != 0);
    add_span(c, OE_CLAIM_SGX_CONFIG_ID, body->configid);
    cm_claims_add(c, OE_CLAIM_SGX_CONFIG_SVN, &body->configsvn, sizeof(body->configsvn));
    add_span(c, OE_CLAIM_SGX_ISV_FAMILY_ID, body->isvfamilyid);
    add_span(c, OE_CLAIM_SGX_CPU_SVN, body->cpusvn);
}

/* ------------------------------------------------------------ the platform */

/* user_data and PCE SVN of a quote's header, which every version has in the same place */
static void header_of(struct cm_span quote, struct cm_span *user_data, uint16_t *pce_svn)
{
    struct cm_rd rd = cm_rd_init(quote);

    (void)cm_rd_take(&rd, 10);
    *pce_svn = cm_rd_u16le(&rd);
    (void)cm_rd_take(&rd, 16);
    *user_data = cm_rd_take(&rd, 20);
}

void cm_claims_platform(struct cm_claims *c, const struct cm_evidence *ev, struct cm_span quote,
                        oe_sgx_tcb_status_t status)
{
    const struct cm_claim *fmspc = cm_evidence_find(ev, CPU, "pck.fmspc", 0);
    struct cm_span user_data = {NULL, 0};
    uint8_t ueid[21] = {OE_UEID_TYPE_RAND};
    uint16_t pce_svn = 0;

    header_of(quote, &user_data, &pce_svn);
    if (user_data.len == sizeof(ueid) - 1) {
        memcpy(ueid + 1, user_data.ptr, user_data.len);
    }
    cm_claims_add(c, OE_CLAIM_TCB_STATUS, &status, sizeof(status));
    add_date(c, OE_CLAIM_TCB_DATE, ev, CM_CLAIM_TCB_DATE);
    add_date(c, OE_CLAIM_VALIDITY_FROM, ev, CM_CLAIM_NOT_BEFORE);
    add_date(c, OE_CLAIM_VALIDITY_UNTIL, ev, CM_CLAIM_NOT_AFTER);
    cm_claims_add(c, OE_CLAIM_UEID, ueid, sizeof(ueid));
    if (fmspc != NULL) {
        cm_claims_add(c, OE_CLAIM_HARDWARE_MODEL, fmspc->bytes, fmspc->len);
    }
}

oe_result_t cm_claims_sgx_collateral(struct cm_claims *c, const struct cm_endorsements *e,
                                     const struct cm_platform *p, struct cm_span quote)
{
    struct cm_span user_data = {NULL, 0};
    uint16_t pce_svn = 0;
    uint8_t *issuers = NULL;
    size_t size = 0;
    oe_result_t result = cm_issuers_text(p->pck_ca, p->root, &issuers, &size);

    if (result != OE_OK) {
        return result;
    }
    header_of(quote, &user_data, &pce_svn);
    for (size_t i = 0; i < OE_SGX_OPTIONAL_CLAIMS_SGX_COLLATERALS_COUNT; i++) {
        size_t field = OE_SGX_ENDORSEMENT_FIELD_TCB_INFO + i;

        if (field == OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT) {
            /* the one item that nothing was verified with: its sender can write what he likes */
            cm_claims_add(c, OE_SGX_OPTIONAL_CLAIMS[i], issuers, size + 1);
        } else {
            add_span(c, OE_SGX_OPTIONAL_CLAIMS[i], e->items[field]);
        }
    }
    cm_claims_add(c, OE_CLAIM_SGX_PCE_SVN, &pce_svn, sizeof(pce_svn));
    free(issuers);
    return OE_OK;
}
