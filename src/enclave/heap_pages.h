/*
 * The heap's pages: a table with one entry a page, and runs of pages taken from it. Called by
 * heap.c only, all with cm_pages_lock held except where it says otherwise.
 *
 * Heap pages are not measured and hold what the host likes until written (G1): the table grows with
 * the part of the heap that was ever used, each entry written before it is read.
 */
#ifndef CM_ENCLAVE_HEAP_PAGES_H
#define CM_ENCLAVE_HEAP_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enclave/spin.h"

#define CM_HEAP_PAGE 4096u

enum cm_page_kind {
    CM_PAGE_FREE = 1,  /* first or last page of a free run */
    CM_PAGE_LARGE = 2, /* first page of a run that is one block */
    CM_PAGE_SLAB = 3,  /* first page of a run cut into objects of one class */
    CM_PAGE_INNER = 4, /* further page of a block or slab */
};

struct cm_page {
    uint8_t kind;
    uint8_t class_index;
    uint16_t free_count; /* slab: objects on the list at `objects` */
    uint16_t carved;     /* slab: objects that were ever handed out or listed */
    uint16_t listed;     /* slab: on its class's list of slabs with free objects */
    uint32_t run;        /* pages, in the first page; in the last one too when free */
    uint32_t first;      /* inner page: the run's first page */
    uint32_t next, prev; /* list links; page numbers, 0 = none (page 0 holds the table) */
    uint64_t objects;    /* slab: encoded link to the first free object */
};
_Static_assert(sizeof(struct cm_page) == 32, "one table entry");

extern struct cm_spin cm_pages_lock;
extern struct cm_page *cm_pages; /* entry n describes page n of the heap */

/* Not thread-safe. False when the range is too small for a table and one page. */
bool cm_pages_init(uint64_t start, uint64_t end);

/* First page of a run of count pages whose address is a multiple of align pages (a power of two);
 * 0 when there is no room. Sets kind, class_index and run; inner pages point back. */
uint32_t cm_pages_take(uint64_t count, uint64_t align, enum cm_page_kind kind, uint8_t class_index);
void cm_pages_give(uint32_t first);

/* Cuts a run down to count pages. */
void cm_pages_trim(uint32_t first, uint32_t count);

/* Set by cm_pages_init; cm_heap_top, the first page that was never used, only grows. */
extern uint64_t cm_heap_start;
extern uint32_t cm_heap_first; /* page behind the table */
extern uint32_t cm_heap_top;

static inline uint64_t cm_page_address(uint32_t page)
{
    return cm_heap_start + (uint64_t)page * CM_HEAP_PAGE;
}

/* Lock-free: first page of the run that an address lies in; 0 for one never given out. */
static inline uint32_t cm_page_of(uint64_t address)
{
    const uint64_t page = (address - cm_heap_start) / CM_HEAP_PAGE;

    if (page - cm_heap_first >=
        (uint64_t)(__atomic_load_n(&cm_heap_top, __ATOMIC_RELAXED) - cm_heap_first)) {
        return 0;
    }
    return cm_pages[page].kind == CM_PAGE_INNER ? cm_pages[page].first : (uint32_t)page;
}

/* Bytes from start to end. */
uint64_t cm_pages_total(void);

#endif
