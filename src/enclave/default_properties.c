/*
 * Properties of an enclave whose source sets none: the signer's configuration gives them. Alone in its
 * archive member, so that OE_SET_ENCLAVE_SGX of the application takes its place. Without heap, stack and
 * threads it can be neither signed nor loaded before they are given.
 */
#include <openenclave/bits/sgx/sgxproperties.h>

__attribute__((section(OE_INFO_SECTION_NAME), used, aligned(8)))
const volatile oe_sgx_enclave_properties_t oe_enclave_properties_sgx = {
    .header = {sizeof(oe_sgx_enclave_properties_t), OE_ENCLAVE_TYPE_SGX, {0, 0, 0}},
    .config = {.attributes = __OE_SGX_ATTRIBUTES(0, 0)},
    .end_marker = OE_SGX_INFO_END_MARKER,
};
