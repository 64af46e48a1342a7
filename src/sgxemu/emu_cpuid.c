/*
 * CPUID as the emulated processor answers it: the machine's own, with SGX1, SGX2, launch control
 * and the limits that ECREATE applies. In signals.
 */
#include <cpuid.h>

#include "sgxemu/emu_kernel.h"

#define LEAF7_EBX_SGX    (1u << 2)
#define LEAF7_ECX_SGX_LC (1u << 30)
#define EPC_BASE         0x70000000u
#define EPC_SIZE         0x08000000u /* 128 MiB; nothing is ever evicted */

static void leaf_sgx(uint32_t subleaf, uint32_t out[4])
{
    uint64_t xfrm = EMU_XFRM_OFFERED & cm_emu_xcr0();

    out[0] = out[1] = out[2] = out[3] = 0;
    if (subleaf == 0) {
        out[0] = 3; /* SGX1, SGX2 */
        out[1] = EMU_MISC_OFFERED;
        out[3] = 31u | (EMU_SIZE_LOG2_MAX << 8);
    } else if (subleaf == 1) {
        out[0] = (uint32_t)EMU_ATTR_OFFERED;
        out[2] = (uint32_t)xfrm;
        out[3] = (uint32_t)(xfrm >> 32);
    } else if (subleaf == 2) {
        out[0] = EPC_BASE | 1u;
        out[2] = EPC_SIZE | 1u;
    }
}

void cm_emu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    if (leaf == 0x12) {
        leaf_sgx(subleaf, out);
        return;
    }
    __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
    if (leaf == 7 && subleaf == 0) {
        out[1] |= LEAF7_EBX_SGX;
        out[2] |= LEAF7_ECX_SGX_LC;
    } else if (leaf == 0 && out[0] < 0x12) {
        out[0] = 0x12;
    }
}
