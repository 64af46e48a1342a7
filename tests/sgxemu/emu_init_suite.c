/*
 * EINIT through the INIT ioctl: every field of SIGSTRUCT, the masks, launch rules, and what a
 * production signature refuses (G2). Runs linked and preloaded.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#include "emu_kit.h"

#define MIB (1ull << 20)

static uint8_t source[4096] __attribute__((aligned(4096)));

/* an enclave of one page, ready for INIT, with a good SIGSTRUCT */
static bool ready(struct kit_enclave *e, struct sgx_sigstruct *sig, void (*secs)(struct sgx_secs *),
                  void (*tweak)(struct sgx_sigstruct *))
{
    return kit_create(e, MIB, secs) && kit_add(e, 0, source, KIT_PAGE, KIT_RX, true) == 0 &&
           kit_sign(e, sig, tweak);
}

TEST(good_signature_is_taken_once)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;

    REQUIRE(ready(&e, &sig, NULL, NULL));
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_INIT, NULL), EFAULT);
    {
        struct sgx_enclave_init bad = {8};

        CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_INIT, &bad), EFAULT);
    }
    CHECK_EQ(kit_init(&e, &sig), 0);
    CHECK_EQ(kit_init(&e, &sig), EINVAL);
    kit_destroy(&e);
}

TEST(before_create)
{
    struct sgx_sigstruct sig;
    struct sgx_enclave_init init = {(uint64_t)(uintptr_t)&sig};
    int fd = kit.open_enclave();

    memset(&sig, 0, sizeof(sig));
    CHECK_EQ(kit_ioctl(fd, SGX_IOC_INIT, &init), EINVAL);
    CHECK_EQ(kit.close(fd), 0);
}

/* Every byte of a signed SIGSTRUCT counts: header, dates, reserved, masks, key, signature, Q1, Q2. */
TEST(every_flipped_bit_is_refused)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    size_t taken = 0;

    REQUIRE(ready(&e, &sig, NULL, NULL));
    for (size_t i = 0; i < sizeof(sig); i++) {
        uint8_t *byte = (uint8_t *)&sig + i;
        uint8_t bit = (uint8_t)(1u << (i % 8));
        int err = 0;

        *byte ^= bit;
        err = kit_init(&e, &sig);
        if (err != EPERM && err != EINVAL) {
            taken++;
            TEST_FAIL("byte %zu: %s", i, strerror(err));
        }
        *byte ^= bit;
    }
    CHECK_EQ(taken, 0);
    CHECK_EQ(kit_init(&e, &sig), 0); /* and refusing it left the enclave as it was */
    kit_destroy(&e);
}

/* ------------------------------------------------------------------ signed, but wrong */

static void s_vendor(struct sgx_sigstruct *s)
{
    s->vendor = 1;
}
static void s_vendor_intel(struct sgx_sigstruct *s)
{
    s->vendor = 0x8086;
}
static void s_header(struct sgx_sigstruct *s)
{
    s->header[8] ^= 1;
}
static void s_header2(struct sgx_sigstruct *s)
{
    s->header2[0] ^= 1;
}
static void s_exponent(struct sgx_sigstruct *s)
{
    s->exponent = 65537;
}
static void s_res1(struct sgx_sigstruct *s)
{
    s->reserved1[83] = 1;
}
static void s_res2(struct sgx_sigstruct *s)
{
    s->reserved2[0] = 1;
}
static void s_res3(struct sgx_sigstruct *s)
{
    s->reserved3[15] = 1;
}
static void s_res4(struct sgx_sigstruct *s)
{
    s->reserved4[11] = 1;
}
static void s_measurement(struct sgx_sigstruct *s)
{
    s->mrenclave[31] ^= 1;
}
static void s_attr_differs(struct sgx_sigstruct *s)
{
    s->attributes.flags |= SGX_ATTR_KSS;
}
static void s_attr_unmasked(struct sgx_sigstruct *s)
{
    s->attributes.flags |= SGX_ATTR_KSS;
    s->attributemask.flags &= ~SGX_ATTR_KSS;
}
static void s_attr_unknown(struct sgx_sigstruct *s)
{
    s->attributes.flags |= 1ull << 40;
}
static void s_attr_unknown_unmasked(struct sgx_sigstruct *s)
{
    s->attributes.flags |= 1ull << 40;
    s->attributemask.flags &= ~(1ull << 40);
}
static void s_attr_init(struct sgx_sigstruct *s)
{
    s->attributes.flags |= SGX_ATTR_INIT;
}
static void s_misc_differs(struct sgx_sigstruct *s)
{
    s->miscselect = SGX_MISC_EXINFO;
}
static void s_misc_unmasked(struct sgx_sigstruct *s)
{
    s->miscselect = SGX_MISC_EXINFO;
    s->miscmask = ~(uint32_t)SGX_MISC_EXINFO;
}
static void s_misc_unknown(struct sgx_sigstruct *s)
{
    s->miscselect = 0x80;
}
static void s_xfrm_differs(struct sgx_sigstruct *s)
{
    s->attributes.xfrm = 7;
}
static void s_xfrm_unmasked(struct sgx_sigstruct *s)
{
    s->attributes.xfrm = 7;
    s->attributemask.xfrm = ~4ull;
}
static void s_xfrm_unknown(struct sgx_sigstruct *s)
{
    s->attributes.xfrm |= 1ull << 50;
}
static void s_family_without_kss(struct sgx_sigstruct *s)
{
    s->isvfamilyid[0] = 1;
}
static void s_extprod_without_kss(struct sgx_sigstruct *s)
{
    s->isvextprodid[0] = 1;
}
static void s_date(struct sgx_sigstruct *s)
{
    s->date = 0x19991231;
    s->swdefined = 7;
}

