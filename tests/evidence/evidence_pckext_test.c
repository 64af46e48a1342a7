/* The SGX extension of a PCK certificate: every member, and each without which it is none. */
#include "der_parts.h"

#include "evidence/der.h"
#include "evidence/pck_ext.h"

static size_t good_extension(bool platform, uint8_t *out)
{
    struct pki_spec s;

    pki_defaults(&s, 3, 1);
    s.ext.platform = platform;
    s.ext.comp[3] = 200;
    s.ext.pcesvn = 40000;
    return pki_sgx_extension(&s.ext, out);
}

TEST(SGX_extension_is_read)
{
    uint8_t der[1024];
    struct cm_pck_ext ext;

    for (int platform = 0; platform < 2; platform++) {
        size_t len = good_extension(platform != 0, der);

        REQUIRE(cm_pck_ext_parse(cm_span_make(der, len), &ext) == CM_OK);
        CHECK_EQ(ext.comp_svn[3], 200);
        CHECK_EQ(ext.comp_svn[15], 5);
        CHECK_EQ(ext.pcesvn, 40000);
        CHECK_EQ(ext.sgx_type, 1);
        CHECK_EQ(ext.platform, platform);
        CHECK_MEM(ext.ppid, "PPID of the test", 16);
        CHECK_EQ(ext.fmspc[5], 1);
        CHECK_EQ(ext.dynamic_platform, platform);
        CHECK(!ext.cached_keys);
        CHECK_EQ(ext.smt_enabled, platform);
    }
}

/* Every truncation, and every changed byte that is no value: refused, or the same meaning. */
TEST(SGX_extension_malformed)
{
    uint8_t der[1024];
    struct cm_pck_ext ext;
    struct cm_pck_ext first;
    size_t len = good_extension(true, der);

    REQUIRE(cm_pck_ext_parse(cm_span_make(der, len), &first) == CM_OK);
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, der, n);
        CHECK_EQ(cm_pck_ext_parse(cm_span_make(exact, n), &ext), CM_ERR_FORMAT);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * len; bit++) {
        memset(&ext, 0, sizeof(ext));
        der[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (cm_pck_ext_parse(cm_span_make(der, len), &ext) == CM_OK) {
            CHECK(memcmp(&ext, &first, sizeof(ext)) != 0); /* then it means something else */
        }
        der[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    der[len] = 0; /* bytes behind it */
    CHECK_EQ(cm_pck_ext_parse(cm_span_make(der, len + 1), &ext), CM_ERR_FORMAT);
}

static size_t find(const uint8_t *der, size_t len, const char *bytes, size_t n)
{
    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(der + i, bytes, n) == 0) {
            return i;
        }
    }
    TEST_FAIL("pattern not found");
    return 0;
}

/* One member's bytes replaced by as many others: doubled, unknown, of another type or size. */
static void replaced(int line, const char *from, const char *to, size_t n)
{
    uint8_t der[1024];
    struct cm_pck_ext ext;
    size_t len = good_extension(true, der);

    memcpy(der + find(der, len, from, n), to, n);
    if (cm_pck_ext_parse(cm_span_make(der, len), &ext) != CM_ERR_FORMAT) {
        TEST_FAIL("line %d: accepted", line);
    }
}

#define REPLACED(from, to) replaced(__LINE__, from, to, sizeof(from) - 1)

TEST(SGX_extension_members)
{
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x03\x04\x10"); /* two PCEIDs */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x08\x04\x10"); /* unknown */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x00\x04\x10"); /* zero */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x02\x01\x04\x10"); /* another base */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x81\x04\x10"); /* an unfinished arc */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x01\x04\x0f"); /* a byte left over */
    REPLACED("\x0d\x01\x01\x04\x10", "\x0d\x01\x01\x03\x10"); /* a bit string */
    REPLACED("\x0d\x01\x02\x01\x02\x01\x05",
             "\x0d\x01\x02\x02\x02\x01\x05"); /* component 2 twice */
    REPLACED("\x0d\x01\x02\x01\x02\x01\x05", "\x0d\x01\x02\x13\x02\x01\x05"); /* 19 */
    REPLACED("\x0d\x01\x02\x01\x02\x01\x05", "\x0d\x01\x03\x01\x02\x01\x05");
    REPLACED("\x0d\x01\x02\x01\x02\x01\x05", "\x0d\x01\x02\x01\x02\x01\x85"); /* negative */
    REPLACED("\x0d\x01\x02\x01\x02\x01\x05", "\x0d\x01\x02\x01\x02\x00\x05"); /* empty */
    REPLACED("\x02\x02\x00\xc8", "\x02\x02\x01\xc8");                         /* component of 456 */
    REPLACED("\x02\x03\x00\x9c\x40", "\x02\x03\x01\x9c\x40"); /* PCESVN of 17 bits */
    REPLACED("\x0a\x01\x01", "\x0a\x01\x03");                 /* type of platform */
    REPLACED("\x0d\x01\x07\x01\x01\x01\xff", "\x0d\x01\x07\x02\x01\x01\xff"); /* flag 2 twice */
    REPLACED("\x0d\x01\x07\x01\x01\x01\xff", "\x0d\x01\x07\x04\x01\x01\xff"); /* flag 4 */
    REPLACED("\x0d\x01\x07\x01\x01\x01\xff", "\x0d\x01\x07\x01\x01\x01\x01"); /* no DER boolean */
}

