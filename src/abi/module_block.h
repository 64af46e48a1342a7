/*
 * What the signer and the loader leave behind an image that needs a shared library (its module): where
 * the module is, and every relocation of both that the image's own RELR table does not say, resolved.
 * The block is measured and mapped read-only; image_info.reloc_rva of .oeinfo says where. All addresses
 * count from the image's address 0.
 *
 *   | image segments | module segments | block | heap | ...
 */
#ifndef CM_ABI_MODULE_BLOCK_H
#define CM_ABI_MODULE_BLOCK_H

#include <stdint.h>

#define CM_MODULE_MAGIC UINT64_C(0x4b4e494c444f4d43) /* "CMODLINK" */

/* more links than this are no library */
#define CM_MODULE_MAX_LINKS (UINT64_C(1) << 21)

struct cm_module_block {
    uint64_t magic;
    uint64_t base; /* the module's address 0 */
    uint64_t size; /* of its segments, whole pages */
    uint64_t init_array;
    uint64_t init_count;
    uint64_t fini_array;
    uint64_t fini_count;
    uint64_t tls_template; /* initial values of its thread-local variables */
    uint64_t tls_size;     /* bytes of these */
    uint64_t
        tls_offset; /* its thread-local variables begin so far below the thread data; 0: none */
    uint64_t link_count; /* struct cm_module_link follow */
};

enum cm_module_link_kind {
    CM_LINK_ADDRESS = 1,  /* *where = the image's address 0 + value */
    CM_LINK_CONSTANT = 2, /* *where = value */
    CM_LINK_COPY = 3,     /* size bytes from value to where; after all others */
};

struct cm_module_link {
    uint64_t where;
    uint32_t kind;
    uint32_t size; /* of CM_LINK_COPY, otherwise 0 */
    uint64_t value;
};

#endif
