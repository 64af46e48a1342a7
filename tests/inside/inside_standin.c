/*
 * The runtime's services (src/libc/inside_runtime.h) for images that the test loader runs: entry,
 * relocation, a small heap, random bytes, time. Only as good as the tests need. Compiled without
 * stack protector, since it sets the thread up.
 */
#include <elf.h>
#include <immintrin.h>
#include <string.h>

#include <openenclave/bits/sgx/sgxproperties.h>

#include "inside_boot.h"
#include "inside_case.h"
#include "libc/inside_runtime.h"
#include "libc/inside_td.h"

#define DT_RELR_   36
#define DT_RELRSZ_ 35

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
typedef void (*init_fn)(void);
extern const init_fn __init_array_start[] __attribute__((visibility("hidden")));
extern const init_fn __init_array_end[] __attribute__((visibility("hidden")));

uint64_t _start(uint64_t op, const struct cm_test_boot *boot);

static const struct cm_test_boot *host;
bool cm_case_random_fails;

/* so that the tools that read enclave images read these as well */
OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 4);

const void *cm_module_header(void)
{
    return NULL;
}

/* ---- start ---- */

static void relocate(char *base)
{
    const uint64_t *relr = NULL;
    size_t relr_count = 0;
    uint64_t *where = NULL;
    const Elf64_Dyn *d;
    size_t i;
    size_t bit;

    for (d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_RELR_) {
            relr = (const uint64_t *)(const void *)(base + d->d_un.d_ptr);
        } else if (d->d_tag == DT_RELRSZ_) {
            relr_count = d->d_un.d_val / sizeof(*relr);
        } else if (d->d_tag == DT_RELASZ && d->d_un.d_val != 0) {
            __builtin_trap(); /* the link was asked for RELR only */
        }
    }
    for (i = 0; i < relr_count; i++) {
        if ((relr[i] & 1) == 0) {
            where = (uint64_t *)(void *)(base + relr[i]);
            *where++ += (uint64_t)base;
            continue;
        }
        for (bit = 1; bit < 64; bit++) {
            if ((relr[i] >> bit & 1) != 0) {
                where[bit - 1] += (uint64_t)base;
            }
        }
        where += 63;
    }
}

static void start_thread(const char *base, const struct cm_test_boot *boot)
{
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(const void *)(base + __ehdr_start.e_phoff);
    struct cm_musl_thread thread = {0x1122334455667788, (int32_t)boot->thread + 1};
    char *td;
    size_t i;

    __asm__("rdfsbase %0" : "=r"(td));
    for (i = 0; i < __ehdr_start.e_phnum; i++) {
        if (ph[i].p_type == PT_TLS) {
            char *tls = td - ((ph[i].p_memsz + ph[i].p_align - 1) & -ph[i].p_align);

            memset(tls, 0, ph[i].p_memsz);
            memcpy(tls, base + ph[i].p_vaddr, ph[i].p_filesz);
        }
    }
    memset(td, 0, CM_TEST_TD_HOST_FS);
    cm_musl_td_init(td, &thread);
}

static uint64_t run_case(const struct cm_test_boot *boot)
{
    const struct cm_case *c;

    for (c = cm_cases; c->name != NULL; c++) {
        if (strcmp(c->name, boot->name) == 0) {
            return (uint64_t)c->run((unsigned)boot->thread, (unsigned)boot->threads);
        }
    }
    return 1;
}

static void run_atexit(void);

uint64_t _start(uint64_t op, const struct cm_test_boot *boot)
{
    char *base = (char *)(uintptr_t)&__ehdr_start;
    uint64_t result = 0;
    const init_fn *f;

    /* the compiler must not conclude that relocating writes to a const object, the ELF header */
    __asm__("" : "+r"(base));
    if (op == CM_TEST_INIT) {
        relocate(base);
        host = boot;
    }
    start_thread(base, boot);
    if (op == CM_TEST_INIT) {
        for (f = __init_array_start; f != __init_array_end; f++) {
            (*f)();
        }
    } else if (op == CM_TEST_RUN) {
        result = run_case(boot);
    } else {
        run_atexit();
        cm_libc_fini();
    }
    cm_musl_td_exit();
    return result;
}

/* ---- host ---- */

void cm_abort_with(uint32_t cause)
{
    (void)cause;
    oe_abort();
}

void oe_abort(void)
{
    (void)host->ocall(CM_TEST_ABORT, 0, 0, 0);
    __builtin_trap();
}

void cm_host_write(int device, const char *text, size_t size)
{
    (void)host->ocall(CM_TEST_WRITE, (uint64_t)device, (uint64_t)text, size);
}

uint64_t cm_host_time_ns(void)
{
    return host->ocall(CM_TEST_TIME, 0, 0, 0);
}

void *cm_td_self(void)
{
    return __builtin_thread_pointer();
}

void cm_thread_wait_for(uint64_t nanoseconds)
{
    (void)nanoseconds; /* comes back at once, which a host may do as well */
}

void cm_thread_wait(void)
{
    (void)host->ocall(CM_TEST_WAIT, 0, 0, 0);
}

void cm_thread_wake(void *td)
{
    (void)host->ocall(CM_TEST_WAKE, (uint64_t)td, 0, 0);
}

/* ---- processor ---- */

