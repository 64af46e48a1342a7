/*
 * The kernel half's own view of an enclave: what the Linux driver and the processor's EPCM keep.
 * Included by the kernel half only. Everything here is read and changed with cm_emu_lock held,
 * except where a comment says lock-free.
 */
#ifndef CM_SGXEMU_KERNEL_H
#define CM_SGXEMU_KERNEL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "arch/sgx_uapi.h"
#include "sgxemu/emu.h"
#include "sgxemu/emu_keys.h"

#define EMU_PAGE SGX_PAGE_SIZE

/* the emulated CPUID.12H: MISCSELECT, ATTRIBUTES, XFRM and enclave size that ECREATE takes */
#define EMU_MISC_OFFERED SGX_MISC_EXINFO
#define EMU_ATTR_OFFERED \
    (SGX_ATTR_DEBUG | SGX_ATTR_MODE64 | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN | SGX_ATTR_KSS)
#define EMU_XFRM_OFFERED  (SGX_XFRM_LEGACY | SGX_XFRM_YMM | SGX_XFRM_ZMM)
#define EMU_SIZE_LOG2_MAX 40u

/* ------------------------------------------------------------------ EPCM */

/*
 * One page of ELRANGE in one 32-bit word, so that lock-free readers see whole states:
 * bits 0-2 EPCM R W X, 3 PENDING, 4 MODIFIED, 5 PR (the bits of SECINFO), 6 VALID,
 * 8-15 page type, 16-18 most that a VMA may ask for, 20-22 what the host's page tables allow now,
 * 24-26 the VMA's R W X, 27 a VMA covers it, 28 the host mapping is MAP_PRIVATE.
 */
#define PG_PERM       0x07u
#define PG_PENDING    0x08u
#define PG_MODIFIED   0x10u
#define PG_PR         0x20u
#define PG_VALID      0x40u
#define PG_TYPE(w)    (((w) >> 8) & 0xffu)
#define PG_MAX(w)     (((w) >> 16) & 7u)
#define PG_VMA(w)     (((w) >> 24) & 7u)
#define PG_SHOWN(w)   (((w) >> 20) & 7u)
#define PG_SHOWN_MASK 0x00700000u
#define PG_MAPPED     0x08000000u
#define PG_PRIVATE    0x10000000u
#define PG_EPCM_MASK  0x0007ffffu /* everything but the VMA's part */

static inline uint32_t pg_make(unsigned type, unsigned perm, unsigned max)
{
    return PG_VALID | (perm & 7u) | (type << 8) | ((max & 7u) << 16);
}

/* a range of addresses that the host has mapped from this enclave's device file */
struct emu_vma {
    uint64_t start;
    uint64_t end;
    int prot;
    bool may_write; /* the file was open for writing */
};

/* which of two reasons an address is denied for, and by whom */
enum emu_deny {
    EMU_ALLOW,
    EMU_DENY_VMA,
    EMU_DENY_EPCM,
};

struct cm_sha256;
struct emu_log;

/* Pages of the source of ADD_PAGES that share one host mapping; see emu_source.c. */
struct emu_source {
    uint64_t start;
    uint64_t end;
    bool readable;
    bool may_exec;  /* not mapped from a noexec mount */
    bool anonymous; /* private and anonymous: a page that is not there is zero */
    unsigned epoch; /* of cm_emu_maps_epoch when it was looked up */
};

struct emu_encl_kernel {
    struct emu_encl *e;
    dev_t dev; /* identity of the device file: its inode */
    ino_t ino;
    unsigned fds;     /* open descriptors that we know of */
    atomic_bool live; /* between open and release */
    bool created;
    atomic_bool ioctl_busy;
    unsigned ioctls; /* calls under way: no release */
    int memfd;       /* our own descriptor of it; verified by inode before each use */
    uint64_t attr_allowed;
    struct cm_emu_ident id;

    _Atomic uint32_t *pages;
    uint64_t page_count;
    uint64_t valid_first; /* no valid page outside [first, end) */
    uint64_t valid_end;

    struct emu_vma *vmas; /* sorted, disjoint */
    size_t vma_count;
    size_t vma_cap;

    /* measurement (emu_measure.c) */
    struct cm_sha256 *hash;
    struct emu_hasher *hasher; /* of hash */
    uint8_t *pending;          /* the hasher's piece that is being filled */
    size_t pending_len;

    struct emu_source source; /* of the last ADD_PAGES */
    struct emu_source source_before;
    struct emu_encl_kernel *next; /* every enclave ever made; entries are used again */
};

