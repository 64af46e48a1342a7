/* The headers of keys and sealing: values that the API and the processor fix. */
#include "harness.h"

#include <openenclave/bits/keys.h>
#include <openenclave/sgx/seal.h>

TEST(setting_numbers)
{
    CHECK_EQ(OE_SEAL_SETTING_POLICY, 0);
    CHECK_EQ(OE_SEAL_SETTING_ADDITIONAL_CONTEXT, 1);
    CHECK_EQ(OE_SEAL_SETTING_IV, 2);
    CHECK_EQ(OE_SEAL_SETTING_PLUGIN_DEFINED, 0x8000);
    CHECK_EQ(OE_SEAL_SETTING_SGX_KEYNAME, 0x8000);
    CHECK_EQ(OE_SEAL_SETTING_SGX_ISVSVN, 0x8001);
    CHECK_EQ(OE_SEAL_SETTING_SGX_CET_ATTRIBUTES_MASK, 0x8002);
    CHECK_EQ(OE_SEAL_SETTING_SGX_CPUSVN, 0x8003);
    CHECK_EQ(OE_SEAL_SETTING_SGX_FLAGSMASK, 0x8004);
    CHECK_EQ(OE_SEAL_SETTING_SGX_XFRMMASK, 0x8005);
    CHECK_EQ(OE_SEAL_SETTING_SGX_MISCMASK, 0x8006);
    CHECK_EQ(OE_SEAL_SETTING_SGX_CONFIGSVN, 0x8007);
}

TEST(setting_macros)
{
    const uint8_t bytes[16] = {0};
    const oe_seal_setting_t s[] = {OE_SEAL_SET_POLICY(OE_SEAL_POLICY_UNIQUE),
                                   OE_SEAL_SET_IV(bytes, 12),
                                   OE_SEAL_SET_CONTEXT(bytes, 16),
                                   OE_SEAL_SET_SGX_KEYNAME(4),
                                   OE_SEAL_SET_SGX_ISVSVN(7),
                                   OE_SEAL_SET_SGX_CET_ATTRIBUTES_MASK(1),
                                   OE_SEAL_SET_SGX_CPUSVN(bytes),
                                   OE_SEAL_SET_SGX_FLAGSMASK(UINT64_MAX),
                                   OE_SEAL_SET_SGX_XFRMMASK(3),
                                   OE_SEAL_SET_SGX_MISCMASK(UINT32_MAX),
                                   OE_SEAL_SET_SGX_CONFIGSVN(9)};

    CHECK(s[0].type == OE_SEAL_SETTING_POLICY && s[0].size == 0 && s[0].value.w == 1);
    CHECK(s[1].type == OE_SEAL_SETTING_IV && s[1].size == 12 && s[1].value.p == bytes);
    CHECK(s[2].type == OE_SEAL_SETTING_ADDITIONAL_CONTEXT && s[2].size == 16);
    CHECK(s[4].type == OE_SEAL_SETTING_SGX_ISVSVN && s[4].value.w == 7);
    CHECK(s[6].type == OE_SEAL_SETTING_SGX_CPUSVN && s[6].size == 16 && s[6].value.p == bytes);
    CHECK(s[7].type == OE_SEAL_SETTING_SGX_FLAGSMASK && s[7].value.q == UINT64_MAX);
    CHECK(s[9].type == OE_SEAL_SETTING_SGX_MISCMASK && s[9].value.d == UINT32_MAX);
    CHECK(s[10].type == OE_SEAL_SETTING_SGX_CONFIGSVN && s[10].value.w == 9);
}

TEST(default_masks)
{
    CHECK(OE_SEALKEY_DEFAULT_FLAGSMASK == 0xff0000000000000bULL);
    CHECK(OE_SEALKEY_DEFAULT_MISCMASK == 0xf0000000u);
    CHECK(OE_SEALKEY_DEFAULT_XFRMMASK == 0);
    CHECK_EQ(OE_OFFSETOF(sgx_key_request_t, cpu_svn), 8);
    CHECK_EQ(OE_OFFSETOF(sgx_key_request_t, attribute_mask), 24);
    CHECK_EQ(OE_OFFSETOF(sgx_key_request_t, key_id), 40);
    CHECK_EQ(OE_OFFSETOF(sgx_key_request_t, misc_attribute_mask), 72);
    CHECK_EQ(OE_OFFSETOF(sgx_key_request_t, config_svn), 76);
    CHECK_EQ(OE_OFFSETOF(sgx_sigstruct_t, enclavehash), 960);
    CHECK_EQ(OE_OFFSETOF(sgx_sigstruct_t, q1), 1040);
    CHECK_EQ(OE_OFFSETOF(sgx_report_body_t, report_data), 320);
    CHECK_EQ(OE_OFFSETOF(sgx_target_info_t, config_id), 64);
    CHECK_EQ(OE_OFFSETOF(sgx_quote_t, report_body), 48);
}

TEST_MAIN
