/*
 * From a freshly loaded image to a running enclave, and back down: relocation, heap, constructors,
 * the host's list of ecall names; then destructors. One thread, once; see ecall.c.
 */
#include <elf.h>
#include <string.h>

#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/module_link.h"
#include "enclave/runtime.h"
#include "libc/inside_heap.h"

#define HIDDEN __attribute__((visibility("hidden")))

#ifndef DT_RELR
#define DT_RELRSZ  35
#define DT_RELR    36
#define DT_RELRENT 37
#endif

enum { WORD = 8, BITS = 63, NAMES_SIZE_MAX = 1 << 20, NAMES_MAX = 1 << 16 };

extern const Elf64_Dyn _DYNAMIC[] HIDDEN;
typedef void (*init_func)(void);
extern const init_func __preinit_array_start[] HIDDEN;
extern const init_func __preinit_array_end[] HIDDEN;
extern const init_func __init_array_start[] HIDDEN;
extern const init_func __init_array_end[] HIDDEN;
extern const init_func __fini_array_start[] HIDDEN;
extern const init_func __fini_array_end[] HIDDEN;

static oe_enclave_t *host_enclave;

/* -------------------------------------------------------------------- relocation */

struct tables {
    uint64_t rela, rela_size;
    uint64_t relr, relr_size;
};

/*
 * Runs before any pointer in the image is right, so this code uses none. The signer has checked
 * every relocation; what is measured cannot have changed since. Still each target is held to the
 * image and its module: heap_rva is their end.
 */
static CM_NO_CANARY bool add_base(uint64_t offset, uint64_t limit)
{
    cm_any_word *target = cm_ptr(cm_image_base + offset);

    if (offset > limit - WORD) {
        return false;
    }
    *target += cm_image_base;
    return true;
}

static CM_NO_CANARY bool apply_relr(const struct tables *t, uint64_t limit)
{
    const uint64_t *entry = cm_ptr(cm_image_base + t->relr);
    uint64_t where = 0;

    for (uint64_t n = t->relr_size / WORD; n != 0; n--, entry++) {
        if ((*entry & 1) == 0) {
            if (!add_base(*entry, limit)) {
                return false;
            }
            where = *entry + WORD;
            continue;
        }
        for (uint64_t bit = 1; bit <= BITS; bit++) {
            if ((*entry >> bit & 1) != 0 && !add_base(where + (bit - 1) * WORD, limit)) {
                return false;
            }
        }
        where += (uint64_t)BITS * WORD;
    }
    return true;
}

static CM_NO_CANARY bool apply_rela(const struct tables *t, uint64_t limit)
{
    const Elf64_Rela *r = cm_ptr(cm_image_base + t->rela);

    for (uint64_t n = t->rela_size / sizeof(*r); n != 0; n--, r++) {
        if (r->r_info == R_X86_64_NONE) {
            continue;
        }
        if (r->r_info != R_X86_64_RELATIVE || r->r_offset > limit - WORD) {
            return false;
        }
        cm_any_word *target = cm_ptr(cm_image_base + r->r_offset);

        *target = cm_image_base + (uint64_t)r->r_addend;
    }
    return true;
}

CM_NO_CANARY bool cm_relocate(void)
{
    const uint64_t limit = cm_properties()->image_info.heap_rva;
    struct tables t = {0, 0, 0, 0};
    bool needs = false;

    for (const Elf64_Dyn *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_RELA) {
            t.rela = d->d_un.d_ptr;
        } else if (d->d_tag == DT_RELASZ) {
            t.rela_size = d->d_un.d_val;
        } else if (d->d_tag == DT_RELR) {
            t.relr = d->d_un.d_ptr;
        } else if (d->d_tag == DT_RELRSZ) {
            t.relr_size = d->d_un.d_val;
        } else if (d->d_tag == DT_NEEDED) {
            needs = true;
        }
    }
    if (limit < WORD || t.rela > limit || t.rela_size > limit - t.rela || t.relr > limit ||
        t.relr_size > limit - t.relr || !apply_relr(&t, limit)) {
        return false;
    }
    return needs ? cm_module_link(limit) : apply_rela(&t, limit);
}

