/*
 * The shared library that an image needs: opened by the rules of an image, and every relocation of both
 * resolved into the block of abi/module_block.h. The runtime then only adds and copies, and what it adds was
 * measured. UNTRUSTED: every byte of both files.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "abi/module_block.h"
#include "common/checked.h"
#include "common/reader.h"
#include "common/try.h"
#include "common/writer.h"
#include "image/elf_image.h"
#include "image/elf_symbols.h"

enum { RELA_SIZE = 24, WORD = 8, FIRST_LINKS = 256 };

struct linking {
    struct cm_image *image;
    struct cm_dynsyms symbols; /* of image and module */
    struct cm_module_link *links;
    uint64_t count;
    uint64_t capacity;
};

/* One entry of a RELA table, of `of`. */
struct relocation {
    const struct cm_image *of;
    uint64_t where;
    uint32_t type;
    uint32_t symbol;
    int64_t addend;
};

static uint64_t base_of(const struct linking *l, const struct cm_image *part)
{
    return part->is_module ? l->image->module_base : 0;
}

static uint64_t tls_offset_of(const struct linking *l, const struct cm_image *part)
{
    return part->is_module ? l->image->module_tls : cm_image_tls_size(part);
}

static enum cm_status add_link(struct linking *l, struct cm_module_link link, struct cm_why *why)
{
    if (l->count == l->capacity) {
        const uint64_t more = l->capacity == 0 ? FIRST_LINKS : l->capacity * 2;
        struct cm_module_link *grown = NULL;

        if (more > CM_MODULE_MAX_LINKS) {
            cm_why_set(why,
                       "the image and its shared library have more than %" PRIu64 " relocations",
                       CM_MODULE_MAX_LINKS);
            return CM_ERR_LIMIT;
        }
        grown = realloc(l->links, (size_t)more * sizeof(*grown));
        if (grown == NULL) {
            return CM_ERR_NOMEM;
        }
        l->links = grown;
        l->capacity = more;
    }
    l->links[l->count++] = link;
    return CM_OK;
}

static enum cm_status add_word(struct linking *l, const struct cm_image *of, uint64_t where,
                               enum cm_module_link_kind kind, uint64_t value, struct cm_why *why)
{
    const enum cm_status st = cm_image_check_target(of, where, WORD, why);

    return st != CM_OK ? st
                       : add_link(l,
                                  (struct cm_module_link){.where = base_of(l, of) + where,
                                                          .kind = (uint32_t)kind,
                                                          .value = value},
                                  why);
}

static enum cm_status add_address(struct linking *l, const struct relocation *r,
                                  const struct cm_image *in, uint64_t value, struct cm_why *why)
{
    uint64_t address = 0;

    if (__builtin_add_overflow(value, r->addend, &address) || address > in->mem_end) {
        cm_why_set(why, "the relocation at 0x%" PRIx64 " of the %s points outside the %s", r->where,
                   cm_image_part(r->of), cm_image_part(in));
        return CM_ERR_FORMAT;
    }
    return add_word(l, r->of, r->where, CM_LINK_ADDRESS, base_of(l, in) + address, why);
}

static enum cm_status bad_symbol(const struct relocation *r, struct cm_span name, const char *what,
                                 struct cm_why *why)
{
    cm_why_set(why, "the symbol %.*s, which the %s uses at 0x%" PRIx64 ", %s", (int)name.len,
               (const char *)name.ptr, cm_image_part(r->of), r->where, what);
    return CM_ERR_UNSUPPORTED;
}

/* R_X86_64_64, GLOB_DAT, JUMP_SLOT: the address of a function or of data. */
static enum cm_status link_address(struct linking *l, const struct relocation *r,
                                   struct cm_why *why)
{
    struct cm_found found;
    enum cm_status st = cm_dynsym_find(&l->symbols, r->of, r->symbol, false, &found, why);

