/*
 * ADD_PAGES: EADD, and EEXTEND when asked, page by page. UNTRUSTED: the argument, SECINFO and the
 * source pages, which the program may change or unmap meanwhile; each is read once.
 *
 * Pages that are zero take no memory: the memory file has a hole there.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sgxemu/emu_kernel.h"

#define BATCH          256u /* pages between two breaths of the lock */
#define BATCH_MEASURED 32u  /* fewer: while these are copied, those before are being hashed */
#define PAGEMAP_MIN    256u /* fewer pages are looked at directly */

/* CASEMATE_EMU_FILL: what a hostile host would put into pages that are not measured */
static struct {
    pthread_once_t once;
    bool on;
    bool random;
    uint8_t value;
} fill = {.once = PTHREAD_ONCE_INIT};

static void fill_setup(void)
{
    const char *v = getenv("CASEMATE_EMU_FILL");
    char *end = NULL;
    unsigned long value = 0;

    if (v == NULL || v[0] == '\0') {
        return;
    }
    if (strcmp(v, "random") == 0) {
        fill.random = true;
        fill.on = true;
        return;
    }
    value = strtoul(v, &end, 16);
    if (*end == '\0' && value <= 0xff) {
        fill.value = (uint8_t)value;
        fill.on = true;
    } else {
        (void)fprintf(stderr,
                      "casemate: CASEMATE_EMU_FILL is ignored: neither a hexadecimal byte nor "
                      "\"random\"\n");
    }
}

static bool fill_page(uint8_t *page)
{
    if (fill.random) {
        /* 256 at a time is what getrandom promises to give whole */
        for (size_t at = 0; at < EMU_PAGE; at += 256) {
            if (getrandom(page + at, 256, 0) != 256) {
                return false;
            }
        }
        return true;
    }
    memset(page, fill.value, EMU_PAGE);
    return true;
}

struct add {
    struct sgx_enclave_add_pages arg;
    struct sgx_secinfo secinfo;
    uint64_t done; /* bytes */
    uint8_t absent[BATCH];
    bool know_absent;
    bool copied; /* the whole batch has its contents already */
};

