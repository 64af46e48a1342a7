/*
 * Strict reading of relocatable x86-64 ELF objects and writing them again without some sections.
 * Called by the inside archive tool at build time; the objects come from installed packages.
 */
#include "libc/prep_elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "libc/prep_ar.h"

#define EHDR_SIZE 64u
#define SHDR_SIZE 64u
#define SYM_SIZE  24u
#define RELA_SIZE 24u

/* Returns the NUL terminated string at off of a string table, or NULL. */
static const char *string_at(struct cm_span table, uint64_t off)
{
    if (off >= table.len || memchr(table.ptr + off, 0, table.len - off) == NULL) {
        return NULL;
    }
    return (const char *)table.ptr + off;
}

static bool parse_section(struct cm_prep_elf *e, struct cm_rd *r, struct cm_prep_section *s)
{
    uint64_t off;
    struct cm_rd body;

    s->name_off = cm_rd_u32le(r);
    s->type = cm_rd_u32le(r);
    s->flags = cm_rd_u64le(r);
    s->addr = cm_rd_u64le(r);
    off = cm_rd_u64le(r);
    s->size = cm_rd_u64le(r);
    s->link = cm_rd_u32le(r);
    s->info = cm_rd_u32le(r);
    s->align = cm_rd_u64le(r);
    s->entsize = cm_rd_u64le(r);
    if (r->bad || s->align > 4096 || (s->align & (s->align - 1)) != 0) {
        return false;
    }
    if (s->type == SHT_NULL || s->type == SHT_NOBITS) {
        return true;
    }
    body = cm_rd_init(e->image);
    (void)cm_rd_take(&body, off);
    s->body = cm_rd_take(&body, s->size);
    return !body.bad;
}

static bool parse_symbols(struct cm_prep_elf *e, const struct cm_prep_section *tab)
{
    struct cm_rd r = cm_rd_init(tab->body);
    size_t i;

    if (tab->link >= e->section_count || tab->body.len % SYM_SIZE != 0 || e->symbols != NULL) {
        return false;
    }
    e->symbol_count = tab->body.len / SYM_SIZE;
    e->symbols = calloc(e->symbol_count + 1, sizeof(*e->symbols));
    if (e->symbols == NULL) {
        return false;
    }
    for (i = 0; i < e->symbol_count; i++) {
        struct cm_prep_symbol *s = &e->symbols[i];
        uint32_t name = cm_rd_u32le(&r);
        uint8_t info = cm_rd_u8(&r);

        (void)cm_rd_u8(&r);
        s->type = info & 0xf;
        s->bind = info >> 4;
        s->shndx = cm_rd_u16le(&r);
        s->value = cm_rd_u64le(&r);
        s->size = cm_rd_u64le(&r);
        s->name = string_at(e->sections[tab->link].body, name);
        if (s->name == NULL || (s->shndx >= e->section_count && s->shndx < SHN_LORESERVE)) {
            return false;
        }
    }
    return !r.bad;
}

static bool parse(struct cm_prep_elf *e)
{
    static const uint8_t ident[8] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT, 0};
    struct cm_rd r = cm_rd_init(e->image);
    struct cm_span id = cm_rd_take(&r, 16);
    uint16_t type = cm_rd_u16le(&r);
    uint16_t machine = cm_rd_u16le(&r);
    uint64_t shoff;
    uint16_t shentsize;
    size_t i;

    (void)cm_rd_take(&r, 4 + 8 + 8); /* version, entry, program headers: none in an object */
    shoff = cm_rd_u64le(&r);
    (void)cm_rd_take(&r, 4 + 2 + 2 + 2);
    shentsize = cm_rd_u16le(&r);
    e->section_count = cm_rd_u16le(&r);
    e->shstrndx = cm_rd_u16le(&r);
    if (r.bad || memcmp(id.ptr, ident, 7) != 0 || type != ET_REL || machine != EM_X86_64 ||
        shentsize != SHDR_SIZE || e->section_count == 0 || e->shstrndx >= e->section_count) {
        return false;
    }
    e->sections = calloc(e->section_count, sizeof(*e->sections));
    if (e->sections == NULL) {
        return false;
    }
    r = cm_rd_init(e->image);
    (void)cm_rd_take(&r, shoff);
    for (i = 0; i < e->section_count; i++) {
        if (!parse_section(e, &r, &e->sections[i])) {
            return false;
        }
    }
    for (i = 0; i < e->section_count; i++) {
        struct cm_prep_section *s = &e->sections[i];

        s->name = string_at(e->sections[e->shstrndx].body, s->name_off);
        if (s->name == NULL || (s->type == SHT_SYMTAB && !parse_symbols(e, s))) {
            return false;
        }
    }
    return true;
}

