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
    uint64_t jmprel, pltrelsz, pltrel;
    uint64_t symtab, strtab, strsz;
    uint64_t init_array, init_arraysz;
    uint64_t fini_array, fini_arraysz;
    uint64_t needed;
};

static bool has(const struct dynamic *d, unsigned int tag)
{
    return (d->seen >> tag & 1U) != 0;
}

static enum cm_status refuse(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_UNSUPPORTED;
}

/* Tags that say something we do not act on and that change nothing for an enclave. */
static bool is_harmless(uint64_t tag)
{
    static const uint64_t tags[] = {
        DT_HASH,   DT_SYMENT,   DT_INIT,     DT_FINI,     DT_DEBUG,
        DT_PLTGOT, DT_BIND_NOW, DT_SYMBOLIC, DT_GNU_HASH, DT_RELACOUNT,
    };

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (tags[i] == tag) {
            return true;
        }
    }
    return false;
}

/* Where a tag's value is kept; NULL for the others. */
static uint64_t *place_of(struct dynamic *d, uint64_t tag)
{
    const struct {
        uint64_t tag;
        uint64_t *place;
    } kept[] = {
        {DT_RELA, &d->rela},
        {DT_RELASZ, &d->relasz},
        {DT_RELAENT, &d->relaent},
        {DT_RELR, &d->relr},
        {DT_RELRSZ, &d->relrsz},
        {DT_RELRENT, &d->relrent},
        {DT_JMPREL, &d->jmprel},
        {DT_PLTRELSZ, &d->pltrelsz},
        {DT_PLTREL, &d->pltrel},
        {DT_SYMTAB, &d->symtab},
        {DT_STRTAB, &d->strtab},
        {DT_STRSZ, &d->strsz},
        {DT_INIT_ARRAY, &d->init_array},
        {DT_INIT_ARRAYSZ, &d->init_arraysz},
        {DT_FINI_ARRAY, &d->fini_array},
        {DT_FINI_ARRAYSZ, &d->fini_arraysz},
        {DT_NEEDED, &d->needed},
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i].tag == tag) {
            return kept[i].place;
        }
    }
    return NULL;
}

static enum cm_status twice(uint64_t tag, struct cm_why *why)
{
    if (tag == DT_NEEDED) {
        return refuse(why,
                      "the image needs more than one shared library (DT_NEEDED); an enclave may "
                      "have one");
    }
    cm_why_set(why, "dynamic tag %" PRIu64 " stands twice", tag);
    return CM_ERR_FORMAT;
}

static enum cm_status one_tag(struct dynamic *d, uint64_t tag, uint64_t value, bool is_module,
                              struct cm_why *why)
{
    uint64_t *place = place_of(d, tag);

    if (tag < 64) {
        if (has(d, (unsigned int)tag)) {
            return twice(tag, why);
        }
        d->seen |= UINT64_C(1) << tag;
    }
    if (place != NULL) {
        *place = value;
        return CM_OK;
    }
    switch (tag) {
    case DT_RPATH:
    case DT_RUNPATH:
        return refuse(why, "the image has a library search path (DT_RPATH or DT_RUNPATH)");
    case DT_TEXTREL:
        return refuse(why,
                      "the image has text relocations (DT_TEXTREL); compile with -fPIE, a shared "
                      "library with -fPIC");
    case DT_REL:
        return refuse(why, "the image has REL relocations; only RELA and RELR ones are allowed");
    case DT_FLAGS:
        return (value & DF_TEXTREL) == 0
                   ? CM_OK
                   : refuse(why, "the image has text relocations (DF_TEXTREL)");
    case DT_FLAGS_1:
        return (value & ~(uint64_t)(DF_1_NOW | DF_1_PIE | DF_1_NODELETE)) == 0
                   ? CM_OK
                   : refuse(why, "unknown DT_FLAGS_1");
    case DT_VERSYM:
    case DT_VERDEF:
    case DT_VERNEED:
        return refuse(why, "the image has symbol versions (DT_VERSYM, DT_VERDEF or DT_VERNEED)");
    case DT_SONAME:
        if (is_module) {
            return CM_OK;
        }
        break;
    default:
        if (is_harmless(tag)) {
            return CM_OK;
        }
    }
    cm_why_set(why, "unknown dynamic tag 0x%" PRIx64, tag);
    return CM_ERR_UNSUPPORTED;
}

