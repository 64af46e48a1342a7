/*
 * Lays an enclave out (the picture is in abi/layout.h). The signer, the loader
 * and `predict` all use this one function, so what is measured is what is
 * mapped. UNTRUSTED: the image; the properties, when they come from a file.
 */
#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "arch/sgx.h"
#include "common/try.h"
#include "common/writer.h"
#include "image/elf_image.h"

#define RW_PAGE  (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_TYPE(SGX_PT_REG))
#define TCS_PAGE SGX_SECINFO_TYPE(SGX_PT_TCS) /* the processor wants no permissions here */

/* A segment is at most: own, borrowed, own (.oeinfo), borrowed, own (partial page), bss. */
enum { REGIONS_PER_SEGMENT = 6, REGIONS_PER_THREAD = 4, LINKS_AND_HEAP = 2 };

struct plan {
    struct cm_plan pub; /* first: cm_plan_free gets its address */
    struct cm_region *regions;
    size_t capacity;
    uint8_t *memory; /* as allocated */
    uint8_t *pages;  /* page aligned */
    size_t pages_used;
    uint64_t ssa_offset; /* the parts of thread 0 */
    uint64_t stack_offset;
    uint64_t tls_offset;
    uint64_t tls_length; /* static TLS, without the thread data behind it */
};

static uint64_t page_down(uint64_t v)
{
    return v / CM_PAGE_SIZE * CM_PAGE_SIZE;
}

/* Only for sums of values that are bounded well below 2^64. */
static uint64_t page_up(uint64_t v)
{
    return page_down(v + CM_PAGE_SIZE - 1);
}

static uint64_t segment_file_pages(const struct cm_segment *s)
{
    return s->filesz == 0 ? 0 : page_up(s->vaddr + s->filesz) - page_down(s->vaddr);
}

/* Whether a page must be made, because the file does not hold all of it, or not as it shall be, or
 * not at a page aligned address. All others are used where they are in the file: creating an
 * enclave should not copy its image once more. */
static bool is_own_page(const struct cm_image *image, const struct cm_segment *s, uint64_t page)
{
    const uint8_t *at = NULL;

    if (page == 0 || page < s->vaddr || page + CM_PAGE_SIZE > s->vaddr + s->filesz) {
        return true;
    }
    at = image->file.ptr + s->offset + (page - s->vaddr);
    return (uintptr_t)at % CM_PAGE_SIZE != 0 ||
           (!image->is_module && page + CM_PAGE_SIZE > image->oeinfo_addr &&
            page < image->oeinfo_addr + CM_OEINFO_SIZE);
}

/* The end of the run of pages from `page` on that are all made, or all borrowed. */
static uint64_t run_end(const struct cm_image *image, const struct cm_segment *s, uint64_t page)
{
    const uint64_t limit = page_down(s->vaddr) + segment_file_pages(s);
    const bool own = is_own_page(image, s, page);
    uint64_t end = page + CM_PAGE_SIZE;

    while (end < limit && is_own_page(image, s, end) == own) {
        end += CM_PAGE_SIZE;
    }
    return end;
}

static uint64_t own_bytes(const struct cm_image *image, const struct cm_segment *s)
{
    const uint64_t limit = page_down(s->vaddr) + segment_file_pages(s);
    uint64_t bytes = 0;

    for (uint64_t page = page_down(s->vaddr); page < limit; page += CM_PAGE_SIZE) {
        bytes += is_own_page(image, s, page) ? CM_PAGE_SIZE : 0;
    }
    return bytes;
}

