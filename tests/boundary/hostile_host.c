/* See hostile_host.h. */
#include "hostile_host.h"

#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <casemate/sgxemu.h>

#include "abi/layout.h"
#include "crypto/crypto.h"
#include "image/image.h"
#include "os/os.h"

extern sgx_enter_enclave_t hh_device_enter;
extern uint32_t hh_have_avx512;
sgx_enter_enclave_t hh_device_enter;
uint32_t hh_have_avx512;

_Static_assert(offsetof(struct hh_regs, mxcsr) == 112, "hostile_enter.S");
_Static_assert(offsetof(struct hh_regs, zmm) == 128, "hostile_enter.S");
_Static_assert(offsetof(struct hh_regs, k) == 2176, "hostile_enter.S");
_Static_assert(offsetof(struct hh_regs, fx) == 2240, "hostile_enter.S");

enum { THREADS = 16, PLATFORM_XFRM = 0xe7, DATE = 0x20260101 };

uint32_t hh_oret_result;
void (*hh_function)(struct hh *e, unsigned n, struct cm_call_args *args);

uint8_t *hh_arena(unsigned n)
{
    static uint8_t arenas[THREADS][HH_ARENA] __attribute__((aligned(64)));

    return arenas[n];
}

uint64_t hh_tcs(const struct hh *e, unsigned n)
{
    return e->tcs0 + n * e->stride;
}

/* ------------------------------------------------------------------------- loading */

static struct cm_rsa_key *key(void)
{
    static struct cm_rsa_key *made;

    if (made == NULL && cm_rsa_key_generate(&made) != CM_OK) {
        return NULL;
    }
    return made;
}

static uint64_t xfrm_here(void)
{
    uint32_t low;
    uint32_t high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & PLATFORM_XFRM;
}

static void fill(uint8_t *p, size_t n, int with)
{
    if (with >= 0) {
        memset(p, with, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)rand();
    }
}

static bool add_region(const struct hh *e, const struct cm_region *r, int heap_fill)
{
    uint8_t *pages = aligned_alloc(CM_PAGE_SIZE, r->length);
    struct sgx_secinfo secinfo = {.flags = r->secinfo_flags};
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)pages,
        .offset = r->offset,
        .length = r->length,
        .secinfo = (uint64_t)&secinfo,
        .flags = r->measured ? SGX_PAGE_MEASURE : 0,
    };
    bool ok = pages != NULL;

    if (ok && r->data != NULL) {
        memcpy(pages, r->data, r->length);
    } else if (ok) {
        fill(pages, r->length, r->measured ? 0 : heap_fill);
    }
    ok = ok && e->device->ioctl(e->fd, SGX_IOC_ADD_PAGES, &add) == 0;
    free(pages);
    return ok;
}

static bool map_region(const struct hh *e, const struct cm_region *r)
{
    const bool tcs = (r->secinfo_flags & SGX_SECINFO_TYPE(0xff)) == SGX_SECINFO_TYPE(SGX_PT_TCS);
    int prot = tcs ? PROT_READ | PROT_WRITE : 0;

    prot |= (r->secinfo_flags & SGX_SECINFO_R) != 0 ? PROT_READ : 0;
    prot |= (r->secinfo_flags & SGX_SECINFO_W) != 0 ? PROT_WRITE : 0;
    prot |= (r->secinfo_flags & SGX_SECINFO_X) != 0 ? PROT_EXEC : 0;
    return e->device->mmap((void *)(e->base + r->offset), r->length, prot, MAP_SHARED | MAP_FIXED,
                           e->fd, 0) == (void *)(e->base + r->offset);
}

static uint64_t reserve(uint64_t size)
{
    uint8_t *p = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint64_t at = ((uint64_t)p + size - 1) / size * size;

    return p == MAP_FAILED ? 0 : at;
}