/* emu_epcm.c */
static inline uint32_t pg_get(const struct emu_encl_kernel *k, uint64_t i)
{
    return atomic_load_explicit(&k->pages[i], memory_order_relaxed);
}
static inline void pg_set(struct emu_encl_kernel *k, uint64_t i, uint32_t w)
{
    atomic_store_explicit(&k->pages[i], w, memory_order_relaxed);
}
/* New EPCM contents for page i; the VMA's part stays. */
void cm_emu_pg_epcm(struct emu_encl_kernel *k, uint64_t i, uint32_t epcm);
/* Make the host's mapping of these pages what VMA and EPCM say. -errno. */
int cm_emu_apply(struct emu_encl_kernel *k, uint64_t first, uint64_t count);
/* -EACCES when a valid page in [start, end) does not allow prot. */
int cm_emu_may_map(const struct emu_encl_kernel *k, uint64_t start, uint64_t end, int prot);
/* The table and the alias mapping for [0, size). -errno. */
int cm_emu_pages_create(struct emu_encl_kernel *k);
void cm_emu_pages_free(struct emu_encl_kernel *k);
/* The pages' memory becomes zero and is given back to the system. */
void cm_emu_pages_drop(struct emu_encl_kernel *k, uint64_t first, uint64_t count);
/* EAUG. Returns false where the kernel would not. */
bool cm_emu_eaug(struct emu_encl_kernel *k, uint64_t i);
/* Whether code inside may do `need` at page i, and who denies it. */
enum emu_deny cm_emu_access(uint32_t word, unsigned need);

/* emu_vma.c: -errno */
int cm_emu_vma_insert(struct emu_encl_kernel *k, struct emu_vma v);
int cm_emu_vma_remove(struct emu_encl_kernel *k, uint64_t start, uint64_t end);
/* Room for n more entries, so that a following insert or remove cannot fail. -ENOMEM. */
int cm_emu_vma_reserve(struct emu_encl_kernel *k, size_t n);
/* The first that ends after addr, or NULL. */
const struct emu_vma *cm_emu_vma_next(const struct emu_encl_kernel *k, uint64_t addr);
int cm_emu_vma_protect(struct emu_encl_kernel *k, uint64_t start, uint64_t end, int prot);
/* ECREATE has just said where ELRANGE lies: mappings that were made before become views of it. */
int cm_emu_vma_attach(struct emu_encl_kernel *k);
/* A mapping of [start, end) is new and has no permissions: give it what pages and VMA allow. */
int cm_emu_vma_show(struct emu_encl_kernel *k, uint64_t start, uint64_t end);

/* emu_device.c */
struct emu_encl_kernel *cm_emu_encl_of_fd(int fd); /* by inode; NULL if not ours; lock-free */
struct emu_encl_kernel *cm_emu_encl_first(void);   /* for walks: then k->next, skip !live */
bool cm_emu_memfd_ok(const struct emu_encl_kernel *k);
void cm_emu_release_unused(void);
bool cm_emu_is_provision_fd(int fd);
/* Addresses in [start, end) have been mapped from a device; see cm_emu_hull_misses. */
void cm_emu_hull_add(uint64_t start, uint64_t end);
/* Lock-free: no enclave was ever mapped in [start, end), so nobody here cares for it. */
bool cm_emu_hull_misses(uint64_t start, uint64_t end);

/* emu_copy.c: like copy_from_user and copy_to_user: false instead of a fault */
bool cm_emu_copy_in(void *dst, uint64_t src, size_t n);
bool cm_emu_copy_out(uint64_t dst, const void *src, size_t n);

/* emu_source.c */
extern atomic_uint cm_emu_maps_epoch; /* changes when the host changes its mappings */
/* The host mapping at addr. False: there is none. */
bool cm_emu_source_at(uint64_t addr, struct emu_source *out);
/* For each of n pages at addr: is there nothing behind it? false when unknown. */
bool cm_emu_source_absent(uint64_t addr, size_t n, uint8_t *absent);

/* emu_measure.c: -errno. Log lines go to CASEMATE_EMU_LOG. */
int cm_emu_measure_start(struct emu_encl_kernel *k, uint32_t ssaframesize);
int cm_emu_measure_add(struct emu_encl_kernel *k, uint64_t offset,
                       const struct sgx_secinfo *secinfo);
int cm_emu_measure_extend(struct emu_encl_kernel *k, uint64_t offset); /* a whole page */
int cm_emu_measure_finish(struct emu_encl_kernel *k, uint8_t mrenclave[32]);
void cm_emu_measure_free(struct emu_encl_kernel *k);
void cm_emu_measure_log(const char *fmt, ...) CM_PRINTF(1, 2);

/* emu_ioctl*.c: called with the lock held and ioctl_busy set; return 0 or -errno. */
int cm_emu_ioc_create(struct emu_encl_kernel *k, uint64_t arg);
int cm_emu_ioc_add(struct emu_encl_kernel *k, uint64_t arg, struct emu_lock_state *lock);
int cm_emu_ioc_init(struct emu_encl_kernel *k, uint64_t arg);
int cm_emu_ioc_restrict(struct emu_encl_kernel *k, uint64_t arg);
int cm_emu_ioc_modify(struct emu_encl_kernel *k, uint64_t arg);
int cm_emu_ioc_remove(struct emu_encl_kernel *k, uint64_t arg);
/* offset and length as the kernel wants them */
/* Whether the process may have a file of that size; growing one beyond is a signal that kills it. */
bool cm_emu_file_limit_ok(uint64_t size);
bool cm_emu_range_ok(const struct emu_encl_kernel *k, uint64_t offset, uint64_t length);

/* emu_init.c: EINIT. 0, an SGX error code, or CM_EMU_LEAF_FAIL */
int cm_emu_einit(struct emu_encl_kernel *k, const struct sgx_sigstruct *sig);

/* emu_front.h has what the preloaded library calls. */

#endif
