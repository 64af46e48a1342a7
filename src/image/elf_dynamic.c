/*
 * PT_DYNAMIC and the relocations of an enclave image. The runtime relocates
 * itself inside the enclave, where nothing can be refused politely any more:
 * so whatever it would meet there is checked here, when signing and loading.
 * UNTRUSTED: every byte of the file.
 */
#include <elf.h>
#include <inttypes.h>

#include "common/reader.h"
#include "common/try.h"
#include "image/elf_image.h"

/* glibc's elf.h of Debian 12 has these; older ones do not */
#ifndef DT_RELR
#define DT_RELRSZ  35
#define DT_RELR    36
#define DT_RELRENT 37
#endif

enum { DYN_SIZE = 16, RELA_SIZE = 24, RELR_SIZE = 8, WORD = 8 };

struct dynamic {
    uint64_t seen; /* bit n: tag n was there, for the tags below 64 */
    uint64_t rela, relasz, relaent;
    uint64_t relr, relrsz, relrent;
};

static enum cm_status refuse(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_UNSUPPORTED;
}

/* Tags that say something we do not act on and that change nothing for a static PIE. */
static bool is_harmless(uint64_t tag)
{
    static const uint64_t tags[] = {
        DT_HASH,   DT_STRTAB,     DT_SYMTAB,       DT_STRSZ,      DT_SYMENT,       DT_INIT,
        DT_FINI,   DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_DEBUG,
        DT_PLTGOT, DT_BIND_NOW,   DT_SYMBOLIC,     DT_GNU_HASH,   DT_RELACOUNT,
    };

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (tags[i] == tag) {
            return true;
        }
    }
    return false;
}

static enum cm_status one_tag(struct dynamic *d, uint64_t tag, uint64_t value, struct cm_why *why)
{
    if (tag < 64 && tag != DT_NULL) {
        if ((d->seen >> tag & 1U) != 0 && tag != DT_NEEDED) {
            cm_why_set(why, "dynamic tag %" PRIu64 " stands twice", tag);
            return CM_ERR_FORMAT;
        }
        d->seen |= UINT64_C(1) << tag;
    }
    switch (tag) {
    case DT_RELA:
        d->rela = value;
        return CM_OK;
    case DT_RELASZ:
        d->relasz = value;
        return CM_OK;
    case DT_RELAENT:
        d->relaent = value;
        return CM_OK;
    case DT_RELR:
        d->relr = value;
        return CM_OK;
    case DT_RELRSZ:
        d->relrsz = value;
        return CM_OK;
    case DT_RELRENT:
        d->relrent = value;
        return CM_OK;
    case DT_NEEDED:
        return refuse(why, "the image needs a shared library (DT_NEEDED); link it statically");
    case DT_RPATH:
    case DT_RUNPATH:
        return refuse(why, "the image has a library search path (DT_RPATH or DT_RUNPATH)");
    case DT_TEXTREL:
        return refuse(why, "the image has text relocations (DT_TEXTREL); compile with -fPIE");
    case DT_REL:
    case DT_JMPREL:
    case DT_PLTRELSZ:
        return refuse(why, "the image has PLT or REL relocations; only RELATIVE and RELR ones "
                           "are allowed (link with -static-pie; indirect functions cannot work)");
    case DT_FLAGS:
        return (value & DF_TEXTREL) == 0
                   ? CM_OK
                   : refuse(why, "the image has text relocations (DF_TEXTREL)");
    case DT_FLAGS_1:
        return (value & ~(uint64_t)(DF_1_NOW | DF_1_PIE | DF_1_NODELETE)) == 0
                   ? CM_OK
                   : refuse(why, "unknown DT_FLAGS_1");
    default:
        if (is_harmless(tag)) {
            return CM_OK;
        }
        cm_why_set(why, "unknown dynamic tag 0x%" PRIx64, tag);
        return CM_ERR_UNSUPPORTED;
    }
}