static const struct {
    const char *what;
    void (*tweak)(struct sgx_sigstruct *);
    int err;
} signed_cases[] = {
    {"vendor", s_vendor, EINVAL},
    {"vendor Intel", s_vendor_intel, 0},
    {"header", s_header, EPERM},
    {"header 2", s_header2, EPERM},
    {"exponent", s_exponent, EPERM},
    {"reserved 1", s_res1, EPERM},
    {"reserved 2", s_res2, EPERM},
    {"reserved 3", s_res3, EPERM},
    {"reserved 4", s_res4, EPERM},
    {"measurement", s_measurement, EPERM},
    {"attribute differs", s_attr_differs, EPERM},
    {"attribute differs where the mask is 0", s_attr_unmasked, 0},
    {"attribute that is not offered", s_attr_unknown, EINVAL},
    {"the same where the mask is 0", s_attr_unknown_unmasked, 0},
    {"INIT in the signature", s_attr_init, EINVAL},
    {"MISCSELECT differs", s_misc_differs, EPERM},
    {"MISCSELECT differs where the mask is 0", s_misc_unmasked, 0},
    {"MISCSELECT that is not offered", s_misc_unknown, EINVAL},
    {"XFRM differs", s_xfrm_differs, EPERM},
    {"XFRM differs where the mask is 0", s_xfrm_unmasked, 0},
    {"XFRM that is not offered", s_xfrm_unknown, EINVAL},
    {"family without KSS", s_family_without_kss, EPERM},
    {"extended product without KSS", s_extprod_without_kss, EPERM},
    {"any date and SWDEFINED", s_date, 0},
};

TEST(signed_but_wrong)
{
    for (size_t i = 0; i < sizeof(signed_cases) / sizeof(signed_cases[0]); i++) {
        struct kit_enclave e;
        struct sgx_sigstruct sig;
        int err = 0;

        REQUIRE(ready(&e, &sig, NULL, signed_cases[i].tweak));
        err = kit_init(&e, &sig);
        if (err != signed_cases[i].err) {
            TEST_FAIL("%s: %s", signed_cases[i].what, strerror(err));
        }
        kit_destroy(&e);
    }
}

TEST(another_signer_is_fine_but_not_with_the_first_ones_signature)
{
    struct kit_enclave e;
    struct sgx_sigstruct a;
    struct sgx_sigstruct b;

    REQUIRE(ready(&e, &a, NULL, NULL));
    b = a;
    REQUIRE(kit_resign(&b, 1));
    CHECK(memcmp(a.modulus, b.modulus, 384) != 0);
    memcpy(b.signature, a.signature, 384);
    CHECK_EQ(kit_init(&e, &b), EPERM);
    REQUIRE(kit_resign(&b, 1));
    CHECK_EQ(kit_init(&e, &b), 0);
    kit_destroy(&e);
}

/* ------------------------------------------------------------------ measurement */

static void no_debug(struct sgx_secs *s)
{
    s->attributes.flags &= ~SGX_ATTR_DEBUG;
}

