/*
 * Sealed blobs and derived keys through the whole API: additional data, every changed bit, settings,
 * arguments, plugins, residue, reports (rows G6 and G7).
 */
#include "harness.h"

#include "seal_kit.h"

/* ------------------------------------------------------------------ the blob */

TEST(G6_additional_data_must_match)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    struct blob old = {.size = 0};
    struct blob none = {.size = 0};

    REQUIRE(e != NULL);
    REQUIRE(seal_aad(e, NULL, 0, "ledger|1|bank a|epoch 4", &old) == OE_OK);
    REQUIRE(seal_aad(e, NULL, 0, NULL, &none) == OE_OK);
    CHECK_EQ(open_aad(e, &old, "ledger|1|bank a|epoch 4"), OE_OK);
    /* another purpose, owner, length; and a replay of what an epoch has superseded */
    CHECK_EQ(open_aad(e, &old, "wallet|1|bank a|epoch 4"), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &old, "ledger|1|bank b|epoch 4"), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &old, "ledger|1|bank a|epoch 5"), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &old, "ledger|1|bank a|epoch "), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &old, "ledger|1|bank a|epoch 44"), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &old, NULL), OE_UNSUPPORTED);
    CHECK_EQ(open_aad(e, &none, "x"), OE_UNSUPPORTED);
    /* without an epoch an old blob opens for ever: docs/sealing.md says so */
    CHECK_EQ(open_aad(e, &none, NULL), OE_OK);
    CHECK_EQ(open_aad(e, &none, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G6_every_truncation_and_every_bit_refused)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    oe_enclave_t *kss = load_with("seal_kss", PRODUCTION, "a", 0xffff);
    const oe_seal_policy_t policies[] = {OE_SEAL_POLICY_UNIQUE, OE_SEAL_POLICY_PRODUCT};

    REQUIRE(e != NULL && kss != NULL);
    for (size_t i = 0; i < 2; i++) {
        oe_enclave_t *const all[] = {e, kss, kss};
        const size_t item_counts[] = {1, 1, 2};

        for (size_t k = 0; k < 3; k++) {
            seal_item items[] = {policy(policies[i]), number(OE_SEAL_SETTING_SGX_CONFIGSVN, 7)};
            struct blob b = {.size = 0};
            size_t tried = 0;
            int opened = -1;

            REQUIRE(seal_with(all[k], items, item_counts[k], &b) == OE_OK);
            CHECK_EQ(b.size, HEADER + TEXT_SIZE);
            CHECK_EQ(enc_sweep(all[k], &opened, b.bytes, b.size, &tried), OE_OK);
            CHECK_EQ(opened, 0);
            CHECK_EQ(tried, b.size + 1 + b.size * 8);
        }
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(kss), OE_OK);
}