static enum cm_status read_tags(const struct cm_image *image, struct dynamic *d, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};
    bool ended = false;

    if (image->dynamic.len % DYN_SIZE != 0 ||
        !cm_image_bytes_at(image, image->dynamic.start, image->dynamic.len, &bytes)) {
        cm_why_set(why, "PT_DYNAMIC lies outside the segments");
        return CM_ERR_FORMAT;
    }
    struct cm_rd r = cm_rd_init(bytes);

    while (r.left != 0 && !ended) {
        const uint64_t tag = cm_rd_u64le(&r);
        const uint64_t value = cm_rd_u64le(&r);

        ended = tag == DT_NULL;
        st = ended ? CM_OK : one_tag(d, tag, value, why);
        if (st != CM_OK) {
            return st;
        }
    }
    if (!ended) {
        cm_why_set(why, "PT_DYNAMIC does not end with DT_NULL");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* A word that the runtime will add the base address to. */
static enum cm_status check_target(const struct cm_image *image, uint64_t addr, uint64_t addend,
                                   struct cm_why *why)
{
    const struct cm_segment *s = cm_image_segment_at(image, addr, WORD);

    if (s == NULL || (s->flags & PF_W) == 0) {
        cm_why_set(why, "a relocation at 0x%" PRIx64 " is not in a writable segment", addr);
        return CM_ERR_FORMAT;
    }
    if (addr + WORD > image->oeinfo_addr && addr < image->oeinfo_addr + CM_OEINFO_SIZE) {
        cm_why_set(why, "a relocation at 0x%" PRIx64 " changes .oeinfo", addr);
        return CM_ERR_FORMAT;
    }
    if (addend > image->mem_end) {
        cm_why_set(why, "the relocation at 0x%" PRIx64 " points outside the image", addr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* A table must not lie where its own relocations could write. */
static enum cm_status table_at(const struct cm_image *image, uint64_t addr, uint64_t size,
                               struct cm_span *out, struct cm_why *why)
{
    const struct cm_segment *s = cm_image_segment_at(image, addr, size);

    if (s == NULL || (s->flags & PF_W) != 0 || !cm_image_bytes_at(image, addr, size, out)) {
        cm_why_set(why, "the relocation table at 0x%" PRIx64 " is not in a read-only segment",
                   addr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status check_rela(struct cm_image *image, const struct dynamic *d,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};

    if (d->relasz == 0) {
        return CM_OK;
    }
    if (d->relaent != RELA_SIZE || d->relasz % RELA_SIZE != 0) {
        cm_why_set(why, "DT_RELASZ or DT_RELAENT is wrong");
        return CM_ERR_FORMAT;
    }
    st = table_at(image, d->rela, d->relasz, &bytes, why);
    if (st != CM_OK) {
        return st;
    }
    struct cm_rd r = cm_rd_init(bytes);

    while (r.left != 0) {
        const uint64_t addr = cm_rd_u64le(&r);
        const uint64_t info = cm_rd_u64le(&r);
        const uint64_t addend = cm_rd_u64le(&r);

        if (info != R_X86_64_RELATIVE) {
            cm_why_set(why,
                       "relocation type %" PRIu64 " at 0x%" PRIx64 "; only RELATIVE ones are "
                       "allowed (an undefined symbol or an indirect function?)",
                       ELF64_R_TYPE(info), addr);
            return CM_ERR_UNSUPPORTED;
        }
        CM_TRY(check_target(image, addr, addend, why));
    }
    image->rela = (struct cm_range){d->rela, d->relasz};
out:
    return st;
}

static enum cm_status check_relr_word(const struct cm_image *image, uint64_t addr,
                                      struct cm_why *why)
{
    struct cm_span word = {NULL, 0};
    uint64_t addend = 0; /* a word that is not in the file is zero */

    if (cm_image_bytes_at(image, addr, WORD, &word)) {
        struct cm_rd r = cm_rd_init(word);

        addend = cm_rd_u64le(&r);
    }
    return check_target(image, addr, addend, why);
}

/* Bit n of a bitmap stands for the word n - 1 after `next`. */
static enum cm_status check_relr_bitmap(const struct cm_image *image, uint64_t bitmap,
                                        uint64_t next, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (next > image->mem_end) { /* bitmaps of nothing could otherwise walk for ever */
        cm_why_set(why, "the RELR table leaves the image");
        return CM_ERR_FORMAT;
    }
    for (unsigned int bit = 1; bit < 64 && st == CM_OK; bit++) {
        if ((bitmap >> bit & 1U) != 0) {
            st = check_relr_word(image, next + (uint64_t)(bit - 1) * WORD, why);
        }
    }
    return st;
}

/* An even entry is an address; each odd one is a bitmap of the 63 words that follow. */
static enum cm_status check_relr(struct cm_image *image, const struct dynamic *d,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};
    uint64_t next = 0;
    bool have_next = false;

    if (d->relrsz == 0) {
        return CM_OK;
    }
    if (d->relrent != RELR_SIZE || d->relrsz % RELR_SIZE != 0) {
        cm_why_set(why, "DT_RELRSZ or DT_RELRENT is wrong");
        return CM_ERR_FORMAT;
    }
    st = table_at(image, d->relr, d->relrsz, &bytes, why);
    if (st != CM_OK) {
        return st;
    }
    struct cm_rd r = cm_rd_init(bytes);

    while (r.left != 0 && st == CM_OK) {
        const uint64_t entry = cm_rd_u64le(&r);

        if ((entry & 1U) == 0) {
            st = check_relr_word(image, entry, why);
            next = entry + WORD; /* fits when the target lies in the image */
            have_next = true;
        } else if (have_next) {
            st = check_relr_bitmap(image, entry, next, why);
            next += UINT64_C(63) * WORD;
        } else {
            cm_why_set(why, "the RELR table begins with a bitmap");
            st = CM_ERR_FORMAT;
        }
    }
    if (st != CM_OK) {
        return st;
    }
    image->relr = (struct cm_range){d->relr, d->relrsz};
    return CM_OK;
}

enum cm_status cm_image_check_dynamic(struct cm_image *image, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct dynamic d = {0};

    if (image->dynamic.len == 0) {
        return CM_OK;
    }
    CM_TRY(read_tags(image, &d, why));
    CM_TRY(check_rela(image, &d, why));
    CM_TRY(check_relr(image, &d, why));
out:
    return st;
}