static bool create(struct hh *e, const struct cm_plan *plan, const struct cm_enclave_props *props)
{
    const struct cm_secs_attrs attrs = cm_props_secs(props, true, xfrm_here());
    struct sgx_secs *secs = aligned_alloc(CM_PAGE_SIZE, sizeof(*secs));
    struct sgx_enclave_create create_args = {(uint64_t)secs};
    bool ok = secs != NULL;

    if (ok) {
        memset(secs, 0, sizeof(*secs));
        secs->size = plan->enclave_size;
        secs->base = e->base;
        secs->ssaframesize = plan->ssa_frame_pages;
        secs->miscselect = attrs.misc;
        secs->attributes.flags = attrs.attributes;
        secs->attributes.xfrm = attrs.xfrm;
        ok = e->device->ioctl(e->fd, SGX_IOC_CREATE, &create_args) == 0;
    }
    free(secs);
    return ok;
}

static bool init(const struct hh *e, const struct cm_plan *plan,
                 const struct cm_enclave_props *props)
{
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    uint8_t sig[CM_SIGSTRUCT_SIZE];
    struct sgx_enclave_init init_args = {(uint64_t)sig};
    struct cm_why why;

    return cm_plan_mrenclave(plan, mrenclave) == CM_OK &&
           cm_sigstruct_build(props, mrenclave, DATE, sig) == CM_OK &&
           cm_sigstruct_sign(sig, key(), &why) == CM_OK &&
           e->device->ioctl(e->fd, SGX_IOC_INIT, &init_args) == 0;
}

static bool load(struct hh *e, const struct cm_plan *plan, const struct cm_enclave_props *props,
                 int heap_fill)
{
    bool ok;

    e->size = plan->enclave_size;
    e->tcs_count = plan->tcs_count;
    e->stride = plan->tcs_stride;
    e->heap_len = plan->heap_length;
    e->base = reserve(e->size);
    e->tcs0 = e->base + plan->tcs_offset;
    e->heap = e->base + plan->heap_offset;
    e->fd = e->device->open();
    ok = e->base != 0 && e->fd >= 0 && create(e, plan, props);
    for (size_t i = 0; ok && i < plan->region_count; i++) {
        ok = add_region(e, &plan->regions[i], heap_fill);
    }
    ok = ok && init(e, plan, props);
    for (size_t i = 0; ok && i < plan->region_count; i++) {
        ok = map_region(e, &plan->regions[i]);
    }
    return ok;
}

bool hh_load(struct hh *e, int heap_fill)
{
    struct cm_why why = {0};
    uint8_t *file = NULL;
    size_t len = 0;
    struct cm_image *image = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    bool ok = false;

    memset(e, 0, sizeof(*e));
    e->fd = -1;
    e->device = cm_sgxemu_device(&why);
    if (e->device == NULL) {
        (void)printf("  no emulator: %s\n", why.text);
        return false;
    }
    hh_device_enter = e->device->enter;
    hh_have_avx512 = (xfrm_here() & SGX_XFRM_ZMM) == SGX_XFRM_ZMM;
    if (cm_file_read(HH_IMAGE, (size_t)1 << 26, &file, &len, &why) == CM_OK &&
        cm_image_open(cm_span_make(file, len), &image, &why) == CM_OK) {
        cm_image_props(image, &props);
        if (cm_plan_make(image, &props, &plan, &why) == CM_OK) {
            ok = load(e, plan, &props, heap_fill);
        }
    }
    if (!ok) {
        (void)printf("  hh_load: %s\n", why.text);
    }
    cm_plan_free(plan);
    cm_image_free(image);
    free(file);
    return ok;
}

void hh_unload(struct hh *e)
{
    if (e->device != NULL && e->fd >= 0) {
        (void)e->device->munmap((void *)e->base, e->size);
        (void)e->device->close(e->fd);
        e->fd = -1;
    }
}

/* -------------------------------------------------------------------------- calling */

uint64_t hh_enter(const struct hh *e, unsigned n, uint64_t word, uint64_t *arg,
                  struct sgx_enclave_run *run)
{
    struct hh_regs regs;

    memset(&regs, 0, offsetof(struct hh_regs, zmm));
    memset(run, 0, sizeof(*run));
    run->tcs = hh_tcs(e, n);
    regs.rdi = word;
    regs.rsi = *arg;
    regs.rflags = 0x40402; /* AC and DF: an entry never trusts what it finds */
    regs.mxcsr = 0x1f80;
    regs.fcw = 0x37f;
    if (hh_enter_raw(&regs, SGX_EENTER, run) != 0 || run->function != SGX_EEXIT) {
        return 0;
    }
    *arg = regs.rsi;
    return regs.rdi;
}

