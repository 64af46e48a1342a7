/*
 * EGETKEY and EREPORT for the rest of the trusted code: alignment, the checks that keep a bad request
 * from becoming a fault, and the processor's error codes as results. Thread-safe, no allocation.
 */
#ifndef CM_ENCLAVE_SGXKEY_H
#define CM_ENCLAVE_SGXKEY_H

#include <stdint.h>

#include <openenclave/bits/result.h>

#include "arch/sgx.h"

#define CM_SGX_KEY_SIZE 16u

/**
 * The key that a request asks for. The request may come from outside; it must be a private copy.
 *
 * @param key  Set on OE_OK only, otherwise zeroed. The caller wipes it.
 * @retval OE_INVALID_PARAMETER  reserved bits, or an attribute that this enclave does not have
 * @retval OE_UNSUPPORTED        uses KSS, and this enclave does not
 * @retval OE_INVALID_CPUSVN, OE_INVALID_ISVSVN, OE_INVALID_KEYNAME  as EGETKEY says
 * @retval OE_UNEXPECTED         any other answer
 */
oe_result_t cm_egetkey(const struct sgx_keyrequest *request, uint8_t key[CM_SGX_KEY_SIZE]);

/**
 * A report of this enclave.
 *
 * @param target  Whom it is for; may come from outside, in a private copy. NULL: made for no enclave
 *                at all, to learn about oneself.
 * @param data    NULL for zeros.
 * @param report  Zeroed unless OE_OK.
 * @retval OE_INVALID_PARAMETER  reserved bytes of target are not zero (G7)
 */
oe_result_t cm_ereport(const struct sgx_targetinfo *target, const uint8_t data[64],
                       struct sgx_report *report);

/** ATTRIBUTES.FLAGS of this enclave, as the processor reports them. */
uint64_t cm_attribute_flags(void);

#endif