    if (st != CM_OK) {
        return st;
    }
    if (found.in == NULL) {
        return found.weak && r->addend == 0
                   ? add_word(l, r->of, r->where, CM_LINK_CONSTANT, 0, why)
                   : bad_symbol(r, found.symbol.name, "is defined nowhere", why);
    }
    if (found.symbol.type == STT_TLS || found.symbol.type == STT_GNU_IFUNC ||
        found.symbol.section >= SHN_LORESERVE) {
        return bad_symbol(r, found.symbol.name,
                          "is thread-local, indirect (IFUNC) or absolute, not a function or data",
                          why);
    }
    return add_address(l, r, found.in, found.symbol.value, why);
}

/*
 * Thread-local variables: the address is the thread data's minus tls_offset_of plus what the symbol says.
 * __tls_get_addr() inside adds the two words of DTPMOD64 and DTPOFF64 to it.
 */
static enum cm_status link_tls(struct linking *l, const struct relocation *r, struct cm_why *why)
{
    struct cm_found found = {.in = r->of};
    uint64_t place = 0;
    enum cm_status st = CM_OK;

    if (r->symbol != 0) {
        st = cm_dynsym_find(&l->symbols, r->of, r->symbol, false, &found, why);
        if (st != CM_OK) {
            return st;
        }
        if (found.in == NULL || found.symbol.type != STT_TLS) {
            return bad_symbol(r, found.symbol.name, "is not a thread-local variable", why);
        }
    }
    if (__builtin_add_overflow(found.symbol.value, r->addend, &place) ||
        place > found.in->tls.memsz || found.in->tls.memsz == 0) {
        cm_why_set(why,
                   "the thread-local relocation at 0x%" PRIx64 " of the %s leaves the variables",
                   r->where, cm_image_part(r->of));
        return CM_ERR_FORMAT;
    }
    const uint64_t block = 0 - tls_offset_of(l, found.in);
    const uint64_t value = r->type == R_X86_64_DTPMOD64   ? block
                           : r->type == R_X86_64_DTPOFF64 ? place
                                                          : block + place;

    return add_word(l, r->of, r->where, CM_LINK_CONSTANT, value, why);
}

/* Data of the module that the image has in its own place: that place gets the first values. */
static enum cm_status link_copy(struct linking *l, const struct relocation *r, struct cm_why *why)
{
    struct cm_dynamic_symbol own;
    struct cm_found found;
    enum cm_status st = CM_OK;

    CM_TRY(cm_dynsym_at(r->of, r->symbol, &own, why));
    CM_TRY(cm_dynsym_find(&l->symbols, r->of, r->symbol, true, &found, why));
    if (r->of->is_module || found.in == NULL || !found.in->is_module ||
        found.symbol.type != STT_OBJECT) {
        return bad_symbol(r, own.name, "is no data of the shared library", why);
    }
    if (found.symbol.visibility != STV_DEFAULT) {
        return bad_symbol(r, own.name,
                          "is protected in the shared library: image and library would have one "
                          "each",
                          why);
    }
    if (own.size != found.symbol.size || own.size == 0) {
        return bad_symbol(r, own.name,
                          "has another size in the shared library: link the image again", why);
    }
    if (cm_image_segment_at(found.in, found.symbol.value, own.size) == NULL) {
        return bad_symbol(r, own.name, "lies outside the shared library", why);
    }
    CM_TRY(cm_image_check_target(r->of, r->where, own.size, why));
    st = add_link(l,
                  (struct cm_module_link){.where = r->where,
                                          .kind = CM_LINK_COPY,
                                          .size = (uint32_t)own.size,
                                          .value = base_of(l, found.in) + found.symbol.value},
                  why);
out:
    return st;
}