/* The good extension with member number index replaced (index 7: appended). */
static enum cm_status with_member(size_t index, struct cm_span instead, struct cm_pck_ext *ext)
{
    uint8_t der[1024];
    size_t len = good_extension(true, der);
    struct cm_rd rd = cm_rd_init(cm_span_make(der, len));
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct out content = {{0}, 0};
    struct out whole = {{0}, 0};

    for (size_t i = 0; i < 7; i++) {
        struct cm_span e = cm_der_element(&list, CM_DER_SEQUENCE);

        add(&content, i == index ? instead : e);
    }
    CHECK(!list.bad && list.left == 0);
    if (index == 7) {
        add(&content, instead);
    }
    wrap(&whole, 0x30, &content);
    return cm_pck_ext_parse(cm_span_make(whole.b, whole.len), ext);
}

#define MEMBER(arc) "\x06\x0a\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01" arc

TEST(SGX_extension_member_by_member)
{
    static const struct cm_span pceid = B("\x30\x10" MEMBER("\x03") "\x04\x02\x00\x00");
    static const struct cm_span pceid1 = B("\x30\x0f" MEMBER("\x03") "\x04\x01\x00");
    static const struct cm_span pceid3 = B("\x30\x11" MEMBER("\x03") "\x04\x03\x00\x00\x00");
    static const struct cm_span fmspc5 =
        B("\x30\x13" MEMBER("\x04") "\x04\x05\x01\x02\x03\x04\x05");
    static const struct cm_span more = B("\x30\x12" MEMBER("\x03") "\x04\x02\x00\x00\x05\x00");
    static const struct cm_span eight = B("\x30\x10" MEMBER("\x08") "\x04\x02\x00\x00");
    static const struct cm_span no_tcb = B("\x30\x0e" MEMBER("\x02") "\x30\x00");
    static const struct cm_span no_flags = B("\x30\x0e" MEMBER("\x07") "\x30\x00");
    static const struct cm_span none = {NULL, 0};
    struct cm_pck_ext ext;

    CHECK_EQ(with_member(2, pceid, &ext), CM_OK);
    CHECK_EQ(with_member(7, pceid, &ext), CM_ERR_FORMAT); /* twice */
    CHECK_EQ(with_member(2, pceid1, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(2, pceid3, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(3, fmspc5, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(2, more, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(7, eight, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(1, no_tcb, &ext), CM_ERR_FORMAT);
    CHECK_EQ(with_member(6, no_flags, &ext), CM_OK); /* each flag is optional */
    CHECK(!ext.dynamic_platform && !ext.cached_keys && !ext.smt_enabled);
    for (size_t i = 0; i < 7; i++) {
        CHECK_EQ(with_member(i, none, &ext), CM_ERR_FORMAT);
    }
}

/* Seventeen of the eighteen parts of the TCB; each in turn is missing. */
TEST(SGX_extension_needs_every_component)
{
    uint8_t der[1024];
    size_t len = good_extension(true, der);
    struct cm_pck_ext ext;

    for (size_t skip = 0; skip <= 19; skip++) {
        struct cm_rd rd = cm_rd_init(cm_span_make(der, len));
        struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
        struct cm_rd entry = {0};
        struct cm_rd tcb = {0};
        struct out parts = {{0}, 0};
        struct out value = {{0}, 0};
        struct out member = {{0}, 0};
        static const struct cm_span oid = B(MEMBER("\x02"));

        (void)cm_der_element(&list, CM_DER_SEQUENCE);
        entry = cm_der_enter(&list, CM_DER_SEQUENCE);
        (void)cm_der_oid(&entry);
        tcb = cm_der_enter(&entry, CM_DER_SEQUENCE);
        for (size_t i = 0; i < 18; i++) {
            struct cm_span e = cm_der_element(&tcb, CM_DER_SEQUENCE);

            if (i != skip) {
                add(&parts, e);
            }
            if (skip == 19 && i == 0) { /* all of them, and one twice */
                add(&parts, e);
            }
        }
        REQUIRE(!tcb.bad && tcb.left == 0);
        add(&value, oid);
        wrap(&value, 0x30, &parts);
        wrap(&member, 0x30, &value);
        CHECK_EQ(with_member(1, cm_span_make(member.b, member.len), &ext),
                 skip == 18 ? CM_OK : CM_ERR_FORMAT);
    }
}

TEST(SGX_extension_flags_are_each_their_own)
{
    uint8_t der[1024];
    struct cm_pck_ext ext;
    struct pki_spec s;
    size_t len = 0;

    pki_defaults(&s, 3, 1);
    s.ext.cached_keys = true;
    len = pki_sgx_extension(&s.ext, der);
    REQUIRE(cm_pck_ext_parse(cm_span_make(der, len), &ext) == CM_OK);
    CHECK(ext.dynamic_platform && ext.cached_keys && ext.smt_enabled);
}

TEST_MAIN
