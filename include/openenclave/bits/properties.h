/*
 * Enclave properties: a macro in the enclave's own source says what it needs (heap, stacks,
 * threads) and what it is (product, version). oesign may override the values from a config file.
 * The values in force are measured, so they are part of the enclave's identity.
 */
#ifndef _OE_BITS_PROPERTIES_H
#define _OE_BITS_PROPERTIES_H

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

/* An OP-TEE trusted application's properties mean nothing to an SGX build. */
#define OE_SET_ENCLAVE_OPTEE(UUID, HEAP_SIZE, STACK_SIZE, FLAGS, VERSION, DESCRIPTION)

#endif