/* Every term is bounded by cm_props_check and the image's limits, so nothing can overflow. */
static enum cm_status place(struct plan *p, const struct cm_image *image,
                            const struct cm_enclave_props *props, struct cm_why *why)
{
    struct cm_plan *pub = &p->pub;
    const uint64_t stack = props->stack_pages * CM_PAGE_SIZE;
    const uint64_t ssa = (uint64_t)CM_NSSA * CM_SSA_FRAME_PAGES * CM_PAGE_SIZE;
    const uint64_t image_end = cm_image_all_end(image);

    p->tls_length = page_up(cm_image_all_tls(image));
    pub->zero_base = props->zero_base;
    pub->ssa_frame_pages = CM_SSA_FRAME_PAGES;
    pub->image_offset = props->zero_base ? props->start_address : 0;
    pub->image_end = pub->image_offset + image_end;
    pub->entry_offset = pub->image_offset + image->entry;
    pub->heap_offset = pub->image_end;
    pub->heap_length = props->heap_pages * CM_PAGE_SIZE;

    p->stack_offset = pub->heap_offset + pub->heap_length + CM_GUARD_SIZE;
    pub->tcs_offset = p->stack_offset + stack + CM_GUARD_SIZE;
    p->ssa_offset = pub->tcs_offset + CM_TCS_TO_SSA;
    p->tls_offset = p->ssa_offset + ssa + CM_GUARD_SIZE;
    pub->tcs_count = props->tcs_count;
    pub->tcs_stride = p->tls_offset + p->tls_length + CM_TD_SIZE + CM_GUARD_SIZE - p->stack_offset;

    const uint64_t end = p->stack_offset + pub->tcs_stride * props->tcs_count - CM_GUARD_SIZE;
    const uint64_t measured = image_end + props->tcs_count * pub->tcs_stride;

    if (end > CM_ENCLAVE_MAX_SIZE || measured > CM_MEASURED_MAX) {
        cm_why_set(why,
                   "the enclave would span 0x%" PRIx64 " bytes, 0x%" PRIx64 " of them "
                   "measured (at most 0x%" PRIx64 " and 0x%" PRIx64 "); ask for fewer heap "
                   "pages, stack pages or threads",
                   end, measured, CM_ENCLAVE_MAX_SIZE, CM_MEASURED_MAX);
        return CM_ERR_LIMIT;
    }
    pub->enclave_size = CM_PAGE_SIZE;
    while (pub->enclave_size < end) {
        pub->enclave_size *= 2;
    }
    return CM_OK;
}

static enum cm_status allocate(struct plan *p, const struct cm_image *image)
{
    uint64_t bytes = p->pub.tcs_count * CM_PAGE_SIZE;
    size_t segments = 0;

    for (const struct cm_image *part = image; part != NULL; part = part->module) {
        segments += part->segment_count;
        for (uint32_t i = 0; i < part->segment_count; i++) {
            bytes += own_bytes(part, &part->segments[i]);
        }
    }
    p->capacity = segments * REGIONS_PER_SEGMENT + LINKS_AND_HEAP +
                  (size_t)p->pub.tcs_count * REGIONS_PER_THREAD;
    p->regions = calloc(p->capacity, sizeof(*p->regions));
    p->memory = calloc(1, (size_t)bytes + CM_PAGE_SIZE - 1);
    if (p->regions == NULL || p->memory == NULL) {
        return CM_ERR_NOMEM;
    }
    /* the kernel's ioctl takes page aligned sources only */
    p->pages = p->memory + (CM_PAGE_SIZE - (uintptr_t)p->memory % CM_PAGE_SIZE) % CM_PAGE_SIZE;
    p->pub.regions = p->regions;
    return CM_OK;
}

static uint8_t *take_pages(struct plan *p, uint64_t len)
{
    uint8_t *pages = p->pages + p->pages_used;

    p->pages_used += (size_t)len;
    return pages;
}

static void add_region(struct plan *p, struct cm_region region)
{
    if (region.length != 0) {
        p->regions[p->pub.region_count++] = region;
    }
}

static uint64_t segment_secinfo(const struct cm_segment *s)
{
    uint64_t flags = SGX_SECINFO_TYPE(SGX_PT_REG) | SGX_SECINFO_R;

    flags |= (s->flags & PF_W) != 0 ? SGX_SECINFO_W : 0;
    flags |= (s->flags & PF_X) != 0 ? SGX_SECINFO_X : 0;
    return flags;
}

