/* Owned parts of collateral; see collateral_parts.h. */
#include "collateral/collateral_parts.h"

#include <stdlib.h>
#include <string.h>

struct cm_collateral_parts {
    uint8_t *data[CM_PART_COUNT];
    size_t len[CM_PART_COUNT];
};

static const char *const names[CM_PART_COUNT] = {
    [CM_PART_TCB_INFO] = "tcb_info",       [CM_PART_TCB_INFO_CHAIN] = "tcb_info_issuer_chain",
    [CM_PART_QE_IDENTITY] = "qe_identity", [CM_PART_QE_IDENTITY_CHAIN] = "qe_identity_issuer_chain",
    [CM_PART_ROOT_CA_CRL] = "root_ca_crl", [CM_PART_PCK_CRL] = "pck_crl",
    [CM_PART_PCK_CHAIN] = "pck_chain",
};

const char *cm_part_name(enum cm_collateral_part part)
{
    return names[part];
}

enum cm_status cm_parts_create(struct cm_collateral_parts **out)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? CM_OK : CM_ERR_NOMEM;
}

void cm_parts_free(struct cm_collateral_parts *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        free(p->data[i]);
    }
    free(p);
}

enum cm_status cm_parts_set(struct cm_collateral_parts *p, enum cm_collateral_part part,
                            struct cm_span data)
{
    uint8_t *copy = NULL;

    if (data.len == 0) {
        return CM_ERR_FORMAT;
    }
    if (data.len > CM_COLLATERAL_MAX_PART) {
        return CM_ERR_LIMIT;
    }
    copy = malloc(data.len);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(copy, data.ptr, data.len);
    free(p->data[part]);
    p->data[part] = copy;
    p->len[part] = data.len;
    return CM_OK;
}

struct cm_span cm_parts_get(const struct cm_collateral_parts *p, enum cm_collateral_part part)
{
    return cm_span_make(p->data[part], p->len[part]);
}

enum cm_status cm_parts_complete(const struct cm_collateral_parts *p, struct cm_why *why)
{
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        if (i != CM_PART_PCK_CHAIN && p->data[i] == NULL) {
            cm_why_set(why, "the collateral has no %s", names[i]);
            return CM_ERR_NOTFOUND;
        }
    }
    return CM_OK;
}

struct cm_dcap_collateral cm_parts_view(const struct cm_collateral_parts *p)
{
    struct cm_dcap_collateral out = {
        .tcb_info = cm_parts_get(p, CM_PART_TCB_INFO),
        .tcb_info_chain = cm_parts_get(p, CM_PART_TCB_INFO_CHAIN),
        .qe_identity = cm_parts_get(p, CM_PART_QE_IDENTITY),
        .qe_identity_chain = cm_parts_get(p, CM_PART_QE_IDENTITY_CHAIN),
        .root_ca_crl = cm_parts_get(p, CM_PART_ROOT_CA_CRL),
        .pck_crl = cm_parts_get(p, CM_PART_PCK_CRL),
        .pck_chain = cm_parts_get(p, CM_PART_PCK_CHAIN),
    };

    return out;
}
