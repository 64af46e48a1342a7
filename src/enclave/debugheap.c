/*
 * openenclave::oedebugmalloc: a heap around the enclave's that looks for mistakes of the application.
 *
 * Found when it happens: a block that is freed twice, and an address that is no block's. Found when the
 * block is freed, or at the end: writes in front of it and behind it. Found when the block leaves the
 * quarantine, or at the end: writes after it was freed. New bytes are 0xAA and freed ones 0xDD, so
 * that reading either is noticed by what comes of it. What is left at the end is listed.
 *
 * The lock is never held during an ocall: reports work on copies.
 */
#include "libc/inside_heap.h"

#include <string.h>

#include <openenclave/debugmalloc.h>

#include "common/checked.h"
#include "enclave/address.h"
#include "enclave/debugheap_block.h"
#include "enclave/edge.h"
#include "enclave/frames.h"
#include "enclave/internal.h"
#include "enclave/spin.h"

enum {
    TAIL = 16, /* bytes at least; up to 15 more fill the last piece of 16 */
    FILL_NEW = 0xaa,
    FILL_FREED = 0xdd,
    FILL_TAIL = 0xfb,
    QUARANTINE_SHARE = 8, /* of the heap: so much of it is kept from being used again */
};

static struct cm_spin lock; /* over all that follows */
static struct cm_dblock *live;
static struct cm_dblock *oldest; /* of the quarantine, by next */
static struct cm_dblock *newest;
static size_t quarantined; /* bytes of raw blocks */
static bool tracking;
static uint64_t secret;

/* the two marks of a block, and how often it was in use: both change when it is freed */
enum { LIVE = 0x5a, FREED = 0xc3 };

static void set_mark(struct cm_dblock *b, uint64_t kind)
{
    if (secret == 0) {
        secret = cm_random_u64() | 1;
    }
    b->mark[0] = secret ^ (uint64_t)b ^ kind;
    b->mark[1] = ~b->mark[0];
}

static bool has_mark(const struct cm_dblock *b, uint64_t kind)
{
    return b->mark[0] == (secret ^ (uint64_t)b ^ kind) && b->mark[1] == ~b->mark[0];
}

static uint8_t *bytes_of(struct cm_dblock *b)
{
    return (uint8_t *)(b + 1);
}

/* from the application's last byte to the end of the raw block */
static size_t tail_of(size_t size)
{
    return TAIL + (16 - size % 16) % 16;
}

static size_t raw_size(const struct cm_dblock *b)
{
    return b->offset + b->size + tail_of(b->size);
}

static bool all_are(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != value) {
            return false;
        }
    }
    return true;
}

static struct cm_dreport report_of(const struct cm_dblock *b)
{
    struct cm_dreport r = {b->size, b->frame_count, b->freed_count, {0}, {0}};

    memcpy(r.frames, b->frames, sizeof(r.frames));
    memcpy(r.freed_frames, b->freed_frames, sizeof(r.freed_frames));
    return r;
}

/* Called with the lock held; it is free again when the message goes out. */
static _Noreturn void die(const char *what, const struct cm_dblock *b)
{
    const struct cm_dreport r = report_of(b);

    cm_spin_unlock(&lock);
    cm_dheap_die(what, &r);
}

static void check_live(struct cm_dblock *b)
{
    if (!has_mark(b, LIVE)) {
        die("bytes in front of the block were written to", b);
    }
    if (!all_are(bytes_of(b) + b->size, tail_of(b->size), FILL_TAIL)) {
        die("bytes behind the block were written to", b);
    }
}

static void check_freed(struct cm_dblock *b)
{
    if (!has_mark(b, FREED) || !all_are(bytes_of(b), b->size + tail_of(b->size), FILL_FREED)) {
        die("the block was written to after it was freed", b);
    }
}

/* ------------------------------------------------------------------ the quarantine */

/* Gives the oldest blocks back to the heap until at most `keep` bytes are left. */
static void drain(size_t keep)
{
    while (quarantined > keep) {
        struct cm_dblock *b = oldest;

        check_freed(b);
        oldest = b->next;
        quarantined -= raw_size(b);
        oe_allocator_free(bytes_of(b) - b->offset);
    }
    if (oldest == NULL) {
        newest = NULL;
    }
}

static void quarantine(struct cm_dblock *b)
{
    b->next = NULL;
    if (newest != NULL) {
        newest->next = b;
    } else {
        oldest = b;
    }
    newest = b;
    quarantined += raw_size(b);
    drain(cm_properties()->header.size_settings.num_heap_pages * CM_PAGE_SIZE / QUARANTINE_SHARE);
}

/* ----------------------------------------------------------------------- blocks */

static void link_live(struct cm_dblock *b)
{
    b->previous = NULL;
    b->next = live;
    if (live != NULL) {
        live->previous = b;
    }
    live = b;
}

static void unlink_live(struct cm_dblock *b)
{
    if (b->previous != NULL) {
        b->previous->next = b->next;
    } else {
        live = b->next;
    }
    if (b->next != NULL) {
        b->next->previous = b->previous;
    }
}

/* total bytes of a raw block; memory in the quarantine serves when there is no other */
static uint8_t *raw_alloc(size_t alignment, size_t total)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t *raw = alignment <= CM_HEAP_ALIGN ? oe_allocator_malloc(total)
                                                  : oe_allocator_aligned_alloc(alignment, total);

        if (raw != NULL) {
            return raw;
        }
        cm_spin_lock(&lock);
        drain(0);
        cm_spin_unlock(&lock);
    }
    return NULL;
}

