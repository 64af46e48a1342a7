/*
 * The enclave's heap. Small blocks are objects of 32 size classes, cut from slabs (runs of pages);
 * each thread keeps some free objects of each class at hand, so most calls take no lock. Larger
 * blocks are runs of pages.
 *
 * Hardening: the links of free lists are encoded with a secret and checked when followed; a freed
 * object carries a mark, so that freeing it again is noticed; the table of pages stands apart from
 * the blocks; an address that was never handed out ends the enclave. Nothing is read from a page
 * that was not written first, since the host filled it (G1).
 */
#include "enclave/heap.h"
#include "enclave/address.h"

#include <errno.h>
#include <string.h>

#include <openenclave/advanced/allocator.h>
#include <openenclave/advanced/mallinfo.h>

#include "common/checked.h"
#include "common/wipe.h"
#include "enclave/heap_cache.h"
#include "enclave/heap_pages.h"

enum { MIN_ALIGN = 16, LINEAR_MAX = 128, LINEAR_CLASSES = LINEAR_MAX / MIN_ALIGN, STEPS = 4 };

/* One size class's slabs that have free objects, and their lock. */
struct class_state {
    struct cm_spin lock;
    uint32_t slabs; /* first page of the first one; 0 = none */
} __attribute__((aligned(64)));

static struct class_state classes[CM_HEAP_CLASSES];
static uint64_t secret;
static uint64_t heap_len;
static uint64_t in_use;
static uint64_t peak;

/* Of each size class; set up once, before there are threads. */
static struct {
    uint32_t size;
    uint32_t inverse; /* 2^32 / size, rounded up: divides offsets within a slab exactly */
    uint32_t limit;   /* objects that a thread keeps at hand; half of them move at a time */
} class_info[CM_HEAP_CLASSES];

/* 16, 32, ... 128, then four steps to each doubling, up to 8192 */
static uint32_t size_of_class(uint32_t c)
{
    if (c < LINEAR_CLASSES) {
        return (c + 1) * MIN_ALIGN;
    }
    c -= LINEAR_CLASSES;
    return (uint32_t)(STEPS + 1 + c % STEPS) * (uint32_t)((LINEAR_MAX / STEPS) << (c / STEPS));
}

static uint32_t class_of(size_t size)
{
    uint32_t shift;

    if (size <= LINEAR_MAX) {
        return size == 0 ? 0 : (uint32_t)((size - 1) / MIN_ALIGN);
    }
    shift = 63u - (uint32_t)__builtin_clzll(size - 1); /* 7 for 129..256 */
    return LINEAR_CLASSES + (shift - 7) * STEPS +
           (uint32_t)(((size - 1) >> (shift - 2)) & (STEPS - 1));
}

static uint32_t slab_pages(uint32_t size)
{
    if (size <= 512) {
        return size <= 128 ? 1 : 2;
    }
    return size <= 1024 ? 4 : size * 4 / CM_HEAP_PAGE;
}

static void set_info_up(void)
{
    for (uint32_t c = 0; c < CM_HEAP_CLASSES; c++) {
        class_info[c].size = size_of_class(c);
        class_info[c].inverse = (uint32_t)(((uint64_t)1 << 32) / class_info[c].size + 1);
        class_info[c].limit = c < 4 ? 64 : c < 12 ? 32 : c < 20 ? 16 : 4;
    }
}

static uint32_t class_size(uint32_t c)
{
    return class_info[c].size;
}

static uint32_t cache_limit(uint32_t c)
{
    return class_info[c].limit;
}

/* Whether an offset into a slab is where an object begins. */
static bool begins_object(uint32_t offset, uint32_t c)
{
    const uint32_t index = (uint32_t)(((uint64_t)offset * class_info[c].inverse) >> 32);

    return index * class_info[c].size == offset;
}

