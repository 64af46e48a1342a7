/*
 * Memory calls of the C library: anonymous private mappings, from the enclave's heap. An enclave cannot
 * map: its pages and what may be done with them were decided when it was built. So only what may be
 * read and written can be had, and no protection is promised that nobody would enforce.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>

#include <openenclave/advanced/mallinfo.h>

#include "libc/inside_lock.h"
#include "libc/inside_runtime.h"
#include "libc/syscall_inside.h"

#undef mmap64

long cm_sys_memory(long number, const long args[6]);
void *__mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
    __attribute__((alias("mmap")));
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
    __attribute__((alias("mmap")));
int __munmap(void *addr, size_t len) __attribute__((alias("munmap")));
int __mprotect(void *addr, size_t len, int prot) __attribute__((alias("mprotect")));

/* an application's own heap may have no figures */
extern __typeof(oe_allocator_mallinfo) oe_allocator_mallinfo __attribute__((weak));

enum { PAGE = 4096 };

/* A mapping; the bytes of gone say which pages were given back. */
struct mapping {
    struct mapping *next;
    unsigned char *start;
    size_t pages;
    size_t left;
    unsigned char gone[];
};

static int lock;
static struct mapping *mappings;

static long map(size_t len, int prot, int flags)
{
    const size_t pages = len / PAGE + (len % PAGE != 0);
    struct mapping *m;
    void *start = NULL;

    if (len == 0 || (flags & (MAP_ANONYMOUS | MAP_PRIVATE)) != (MAP_ANONYMOUS | MAP_PRIVATE) ||
        (flags & MAP_FIXED) != 0) {
        return (flags & MAP_ANONYMOUS) == 0 ? -ENODEV : -EINVAL;
    }
    if ((prot & ~(PROT_READ | PROT_WRITE)) != 0 || prot == PROT_NONE) {
        return -EACCES;
    }
    if (pages > SIZE_MAX / PAGE - 1) {
        return -ENOMEM;
    }
    m = oe_allocator_calloc(1, sizeof(*m) + pages);
    if (m == NULL || oe_allocator_posix_memalign(&start, PAGE, pages * PAGE) != 0) {
        oe_allocator_free(m);
        return -ENOMEM;
    }
    memset(start, 0, pages * PAGE);
    m->start = start;
    m->pages = pages;
    m->left = pages;
    cm_lock(&lock);
    m->next = mappings;
    mappings = m;
    cm_unlock(&lock);
    return CM_P(start);
}

/* The mapping that the pages lie in, wholly; NULL: there is none. */
static struct mapping **mapping_of(uintptr_t at, size_t pages)
{
    struct mapping **m = &mappings;

    for (; *m != NULL; m = &(*m)->next) {
        const uintptr_t start = (uintptr_t)(*m)->start;

        if (at >= start && (at - start) / PAGE < (*m)->pages &&
            pages <= (*m)->pages - (at - start) / PAGE) {
            return m;
        }
    }
    return NULL;
}

/* Pages go back one by one, the memory with the last of them. */
static long unmap(uintptr_t at, size_t len)
{
    const size_t pages = len / PAGE + (len % PAGE != 0);
    struct mapping *empty = NULL;
    struct mapping **where = NULL;
    long r = -EINVAL;

    if (len == 0 || at % PAGE != 0) {
        return r;
    }
    cm_lock(&lock);
    where = mapping_of(at, pages);
    if (where != NULL) {
        struct mapping *m = *where;
        const size_t first = (at - (uintptr_t)m->start) / PAGE;

        for (size_t i = first; i < first + pages; i++) {
            m->left -= m->gone[i] == 0;
            m->gone[i] = 1;
        }
        memset(m->start + first * PAGE, 0, pages * PAGE);
        if (m->left == 0) {
            *where = m->next;
            empty = m;
        }
        r = 0;
    }
    cm_unlock(&lock);
    if (empty != NULL) {
        oe_allocator_free(empty->start);
        oe_allocator_free(empty);
    }
    return r;
}

/* What is granted is what there is. */
static long protect(uintptr_t at, size_t len, int prot)
{
    long r = -ENOSYS;

    cm_lock(&lock);
    if (len != 0 && at % PAGE == 0 && mapping_of(at, len / PAGE + (len % PAGE != 0)) != NULL) {
        r = prot == (PROT_READ | PROT_WRITE) ? 0 : -EACCES;
    }
    cm_unlock(&lock);
    return r;
}

/* Of the enclave, and of no machine: its heap, its one process, and the host's word for the time. */
static long tell(struct sysinfo *out)
{
    struct timespec now = {0, 0};
    oe_mallinfo_t heap = {0};

    if (out == NULL) {
        return -EFAULT;
    }
    memset(out, 0, sizeof(*out));
    if (oe_allocator_mallinfo == NULL || oe_allocator_mallinfo(&heap) != OE_OK ||
        clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return -ENOSYS;
    }
    out->uptime = (unsigned long)now.tv_sec;
    out->totalram = heap.max_total_heap_size;
    out->freeram = heap.max_total_heap_size - heap.current_allocated_heap_size;
    out->procs = 1;
    out->mem_unit = 1;
    return 0;
}

long cm_sys_memory(long number, const long args[6])
{
    switch (number) {
    case SYS_mmap:
        return map((size_t)args[1], (int)args[2], (int)args[3]);
    case SYS_munmap:
        return unmap((uintptr_t)args[0], (size_t)args[1]);
    case SYS_mprotect:
        return protect((uintptr_t)args[0], (size_t)args[1], (int)args[2]);
    case SYS_sysinfo:
        return tell((struct sysinfo *)args[0]); /* NOLINT: the caller's pointer */
    default:
        return -ENOSYS;
    }
}

/* by name: it is linked, so nobody has to find it */
static long call(long number, const long args[6])
{
    long r = cm_syscall_own(number, args);

    return cm_sys_ret(r != -ENOSYS ? r : cm_sys_memory(number, args));
}

#define CALL(number, ...) call((number), (const long[6]){__VA_ARGS__})

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    const long at = CALL(SYS_mmap, CM_P(addr), (long)len, prot, flags, fd, off);

    return (void *)at; /* NOLINT(performance-no-int-to-ptr): as a system call gives it */
}

int munmap(void *addr, size_t len)
{
    return (int)CALL(SYS_munmap, CM_P(addr), (long)len);
}

int mprotect(void *addr, size_t len, int prot)
{
    return (int)CALL(SYS_mprotect, CM_P(addr), (long)len, prot);
}

int sysinfo(struct sysinfo *info)
{
    return (int)CALL(SYS_sysinfo, CM_P(info));
}
