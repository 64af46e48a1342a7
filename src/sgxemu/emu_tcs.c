/*
 * TCS pages, decoded once. EENTER and ERESUME look here, without a lock: entries are type-stable,
 * and the table only ever gains pointers; a freed entry has address 0 and waits for its next TCS.
 */
#include <string.h>
#include <sys/mman.h>

#include "emu_cpu.h"

#define BUCKETS 4096u

struct bucket_entry {
    struct emu_tcs tcs;
    struct bucket_entry *next; /* constant once published */
};

static struct bucket_entry *buckets[BUCKETS];
static struct bucket_entry *chunk; /* fresh entries */
static size_t chunk_left;
uint64_t cm_emu_gen = 1;

static struct bucket_entry **bucket_of(uint64_t addr)
{
    return &buckets[((addr >> 12) ^ (addr >> 24) ^ (addr >> 36)) % BUCKETS];
}

struct emu_tcs *cm_emu_tcs_find(uint64_t addr)
{
    struct bucket_entry *b = __atomic_load_n(bucket_of(addr), __ATOMIC_ACQUIRE);

    for (; b != NULL; b = b->next) {
        if (__atomic_load_n(&b->tcs.addr, __ATOMIC_ACQUIRE) == addr) {
            return &b->tcs;
        }
    }
    return NULL;
}

void cm_emu_pages_changed(void)
{
    (void)__atomic_fetch_add(&cm_emu_gen, 1, __ATOMIC_SEQ_CST);
}

/* An unused entry of this address's bucket: a freed one, or a new one. Lock held. */
static struct emu_tcs *new_entry(uint64_t addr)
{
    struct bucket_entry **head = bucket_of(addr);
    struct bucket_entry *b;

    for (b = *head; b != NULL; b = b->next) {
        if (b->tcs.addr == 0) {
            return &b->tcs;
        }
    }
    if (chunk_left == 0) {
        size_t size = (size_t)16 * SGX_PAGE_SIZE;
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
            return NULL;
        }
        chunk = p;
        chunk_left = size / sizeof(*chunk);
    }
    b = chunk++;
    chunk_left--;
    b->next = *head;
    __atomic_store_n(head, b, __ATOMIC_RELEASE);
    return &b->tcs;
}

bool cm_emu_tcs_valid(const struct sgx_tcs *tcs, uint64_t size)
{
    const uint8_t *r = tcs->reserved;

    for (size_t i = 0; i < sizeof(tcs->reserved); i++) {
        if (r[i] != 0) {
            return false;
        }
    }
    return tcs->state == 0 && (tcs->flags & ~SGX_TCS_DBGOPTIN) == 0 && tcs->cssa == 0 &&
           tcs->aep == 0 && tcs->ossa % SGX_PAGE_SIZE == 0 && tcs->ossa < size &&
           tcs->oentry < size && tcs->ofsbase % SGX_PAGE_SIZE == 0 &&
           tcs->ogsbase % SGX_PAGE_SIZE == 0 && tcs->ofsbase < size && tcs->ogsbase < size &&
           (tcs->fslimit & 0xfffu) == 0xfffu && (tcs->gslimit & 0xfffu) == 0xfffu;
}

static struct sgx_ssa_gpr *frame_gpr(const struct emu_tcs *x, uint32_t frame)
{
    uint64_t end = x->ossa - x->base + (frame + UINT64_C(1)) * x->ssa_frame;

    return (struct sgx_ssa_gpr *)(void *)(x->encl->epc + end - sizeof(struct sgx_ssa_gpr));
}

bool cm_emu_tcs_add(struct emu_encl *e, uint64_t offset)
{
    struct sgx_tcs *page = (struct sgx_tcs *)(void *)(e->epc + offset);
    struct emu_tcs *x = new_entry(e->base + offset);

    if (x == NULL) {
        return false;
    }
    page->flags &= ~SGX_TCS_DBGOPTIN; /* only a debugger sets it */
    x->cssa = 0;
    x->frames_ok = 0;
    x->nssa = page->nssa;
    x->entry = e->base + page->oentry;
    x->fsbase = e->base + page->ofsbase;
    x->gsbase = e->base + page->ogsbase;
    x->aep = 0;
    x->thread = NULL;
    x->base = e->base;
    x->size = e->size;
    x->ssa_frame = e->ssa_frame;
    x->xfrm = e->xfrm;
    x->encl = e;
    x->ossa = e->base + page->ossa;
    x->gpr = frame_gpr(x, 0);
    x->next = e->tcs;
    e->tcs = x;
    __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&x->addr, e->base + offset, __ATOMIC_RELEASE);
    cm_emu_pages_changed();
    return true;
}

/* Seize it, so that no entry that has found it in a cache goes on. */
static bool seize(struct emu_tcs *x)
{
    if (__atomic_exchange_n(&x->busy, 1, __ATOMIC_ACQUIRE) != 0) {
        return false;
    }
    __atomic_store_n(&x->addr, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&x->busy, 0, __ATOMIC_RELEASE);
    return true;
}

