/*
 * The EPCM and what follows from it: which accesses are allowed, how the host's page tables are
 * made to say so, and the page faults that the processor or the kernel would raise.
 *
 * Called by the device (lock held) and by the processor half (in signals, partly lock-free).
 */
#include "sgxemu/emu_kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PF_PRESENT 0x1u
#define PF_WRITE   0x2u
#define PF_USER    0x4u
#define PF_FETCH   0x10u
#define PF_SGX     0x8000u

/* What the host's page tables may allow: EPCM and VMA together; nothing for all but plain pages. */
static int effective(uint32_t w)
{
    int prot = 0;

    if ((w & PG_VALID) == 0 || PG_TYPE(w) != SGX_PT_REG || (w & (PG_PENDING | PG_MODIFIED)) != 0 ||
        (PG_VMA(w) & ~PG_MAX(w)) != 0) {
        return PROT_NONE;
    }
    w &= PG_VMA(w) | ~PG_PERM;
    prot |= (w & SGX_SECINFO_R) != 0 ? PROT_READ : 0;
    prot |= (w & SGX_SECINFO_W) != 0 ? PROT_WRITE : 0;
    prot |= (w & SGX_SECINFO_X) != 0 ? PROT_EXEC : 0;
    return prot;
}

/* SECINFO's bits and mmap's are the same three; say so once. */
_Static_assert(SGX_SECINFO_R == PROT_READ && SGX_SECINFO_W == PROT_WRITE &&
                   SGX_SECINFO_X == PROT_EXEC,
               "permission bits");

enum emu_deny cm_emu_access(uint32_t w, unsigned need)
{
    unsigned vma = PG_VMA(w);
    /* the x86 kernel lets any accessible mapping be read */
    unsigned vma_gives = vma != 0 ? vma | (unsigned)SGX_SECINFO_R : 0;

    if ((w & PG_MAPPED) == 0 || (need & ~vma_gives) != 0) {
        return EMU_DENY_VMA;
    }
    if ((w & PG_VALID) != 0 && (vma & ~PG_MAX(w)) != 0) {
        return EMU_DENY_VMA; /* mapped before it was added, with more than it may have: SIGBUS */
    }
    if ((w & PG_VALID) == 0 || PG_TYPE(w) != SGX_PT_REG || (w & (PG_PENDING | PG_MODIFIED)) != 0 ||
        (need & ~(w & PG_PERM)) != 0) {
        return EMU_DENY_EPCM;
    }
    return EMU_ALLOW;
}

static unsigned access_bits(unsigned need)
{
    unsigned code = PF_USER;

    code |= (need & SGX_SECINFO_W) != 0 ? PF_WRITE : 0;
    code |= (need & SGX_SECINFO_X) != 0 ? PF_FETCH : 0;
    return code;
}

static bool fault(struct emu_fault *f, enum emu_deny why, uint32_t w, unsigned need, uint64_t addr)
{
    f->vector = SGX_VEC_PF;
    f->addr = addr;
    f->errcode = access_bits(need);
    if (why == EMU_DENY_EPCM && (w & PG_VALID) != 0) {
        f->errcode |= PF_SGX | PF_PRESENT;
    } else if (effective(w) != PROT_NONE) {
        f->errcode |= PF_PRESENT;
    }
    return false;
}

bool cm_emu_page_usable(const struct emu_encl *e, uint64_t addr, enum sgx_page_type type,
                        unsigned need, struct emu_fault *f)
{
    const struct emu_encl_kernel *k = e->k;
    uint64_t i = (addr - e->base) / EMU_PAGE;
    uint32_t w = pg_get(k, i);
    enum emu_deny why = EMU_ALLOW;

    if (type == SGX_PT_REG) {
        why = cm_emu_access(w, need);
    } else if ((w & PG_MAPPED) == 0 || (need & ~PG_VMA(w)) != 0) {
        why = EMU_DENY_VMA;
    } else if ((w & PG_VALID) == 0 || PG_TYPE(w) != (unsigned)type ||
               (w & (PG_PENDING | PG_MODIFIED)) != 0) {
        why = EMU_DENY_EPCM;
    }
    return why == EMU_ALLOW || fault(f, why, w, need, addr);
}