uint64_t hh_honest(struct hh *e, unsigned n, uint32_t func, uint64_t arg)
{
    if (func == CM_OCALL_MALLOC) {
        struct cm_host_alloc_args *a = (struct cm_host_alloc_args *)arg;

        a->address = (uint64_t)malloc(a->size);
    } else if (func == CM_OCALL_FREE) {
        free((void *)arg);
    } else if (func == CM_OCALL_CALL_FUNCTION && hh_function != NULL) {
        hh_function(e, n, (struct cm_call_args *)arg);
    } else if (func == CM_OCALL_GET_TIME) {
        *(uint64_t *)arg = 1;
    }
    return 0;
}

oe_result_t hh_ecall(struct hh *e, unsigned n, uint32_t func, uint64_t arg, hh_ocall serve)
{
    struct sgx_enclave_run run;
    uint64_t word = CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0);

    for (;;) {
        word = hh_enter(e, n, word, &arg, &run);
        if (CM_CALL_CODE(word) == CM_CODE_ERET) {
            return (oe_result_t)CM_CALL_RESULT(word);
        }
        if (CM_CALL_CODE(word) != CM_CODE_OCALL) {
            return OE_FAILURE;
        }
        arg = (serve != NULL ? serve : hh_honest)(e, n, CM_CALL_FUNC(word), arg);
        word = CM_CALL_WORD(CM_CODE_ORET, CM_CALL_FUNC(word), 0, hh_oret_result);
    }
}

oe_result_t hh_init(struct hh *e)
{
    static struct cm_cpuid_entry cpuid[3] __attribute__((aligned(8)));
    struct cm_init_args args;

    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t leaves[3][2] = {{1, 0}, {7, 0}, {0xd, 1}};
        struct cm_cpuid_entry *c = &cpuid[i];

        c->leaf = leaves[i][0];
        c->subleaf = leaves[i][1];
        __cpuid_count(c->leaf, c->subleaf, c->eax, c->ebx, c->ecx, c->edx);
    }
    memset(&args, 0, sizeof(args));
    args.enclave = 0x1234;
    args.cpuid_table = (uint64_t)cpuid;
    args.cpuid_count = 3;
    return hh_ecall(e, 0, CM_ECALL_INIT, (uint64_t)&args, NULL);
}

static size_t round16(size_t n)
{
    return (n + 15) / 16 * 16;
}

oe_result_t hh_call_served(struct hh *e, unsigned n, uint64_t id, const void *in, size_t in_len,
                           void *out, size_t out_len, hh_ocall serve)
{
    uint8_t *in_copy = aligned_alloc(16, round16(in_len) + 16);
    uint8_t *out_copy = aligned_alloc(16, round16(out_len) + 16);
    struct cm_call_args args = {
        .function_id = id,
        .input_buffer = (uint64_t)in_copy,
        .input_buffer_size = round16(in_len),
        .output_buffer = (uint64_t)out_copy,
        .output_buffer_size = round16(out_len),
        .result = OE_FAILURE,
        .arena = (uint64_t)hh_arena(n),
        .arena_size = HH_ARENA,
    };
    oe_result_t result = OE_OUT_OF_MEMORY;

    if (in_copy != NULL && out_copy != NULL) {
        memset(in_copy, 0, round16(in_len) + 16);
        memcpy(in_copy, in_len == 0 ? (const void *)"" : in, in_len);
        result = hh_ecall(e, n, CM_ECALL_CALL_FUNCTION, (uint64_t)&args, serve);
        if (result == OE_OK) {
            result = (oe_result_t)args.result;
        }
        if (out_len != 0) {
            memcpy(out, out_copy, out_len);
        }
    }
    free(in_copy);
    free(out_copy);
    return result;
}

oe_result_t hh_call(struct hh *e, unsigned n, uint64_t id, const void *in, size_t in_len, void *out,
                    size_t out_len)
{
    return hh_call_served(e, n, id, in, in_len, out, out_len, NULL);
}
