/*
 * View of one relocatable x86-64 object. Host side only; see prep_ar.h for who calls it. Everything
 * is bounds-checked when the object is opened, so later reads cannot leave the image.
 */
#ifndef CM_LIBC_PREP_ELF_H
#define CM_LIBC_PREP_ELF_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

struct cm_prep_buf;

struct cm_prep_section {
    const char *name;
    uint32_t name_off;
    uint32_t type;
    uint64_t flags;
    uint64_t addr;
    struct cm_span body; /* empty for SHT_NOBITS and SHT_NULL */
    uint64_t size;       /* also for SHT_NOBITS */
    uint32_t link;
    uint32_t info;
    uint64_t align;
    uint64_t entsize;
};

struct cm_prep_symbol {
    const char *name;
    uint8_t type;
    uint8_t bind;
    uint16_t shndx;
    uint64_t value;
    uint64_t size;
};

struct cm_prep_elf {
    struct cm_span image;
    struct cm_prep_section *sections;
    size_t section_count;
    struct cm_prep_symbol *symbols;
    size_t symbol_count;
    uint16_t shstrndx;
};

/* Parses image, which must outlive e. why names `what` when it fails. */
CM_MUST_USE enum cm_status cm_prep_elf_open(struct cm_prep_elf *e, struct cm_span image,
                                            const char *what, struct cm_why *why);
void cm_prep_elf_close(struct cm_prep_elf *e);

/* True for a symbol that other objects can bind to and that this object defines. */
bool cm_prep_symbol_is_export(const struct cm_prep_symbol *s);

/* True for a symbol that this object needs from others and cannot do without. */
bool cm_prep_symbol_is_import(const struct cm_prep_symbol *s);

/*
 * Writes the object again with every section named `section`, or holding relocations for it, left
 * empty. Section numbers stay, so nothing else has to change.
 */
void cm_prep_elf_without(const struct cm_prep_elf *e, const char *section, struct cm_prep_buf *out);

/* A whole function of the object, found by name; NULL when it defines none of that name. */
const struct cm_prep_symbol *cm_prep_elf_function(const struct cm_prep_elf *e, const char *name);

/*
 * Writes the object again with the function's code made of UD2, so that it can do nothing but fault,
 * and without the first letter of its name, so that another object can define the name.
 */
void cm_prep_elf_trap(const struct cm_prep_elf *e, const struct cm_prep_symbol *function,
                      struct cm_prep_buf *out);

#endif
