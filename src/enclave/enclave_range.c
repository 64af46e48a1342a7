/*
 * Where this enclave lies: from the address of its own ELF header and from its measured properties.
 * Nothing here comes from the host.
 */
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/range.h"
#include "enclave/runtime.h"

extern const uint8_t __ehdr_start[] __attribute__((visibility("hidden")));
extern const volatile oe_sgx_enclave_properties_t oe_enclave_properties_sgx
    __attribute__((visibility("hidden")));

uint64_t cm_image_base;
static uint64_t base;
static uint64_t size;

const volatile oe_sgx_enclave_properties_t *cm_properties(void)
{
    return &oe_enclave_properties_sgx;
}

void cm_enclave_range_init(void)
{
    const volatile oe_sgx_enclave_properties_t *p = cm_properties();

    cm_image_base = (uint64_t)__ehdr_start;
    base = cm_image_base;
    if (p->config.flags.create_zero_base_enclave) {
        base -= p->config.start_address;
    }
    size = p->image_info.enclave_size;
}

bool cm_outside(uint64_t p, uint64_t n)
{
    return cm_range_outside(base, size, p, n);
}

bool oe_is_within_enclave(const void *p, size_t n)
{
    return cm_range_within(base, size, (uint64_t)p, n);
}

bool oe_is_outside_enclave(const void *p, size_t n)
{
    return cm_range_outside(base, size, (uint64_t)p, n);
}
