/* See cpu_kit.h. */
#include "cpu_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

extern const uint8_t cpu_enclave_image[];
extern const uint8_t cpu_enclave_end[];
extern sgx_enter_enclave_t cpu_vdso;
sgx_enter_enclave_t cpu_vdso;

static const struct cpu_options *building;

static void tweak(struct sgx_secs *s)
{
    s->attributes.xfrm = building->xfrm != 0 ? building->xfrm : 7;
    s->miscselect = building->no_exinfo ? 0 : SGX_MISC_EXINFO;
    if (building->production) {
        s->attributes.flags &= ~SGX_ATTR_DEBUG;
    }
}

static void make_tcs(uint8_t *page, unsigned n)
{
    struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page;

    tcs->ossa = (CPU_SSA + n * CPU_NSSA) * KIT_PAGE;
    tcs->nssa = CPU_NSSA;
    tcs->ofsbase = (CPU_FS + n) * KIT_PAGE;
    tcs->ogsbase = CPU_GS * KIT_PAGE;
    tcs->fslimit = 0xfff;
    tcs->gslimit = 0xfff;
}

static int map_pages(const struct kit_enclave *e, uint64_t off, uint64_t pages, int prot)
{
    void *at = e->base + off;

    return kit.mmap(at, pages * KIT_PAGE, prot, MAP_SHARED | MAP_FIXED, e->fd, 0) == at ? 0 : 1;
}

static bool fill(struct kit_enclave *e, const struct cpu_options *o, uint8_t *src)
{
    struct sgx_sigstruct sig;
    int bad = 0;

    memcpy(src, cpu_enclave_image, KIT_PAGE);
    make_tcs(src + CPU_TCS * KIT_PAGE, 0);
    make_tcs(src + (CPU_TCS + 1) * KIT_PAGE, 1);
    bad |= kit_add(e, 0, src, KIT_PAGE, KIT_RX, true);
    bad |= kit_add(e, CPU_DATA * KIT_PAGE, src + CPU_DATA * KIT_PAGE, KIT_PAGE, KIT_RW, true);
    bad |= kit_add(e, CPU_TCS * KIT_PAGE, src + CPU_TCS * KIT_PAGE, 2 * KIT_PAGE, KIT_TCS, true);
    bad |= kit_add(e, CPU_SSA * KIT_PAGE, src + CPU_SSA * KIT_PAGE,
                   (CPU_READONLY - CPU_SSA) * KIT_PAGE, KIT_RW, true);
    bad |=
        kit_add(e, CPU_READONLY * KIT_PAGE, src + CPU_READONLY * KIT_PAGE, KIT_PAGE, KIT_R, true);
    if (o->code2 != 0) {
        bad |= kit_add(e, o->code2, src, KIT_PAGE, KIT_RX, true);
    }
    if (bad != 0 || !kit_sign(e, &sig, NULL)) {
        (void)printf("  cpu_build: a page was refused: %s\n", strerror(bad));
        return false;
    }
    bad = kit_init(e, &sig);
    if (bad != 0) {
        (void)printf("  cpu_build: INIT: %s\n", strerror(bad));
        return false;
    }
    bad |= map_pages(e, 0, 1, PROT_READ | PROT_EXEC);
    bad |= map_pages(e, KIT_PAGE, CPU_READONLY - 1, PROT_READ | PROT_WRITE);
    bad |= map_pages(e, CPU_READONLY * KIT_PAGE, 1, PROT_READ);
    if (o->code2 != 0) {
        bad |= map_pages(e, o->code2, 1, PROT_READ | PROT_EXEC);
    }
    if (bad != 0) {
        (void)printf("  cpu_build: mmap failed\n");
    }
    return bad == 0;
}

bool cpu_build(struct kit_enclave *e, const struct cpu_options *o)
{
    static const struct cpu_options plain;
    uint8_t *src = aligned_alloc(KIT_PAGE, CPU_PAGES * KIT_PAGE);
    bool ok = src != NULL;

    building = o != NULL ? o : &plain;
    cpu_vdso = kit.enter();
    if (ok) {
        memset(src, 0, CPU_PAGES * KIT_PAGE);
        ok = kit_create(e, building->size != 0 ? building->size : CPU_PAGES * KIT_PAGE, tweak) &&
             fill(e, building, src);
    }
    free(src);
    return ok;
}

int cpu_call(const struct kit_enclave *e, unsigned n, unsigned long op, uint64_t a, uint64_t b,
             struct sgx_enclave_run *run)
{
    memset(run, 0, sizeof(*run));
    run->tcs = cpu_tcs(e, n);
    return cpu_enter(op, a, b, SGX_EENTER, 0, 0, run);
}

int cpu_resume(const struct kit_enclave *e, unsigned n, struct sgx_enclave_run *run)
{
    memset(run, 0, sizeof(*run));
    run->tcs = cpu_tcs(e, n);
    return cpu_enter(0, 0, 0, SGX_ERESUME, 0, 0, run);
}

bool cpu_ok(int rc, const struct sgx_enclave_run *run)
{
    if (rc == 0 && run->function == SGX_EEXIT) {
        return true;
    }
    (void)printf("  call: rc %d function %u vector %u error 0x%x address 0x%llx\n", rc,
                 run->function, run->exception_vector, run->exception_error_code,
                 (unsigned long long)run->exception_addr);
    return false;
}

bool cpu_fast(void)
{
    const char *words = getenv("CASEMATE_SGXEMU");

    return words == NULL || (strstr(words, "noldt") == NULL && strstr(words, "nopatch") == NULL);
}
