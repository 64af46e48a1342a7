/*
 * mmap, mprotect and munmap where an enclave's device file is concerned: the driver's rules, then
 * the real system call. All of it with the lock held, so that table and page tables agree.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/checked.h"
#include "sgxemu/emu_front.h"
#include "sgxemu/emu_kernel.h"

#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)
#define USER_TOP   0x7ffffffff000ull

/* What the C library's functions return: -1 and errno. */
static int answer(int ret)
{
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return 0;
}

static int real_mprotect(uint64_t addr, uint64_t len, int prot)
{
    return syscall(SYS_mprotect, addr, len, prot) == 0 ? 0 : -errno;
}

/* Every enclave gets room for the splits that taking a range away can make. */
static int reserve_all(void)
{
    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        int ret = k->live && k->vma_count != 0 ? cm_emu_vma_reserve(k, 3) : 0;

        if (ret != 0) {
            return ret;
        }
    }
    return 0;
}

static void remove_all(uint64_t start, uint64_t end)
{
    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        if (k->live) {
            (void)cm_emu_vma_remove(k, start, end); /* reserved before */
        }
    }
}

struct map_request {
    uint64_t addr;
    uint64_t len;
    int prot;
    int flags;
    bool fixed;
    bool may_write;
};

/* do_mmap's and sgx_mmap's refusals that need no address. */
static int check_request(const struct map_request *r, int fd, off_t offset)
{
    int type = r->flags & MAP_TYPE;
    long mode = syscall(SYS_fcntl, fd, F_GETFL);

    if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE) {
        return -EINVAL; /* MAP_PRIVATE first of all */
    }
    if (((uint64_t)offset & (EMU_PAGE - 1)) != 0 || (r->fixed && (r->addr & (EMU_PAGE - 1)) != 0)) {
        return -EINVAL;
    }
    if (r->fixed && (r->addr > USER_TOP || r->len > USER_TOP - r->addr)) {
        return -ENOMEM;
    }
    if (mode < 0) {
        return -EBADF;
    }
    if ((mode & O_ACCMODE) == O_WRONLY ||
        ((r->prot & PROT_WRITE) != 0 && (mode & O_ACCMODE) != O_RDWR)) {
        return -EACCES;
    }
    return (personality(0xffffffffUL) & READ_IMPLIES_EXEC) != 0 ? -EACCES : 0;
}

/* The host mapping itself, with no permission yet. ELRANGE's pages stand at their own offset. */
static int place(struct emu_encl_kernel *k, const struct map_request *r, int fd, uint64_t *at)
{
    const struct emu_encl *e = k->e;
    uint64_t off = r->fixed && k->created && r->addr - e->base < e->size ? r->addr - e->base : 0;
    int pass = MAP_SHARED | (r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT));
    long got = syscall(SYS_mmap, r->addr, r->len, PROT_NONE, pass, fd, off);
    uint64_t lo = 0;
    uint64_t hi = 0;

    if (got == -1) {
        return -errno;
    }
    *at = (uint64_t)got;
    lo = *at > e->base ? *at : e->base;
    hi = *at + r->len < e->base + e->size ? *at + r->len : e->base + e->size;
    if (k->created && lo < hi && lo - e->base != off + (lo - *at) &&
        syscall(SYS_mmap, lo, hi - lo, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, lo - e->base) == -1) {
        return -errno;
    }
    return 0;
}

static int map_locked(struct map_request *r, int fd, uint64_t *at)
{
    struct emu_encl_kernel *k = cm_emu_encl_of_fd(fd);
    struct emu_vma v = {0, 0, r->prot, r->may_write};
    int ret = 0;

    if (k == NULL) {
        return -ENODEV;
    }
    ret = r->fixed ? cm_emu_may_map(k, r->addr, r->addr + r->len, r->prot) : 0;
    ret = ret == 0 ? cm_emu_vma_reserve(k, 3) : ret;
    ret = ret == 0 ? reserve_all() : ret;
    if (ret != 0) {
        return ret;
    }
    ret = place(k, r, fd, at);
    if (ret != 0) {
        return ret;
    }
    v.start = *at;
    v.end = *at + r->len;
    ret = r->fixed ? 0 : cm_emu_may_map(k, v.start, v.end, r->prot);
    remove_all(v.start, v.end);
    if (ret == 0) {
        ret = cm_emu_vma_insert(k, v);
    }
    if (ret == 0 && k->created) {
        ret = cm_emu_vma_show(k, v.start, v.end);
    }
    if (ret != 0) {
        (void)syscall(SYS_munmap, v.start, r->len);
        remove_all(v.start, v.end);
        return ret;
    }
    cm_emu_hull_add(v.start, v.end);
    return 0;
}

