/*
 * Values of PCRs, labelled by the quote's selection; see tpm.h. The attack that this file is about: a
 * guest that selects PCR 0 to 10 and 16 and lets a careless reader take the twelfth value for PCR 11.
 */
#include <string.h>

#include "common/wipe.h"
#include "tpm/tpm.h"

/* struct TPML_PCR_SELECTION and TPML_DIGEST as tpm2-tss keeps them in memory */
#define TOOLS_SELECTIONS 16
#define TOOLS_BITMAP     4
#define TOOLS_DIGESTS    8
#define TOOLS_DIGEST     64
#define TOOLS_HEAD       (4 + TOOLS_SELECTIONS * 8)
#define TOOLS_LIST       (4 + TOOLS_DIGESTS * (2 + TOOLS_DIGEST))

static struct cm_tpm_bank *bank_of(struct cm_tpm_pcrs *pcrs, uint16_t alg)
{
    for (size_t i = 0; i < pcrs->count; i++) {
        if (pcrs->bank[i].alg == alg) {
            return &pcrs->bank[i];
        }
    }
    if (pcrs->count == CM_TPM_MAX_BANKS) {
        return NULL;
    }
    memset(&pcrs->bank[pcrs->count], 0, sizeof(pcrs->bank[0]));
    pcrs->bank[pcrs->count].alg = alg;
    return &pcrs->bank[pcrs->count++];
}

enum cm_status cm_tpm_pcrs_set(struct cm_tpm_pcrs *pcrs, uint16_t alg, unsigned pcr,
                               struct cm_span value)
{
    struct cm_tpm_bank *bank = NULL;

    if (pcr >= CM_TPM_PCRS || value.len == 0 || value.len != cm_tpm_hash_size(alg)) {
        return CM_ERR_FORMAT;
    }
    bank = bank_of(pcrs, alg);
    if (bank == NULL) {
        return CM_ERR_LIMIT;
    }
    memcpy(bank->value[pcr], value.ptr, value.len); /* of several the last: the digest decides */
    bank->mask |= 1u << pcr;
    return CM_OK;
}

struct cm_span cm_tpm_pcrs_get(const struct cm_tpm_pcrs *pcrs, uint16_t alg, unsigned pcr)
{
    for (size_t i = 0; i < pcrs->count && pcr < CM_TPM_PCRS; i++) {
        if (pcrs->bank[i].alg == alg && (pcrs->bank[i].mask >> pcr & 1) != 0) {
            return cm_span_make(pcrs->bank[i].value[pcr], cm_tpm_hash_size(alg));
        }
    }
    return cm_span_make(NULL, 0);
}

/* The serialised selection must be the signed one; empty banks count for nothing on either side. */
static bool same_selection(struct cm_rd *r, const struct cm_tpm_attest *att)
{
    uint32_t count = cm_rd_u32le(r);
    size_t at = 0;
    bool same = count <= TOOLS_SELECTIONS;

    for (size_t i = 0; i < TOOLS_SELECTIONS; i++) {
        uint16_t alg = cm_rd_u16le(r);
        size_t size = cm_rd_u8(r);
        struct cm_span map = cm_rd_take(r, TOOLS_BITMAP);
        uint32_t mask = 0;

        (void)cm_rd_u8(r); /* padding of the struct */
        for (size_t k = 0; k < map.len && k < size; k++) {
            mask |= (uint32_t)map.ptr[k] << (8 * k);
        }
        if (i >= count || mask == 0) {
            continue;
        }
        while (at < att->sel_count && att->sel[at].mask == 0) {
            at++;
        }
        same = same && at < att->sel_count && att->sel[at].alg == alg && att->sel[at].mask == mask;
        at++;
    }
    while (at < att->sel_count && att->sel[at].mask == 0) {
        at++;
    }
    return same && at >= att->sel_count;
}

/* Where values come from: raw bytes, or TPML_DIGEST after TPML_DIGEST. */
struct source {
    bool tools;
    struct cm_rd bytes;
    struct cm_rd list;
    uint32_t left; /* in the list */
};

static struct cm_span next_value(struct source *s, uint16_t alg)
{
    struct cm_span whole = {NULL, 0};
    uint16_t size = 0;

