/* The public base headers: names and values that the API fixes. */
#include "harness.h"

#include <openenclave/bits/properties.h>
#include <openenclave/bits/result.h>

OE_SET_ENCLAVE_SGX2(1, 2, ({1, 2}), ({3}), 1, 1, 1, 0, 0, 1024, 64, 3);

TEST(result_values_and_names)
{
    CHECK_EQ(OE_ENCLAVE_ABORTED, 20);
    CHECK_EQ(OE_INVALID_IMAGE, 60);
    CHECK_EQ(OE_SGX_QUOTE_LIBRARY_ERROR, 62);
    CHECK_STR(oe_result_str(OE_REENTRANT_ECALL), "OE_REENTRANT_ECALL");
    CHECK_STR(oe_result_str((oe_result_t)63), "UNKNOWN");
}

TEST(properties_macro_fills_its_fields)
{
    const volatile oe_sgx_enclave_properties_t *p = &oe_enclave_properties_sgx;

    CHECK_EQ(p->header.size, sizeof(*p));
    CHECK_EQ(p->header.size_settings.num_heap_pages, 1024);
    CHECK_EQ(p->config.product_id, 1);
    CHECK_EQ(p->config.extended_product_id[1], 2);
    CHECK_EQ(p->config.family_id[0], 3);
    CHECK_EQ(p->config.attributes, 0x86);
    CHECK(p->end_marker == OE_SGX_INFO_END_MARKER);
}

TEST_MAIN
