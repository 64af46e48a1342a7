/*
 * The index that elf_open.c builds of an image file, shared by the files of
 * this folder and by nobody else. Everything in it has been checked: ranges
 * lie inside the file or inside the image's memory.
 */
#ifndef CM_IMAGE_ELF_IMAGE_H
#define CM_IMAGE_ELF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

enum {
    CM_IMAGE_MAX_SEGMENTS = 16,
    CM_IMAGE_MAX_SECTIONS = 4096,
    CM_IMAGE_MAX_NAME = 128, /* of the file of a module */
    CM_IMAGE_MAX_SYMBOLS = 1 << 20,
    CM_IMAGE_MAX_SYMBOL = 1 << 14, /* bytes of one's name, with the NUL */
};

/* Thread-local storage of the image, for one thread. */
#define CM_IMAGE_MAX_TLS (UINT64_C(1) << 24)

struct cm_segment {
    uint64_t vaddr;
    uint64_t memsz; /* not 0 */
    uint64_t offset;
    uint64_t filesz;
    uint32_t flags; /* PF_R, PF_W, PF_X */
};

struct cm_range {
    uint64_t start;
    uint64_t len;
};

struct cm_section {
    struct cm_span name;
    uint32_t type;
    uint32_t link;
    uint64_t flags;
    uint64_t addr;
    uint64_t size;
    uint64_t entsize;
    struct cm_span data; /* empty for SHT_NOBITS */
};

struct cm_symbol {
    struct cm_span name;
    uint64_t addr;
    uint64_t size;
    bool is_func;
};

struct cm_image {
    struct cm_span file;
    uint64_t entry;

    struct cm_segment segments[CM_IMAGE_MAX_SEGMENTS]; /* ascending, no page in two of them */
    uint32_t segment_count;
    uint64_t mem_end; /* page rounded end of the last segment */

    struct cm_range dynamic; /* addresses; len 0 when absent */
    struct cm_range rela;
    struct cm_range relr;
    struct cm_range plt_rela; /* with a module, and of a module */
    struct cm_range relro;
    struct cm_segment tls; /* memsz 0 when absent */
    uint64_t tls_align;

    struct cm_span section_headers;
    struct cm_span section_names;
    uint32_t section_count;
    struct cm_span symbols; /* 24 bytes each; empty when stripped */
    struct cm_span symbol_names;

    uint64_t oeinfo_addr;
    uint64_t oeinfo_offset; /* in the file */
    struct cm_enclave_props props;
    bool is_signed;

    /* With a module; elf_module.c */
    bool is_module;
    struct cm_span needed;          /* the name of the file; empty: no module */
    struct cm_span dynamic_symbols; /* 24 bytes each */
    struct cm_span dynamic_names;
    struct cm_range init_array;
    struct cm_range fini_array;
    struct cm_image *module;
    uint64_t module_base; /* the module's address 0, from the image's */
    uint64_t module_tls;  /* struct cm_module_block.tls_offset */
    struct cm_span
        links; /* the block of abi/module_block.h, filled up to whole pages; page aligned */
    uint8_t *links_memory; /* as allocated */
    uint64_t links_used;   /* bytes of the block itself */
};

/* A symbol of .dynsym. */
struct cm_dynamic_symbol {
    struct cm_span name;
    uint8_t bind;       /* STB_* */
    uint8_t type;       /* STT_* */
    uint8_t visibility; /* STV_* */
    uint16_t section;
    uint64_t value;
    uint64_t size;
};

/* A part of a span; false when it is not all there. */
static inline bool cm_span_part(struct cm_span s, uint64_t offset, uint64_t len,
                                struct cm_span *out)
{
    if (offset > s.len || len > s.len - offset) {
        return false;
    }
    *out = cm_span_make(len == 0 ? s.ptr : s.ptr + offset, (size_t)len);
    return true;
}

/* A NUL-terminated name in a string table; empty when it does not end inside. */
struct cm_span cm_span_name_at(struct cm_span table, uint64_t offset);

/* The segment that holds all of [addr, addr + len), or NULL. */
const struct cm_segment *cm_image_segment_at(const struct cm_image *image, uint64_t addr,
                                             uint64_t len);

/* The file's bytes of [addr, addr + len), all in one segment's part of the file. */
bool cm_image_bytes_at(const struct cm_image *image, uint64_t addr, uint64_t len,
                       struct cm_span *out);

/* elf_dynamic.c: PT_DYNAMIC, relocations. */
CM_MUST_USE enum cm_status cm_image_check_dynamic(struct cm_image *image, struct cm_why *why);
/* A word of the image that starting it will write. */
CM_MUST_USE enum cm_status cm_image_check_target(const struct cm_image *image, uint64_t addr,
                                                 uint64_t len, struct cm_why *why);

/* elf_relr.c. Calls each(context, address) for every word of the table; the first failure ends it. */
typedef enum cm_status cm_relr_word(void *context, uint64_t addr, struct cm_why *why);
CM_MUST_USE enum cm_status cm_image_each_relr(const struct cm_image *image, struct cm_range table,
                                              cm_relr_word *each, void *context,
                                              struct cm_why *why);
/* The word of the file at an address: what a RELR relocation adds the base to. */
uint64_t cm_image_relr_addend(const struct cm_image *image, uint64_t addr);

/* elf_open.c: `file` as an image or as the module of one. */
CM_MUST_USE enum cm_status cm_image_open_as(struct cm_span file, bool is_module,
                                            struct cm_image **out, struct cm_why *why);

/* Thread-local storage of one image, rounded up to its alignment. */
uint64_t cm_image_tls_size(const struct cm_image *image);
/* That of the image and its module. */
uint64_t cm_image_all_tls(const struct cm_image *image);
/* Where the last page of image, module and links ends; from the image's address 0. */
uint64_t cm_image_all_end(const struct cm_image *image);

/* elf_section.c: section headers, symbols; finds .oeinfo. */
CM_MUST_USE enum cm_status cm_image_index_sections(struct cm_image *image, uint64_t offset,
                                                   uint32_t count, uint32_t names_index,
                                                   struct cm_why *why);
/* index < section_count */
CM_MUST_USE enum cm_status cm_image_section(const struct cm_image *image, uint32_t index,
                                            struct cm_section *out, struct cm_why *why);
bool cm_section_is_named(const struct cm_section *section, const char *name);

uint64_t cm_image_symbol_count(const struct cm_image *image);
/* index < count. A name outside the string table comes out empty. */
void cm_image_symbol(const struct cm_image *image, uint64_t index, struct cm_symbol *out);

/* oeinfo.c: the properties structure of .oeinfo. */
enum { CM_OEINFO_SIZE = 1960 };

/* image_info of .oeinfo: what the layout decides and the running enclave reads. */
struct cm_image_info {
    uint64_t oeinfo_rva;
    uint64_t oeinfo_size;
    uint64_t reloc_rva;
    uint64_t reloc_size;
    uint64_t heap_rva;
    uint64_t enclave_size;
};

CM_MUST_USE enum cm_status cm_oeinfo_read(struct cm_span oeinfo, struct cm_enclave_props *out,
                                          bool *is_signed, struct cm_why *why);
/* Overwrite the configuration, image_info and the SIGSTRUCT (NULL: zeros). */
void cm_oeinfo_write(uint8_t oeinfo[CM_OEINFO_SIZE], const struct cm_enclave_props *props,
                     const struct cm_image_info *info, const uint8_t *sigstruct);

/* plan.c: what cm_oeinfo_write needs of a layout. */
struct cm_image_info cm_plan_image_info(const struct cm_image *image, const struct cm_plan *plan);

#endif
