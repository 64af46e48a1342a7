/* EGETKEY and EREPORT; see sgxkey.h. The processor faults on what it calls malformed, so that is
 * refused here first: a fault would end the enclave, and the request may be the host's. */
#include "enclave/sgxkey.h"

#include <string.h>

#include "common/wipe.h"
#include "enclave/runtime.h"

#define KSS_POLICY                                                                    \
    (SGX_KEYPOLICY_NOISVPRODID | SGX_KEYPOLICY_CONFIGID | SGX_KEYPOLICY_ISVFAMILYID | \
     SGX_KEYPOLICY_ISVEXTPRODID)
#define KNOWN_POLICY (SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER | KSS_POLICY)

/* SDM Vol. 3D, the operands' alignment; they must also be inside the enclave, as the stack is */
enum { REQUEST_ALIGN = 512, KEY_ALIGN = 16, REPORT_ALIGN = 512, DATA_ALIGN = 128 };

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

static oe_result_t check(const struct sgx_keyrequest *request)
{
    if (!all_zero(request->reserved2, sizeof(request->reserved2)) || request->reserved1 != 0 ||
        (request->keypolicy & ~KNOWN_POLICY) != 0) {
        return OE_INVALID_PARAMETER;
    }
    if ((cm_attribute_flags() & SGX_ATTR_KSS) == 0 &&
        ((request->keypolicy & KSS_POLICY) != 0 || request->configsvn != 0)) {
        return OE_UNSUPPORTED;
    }
    return OE_OK;
}

static oe_result_t result_of(uint64_t rax)
{
    switch (rax) {
    case SGX_SUCCESS:
        return OE_OK;
    case SGX_INVALID_ATTRIBUTE:
        return OE_INVALID_PARAMETER;
    case SGX_INVALID_CPUSVN:
        return OE_INVALID_CPUSVN;
    case SGX_INVALID_ISVSVN:
        return OE_INVALID_ISVSVN;
    case SGX_INVALID_KEYNAME:
        return OE_INVALID_KEYNAME;
    default:
        return OE_UNEXPECTED;
    }
}

oe_result_t cm_egetkey(const struct sgx_keyrequest *request, uint8_t key[CM_SGX_KEY_SIZE])
{
    struct sgx_keyrequest operand __attribute__((aligned(REQUEST_ALIGN)));
    uint8_t out[CM_SGX_KEY_SIZE] __attribute__((aligned(KEY_ALIGN))) = {0};
    oe_result_t result = OE_OK;

    memcpy(&operand, request, sizeof(operand));
    memset(key, 0, CM_SGX_KEY_SIZE);
    result = check(&operand);
    if (result == OE_OK) {
        result = result_of(cm_enclu_call(SGX_EGETKEY, (uint64_t)&operand, (uint64_t)out, 0));
    }
    if (result == OE_OK) {
        memcpy(key, out, CM_SGX_KEY_SIZE);
    }
    cm_wipe(out, sizeof(out));
    return result;
}

oe_result_t cm_ereport(const struct sgx_targetinfo *target, const uint8_t data[64],
                       struct sgx_report *report)
{
    struct sgx_targetinfo to __attribute__((aligned(REPORT_ALIGN)));
    struct sgx_report out __attribute__((aligned(REPORT_ALIGN)));
    uint8_t about[64] __attribute__((aligned(DATA_ALIGN))) = {0};

    memset(report, 0, sizeof(*report));
    memset(&to, 0, sizeof(to));
    memset(&out, 0, sizeof(out));
    if (target != NULL) {
        memcpy(&to, target, sizeof(to));
    }
    if (!all_zero(to.reserved1, sizeof(to.reserved1)) ||
        !all_zero(to.reserved2, sizeof(to.reserved2)) ||
        !all_zero(to.reserved3, sizeof(to.reserved3))) {
        return OE_INVALID_PARAMETER;
    }
    if (data != NULL) {
        memcpy(about, data, sizeof(about));
    }
    (void)cm_enclu_call(SGX_EREPORT, (uint64_t)&to, (uint64_t)about, (uint64_t)&out);
    memcpy(report, &out, sizeof(out));
    return OE_OK;
}
