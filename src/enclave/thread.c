/*
 * Thread data: found and set up when a TCS is first used, given a fresh TLS block for each outermost
 * ecall, and cleared after it, so that the next tenant finds nothing of the last (D4). The host
 * decides which of its threads uses which TCS, so every outermost ecall counts as a new tenant.
 */
#include <elf.h>
#include <string.h>

#include "common/wipe.h"
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/module_link.h"
#include "enclave/runtime.h"
#include "libc/inside_td.h"

static struct cm_td *threads[CM_MAX_TCS]; /* those that were ever used */
static uint32_t thread_count;

typedef uint64_t pair __attribute__((vector_size(16), may_alias));

/* the image's static TLS: the same for all threads */
struct tls {
    uint64_t template_addr;
    uint64_t template_len;
    uint64_t offset; /* of the image's variables, down from the thread data */
    uint64_t module_template;
    uint64_t module_len;
    uint64_t block_len; /* of both; ends where the thread data begin */
};

/* The module's variables lie below the image's. */
static CM_NO_CANARY void add_module_tls(struct tls *found)
{
    const struct cm_module_block *module = cm_module();

    if (module != NULL && module->tls_offset != 0) {
        found->module_template = cm_image_base + module->tls_template;
        found->module_len = module->tls_size;
        found->block_len = module->tls_offset;
    }
}

static CM_NO_CANARY struct tls find_tls(void)
{
    const Elf64_Ehdr *eh = cm_ptr(cm_image_base);
    const Elf64_Phdr *ph = cm_ptr(cm_image_base + eh->e_phoff);
    struct tls found = {0, 0, 0, 0, 0, 0};

    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_TLS) {
            const uint64_t align = ph[i].p_align > 1 ? ph[i].p_align : 1;

            found.template_addr = cm_image_base + ph[i].p_vaddr;
            found.template_len = ph[i].p_filesz;
            found.offset = (ph[i].p_memsz + align - 1) / align * align;
        }
    }
    found.block_len = found.offset;
    add_module_tls(&found);
    return found;
}

static struct tls tls; /* set by the first thread, before any other gets past cm_life */

/* The layout of abi/layout.h: TCS, SSA frames, guard, TLS in whole pages, thread data. */
static struct cm_td *td_of_tcs(uint64_t tcs, uint64_t tls_len)
{
    const uint64_t tls_pages = (tls_len + CM_PAGE_SIZE - 1) / CM_PAGE_SIZE * CM_PAGE_SIZE;

    return cm_ptr(tcs + CM_TCS_TO_SSA + (uint64_t)CM_NSSA * CM_SSA_FRAME_PAGES * CM_PAGE_SIZE +
                  CM_GUARD_SIZE + tls_pages);
}

CM_NO_CANARY void cm_thread_bind(uint64_t tcs)
{
    const uint64_t stack_pages = cm_properties()->header.size_settings.num_stack_pages;
    struct cm_td *td;
    uint32_t index;

    cm_enclave_range_init();
    td = td_of_tcs(tcs, find_tls().block_len);
    td->tcs = tcs;
    td->stack_base = tcs - CM_GUARD_SIZE - stack_pages * CM_PAGE_SIZE;
    td->stack_look = td->stack_base;
    td->stack_low = tcs - CM_GUARD_SIZE;
    td->canary = cm_random_u64();
    index = __atomic_fetch_add(&thread_count, 1, __ATOMIC_SEQ_CST);
    td->tid = index + 1u;
    td->self = (uint64_t)td;
    if (cm_td() != td || index >= CM_MAX_TCS) {
        oe_abort(); /* the image was laid out by something else than our plan */
    }
    __atomic_store_n(&threads[index], td, __ATOMIC_SEQ_CST);
}

CM_NO_CANARY void cm_thread_begin(struct cm_td *td)
{
    const struct cm_musl_thread musl = {td->canary, (int32_t)td->tid};

    pair *words = (void *)td->musl;

    for (size_t i = 0; i < sizeof(td->musl) / sizeof(*words); i++) {
        words[i] = (pair){0, 0}; /* in line: a call of memset takes twice as long */
    }
    cm_musl_td_init(td, &musl);
    if (tls.block_len != 0) {
        memcpy(cm_ptr(td->self - tls.offset), cm_ptr(tls.template_addr), tls.template_len);
        memcpy(cm_ptr(td->self - tls.block_len), cm_ptr(tls.module_template), tls.module_len);
    }
    if (cm_allocator_up) {
        oe_allocator_thread_init();
    }
}

CM_NO_CANARY void cm_thread_end(struct cm_td *td)
{
    if (cm_allocator_up) {
        oe_allocator_thread_cleanup();
    }
    if (tls.block_len != 0) {
        cm_wipe(cm_ptr(td->self - tls.block_len), tls.block_len);
    }
}

/* By the initialising thread alone. */
CM_NO_CANARY void cm_thread_init_tls(void)
{
    tls = find_tls();
}

bool cm_others_idle(const struct cm_td *self)
{
    for (uint32_t i = 0; i < CM_MAX_TCS; i++) {
        const struct cm_td *td = __atomic_load_n(&threads[i], __ATOMIC_SEQ_CST);

        if (td != NULL && td != self &&
            __atomic_load_n(&td->state, __ATOMIC_SEQ_CST) != CM_TD_IDLE) {
            return false;
        }
    }
    return true;
}

void *cm_td_self(void)
{
    return cm_td();
}

struct cm_heap_cache *cm_heap_cache_self(void)
{
    struct cm_td *td = cm_td();
    const uint64_t depth = (uint64_t)__builtin_frame_address(0);

    if (depth < td->stack_low && depth >= td->stack_base) {
        td->stack_low = depth;
    }
    return &td->heap;
}
