/*
 * The SGX extension of the PCK certificate, in DER; see emuplat_x509.h. A SEQUENCE of
 * SEQUENCE { OID, value }; OIDs are the extension's own with one or two arcs more.
 */
#include <string.h>

#include "common/writer.h"
#include "emuplat/emuplat_x509.h"

enum tag {
    BOOLEAN = 0x01,
    INTEGER = 0x02,
    OCTETS = 0x04,
    OID = 0x06,
    ENUM = 0x0a,
    SEQUENCE = 0x30
};

#define ENTRY_MAX 512u

static void put(struct cm_wr *w, enum tag tag, const void *content, size_t len)
{
    cm_wr_u8(w, (uint8_t)tag);
    if (len >= 256) {
        cm_wr_u8(w, 0x82);
        cm_wr_u16be(w, (uint16_t)len);
    } else {
        if (len >= 128) {
            cm_wr_u8(w, 0x81);
        }
        cm_wr_u8(w, (uint8_t)len);
    }
    cm_wr_bytes(w, content, len);
}

/* SEQUENCE { OID with these arcs (the second may be 0: none), value } */
static void entry(struct cm_wr *w, uint8_t arc, uint8_t sub, const struct cm_wr *value)
{
    uint8_t oid[11] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, arc, sub};
    uint8_t buf[ENTRY_MAX];
    struct cm_wr in = cm_wr_init(buf, sizeof(buf));

    put(&in, OID, oid, sub == 0 ? 10 : 11);
    cm_wr_bytes(&in, value->start, value->used);
    w->bad = w->bad || value->bad || in.bad;
    put(w, SEQUENCE, buf, in.used);
}

static void simple(struct cm_wr *w, const uint8_t arcs[2], enum tag tag, struct cm_span content)
{
    uint8_t buf[32];
    struct cm_wr value = cm_wr_init(buf, sizeof(buf));

    put(&value, tag, content.ptr, content.len);
    entry(w, arcs[0], arcs[1], &value);
}

/* a non-negative INTEGER below 65536 in its shortest form */
static void number(struct cm_wr *w, const uint8_t arcs[2], uint16_t v)
{
    uint8_t be[3] = {0, (uint8_t)(v >> 8), (uint8_t)v};
    size_t skip = 0;

    while (skip < 2 && be[skip] == 0 && be[skip + 1] < 0x80) {
        skip++;
    }
    simple(w, arcs, INTEGER, cm_span_make(be + skip, sizeof(be) - skip));
}

static void nested(struct cm_wr *w, uint8_t arc, const struct cm_wr *members)
{
    uint8_t buf[ENTRY_MAX];
    struct cm_wr value = cm_wr_init(buf, sizeof(buf));

    put(&value, SEQUENCE, members->start, members->used);
    value.bad = value.bad || members->bad;
    entry(w, arc, 0, &value);
}

static void write_tcb(struct cm_wr *w, const struct cm_emuplat_ext *e)
{
    uint8_t buf[ENTRY_MAX];
    struct cm_wr tcb = cm_wr_init(buf, sizeof(buf));
    const uint8_t pcesvn[2] = {2, 17};
    const uint8_t cpusvn[2] = {2, 18};

    for (uint8_t i = 0; i < 16; i++) {
        const uint8_t arcs[2] = {2, (uint8_t)(i + 1)};

        number(&tcb, arcs, e->cpusvn[i]);
    }
    number(&tcb, pcesvn, e->pcesvn);
    simple(&tcb, cpusvn, OCTETS, cm_span_make(e->cpusvn, 16));
    nested(w, 2, &tcb);
}

/* dynamicPlatform, cachedKeys, smtEnabled: what a server with several packages says */
static void write_configuration(struct cm_wr *w)
{
    static const uint8_t yes = 0xff;
    uint8_t buf[ENTRY_MAX];
    struct cm_wr flags = cm_wr_init(buf, sizeof(buf));

    for (uint8_t i = 1; i <= 3; i++) {
        const uint8_t arcs[2] = {7, i};

        simple(&flags, arcs, BOOLEAN, cm_span_make(&yes, 1));
    }
    nested(w, 7, &flags);
}

enum cm_status cm_emuplat_ext_write(const struct cm_emuplat_ext *e, uint8_t out[CM_EMUPLAT_EXT_MAX],
                                    size_t *len)
{
    static const uint8_t pceid[2] = {0, 0};
    static const uint8_t scalable = 1;
    static const uint8_t arcs[8][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 0},
                                       {4, 0}, {5, 0}, {6, 0}, {7, 0}};
    uint8_t buf[CM_EMUPLAT_EXT_MAX - 4];
    struct cm_wr list = cm_wr_init(buf, sizeof(buf));
    struct cm_wr whole = cm_wr_init(out, CM_EMUPLAT_EXT_MAX);

    simple(&list, arcs[1], OCTETS, cm_span_make(e->ppid, 16));
    write_tcb(&list, e);
    simple(&list, arcs[3], OCTETS, cm_span_make(pceid, sizeof(pceid)));
    simple(&list, arcs[4], OCTETS, cm_span_make(e->fmspc, 6));
    simple(&list, arcs[5], ENUM, cm_span_make(&scalable, 1));
    simple(&list, arcs[6], OCTETS, cm_span_make(e->instance_id, 16));
    write_configuration(&list);
    if (list.bad) {
        return CM_ERR_SPACE;
    }
    put(&whole, SEQUENCE, buf, list.used);
    *len = whole.used;
    return cm_wr_finish(&whole);
}
