/* OVMF images: the table at the end and the SEV metadata; see snp_ovmf.h. Untrusted: every byte. */
#include "snp/snp_ovmf.h"

#include <string.h>

#define PAGE       4096u
#define TAIL       32 /* behind the table: reset vector */
#define ENTRY_HEAD 18 /* size and GUID, which end an entry */

/* GUIDs as UEFI writes them */
static const uint8_t guid_footer[16] = {0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                        0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d};
static const uint8_t guid_hashes[16] = {0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
                                        0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54};
static const uint8_t guid_reset[16] = {0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
                                       0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e};
static const uint8_t guid_metadata[16] = {0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
                                          0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc};

/* Entries are read from behind: data, u16 size of all of it, GUID. */
struct entry {
    struct cm_span data;
    struct cm_span guid;
};

/* The last entry of a table, which is taken off it; false: malformed. */
static bool last_entry(struct cm_span *table, struct entry *out)
{
    struct cm_rd head = {0};
    size_t size = 0;

    if (table->len < ENTRY_HEAD) {
        return false;
    }
    head = cm_rd_init(cm_span_make(table->ptr + table->len - ENTRY_HEAD, ENTRY_HEAD));
    size = cm_rd_u16le(&head);
    out->guid = cm_rd_take(&head, 16);
    if (size < ENTRY_HEAD || size > table->len) {
        return false;
    }
    out->data = cm_span_make(table->ptr + table->len - size, size - ENTRY_HEAD);
    table->len -= size;
    return true;
}

/* The table that the footer ends, without the footer. */
static bool find_table(struct cm_span image, struct cm_span *out)
{
    struct cm_span all = image;
    struct entry footer = {{NULL, 0}, {NULL, 0}};

    if (image.len < TAIL) {
        return false;
    }
    all.len -= TAIL;
    if (!last_entry(&all, &footer) || memcmp(footer.guid.ptr, guid_footer, 16) != 0) {
        return false;
    }
    *out = footer.data; /* the footer's size is that of the whole table */
    return true;
}

/* The first four bytes of an entry. */
static bool number(const struct entry *e, uint32_t *out)
{
    struct cm_rd rd = cm_rd_init(e->data);

    *out = cm_rd_u32le(&rd);
    return !rd.bad;
}

static bool known_kind(uint32_t kind)
{
    return (kind >= CM_OVMF_MEMORY && kind <= CM_OVMF_CAA) || kind == CM_OVMF_HASHES;
}

static enum cm_status read_sections(struct cm_rd *rd, uint32_t count, struct cm_ovmf *out)
{
    if (count > CM_OVMF_MAX_SECTIONS) {
        return CM_ERR_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cm_ovmf_section *s = &out->sections[i];
        uint32_t kind = 0;

        s->gpa = cm_rd_u32le(rd);
        s->size = cm_rd_u32le(rd);
        kind = cm_rd_u32le(rd);
        if (rd->bad || s->gpa % PAGE != 0 || s->size % PAGE != 0 || s->size == 0 ||
            s->size - 1 > UINT32_MAX - s->gpa) {
            return CM_ERR_FORMAT;
        }
        if (!known_kind(kind)) {
            return CM_ERR_UNSUPPORTED;
        }
        s->kind = (enum cm_ovmf_kind)kind;
        out->count++;
    }
    return CM_OK;
}

/* "ASEV", u32 length of all, version, number of sections; its place counts from the image's end. */
static enum cm_status read_metadata(struct cm_span image, uint32_t from_end, struct cm_ovmf *out)
{
    struct cm_rd rd = {0};
    struct cm_span magic = {NULL, 0};
    uint32_t len = 0;
    uint32_t version = 0;
    uint32_t count = 0;

    if (from_end > image.len) {
        return CM_ERR_FORMAT;
    }
    rd = cm_rd_init(cm_span_make(image.ptr + image.len - from_end, from_end));
    magic = cm_rd_take(&rd, 4);
    len = cm_rd_u32le(&rd);
    version = cm_rd_u32le(&rd);
    count = cm_rd_u32le(&rd);
    if (rd.bad || memcmp(magic.ptr, "ASEV", 4) != 0 || len < 16) {
        return CM_ERR_FORMAT;
    }
    rd = cm_rd_sub(&rd, len - 16);
    return version != 1 ? CM_ERR_UNSUPPORTED : read_sections(&rd, count, out);
}

enum cm_status cm_ovmf_read(struct cm_span image, struct cm_ovmf *out, struct cm_why *why)
{
    struct cm_ovmf o = {0};
    struct cm_span table = {NULL, 0};
    struct entry e = {{NULL, 0}, {NULL, 0}};
    uint32_t metadata = 0;
    enum cm_status st = CM_OK;

    if (!find_table(image, &table)) {
        cm_why_set(why, "not an OVMF image: no table of GUIDs at its end");
        return CM_ERR_FORMAT;
    }
    while (table.len != 0) {
        uint32_t v = 0;

        if (!last_entry(&table, &e)) {
            cm_why_set(why, "the firmware's table of GUIDs is malformed");
            return CM_ERR_FORMAT;
        }
        if (memcmp(e.guid.ptr, guid_hashes, 16) == 0 && number(&e, &v)) {
            o.hashes = v;
        } else if (memcmp(e.guid.ptr, guid_reset, 16) == 0 && number(&e, &v)) {
            o.reset = v;
        } else if (memcmp(e.guid.ptr, guid_metadata, 16) == 0 && number(&e, &v)) {
            metadata = v;
        }
    }
    if (metadata == 0) {
        cm_why_set(why, "the firmware has no SEV metadata: it was not built for SNP");
        return CM_ERR_FORMAT;
    }
    st = read_metadata(image, metadata, &o);
    if (st != CM_OK) {
        cm_why_set(why, "the firmware's SEV metadata is malformed or of an unknown kind");
        return st;
    }
    *out = o;
    return CM_OK;
}
