/*
 * Host memory for the enclave's own use: a piece that the host offers with each ecall (the arena),
 * and blocks from the host's malloc. No table about either stands in host memory (C3).
 */
#include "common/checked.h"
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/hostblocks.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

#include <string.h>

enum { STEP = 16, OWN_ARENA = 4096 };

/* Checked in ecall.c: aligned, outside. host_args is used to ask for an arena when there is none. */
void cm_arena_begin(struct cm_td *td, uint64_t host_args, uint64_t arena, uint64_t size)
{
    td->host_args = host_args;
    td->arena = arena;
    td->arena_size = size / STEP * STEP;
    td->arena_used = 0;
    td->arena_owned = 0;
}

void cm_arena_end(struct cm_td *td)
{
    if (td->arena_owned != 0) {
        (void)oe_ocall(CM_OCALL_FREE, td->arena, NULL);
    }
    cm_arena_begin(td, 0, 0, 0);
}

/* size is a multiple of STEP; 0 when the arena is full or there is none */
static uint64_t arena_take(struct cm_td *td, uint64_t size)
{
    uint64_t p;

    if (size > td->arena_size - td->arena_used) {
        return 0;
    }
    p = td->arena + td->arena_used;
    td->arena_used += size;
    return p;
}

static bool in_arena(const struct cm_td *td, uint64_t p)
{
    return p >= td->arena && p - td->arena < td->arena_size;
}

static bool overlaps_arena(const struct cm_td *td, uint64_t p, uint64_t size)
{
    return td->arena_size != 0 && p < td->arena + td->arena_size && td->arena < p + size;
}

/* What the host calls a fresh block: aligned, outside, and nothing that is in use already. */
static uint64_t ask_host(struct cm_td *td, uint64_t slot, uint64_t size)
{
    struct cm_host_alloc_args args = {size, 0};

    cm_copy_out(cm_ptr(slot), &args, sizeof(args));
    if (oe_ocall(CM_OCALL_MALLOC, slot, NULL) != OE_OK) {
        return 0;
    }
    cm_copy_in(&args.address, cm_ptr(slot + offsetof(struct cm_host_alloc_args, address)),
               sizeof(args.address));
    if (args.address == 0 || args.address % STEP != 0 || !cm_outside(args.address, size) ||
        overlaps_arena(td, args.address, size)) {
        return 0;
    }
    cm_lfence();
    return args.address;
}

/* Without an arena from the host: one block, asked for through the ecall's own arguments, which
 * were copied long ago. Given back when the ecall ends. */
static bool arena_ensure(struct cm_td *td)
{
    uint64_t block;

    if (td->arena_size >= sizeof(struct cm_host_alloc_args)) {
        return true;
    }
    if (td->host_args == 0) {
        return false;
    }
    td->arena_size = 0;
    block = ask_host(td, td->host_args, OWN_ARENA);
    if (block == 0) {
        return false;
    }
    td->arena = block;
    td->arena_size = OWN_ARENA;
    td->arena_used = 0;
    td->arena_owned = 1;
    return true;
}

static bool round_up(size_t size, size_t *out)
{
    if (cm_add_ovf(size == 0 ? 1 : size, (size_t)(STEP - 1), out)) {
        return false;
    }
    *out &= ~(size_t)(STEP - 1);
    return true;
}

static void *host_block(size_t size, bool own)
{
    struct cm_td *td = cm_td();
    size_t bytes;
    uint64_t slot;
    uint64_t used;
    uint64_t block;

    if (!round_up(size, &bytes) || !arena_ensure(td)) {
        return NULL;
    }
    used = td->arena_used;
    slot = arena_take(td, sizeof(struct cm_host_alloc_args));
    if (slot == 0) {
        /* full: the ecall's own arguments serve */
        slot = td->host_args;
    }
    block = ask_host(td, slot, bytes);
    td->arena_used = used;
    if (block != 0 && !cm_host_block_add(block, bytes, own)) {
        return NULL; /* in use already: the host is lying, so it keeps both */
    }
    return cm_ptr(block);
}

void *oe_host_malloc(size_t size)
{
    return host_block(size, false);
}

void oe_host_free(void *ptr)
{
    if (ptr == NULL || !cm_outside((uint64_t)ptr, 1)) {
        return;
    }
    (void)cm_host_block_remove((uint64_t)ptr);
    (void)oe_ocall(CM_OCALL_FREE, (uint64_t)ptr, NULL);
}

void *oe_host_calloc(size_t nmemb, size_t size)
{
    size_t bytes;
    void *p;

    if (cm_mul_ovf(nmemb, size, &bytes)) {
        return NULL;
    }
    p = oe_host_malloc(bytes);
    if (p != NULL) {
        cm_zero_out(p, bytes);
    }
    return p;
}

/* Moves bytes between two host blocks; nothing of the enclave is involved. */
static void host_copy(uint64_t to, uint64_t from, uint64_t size)
{
    uint8_t piece[256];

    while (size != 0) {
        const size_t n = size < sizeof(piece) ? (size_t)size : sizeof(piece);

        cm_copy_in(piece, cm_ptr(from), n);
        cm_copy_out(cm_ptr(to), piece, n);
        to += n;
        from += n;
        size -= n;
    }
}

void *oe_host_realloc(void *ptr, size_t size)
{
    uint64_t old;
    void *p;

    if (ptr == NULL) {
        return oe_host_malloc(size);
    }
    old = cm_host_block_size((uint64_t)ptr);
    if (old == 0) {
        return NULL; /* not a block that this enclave asked for */
    }
    p = oe_host_malloc(size);
    if (p != NULL) {
        host_copy((uint64_t)p, (uint64_t)ptr, size < old ? size : old);
        oe_host_free(ptr);
    }
    return p;
}

char *oe_host_strndup(const char *str, size_t n)
{
    size_t len = 0;
    size_t bytes;
    char *p;

    if (str == NULL) {
        return NULL;
    }
    while (len < n && str[len] != '\0') {
        len++;
    }
    if (cm_add_ovf(len, (size_t)1, &bytes)) {
        return NULL;
    }
    p = oe_host_malloc(bytes);
    if (p != NULL) {
        cm_copy_out(p, str, len);
        cm_zero_out(p + len, 1);
    }
    return p;
}

void *oe_allocate_ocall_buffer(size_t size)
{
    struct cm_td *td = cm_td();
    size_t bytes;
    uint64_t p;

    if (!round_up(size, &bytes) || !arena_ensure(td)) {
        return NULL;
    }
    p = arena_take(td, bytes);
    return p != 0 ? cm_ptr(p) : host_block(bytes, true);
}

/* Arena buffers are given back in reverse order; what was taken after this one goes with it. */
void oe_free_ocall_buffer(void *buffer)
{
    struct cm_td *td = cm_td();
    const uint64_t p = (uint64_t)buffer;

    if (buffer == NULL) {
        return;
    }
    if (!in_arena(td, p)) {
        oe_host_free(buffer);
    } else if (p - td->arena < td->arena_used) {
        td->arena_used = p - td->arena;
    }
}