static enum cm_status link_one(struct linking *l, const struct relocation *r, bool copies,
                               struct cm_why *why)
{
    if ((r->type == R_X86_64_COPY) != copies) {
        return CM_OK;
    }
    switch (r->type) {
    case R_X86_64_NONE:
        return CM_OK;
    case R_X86_64_RELATIVE:
        return add_address(l, r, r->of, 0, why);
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT:
        return link_address(l, r, why);
    case R_X86_64_TPOFF64:
    case R_X86_64_DTPMOD64:
    case R_X86_64_DTPOFF64:
        return link_tls(l, r, why);
    case R_X86_64_COPY:
        return link_copy(l, r, why);
    default:
        cm_why_set(why,
                   "relocation type %" PRIu32 " at 0x%" PRIx64
                   " of the %s; compile with -fPIC, and "
                   "without indirect functions",
                   r->type, r->where, cm_image_part(r->of));
        return CM_ERR_UNSUPPORTED;
    }
}

static enum cm_status link_table(struct linking *l, const struct cm_image *of,
                                 struct cm_range table, bool copies, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span bytes = {NULL, 0};

    if (table.len == 0) {
        return CM_OK;
    }
    if (!cm_image_bytes_at(of, table.start, table.len, &bytes)) {
        return CM_ERR_FORMAT;
    }
    struct cm_rd rd = cm_rd_init(bytes);

    while (rd.left != 0) {
        struct relocation r = {.of = of, .where = cm_rd_u64le(&rd)};

        r.type = cm_rd_u32le(&rd);
        r.symbol = cm_rd_u32le(&rd);
        r.addend = (int64_t)cm_rd_u64le(&rd);
        if (r.type == R_X86_64_GLOB_DAT || r.type == R_X86_64_JUMP_SLOT) {
            r.addend = 0;
        }
        CM_TRY(link_one(l, &r, copies, why));
    }
out:
    return st;
}

/* The image's own RELR table the runtime finds through PT_DYNAMIC, as always; the module's is put here. */
static enum cm_status link_relr_word(void *context, uint64_t addr, struct cm_why *why)
{
    struct linking *l = context;
    const struct cm_image *module = l->image->module;
    const uint64_t addend = cm_image_relr_addend(module, addr);

    return add_word(l, module, addr, CM_LINK_ADDRESS, l->image->module_base + addend, why);
}

static enum cm_status write_block(struct linking *l, struct cm_why *why)
{
    struct cm_image *image = l->image;
    const struct cm_image *module = image->module;
    const uint64_t base = image->module_base;
    const uint64_t used = sizeof(struct cm_module_block) + l->count * sizeof(struct cm_module_link);
    const uint64_t pages = (used + CM_PAGE_SIZE - 1) / CM_PAGE_SIZE * CM_PAGE_SIZE;
    uint8_t *at = NULL;

    if (base + module->mem_end + pages > CM_MAX_IMAGE_SIZE) {
        cm_why_set(why, "the image and its shared library are larger than 0x%" PRIx64 " bytes",
                   (uint64_t)CM_MAX_IMAGE_SIZE);
        return CM_ERR_LIMIT;
    }
    image->links_memory = calloc(1, (size_t)pages + CM_PAGE_SIZE - 1);
    if (image->links_memory == NULL) {
        return CM_ERR_NOMEM;
    }
    at = image->links_memory;
    at += (CM_PAGE_SIZE - (uintptr_t)at % CM_PAGE_SIZE) % CM_PAGE_SIZE;
    struct cm_wr w = cm_wr_init(at, (size_t)pages);

    cm_wr_u64le(&w, CM_MODULE_MAGIC);
    cm_wr_u64le(&w, base);
    cm_wr_u64le(&w, module->mem_end);
    cm_wr_u64le(&w, base + module->init_array.start);
    cm_wr_u64le(&w, module->init_array.len / WORD);
    cm_wr_u64le(&w, base + module->fini_array.start);
    cm_wr_u64le(&w, module->fini_array.len / WORD);
    cm_wr_u64le(&w, base + module->tls.vaddr);
    cm_wr_u64le(&w, module->tls.filesz);
    cm_wr_u64le(&w, image->module_tls);
    cm_wr_u64le(&w, l->count);
    for (uint64_t i = 0; i < l->count; i++) {
        cm_wr_u64le(&w, l->links[i].where);
        cm_wr_u32le(&w, l->links[i].kind);
        cm_wr_u32le(&w, l->links[i].size);
        cm_wr_u64le(&w, l->links[i].value);
    }
    image->links_used = used;
    image->links = cm_span_make(at, (size_t)pages);
    return w.used == used ? cm_wr_finish(&w) : CM_ERR_STATE;
}

