/* Which SGX device serves an enclave; see devices.h. Never emulate silently. */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "host/devices.h"

const struct cm_sgx_device *cm_choose_device(bool simulate, struct cm_why *why)
{
    const char *variable = getenv("OE_SIMULATION");
    const struct cm_sgx_device *device = NULL;
    struct cm_why cause = {""};

    if (!simulate && (variable == NULL || strcmp(variable, "1") != 0)) {
        device = cm_kernel_device(&cause);
        if (device == NULL) {
            cm_why_set(why,
                       "%s. To run in the emulator, which protects nothing: set OE_SIMULATION=1 or "
                       "pass OE_ENCLAVE_FLAG_SIMULATE",
                       cause.text);
        }
        return device;
    }
    return cm_sgxemu_device(why); /* which says on stderr that it protects nothing */
}

uint64_t cm_platform_xfrm(bool emulated)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    uint64_t xcr0 = 3;

    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_OSXSAVE) != 0) {
        unsigned low = 0;
        unsigned high = 0;

        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        xcr0 = (uint64_t)high << 32 | low;
    }
    /* leaf 12H.1: the bits of SECS.ATTRIBUTES.XFRM that this processor lets an enclave set */
    if (!emulated && __get_cpuid_count(0x12, 1, &a, &b, &c, &d) != 0 && c != 0) {
        xcr0 &= (uint64_t)d << 32 | c;
    }
    return xcr0;
}
