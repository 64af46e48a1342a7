/*
 * EINIT's checks without a device: which SGX error code stands for which defect, in the SDM's order,
 * and that a refused signature changes nothing.
 */
#include "harness.h"

#include "crypto/crypto.h"
#include "sgxemu/emu_sigstruct.h"

static struct sgx_sigstruct good;
static struct cm_emu_ident ident;

static void reverse(uint8_t out[384], const uint8_t in[384])
{
    for (size_t i = 0; i < 384; i++) {
        out[i] = in[383 - i];
    }
}

static bool sign(struct sgx_sigstruct *s)
{
    static struct cm_rsa_key *key;
    struct cm_rsa_pub pub;
    uint8_t text[256];
    uint8_t digest[32];
    uint8_t number[384];
    uint8_t q1[384];
    uint8_t q2[384];

    if (key == NULL && cm_rsa_key_generate(&key) != CM_OK) {
        return false;
    }
    memcpy(text, s, 128);
    memcpy(text + 128, (const uint8_t *)s + 900, 128);
    if (cm_rsa_key_pub(key, &pub) != CM_OK ||
        cm_sha256_of(cm_span_make(text, sizeof(text)), digest) != CM_OK ||
        cm_rsa_sign(key, digest, number) != CM_OK ||
        cm_rsa_quotients(&pub, number, q1, q2) != CM_OK) {
        return false;
    }
    reverse(s->modulus, pub.modulus);
    reverse(s->signature, number);
    reverse(s->q1, q1);
    reverse(s->q2, q2);
    return true;
}

static bool setup(void)
{
    static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1};
    static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1};

    memset(&good, 0, sizeof(good));
    memset(&ident, 0, sizeof(ident));
    memcpy(good.header, header, 16);
    memcpy(good.header2, header2, 16);
    good.exponent = 3;
    good.attributes.flags = SGX_ATTR_MODE64 | SGX_ATTR_KSS;
    good.attributes.xfrm = 3;
    good.attributemask.flags = ~0ull;
    good.attributemask.xfrm = ~0ull;
    good.miscmask = ~0u;
    memset(good.mrenclave, 0x41, 32);
    memset(good.isvfamilyid, 0x42, 16);
    memset(good.isvextprodid, 0x43, 16);
    good.isvprodid = 9;
    good.isvsvn = 3;
    ident.attributes = good.attributes;
    memset(ident.mrenclave, 0x41, 32);
    memset(ident.configid, 0x44, 64);
    ident.configsvn = 5;
    return sign(&good);
}

TEST(accepted_signature_fills_in_the_signers_half)
{
    uint8_t mrsigner[32] = {0};

    REQUIRE(setup());
    CHECK_EQ(cm_emu_einit_check(&good, &ident), SGX_SUCCESS);
    REQUIRE(cm_sha256_of(cm_span_make(good.modulus, 384), mrsigner) == CM_OK);
    CHECK_MEM(ident.mrsigner, mrsigner, 32);
    CHECK_MEM(ident.family_id, good.isvfamilyid, 16);
    CHECK_MEM(ident.ext_prod_id, good.isvextprodid, 16);
    CHECK_EQ(ident.isvprodid, 9);
    CHECK_EQ(ident.isvsvn, 3);
    CHECK_EQ(ident.configsvn, 5); /* ECREATE's, not the signer's */
}

TEST(error_codes_in_the_sdms_order)
{
    struct sgx_sigstruct s;
    struct cm_emu_ident before;

    REQUIRE(setup());
    before = ident;
    /* everything wrong at once, then one thing repaired after the other */
    s = good;
    s.header[0] ^= 1;
    s.signature[0] ^= 1;
    ident.mrenclave[0] ^= 1;
    ident.attributes.flags ^= SGX_ATTR_DEBUG;
    before = ident;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_SIG_STRUCT);
    s.header[0] ^= 1;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_SIGNATURE);
    s.signature[0] ^= 1;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_MEASUREMENT);
    CHECK_MEM(&ident, &before, sizeof(ident));
    ident.mrenclave[0] ^= 1;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_ATTRIBUTE);
    ident.attributes.flags ^= SGX_ATTR_DEBUG;
    ident.misc = 1;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_ATTRIBUTE);
    ident.misc = 0;
    ident.attributes.xfrm = 7;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_INVALID_ATTRIBUTE);
    ident.attributes.xfrm = 3;
    CHECK_EQ(cm_emu_einit_check(&s, &ident), SGX_SUCCESS);
}

TEST(quotients_count)
{
    struct sgx_sigstruct s;

    REQUIRE(setup());
    s = good;
    s.q1[383] ^= 1;
    CHECK_EQ(cm_emu_sigstruct_check(&s), SGX_INVALID_SIGNATURE);
    s = good;
    s.q2[0] ^= 1;
    CHECK_EQ(cm_emu_sigstruct_check(&s), SGX_INVALID_SIGNATURE);
    s = good;
    memset(s.modulus, 0, 384);
    CHECK_EQ(cm_emu_sigstruct_check(&s), SGX_INVALID_SIGNATURE);
    memset(s.modulus, 0xff, 384);
    CHECK_EQ(cm_emu_sigstruct_check(&s), SGX_INVALID_SIGNATURE);
    s = good;
    memcpy(s.signature, s.modulus, 384); /* not smaller than the modulus */
    CHECK_EQ(cm_emu_sigstruct_check(&s), SGX_INVALID_SIGNATURE);
}

/* without KSS the two identifiers do not exist */
TEST(identifiers_need_kss)
{
    REQUIRE(setup());
    good.attributes.flags &= ~SGX_ATTR_KSS;
    ident.attributes.flags &= ~SGX_ATTR_KSS;
    REQUIRE(sign(&good));
    CHECK_EQ(cm_emu_einit_check(&good, &ident), SGX_INVALID_SIG_STRUCT);
    memset(good.isvfamilyid, 0, 16);
    REQUIRE(sign(&good));
    CHECK_EQ(cm_emu_einit_check(&good, &ident), SGX_INVALID_SIG_STRUCT);
    memset(good.isvextprodid, 0, 16);
    REQUIRE(sign(&good));
    CHECK_EQ(cm_emu_einit_check(&good, &ident), SGX_SUCCESS);
}

TEST_MAIN
