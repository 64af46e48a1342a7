/* SIGSTRUCT: layout, signature, masks, and every field that a check must notice. */
#include "harness.h"

#include "arch/sgx.h"
#include "crypto/crypto.h"
#include "image/image.h"

static const uint8_t mrenclave[32] = {1, 2, 3};

/* One key for all tests: making one is slow. */
static const struct cm_rsa_key *test_key(void)
{
    static struct cm_rsa_key *key;

    if (key == NULL && cm_rsa_key_generate(&key) != CM_OK) {
        (void)printf("no RSA key\n");
        exit(1);
    }
    return key;
}

static struct cm_enclave_props some_props(uint64_t attributes)
{
    struct cm_enclave_props p = {0};

    p.attributes = attributes | SGX_ATTR_MODE64;
    p.xfrm = 3;
    p.product_id = 0x1234;
    p.security_version = 0x5678;
    p.stack_pages = 1;
    p.tcs_count = 1;
    return p;
}

static void make_signed(uint64_t attributes, struct sgx_sigstruct *out)
{
    const struct cm_enclave_props p = some_props(attributes);
    uint8_t bytes[CM_SIGSTRUCT_SIZE];

    CHECK_EQ(cm_sigstruct_build(&p, mrenclave, 0x20261122, bytes), CM_OK);
    CHECK_EQ(cm_sigstruct_sign(bytes, test_key(), NULL), CM_OK);
    memcpy(out, bytes, sizeof(*out));
}

static enum cm_status check(const struct sgx_sigstruct *s, struct cm_sigstruct *out)
{
    return cm_sigstruct_check(cm_span_make(s, sizeof(*s)), out, NULL);
}

TEST(fields_stand_where_the_processor_looks)
{
    static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1};
    static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1};
    struct sgx_sigstruct s;
    struct cm_sigstruct parsed;

    make_signed(SGX_ATTR_DEBUG, &s);
    CHECK_MEM(s.header, header, 16);
    CHECK_MEM(s.header2, header2, 16);
    CHECK_EQ(s.vendor, 0);
    CHECK_EQ(s.date, 0x20261122);
    CHECK_EQ(s.exponent, 3);
    CHECK_EQ(s.isvprodid, 0x1234);
    CHECK_EQ(s.isvsvn, 0x5678);
    CHECK_MEM(s.mrenclave, mrenclave, 32);
    CHECK_EQ(s.miscselect, 0);
    CHECK_EQ(s.miscmask, 0xffffffff);
    CHECK_EQ(check(&s, &parsed), CM_OK);
    CHECK_EQ(parsed.product_id, 0x1234);
    CHECK_EQ(parsed.date, 0x20261122);
}

/* G2: what a production signature leaves open is AVX and AVX-512, nothing else. */
TEST(G2_masks_leave_nothing_open)
{
    struct sgx_sigstruct s;

    make_signed(0, &s);
    CHECK_EQ(s.attributes.flags, SGX_ATTR_MODE64);
    CHECK_EQ(s.attributes.xfrm, 3);
    CHECK_EQ(s.attributemask.flags, -1);
    CHECK_EQ(s.attributemask.xfrm, (long long)~0xe4ULL);
    CHECK((s.attributemask.flags & SGX_ATTR_DEBUG) != 0);
    make_signed(SGX_ATTR_DEBUG, &s);
    CHECK_EQ(s.attributemask.flags, (long long)~SGX_ATTR_DEBUG);
    CHECK_EQ(s.attributemask.xfrm, (long long)~0xe4ULL);
    make_signed(SGX_ATTR_KSS, &s);
    CHECK_EQ(s.attributes.flags, (long long)(SGX_ATTR_MODE64 | SGX_ATTR_KSS));
}

TEST(capture_pf_gp_selects_exinfo)
{
    struct cm_enclave_props p = some_props(0);
    struct cm_secs_attrs a;
    uint8_t bytes[CM_SIGSTRUCT_SIZE];
    struct cm_sigstruct s;

    p.capture_pf_gp = true;
    CHECK_EQ(cm_sigstruct_build(&p, mrenclave, 0x20260101, bytes), CM_OK);
    CHECK_EQ(cm_sigstruct_sign(bytes, test_key(), NULL), CM_OK);
    CHECK_EQ(cm_sigstruct_check(cm_span_make(bytes, sizeof(bytes)), &s, NULL), CM_OK);
    CHECK_EQ(s.attrs.misc, SGX_MISC_EXINFO);
    a = cm_props_secs(&p, true, 0x2e7);
    CHECK_EQ(a.misc, SGX_MISC_EXINFO);
    CHECK_EQ(a.xfrm, 0xe7);
    CHECK_EQ(a.attributes, SGX_ATTR_MODE64 | SGX_ATTR_DEBUG);
    CHECK_EQ(cm_props_secs(&p, false, 0).xfrm, 3);
}

TEST(every_byte_matters)
{
    struct sgx_sigstruct s;
    struct cm_sigstruct parsed;
    uint8_t *bytes = (uint8_t *)&s;

    make_signed(0, &s);
    for (size_t i = 0; i < sizeof(s); i++) {
        bytes[i] ^= 0x10;
        memset(&parsed, 0xff, sizeof(parsed));
        if (check(&s, &parsed) == CM_OK || parsed.product_id != 0) {
            TEST_FAIL("a change of byte %zu goes unnoticed", i);
        }
        bytes[i] ^= 0x10;
    }
    CHECK_EQ(check(&s, NULL), CM_OK);
    for (size_t len = 0; len < sizeof(s); len += 97) {
        CHECK_EQ(cm_sigstruct_check(cm_span_make(&s, len), &parsed, NULL), CM_ERR_FORMAT);
    }
}

TEST(dates_are_days)
{
    static const uint32_t bad[] = {0,          0x20260001, 0x20261301, 0x20260100,
                                   0x20260132, 0x2026010a, 0xa0260101};
    const struct cm_enclave_props p = some_props(0);
    uint8_t bytes[CM_SIGSTRUCT_SIZE];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(cm_sigstruct_build(&p, mrenclave, bad[i], bytes), CM_ERR_PARAM);
    }
}

TEST(a_foreign_signature_is_refused_and_changes_nothing)
{
    const struct cm_enclave_props p = some_props(0);
    uint8_t bytes[CM_SIGSTRUCT_SIZE];
    uint8_t before[CM_SIGSTRUCT_SIZE];
    uint8_t signature[CM_RSA3072_SIZE] = {0};
    static const uint8_t other_digest[32] = {1};
    struct cm_rsa_pub pub;
    struct cm_why why = {{0}};

    CHECK_EQ(cm_sigstruct_build(&p, mrenclave, 0x20260101, bytes), CM_OK);
    memcpy(before, bytes, sizeof(before));
    CHECK_EQ(cm_rsa_key_pub(test_key(), &pub), CM_OK);
    CHECK_EQ(cm_rsa_sign(test_key(), other_digest, signature), CM_OK);
    CHECK_EQ(cm_sigstruct_attach(bytes, &pub, signature, &why), CM_ERR_SIGNATURE);
    CHECK(strstr(why.text, "digest") != NULL);
    CHECK_MEM(bytes, before, sizeof(before));
}

TEST(signing_is_deterministic)
{
    struct sgx_sigstruct a;
    struct sgx_sigstruct b;

    make_signed(0, &a);
    make_signed(0, &b);
    CHECK_MEM(&a, &b, sizeof(a));
}

TEST_MAIN