bool cm_emu_tcs_remove(struct emu_encl *e, uint64_t offset)
{
    struct emu_tcs **p = &e->tcs;

    while (*p != NULL && (*p)->addr != e->base + offset) {
        p = &(*p)->next;
    }
    if (*p == NULL) {
        return true;
    }
    if (!seize(*p)) {
        return false;
    }
    *p = (*p)->next;
    cm_emu_pages_changed();
    return true;
}

bool cm_emu_tcs_remove_all(struct emu_encl *e)
{
    while (e->tcs != NULL) {
        if (!seize(e->tcs)) {
            return false;
        }
        e->tcs = e->tcs->next;
    }
    e->site_ret = 0;
    cm_emu_pages_changed();
    return true;
}

bool cm_emu_tcs_optin(const struct emu_tcs *x)
{
    const struct sgx_tcs *page =
        (const struct sgx_tcs *)(const void *)(x->encl->epc + (x->addr - x->base));

    return (x->encl->attributes & SGX_ATTR_DEBUG) != 0 &&
           ((page->flags & SGX_TCS_DBGOPTIN) != 0 || cm_emu_options()->dbgoptin);
}

/* The page checks of one SSA frame: every page readable, writable and PT_REG. */
static bool frame_usable(const struct emu_tcs *x, uint32_t frame, struct emu_fault *f)
{
    uint64_t start = x->ossa + frame * x->ssa_frame;

    for (uint64_t at = 0; at < x->ssa_frame; at += SGX_PAGE_SIZE) {
        if (start + at - x->base >= x->size) {
            f->vector = SGX_VEC_GP;
            f->errcode = 0;
            f->addr = 0;
            return false;
        }
        if (!cm_emu_page_usable(x->encl, start + at, SGX_PT_REG, SGX_SECINFO_R | SGX_SECINFO_W,
                                f)) {
            return false;
        }
    }
    return true;
}

bool cm_emu_tcs_check(struct emu_tcs *x, unsigned function, struct emu_fault *f)
{
    struct emu_fault first = {0};
    uint32_t cssa = __atomic_load_n(&x->cssa, __ATOMIC_RELAXED);
    uint32_t frame = function == SGX_ERESUME ? cssa - 1 : cssa;
    uint32_t limit = x->nssa;
    uint32_t good = 0;

    f->vector = SGX_VEC_GP;
    f->errcode = 0;
    f->addr = 0;
    if (function == SGX_ERESUME ? cssa == 0 : cssa >= x->nssa) {
        return false;
    }
    /* the frames that this thread can come to with a few nested exits are checked now */
    if (limit > frame + 4) {
        limit = frame + 4;
    }
    while (good < limit && frame_usable(x, good, &first)) {
        good++;
    }
    __atomic_store_n(&x->frames_ok, good, __ATOMIC_RELAXED);
    if (frame >= good) {
        *f = first;
        return false;
    }
    return true;
}

struct emu_tcs *cm_emu_tcs_lookup(struct emu_thread *t, uint64_t addr, unsigned function,
                                  struct emu_fault *f)
{
    struct emu_tcs *x = NULL;
    uint64_t gen;

    do {
        struct emu_encl *e = cm_emu_encl_find(addr);

        gen = __atomic_load_n(&cm_emu_gen, __ATOMIC_ACQUIRE);
        f->vector = SGX_VEC_GP;
        f->errcode = 0;
        f->addr = 0;
        if (addr % SGX_PAGE_SIZE != 0 || e == NULL || !e->initialised ||
            !cm_emu_page_usable(e, addr, SGX_PT_TCS, 0, f)) {
            if (e == NULL && addr % SGX_PAGE_SIZE == 0) {
                f->vector = SGX_VEC_PF; /* not an EPC page */
                f->errcode = 0x4 | 0x1;
                f->addr = addr;
            }
            return NULL;
        }
        x = cm_emu_tcs_find(addr);
        if (x == NULL || !cm_emu_tcs_check(x, function, f)) {
            return NULL;
        }
        /* a handler may interrupt here and look up another TCS: the number comes last */
        t->gen = 0;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        t->last = addr;
        t->last_tcs = x;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        t->gen = gen;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } while (gen != __atomic_load_n(&cm_emu_gen, __ATOMIC_ACQUIRE) || t->last != addr ||
             t->last_tcs != x);
    return x;
}

int cm_emu_entry_slow(struct emu_entry_regs *regs, uint64_t tcs)
{
    struct emu_thread *t = cm_emu_register();
    struct emu_fault f = {.vector = SGX_VEC_GP};
    struct emu_tcs *x = NULL;

    if (t != NULL) {
        x = cm_emu_tcs_lookup(t, tcs, (unsigned)regs->function, &f);
    }
    if (x != NULL && __atomic_load_n(&x->busy, __ATOMIC_ACQUIRE) == 0) {
        return 0;
    }
    if (x != NULL) {
        f.vector = SGX_VEC_GP; /* in use */
        f.errcode = 0;
        f.addr = 0;
    }
    regs->rdi = f.vector;
    regs->rsi = f.errcode;
    regs->rdx = f.addr;
    return 1;
}
