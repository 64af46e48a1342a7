/*
 * The ioctls of SGX2 as far as the host alone can drive them: checks, errno values, result codes and
 * counts. (What the enclave answers is in the leaf tests.) Runs linked and preloaded.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#include "emu_kit.h"

#define MIB (1ull << 20)

struct range_case {
    const char *what;
    uint64_t offset;
    uint64_t length;
    uint64_t value; /* permissions or page type */
    uint64_t result;
    uint64_t count;
    int err;
};

static const struct range_case restrict_cases[] = {
    {"offset not aligned", 5, 4096, 1, 0, 0, EINVAL},
    {"length 0", 4096, 0, 1, 0, 0, EINVAL},
    {"length not aligned", 4096, 5, 1, 0, 0, EINVAL},
    {"beyond the end", MIB, 4096, 1, 0, 0, EINVAL},
    {"overflow", 4096, (uint64_t)-4096, 1, 0, 0, EINVAL},
    {"overflow into the range", (uint64_t)-4096, 2 * 4096, 1, 0, 0, EINVAL},
    {"unknown permission", 4096, 4096, 8, 0, 0, EINVAL},
    {"W without R", 4096, 4096, 2, 0, 0, EINVAL},
    {"result not 0", 4096, 4096, 1, 1, 0, EINVAL},
    {"count not 0", 4096, 4096, 1, 0, 1, EINVAL},
    {"a TCS", 2 * 4096, 4096, 1, 0, 0, EINVAL},
    {"nothing there", 100 * 4096, 4096, 1, 0, 0, EFAULT},
    {"good", 4096, 4096, 1, 0, 0, 0},
};

TEST(restrict_table)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    for (size_t i = 0; i < sizeof(restrict_cases) / sizeof(restrict_cases[0]); i++) {
        const struct range_case *c = &restrict_cases[i];
        struct sgx_enclave_restrict_permissions a = {c->offset, c->length, c->value, c->result,
                                                     c->count};
        int err = kit_ioctl(e.fd, SGX_IOC_RESTRICT_PERMS, &a);

        if (err != c->err) {
            TEST_FAIL("%s: %s", c->what, strerror(err));
        }
    }
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_RESTRICT_PERMS, NULL), EFAULT);
    kit_destroy(&e);
}

static const struct range_case modify_cases[] = {
    {"offset not aligned", 5, 4096, SGX_PT_TRIM, 0, 0, EINVAL},
    {"length 0", 4096, 0, SGX_PT_TRIM, 0, 0, EINVAL},
    {"beyond the end", MIB, 4096, SGX_PT_TRIM, 0, 0, EINVAL},
    {"overflow into the range", (uint64_t)-4096, 2 * 4096, SGX_PT_TRIM, 0, 0, EINVAL},
    {"type out of range", 4096, 4096, 256, 0, 0, EINVAL},
    {"to SECS", 4096, 4096, SGX_PT_SECS, 0, 0, EINVAL},
    {"to REG", 4096, 4096, SGX_PT_REG, 0, 0, EINVAL},
    {"to VA", 4096, 4096, SGX_PT_VA, 0, 0, EINVAL},
    {"result not 0", 4096, 4096, SGX_PT_TRIM, 1, 0, EINVAL},
    {"count not 0", 4096, 4096, SGX_PT_TRIM, 0, 1, EINVAL},
    {"nothing there", 100 * 4096, 4096, SGX_PT_TRIM, 0, 0, EFAULT},
    {"a TCS to a TCS", 2 * 4096, 4096, SGX_PT_TCS, 0, 0, EINVAL},
    {"RX to a TCS", 0, 4096, SGX_PT_TCS, 0, 0, EPERM},
    {"RW to a TCS", 5 * 4096, 4096, SGX_PT_TCS, 0, 0, 0},
    {"RW to TRIM", 6 * 4096, 4096, SGX_PT_TRIM, 0, 0, 0},
    {"an idle TCS to TRIM", 2 * 4096, 4096, SGX_PT_TRIM, 0, 0, 0},
    {"TRIM to TRIM", 6 * 4096, 4096, SGX_PT_TRIM, 0, 0, EINVAL},
};

TEST(modify_table)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    for (size_t i = 0; i < sizeof(modify_cases) / sizeof(modify_cases[0]); i++) {
        const struct range_case *c = &modify_cases[i];
        struct sgx_enclave_modify_types a = {c->offset, c->length, c->value, c->result, c->count};
        int err = kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, &a);

        if (err != c->err) {
            TEST_FAIL("%s: %s", c->what, strerror(err));
        }
        if (err == 0) {
            CHECK_EQ(a.count, c->length);
        }
    }
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, NULL), EFAULT);
    kit_destroy(&e);
}

TEST(pages_in_between_states_are_not_modifiable)
{
    struct kit_enclave e;
    struct sgx_enclave_modify_types t = {5 * KIT_PAGE, 2 * KIT_PAGE, SGX_PT_TCS, 0, 0};
    struct sgx_enclave_restrict_permissions r = {4 * KIT_PAGE, 3 * KIT_PAGE, 1, 0, 0};

    REQUIRE(kit_small(&e, MIB));
    /* MODIFIED and of another type: EINVAL comes first, after one good page */
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, &t), 0);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_RESTRICT_PERMS, &r), EINVAL);
    CHECK_EQ(r.count, KIT_PAGE);
    CHECK_EQ(r.result, 0);
    /* a TCS that the enclave has not accepted: SGX_PAGE_NOT_MODIFIABLE */
    t.page_type = SGX_PT_TRIM;
    t.count = 0;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, &t), EFAULT);
    CHECK_EQ(t.result, SGX_PAGE_NOT_MODIFIABLE);
    CHECK_EQ(t.count, 0);
    kit_destroy(&e);
}

TEST(removal_needs_the_enclaves_consent)
{
    struct kit_enclave e;
    struct sgx_enclave_remove_pages r = {5 * KIT_PAGE, KIT_PAGE, 0};
    struct sgx_enclave_modify_types t = {5 * KIT_PAGE, KIT_PAGE, SGX_PT_TRIM, 0, 0};

    REQUIRE(kit_small(&e, MIB));
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, NULL), EFAULT);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EPERM); /* not trimmed */
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, &t), 0);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EPERM); /* not accepted */
    CHECK_EQ(r.count, 0);
    r.offset = 200 * KIT_PAGE;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EFAULT); /* not there */
    r.offset = (uint64_t)-KIT_PAGE; /* the sum overflows into the range */
    r.length = 2 * KIT_PAGE;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EINVAL);
    r.length = KIT_PAGE;
    r.count = 1;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EINVAL);
    kit_destroy(&e);
}

TEST(before_init_there_is_no_sgx2)
{
    struct kit_enclave e;
    struct sgx_enclave_remove_pages r = {0, KIT_PAGE, 0};
    struct sgx_enclave_modify_types t = {0, KIT_PAGE, SGX_PT_TRIM, 0, 0};
    struct sgx_enclave_restrict_permissions p = {0, KIT_PAGE, 1, 0, 0};

    REQUIRE(kit_create(&e, MIB, NULL));
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_REMOVE_PAGES, &r), EINVAL);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_MODIFY_TYPES, &t), EINVAL);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_RESTRICT_PERMS, &p), EINVAL);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_RESTRICT_PERMS, NULL), EINVAL); /* before the argument */
    kit_destroy(&e);
}

TEST_MAIN