static bool secinfo_ok(const struct sgx_secinfo *s)
{
    uint64_t perm = s->flags & PG_PERM;
    uint64_t type = (s->flags >> 8) & 0xff;

    if ((type != SGX_PT_REG && type != SGX_PT_TCS) || (s->flags & ~0xff07ull) != 0 ||
        ((perm & SGX_SECINFO_W) != 0 && (perm & SGX_SECINFO_R) == 0) ||
        (type == SGX_PT_TCS && perm != 0)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(s->reserved); i++) {
        if (s->reserved[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool page_is_zero(const uint64_t *p)
{
    for (size_t i = 0; i < EMU_PAGE / 8; i += 8) {
        if ((p[i] | p[i + 1] | p[i + 2] | p[i + 3] | p[i + 4] | p[i + 5] | p[i + 6] | p[i + 7]) !=
            0) {
            return false;
        }
    }
    return true;
}

static bool known_source(const struct emu_source *s, uint64_t src)
{
    return s->end != 0 && s->epoch == atomic_load(&cm_emu_maps_epoch) && s->start <= src &&
           src < s->end;
}

/*
 * The host mapping at src becomes k->source; looked up again only when the program may have changed
 * it. A loader goes to and fro between its image and its own buffers, hence the one before too.
 */
static int find_source(struct emu_encl_kernel *k, uint64_t src)
{
    if (!known_source(&k->source, src)) {
        struct emu_source last = k->source;

        if (known_source(&k->source_before, src)) {
            k->source = k->source_before;
        } else if (!cm_emu_source_at(src, &k->source)) {
            k->source.end = 0;
            return -EFAULT;
        }
        k->source_before = last;
    }
    if (!k->source.may_exec) {
        return -EACCES;
    }
    return k->source.readable ? 0 : -EFAULT;
}

static int copy_page(struct emu_encl_kernel *k, uint64_t src, uint8_t *dst)
{
    uint8_t probe[EMU_PAGE];

    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a page of the program, just looked up */
    if (k->source.anonymous && page_is_zero((const uint64_t *)(uintptr_t)src)) {
        return 0;
    }
    if (cm_emu_copy_in(dst, src, EMU_PAGE)) {
        return 0;
    }
    /* which side failed: the program's page, or memory for ours? */
    return cm_emu_copy_in(probe, src, sizeof(probe)) ? -ENOMEM : -EFAULT;
}

/* EADD of a TCS: the processor clears what only it may set, and refuses the rest. */
static int copy_tcs(struct emu_encl_kernel *k, uint64_t src, uint8_t *dst)
{
    struct sgx_tcs tcs;

    if (!cm_emu_copy_in(&tcs, src, sizeof(tcs))) {
        return -EFAULT;
    }
    tcs.state = 0;
    tcs.flags &= ~SGX_TCS_DBGOPTIN;
    tcs.cssa = 0;
    tcs.aep = 0;
    if (!cm_emu_tcs_valid(&tcs, k->e->size)) {
        cm_emu_log("EADD: the processor would refuse this TCS");
        return -EIO;
    }
    memcpy(dst, &tcs, sizeof(tcs));
    return 0;
}

/*
 * The contents of a whole batch of measured pages in one go. False: not possible, or one of them is
 * bad; then page by page, for the right error at the right page.
 */
static bool copy_batch(struct emu_encl_kernel *k, const struct add *a, size_t n)
{
    uint64_t src = a->arg.src + a->done;
    uint64_t off = a->arg.offset + a->done;
    uint64_t len = n * EMU_PAGE;

    if ((a->arg.flags & SGX_PAGE_MEASURE) == 0 ||
        (a->secinfo.flags & 0xff00) != SGX_SECINFO_TYPE(SGX_PT_REG) || find_source(k, src) != 0 ||
        k->source.end - src < len || !cm_emu_memfd_ok(k)) {
        return false;
    }
    if (!cm_emu_file_limit_ok(off + len)) { /* it was lowered since ECREATE */
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        if ((pg_get(k, off / EMU_PAGE + i) & PG_VALID) != 0) {
            return false;
        }
    }
    /* written, not copied through the mapping: the system need not clear the pages first */
    return syscall(SYS_pwrite64, k->memfd, src, len, off) == (long)len;
}

static int add_page(struct emu_encl_kernel *k, struct add *a, size_t in_batch)
{
    uint64_t src = a->arg.src + a->done;
    uint64_t off = a->arg.offset + a->done;
    unsigned type = (unsigned)(a->secinfo.flags >> 8) & 0xffu;
    unsigned perm = (unsigned)a->secinfo.flags & PG_PERM;
    bool measured = (a->arg.flags & SGX_PAGE_MEASURE) != 0;
    uint8_t *dst = k->e->epc + off;
    int ret = 0;

    if ((pg_get(k, off / EMU_PAGE) & PG_VALID) != 0) {
        return -EBUSY;
    }
    ret = find_source(k, src);
    if (ret != 0) {
        return ret;
    }
    if (type == SGX_PT_TCS) {
        ret = copy_tcs(k, src, dst);
    } else if (a->copied) {
        ret = 0;
    } else if (fill.on && !measured) {
        ret = fill_page(dst) ? 0 : -EIO;
    } else if (!(a->know_absent && k->source.anonymous && a->absent[in_batch] != 0)) {
        ret = copy_page(k, src, dst);
    }
    if (ret == 0) {
        ret = cm_emu_measure_add(k, off, &a->secinfo);
    }
    if (ret == 0 && measured) {
        ret = cm_emu_measure_extend(k, off);
    }
    if (ret == 0) {
        cm_emu_pg_epcm(
            k, off / EMU_PAGE,
            pg_make(type, perm,
                    type == SGX_PT_TCS ? (unsigned)(SGX_SECINFO_R | SGX_SECINFO_W) : perm));
    }
    return ret;
}

static int add_batch(struct emu_encl_kernel *k, struct add *a)
{
    uint64_t left = (a->arg.length - a->done) / EMU_PAGE;
    uint64_t first = (a->arg.offset + a->done) / EMU_PAGE;
    size_t most = (a->arg.flags & SGX_PAGE_MEASURE) != 0 ? BATCH_MEASURED : BATCH;
    size_t n = left < most ? (size_t)left : most;
    size_t i = 0;
    int ret = 0;
    int shown = 0;

    a->copied = copy_batch(k, a, n);
    a->know_absent = !a->copied && a->arg.length / EMU_PAGE >= PAGEMAP_MIN &&
                     cm_emu_source_absent(a->arg.src + a->done, n, a->absent);
    for (i = 0; i < n && ret == 0; i++) {
        ret = add_page(k, a, i);
        if (ret == 0) {
            a->done += EMU_PAGE;
        }
    }
    shown = cm_emu_apply(k, first, (a->arg.offset + a->done) / EMU_PAGE - first);
    return ret != 0 ? ret : shown;
}

int cm_emu_ioc_add(struct emu_encl_kernel *k, uint64_t arg, struct emu_lock_state *lock)
{
    struct add a;
    int ret = 0;

    memset(&a, 0, sizeof(a));
    (void)pthread_once(&fill.once, fill_setup);
    if (!k->created || k->e->initialised) {
        return -EINVAL;
    }
    if (!cm_emu_copy_in(&a.arg, arg, sizeof(a.arg))) {
        return -EFAULT;
    }
    if ((a.arg.src & (EMU_PAGE - 1)) != 0 || !cm_emu_range_ok(k, a.arg.offset, a.arg.length)) {
        return -EINVAL;
    }
    if (!cm_emu_copy_in(&a.secinfo, a.arg.secinfo, sizeof(a.secinfo))) {
        return -EFAULT;
    }
    if (!secinfo_ok(&a.secinfo)) {
        return -EINVAL;
    }
    while (ret == 0 && a.done < a.arg.length) {
        ret = add_batch(k, &a);
        if (ret == 0 && a.done < a.arg.length) {
            /* ioctl_busy keeps everybody else from changing this enclave meanwhile */
            cm_emu_unlock(lock);
            cm_emu_lock(lock);
        }
    }
    a.arg.count = a.done;
    return cm_emu_copy_out(arg, &a.arg, sizeof(a.arg)) ? ret : -EFAULT;
}