    if (!s->tools) {
        return cm_rd_take(&s->bytes, cm_tpm_hash_size(alg));
    }
    if (s->left == 0) {
        s->list = cm_rd_sub(&s->bytes, TOOLS_LIST);
        s->left = cm_rd_u32le(&s->list);
        if (s->left == 0 || s->left > TOOLS_DIGESTS) {
            s->bytes.bad = true;
        }
    }
    s->left--;
    size = cm_rd_u16le(&s->list);
    whole = cm_rd_take(&s->list, TOOLS_DIGEST);
    if (s->bytes.bad || size > whole.len) {
        s->bytes.bad = true;
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(whole.ptr, size);
}

/* Label values in order of selection. */
static enum cm_status label(const struct cm_tpm_attest *att, struct source *from,
                            struct cm_tpm_pcrs *out)
{
    for (size_t i = 0; i < att->sel_count; i++) {
        for (unsigned pcr = 0; pcr < CM_TPM_PCRS; pcr++) {
            enum cm_status st = CM_OK;

            if ((att->sel[i].mask >> pcr & 1) == 0) {
                continue;
            }
            st = cm_tpm_pcrs_set(out, att->sel[i].alg, pcr, next_value(from, att->sel[i].alg));
            if (st != CM_OK) {
                return st;
            }
        }
    }
    return CM_OK;
}

/* The bytes that a selection's values have. */
static size_t raw_size(const struct cm_tpm_attest *att)
{
    size_t sum = 0;

    for (size_t i = 0; i < att->sel_count; i++) {
        sum += (size_t)__builtin_popcount(att->sel[i].mask) * cm_tpm_hash_size(att->sel[i].alg);
    }
    return sum;
}

static enum cm_status read_tools(struct cm_span values, const struct cm_tpm_attest *att,
                                 struct cm_tpm_pcrs *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(values);
    struct source from = {.tools = true};
    uint32_t count = 0;
    enum cm_status st = CM_OK;

    if (!same_selection(&r, att)) {
        cm_why_set(why, "the values are labelled with another selection than the one quoted");
        return CM_ERR_MISMATCH;
    }
    count = cm_rd_u32le(&r);
    if (r.bad || count > TOOLS_SELECTIONS * CM_TPM_PCRS || r.left != (size_t)count * TOOLS_LIST) {
        cm_why_set(why, "the file of values has not the length that it says");
        return CM_ERR_FORMAT;
    }
    from.bytes = r;
    st = label(att, &from, out);
    if (st == CM_OK && (from.left != 0 || cm_rd_finish(&from.bytes) != CM_OK)) {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        cm_why_set(why, "there are not as many values of the right size as the quote selects");
    }
    return st;
}

enum cm_status cm_tpm_pcrs_read(struct cm_span values, const struct cm_tpm_attest *att,
                                struct cm_tpm_pcrs *out, struct cm_why *why)
{
    struct source from = {.bytes = cm_rd_init(values)};
    enum cm_status st = CM_OK;

    out->count = 0;
    if (values.len == raw_size(att)) {
        st = label(att, &from, out);
    } else if (values.len >= TOOLS_HEAD + 4 && (values.len - TOOLS_HEAD - 4) % TOOLS_LIST == 0) {
        st = read_tools(values, att, out, why);
    } else {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        out->count = 0;
        cm_why_set(why, "%zu bytes are not the values of the %zu that are selected", values.len,
                   raw_size(att));
    }
    return st;
}

uint32_t cm_tpm_selected(const struct cm_tpm_attest *att, uint16_t alg)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < att->sel_count; i++) {
        mask |= att->sel[i].alg == alg ? att->sel[i].mask : 0;
    }
    return mask;
}

enum cm_status cm_tpm_pcrs_check(const struct cm_tpm_pcrs *pcrs, const struct cm_tpm_attest *att,
                                 uint16_t hash)
{
    struct cm_span parts[CM_TPM_MAX_SELECTION * CM_TPM_PCRS];
    uint8_t digest[CM_TPM_MAX_DIGEST] = {0};
    size_t count = 0;
    enum cm_status st = CM_OK;

    for (size_t b = 0; b < pcrs->count; b++) {
        if ((pcrs->bank[b].mask & ~cm_tpm_selected(att, pcrs->bank[b].alg)) != 0) {
            return CM_ERR_MISMATCH;
        }
    }
    for (size_t i = 0; i < att->sel_count; i++) {
        for (unsigned pcr = 0; pcr < CM_TPM_PCRS; pcr++) {
            if ((att->sel[i].mask >> pcr & 1) == 0) {
                continue;
            }
            parts[count] = cm_tpm_pcrs_get(pcrs, att->sel[i].alg, pcr);
            if (parts[count++].ptr == NULL) {
                return CM_ERR_MISMATCH;
            }
        }
    }
    st = cm_tpm_hash(hash, parts, count, digest);
    if (st != CM_OK) {
        return st;
    }
    return att->pcr_digest.len == cm_tpm_hash_size(hash) &&
                   cm_ct_equal(digest, att->pcr_digest.ptr, att->pcr_digest.len)
               ? CM_OK
               : CM_ERR_MISMATCH;
}
