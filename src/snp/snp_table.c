/*
 * The certificate table of an extended report; see snp.h. Untrusted: offsets and lengths above all, whose
 * sum wraps in 32 bits.
 */
#include <string.h>

#include "common/reader.h"
#include "common/same.h"
#include "snp/snp.h"

#define ENTRY_SIZE  24
#define MAX_ENTRIES 64

enum { VCEK, VLEK, ASK, ARK, CRL, KNOWN };

/* as text has them: the tools of AMD and Linux write the bytes in this order */
static const struct {
    uint8_t guid[16];
} known[KNOWN] = {
    {/* VCEK */ {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
                 0xac, 0xcd}},
    {/* VLEK */ {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0,
                 0xb8, 0xa1}},
    {/* ASK */ {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27,
                0xc7, 0x82}},
    {/* ARK */ {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c,
                0xd0, 0xae}},
    {/* CRL */ {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc,
                0x67, 0xea}},
};

/* The same GUID as UEFI writes it: the first three fields little endian. */
static void swap(const uint8_t in[16], uint8_t out[16])
{
    static const uint8_t from[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    for (size_t i = 0; i < 16; i++) {
        out[i] = in[from[i]];
    }
}

/* Which of the known ones it is, in either order; KNOWN: none. */
static size_t guid_of(const uint8_t guid[16])
{
    uint8_t swapped[16] = {0};

    swap(guid, swapped);
    for (size_t i = 0; i < KNOWN; i++) {
        if (memcmp(known[i].guid, guid, 16) == 0 || memcmp(known[i].guid, swapped, 16) == 0) {
            return i;
        }
    }
    return KNOWN;
}

bool cm_snp_table_recognise(struct cm_span bytes)
{
    return bytes.len > ENTRY_SIZE && guid_of(bytes.ptr) != KNOWN;
}

/* Bytes of the list with its closing entry; 0 when there is no such entry. */
static size_t list_size(struct cm_span bytes)
{
    for (size_t i = 0; i < MAX_ENTRIES && bytes.len - i * ENTRY_SIZE >= ENTRY_SIZE; i++) {
        if (cm_span_is_zero(cm_span_make(bytes.ptr + i * ENTRY_SIZE, ENTRY_SIZE))) {
            return (i + 1) * ENTRY_SIZE;
        }
    }
    return 0;
}

enum cm_status cm_snp_table_parse(struct cm_span bytes, struct cm_snp_table *out)
{
    struct cm_snp_table t = {0};
    struct cm_span *const places[KNOWN] = {
        [VCEK] = &t.vcek, [VLEK] = &t.vlek, [ASK] = &t.ask, [ARK] = &t.ark, [CRL] = &t.crl};
    size_t list = list_size(bytes);
    struct cm_rd rd = cm_rd_init(bytes);

    if (list == 0) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i + 1 < list / ENTRY_SIZE; i++) {
        uint8_t guid[16] = {0};
        size_t offset = 0;
        size_t len = 0;
        size_t what = 0;

        cm_rd_copy(&rd, guid, sizeof(guid));
        offset = cm_rd_u32le(&rd);
        len = cm_rd_u32le(&rd);
        if (rd.bad || offset < list || offset > bytes.len || len > bytes.len - offset) {
            return CM_ERR_FORMAT;
        }
        what = guid_of(guid);
        if (what == KNOWN) {
            t.others++;
            continue;
        }
        if (places[what]->ptr != NULL) { /* twice: which one would be meant? */
            return CM_ERR_FORMAT;
        }
        *places[what] = cm_span_make(bytes.ptr + offset, len);
    }
    *out = t;
    return CM_OK;
}
