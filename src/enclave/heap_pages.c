/* See heap_pages.h. Free runs stand in lists by the binary logarithm of their length. */
#include "enclave/heap_pages.h"
#include "enclave/address.h"

#include <string.h>

enum { BINS = 32, TRIES = 32 };

struct cm_spin cm_pages_lock;
struct cm_page *cm_pages;

uint64_t cm_heap_start;
static uint32_t page_count;
uint32_t cm_heap_first;
uint32_t cm_heap_top; /* the table's entries from here on are unwritten */
static uint32_t bins[BINS];

bool cm_pages_init(uint64_t start, uint64_t end)
{
    uint64_t pages;
    uint64_t table;

    if (start == 0 || start % CM_HEAP_PAGE != 0 || end <= start) {
        return false;
    }
    pages = (end - start) / CM_HEAP_PAGE;
    if (pages > UINT32_MAX - 1) {
        pages = UINT32_MAX - 1;
    }
    table = (pages * sizeof(struct cm_page) + CM_HEAP_PAGE - 1) / CM_HEAP_PAGE;
    if (table >= pages) {
        return false;
    }
    cm_heap_start = start;
    cm_pages = cm_ptr(start);
    page_count = (uint32_t)pages;
    cm_heap_first = (uint32_t)table;
    cm_heap_top = cm_heap_first;
    memset(bins, 0, sizeof(bins));
    return true;
}

uint64_t cm_pages_total(void)
{
    return (uint64_t)page_count * CM_HEAP_PAGE;
}

/* Pages to leave out so that the address of the next one is a multiple of align pages. */
static uint64_t pages_to_skip(uint32_t page, uint64_t align)
{
    return (0 - (cm_heap_start / CM_HEAP_PAGE + page)) & (align - 1);
}

static uint32_t bin_of(uint64_t count)
{
    return 63u - (uint32_t)__builtin_clzll(count);
}

static void bin_insert(uint32_t page, uint32_t count)
{
    const uint32_t bin = bin_of(count);
    struct cm_page *p = &cm_pages[page];

    memset(p, 0, sizeof(*p));
    p->kind = CM_PAGE_FREE;
    p->run = count;
    p->next = bins[bin];
    if (p->next != 0) {
        cm_pages[p->next].prev = page;
    }
    bins[bin] = page;
    if (count > 1) {
        cm_pages[page + count - 1].kind = CM_PAGE_FREE;
        cm_pages[page + count - 1].run = count;
    }
}

static void bin_remove(uint32_t page)
{
    struct cm_page *p = &cm_pages[page];

    if (p->prev != 0) {
        cm_pages[p->prev].next = p->next;
    } else {
        bins[bin_of(p->run)] = p->next;
    }
    if (p->next != 0) {
        cm_pages[p->next].prev = p->prev;
    }
}

/* A free run that holds count pages at an aligned place, taken off its list; 0 when none. */
static uint32_t bin_find(uint64_t count, uint64_t align)
{
    for (uint32_t bin = bin_of(count); bin < BINS; bin++) {
        int tries = 0;

        for (uint32_t page = bins[bin]; page != 0 && tries < TRIES; page = cm_pages[page].next) {
            const uint64_t skip = pages_to_skip(page, align);

            if (skip + count <= cm_pages[page].run) {
                bin_remove(page);
                return page;
            }
            tries++;
        }
    }
    return 0;
}

static void mark_run(uint32_t page, uint32_t count, enum cm_page_kind kind, uint8_t class_index)
{
    struct cm_page *p = &cm_pages[page];

    for (uint32_t i = 1; i < count; i++) {
        cm_pages[page + i].kind = CM_PAGE_INNER;
        cm_pages[page + i].first = page;
    }
    memset(p, 0, sizeof(*p));
    p->kind = (uint8_t)kind;
    p->class_index = class_index;
    p->run = count;
}

/* Fresh pages from the top. Everything between the old top and the aligned place becomes free. */
static uint32_t take_top(uint64_t count, uint64_t align)
{
    const uint64_t skip = pages_to_skip(cm_heap_top, align);
    const uint32_t old = cm_heap_top;

    if (skip + count > page_count - cm_heap_top) {
        return 0;
    }
    memset(&cm_pages[old], 0, (size_t)(skip + count) * sizeof(struct cm_page));
    __atomic_store_n(&cm_heap_top, (uint32_t)(old + skip + count), __ATOMIC_RELAXED);
    if (skip != 0) {
        bin_insert(old, (uint32_t)skip);
    }
    return (uint32_t)(old + skip);
}

uint32_t cm_pages_take(uint64_t count, uint64_t align, enum cm_page_kind kind, uint8_t class_index)
{
    uint32_t page;

    if (count == 0 || count > page_count || align > page_count) {
        return 0;
    }
    page = bin_find(count, align);
    if (page == 0) {
        page = take_top(count, align);
        if (page == 0) {
            return 0;
        }
    } else {
        const uint32_t run = cm_pages[page].run;
        const uint32_t skip = (uint32_t)pages_to_skip(page, align);
        const uint32_t rest = run - skip - (uint32_t)count;

        if (skip != 0) {
            bin_insert(page, skip);
        }
        page += skip;
        if (rest != 0) {
            bin_insert(page + (uint32_t)count, rest);
        }
    }
    mark_run(page, (uint32_t)count, kind, class_index);
    return page;
}

void cm_pages_give(uint32_t first)
{
    uint32_t count = cm_pages[first].run;

    if (first + count < cm_heap_top && cm_pages[first + count].kind == CM_PAGE_FREE) {
        const uint32_t after = first + count;

        count += cm_pages[after].run;
        bin_remove(after);
    }
    if (first > cm_heap_first && cm_pages[first - 1].kind == CM_PAGE_FREE) {
        const uint32_t before = first - cm_pages[first - 1].run;

        bin_remove(before);
        count += first - before;
        first = before;
    }
    /* no entry inside a free run may look like the beginning of a block */
    for (uint32_t i = 0; i < count; i++) {
        cm_pages[first + i].kind = CM_PAGE_INNER;
        cm_pages[first + i].first = first;
    }
    bin_insert(first, count);
}

void cm_pages_trim(uint32_t first, uint32_t count)
{
    const uint32_t run = cm_pages[first].run;

    if (count >= run) {
        return;
    }
    cm_pages[first].run = count;
    mark_run(first + count, run - count, CM_PAGE_LARGE, 0);
    cm_pages_give(first + count);
}
