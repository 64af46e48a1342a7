/* The form of enclave image files, both ways; see eif.h. Untrusted: files that are read. */
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/reader.h"
#include "common/writer.h"
#include "nitro/eif.h"

#define MAGIC          0x2e656966u /* ".eif" */
#define HEADER_SIZE    548
#define CRC_AT         544
#define SECTION_HEADER 12
#define VERSION_MIN    2 /* the first with a CRC */
#define VERSION_SIGNED 3
#define VERSION_NAMED  4 /* with metadata */

struct tables {
    uint64_t offsets[CM_EIF_MAX_SECTIONS];
    uint64_t sizes[CM_EIF_MAX_SECTIONS];
};

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_FORMAT;
}

/* How many of which sections there must be, and what a version may have. */
static enum cm_status check_sections(const struct cm_eif *eif, struct cm_why *why)
{
    size_t count[CM_EIF_METADATA + 1] = {0};

    for (size_t i = 0; i < eif->section_count; i++) {
        count[eif->sections[i].type]++;
    }
    if (count[CM_EIF_KERNEL] != 1 || count[CM_EIF_CMDLINE] != 1 || count[CM_EIF_RAMDISK] == 0 ||
        count[CM_EIF_SIGNATURE] > 1 || count[CM_EIF_METADATA] > 1) {
        return bad(why, "not one kernel, one command line, a ramdisk or more, at most one "
                        "signature and one metadata section");
    }
    if ((count[CM_EIF_SIGNATURE] != 0 && eif->version < VERSION_SIGNED) ||
        (count[CM_EIF_METADATA] != 0 && eif->version < VERSION_NAMED)) {
        return bad(why, "a section that this version of the format does not have");
    }
    return CM_OK;
}

static enum cm_status read_header(struct cm_rd *rd, struct cm_eif *out, struct tables *t,
                                  struct cm_why *why)
{
    uint32_t magic = cm_rd_u32be(rd);
    uint16_t count = 0;

    out->version = cm_rd_u16be(rd);
    out->flags = cm_rd_u16be(rd);
    out->default_memory = cm_rd_u64be(rd);
    out->default_cpus = cm_rd_u64be(rd);
    (void)cm_rd_u16be(rd); /* reserved */
    count = cm_rd_u16be(rd);
    for (size_t i = 0; i < CM_EIF_MAX_SECTIONS; i++) {
        t->offsets[i] = cm_rd_u64be(rd);
    }
    for (size_t i = 0; i < CM_EIF_MAX_SECTIONS; i++) {
        t->sizes[i] = cm_rd_u64be(rd);
    }
    (void)cm_rd_u32be(rd); /* unused */
    out->crc = cm_rd_u32be(rd);
    if (rd->bad || magic != MAGIC) {
        return bad(why, "not an enclave image file");
    }
    if (out->version < VERSION_MIN || out->version > CM_EIF_VERSION) {
        cm_why_set(why, "version %u of the format", out->version);
        return CM_ERR_UNSUPPORTED;
    }
    if (count == 0 || count > CM_EIF_MAX_SECTIONS) {
        return bad(why, "no sections, or too many");
    }
    out->section_count = count;
    return CM_OK;
}

/* What is measured is found by walking over the sections, what is loaded by the tables: if the two could
 * differ, another image would run than the one that was measured. */
static enum cm_status read_section(struct cm_rd *rd, struct cm_span file, const struct tables *t,
                                   size_t i, struct cm_eif_section *out, struct cm_why *why)
{
    uint64_t at = file.len - rd->left;
    uint16_t type = cm_rd_u16be(rd);
    uint64_t size = 0;

    out->flags = cm_rd_u16be(rd);
    size = cm_rd_u64be(rd);
    if (rd->bad || size > rd->left) {
        return bad(why, "the file ends inside a section");
    }
    if (type < CM_EIF_KERNEL || type > CM_EIF_METADATA) {
        cm_why_set(why, "section of type %u", type);
        return CM_ERR_UNSUPPORTED;
    }
    if (t->offsets[i] != at || t->sizes[i] != size) {
        return bad(why, "the header's tables say something else than the sections");
    }
    out->type = (enum cm_eif_type)type;
    out->data = cm_rd_take(rd, (size_t)size);
    return CM_OK;
}

