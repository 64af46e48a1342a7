/* See elf_symbols.h. UNTRUSTED: the symbol tables and their names. */
#include "image/elf_symbols.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"

enum { SYM_SIZE = 24 };

/* False: it should have a name, and that is outside the table, or empty, or longer than any. */
static bool read_symbol(const struct cm_image *of, uint64_t index, struct cm_dynamic_symbol *out)
{
    struct cm_span entry = {NULL, 0};
    struct cm_span room = of->dynamic_names;

    *out = (struct cm_dynamic_symbol){.name = cm_span_make(NULL, 0)};
    if (!cm_span_part(of->dynamic_symbols, index * SYM_SIZE, SYM_SIZE, &entry)) {
        return false;
    }
    struct cm_rd r = cm_rd_init(entry);
    const uint32_t name = cm_rd_u32le(&r);
    const uint8_t info = cm_rd_u8(&r);

    out->visibility = (uint8_t)ELF64_ST_VISIBILITY(cm_rd_u8(&r));
    out->section = cm_rd_u16le(&r);
    out->value = cm_rd_u64le(&r);
    out->size = cm_rd_u64le(&r);
    out->bind = (uint8_t)ELF64_ST_BIND(info);
    out->type = (uint8_t)ELF64_ST_TYPE(info);
    /* names may share their ends: without a limit, comparing a small file's could take hours */
    if (name < room.len && room.len - name > CM_IMAGE_MAX_SYMBOL) {
        room.len = (size_t)name + CM_IMAGE_MAX_SYMBOL;
    }
    out->name = cm_span_name_at(room, name);
    return name == 0 || out->name.len != 0;
}

static int compare_names(struct cm_span a, struct cm_span b)
{
    const size_t least = a.len < b.len ? a.len : b.len;
    const int order = least == 0 ? 0 : memcmp(a.ptr, b.ptr, least);

    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int by_name(const void *a, const void *b)
{
    const struct cm_dynamic_symbol *x = a;
    const struct cm_dynamic_symbol *y = b;

    return compare_names(x->name, y->name);
}

static bool defines(const struct cm_dynamic_symbol *s)
{
    return s->section != SHN_UNDEF && s->name.len != 0 &&
           (s->visibility == STV_DEFAULT || s->visibility == STV_PROTECTED) &&
           (s->bind == STB_GLOBAL || s->bind == STB_WEAK || s->bind == STB_GNU_UNIQUE);
}

static enum cm_status collect(const struct cm_image *of, struct cm_definitions *out,
                              struct cm_why *why)
{
    const uint64_t symbols = of->dynamic_symbols.len / SYM_SIZE;

    if (symbols > CM_IMAGE_MAX_SYMBOLS) {
        cm_why_set(why, "the %s has more than %d dynamic symbols", cm_image_part(of),
                   CM_IMAGE_MAX_SYMBOLS);
        return CM_ERR_LIMIT;
    }
    out->list = calloc((size_t)symbols + 1, sizeof(*out->list));
    if (out->list == NULL) {
        return CM_ERR_NOMEM;
    }
    for (uint64_t i = 0; i < symbols; i++) {
        struct cm_dynamic_symbol s;

        if (!read_symbol(of, i, &s)) {
            cm_why_set(why,
                       "symbol %" PRIu64 " of the %s has no name in the string table, or one of "
                       "more than %d bytes",
                       i, cm_image_part(of), CM_IMAGE_MAX_SYMBOL);
            return CM_ERR_FORMAT;
        }
        if (defines(&s)) {
            out->list[out->count++] = s;
        } else if (!of->is_module && s.section == SHN_UNDEF && s.value != 0) {
            /* the linker made a place in the image stand for the function: two addresses of one */
            cm_why_set(
                why,
                "the image takes the address of %.*s, of its shared library, without the global "
                "offset table; compile it with -fPIE or -mno-direct-extern-access",
                (int)s.name.len, (const char *)s.name.ptr);
            return CM_ERR_UNSUPPORTED;
        }
    }
    qsort(out->list, out->count, sizeof(*out->list), by_name);
    for (size_t i = 1; i < out->count; i++) {
        if (compare_names(out->list[i - 1].name, out->list[i].name) == 0) {
            cm_why_set(why, "the %s defines the symbol %.*s twice", cm_image_part(of),
                       (int)out->list[i].name.len, (const char *)out->list[i].name.ptr);
            return CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

enum cm_status cm_dynsym_open(const struct cm_image *image, const struct cm_image *module,
                              struct cm_dynsyms *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    out->image = image;
    out->module = module;
    CM_TRY(collect(image, &out->of_image, why));
    CM_TRY(collect(module, &out->of_module, why));
out:
    return st;
}

void cm_dynsym_close(struct cm_dynsyms *symbols)
{
    free(symbols->of_image.list);
    free(symbols->of_module.list);
    *symbols = (struct cm_dynsyms){.image = NULL};
}

enum cm_status cm_dynsym_at(const struct cm_image *of, uint32_t index,
                            struct cm_dynamic_symbol *out, struct cm_why *why)
{
    if (index >= of->dynamic_symbols.len / SYM_SIZE) {
        cm_why_set(why, "a relocation of the %s names symbol %" PRIu32 ", which is not there",
                   cm_image_part(of), index);
        return CM_ERR_FORMAT;
    }
    (void)read_symbol(of, index, out); /* cm_dynsym_open has looked at all */
    return CM_OK;
}

static bool find_in(const struct cm_image *in, const struct cm_definitions *definitions,
                    const struct cm_dynamic_symbol *reference, struct cm_found *out)
{
    const struct cm_dynamic_symbol *found =
        definitions->count == 0 ? NULL
                                : bsearch(reference, definitions->list, definitions->count,
                                          sizeof(*definitions->list), by_name);

    if (found == NULL) {
        return false;
    }
    out->in = in;
    out->symbol = *found;
    return true;
}

enum cm_status cm_dynsym_find(const struct cm_dynsyms *symbols, const struct cm_image *of,
                              uint32_t index, bool module_only, struct cm_found *out,
                              struct cm_why *why)
{
    struct cm_dynamic_symbol reference;
    const enum cm_status st = cm_dynsym_at(of, index, &reference, why);

    *out = (struct cm_found){.in = NULL};
    if (st != CM_OK) {
        return st;
    }
    /* what nobody may replace: local, or protected and its own */
    if (reference.bind == STB_LOCAL ||
        (reference.visibility != STV_DEFAULT && reference.section != SHN_UNDEF)) {
        out->in = reference.section == SHN_UNDEF ? NULL : of;
        out->symbol = reference;
        return CM_OK;
    }
    if ((!module_only && find_in(symbols->image, &symbols->of_image, &reference, out)) ||
        find_in(symbols->module, &symbols->of_module, &reference, out)) {
        return CM_OK;
    }
    out->symbol = reference;
    out->weak = reference.bind == STB_WEAK;
    return CM_OK;
}