void *cm_emu_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    struct map_request r = {(uint64_t)(uintptr_t)addr, 0, prot & PROT_KNOWN, flags, false, false};
    struct emu_lock_state lock;
    uint64_t at = 0;
    int ret = 0;

    if (len == 0) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (cm_round_up_ovf(len, EMU_PAGE, &r.len)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    r.fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    r.may_write = (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_RDWR;
    ret = check_request(&r, fd, offset);
    if (ret == 0) {
        cm_emu_lock(&lock);
        ret = map_locked(&r, fd, &at);
        cm_emu_release_unused();
        cm_emu_unlock(&lock);
    }
    if (ret != 0) {
        errno = -ret;
        return MAP_FAILED;
    }
    return (void *)(uintptr_t)at; /* NOLINT(performance-no-int-to-ptr): an address from mmap */
}

/* The enclave mapping that covers addr or comes next, of any enclave. */
static struct emu_encl_kernel *next_vma(uint64_t addr, struct emu_vma *out)
{
    struct emu_encl_kernel *found = NULL;

    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        const struct emu_vma *v = k->live ? cm_emu_vma_next(k, addr) : NULL;

        if (v != NULL && (found == NULL || v->start < out->start)) {
            found = k;
            *out = *v;
        }
    }
    return found;
}

static int protect_part(struct emu_encl_kernel *k, const struct emu_vma *v, uint64_t start,
                        uint64_t end, int prot)
{
    int ret = 0;

    if ((prot & PROT_WRITE) != 0 && !v->may_write) {
        return -EACCES;
    }
    ret = cm_emu_may_map(k, start, end, prot);
    return ret != 0 ? ret : cm_emu_vma_protect(k, start, end, prot);
}

/* As the kernel does: mapping by mapping; what went before a refusal stays changed. */
static int protect_locked(uint64_t start, uint64_t end, int prot)
{
    int ret = 0;

    while (ret == 0 && start < end) {
        struct emu_vma v = {0, 0, 0, false};
        struct emu_encl_kernel *k = next_vma(start, &v);
        uint64_t stop = end;

        if (k == NULL || v.start >= end) {
            return real_mprotect(start, end - start, prot);
        }
        if (v.start > start) {
            stop = v.start;
            ret = real_mprotect(start, stop - start, prot);
        } else {
            stop = v.end < end ? v.end : end;
            ret = protect_part(k, &v, start, stop, prot & PROT_KNOWN);
        }
        start = stop;
    }
    return ret;
}

struct range {
    uint64_t start;
    uint64_t end;
};

/* Whether a well-formed range may touch an enclave's; anything else is the kernel's own affair. */
static bool may_be_ours(const void *addr, size_t len, struct range *out)
{
    uint64_t size = 0;

    out->start = (uint64_t)(uintptr_t)addr;
    return (out->start & (EMU_PAGE - 1)) == 0 && len != 0 &&
           !cm_round_up_ovf(len, EMU_PAGE, &size) && !cm_add_ovf(out->start, size, &out->end) &&
           !cm_emu_hull_misses(out->start, out->end);
}

int cm_emu_mprotect(void *addr, size_t len, int prot)
{
    struct emu_lock_state lock;
    struct range r = {0, 0};
    int ret = 0;

    atomic_fetch_add(&cm_emu_maps_epoch, 1);
    if (!may_be_ours(addr, len, &r)) {
        return (int)syscall(SYS_mprotect, addr, len, prot);
    }
    cm_emu_lock(&lock);
    ret = protect_locked(r.start, r.end, prot);
    cm_emu_unlock(&lock);
    return answer(ret);
}

int cm_emu_munmap(void *addr, size_t len)
{
    struct emu_lock_state lock;
    struct range r = {0, 0};
    int ret = 0;

    atomic_fetch_add(&cm_emu_maps_epoch, 1);
    if (!may_be_ours(addr, len, &r)) {
        return (int)syscall(SYS_munmap, addr, len);
    }
    cm_emu_lock(&lock);
    ret = reserve_all();
    if (ret == 0 && syscall(SYS_munmap, r.start, r.end - r.start) != 0) {
        ret = -errno;
    }
    if (ret == 0) {
        remove_all(r.start, r.end);
        cm_emu_release_unused();
    }
    cm_emu_unlock(&lock);
    return answer(ret);
}

bool cm_emu_is_mapped(const void *addr, size_t len)
{
    uint64_t start = (uint64_t)(uintptr_t)addr;
    struct emu_vma v = {0, 0, 0, false};
    struct emu_lock_state lock;
    bool mapped = false;

    if (cm_emu_hull_misses(start, start + len)) {
        return false;
    }
    cm_emu_lock(&lock);
    mapped = next_vma(start, &v) != NULL && v.start < start + len;
    cm_emu_unlock(&lock);
    return mapped;
}

void cm_emu_overmapped(void *addr, size_t len)
{
    uint64_t start = (uint64_t)(uintptr_t)addr;
    struct emu_lock_state lock;
    uint64_t size = 0;
    uint64_t end = 0;

    atomic_fetch_add(&cm_emu_maps_epoch, 1);
    if (cm_round_up_ovf(len, EMU_PAGE, &size) || cm_add_ovf(start, size, &end) ||
        cm_emu_hull_misses(start, end)) {
        return;
    }
    cm_emu_lock(&lock);
    if (reserve_all() == 0) {
        remove_all(start, end);
        cm_emu_release_unused();
    }
    cm_emu_unlock(&lock);
}