static void *make(size_t size, size_t alignment, int fill, bool may_track, uint64_t frame)
{
    size_t offset;
    size_t total;
    uint8_t *raw;
    struct cm_dblock *b;

    if (cm_add_ovf(sizeof(*b), alignment - 1, &offset)) {
        return NULL;
    }
    offset &= ~(alignment - 1);
    if (cm_add_ovf(offset, tail_of(size), &total) || cm_add_ovf(total, size, &total)) {
        return NULL;
    }
    raw = raw_alloc(alignment, total);
    if (raw == NULL) {
        return NULL;
    }
    b = (struct cm_dblock *)(void *)(raw + offset) - 1;
    memset(b, 0, sizeof(*b));
    b->size = size;
    b->offset = offset;
    b->frame_count = (uint8_t)cm_frames(0, frame, b->frames, CM_DBLOCK_FRAMES);
    memset(raw + offset, fill, size);
    memset(raw + offset + size, FILL_TAIL, tail_of(size));
    cm_spin_lock(&lock);
    set_mark(b, LIVE);
    b->tracked = may_track && tracking;
    link_live(b);
    cm_spin_unlock(&lock);
    return raw + offset;
}

/* The frame of our caller's: what called malloc() or its like comes first in reports. */
#define FRAME ((uint64_t)__builtin_frame_address(0))

static void *dheap_alloc(size_t size, size_t alignment, bool zero)
{
    return make(size, alignment < CM_HEAP_ALIGN ? CM_HEAP_ALIGN : alignment, zero ? 0 : FILL_NEW,
                true, FRAME);
}

char *cm_dheap_text(size_t size)
{
    return make(size, CM_HEAP_ALIGN, 0, false, FRAME);
}

/* The block of an address that the application gives. Takes the lock, and ends the enclave rather than
 * leave it with an address that is none of ours. */
static struct cm_dblock *block_locked(void *ptr)
{
    static const struct cm_dblock nothing;
    struct cm_dblock *b = (struct cm_dblock *)ptr - 1;

    cm_spin_lock(&lock);
    if ((uint64_t)ptr % CM_HEAP_ALIGN != 0 || !oe_is_within_enclave(b, sizeof(*b))) {
        die("an address that is no block's was freed or resized", &nothing);
    }
    if (has_mark(b, FREED)) {
        die("the block was freed before", b);
    }
    if (!has_mark(b, LIVE)) {
        /* nothing in front of the address can be believed */
        die("no block begins there, or bytes in front of it were written to", &nothing);
    }
    check_live(b);
    return b;
}

static void release_locked(struct cm_dblock *b, uint64_t frame)
{
    unlink_live(b);
    b->freed_count = (uint8_t)cm_frames(0, frame, b->freed_frames, CM_DBLOCK_FREED_FRAMES);
    memset(bytes_of(b), FILL_FREED, b->size + tail_of(b->size));
    set_mark(b, FREED);
    quarantine(b);
}

static void dheap_release(void *ptr)
{
    if (ptr != NULL) {
        release_locked(block_locked(ptr), FRAME);
        cm_spin_unlock(&lock);
    }
}

static size_t dheap_usable_size(void *ptr)
{
    size_t size = 0;

    if (ptr != NULL) {
        size = block_locked(ptr)->size;
        cm_spin_unlock(&lock);
    }
    return size;
}

/* Always elsewhere, so that a use of the old address is noticed. */
static void *dheap_resize(void *ptr, size_t size)
{
    const size_t old = dheap_usable_size(ptr);
    void *made = make(size, CM_HEAP_ALIGN, FILL_NEW, true, FRAME);

    if (made != NULL && ptr != NULL) {
        memcpy(made, ptr, old < size ? old : size);
        release_locked(block_locked(ptr), FRAME);
        cm_spin_unlock(&lock);
    }
    return made;
}

static oe_result_t dheap_end(void)
{
    bool left;

    cm_spin_lock(&lock);
    for (struct cm_dblock *b = live; b != NULL; b = b->next) {
        check_live(b);
    }
    drain(0);
    left = live != NULL;
    cm_spin_unlock(&lock);
    if (left) {
        cm_dheap_leaks();
    }
    return left ? OE_MEMORY_LEAK : OE_OK;
}

const struct cm_debug_heap cm_debug_heap = {dheap_alloc, dheap_release, dheap_resize,
                                            dheap_usable_size, dheap_end};

/* --------------------------------------------------------------------- tracking */

size_t cm_dheap_list(bool tracked, struct cm_dreport *out, size_t max, size_t *bytes)
{
    size_t count = 0;
    size_t held = 0;

    cm_spin_lock(&lock);
    for (const struct cm_dblock *b = live; b != NULL; b = b->next) {
        if (tracked && b->tracked == 0) {
            continue;
        }
        if (count < max) {
            out[count] = report_of(b);
        }
        count++;
        held += b->size;
    }
    cm_spin_unlock(&lock);
    if (bytes != NULL) {
        *bytes = held;
    }
    return count;
}

static oe_result_t switch_tracking(bool on)
{
    oe_result_t result = OE_UNEXPECTED;

    cm_spin_lock(&lock);
    if (tracking != on) {
        tracking = on;
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

oe_result_t oe_debug_malloc_tracking_start(void)
{
    return switch_tracking(true);
}

oe_result_t oe_debug_malloc_tracking_stop(void)
{
    return switch_tracking(false);
}
