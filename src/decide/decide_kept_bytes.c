/* Kept collateral as bytes for the store: what it is asked for by, when it came, its parts. */
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/writer.h"
#include "decide/decide_kept.h"

#define MAGIC   "CMKEPT\0\1"
#define FIXED   1024u /* more than everything but the parts takes */
#define CA_VLEK 1u

static void put_block(struct cm_wr *w, struct cm_span s)
{
    cm_wr_u32le(w, (uint32_t)s.len);
    if (s.len != 0) {
        cm_wr_bytes(w, s.ptr, s.len);
    }
}

static void put_want(struct cm_wr *w, const struct cm_want *want)
{
    const struct cm_collateral_key *k = &want->key;

    cm_wr_u8(w, (uint8_t)want->kind);
    if (want->kind == CM_KEPT_DCAP) {
        cm_wr_u8(w, k->tdx ? 1 : 0);
        cm_wr_u8(w, k->platform_ca ? 1 : 0);
        cm_wr_u8(w, k->without_chain ? 1 : 0);
        cm_wr_u8(w, k->known ? 1 : 0);
        cm_wr_bytes(w, k->fmspc, sizeof(k->fmspc));
        cm_wr_bytes(w, k->pck.qe_id, sizeof(k->pck.qe_id));
        put_block(w, cm_span_make(k->pck.ppid, k->pck.ppid_len));
        cm_wr_bytes(w, k->pck.cpusvn, sizeof(k->pck.cpusvn));
        cm_wr_bytes(w, k->pck.pcesvn, sizeof(k->pck.pcesvn));
        cm_wr_bytes(w, k->pck.pceid, sizeof(k->pck.pceid));
    } else {
        cm_wr_bytes(w, want->kds.line, sizeof(want->kds.line));
        cm_wr_u8(w, want->kds.vlek ? CA_VLEK : 0);
        cm_wr_bytes(w, want->kds.chip, sizeof(want->kds.chip));
        cm_wr_bytes(w, want->kds.tcb, sizeof(want->kds.tcb));
    }
}

enum cm_status cm_kept_write(const struct cm_kept *k, uint8_t **out, size_t *len)
{
    size_t cap = FIXED;
    uint8_t *bytes = NULL;
    struct cm_wr w;
    enum cm_status st = CM_OK;

    *out = NULL;
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        cap += k->part[i].len;
    }
    bytes = malloc(cap);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(bytes, cap);
    cm_wr_bytes(&w, MAGIC, 8);
    cm_wr_u64le(&w, k->fetched);
    put_want(&w, &k->want);
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        put_block(&w, k->part[i]);
    }
    CM_TRY(cm_wr_finish(&w));
    *out = bytes;
    *len = w.used;
    bytes = NULL;
out:
    free(bytes);
    return st;
}

static struct cm_span take_block(struct cm_rd *rd)
{
    return cm_rd_take(rd, cm_rd_u32le(rd));
}

static bool take_flag(struct cm_rd *rd)
{
    uint8_t v = cm_rd_u8(rd);

    rd->bad = rd->bad || v > 1;
    return v == 1;
}

static enum cm_status take_dcap(struct cm_rd *rd, struct cm_want *want)
{
    struct cm_collateral_key k = {0};
    struct cm_span ppid = {NULL, 0};

    k.tdx = take_flag(rd);
    k.platform_ca = take_flag(rd);
    k.without_chain = take_flag(rd);
    k.known = take_flag(rd);
    cm_rd_copy(rd, k.fmspc, sizeof(k.fmspc));
    cm_rd_copy(rd, k.pck.qe_id, sizeof(k.pck.qe_id));
    ppid = take_block(rd);
    if (rd->bad || ppid.len > sizeof(k.pck.ppid)) {
        return CM_ERR_FORMAT;
    }
    if (ppid.len != 0) {
        memcpy(k.pck.ppid, ppid.ptr, ppid.len);
    }
    k.pck.ppid_len = ppid.len;
    cm_rd_copy(rd, k.pck.cpusvn, sizeof(k.pck.cpusvn));
    cm_rd_copy(rd, k.pck.pcesvn, sizeof(k.pck.pcesvn));
    cm_rd_copy(rd, k.pck.pceid, sizeof(k.pck.pceid));
    return rd->bad ? CM_ERR_FORMAT : cm_want_dcap(&k, want);
}

static enum cm_status take_snp(struct cm_rd *rd, uint8_t kind, struct cm_want *want)
{
    struct cm_kds_ask a = {{0}, false, {0}, {0}};

    cm_rd_copy(rd, (uint8_t *)a.line, sizeof(a.line));
    a.vlek = take_flag(rd);
    cm_rd_copy(rd, a.chip, sizeof(a.chip));
    cm_rd_copy(rd, a.tcb, sizeof(a.tcb));
    if (rd->bad || a.line[sizeof(a.line) - 1] != '\0') {
        return CM_ERR_FORMAT;
    }
    return kind == CM_KEPT_SNP_CA ? cm_want_snp_ca(a.line, a.vlek, want)
                                  : cm_want_snp_key(a.line, cm_span_make(a.chip, sizeof(a.chip)),
                                                    cm_span_make(a.tcb, sizeof(a.tcb)), want);
}

enum cm_status cm_kept_read(struct cm_span bytes, struct cm_kept **out, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(bytes);
    struct cm_span magic = cm_rd_take(&rd, 8);
    uint64_t fetched = cm_rd_u64le(&rd);
    uint8_t kind = cm_rd_u8(&rd);
    struct cm_span part[CM_PART_COUNT] = {{NULL, 0}};
    struct cm_want want = {0};
    enum cm_status st = CM_ERR_FORMAT;

    *out = NULL;
    if (rd.bad || memcmp(magic.ptr, MAGIC, 8) != 0 || kind >= CM_KEPT_KINDS) {
        goto out;
    }
    CM_TRY(kind == CM_KEPT_DCAP ? take_dcap(&rd, &want) : take_snp(&rd, kind, &want));
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        part[i] = take_block(&rd);
    }
    CM_TRY(cm_rd_finish(&rd));
    CM_TRY(cm_kept_make(&want, part, fetched, out, why));
out:
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "kept collateral is damaged");
        st = CM_ERR_FORMAT;
    }
    return st;
}