TEST(measurement_is_what_was_added_where_and_how)
{
    struct kit_enclave e;
    struct sgx_sigstruct good;
    uint8_t other[4096] __attribute__((aligned(4096)));

    memset(other, 0, sizeof(other));
    REQUIRE(ready(&e, &good, NULL, NULL));
    kit_destroy(&e);
    other[4095] = 1;
    /* other contents, other permissions, other place, other order, unmeasured: never the same */
    for (int kind = 0; kind < 5; kind++) {
        REQUIRE(kit_create(&e, MIB, NULL));
        if (kind == 0) {
            CHECK_EQ(kit_add(&e, 0, other, KIT_PAGE, KIT_RX, true), 0);
        } else if (kind == 1) {
            CHECK_EQ(kit_add(&e, 0, source, KIT_PAGE, KIT_RWX, true), 0);
        } else if (kind == 2) {
            CHECK_EQ(kit_add(&e, KIT_PAGE, source, KIT_PAGE, KIT_RX, true), 0);
        } else if (kind == 3) {
            CHECK_EQ(kit_add(&e, KIT_PAGE, source, KIT_PAGE, KIT_RW, false), 0);
            CHECK_EQ(kit_add(&e, 0, source, KIT_PAGE, KIT_RX, true), 0);
        } else {
            CHECK_EQ(kit_add(&e, 0, source, KIT_PAGE, KIT_RX, false), 0);
        }
        CHECK_EQ(kit_init(&e, &good), EPERM);
        kit_destroy(&e);
    }
}

static void big_frame(struct sgx_secs *s)
{
    s->ssaframesize = 2;
}

TEST(measurement_covers_frame_size)
{
    struct kit_enclave e;
    struct sgx_sigstruct good;

    REQUIRE(ready(&e, &good, NULL, NULL));
    kit_destroy(&e);
    REQUIRE(kit_create(&e, MIB, big_frame));
    CHECK_EQ(kit_add(&e, 0, source, KIT_PAGE, KIT_RX, true), 0);
    CHECK_EQ(kit_init(&e, &good), EPERM);
    kit_destroy(&e);
}

/* ------------------------------------------------------------------ launch rules */

static void production(struct sgx_sigstruct *s)
{
    s->attributes.flags &= ~SGX_ATTR_DEBUG;
}

/* the mistake that G2 is named after: a mask that repeats the attributes leaves DEBUG unchecked */
static void mirrored_mask(struct sgx_sigstruct *s)
{
    s->attributes.flags &= ~SGX_ATTR_DEBUG;
    s->attributemask.flags = s->attributes.flags;
}

TEST(G2_production_signature_refuses_debug)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;

    REQUIRE(ready(&e, &sig, NULL, production));
    CHECK_EQ(kit_init(&e, &sig), EPERM);
    kit_destroy(&e);
    REQUIRE(ready(&e, &sig, no_debug, production));
    CHECK_EQ(kit_init(&e, &sig), 0);
    kit_destroy(&e);
    /* the processor does check only what the mask says: a signer must not write such a mask */
    REQUIRE(ready(&e, &sig, NULL, mirrored_mask));
    CHECK_EQ(kit_init(&e, &sig), 0);
    kit_destroy(&e);
}

static void with_provision(struct sgx_secs *s)
{
    s->attributes.flags |= SGX_ATTR_PROVISIONKEY;
}

static void with_einittoken(struct sgx_secs *s)
{
    s->attributes.flags |= SGX_ATTR_EINITTOKEN;
}

TEST(provisioning_needs_the_device)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    struct sgx_enclave_provision p = {0};
    int fd = kit.open_provision();

    REQUIRE(fd >= 0 && ready(&e, &sig, with_provision, NULL));
    CHECK_EQ(kit_init(&e, &sig), EACCES);
    p.fd = (uint64_t)fd;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, &p), 0);
    CHECK_EQ(kit_init(&e, &sig), 0);
    kit_destroy(&e);
    CHECK_EQ(kit.close(fd), 0);
}

TEST(launch_enclaves_are_nobodys)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;

    REQUIRE(ready(&e, &sig, with_einittoken, NULL));
    CHECK_EQ(kit_init(&e, &sig), EACCES);
    kit_destroy(&e);
}

TEST(vdso_has_the_entry)
{
    CHECK(kit.enter() != NULL);
}

TEST_MAIN