enum cm_status cm_prep_elf_open(struct cm_prep_elf *e, struct cm_span image, const char *what,
                                struct cm_why *why)
{
    memset(e, 0, sizeof(*e));
    e->image = image;
    if (!parse(e)) {
        cm_prep_elf_close(e);
        cm_why_set(why, "%s is not a whole x86-64 relocatable object", what);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

void cm_prep_elf_close(struct cm_prep_elf *e)
{
    free(e->sections);
    free(e->symbols);
    memset(e, 0, sizeof(*e));
}

bool cm_prep_symbol_is_export(const struct cm_prep_symbol *s)
{
    return s->shndx != SHN_UNDEF && (s->bind == STB_GLOBAL || s->bind == STB_WEAK) &&
           s->type != STT_FILE && s->type != STT_SECTION && s->name[0] != '\0';
}

bool cm_prep_symbol_is_import(const struct cm_prep_symbol *s)
{
    return s->shndx == SHN_UNDEF && s->bind == STB_GLOBAL && s->name[0] != '\0';
}

static bool is_removed(const struct cm_prep_elf *e, size_t i, const char *section)
{
    const struct cm_prep_section *s = &e->sections[i];

    if (strcmp(s->name, section) == 0) {
        return true;
    }
    return s->type == SHT_RELA && s->info < e->section_count &&
           strcmp(e->sections[s->info].name, section) == 0;
}

static void put_le(struct cm_prep_buf *b, uint64_t v, size_t n)
{
    uint8_t bytes[8];
    size_t i;

    for (i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(v >> (8 * i));
    }
    cm_prep_buf_put(b, bytes, n);
}

static void put_shdr(struct cm_prep_buf *b, const struct cm_prep_section *s, uint64_t off,
                     uint64_t size)
{
    put_le(b, s->name_off, 4);
    put_le(b, s->type, 4);
    put_le(b, s->flags, 8);
    put_le(b, s->addr, 8);
    put_le(b, off, 8);
    put_le(b, size, 8);
    put_le(b, s->link, 4);
    put_le(b, s->info, 4);
    put_le(b, s->align, 8);
    put_le(b, s->entsize, 8);
}

void cm_prep_elf_without(const struct cm_prep_elf *e, const char *section, struct cm_prep_buf *out)
{
    struct cm_prep_buf table = {NULL, 0, 0, false};
    uint64_t shoff;
    uint8_t le[8];
    size_t i;

    cm_prep_buf_put(out, e->image.ptr, EHDR_SIZE);
    for (i = 0; i < e->section_count; i++) {
        const struct cm_prep_section *s = &e->sections[i];
        bool removed = is_removed(e, i, section);
        size_t align = s->align == 0 ? 1 : s->align;

        if (s->type == SHT_NULL) {
            put_shdr(&table, s, 0, 0);
            continue;
        }
        cm_prep_buf_zeros(out, (align - out->len % align) % align);
        put_shdr(&table, s, out->len, removed ? 0 : s->size);
        if (!removed && s->body.len != 0) {
            cm_prep_buf_put(out, s->body.ptr, s->body.len);
        }
    }
    cm_prep_buf_zeros(out, (8 - out->len % 8) % 8);
    shoff = out->len;
    cm_prep_buf_put(out, table.ptr, table.len);
    out->bad = out->bad || table.bad;
    cm_prep_buf_free(&table);
    if (!out->bad) {
        for (i = 0; i < 8; i++) {
            le[i] = (uint8_t)(shoff >> (8 * i));
        }
        memcpy(out->ptr + offsetof(Elf64_Ehdr, e_shoff), le, sizeof(le));
    }
}

const struct cm_prep_symbol *cm_prep_elf_function(const struct cm_prep_elf *e, const char *name)
{
    size_t i;

    for (i = 0; i < e->symbol_count; i++) {
        const struct cm_prep_symbol *s = &e->symbols[i];

        if (s->type == STT_FUNC && cm_prep_symbol_is_export(s) && strcmp(s->name, name) == 0 &&
            s->shndx < e->section_count && s->value <= e->sections[s->shndx].body.len &&
            s->size <= e->sections[s->shndx].body.len - s->value) {
            return s;
        }
    }
    return NULL;
}

static uint64_t get_le64(const uint8_t *from)
{
    struct cm_rd r = cm_rd_init(cm_span_make(from, 8));

    return cm_rd_u64le(&r);
}

/* Makes the relocations of section shndx within [from, to) do nothing. image is e's, copied. */
static void drop_relocations(const struct cm_prep_elf *e, uint8_t *image, uint16_t shndx,
                             uint64_t from, uint64_t to)
{
    size_t i;
    size_t at;

    for (i = 0; i < e->section_count; i++) {
        const struct cm_prep_section *s = &e->sections[i];

        if (s->type != SHT_RELA || s->info != shndx) {
            continue;
        }
        for (at = 0; s->body.len - at >= RELA_SIZE; at += RELA_SIZE) {
            uint64_t where = get_le64(s->body.ptr + at);

            if (where >= from && where < to) { /* type and symbol 0: R_X86_64_NONE */
                memset(image + (s->body.ptr - e->image.ptr) + at + 8, 0, 8);
            }
        }
    }
}

void cm_prep_elf_trap(const struct cm_prep_elf *e, const struct cm_prep_symbol *function,
                      struct cm_prep_buf *out)
{
    static const uint8_t ud2[2] = {0x0f, 0x0b};
    const struct cm_prep_section *s = &e->sections[function->shndx];
    uint8_t *code;
    size_t i;

    cm_prep_buf_put(out, e->image.ptr, e->image.len);
    if (out->bad) {
        return;
    }
    code = out->ptr + (s->body.ptr - e->image.ptr) + function->value;
    for (i = 0; i < function->size; i++) { /* an odd last byte is INT3 */
        code[i] = i % 2 == 0 && i + 1 == function->size ? 0xcc : ud2[i % 2];
    }
    drop_relocations(e, out->ptr, function->shndx, function->value,
                     function->value + function->size);
    for (i = 0; i < e->section_count; i++) {
        const struct cm_prep_section *tab = &e->sections[i];
        size_t n = (size_t)(function - e->symbols);

        if (tab->type == SHT_SYMTAB) {
            uint8_t *name = out->ptr + (tab->body.ptr - e->image.ptr) + n * SYM_SIZE;
            uint32_t off = (uint32_t)get_le64(name) + 1;
            size_t k;

            for (k = 0; k < 4; k++) {
                name[k] = (uint8_t)(off >> (8 * k));
            }
        }
    }
}