/* -------------------------------------------------------------------------- start */

bool cm_allocator_up; /* changed while the enclave has one thread */

static void heap_init(void)
{
    const uint64_t start = cm_image_base + cm_properties()->image_info.heap_rva;
    const uint64_t size = cm_properties()->header.size_settings.num_heap_pages * CM_PAGE_SIZE;

    oe_allocator_init(cm_ptr(start), cm_ptr(start + size));
    oe_allocator_thread_init();
    cm_allocator_up = true;
}

static void call_all(const init_func *from, const init_func *to)
{
    while (from < to) {
        (*from++)();
    }
}

/* The enclave's own number for a name; UINT64_MAX when it has none. */
static uint64_t ecall_id(const char *name)
{
    for (size_t i = 0; i < oe_ecalls_table_size; i++) {
        if (oe_ecalls_names[i] != NULL && strcmp(oe_ecalls_names[i], name) == 0) {
            return i;
        }
    }
    return UINT64_MAX;
}

/* names: the enclave's copy of args->names, whose last byte is NUL. */
static oe_result_t answer_names(const struct cm_init_args *args, const char *names)
{
    uint64_t used = 0;

    for (uint64_t i = 0; i < args->name_count; i++) {
        uint64_t id;

        if (used >= args->names_size) {
            return OE_INVALID_PARAMETER; /* more names promised than there are */
        }
        id = ecall_id(names + used);
        used += strlen(names + used) + 1;
        cm_copy_out(cm_ptr(args->ids + i * sizeof(id)), &id, sizeof(id));
    }
    return OE_OK;
}

static oe_result_t resolve_names(const struct cm_init_args *args)
{
    oe_result_t result = OE_INVALID_PARAMETER;
    char *names;

    if (args->name_count == 0) {
        return OE_OK;
    }
    if (args->names_size == 0 || args->names_size > NAMES_SIZE_MAX ||
        args->name_count > NAMES_MAX || args->ids % WORD != 0 ||
        !cm_outside(args->names, args->names_size) ||
        !cm_outside(args->ids, args->name_count * WORD)) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    names = oe_allocator_malloc(args->names_size);
    if (names == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    cm_copy_in(names, cm_ptr(args->names), args->names_size);
    if (names[args->names_size - 1] == '\0') {
        result = answer_names(args, names);
    }
    oe_allocator_free(names);
    return result;
}

oe_result_t cm_start(uint64_t host_args)
{
    struct cm_td *td = cm_td();
    struct cm_init_args args;
    oe_result_t result;

    if (host_args % WORD != 0 || !cm_outside(host_args, sizeof(args))) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    cm_copy_in(&args, cm_ptr(host_args), sizeof(args));
    if (!cm_arena_ok(args.arena, args.arena_size)) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    host_enclave = cm_ptr(args.enclave);
    cm_processor_init();
    heap_init();
    result = cm_cpuid_init(args.cpuid_table, args.cpuid_count);
    if (result == OE_OK) {
        result = resolve_names(&args);
    }
    if (result == OE_OK) {
        cm_arena_begin(td, host_args, args.arena, args.arena_size);
        cm_module_begin(); /* the image's constructors may use it */
        call_all(__preinit_array_start, __preinit_array_end);
        call_all(__init_array_start, __init_array_end);
        cm_musl_td_exit();
        cm_arena_end(td);
    }
    return result;
}

/* Last first: atexit handlers, then destructors. Ocalls work as far as the host lets them. */
oe_result_t cm_end(void)
{
    oe_result_t result = OE_OK;

    cm_run_atexit();
    for (const init_func *f = __fini_array_end; f > __fini_array_start;) {
        (*--f)();
    }
    cm_module_end();
    cm_libc_fini();
    cm_musl_td_exit();
    if (cm_debugged()) {
        result = cm_debug_heap.end();
    }
    cm_allocator_up = false;
    oe_allocator_thread_cleanup();
    oe_allocator_cleanup();
    return result;
}

oe_enclave_t *oe_get_enclave(void)
{
    return host_enclave;
}