static const char *segment_name(const struct cm_segment *s, bool is_module)
{
    if ((s->flags & PF_X) != 0) {
        return is_module ? "module text" : "text";
    }
    if ((s->flags & PF_W) != 0) {
        return is_module ? "module data" : "data";
    }
    return is_module ? "module rodata" : "rodata";
}

/* The ELF header's fields about section headers say where in the FILE things are that are not
 * loaded. They are zero in memory, so that an image measures the same with and without debug
 * information and symbols. */
static void forget_sections(uint8_t *page)
{
    memset(page + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
    memset(page + offsetof(Elf64_Ehdr, e_shnum), 0, sizeof(Elf64_Half));
    memset(page + offsetof(Elf64_Ehdr, e_shstrndx), 0, sizeof(Elf64_Half));
}

/* The part of [page, end) that the file holds, with what the plan puts into it. */
static const uint8_t *make_pages(struct plan *p, const struct cm_image *image,
                                 const struct cm_enclave_props *props, const struct cm_segment *s,
                                 const struct cm_range *run)
{
    uint8_t *pages = take_pages(p, run->len);
    const uint64_t file_end = s->vaddr + s->filesz;
    const uint64_t end = run->start + run->len;
    const uint64_t from = run->start > s->vaddr ? run->start : s->vaddr;
    const uint64_t to = end < file_end ? end : file_end;

    memcpy(pages + (from - run->start), image->file.ptr + s->offset + (from - s->vaddr),
           (size_t)(to - from));
    if (run->start == 0) {
        forget_sections(pages);
    }
    if (!image->is_module && image->oeinfo_addr >= from && image->oeinfo_addr < to) {
        const struct cm_image_info info = cm_plan_image_info(image, &p->pub);

        cm_oeinfo_write(pages + (image->oeinfo_addr - run->start), props, &info, NULL);
    }
    return pages;
}

/* Pages that the file fills, wholly or partly, then pages of zeros. base: of the image or its module. */
static void add_segment(struct plan *p, const struct cm_image *image, uint64_t base,
                        const struct cm_enclave_props *props, const struct cm_segment *s)
{
    const uint64_t file_end = page_down(s->vaddr) + segment_file_pages(s);
    struct cm_range run = {page_down(s->vaddr), 0};
    struct cm_region r = {0};

    r.secinfo_flags = segment_secinfo(s);
    r.measured = true;
    r.what = segment_name(s, image->is_module);
    for (; run.start < file_end; run.start += run.len) {
        run.len = run_end(image, s, run.start) - run.start;
        r.offset = base + run.start;
        r.length = run.len;
        r.data = is_own_page(image, s, run.start)
                     ? make_pages(p, image, props, s, &run)
                     : image->file.ptr + s->offset + (run.start - s->vaddr);
        add_region(p, r);
    }
    r.offset = base + file_end;
    r.length = page_up(s->vaddr + s->memsz) - file_end;
    r.data = NULL;
    r.what = image->is_module ? "module bss" : "bss";
    add_region(p, r);
}

/* The image, its module, and what links the two (abi/module_block.h). */
static void add_images(struct plan *p, const struct cm_image *image,
                       const struct cm_enclave_props *props)
{
    const uint64_t base = p->pub.image_offset;
    const struct cm_image *module = image->module;

    for (uint32_t i = 0; i < image->segment_count; i++) {
        add_segment(p, image, base, props, &image->segments[i]);
    }
    if (module == NULL) {
        return;
    }
    for (uint32_t i = 0; i < module->segment_count; i++) {
        add_segment(p, module, base + image->module_base, props, &module->segments[i]);
    }
    add_region(p, (struct cm_region){base + image->module_base + module->mem_end, image->links.len,
                                     image->links.ptr, SGX_SECINFO_TYPE(SGX_PT_REG) | SGX_SECINFO_R,
                                     true, "links", 0});
}

static void fill_tcs(const struct plan *p, uint64_t shift, uint8_t page[CM_PAGE_SIZE])
{
    const uint64_t td = p->tls_offset + p->tls_length + shift;
    struct cm_wr w = cm_wr_init(page, CM_PAGE_SIZE);

    cm_wr_u64le(&w, 0); /* STATE */
    cm_wr_u64le(&w, 0); /* FLAGS */
    cm_wr_u64le(&w, p->ssa_offset + shift);
    cm_wr_u32le(&w, 0); /* CSSA */
    cm_wr_u32le(&w, CM_NSSA);
    cm_wr_u64le(&w, p->pub.entry_offset);
    cm_wr_u64le(&w, 0); /* AEP */
    cm_wr_u64le(&w, td);
    cm_wr_u64le(&w, td);
    cm_wr_u32le(&w, UINT32_MAX); /* FSLIMIT, GSLIMIT: of 32-bit enclaves */
    cm_wr_u32le(&w, UINT32_MAX);
}

static void add_thread(struct plan *p, const struct cm_enclave_props *props, uint32_t thread)
{
    const uint64_t shift = p->pub.tcs_stride * thread;
    uint8_t *tcs = take_pages(p, CM_PAGE_SIZE);

    fill_tcs(p, shift, tcs);
    add_region(p, (struct cm_region){p->stack_offset + shift, props->stack_pages * CM_PAGE_SIZE,
                                     NULL, RW_PAGE, true, "stack", thread});
    add_region(p, (struct cm_region){p->pub.tcs_offset + shift, CM_PAGE_SIZE, tcs, TCS_PAGE, true,
                                     "tcs", thread});
    add_region(p, (struct cm_region){p->ssa_offset + shift,
                                     (uint64_t)CM_NSSA * CM_SSA_FRAME_PAGES * CM_PAGE_SIZE, NULL,
                                     RW_PAGE, true, "ssa", thread});
    add_region(p, (struct cm_region){p->tls_offset + shift, p->tls_length + CM_TD_SIZE, NULL,
                                     RW_PAGE, true, "td", thread});
}

struct cm_image_info cm_plan_image_info(const struct cm_image *image, const struct cm_plan *plan)
{
    struct cm_image_info info = {0};

    info.oeinfo_rva = image->oeinfo_addr;
    info.oeinfo_size = CM_OEINFO_SIZE;
    info.reloc_rva = image->rela.start;
    info.reloc_size = image->rela.len;
    if (image->module != NULL) {
        info.reloc_rva = image->module_base + image->module->mem_end;
        info.reloc_size = image->links_used;
    }
    info.heap_rva = plan->heap_offset - plan->image_offset;
    info.enclave_size = plan->enclave_size;
    return info;
}

enum cm_status cm_plan_make(const struct cm_image *image, const struct cm_enclave_props *props,
                            struct cm_plan **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct plan *p = NULL;

    *out = NULL;
    CM_TRY(cm_props_check(props, why));
    if (image->needed.len != 0 && image->module == NULL) {
        cm_why_set(why, "the image needs the shared library %.*s, which was not given",
                   (int)image->needed.len, (const char *)image->needed.ptr);
        st = CM_ERR_STATE;
        goto out;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(place(p, image, props, why));
    CM_TRY(allocate(p, image));
    add_images(p, image, props);
    /* not measured: hostile until the enclave has written it (G1) */
    add_region(p, (struct cm_region){p->pub.heap_offset, p->pub.heap_length, NULL, RW_PAGE, false,
                                     "heap", 0});
    for (uint32_t i = 0; i < p->pub.tcs_count; i++) {
        add_thread(p, props, i);
    }
    *out = &p->pub;
    p = NULL;
out:
    cm_plan_free(p != NULL ? &p->pub : NULL);
    return st;
}

void cm_plan_free(struct cm_plan *plan)
{
    if (plan != NULL) {
        struct plan *p = (struct plan *)plan;

        free(p->memory);
        free(p->regions);
        free(p);
    }
}