static enum cm_status link_tables(struct linking *l, bool copies, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (const struct cm_image *part = l->image; part != NULL; part = part->module) {
        CM_TRY(link_table(l, part, part->rela, copies, why));
        CM_TRY(link_table(l, part, part->plt_rela, copies, why));
    }
out:
    return st;
}

static enum cm_status link_both(struct cm_image *image, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct linking l = {.image = image};
    const struct cm_image *module = image->module;

    CM_TRY(cm_dynsym_open(image, module, &l.symbols, why));
    CM_TRY(link_tables(&l, false, why));
    CM_TRY(cm_image_each_relr(module, module->relr, link_relr_word, &l, why));
    CM_TRY(link_tables(&l, true, why)); /* last: what is copied is complete */
    CM_TRY(write_block(&l, why));
out:
    cm_dynsym_close(&l.symbols);
    free(l.links);
    return st;
}

uint64_t cm_image_tls_size(const struct cm_image *image)
{
    const uint64_t align = image->tls_align > 1 ? image->tls_align : 1;

    return (image->tls.memsz + align - 1) / align * align;
}

uint64_t cm_image_all_tls(const struct cm_image *image)
{
    return image->module_tls != 0 ? image->module_tls : cm_image_tls_size(image);
}

uint64_t cm_image_all_end(const struct cm_image *image)
{
    return image->module == NULL ? image->mem_end
                                 : image->module_base + image->module->mem_end + image->links.len;
}

struct cm_span cm_image_needed(const struct cm_image *image)
{
    return image->needed;
}

uint64_t cm_image_module_base(const struct cm_image *image, uint64_t *size)
{
    *size = image->module == NULL ? 0 : image->module->mem_end;
    return image->module_base;
}

const char *cm_image_part(const struct cm_image *part)
{
    return part->is_module ? "shared library" : "image";
}

/* Behind the image's own variables, as the thread data see it; the linker aligned both to their own. */
static uint64_t place_tls(const struct cm_image *image, const struct cm_image *module)
{
    const uint64_t align = module->tls_align > 1 ? module->tls_align : 1;

    if (module->tls.memsz == 0) {
        return 0;
    }
    return (cm_image_tls_size(image) + module->tls.memsz + align - 1) / align * align;
}

enum cm_status cm_image_join(struct cm_image *image, struct cm_span file, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_image *module = NULL;
    struct cm_why inner = {{0}};

    if (image->needed.len == 0 || image->module != NULL) {
        cm_why_set(why, "the image needs no shared library, or has it");
        return CM_ERR_STATE;
    }
    st = cm_image_open_as(file, true, &module, &inner);
    if (st != CM_OK) {
        cm_why_set(why, "the shared library %.*s: %s", (int)image->needed.len,
                   (const char *)image->needed.ptr,
                   inner.text[0] != '\0' ? inner.text : cm_status_str(st));
        return st;
    }
    image->module = module;
    image->module_base = image->mem_end;
    image->module_tls = place_tls(image, module);
    st = link_both(image, why);
    if (st != CM_OK) { /* the image is as it was */
        free(image->links_memory);
        free(module);
        image->module = NULL;
        image->links_memory = NULL;
        image->links = cm_span_make(NULL, 0);
        image->links_used = 0;
        image->module_base = 0;
        image->module_tls = 0;
    }
    return st;
}
