/*
 * The shared library beside the image. Who it is and where its words point was decided, and measured,
 * when the enclave was signed; nothing is looked up here. cm_module_link runs before any pointer in the
 * image is right and before there is a stack protector, so it uses neither.
 */
#include "enclave/module_link.h"

#include <elf.h>

#include "enclave/address.h"
#include "enclave/internal.h"
#include "libc/inside_runtime.h"

#define HIDDEN __attribute__((visibility("hidden")))

enum { WORD = 8 };

extern const Elf64_Dyn _DYNAMIC[] HIDDEN;
typedef void (*init_func)(void);

CM_NO_CANARY const struct cm_module_block *cm_module(void)
{
    for (const Elf64_Dyn *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_NEEDED) {
            return cm_ptr(cm_image_base + cm_properties()->image_info.reloc_rva);
        }
    }
    return NULL;
}

static CM_NO_CANARY bool in(uint64_t at, uint64_t size, uint64_t limit)
{
    return at <= limit && size <= limit - at;
}

static CM_NO_CANARY bool apply(const struct cm_module_link *link, uint64_t limit)
{
    cm_any_word *where = cm_ptr(cm_image_base + link->where);

    if (!in(link->where, link->kind == CM_LINK_COPY ? link->size : WORD, limit)) {
        return false;
    }
    switch (link->kind) {
    case CM_LINK_ADDRESS:
        *where = cm_image_base + link->value;
        return true;
    case CM_LINK_CONSTANT:
        *where = link->value;
        return true;
    case CM_LINK_COPY: {
        volatile uint8_t *to =
            (volatile uint8_t *)where; /* no call of memcpy: the C library is not up */
        const uint8_t *from = cm_ptr(cm_image_base + link->value);

        if (!in(link->value, link->size, limit)) {
            return false;
        }
        for (uint32_t i = 0; i < link->size; i++) {
            to[i] = from[i];
        }
        return true;
    }
    default:
        return false;
    }
}

CM_NO_CANARY bool cm_module_link(uint64_t limit)
{
    const uint64_t at = cm_properties()->image_info.reloc_rva;
    const uint64_t size = cm_properties()->image_info.reloc_size;
    const struct cm_module_block *block = cm_module();
    const struct cm_module_link *links = (const struct cm_module_link *)(block + 1);

    if (size < sizeof(*block) || !in(at, size, limit) || block->magic != CM_MODULE_MAGIC ||
        !in(block->base, block->size, at) ||
        block->link_count != (size - sizeof(*block)) / sizeof(*links)) {
        return false;
    }
    for (uint64_t i = 0; i < block->link_count; i++) {
        if (!apply(&links[i], limit)) {
            return false;
        }
    }
    return true;
}

void cm_module_begin(void)
{
    const struct cm_module_block *block = cm_module();

    if (block != NULL) {
        const init_func *f = cm_ptr(cm_image_base + block->init_array);

        for (uint64_t i = 0; i < block->init_count; i++) {
            f[i]();
        }
    }
}

void cm_module_end(void)
{
    const struct cm_module_block *block = cm_module();

    if (block != NULL) {
        const init_func *f = cm_ptr(cm_image_base + block->fini_array);

        for (uint64_t i = block->fini_count; i != 0; i--) {
            f[i - 1]();
        }
    }
}

const void *cm_module_header(void)
{
    const struct cm_module_block *block = cm_module();

    return block == NULL ? NULL : cm_ptr(cm_image_base + block->base);
}