void cm_emu_pg_epcm(struct emu_encl_kernel *k, uint64_t i, uint32_t epcm)
{
    pg_set(k, i, (pg_get(k, i) & ~PG_EPCM_MASK) | (epcm & PG_EPCM_MASK));
    if ((epcm & PG_VALID) == 0) {
        return;
    }
    if (k->valid_first >= k->valid_end) {
        k->valid_first = i;
        k->valid_end = i + 1;
    } else if (i < k->valid_first) {
        k->valid_first = i;
    } else if (i >= k->valid_end) {
        k->valid_end = i + 1;
    }
}

/* Code pages of a debug enclave are MAP_PRIVATE, so that a debugger can plant breakpoints. */
static bool wants_private(const struct emu_encl_kernel *k, uint32_t w)
{
    return (k->id.attributes.flags & SGX_ATTR_DEBUG) != 0 &&
           effective(w) == (PROT_READ | PROT_EXEC);
}

static void note_shown(struct emu_encl_kernel *k, uint64_t first, uint64_t end, bool private)
{
    for (uint64_t i = first; i < end; i++) {
        uint32_t w = pg_get(k, i);
        uint32_t shown = ((uint32_t)effective(w) << 20) | (private ? PG_PRIVATE : 0);

        pg_set(k, i, (w & ~(PG_SHOWN_MASK | PG_PRIVATE)) | shown);
    }
}

static int remap(struct emu_encl_kernel *k, uint64_t first, uint64_t end, bool private)
{
    uint64_t addr = k->e->base + first * EMU_PAGE;
    uint64_t len = (end - first) * EMU_PAGE;
    int how = (private ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED;

    if (!cm_emu_memfd_ok(k)) {
        return -EBADF;
    }
    if (syscall(SYS_mmap, addr, len, effective(pg_get(k, first)), how, k->memfd,
                first * EMU_PAGE) == -1) {
        return -errno;
    }
    (void)syscall(SYS_madvise, addr, len, MADV_DONTDUMP);
    note_shown(k, first, end, private);
    return 0;
}

static int protect(struct emu_encl_kernel *k, uint64_t first, uint64_t end)
{
    uint32_t w = pg_get(k, first);
    bool private = wants_private(k, w);

    if (private != ((w & PG_PRIVATE) != 0)) {
        int ret = remap(k, first, end, private);

        /* without our descriptor: run shared; breakpoints fail, the enclave works */
        if (ret != -EBADF || (w & PG_PRIVATE) != 0) {
            return ret;
        }
        private = false;
    }
    if (syscall(SYS_mprotect, k->e->base + first * EMU_PAGE, (end - first) * EMU_PAGE,
                effective(w)) != 0) {
        return -errno;
    }
    note_shown(k, first, end, private);
    return 0;
}

/* Do the host's page tables say something else than they should? */
static bool stale(uint32_t w)
{
    return (w & PG_MAPPED) != 0 && PG_SHOWN(w) != (uint32_t)effective(w);
}

/* the same change as at the page that looked like `as`? */
static bool same_change(uint32_t w, uint32_t as)
{
    return stale(w) && effective(w) == effective(as) && ((w ^ as) & PG_PRIVATE) == 0;
}

/* One system call for each run of pages that come out equal. */
int cm_emu_apply(struct emu_encl_kernel *k, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;
    uint64_t i = first > k->valid_first ? first : k->valid_first;

    end = end < k->valid_end ? end : k->valid_end;
    while (i < end) {
        uint32_t w = pg_get(k, i);
        uint64_t j = i + 1;
        int ret = 0;

        if (stale(w)) {
            while (j < end && same_change(pg_get(k, j), w)) {
                j++;
            }
            ret = protect(k, i, j);
        }
        if (ret != 0) {
            return ret;
        }
        i = j;
    }
    cm_emu_pages_changed();
    return 0;
}

int cm_emu_may_map(const struct emu_encl_kernel *k, uint64_t start, uint64_t end, int prot)
{
    const struct emu_encl *e = k->e;
    uint64_t first = 0;
    uint64_t last = 0;

    if (!k->created) {
        return 0;
    }
    if (e->initialised && (start < e->base || end > e->base + e->size)) {
        return -EACCES;
    }
    if (start >= e->base + e->size || end <= e->base) {
        return 0;
    }
    first = start > e->base ? (start - e->base) / EMU_PAGE : 0;
    last = end < e->base + e->size ? (end - e->base) / EMU_PAGE : k->page_count;
    first = first > k->valid_first ? first : k->valid_first;
    last = last < k->valid_end ? last : k->valid_end;
    for (uint64_t i = first; i < last; i++) {
        uint32_t w = pg_get(k, i);

        if ((w & PG_VALID) != 0 && ((unsigned)prot & 7u & ~PG_MAX(w)) != 0) {
            return -EACCES;
        }
    }
    return 0;
}

bool cm_emu_file_limit_ok(uint64_t size)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           size <= limit.rlim_cur;
}

