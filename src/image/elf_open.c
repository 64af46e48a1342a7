/*
 * Opens an enclave image: ELF header, program headers, the rules that segments
 * must keep. Called through cm_image_open by the signer, the loader, `predict`
 * and `inspect`. UNTRUSTED: every byte of the file.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "common/checked.h"
#include "common/reader.h"
#include "common/try.h"
#include "image/elf_image.h"

enum { EHDR_SIZE = 64, PHDR_SIZE = 56, SHDR_SIZE = 64, MAX_PHDRS = 64 };

struct header {
    uint64_t phoff;
    uint64_t shoff;
    uint32_t phnum;
    uint32_t shnum;
    uint32_t shstrndx;
};

const struct cm_segment *cm_image_segment_at(const struct cm_image *image, uint64_t addr,
                                             uint64_t len)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct cm_segment *s = &image->segments[i];

        if (addr >= s->vaddr && addr - s->vaddr <= s->memsz &&
            len <= s->memsz - (addr - s->vaddr)) {
            return s;
        }
    }
    return NULL;
}

bool cm_image_bytes_at(const struct cm_image *image, uint64_t addr, uint64_t len,
                       struct cm_span *out)
{
    const struct cm_segment *s = cm_image_segment_at(image, addr, len);
    struct cm_span part = {NULL, 0};

    if (s == NULL || !cm_span_part(image->file, s->offset, s->filesz, &part)) {
        return false;
    }
    return cm_span_part(part, addr - s->vaddr, len, out);
}

static enum cm_status check_ident(struct cm_rd *r, struct cm_why *why)
{
    static const uint8_t magic[EI_CLASS] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};
    uint8_t ident[EI_NIDENT] = {0};

    cm_rd_copy(r, ident, sizeof(ident));
    if (r->bad || memcmp(ident, magic, sizeof(magic)) != 0) {
        cm_why_set(why, "not an ELF file");
        return CM_ERR_FORMAT;
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
        ident[EI_VERSION] != EV_CURRENT) {
        cm_why_set(why, "not a 64-bit little-endian ELF file");
        return CM_ERR_FORMAT;
    }
    /* GNU is what a linker writes when C++ objects bring unique symbols */
    if (ident[EI_OSABI] != ELFOSABI_SYSV && ident[EI_OSABI] != ELFOSABI_GNU) {
        cm_why_set(why, "ELF OS ABI %u is not System V", ident[EI_OSABI]);
        return CM_ERR_FORMAT;
    }
    for (size_t i = EI_ABIVERSION; i < EI_NIDENT; i++) {
        if (ident[i] != 0) {
            cm_why_set(why, "ELF identification has non-zero padding");
            return CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

static enum cm_status check_header(uint32_t type, uint32_t machine, uint32_t flags,
                                   struct cm_why *why)
{
    if (machine != EM_X86_64 || flags != 0) {
        cm_why_set(why, "not an ELF file for x86-64");
        return CM_ERR_FORMAT;
    }
    if (type != ET_DYN) {
        cm_why_set(why,
                   "ELF type %" PRIu32 " is not a position-independent executable (link with "
                   "-pie)",
                   type);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status read_header(struct cm_image *image, struct header *h, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(image->file);
    struct cm_rd e = cm_rd_sub(&r, EHDR_SIZE);
    enum cm_status st = check_ident(&e, why);

    if (st != CM_OK) {
        return st;
    }
    const uint16_t type = cm_rd_u16le(&e);
    const uint16_t machine = cm_rd_u16le(&e);
    const uint32_t version = cm_rd_u32le(&e);
    image->entry = cm_rd_u64le(&e);
    h->phoff = cm_rd_u64le(&e);
    h->shoff = cm_rd_u64le(&e);
    const uint32_t flags = cm_rd_u32le(&e);
    const uint16_t ehsize = cm_rd_u16le(&e);
    const uint16_t phentsize = cm_rd_u16le(&e);
    h->phnum = cm_rd_u16le(&e);
    const uint16_t shentsize = cm_rd_u16le(&e);
    h->shnum = cm_rd_u16le(&e);
    h->shstrndx = cm_rd_u16le(&e);
    if (cm_rd_finish(&e) != CM_OK) {
        cm_why_set(why, "truncated ELF header");
        return CM_ERR_FORMAT;
    }
    st = check_header(type, machine, flags, why);
    if (st != CM_OK) {
        return st;
    }
    if (version != EV_CURRENT || ehsize != EHDR_SIZE || phentsize != PHDR_SIZE ||
        shentsize != SHDR_SIZE) {
        cm_why_set(why, "ELF header has a wrong version or wrong entry sizes");
        return CM_ERR_FORMAT;
    }
    if (h->phnum == 0 || h->phnum > MAX_PHDRS) {
        cm_why_set(why, "%" PRIu32 " program headers (expected 1 to %d)", h->phnum, MAX_PHDRS);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* The rules that one PT_LOAD must keep by itself. */
static enum cm_status check_load(const struct cm_image *image, const struct cm_segment *s,
                                 struct cm_why *why)
{
    const uint32_t i = image->segment_count;
    uint64_t end = 0;

    if (s->memsz == 0 || s->filesz > s->memsz) {
        cm_why_set(why, "segment %" PRIu32 " is empty, or larger in the file than in memory", i);
        return CM_ERR_FORMAT;
    }
    if (cm_add_ovf(s->vaddr, s->memsz, &end) || end > CM_MAX_IMAGE_SIZE) {
        cm_why_set(why, "segment %" PRIu32 " ends beyond the limit of 0x%" PRIx64 " bytes", i,
                   (uint64_t)CM_MAX_IMAGE_SIZE);
        return CM_ERR_LIMIT;
    }
    if (s->vaddr % CM_PAGE_SIZE != s->offset % CM_PAGE_SIZE) {
        cm_why_set(why, "segment %" PRIu32 " is not aligned to pages", i);
        return CM_ERR_FORMAT;
    }
    if ((s->flags & ~(uint32_t)(PF_R | PF_W | PF_X)) != 0 || (s->flags & PF_R) == 0) {
        cm_why_set(why, "segment %" PRIu32 " has flags 0x%" PRIx32 "; it must be readable", i,
                   s->flags);
        return CM_ERR_FORMAT;
    }
    if ((s->flags & PF_W) != 0 && (s->flags & PF_X) != 0) {
        cm_why_set(why, "segment %" PRIu32 " at 0x%" PRIx64 " is both writable and executable", i,
                   s->vaddr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* The rules against the segment before it. */
static enum cm_status check_order(const struct cm_image *image, const struct cm_segment *s,
                                  struct cm_why *why)
{
    const uint32_t i = image->segment_count;
    const struct cm_segment *prev = &image->segments[i == 0 ? 0 : i - 1];

    if (i == CM_IMAGE_MAX_SEGMENTS) {
        cm_why_set(why, "more than %d loadable segments", CM_IMAGE_MAX_SEGMENTS);
        return CM_ERR_LIMIT;
    }
    if (i == 0 && (s->vaddr != 0 || s->offset != 0 || s->filesz < EHDR_SIZE)) {
        cm_why_set(why, "the first segment must start at address 0 with the ELF header");
        return CM_ERR_FORMAT;
    }
    if (i == 0 && (s->flags & (PF_W | PF_X)) != 0) { /* G3 */
        cm_why_set(why, "page 0 is executable or writable (link with -z separate-code)");
        return CM_ERR_FORMAT;
    }
    if (i != 0 && s->vaddr / CM_PAGE_SIZE * CM_PAGE_SIZE < image->mem_end) {
        cm_why_set(why,
                   "segment %" PRIu32 " at 0x%" PRIx64 " overlaps or precedes the one "
                   "before it, or shares a page with it",
                   i, s->vaddr);
        return CM_ERR_FORMAT;
    }
    if (i != 0 && s->filesz != 0 && s->offset < prev->offset + prev->filesz) {
        cm_why_set(why, "segments %" PRIu32 " and %" PRIu32 " overlap in the file", i - 1, i);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status add_load(struct cm_image *image, const struct cm_segment *s,
                               struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(check_load(image, s, why));
    CM_TRY(check_order(image, s, why));
    if (cm_round_up_ovf(s->vaddr + s->memsz, CM_PAGE_SIZE, &image->mem_end)) {
        st = CM_ERR_OVERFLOW;
        goto out;
    }
    image->segments[image->segment_count++] = *s;
out:
    return st;
}

/* One header; PT_DYNAMIC, PT_TLS and PT_GNU_RELRO are kept for after the last PT_LOAD. */
static enum cm_status add_segment(struct cm_image *image, uint32_t type, const struct cm_segment *s,
                                  uint64_t align, struct cm_why *why)
{
    struct cm_span unused = {NULL, 0};

    if (!cm_span_part(image->file, s->offset, s->filesz, &unused)) {
        cm_why_set(why,
                   "a program header of type 0x%" PRIx32 " points beyond the end of the file "
                   "(truncated?)",
                   type);
        return CM_ERR_FORMAT;
    }
    switch (type) {
    case PT_LOAD:
        return add_load(image, s, why);
    case PT_DYNAMIC:
        if (image->dynamic.len != 0 || s->filesz == 0 || s->filesz != s->memsz) {
            cm_why_set(why, "PT_DYNAMIC is empty, doubled or not wholly in the file");
            return CM_ERR_FORMAT;
        }
        image->dynamic = (struct cm_range){s->vaddr, s->filesz};
        return CM_OK;
    case PT_TLS:
        if (image->tls.memsz != 0) {
            cm_why_set(why, "more than one PT_TLS");
            return CM_ERR_FORMAT;
        }
        image->tls = *s;
        image->tls_align = align;
        return CM_OK;
    case PT_GNU_RELRO:
        image->relro = (struct cm_range){s->vaddr, s->memsz};
        return CM_OK;
    case PT_GNU_STACK:
        if ((s->flags & PF_X) != 0) {
            cm_why_set(why, "the image asks for an executable stack (link with -z noexecstack)");
            return CM_ERR_FORMAT;
        }
        return CM_OK;
    case PT_INTERP:
        cm_why_set(why, "the image asks for a dynamic loader (PT_INTERP); link with -pie "
                        "or --no-dynamic-linker");
        return CM_ERR_UNSUPPORTED;
    case PT_NULL:
    case PT_NOTE:
    case PT_PHDR:
    case PT_GNU_EH_FRAME:
    case PT_GNU_PROPERTY:
        return CM_OK;
    default:
        cm_why_set(why, "unknown program header type 0x%" PRIx32, type);
        return CM_ERR_UNSUPPORTED;
    }
}

static enum cm_status read_segments(struct cm_image *image, const struct header *h,
                                    struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span table = {NULL, 0};

    if (!cm_span_part(image->file, h->phoff, (uint64_t)h->phnum * PHDR_SIZE, &table)) {
        cm_why_set(why, "the program headers lie beyond the end of the file (truncated?)");
        return CM_ERR_FORMAT;
    }
    struct cm_rd r = cm_rd_init(table);

    for (uint32_t i = 0; i < h->phnum; i++) {
        struct cm_segment s = {0};
        const uint32_t type = cm_rd_u32le(&r);

        s.flags = cm_rd_u32le(&r);
        s.offset = cm_rd_u64le(&r);
        s.vaddr = cm_rd_u64le(&r);
        (void)cm_rd_u64le(&r); /* p_paddr means nothing here */
        s.filesz = cm_rd_u64le(&r);
        s.memsz = cm_rd_u64le(&r);
        const uint64_t align = cm_rd_u64le(&r);
        CM_TRY(add_segment(image, type, &s, align, why));
    }
    CM_TRY(cm_rd_finish(&r));
    if (image->segment_count == 0) {
        cm_why_set(why, "no loadable segment");
        st = CM_ERR_FORMAT;
    } else if (h->phoff + table.len > image->segments[0].filesz) { /* inside, they are read again */
        cm_why_set(why, "the program headers are not in the first segment");
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

static enum cm_status check_tls(const struct cm_image *image, struct cm_why *why)
{
    const struct cm_segment *tls = &image->tls;
    const uint64_t align = image->tls_align;
    struct cm_span bytes = {NULL, 0};

    if (tls->memsz == 0) {
        return CM_OK;
    }
    if (tls->filesz > tls->memsz || tls->memsz > CM_IMAGE_MAX_TLS) {
        cm_why_set(why, "thread-local storage of 0x%" PRIx64 " bytes (at most 0x%" PRIx64 ")",
                   tls->memsz, CM_IMAGE_MAX_TLS);
        return CM_ERR_LIMIT;
    }
    if (align > CM_PAGE_SIZE || (align & (align - 1)) != 0 ||
        (align > 1 && tls->vaddr % align != 0)) {
        cm_why_set(why, "thread-local storage has alignment 0x%" PRIx64, align);
        return CM_ERR_FORMAT;
    }
    if (tls->filesz != 0 && !cm_image_bytes_at(image, tls->vaddr, tls->filesz, &bytes)) {
        cm_why_set(why, "initial thread-local storage lies outside the segments");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status check_addresses(const struct cm_image *image, struct cm_why *why)
{
    const struct cm_segment *code = cm_image_segment_at(image, image->entry, 1);
    struct cm_span first = {NULL, 0};

    if (!image->is_module && (code == NULL || (code->flags & PF_X) == 0 ||
                              !cm_image_bytes_at(image, image->entry, 1, &first))) {
        cm_why_set(why, "the entry point 0x%" PRIx64 " is not in an executable segment",
                   image->entry);
        return CM_ERR_FORMAT;
    }
    if (image->relro.len != 0) {
        const struct cm_segment *s = cm_image_segment_at(image, image->relro.start, 1);
        uint64_t end = 0;

        /* the linker rounds its end up to a page, so it may pass the segment's end */
        if (s == NULL || (s->flags & PF_W) == 0 ||
            cm_add_ovf(image->relro.start, image->relro.len, &end) || end > image->mem_end) {
            cm_why_set(why, "PT_GNU_RELRO is not in a writable segment");
            return CM_ERR_FORMAT;
        }
    }
    return check_tls(image, why);
}

enum cm_status cm_image_open_as(struct cm_span file, bool is_module, struct cm_image **out,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_image *image = NULL;
    struct header h = {0};
    struct cm_span oeinfo = {NULL, 0};

    *out = NULL;
    image = calloc(1, sizeof(*image));
    if (image == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    image->file = file;
    image->is_module = is_module;
    CM_TRY(read_header(image, &h, why));
    CM_TRY(read_segments(image, &h, why));
    CM_TRY(cm_image_index_sections(image, h.shoff, h.shnum, h.shstrndx, why));
    CM_TRY(check_addresses(image, why));
    CM_TRY(cm_image_check_dynamic(image, why));
    if (!is_module) {
        if (!cm_span_part(file, image->oeinfo_offset, CM_OEINFO_SIZE, &oeinfo)) {
            st = CM_ERR_FORMAT;
            goto out;
        }
        CM_TRY(cm_oeinfo_read(oeinfo, &image->props, &image->is_signed, why));
    }
    *out = image;
    image = NULL;
out:
    cm_image_free(image);
    return st;
}

enum cm_status cm_image_open(struct cm_span file, struct cm_image **out, struct cm_why *why)
{
    return cm_image_open_as(file, false, out, why);
}

void cm_image_free(struct cm_image *image)
{
    if (image != NULL) {
        free(image->module); /* it has none of its own */
        free(image->links_memory);
        free(image);
    }
}

void cm_image_props(const struct cm_image *image, struct cm_enclave_props *out)
{
    *out = image->props;
}

uint64_t cm_image_entry(const struct cm_image *image)
{
    return image->entry;
}