uint32_t cm_libc_random(void *data, size_t size)
{
    unsigned char *to = data;
    size_t i;

    if (cm_case_random_fails) {
        return 1;
    }
    for (i = 0; i < size; i += 8) {
        unsigned long long word;

        while (_rdrand64_step(&word) == 0) {
        }
        memcpy(to + i, &word, size - i < 8 ? size - i : 8);
    }
    return 0;
}

uint64_t cm_xfrm(void)
{
    return (uint64_t)_xgetbv(0);
}

bool cm_cpuid_lookup(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    uint64_t i;

    for (i = 0; i < host->cpuid_count; i++) {
        if (host->cpuid[i].leaf == leaf && host->cpuid[i].subleaf == subleaf) {
            memcpy(regs, host->cpuid[i].regs, sizeof(host->cpuid[i].regs));
            return true;
        }
    }
    return false;
}

/* ---- end ---- */

#define MAX_ATEXIT 64
static struct {
    void (*fn)(void);
    void (*fn_arg)(void *);
    void *arg;
} at_exit[MAX_ATEXIT];
static unsigned at_exit_count;

static int register_exit(void (*fn)(void), void (*fn_arg)(void *), void *arg)
{
    if (at_exit_count == MAX_ATEXIT) {
        return -1;
    }
    at_exit[at_exit_count].fn = fn;
    at_exit[at_exit_count].fn_arg = fn_arg;
    at_exit[at_exit_count].arg = arg;
    at_exit_count++;
    return 0;
}

int oe_atexit(void (*fn)(void))
{
    return register_exit(fn, NULL, NULL);
}

int cm_atexit_arg(void (*fn)(void *), void *arg)
{
    return register_exit(NULL, fn, arg);
}

static void run_atexit(void)
{
    while (at_exit_count != 0) {
        at_exit_count--;
        if (at_exit[at_exit_count].fn != NULL) {
            at_exit[at_exit_count].fn();
        } else {
            at_exit[at_exit_count].fn_arg(at_exit[at_exit_count].arg);
        }
    }
}

/* ---- heap: blocks of a power of two, 32 bytes of head, free lists, one lock ---- */

struct block {
    struct block *next;
    unsigned order;
    size_t size;
    uint64_t unused;
};

static struct block *free_blocks[40];
static uint64_t heap_used;
static int heap_lock;

static void lock_heap(void)
{
    while (__atomic_exchange_n(&heap_lock, 1, __ATOMIC_ACQUIRE) != 0) {
        _mm_pause();
    }
}

static void unlock_heap(void)
{
    __atomic_store_n(&heap_lock, 0, __ATOMIC_RELEASE);
}

void *oe_allocator_malloc(size_t size)
{
    struct block *b = NULL;
    unsigned order = 6;

    if (size > host->heap_size / 2) {
        return NULL;
    }
    while (((size_t)1 << order) < size + sizeof(*b)) {
        order++;
    }
    lock_heap();
    if (free_blocks[order] != NULL) {
        b = free_blocks[order];
        free_blocks[order] = b->next;
    } else if (host->heap_size - heap_used >= (size_t)1 << order) {
        b = (struct block *)(host->heap + heap_used);
        heap_used += (size_t)1 << order;
    }
    unlock_heap();
    if (b == NULL) {
        return NULL;
    }
    b->order = order;
    b->size = size;
    return b + 1;
}

/* aligned blocks stand inside a bigger one; the word before them is the bigger one's address */
#define ALIGNED 0x100u

static struct block *block_of(void *p)
{
    struct block *b = (struct block *)p - 1;

    return (b->order & ALIGNED) != 0 ? b->next : b;
}

void oe_allocator_free(void *p)
{
    struct block *b;

    if (p == NULL) {
        return;
    }
    b = block_of(p);
    lock_heap();
    b->next = free_blocks[b->order];
    free_blocks[b->order] = b;
    unlock_heap();
}

void *oe_allocator_calloc(size_t count, size_t size)
{
    void *p;

    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    p = oe_allocator_malloc(count * size);
    if (p != NULL) {
        memset(p, 0, count * size);
    }
    return p;
}

size_t oe_allocator_malloc_usable_size(void *p)
{
    return ((struct block *)p - 1)->size;
}

void *oe_allocator_realloc(void *p, size_t size)
{
    void *fresh = oe_allocator_malloc(size);
    size_t old;

    if (p == NULL || fresh == NULL) {
        return fresh;
    }
    old = oe_allocator_malloc_usable_size(p);
    memcpy(fresh, p, old < size ? old : size);
    oe_allocator_free(p);
    return fresh;
}

void *oe_allocator_aligned_alloc(size_t alignment, size_t size)
{
    char *p;
    char *at;
    struct block *b;

    if (alignment <= sizeof(struct block)) {
        return oe_allocator_malloc(size);
    }
    p = oe_allocator_malloc(size + 2 * alignment);
    if (p == NULL) {
        return NULL;
    }
    at = (char *)(((uintptr_t)p + 2 * alignment - 1) & -alignment);
    b = (struct block *)(void *)at - 1;
    b->next = (struct block *)(void *)p - 1;
    b->order = ALIGNED;
    b->size = size;
    return at;
}

int oe_allocator_posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = oe_allocator_aligned_alloc(alignment, size);

    if (p == NULL) {
        return 12; /* ENOMEM */
    }
    *out = p;
    return 0;
}
