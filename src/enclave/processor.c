/*
 * What the processor says about the running enclave, by EREPORT for the enclave itself: its
 * attributes and the register states it may use. Decides how entry.S resets those states.
 */
#include "arch/sgx.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/sgxkey.h"

/* until XFRM is known: everything that our own code could have used */
uint32_t cm_xstate_mode = CM_XSTATE_XRSTOR;
uint64_t cm_xstate_mask = SGX_XFRM_LEGACY | SGX_XFRM_YMM | SGX_XFRM_ZMM;

/* whether XGETBV can tell XINUSE; from the host's CPUID table, see cm_cpuid_init */
uint32_t cm_xstate_xinuse;

static struct sgx_attributes attributes;
static uint32_t miscselect;

static enum cm_xstate_mode mode_of(uint64_t xfrm)
{
    if ((xfrm & ~(SGX_XFRM_LEGACY | SGX_XFRM_YMM | SGX_XFRM_ZMM)) != 0) {
        return CM_XSTATE_XRSTOR;
    }
    if ((xfrm & SGX_XFRM_YMM) == 0) {
        return CM_XSTATE_SSE;
    }
    if ((xfrm & SGX_XFRM_ZMM) == 0) {
        return CM_XSTATE_AVX;
    }
    return (xfrm & SGX_XFRM_ZMM) == SGX_XFRM_ZMM ? CM_XSTATE_AVX512 : CM_XSTATE_XRSTOR;
}

void cm_processor_init(void)
{
    struct sgx_report report;

    (void)cm_ereport(NULL, NULL, &report); /* fails for a bad target only */
    attributes = report.body.attributes;
    miscselect = report.body.miscselect;
    cm_xstate_mask = attributes.xfrm;
    cm_xstate_mode = mode_of(attributes.xfrm);
}

uint64_t cm_attribute_flags(void)
{
    return attributes.flags;
}

uint64_t cm_xfrm(void)
{
    return attributes.xfrm;
}

uint32_t cm_miscselect(void)
{
    return miscselect;
}