static void account(int64_t bytes)
{
    const uint64_t now = __atomic_add_fetch(&in_use, (uint64_t)bytes, __ATOMIC_RELAXED);
    uint64_t high = __atomic_load_n(&peak, __ATOMIC_RELAXED);

    while (
        now > high && bytes > 0 &&
        !__atomic_compare_exchange_n(&peak, &high, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

/* --------------------------------------------------- free objects and their links */

static uint64_t load(uint64_t addr)
{
    uint64_t v;

    memcpy(&v, cm_ptr(addr), sizeof(v));
    return v;
}

static void store(uint64_t addr, uint64_t v)
{
    memcpy(cm_ptr(addr), &v, sizeof(v));
}

static uint64_t mark_of(uint64_t object)
{
    return ~secret ^ (object << 7);
}

static void object_link(uint64_t object, uint64_t next)
{
    store(object, next ^ secret ^ (object >> 4));
    store(object + 8, mark_of(object));
}

/* The object behind this one. Both words of a free object must be what the heap wrote. */
static uint64_t object_next(uint64_t object)
{
    const uint64_t next = load(object) ^ secret ^ (object >> 4);

    if (load(object + 8) != mark_of(object) || next % MIN_ALIGN != 0 ||
        (next != 0 && next - cm_heap_start >= heap_len)) {
        cm_abort_because("heap: a free block was written to");
    }
    return next;
}

/* ------------------------------------------------------------------------ slabs */

static void slab_list(struct class_state *k, uint32_t page)
{
    struct cm_page *p = &cm_pages[page];

    p->listed = 1;
    p->prev = 0;
    p->next = k->slabs;
    if (p->next != 0) {
        cm_pages[p->next].prev = page;
    }
    k->slabs = page;
}

static void slab_unlist(struct class_state *k, uint32_t page)
{
    struct cm_page *p = &cm_pages[page];

    if (p->prev != 0) {
        cm_pages[p->prev].next = p->next;
    } else {
        k->slabs = p->next;
    }
    if (p->next != 0) {
        cm_pages[p->next].prev = p->prev;
    }
    p->listed = 0;
}

static uint32_t slab_capacity(const struct cm_page *p, uint32_t size)
{
    return p->run * CM_HEAP_PAGE / size;
}

static bool slab_new(struct class_state *k, uint32_t c)
{
    uint32_t page;

    cm_spin_lock(&cm_pages_lock);
    page = cm_pages_take(slab_pages(class_size(c)), 1, CM_PAGE_SLAB, (uint8_t)c);
    cm_spin_unlock(&cm_pages_lock);
    if (page != 0) {
        slab_list(k, page);
    }
    return page != 0;
}

/* One free object of a slab on the list; unlists the slab when that was its last. */
static uint64_t slab_pop(struct class_state *k, uint32_t page, uint32_t size)
{
    struct cm_page *p = &cm_pages[page];
    uint64_t object;

    if (p->objects != 0) {
        object = p->objects;
        p->objects = object_next(object);
        p->free_count--;
    } else {
        object = cm_page_address(page) + (uint64_t)p->carved * size;
        p->carved++;
    }
    if (p->free_count == 0 && p->carved == slab_capacity(p, size)) {
        slab_unlist(k, page);
    }
    return object;
}

static void slab_push(struct class_state *k, uint64_t object)
{
    const uint32_t page = cm_page_of(object);
    struct cm_page *p = &cm_pages[page];

    object_link(object, p->objects);
    p->objects = object;
    p->free_count++;
    if (p->listed == 0) {
        slab_list(k, page);
    }
    /* an empty slab goes back, unless it is the class's last one with room */
    if (p->free_count == p->carved && (p->next != 0 || p->prev != 0)) {
        slab_unlist(k, page);
        cm_spin_lock(&cm_pages_lock);
        cm_pages_give(page);
        cm_spin_unlock(&cm_pages_lock);
    }
}

/* ------------------------------------------------------------------ thread caches */

static void refill(struct cm_heap_cache *cache, uint32_t c)
{
    struct class_state *k = &classes[c];
    const uint32_t want = (cache_limit(c) + 1) / 2;
    const uint32_t size = class_size(c);
    uint32_t got = 0;

    cm_spin_lock(&k->lock);
    while (got < want && (k->slabs != 0 || (got == 0 && slab_new(k, c)))) {
        const uint64_t object = slab_pop(k, k->slabs, size);

        object_link(object, cache->head[c]);
        cache->head[c] = object;
        got++;
    }
    cm_spin_unlock(&k->lock);
    cache->count[c] = (uint16_t)(cache->count[c] + got);
    account((int64_t)got * size);
}

static void flush(struct cm_heap_cache *cache, uint32_t c, uint32_t count)
{
    struct class_state *k = &classes[c];

    cm_spin_lock(&k->lock);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t object = cache->head[c];

        cache->head[c] = object_next(object);
        slab_push(k, object);
    }
    cm_spin_unlock(&k->lock);
    cache->count[c] = (uint16_t)(cache->count[c] - count);
    account(-((int64_t)count * class_size(c)));
}

/* Everything that the calling thread holds back goes to where all can have it. */
static void flush_all(void)
{
    struct cm_heap_cache *cache = cm_heap_cache_self();

    for (uint32_t c = 0; c < CM_HEAP_CLASSES; c++) {
        if (cache->count[c] != 0) {
            flush(cache, c, cache->count[c]);
        }
    }
}

static void *small_alloc(uint32_t c)
{
    struct cm_heap_cache *cache = cm_heap_cache_self();
    uint64_t object = cache->head[c];

    if (object == 0) {
        refill(cache, c);
        if (cache->head[c] == 0) {
            flush_all(); /* empties slabs of other classes, whose pages can serve this one */
            refill(cache, c);
        }
        object = cache->head[c];
        if (object == 0) {
            return NULL;
        }
    }
    cache->head[c] = object_next(object);
    cache->count[c]--;
    store(object, 0);
    store(object + 8, 0);
    return cm_ptr(object);
}

static void small_free(uint64_t object, uint32_t page)
{
    const uint32_t c = cm_pages[page].class_index;
    struct cm_heap_cache *cache = cm_heap_cache_self();

    if (!begins_object((uint32_t)(object - cm_page_address(page)), c)) {
        cm_abort_because("heap: free() of an address inside a block");
    }
    if (load(object + 8) == mark_of(object)) {
        cm_abort_because("heap: block freed twice");
    }
    object_link(object, cache->head[c]);
    cache->head[c] = object;
    if (++cache->count[c] > cache_limit(c)) {
        flush(cache, c, cache_limit(c) / 2);
    }
}

/* ----------------------------------------------------------------- larger blocks */

static void *large_alloc(size_t size, size_t align)
{
    size_t bytes;
    uint32_t page;

    if (cm_add_ovf(size, CM_HEAP_PAGE - 1, &bytes)) {
        return NULL;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        cm_spin_lock(&cm_pages_lock);
        page = cm_pages_take(bytes / CM_HEAP_PAGE, align / CM_HEAP_PAGE, CM_PAGE_LARGE, 0);
        cm_spin_unlock(&cm_pages_lock);
        if (page != 0) {
            account((int64_t)(bytes / CM_HEAP_PAGE * CM_HEAP_PAGE));
            return cm_ptr(cm_page_address(page));
        }
        flush_all();
    }
    return NULL;
}

static void large_free(uint64_t block, uint32_t page)
{
    const int64_t bytes = (int64_t)cm_pages[page].run * CM_HEAP_PAGE;

    if (block != cm_page_address(page)) {
        cm_abort_because("heap: free() of an address inside a block");
    }
    cm_spin_lock(&cm_pages_lock);
    cm_pages_give(page);
    cm_spin_unlock(&cm_pages_lock);
    account(-bytes);
}

/* ------------------------------------------------------------- the public functions */

#define REPLACEABLE __attribute__((weak))

REPLACEABLE void oe_allocator_init(void *heap_start_address, void *heap_end_address)
{
    memset(classes, 0, sizeof(classes));
    set_info_up();
    in_use = 0;
    peak = 0;
    secret = cm_random_u64();
    if (!cm_pages_init((uint64_t)heap_start_address, (uint64_t)heap_end_address)) {
        cm_abort_because("heap: too small");
    }
    heap_len = cm_pages_total();
}

REPLACEABLE void oe_allocator_cleanup(void)
{
}

REPLACEABLE void oe_allocator_thread_init(void)
{
}

REPLACEABLE void oe_allocator_thread_cleanup(void)
{
}

REPLACEABLE void *oe_allocator_malloc(size_t size)
{
    return size <= CM_HEAP_SMALL_MAX ? small_alloc(class_of(size))
                                     : large_alloc(size, CM_HEAP_PAGE);
}

/* The run that a block belongs to; anything else than a block of ours ends the enclave. */
static uint32_t page_of_block(uint64_t block)
{
    const uint32_t page = block % MIN_ALIGN == 0 ? cm_page_of(block) : 0;

    if (page == 0 ||
        (cm_pages[page].kind != CM_PAGE_SLAB && cm_pages[page].kind != CM_PAGE_LARGE)) {
        cm_abort_because("heap: not an address of a block");
    }
    return page;
}

REPLACEABLE void oe_allocator_free(void *ptr)
{
    const uint64_t block = (uint64_t)ptr;
    uint32_t page;

    if (ptr == NULL) {
        return;
    }
    page = page_of_block(block);
    if (cm_pages[page].kind == CM_PAGE_SLAB) {
        small_free(block, page);
    } else {
        large_free(block, page);
    }
}

REPLACEABLE size_t oe_allocator_malloc_usable_size(void *ptr)
{
    const struct cm_page *p;

    if (ptr == NULL) {
        return 0;
    }
    p = &cm_pages[page_of_block((uint64_t)ptr)];
    return p->kind == CM_PAGE_SLAB ? class_size(p->class_index) : (size_t)p->run * CM_HEAP_PAGE;
}

REPLACEABLE void *oe_allocator_calloc(size_t nmemb, size_t size)
{
    size_t bytes;
    void *p;

    if (cm_mul_ovf(nmemb, size, &bytes)) {
        return NULL;
    }
    p = oe_allocator_malloc(bytes);
    if (p != NULL) {
        memset(p, 0, bytes);
    }
    return p;
}

REPLACEABLE void *oe_allocator_realloc(void *ptr, size_t size)
{
    size_t old;
    void *p;

    if (ptr == NULL) {
        return oe_allocator_malloc(size);
    }
    old = oe_allocator_malloc_usable_size(ptr);
    if (size <= old && old <= CM_HEAP_SMALL_MAX && class_of(size) == class_of(old)) {
        return ptr;
    }
    if (size <= old && size > CM_HEAP_SMALL_MAX) {
        const size_t pages = (size + CM_HEAP_PAGE - 1) / CM_HEAP_PAGE;

        cm_spin_lock(&cm_pages_lock);
        cm_pages_trim(cm_page_of((uint64_t)ptr), (uint32_t)pages);
        cm_spin_unlock(&cm_pages_lock);
        account((int64_t)(pages * CM_HEAP_PAGE) - (int64_t)old);
        return ptr;
    }
    p = oe_allocator_malloc(size);
    if (p != NULL) {
        memcpy(p, ptr, size < old ? size : old);
        oe_allocator_free(ptr);
    }
    return p;
}

/* Slabs begin on a page, so objects of a power-of-two class are aligned to their size. */
REPLACEABLE void *oe_allocator_aligned_alloc(size_t alignment, size_t size)
{
    const size_t least = size < alignment ? alignment : size;

    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        return NULL;
    }
    if (alignment <= MIN_ALIGN) {
        return oe_allocator_malloc(size);
    }
    if (least <= CM_HEAP_PAGE) {
        return small_alloc(class_of((size_t)1 << (64 - __builtin_clzll(least - 1))));
    }
    return large_alloc(size == 0 ? 1 : size, alignment < CM_HEAP_PAGE ? CM_HEAP_PAGE : alignment);
}

REPLACEABLE int oe_allocator_posix_memalign(void **memptr, size_t alignment, size_t size)
{
    void *p;

    if (memptr == NULL || alignment % sizeof(void *) != 0 || alignment == 0 ||
        (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    p = oe_allocator_aligned_alloc(alignment, size);
    if (p == NULL) {
        return ENOMEM;
    }
    *memptr = p;
    return 0;
}

REPLACEABLE oe_result_t oe_allocator_mallinfo(oe_mallinfo_t *info)
{
    if (info == NULL) {
        return OE_INVALID_PARAMETER;
    }
    info->max_total_heap_size = cm_pages_total();
    info->current_allocated_heap_size = __atomic_load_n(&in_use, __ATOMIC_RELAXED);
    info->peak_allocated_heap_size = __atomic_load_n(&peak, __ATOMIC_RELAXED);
    return OE_OK;
}