/* What an image, an image with a module, or a module may have of it all. */
static enum cm_status check_kind(const struct dynamic *d, bool is_module, struct cm_why *why)
{
    const bool needs = has(d, DT_NEEDED);

    if (is_module && needs) {
        return refuse(why,
                      "the shared library needs another one (DT_NEEDED); only the image may need "
                      "one");
    }
    if (is_module && (has(d, DT_INIT) || has(d, DT_FINI))) {
        return refuse(why, "the shared library has DT_INIT or DT_FINI; link it with -nostartfiles "
                           "(constructors and destructors work without)");
    }
    if (!is_module && !needs && (has(d, DT_JMPREL) || has(d, DT_PLTRELSZ))) {
        return refuse(why,
                      "the image has PLT relocations; only RELATIVE and RELR ones are allowed "
                      "(link with -pie and the static libraries; indirect functions cannot work)");
    }
    return CM_OK;
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
        st = ended ? CM_OK : one_tag(d, tag, value, image->is_module, why);
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

enum cm_status cm_image_check_target(const struct cm_image *image, uint64_t addr, uint64_t len,
                                     struct cm_why *why)
{
    const struct cm_segment *s = cm_image_segment_at(image, addr, len);

    if (s == NULL || (s->flags & PF_W) == 0) {
        cm_why_set(why, "a relocation at 0x%" PRIx64 " is not in a writable segment", addr);
        return CM_ERR_FORMAT;
    }
    /* of a module, which has none: its page 0, which is not writable */
    if (addr + len > image->oeinfo_addr && addr < image->oeinfo_addr + CM_OEINFO_SIZE) {
        cm_why_set(why, "a relocation at 0x%" PRIx64 " changes .oeinfo", addr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* A word that the runtime will add the base address to. */
static enum cm_status check_target(const struct cm_image *image, uint64_t addr, uint64_t addend,
                                   struct cm_why *why)
{
    const enum cm_status st = cm_image_check_target(image, addr, WORD, why);

    if (st != CM_OK) {
        return st;
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

/* The entries of an image without a module; with one, and of one, elf_module.c looks at them. */
static enum cm_status check_relative(const struct cm_image *image, struct cm_span table,
                                     struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_rd r = cm_rd_init(table);

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
out:
    return st;
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
    CM_TRY(table_at(image, d->rela, d->relasz, &bytes, why));
    if (!image->is_module && image->needed.len == 0) {
        CM_TRY(check_relative(image, bytes, why));
    }
    image->rela = (struct cm_range){d->rela, d->relasz};
out:
    return st;
}

static enum cm_status check_relr_word(void *context, uint64_t addr, struct cm_why *why)
{
    const struct cm_image *image = context;

    return check_target(image, addr, cm_image_relr_addend(image, addr), why);
}

static enum cm_status check_relr(struct cm_image *image, const struct dynamic *d,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};
    const struct cm_range table = {d->relr, d->relrsz};

    if (d->relrsz == 0) {
        return CM_OK;
    }
    if (d->relrent != RELR_SIZE || d->relrsz % RELR_SIZE != 0) {
        cm_why_set(why, "DT_RELRSZ or DT_RELRENT is wrong");
        return CM_ERR_FORMAT;
    }
    CM_TRY(table_at(image, d->relr, d->relrsz, &bytes, why));
    CM_TRY(cm_image_each_relr(image, table, check_relr_word, image, why));
    image->relr = table;
out:
    return st;
}

/* The relocations of the procedure linkage table: RELA, and bound when the enclave starts. */
static enum cm_status check_plt(struct cm_image *image, const struct dynamic *d, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};

    if (d->pltrelsz == 0) {
        return CM_OK;
    }
    if (d->pltrel != DT_RELA || d->pltrelsz % RELA_SIZE != 0) {
        cm_why_set(why, "DT_PLTREL or DT_PLTRELSZ is wrong");
        return CM_ERR_FORMAT;
    }
    CM_TRY(table_at(image, d->jmprel, d->pltrelsz, &bytes, why));
    image->plt_rela = (struct cm_range){d->jmprel, d->pltrelsz};
out:
    return st;
}

/* Functions that the runtime calls: words that relocations fill, so they are in a writable segment. */
static enum cm_status array_at(const struct cm_image *image, uint64_t addr, uint64_t size,
                               struct cm_range *out, struct cm_why *why)
{
    const struct cm_segment *s = cm_image_segment_at(image, addr, size);

    *out = (struct cm_range){0, 0};
    if (size == 0) {
        return CM_OK;
    }
    if (s == NULL || (s->flags & PF_W) == 0 || addr % WORD != 0 || size % WORD != 0) {
        cm_why_set(why,
                   "the list of constructors or destructors at 0x%" PRIx64
                   " is not in a writable segment",
                   addr);
        return CM_ERR_FORMAT;
    }
    *out = (struct cm_range){addr, size};
    return CM_OK;
}

/* A file beside the image and nothing else: no path, and no byte that a message would obey. */
static bool is_plain_name(struct cm_span name)
{
    const bool dots = name.len <= 2 && name.ptr[0] == '.' && name.ptr[name.len - 1] == '.';

    if (name.len == 0 || name.len > CM_IMAGE_MAX_NAME || dots) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || name.ptr[i] == '/') {
            return false;
        }
    }
    return true;
}

static enum cm_status read_needed(struct cm_image *image, const struct dynamic *d,
                                  struct cm_why *why)
{
    struct cm_span names = {NULL, 0};