int cm_emu_pages_create(struct emu_encl_kernel *k)
{
    struct emu_encl *e = k->e;
    long table = 0;
    long epc = 0;

    if (!cm_emu_file_limit_ok(e->size)) {
        return -EFBIG;
    }
    k->page_count = e->size / EMU_PAGE;
    table = syscall(SYS_mmap, 0, k->page_count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0l);
    if (table == -1) {
        return -ENOMEM;
    }
    if (syscall(SYS_ftruncate, k->memfd, e->size) != 0) {
        (void)syscall(SYS_munmap, table, k->page_count * sizeof(uint32_t));
        return -ENOMEM;
    }
    epc = syscall(SYS_mmap, 0, e->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                  k->memfd, 0l);
    if (epc == -1) {
        (void)syscall(SYS_munmap, table, k->page_count * sizeof(uint32_t));
        (void)syscall(SYS_ftruncate, k->memfd, 0);
        return -ENOMEM;
    }
    (void)syscall(SYS_madvise, epc, e->size, MADV_DONTDUMP);
    k->pages = (_Atomic uint32_t *)table; /* NOLINT(performance-no-int-to-ptr): mmap's answer */
    e->epc = (uint8_t *)epc;              /* NOLINT(performance-no-int-to-ptr): mmap's answer */
    k->valid_first = 0;
    k->valid_end = 0;
    return 0;
}

void cm_emu_pages_free(struct emu_encl_kernel *k)
{
    if (k->pages != NULL) {
        (void)syscall(SYS_munmap, k->pages, k->page_count * sizeof(uint32_t));
        (void)syscall(SYS_munmap, k->e->epc, k->page_count * EMU_PAGE);
    }
    k->pages = NULL;
    k->e->epc = NULL;
    k->page_count = 0;
}

void cm_emu_pages_drop(struct emu_encl_kernel *k, uint64_t first, uint64_t count)
{
    uint8_t *start = k->e->epc + first * EMU_PAGE;
    uint64_t len = count * EMU_PAGE;

    /* a hole in the memory file; where that is refused, at least nothing of it stays */
    if (len != 0 && syscall(SYS_madvise, start, len, MADV_REMOVE) != 0) {
        memset(start, 0, len);
    }
}

bool cm_emu_eaug(struct emu_encl_kernel *k, uint64_t i)
{
    if (!k->e->initialised || (pg_get(k, i) & PG_VALID) != 0) {
        return false;
    }
    /* the kernel sets no limit on what a VMA may ask of such a page: the enclave decides */
    cm_emu_pg_epcm(k, i,
                   pg_make(SGX_PT_REG, SGX_SECINFO_R | SGX_SECINFO_W, 7) | (uint32_t)PG_PENDING);
    return true;
}

bool cm_emu_page_fault(struct emu_encl *e, uint64_t addr, uint32_t *errcode)
{
    struct emu_encl_kernel *k = e->k;
    struct emu_lock_state lock;
    uint64_t i = (addr - e->base) / EMU_PAGE;
    unsigned need = (*errcode & PF_FETCH) != 0   ? (unsigned)SGX_SECINFO_X
                    : (*errcode & PF_WRITE) != 0 ? (unsigned)SGX_SECINFO_W
                                                 : (unsigned)SGX_SECINFO_R;
    enum emu_deny why = EMU_DENY_VMA;

    cm_emu_lock(&lock);
    if (k->pages != NULL && i < k->page_count) {
        why = cm_emu_access(pg_get(k, i), need);
        if (why == EMU_DENY_EPCM && (pg_get(k, i) & PG_VALID) == 0) {
            /* nothing there: the kernel adds a page, which the enclave has not accepted yet */
            why = cm_emu_eaug(k, i) ? EMU_DENY_EPCM : EMU_DENY_VMA;
        }
    }
    cm_emu_unlock(&lock);
    if (why == EMU_DENY_EPCM) {
        *errcode = PF_SGX | PF_PRESENT | PF_USER | (*errcode & (PF_WRITE | PF_FETCH));
    }
    return why == EMU_ALLOW;
}
