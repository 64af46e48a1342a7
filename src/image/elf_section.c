/*
 * Section headers and symbols of an enclave image. The loader needs them only
 * to find .oeinfo; the signer's instruction check and `dump` read the symbols.
 * UNTRUSTED: every byte of the file.
 */
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "image/elf_image.h"

enum { SHDR_SIZE = 64, SYM_SIZE = 24 };

struct cm_span cm_span_name_at(struct cm_span table, uint64_t offset)
{
    struct cm_span rest = {NULL, 0};
    const uint8_t *end = NULL;

    if (offset >= table.len) {
        return rest;
    }
    rest = cm_span_make(table.ptr + offset, table.len - (size_t)offset);
    end = memchr(rest.ptr, 0, rest.len);
    return end == NULL ? cm_span_make(NULL, 0) : cm_span_make(rest.ptr, (size_t)(end - rest.ptr));
}

bool cm_section_is_named(const struct cm_section *section, const char *name)
{
    const size_t len = strlen(name);

    return section->name.len == len && memcmp(section->name.ptr, name, len) == 0;
}

enum cm_status cm_image_section(const struct cm_image *image, uint32_t index,
                                struct cm_section *out, struct cm_why *why)
{
    struct cm_section s = {{NULL, 0}, 0, 0, 0, 0, 0, 0, {NULL, 0}};
    struct cm_span header = {NULL, 0};

    *out = s;
    if (index >= image->section_count ||
        !cm_span_part(image->section_headers, (uint64_t)index * SHDR_SIZE, SHDR_SIZE, &header)) {
        return CM_ERR_PARAM;
    }
    struct cm_rd r = cm_rd_init(header);
    const uint32_t name = cm_rd_u32le(&r);

    s.type = cm_rd_u32le(&r);
    s.flags = cm_rd_u64le(&r);
    s.addr = cm_rd_u64le(&r);
    const uint64_t offset = cm_rd_u64le(&r);
    s.size = cm_rd_u64le(&r);
    s.link = cm_rd_u32le(&r);
    (void)cm_rd_u32le(&r); /* sh_info */
    (void)cm_rd_u64le(&r); /* sh_addralign */
    s.entsize = cm_rd_u64le(&r);
    s.name = cm_span_name_at(image->section_names, name);
    if (s.type != SHT_NOBITS && s.type != SHT_NULL &&
        !cm_span_part(image->file, offset, s.size, &s.data)) {
        cm_why_set(why, "section %" PRIu32 " lies beyond the end of the file (truncated?)", index);
        return CM_ERR_FORMAT;
    }
    *out = s;
    return CM_OK;
}

/* A section that is loaded must stand in its segment where the segment's mapping puts it. */
static enum cm_status check_loaded(const struct cm_image *image, const struct cm_section *s,
                                   struct cm_why *why)
{
    struct cm_span mapped = {NULL, 0};

