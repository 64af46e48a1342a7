/* Endorsements; see attest_wire.h and openenclave/bits/attestation.h. Untrusted: every byte. */
#include <stdlib.h>
#include <string.h>

#include "attest/attest_wire.h"
#include "common/checked.h"
#include "common/reader.h"
#include "common/writer.h"
#include "evidence/timefmt.h"

#define HEADER_SIZE  16u
#define OFFSETS_SIZE ((size_t)4 * OE_SGX_ENDORSEMENT_COUNT)

/* DER begins with a SEQUENCE; PEM, JSON and hexadecimal digits cannot begin so. */
static bool is_der(struct cm_span s)
{
    return s.len != 0 && s.ptr[0] == 0x30;
}

static struct cm_span without_terminator(struct cm_span s)
{
    if (!is_der(s) && s.len != 0 && s.ptr[s.len - 1] == 0) {
        s.len--;
    }
    return s;
}

oe_result_t cm_endorsements_parse(struct cm_span in, struct cm_endorsements *out)
{
    struct cm_rd rd = cm_rd_init(in);
    uint32_t version = cm_rd_u32le(&rd);
    uint32_t type = cm_rd_u32le(&rd);
    uint32_t size = cm_rd_u32le(&rd);
    uint32_t count = cm_rd_u32le(&rd);
    uint32_t offsets[OE_SGX_ENDORSEMENT_COUNT + 1] = {0};
    struct cm_rd first = {0};

    memset(out, 0, sizeof(*out));
    if (rd.bad || version != OE_ATTESTATION_ENDORSEMENT_VERSION || type != OE_ENCLAVE_TYPE_SGX ||
        count != OE_SGX_ENDORSEMENT_COUNT || size != rd.left ||
        in.len > OE_ATTESTATION_ENDORSEMENT_MAX_SIZE) {
        return OE_INVALID_ENDORSEMENT;
    }
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        offsets[i] = cm_rd_u32le(&rd);
    }
    offsets[OE_SGX_ENDORSEMENT_COUNT] = (uint32_t)rd.left;
    if (rd.bad || offsets[0] != 0) {
        return OE_INVALID_ENDORSEMENT;
    }
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        /* a step back is an enormous length, which the reader refuses */
        out->items[i] = cm_rd_take(&rd, offsets[i + 1] - offsets[i]);
    }
    if (cm_rd_finish(&rd) != CM_OK) {
        return OE_INVALID_ENDORSEMENT;
    }
    first = cm_rd_init(out->items[OE_SGX_ENDORSEMENT_FIELD_VERSION]);
    if (cm_rd_u32le(&first) != OE_SGX_ENDORSEMENTS_VERSION || cm_rd_finish(&first) != CM_OK) {
        return OE_INVALID_ENDORSEMENT;
    }
    out->collateral = (struct cm_dcap_collateral){
        .tcb_info = without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_TCB_INFO]),
        .tcb_info_chain = without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_TCB_ISSUER_CHAIN]),
        .pck_crl = without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_CERT]),
        .root_ca_crl = without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_PROC_CA]),
        .qe_identity = without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_QE_ID_INFO]),
        .qe_identity_chain =
            without_terminator(out->items[OE_SGX_ENDORSEMENT_FIELD_QE_ID_ISSUER_CHAIN]),
    };
    return OE_OK;
}

static oe_result_t make(const struct cm_dcap_collateral *col, struct cm_span issuers, uint64_t now,
                        uint8_t **out, size_t *size)
{
    static const uint8_t version[4] = {OE_SGX_ENDORSEMENTS_VERSION, 0, 0, 0};
    char created[24] = "";
    struct cm_span parts[OE_SGX_ENDORSEMENT_COUNT] = {{version, sizeof(version)},
                                                      col->tcb_info,
                                                      col->tcb_info_chain,
                                                      col->pck_crl,
                                                      col->root_ca_crl,
                                                      issuers,
                                                      col->qe_identity,
                                                      col->qe_identity_chain,
                                                      {(const uint8_t *)created, 20}};
    size_t data = 0;
    size_t offset = 0;
    struct cm_wr wr = {0};
    uint8_t *buffer = NULL;

    cm_time_text(now, created);
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        size_t terminator = i != 0 && !is_der(parts[i]) ? 1 : 0;

        if (cm_add_ovf(data, parts[i].len, &data) || cm_add_ovf(data, terminator, &data)) {
            return OE_INTEGER_OVERFLOW;
        }
    }
    if (data > OE_ATTESTATION_ENDORSEMENT_MAX_SIZE - HEADER_SIZE - OFFSETS_SIZE) {
        return OE_INVALID_ENDORSEMENT;
    }
    buffer = malloc(HEADER_SIZE + OFFSETS_SIZE + data);
    if (buffer == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    wr = cm_wr_init(buffer, HEADER_SIZE + OFFSETS_SIZE + data);
    cm_wr_u32le(&wr, OE_ATTESTATION_ENDORSEMENT_VERSION);
    cm_wr_u32le(&wr, OE_ENCLAVE_TYPE_SGX);
    cm_wr_u32le(&wr, (uint32_t)(OFFSETS_SIZE + data));
    cm_wr_u32le(&wr, OE_SGX_ENDORSEMENT_COUNT);
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        cm_wr_u32le(&wr, (uint32_t)offset);
        offset += parts[i].len + (i != 0 && !is_der(parts[i]) ? 1 : 0);
    }
    for (size_t i = 0; i < OE_SGX_ENDORSEMENT_COUNT; i++) {
        cm_wr_bytes(&wr, parts[i].ptr, parts[i].len);
        cm_wr_fill(&wr, 0, i != 0 && !is_der(parts[i]) ? 1 : 0);
    }
    if (cm_wr_finish(&wr) != CM_OK) {
        free(buffer);
        return OE_UNEXPECTED;
    }
    *out = buffer;
    *size = HEADER_SIZE + OFFSETS_SIZE + data;
    return OE_OK;
}

oe_result_t cm_endorsements_make(const struct cm_dcap_collateral *col, struct cm_span quote,
                                 uint64_t now, uint8_t **out, size_t *size)
{
    uint8_t *issuers = NULL;
    size_t issuers_size = 0;
    oe_result_t result = cm_pck_issuers(quote, &issuers, &issuers_size);

    if (result == OE_OK || result == OE_MISSING_CERTIFICATE_CHAIN) { /* then that item is empty */
        result = make(col, cm_span_make(issuers, issuers_size), now, out, size);
    }
    free(issuers);
    return result;
}