enum cm_status cm_eif_parse(struct cm_span file, struct cm_eif *out, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(file);
    struct tables t;
    uint32_t crc = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (file.len > CM_EIF_MAX_BYTES) {
        return CM_ERR_LIMIT;
    }
    st = read_header(&rd, out, &t, why);
    for (size_t i = 0; st == CM_OK && i < out->section_count; i++) {
        st = read_section(&rd, file, &t, i, &out->sections[i], why);
    }
    if (st != CM_OK) {
        return st;
    }
    if (cm_rd_finish(&rd) != CM_OK) {
        return bad(why, "bytes behind the last section");
    }
    for (size_t i = out->section_count; i < CM_EIF_MAX_SECTIONS; i++) {
        if (t.offsets[i] != 0 || t.sizes[i] != 0) {
            return bad(why, "the header's tables have more sections than it counts");
        }
    }
    st = check_sections(out, why);
    if (st != CM_OK) {
        return st;
    }
    crc = cm_crc32(0, cm_span_make(file.ptr, CRC_AT));
    crc = cm_crc32(crc, cm_span_make(file.ptr + HEADER_SIZE, file.len - HEADER_SIZE));
    if (crc != out->crc) {
        cm_why_set(why, "the CRC is %08x, not %08x as the header says", crc, out->crc);
        return CM_ERR_MISMATCH;
    }
    return CM_OK;
}

const struct cm_eif_section *cm_eif_find(const struct cm_eif *eif, enum cm_eif_type type)
{
    for (size_t i = 0; i < eif->section_count; i++) {
        if (eif->sections[i].type == type) {
            return &eif->sections[i];
        }
    }
    return NULL;
}

static bool total_size(const struct cm_eif *eif, size_t *out)
{
    size_t total = HEADER_SIZE;

    for (size_t i = 0; i < eif->section_count; i++) {
        if (cm_add_ovf(total, SECTION_HEADER, &total) ||
            cm_add_ovf(total, eif->sections[i].data.len, &total)) {
            return false;
        }
    }
    *out = total;
    return total <= CM_EIF_MAX_BYTES;
}

static void write_header(struct cm_wr *w, const struct cm_eif *eif)
{
    uint64_t at = HEADER_SIZE;

    cm_wr_u32be(w, MAGIC);
    cm_wr_u16be(w, CM_EIF_VERSION);
    cm_wr_u16be(w, eif->flags);
    cm_wr_u64be(w, eif->default_memory);
    cm_wr_u64be(w, eif->default_cpus);
    cm_wr_u16be(w, 0);
    cm_wr_u16be(w, (uint16_t)eif->section_count);
    for (size_t i = 0; i < CM_EIF_MAX_SECTIONS; i++) {
        cm_wr_u64be(w, i < eif->section_count ? at : 0);
        at += i < eif->section_count ? SECTION_HEADER + eif->sections[i].data.len : 0;
    }
    for (size_t i = 0; i < CM_EIF_MAX_SECTIONS; i++) {
        cm_wr_u64be(w, i < eif->section_count ? eif->sections[i].data.len : 0);
    }
    cm_wr_u32be(w, 0);
    cm_wr_u32be(w, 0); /* the CRC, once everything is there */
}

enum cm_status cm_eif_write(const struct cm_eif *eif, uint8_t **out, size_t *len,
                            struct cm_why *why)
{
    struct cm_eif current = *eif;
    struct cm_wr w = {0};
    struct cm_wr tail = {0};
    uint8_t *file = NULL;
    size_t total = 0;
    uint32_t crc = 0;
    enum cm_status st = CM_OK;

    current.version = CM_EIF_VERSION;
    if (eif->section_count == 0 || eif->section_count > CM_EIF_MAX_SECTIONS ||
        !total_size(eif, &total)) {
        cm_why_set(why, "no sections, too many, or too large");
        return CM_ERR_LIMIT;
    }
    st = check_sections(&current, why);
    if (st != CM_OK) {
        return st;
    }
    file = malloc(total);
    if (file == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_wr_init(file, total);
    write_header(&w, &current);
    for (size_t i = 0; i < eif->section_count; i++) {
        cm_wr_u16be(&w, (uint16_t)eif->sections[i].type);
        cm_wr_u16be(&w, eif->sections[i].flags);
        cm_wr_u64be(&w, eif->sections[i].data.len);
        cm_wr_bytes(&w, eif->sections[i].data.ptr, eif->sections[i].data.len);
    }
    crc = cm_crc32(0, cm_span_make(file, CRC_AT));
    crc = cm_crc32(crc, cm_span_make(file + HEADER_SIZE, total - HEADER_SIZE));
    tail = cm_wr_init(file + CRC_AT, HEADER_SIZE - CRC_AT);
    cm_wr_u32be(&tail, crc);
    st = cm_wr_finish(&w);
    if (st != CM_OK) {
        free(file);
        return st;
    }
    *out = file;
    *len = total;
    return CM_OK;
}