    if (!has(d, DT_NEEDED)) {
        return CM_OK;
    }
    if (!cm_image_bytes_at(image, d->strtab, d->strsz, &names)) {
        cm_why_set(why, "the dynamic string table lies outside the segments");
        return CM_ERR_FORMAT;
    }
    image->needed = cm_span_name_at(names, d->needed);
    if (image->needed.len == 0 || !is_plain_name(image->needed)) {
        cm_why_set(why,
                   "the shared library that the image needs (DT_NEEDED) is not the plain name of a "
                   "file beside it (give the library a soname: -Wl,-soname,libNAME.so)");
        image->needed = cm_span_make(NULL, 0);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* What an image with a module, or a module, has besides. */
static enum cm_status read_linked(struct cm_image *image, const struct dynamic *d,
                                  struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span symbols = {NULL, 0};

    if (!image->is_module && image->needed.len == 0) {
        return CM_OK;
    }
    /* the section gives the number of symbols; what it says must be what the segment holds */
    if (image->dynamic_symbols.len == 0 ||
        !cm_image_bytes_at(image, d->symtab, image->dynamic_symbols.len, &symbols) ||
        symbols.ptr != image->dynamic_symbols.ptr ||
        !cm_image_bytes_at(image, d->strtab, d->strsz, &image->dynamic_names)) {
        cm_why_set(why, "the dynamic symbols are not where PT_DYNAMIC says, or there are none");
        return CM_ERR_FORMAT;
    }
    CM_TRY(check_plt(image, d, why));
    if (image->is_module) {
        CM_TRY(array_at(image, d->init_array, d->init_arraysz, &image->init_array, why));
        CM_TRY(array_at(image, d->fini_array, d->fini_arraysz, &image->fini_array, why));
    }
out:
    return st;
}

enum cm_status cm_image_check_dynamic(struct cm_image *image, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct dynamic d = {0};

    if (image->dynamic.len == 0) {
        if (image->is_module) {
            cm_why_set(why, "the shared library has no PT_DYNAMIC");
            st = CM_ERR_FORMAT;
        }
        return st;
    }
    CM_TRY(read_tags(image, &d, why));
    CM_TRY(check_kind(&d, image->is_module, why));
    CM_TRY(read_needed(image, &d, why));
    CM_TRY(check_rela(image, &d, why));
    CM_TRY(check_relr(image, &d, why));
    CM_TRY(read_linked(image, &d, why));
out:
    return st;
}
