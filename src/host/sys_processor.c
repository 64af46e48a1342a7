/*
 * The ocalls of openenclave/edl/sgx/cpu.edl and thread.edl. The runtime has what they tell by other ways (the
 * table at INIT, THREAD_WAIT and THREAD_WAKE); they serve enclaves that call them.
 */
#include <cpuid.h>
#include <string.h>

#include "host/handle.h"
#include "host/sys_ocalls.h"

oe_result_t oe_sgx_get_cpuid_table_ocall(void *table, size_t size)
{
    uint32_t regs[4];
    uint8_t *row = table;

    if (table == NULL || size == 0 || size % sizeof(regs) != 0) {
        return OE_INVALID_PARAMETER;
    }
    for (size_t leaf = 0; leaf < size / sizeof(regs); leaf++, row += sizeof(regs)) {
        memset(regs, 0, sizeof(regs)); /* a leaf that this processor lacks reads as zero */
        if (leaf <= UINT32_MAX) {
            (void)__get_cpuid_count((unsigned)leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3]);
        }
        memcpy(row, regs, sizeof(regs));
    }
    return OE_OK;
}

void oe_sgx_thread_wake_wait_ocall(oe_enclave_t *enclave, uint64_t waiter_tcs, uint64_t self_tcs)
{
    if (enclave != NULL && enclave == cm_handle_current() &&
        cm_slot_wake(enclave, waiter_tcs) == OE_OK) {
        (void)cm_slot_wait(enclave, self_tcs);
    }
}
