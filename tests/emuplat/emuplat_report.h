/* An invented enclave on this user's emulated platform: its REPORTs and quotes. */
#ifndef CM_TESTS_EMUPLAT_REPORT_H
#define CM_TESTS_EMUPLAT_REPORT_H

#include <casemate/emuplat.h>
#include <string.h>

#include "sgxemu/emu_keys.h"

#define KIT_QUOTE_MAX 32768

/* A REPORT of some enclave for the quoting enclave, as this processor makes it. */
static inline bool kit_report_of(uint64_t flags, const uint8_t data[64], uint8_t out[432])
{
    struct cm_emu_platform fuses;
    struct cm_emu_ident id;
    struct sgx_targetinfo target;
    struct sgx_report report;

    memset(&id, 0, sizeof(id));
    id.attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64 | flags;
    id.attributes.xfrm = 3;
    memset(id.mrenclave, 0xe1, 32);
    memset(id.mrsigner, 0xe2, 32);
    id.isvprodid = 7;
    id.isvsvn = 3;
    if (cm_emuplat_target_info((uint8_t *)&target, NULL) != CM_OK ||
        cm_emu_platform_load(&fuses, NULL) != CM_OK ||
        cm_emu_report_make(&fuses, &id, &target, data, &report) != SGX_SUCCESS) {
        return false;
    }
    memcpy(out, &report, sizeof(report));
    return true;
}

static inline bool kit_report_flags(uint64_t flags, uint8_t out[432])
{
    uint8_t data[64];

    memset(data, 0xda, sizeof(data));
    return kit_report_of(flags, data, out);
}

static inline bool kit_report(uint8_t out[432])
{
    return kit_report_flags(0, out);
}

/* A quote of such an enclave; its length, or 0. */
static inline size_t kit_quote(uint8_t out[KIT_QUOTE_MAX])
{
    uint8_t report[432];
    size_t size = 0;

    return kit_report(report) && cm_emuplat_quote(report, out, KIT_QUOTE_MAX, &size, NULL) == CM_OK
               ? size
               : 0;
}

#endif