    if ((s->flags & SHF_ALLOC) == 0 || s->type == SHT_NOBITS || s->size == 0) {
        return CM_OK;
    }
    if (!cm_image_bytes_at(image, s->addr, s->size, &mapped) || mapped.ptr != s->data.ptr) {
        cm_why_set(why, "section %.*s is not where its segment maps it", (int)s->name.len,
                   (const char *)s->name.ptr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status use_section(struct cm_image *image, const struct cm_section *s,
                                  struct cm_why *why)
{
    struct cm_section names;
    enum cm_status st = CM_OK;

    if (s->type == SHT_SYMTAB) {
        if (image->symbols.len != 0 || s->entsize != SYM_SIZE || s->size % SYM_SIZE != 0 ||
            s->link >= image->section_count) {
            cm_why_set(why, "malformed symbol table");
            return CM_ERR_FORMAT;
        }
        st = cm_image_section(image, s->link, &names, why);
        if (st != CM_OK) {
            return st;
        }
        if (names.type != SHT_STRTAB) {
            cm_why_set(why, "the symbol table's names are not in a string table");
            return CM_ERR_FORMAT;
        }
        image->symbols = s->data;
        image->symbol_names = names.data;
    }
    if (s->type == SHT_DYNSYM) {
        if (image->dynamic_symbols.len != 0 || s->entsize != SYM_SIZE || s->size % SYM_SIZE != 0) {
            cm_why_set(why, "malformed dynamic symbol table");
            return CM_ERR_FORMAT;
        }
        image->dynamic_symbols = s->data;
    }
    if (cm_section_is_named(s, ".oeinfo")) {
        if (image->is_module) {
            cm_why_set(why,
                       "the shared library has an .oeinfo section: OE_SET_ENCLAVE_SGX belongs into "
                       "the image");
            return CM_ERR_FORMAT;
        }
        if (image->oeinfo_offset != 0) {
            cm_why_set(why, "more than one .oeinfo section");
            return CM_ERR_FORMAT;
        }
        if (s->type != SHT_PROGBITS || (s->flags & SHF_ALLOC) == 0 || s->size != CM_OEINFO_SIZE) {
            cm_why_set(why,
                       ".oeinfo has %" PRIu64 " bytes, not %d: is OE_SET_ENCLAVE_SGX used "
                       "more than once, or from another SDK's headers?",
                       s->size, CM_OEINFO_SIZE);
            return CM_ERR_FORMAT;
        }
        image->oeinfo_addr = s->addr;
        image->oeinfo_offset = (uint64_t)(s->data.ptr - image->file.ptr);
    }
    return CM_OK;
}

/* Bytes that no header accounts for would be signed over by nobody: the file must end where its
 * last part ends. That also makes every truncation visible. */
static enum cm_status check_end(const struct cm_image *image, struct cm_why *why)
{
    const uint8_t *end = image->section_headers.ptr + image->section_headers.len;
    struct cm_section s;

    for (uint32_t i = 0; i < image->section_count; i++) {
        const enum cm_status st = cm_image_section(image, i, &s, why);

        if (st != CM_OK) {
            return st;
        }
        if (s.data.ptr != NULL && s.data.ptr + s.data.len > end) {
            end = s.data.ptr + s.data.len;
        }
    }
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const uint8_t *e = image->file.ptr + image->segments[i].offset + image->segments[i].filesz;

        if (e > end) {
            end = e;
        }
    }
    if (end != image->file.ptr + image->file.len) {
        cm_why_set(why, "%zu bytes follow the last section",
                   (size_t)(image->file.ptr + image->file.len - end));
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_image_index_sections(struct cm_image *image, uint64_t offset, uint32_t count,
                                       uint32_t names_index, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_section s = {{NULL, 0}, 0, 0, 0, 0, 0, 0, {NULL, 0}};

    if (count < 2 || count > CM_IMAGE_MAX_SECTIONS || names_index >= count) {
        cm_why_set(why,
                   "%" PRIu32 " section headers; an enclave needs its .oeinfo section (do "
                   "not strip section headers)",
                   count);
        return CM_ERR_FORMAT;
    }
    if (!cm_span_part(image->file, offset, (uint64_t)count * SHDR_SIZE, &image->section_headers)) {
        cm_why_set(why, "the section headers lie beyond the end of the file (truncated?)");
        return CM_ERR_FORMAT;
    }
    image->section_count = count;
    CM_TRY(cm_image_section(image, names_index, &s, why));
    if (s.type != SHT_STRTAB) {
        cm_why_set(why, "the section names are not in a string table");
        st = CM_ERR_FORMAT;
        goto out;
    }
    image->section_names = s.data;
    for (uint32_t i = 0; i < count; i++) {
        CM_TRY(cm_image_section(image, i, &s, why));
        CM_TRY(check_loaded(image, &s, why));
        CM_TRY(use_section(image, &s, why));
    }
    if (image->oeinfo_offset == 0 && !image->is_module) {
        cm_why_set(why, "no .oeinfo section: the enclave must use OE_SET_ENCLAVE_SGX or "
                        "OE_SET_ENCLAVE_SGX2");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(check_end(image, why));
out:
    return st;
}

uint64_t cm_image_symbol_count(const struct cm_image *image)
{
    return image->symbols.len / SYM_SIZE;
}

void cm_image_symbol(const struct cm_image *image, uint64_t index, struct cm_symbol *out)
{
    struct cm_span entry = {NULL, 0};
    struct cm_symbol sym = {{NULL, 0}, 0, 0, false};

    if (cm_span_part(image->symbols, index * SYM_SIZE, SYM_SIZE, &entry)) {
        struct cm_rd r = cm_rd_init(entry);
        const uint32_t name = cm_rd_u32le(&r);
        const uint8_t info = cm_rd_u8(&r);

        (void)cm_rd_u8(&r); /* st_other */
        const uint16_t section = cm_rd_u16le(&r);

        sym.addr = cm_rd_u64le(&r);
        sym.size = cm_rd_u64le(&r);
        sym.is_func = ELF64_ST_TYPE(info) == STT_FUNC && section != SHN_UNDEF;
        sym.name = cm_span_name_at(image->symbol_names, name);
    }
    *out = sym;
}

struct cm_span cm_image_entry_name(const struct cm_image *image)
{
    struct cm_span name = {NULL, 0};

    for (uint64_t i = 0; i < cm_image_symbol_count(image); i++) {
        struct cm_symbol sym;

        cm_image_symbol(image, i, &sym);
        if (sym.addr == image->entry && sym.name.len != 0 && (sym.is_func || name.len == 0)) {
            name = sym.name;
            if (sym.is_func) {
                break;
            }
        }
    }
    return name;
}

bool cm_image_function_at(const struct cm_image *image, uint64_t addr, struct cm_span *name,
                          uint64_t *offset)
{
    if (image->module != NULL && addr >= image->module_base) {
        addr -= image->module_base;
        image = image->module;
    }
    for (uint64_t i = 0; i < cm_image_symbol_count(image); i++) {
        struct cm_symbol sym;

        cm_image_symbol(image, i, &sym);
        if (sym.is_func && sym.name.len != 0 && addr >= sym.addr && addr - sym.addr < sym.size) {
            *name = sym.name;
            *offset = addr - sym.addr;
            return true;
        }
    }
    return false;
}