TEST(G6_iv_and_key_never_repeat)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    int repeats = -1;

    REQUIRE(e != NULL);
    CHECK_EQ(enc_iv_unique(e, &repeats, 600), OE_OK);
    CHECK_EQ(repeats, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(settings)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    const uint8_t iv[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    seal_item all[] = {policy(OE_SEAL_POLICY_UNIQUE),
                       bytes_of(OE_SEAL_SETTING_IV, iv, sizeof(iv)),
                       number(OE_SEAL_SETTING_SGX_FLAGSMASK, OE_SEALKEY_DEFAULT_FLAGSMASK | 4),
                       number(OE_SEAL_SETTING_SGX_XFRMMASK, 3),
                       number(OE_SEAL_SETTING_SGX_MISCMASK, 0xffffffffu),
                       number(OE_SEAL_SETTING_SGX_KEYNAME, SGX_KEYSELECT_SEAL)};
    const seal_item wrong[] = {policy((oe_seal_policy_t)0),
                               policy((oe_seal_policy_t)3),
                               bytes_of(OE_SEAL_SETTING_IV, iv, 11),
                               number(OE_SEAL_SETTING_IV, 0),
                               bytes_of(OE_SEAL_SETTING_POLICY, iv, 8),
                               bytes_of(OE_SEAL_SETTING_SGX_FLAGSMASK, iv, 8),
                               number(OE_SEAL_SETTING_SGX_MISCMASK, 0x100000000u)};
    const seal_item unknown[] = {bytes_of(OE_SEAL_SETTING_ADDITIONAL_CONTEXT, iv, 12),
                                 number(OE_SEAL_SETTING_SGX_CET_ATTRIBUTES_MASK, 1), number(3, 1),
                                 number(-1, 1), number(OE_SEAL_SETTING_SGX_CONFIGSVN + 1, 1)};
    struct blob b = {.size = 0};

    REQUIRE(e != NULL);
    REQUIRE(seal_with(e, all, sizeof(all) / sizeof(all[0]), &b) == OE_OK);
    CHECK_MEM(b.bytes + 532, iv, sizeof(iv));
    CHECK_EQ(opens(e, &b), OE_OK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ(seal_with(e, &wrong[i], 1, &b), OE_INVALID_PARAMETER);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        CHECK_EQ(seal_with(e, &unknown[i], 1, &b), OE_UNSUPPORTED);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G6_blob_in_host_memory)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    struct blob b = {.size = 0};
    uint8_t plain[TEXT_SIZE];
    size_t size = 0;
    oe_result_t r = OE_UNEXPECTED;

    REQUIRE(e != NULL);
    REQUIRE(seal_with(e, NULL, 0, &b) == OE_OK);
    CHECK_EQ(enc_unseal_outside(e, &r, b.bytes, b.size, plain, sizeof(plain), &size), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK_MEM(plain, kit_text, TEXT_SIZE);
    CHECK_EQ(enc_unseal_outside(e, &r, NULL, b.size, plain, sizeof(plain), &size), OE_OK);
    CHECK_EQ(r, OE_INVALID_PARAMETER);
    CHECK_EQ(enc_unseal_outside(e, &r, b.bytes, SIZE_MAX, plain, sizeof(plain), &size), OE_OK);
    CHECK_EQ(r, OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(inside_checks)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    uint8_t outside[1024] = {0};
    int failed = -1;

    REQUIRE(e != NULL);
    CHECK(enc_key_arguments(e, &failed, outside) == OE_OK);
    CHECK_EQ(failed, 0);
    CHECK(enc_seal_arguments(e, &failed, outside) == OE_OK);
    CHECK_EQ(failed, 0);
    CHECK(enc_plugins(e, &failed) == OE_OK);
    CHECK_EQ(failed, 0);
    CHECK(enc_residue(e, &failed) == OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G7_reports_for_me_for_others_for_nobody)
{
    oe_enclave_t *e = load_with("seal_kss", PRODUCTION, "a", 1);
    int failed = -1;

    REQUIRE(e != NULL);
    CHECK(enc_reports(e, &failed) == OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* ------------------------------------------------------------------ key pairs */

TEST(key_pairs)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    int failed = -1;

    REQUIRE(e != NULL);
    for (uint32_t p = OE_SEAL_POLICY_UNIQUE; p <= OE_SEAL_POLICY_PRODUCT; p++) {
        CHECK(enc_key_pair(e, &failed, p, NULL) == OE_OK);
        CHECK_EQ(failed, 0);
        CHECK(enc_key_pair(e, &failed, p, "some data") == OE_OK);
        CHECK_EQ(failed, 0);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(public_keys_for_the_host)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    oe_enclave_t *other = load("seal_other_product", PRODUCTION);
    char data[] = "some data";
    oe_asymmetric_key_params_t params = {OE_ASYMMETRIC_KEY_EC_SECP256P1, OE_ASYMMETRIC_KEY_PEM,
                                         data, strlen(data)};
    uint8_t *key[4] = {NULL, NULL, NULL, NULL};
    size_t size[4] = {0, 0, 0, 0};
    uint8_t *info = NULL;
    size_t info_size = 0;
    char pem[512] = "";
    oe_result_t r = OE_UNEXPECTED;

    REQUIRE(e != NULL && other != NULL);
    CHECK_EQ(oe_get_public_key_by_policy(e, OE_SEAL_POLICY_UNIQUE, &params, &key[0], &size[0],
                                         &info, &info_size),
             OE_OK);
    CHECK(enc_public_key(e, &r, OE_SEAL_POLICY_UNIQUE, data, pem, sizeof(pem)) == OE_OK);
    CHECK_EQ(r, OE_OK);
    REQUIRE(key[0] != NULL && size[0] == strlen(pem) + 1);
    CHECK_STR((const char *)key[0], pem);
    CHECK_EQ(oe_get_public_key(e, &params, info, info_size, &key[1], &size[1]), OE_OK);
    CHECK_STR((const char *)key[1], pem);
    CHECK_EQ(oe_get_public_key(other, &params, info, info_size, &key[2], &size[2]), OE_OK);
    CHECK(key[2] != NULL && strcmp((const char *)key[2], pem) != 0);
    params.user_data_size--;
    CHECK_EQ(oe_get_public_key_by_policy(e, OE_SEAL_POLICY_UNIQUE, &params, &key[3], &size[3], NULL,
                                         NULL),
             OE_OK);
    CHECK(key[3] != NULL && strcmp((const char *)key[3], pem) != 0);
    for (size_t i = 1; i < 4; i++) {
        oe_free_key(key[i], size[i], NULL, 0);
        key[i] = NULL;
        size[i] = 0;
    }
    info[4] = info[5] = 0xff;
    CHECK_EQ(oe_get_public_key(e, &params, info, info_size, &key[1], &size[1]), OE_INVALID_ISVSVN);
    CHECK_EQ(oe_get_public_key(e, &params, info, 7, &key[1], &size[1]), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_public_key(e, &params, NULL, 0, &key[1], &size[1]), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_public_key(NULL, &params, info, info_size, &key[1], &size[1]),
             OE_INVALID_PARAMETER);
    CHECK_EQ(
        oe_get_public_key_by_policy(e, (oe_seal_policy_t)9, &params, &key[1], &size[1], NULL, NULL),
        OE_INVALID_PARAMETER);
    params.format = (oe_asymmetric_key_format_t)2;
    CHECK_EQ(oe_get_public_key_by_policy(e, OE_SEAL_POLICY_UNIQUE, &params, &key[1], &size[1], NULL,
                                         NULL),
             OE_INVALID_PARAMETER);
    CHECK(key[1] == NULL && size[1] == 0);
    oe_free_key(key[0], size[0], info, info_size);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(other), OE_OK);
}

TEST_MAIN
