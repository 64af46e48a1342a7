/*
 * Enclave properties: a macro in the enclave's own source says what it needs (heap, stacks,
 * threads) and what it is (product, version). oesign may override the values from a config file.
 * The values in force are measured, so they are part of the enclave's identity.
 */
#ifndef _OE_BITS_PROPERTIES_H
#define _OE_BITS_PROPERTIES_H

#include "result.h"
#include "types.h"

/* common to every kind of enclave */
typedef struct _oe_enclave_size_settings {
    uint64_t num_heap_pages;
    uint64_t num_stack_pages; /* of each thread */
    uint64_t num_tcs;         /* threads that can be inside at a time */
} oe_enclave_size_settings_t;

typedef struct _oe_enclave_properties_header {
    uint32_t size; /* of the whole properties structure */
    oe_enclave_type_t enclave_type;
    oe_enclave_size_settings_t size_settings;
} oe_enclave_properties_header_t;

#include "sgx/sgxproperties.h"

#include "optee/opteeproperties.h"

OE_EXTERNC_BEGIN

/**
 * A floor under the issue dates of TCB info, QE identity and both revocation lists: older ones are
 * refused with OE_INVALID_REVOCATION_INFO even while they are valid. For the whole process or
 * enclave.
 * @retval OE_INVALID_UTC_DATE_TIME
 */
oe_result_t __oe_sgx_set_minimum_crl_tcb_issue_date(uint32_t year, uint32_t month, uint32_t day,
                                                    uint32_t hours, uint32_t minutes,
                                                    uint32_t seconds);

OE_EXTERNC_END

#endif
