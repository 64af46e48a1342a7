/* The dynamic symbols of an image and its module, by name. For elf_module.c. */
#ifndef CM_IMAGE_ELF_SYMBOLS_H
#define CM_IMAGE_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/elf_image.h"

/* What one of both defines, in the order of names. */
struct cm_definitions {
    struct cm_dynamic_symbol *list;
    size_t count;
};

struct cm_dynsyms {
    const struct cm_image *image;
    const struct cm_image *module;
    struct cm_definitions of_image;
    struct cm_definitions of_module;
};

struct cm_found {
    const struct cm_image *in;       /* NULL: neither defines it */
    struct cm_dynamic_symbol symbol; /* its definition; without one, the reference */
    bool weak;                       /* without one: the reference is weak */
};

/**
 * @param out  Zeroed by the caller; end with cm_dynsym_close, after a failure too.
 * @retval CM_ERR_FORMAT  a name is defined twice in one of both, or an address is what no GOT holds
 */
CM_MUST_USE enum cm_status cm_dynsym_open(const struct cm_image *image,
                                          const struct cm_image *module, struct cm_dynsyms *out,
                                          struct cm_why *why);
void cm_dynsym_close(struct cm_dynsyms *symbols);

/** A symbol of one of both by its number. @retval CM_ERR_FORMAT  there is none */
CM_MUST_USE enum cm_status cm_dynsym_at(const struct cm_image *of, uint32_t index,
                                        struct cm_dynamic_symbol *out, struct cm_why *why);

/**
 * Who defines the symbol that `of` refers to by its number: the image, else the module; with
 * module_only the module. A local symbol, and a protected one that it defines, is of' own.
 */
CM_MUST_USE enum cm_status cm_dynsym_find(const struct cm_dynsyms *symbols,
                                          const struct cm_image *of, uint32_t index,
                                          bool module_only, struct cm_found *out,
                                          struct cm_why *why);

/* "image" or "shared library" */
const char *cm_image_part(const struct cm_image *part);

#endif
