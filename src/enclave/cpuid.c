/*
 * The CPUID instruction is illegal inside SGX enclaves; the host gives a table at initialisation
 * instead. UNTRUSTED: it is copied once and never changes; what it claims about register states is
 * held to XFRM, which the processor vouches for (C4).
 */
#include <string.h>

#include "arch/sgx.h"
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

enum { EAX, EBX, ECX, EDX, ENTRIES_MAX = 256, XGETBV_ECX_1 = 4 };

static struct cm_cpuid_entry *table;
static uint64_t entries;

oe_result_t cm_cpuid_init(uint64_t host_table, uint64_t count)
{
    uint32_t regs[4];

    if (count == 0) {
        return OE_OK;
    }
    if (count > ENTRIES_MAX || host_table % sizeof(uint64_t) != 0 ||
        !cm_outside(host_table, count * sizeof(*table))) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    table = oe_allocator_malloc(count * sizeof(*table));
    if (table == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    cm_copy_in(table, cm_ptr(host_table), count * sizeof(*table));
    entries = count;
    /* If the host lies, the next entry faults, which it can have more cheaply. */
    cm_xstate_xinuse = cm_cpuid_lookup(0xd, 1, regs) && (regs[EAX] & XGETBV_ECX_1) != 0;
    return OE_OK;
}

/* Feature bits that need a register state (SDM Vol. 2A, CPUID). */
#define LEAF1_ECX_AVX    0x30001000u /* FMA, AVX, F16C */
#define LEAF7_EBX_AVX    0x00000020u /* AVX2 */
#define LEAF7_ECX_AVX    0x00000600u /* VAES, VPCLMULQDQ */
#define LEAF7_EBX_AVX512 0xdc230000u
#define LEAF7_ECX_AVX512 0x00005842u
#define LEAF7_EDX_AVX512 0x0080010cu
#define LEAF7_EDX_AMX    0x03400000u
#define XSAVE_SIZE_MAX   4096u

static void hold_to_xfrm(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    const uint64_t xfrm = cm_xfrm();
    const bool avx = (xfrm & SGX_XFRM_YMM) != 0;
    const bool avx512 = avx && (xfrm & SGX_XFRM_ZMM) == SGX_XFRM_ZMM;

    if (leaf == 1) {
        regs[ECX] &= avx ? ~0u : ~LEAF1_ECX_AVX;
    } else if (leaf == 7 && subleaf == 0) {
        regs[EBX] &= (avx ? ~0u : ~LEAF7_EBX_AVX) & (avx512 ? ~0u : ~LEAF7_EBX_AVX512);
        regs[ECX] &= (avx ? ~0u : ~LEAF7_ECX_AVX) & (avx512 ? ~0u : ~LEAF7_ECX_AVX512);
        regs[EDX] &= (avx512 ? ~0u : ~LEAF7_EDX_AVX512) & ~LEAF7_EDX_AMX;
    } else if (leaf == 7) {
        memset(regs, 0, 4 * sizeof(regs[0]));
    } else if (leaf == 0xd && subleaf == 0) {
        regs[EAX] &= (uint32_t)xfrm;
        regs[EDX] &= (uint32_t)(xfrm >> 32);
        regs[EBX] = regs[EBX] < XSAVE_SIZE_MAX ? regs[EBX] : XSAVE_SIZE_MAX;
        regs[ECX] = regs[ECX] < XSAVE_SIZE_MAX ? regs[ECX] : XSAVE_SIZE_MAX;
    }
}

bool cm_cpuid_lookup(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    for (uint64_t i = 0; i < entries; i++) {
        const struct cm_cpuid_entry *e = &table[i];

        if (e->leaf == leaf && e->subleaf == subleaf) {
            regs[EAX] = e->eax;
            regs[EBX] = e->ebx;
            regs[ECX] = e->ecx;
            regs[EDX] = e->edx;
            hold_to_xfrm(leaf, subleaf, regs);
            return true;
        }
    }
    return false;
}
