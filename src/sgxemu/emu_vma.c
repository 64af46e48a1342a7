/*
 * The host's mappings of an enclave's device file (VMAs): which addresses, with which permissions.
 * The list decides how long an enclave lives and what mprotect meets; each page's word repeats the
 * permissions for readers without the lock. Lock held throughout.
 */
#include "sgxemu/emu_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct emu_vma *cm_emu_vma_next(const struct emu_encl_kernel *k, uint64_t addr)
{
    for (size_t i = 0; i < k->vma_count; i++) {
        if (k->vmas[i].end > addr) {
            return &k->vmas[i];
        }
    }
    return NULL;
}

int cm_emu_vma_reserve(struct emu_encl_kernel *k, size_t n)
{
    struct emu_vma *more = NULL;
    size_t cap = k->vma_cap;

    if (k->vma_count + n <= cap) {
        return 0;
    }
    while (cap < k->vma_count + n) {
        cap = cap == 0 ? 16 : cap * 2;
    }
    more = realloc(k->vmas, cap * sizeof(*more));
    if (more == NULL) {
        return -ENOMEM;
    }
    k->vmas = more;
    k->vma_cap = cap;
    return 0;
}

/* The part of [start, end) that lies in ELRANGE, in pages. */
static bool in_elrange(const struct emu_encl_kernel *k, uint64_t start, uint64_t end,
                       uint64_t *first, uint64_t *count)
{
    const struct emu_encl *e = k->e;
    uint64_t lo = start > e->base ? start : e->base;
    uint64_t hi = end < e->base + e->size ? end : e->base + e->size;

    if (!k->created || lo >= hi) {
        return false;
    }
    *first = (lo - e->base) / EMU_PAGE;
    *count = (hi - lo) / EMU_PAGE;
    return true;
}

/* What the pages of a range say of their VMA; part 0: there is none any more. */
static void mark(struct emu_encl_kernel *k, uint64_t start, uint64_t end, uint32_t part,
                 uint32_t keep)
{
    uint64_t first = 0;
    uint64_t count = 0;

    if (!in_elrange(k, start, end, &first, &count)) {
        return;
    }
    for (uint64_t i = first; i < first + count; i++) {
        uint32_t w = pg_get(k, i);
        uint32_t want = (w & keep) | part;

        if (w != want) {
            pg_set(k, i, want);
        }
    }
}

static uint32_t vma_part(int prot)
{
    return PG_MAPPED | (((uint32_t)prot & 7u) << 24);
}

static void insert_at(struct emu_encl_kernel *k, size_t i, struct emu_vma v)
{
    memmove(&k->vmas[i + 1], &k->vmas[i], (k->vma_count - i) * sizeof(v));
    k->vmas[i] = v;
    k->vma_count++;
}

static void delete_at(struct emu_encl_kernel *k, size_t i)
{
    k->vma_count--;
    memmove(&k->vmas[i], &k->vmas[i + 1], (k->vma_count - i) * sizeof(k->vmas[0]));
}

/* Split the entry that contains addr inside, so that a boundary lies at addr. */
static void split_at(struct emu_encl_kernel *k, uint64_t addr)
{
    for (size_t i = 0; i < k->vma_count; i++) {
        struct emu_vma upper = k->vmas[i];

        if (upper.start < addr && addr < upper.end) {
            upper.start = addr;
            k->vmas[i].end = addr;
            insert_at(k, i + 1, upper);
            return;
        }
    }
}

static bool same_kind(const struct emu_vma *a, const struct emu_vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->may_write == b->may_write;
}

static void merge(struct emu_encl_kernel *k)
{
    for (size_t i = 1; i < k->vma_count;) {
        if (same_kind(&k->vmas[i - 1], &k->vmas[i])) {
            k->vmas[i - 1].end = k->vmas[i].end;
            delete_at(k, i);
        } else {
            i++;
        }
    }
}

static void cut(struct emu_encl_kernel *k, uint64_t start, uint64_t end)
{
    split_at(k, start);
    split_at(k, end);
    for (size_t i = 0; i < k->vma_count;) {
        if (k->vmas[i].start >= start && k->vmas[i].end <= end) {
            delete_at(k, i);
        } else {
            i++;
        }
    }
}

int cm_emu_vma_insert(struct emu_encl_kernel *k, struct emu_vma v)
{
    size_t at = 0;
    int ret = cm_emu_vma_reserve(k, 3);

    if (ret != 0) {
        return ret;
    }
    cut(k, v.start, v.end);
    while (at < k->vma_count && k->vmas[at].start < v.start) {
        at++;
    }
    insert_at(k, at, v);
    merge(k);
    mark(k, v.start, v.end, vma_part(v.prot), PG_EPCM_MASK); /* new: nothing private in it */
    cm_emu_pages_changed();
    return 0;
}

int cm_emu_vma_remove(struct emu_encl_kernel *k, uint64_t start, uint64_t end)
{
    const struct emu_vma *v = cm_emu_vma_next(k, start);
    int ret = 0;

    if (v == NULL || v->start >= end) {
        return 0;
    }
    ret = cm_emu_vma_reserve(k, 2);
    if (ret != 0) {
        return ret;
    }
    cut(k, start, end);
    mark(k, start, end, 0, PG_EPCM_MASK);
    cm_emu_pages_changed();
    return 0;
}

int cm_emu_vma_protect(struct emu_encl_kernel *k, uint64_t start, uint64_t end, int prot)
{
    uint64_t first = 0;
    uint64_t count = 0;
    int ret = cm_emu_vma_reserve(k, 2);

    if (ret != 0) {
        return ret;
    }
    split_at(k, start);
    split_at(k, end);
    for (size_t i = 0; i < k->vma_count; i++) {
        if (k->vmas[i].start >= start && k->vmas[i].end <= end) {
            k->vmas[i].prot = prot;
        }
    }
    merge(k);
    mark(k, start, end, vma_part(prot), PG_EPCM_MASK | PG_SHOWN_MASK | PG_PRIVATE);
    return in_elrange(k, start, end, &first, &count) ? cm_emu_apply(k, first, count) : 0;
}

int cm_emu_vma_attach(struct emu_encl_kernel *k)
{
    const struct emu_encl *e = k->e;

    for (size_t n = 0; n < k->vma_count; n++) {
        const struct emu_vma *v = &k->vmas[n];
        uint64_t first = 0;
        uint64_t count = 0;

        if (!in_elrange(k, v->start, v->end, &first, &count)) {
            continue;
        }
        if (syscall(SYS_mmap, e->base + first * EMU_PAGE, count * EMU_PAGE, PROT_NONE,
                    MAP_SHARED | MAP_FIXED, k->memfd, first * EMU_PAGE) == -1) {
            return -errno;
        }
        (void)syscall(SYS_madvise, e->base + first * EMU_PAGE, count * EMU_PAGE, MADV_DONTDUMP);
        mark(k, v->start, v->end, vma_part(v->prot), PG_EPCM_MASK);
    }
    return 0;
}

int cm_emu_vma_show(struct emu_encl_kernel *k, uint64_t start, uint64_t end)
{
    uint64_t first = 0;
    uint64_t count = 0;

    if (!in_elrange(k, start, end, &first, &count)) {
        return 0;
    }
    (void)syscall(SYS_madvise, k->e->base + first * EMU_PAGE, count * EMU_PAGE, MADV_DONTDUMP);
    return cm_emu_apply(k, first, count);
}
