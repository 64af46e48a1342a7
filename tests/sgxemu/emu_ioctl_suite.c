/*
 * Conformance of the ioctls: every one, good and bad, with the errno values of the Linux driver.
 * Runs linked and preloaded (emu_kit.h).
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emu_kit.h"

#define MIB      (1ull << 20)
#define BAD      ((uint64_t)8) /* an address where nothing is */
#define PAGES(n) ((n)*KIT_PAGE)

static uint8_t source[8 * 4096] __attribute__((aligned(4096)));

/* ------------------------------------------------------------------ CREATE */

/* one change of a SECS that would be taken */
#define TWEAK(name, change)              \
    static void name(struct sgx_secs *s) \
    {                                    \
        change;                          \
    }

TWEAK(t_size_0, s->size = 0)
TWEAK(t_size_odd, s->size += 4096)
TWEAK(t_size_page, s->size = 4096)
static void t_size_huge(struct sgx_secs *s)
{
    s->size = 1ull << 62;
    s->base = 0;
}
TWEAK(t_base, s->base += 4096)
TWEAK(t_base_kernel, s->base = 0xffff800000000000ull)
TWEAK(t_ssa_0, s->ssaframesize = 0)
TWEAK(t_ssa_huge, s->ssaframesize = 0xffffffff)
TWEAK(t_init_bit, s->attributes.flags |= SGX_ATTR_INIT)
TWEAK(t_32bit, s->attributes.flags &= ~SGX_ATTR_MODE64)
TWEAK(t_bit3, s->attributes.flags |= 8)
TWEAK(t_cet, s->attributes.flags |= SGX_ATTR_CET)
TWEAK(t_aexnotify, s->attributes.flags |= SGX_ATTR_AEXNOTIFY)
TWEAK(t_attr_high, s->attributes.flags |= 1ull << 63)
TWEAK(t_xfrm_1, s->attributes.xfrm = 1)
TWEAK(t_xfrm_high, s->attributes.xfrm |= 1ull << 40)
TWEAK(t_xfrm_512_part, s->attributes.xfrm = 0x27)
TWEAK(t_xfrm_512_no_avx, s->attributes.xfrm = 0xe3)
TWEAK(t_misc, s->miscselect = 2)
TWEAK(t_configid, s->configid[63] = 1)
TWEAK(t_configsvn, s->configsvn = 1)
TWEAK(t_res1, s->reserved1[0] = 1)
TWEAK(t_res2, s->reserved2[31] = 1)
TWEAK(t_res3, s->reserved3[7] = 1)
TWEAK(t_res4, s->reserved4[3833] = 1)
static void t_good_kss(struct sgx_secs *s)
{
    s->attributes.flags |= SGX_ATTR_KSS;
    s->configid[0] = 9;
    s->configsvn = 2;
}
TWEAK(t_good_exinfo, s->miscselect = SGX_MISC_EXINFO)
TWEAK(t_good_ssa_2, s->ssaframesize = 2)

static const struct {
    const char *what;
    void (*tweak)(struct sgx_secs *);
    int err;
} create_cases[] = {
    {"size 0", t_size_0, EINVAL},
    {"size not a power of two", t_size_odd, EINVAL},
    {"one page", t_size_page, EIO},
    {"beyond the processor's limit", t_size_huge, EIO},
    {"base not aligned to the size", t_base, EIO},
    {"base in the kernel's half", t_base_kernel, EIO},
    {"no SSA frame", t_ssa_0, EIO},
    {"SSA frame larger than the enclave", t_ssa_huge, EIO},
    {"INIT set", t_init_bit, EIO},
    {"32 bit", t_32bit, EIO},
    {"reserved attribute", t_bit3, EIO},
    {"CET", t_cet, EIO},
    {"AEX-Notify", t_aexnotify, EIO},
    {"high attribute", t_attr_high, EIO},
    {"XFRM without SSE", t_xfrm_1, EIO},
    {"unknown XFRM", t_xfrm_high, EIO},
    {"a part of AVX-512", t_xfrm_512_part, EIO},
    {"AVX-512 without AVX", t_xfrm_512_no_avx, EIO},
    {"unknown MISCSELECT", t_misc, EIO},
    {"CONFIGID without KSS", t_configid, EIO},
    {"CONFIGSVN without KSS", t_configsvn, EIO},
    {"reserved 1", t_res1, EIO},
    {"reserved 2", t_res2, EIO},
    {"reserved 3", t_res3, EIO},
    {"reserved 4", t_res4, EIO},
    {"KSS", t_good_kss, 0},
    {"EXINFO", t_good_exinfo, 0},
    {"SSA frame of two pages", t_good_ssa_2, 0},
};

TEST(create_table)
{
    uint8_t *at = kit_reserve(MIB);

    REQUIRE(at != NULL);
    for (size_t i = 0; i < sizeof(create_cases) / sizeof(create_cases[0]); i++) {
        struct sgx_secs secs = kit_secs((uint64_t)(uintptr_t)at, MIB);
        struct sgx_enclave_create create = {(uint64_t)(uintptr_t)&secs};
        int fd = kit.open_enclave();
        int err = 0;

        create_cases[i].tweak(&secs);
        err = kit_ioctl(fd, SGX_IOC_CREATE, &create);
        if (err != create_cases[i].err) {
            TEST_FAIL("%s: %s", create_cases[i].what, strerror(err));
        }
        /* a refused CREATE leaves the device as it was */
        if (err != 0) {
            secs = kit_secs((uint64_t)(uintptr_t)at, MIB);
            CHECK_EQ(kit_ioctl(fd, SGX_IOC_CREATE, &create), 0);
        }
        CHECK_EQ(kit_ioctl(fd, SGX_IOC_CREATE, &create), EINVAL); /* twice */
        CHECK_EQ(kit.close(fd), 0);
    }
    (void)munmap(at, MIB);
}

TEST(create_bad_addresses)
{
    struct sgx_enclave_create create = {BAD};
    int fd = kit.open_enclave();

    REQUIRE(fd >= 0);
    CHECK_EQ(kit_ioctl(fd, SGX_IOC_CREATE, &create), EFAULT);
    CHECK_EQ(kit_ioctl(fd, SGX_IOC_CREATE, NULL), EFAULT);
    CHECK_EQ(kit_ioctl(fd, SGX_IOC_VEPC_REMOVE_ALL, NULL), ENOTTY);
    CHECK_EQ(kit_ioctl(fd, _IO(SGX_IOC_MAGIC, 0x77), NULL), ENOTTY);
    /* the right number with another size is another ioctl */
    CHECK_EQ(kit_ioctl(fd, _IOW(SGX_IOC_MAGIC, 0, uint32_t), &create), ENOTTY);
    CHECK_EQ(kit.close(fd), 0);
    CHECK_EQ(kit.close(fd), -1);
}

/* ------------------------------------------------------------------ ADD_PAGES */

struct add_case {
    const char *what;
    uint64_t src_off;
    uint64_t offset;
    uint64_t length;
    uint64_t flags; /* SECINFO */
    int err;
};

static const struct add_case add_cases[] = {
    {"source not aligned", 8, 0, PAGES(1), KIT_RW, EINVAL},
    {"offset not aligned", 0, 8, PAGES(1), KIT_RW, EINVAL},
    {"length 0", 0, 0, 0, KIT_RW, EINVAL},
    {"length not aligned", 0, 0, 100, KIT_RW, EINVAL},
    {"offset at the end", 0, MIB, PAGES(1), KIT_RW, EINVAL},
    {"length beyond the end", 0, MIB - PAGES(1), PAGES(2), KIT_RW, EINVAL},
    {"sum overflows", 0, PAGES(1), (uint64_t)-PAGES(1), KIT_RW, EINVAL},
    {"sum overflows into the range", 0, (uint64_t)-PAGES(1), PAGES(2), KIT_RW, EINVAL},
    {"W without R", 0, 0, PAGES(1), SGX_SECINFO_W | SGX_SECINFO_TYPE(2), EINVAL},
    {"WX without R", 0, 0, PAGES(1), 6 | SGX_SECINFO_TYPE(2), EINVAL},
    {"PENDING", 0, 0, PAGES(1), KIT_RW | SGX_SECINFO_PENDING, EINVAL},
    {"MODIFIED", 0, 0, PAGES(1), KIT_RW | SGX_SECINFO_MODIFIED, EINVAL},
    {"PR", 0, 0, PAGES(1), KIT_RW | SGX_SECINFO_PR, EINVAL},
    {"a SECS page", 0, 0, PAGES(1), SGX_SECINFO_TYPE(SGX_PT_SECS), EINVAL},
    {"a VA page", 0, 0, PAGES(1), SGX_SECINFO_TYPE(SGX_PT_VA), EINVAL},
    {"a TRIM page", 0, 0, PAGES(1), SGX_SECINFO_TYPE(SGX_PT_TRIM), EINVAL},
    {"type 5", 0, 0, PAGES(1), SGX_SECINFO_TYPE(5), EINVAL},
    {"reserved flag", 0, 0, PAGES(1), KIT_RW | 1ull << 16, EINVAL},
    {"TCS with permissions", 0, 0, PAGES(1), KIT_TCS | SGX_SECINFO_R, EINVAL},
    {"R", 0, 0, PAGES(1), KIT_R, 0},
    {"RW", 0, PAGES(1), PAGES(1), KIT_RW, 0},
    {"RX", 0, PAGES(2), PAGES(1), KIT_RX, 0},
    {"RWX", 0, PAGES(3), PAGES(1), KIT_RWX, 0},
    {"X", 0, PAGES(4), PAGES(1), SGX_SECINFO_X | SGX_SECINFO_TYPE(SGX_PT_REG), 0},
    {"no permission", 0, PAGES(5), PAGES(1), SGX_SECINFO_TYPE(SGX_PT_REG), 0},
    {"twice", 0, PAGES(3), PAGES(1), KIT_RWX, EBUSY},
    {"the last page", 0, MIB - PAGES(1), PAGES(1), KIT_RW, 0},
};

TEST(add_table)
{
    struct kit_enclave e;

    REQUIRE(kit_create(&e, MIB, NULL));
    for (size_t i = 0; i < sizeof(add_cases) / sizeof(add_cases[0]); i++) {
        const struct add_case *c = &add_cases[i];
        struct sgx_secinfo info = {.flags = c->flags};
        struct sgx_enclave_add_pages arg = {(uint64_t)(uintptr_t)source + c->src_off,
                                            c->offset,
                                            c->length,
                                            (uint64_t)(uintptr_t)&info,
                                            0,
                                            77};
        int err = kit_add_raw(e.fd, &arg);

        if (err != c->err) {
            TEST_FAIL("%s: %s", c->what, strerror(err));
        }
        if (err == 0) {
            CHECK_EQ(arg.count, c->length);
        }
    }
    kit_destroy(&e);
}

TEST(add_secinfo_reserved_bytes)
{
    struct kit_enclave e;

    REQUIRE(kit_create(&e, MIB, NULL));
    for (size_t i = 0; i < 56; i++) {
        struct sgx_secinfo info = {.flags = KIT_RW};
        struct sgx_enclave_add_pages arg = {(uint64_t)(uintptr_t)source, 0, KIT_PAGE,
                                            (uint64_t)(uintptr_t)&info,  0, 0};

        info.reserved[i] = 1;
        CHECK_EQ(kit_add_raw(e.fd, &arg), EINVAL);
    }
    kit_destroy(&e);
}

TEST(add_bad_addresses_and_partial_count)
{
    struct kit_enclave e;
    struct sgx_secinfo info = {.flags = KIT_RW};
    struct sgx_enclave_add_pages arg = {BAD, 0, KIT_PAGE, (uint64_t)(uintptr_t)&info, 0, 0};
    uint8_t *two = mmap(NULL, PAGES(4), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(two != MAP_FAILED && kit_create(&e, MIB, NULL));
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_ADD_PAGES, NULL), EFAULT);
    CHECK_EQ(kit_add_raw(e.fd, &arg), EINVAL); /* 8 is not aligned */
    arg.src = 4096;
    CHECK_EQ(kit_add_raw(e.fd, &arg), EFAULT);
    CHECK_EQ(arg.count, 0);
    arg.secinfo = BAD;
    CHECK_EQ(kit_add_raw(e.fd, &arg), EFAULT);
    /* two good pages, then a hole: what was done is counted and stays done */
    arg.secinfo = (uint64_t)(uintptr_t)&info;
    two[0] = 1;
    two[4096] = 2;
    REQUIRE(munmap(two + PAGES(2), PAGES(2)) == 0);
    arg.src = (uint64_t)(uintptr_t)two;
    arg.length = PAGES(4);
    CHECK_EQ(kit_add_raw(e.fd, &arg), EFAULT);
    CHECK_EQ(arg.count, PAGES(2));
    CHECK_EQ(kit_add_raw(e.fd, &arg), EBUSY);
    CHECK_EQ(arg.count, 0);
    /* an unreadable page */
    REQUIRE(mprotect(two, KIT_PAGE, PROT_NONE) == 0);
    arg.offset = PAGES(8);
    arg.length = KIT_PAGE;
    CHECK_EQ(kit_add_raw(e.fd, &arg), EFAULT);
    (void)munmap(two, PAGES(2));
    kit_destroy(&e);
}

TEST(add_before_create_and_after_init)
{
    struct kit_enclave e;
    struct sgx_secinfo info = {.flags = KIT_RW};
    struct sgx_enclave_add_pages arg = {(uint64_t)(uintptr_t)source, PAGES(16), KIT_PAGE,
                                        (uint64_t)(uintptr_t)&info,  0,         0};
    int fd = kit.open_enclave();

    CHECK_EQ(kit_add_raw(fd, &arg), EINVAL);
    CHECK_EQ(kit.close(fd), 0);
    REQUIRE(kit_small(&e, MIB));
    CHECK_EQ(kit_add_raw(e.fd, &arg), EINVAL);
    kit_destroy(&e);
}

TEST(add_tcs_rules)
{
    static uint8_t page[4096] __attribute__((aligned(4096)));
    struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page;
    struct kit_enclave e;

    REQUIRE(kit_create(&e, MIB, NULL));
    memset(page, 0, sizeof(page));
    tcs->nssa = 1;
    tcs->fslimit = 0xfff;
    tcs->gslimit = 0xfff;
    tcs->reserved[0] = 1;
    CHECK_EQ(kit_add(&e, 0, page, KIT_PAGE, KIT_TCS, true), EIO);
    tcs->reserved[0] = 0;
    tcs->reserved[4023] = 1;
    CHECK_EQ(kit_add(&e, 0, page, KIT_PAGE, KIT_TCS, true), EIO);
    tcs->reserved[4023] = 0;
    tcs->flags = 4;
    CHECK_EQ(kit_add(&e, 0, page, KIT_PAGE, KIT_TCS, true), EIO);
    tcs->flags = 2; /* AEX-Notify is not offered */
    CHECK_EQ(kit_add(&e, 0, page, KIT_PAGE, KIT_TCS, true), EIO);
    tcs->flags = 0;
    CHECK_EQ(kit_add(&e, 0, page, KIT_PAGE, KIT_TCS, true), 0);
    kit_destroy(&e);
}

/* EADD clears DBGOPTIN, CSSA, AEP and STATE, and what is measured is the cleared page. */
TEST(add_tcs_clears_what_the_processor_owns)
{
    static uint8_t page[4096] __attribute__((aligned(4096)));
    struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page;
    struct sgx_secinfo info = {.flags = KIT_TCS};
    struct sgx_enclave_add_pages arg = {
        (uint64_t)(uintptr_t)page, 0, KIT_PAGE, (uint64_t)(uintptr_t)&info, SGX_PAGE_MEASURE, 0};
    struct kit_enclave clean;
    struct kit_enclave dirty;
    struct sgx_sigstruct sig;

    memset(page, 0, sizeof(page));
    tcs->nssa = 2;
    tcs->fslimit = 0xfff;
    tcs->gslimit = 0xfff;
    REQUIRE(kit_create(&clean, MIB, NULL));
    REQUIRE(kit_add(&clean, 0, page, KIT_PAGE, KIT_TCS, true) == 0);
    REQUIRE(kit_sign(&clean, &sig, NULL));
    REQUIRE(kit_create(&dirty, MIB, NULL));
    tcs->flags = SGX_TCS_DBGOPTIN;
    tcs->cssa = 1;
    tcs->aep = 0x1000;
    tcs->state = 1;
    CHECK_EQ(kit_add_raw(dirty.fd, &arg), 0);
    CHECK_EQ(kit_init(&dirty, &sig), 0);
    kit_destroy(&clean);
    kit_destroy(&dirty);
}

/* an absent page of a file is not zero: only private anonymous memory may be skipped */
TEST(add_untouched_file_pages_keep_their_contents)
{
    char path[] = "/tmp/cm_emu_test_XXXXXX";
    int file = mkstemp(path);
    size_t len = 300 * 4096;
    struct kit_enclave e;
    uint8_t *map = NULL;
    size_t wrong = 0;

    REQUIRE(file >= 0 && ftruncate(file, (off_t)len) == 0);
    for (size_t p = 0; p < 300; p++) {
        uint8_t b = (uint8_t)(p + 1);

        REQUIRE(pwrite(file, &b, 1, (off_t)(p * 4096 + 7)) == 1);
    }
    for (int share = 0; share < 2; share++) {
        REQUIRE(kit_create(&e, 2 * MIB, NULL));
        map = mmap(NULL, len, PROT_READ, share ? MAP_SHARED : MAP_PRIVATE, file, 0);
        REQUIRE(map != MAP_FAILED);
        {
            struct sgx_secinfo info = {.flags = KIT_RW};
            struct sgx_enclave_add_pages arg = {(uint64_t)(uintptr_t)map,   0, len,
                                                (uint64_t)(uintptr_t)&info, 0, 0};

            CHECK_EQ(kit_add_raw(e.fd, &arg), 0);
        }
        REQUIRE(kit.mmap(e.base, len, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) == e.base);
        for (size_t p = 0; p < 300; p++) {
            wrong += e.base[p * 4096 + 7] != (uint8_t)(p + 1);
        }
        CHECK_EQ(wrong, 0);
        (void)munmap(map, len);
        kit_destroy(&e);
    }
    (void)close(file);
    (void)unlink(path);
}

/* the same for memory: touched and untouched pages side by side */
TEST(add_large_anonymous_source)
{
    size_t len = 1000 * 4096;
    uint8_t *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    size_t wrong = 0;

    REQUIRE(map != MAP_FAILED && kit_create(&e, 8 * MIB, NULL));
    for (size_t p = 0; p < 1000; p += 3) {
        map[p * 4096 + (p % 4096)] = 0x5c;
    }
    CHECK_EQ(kit_add(&e, 0, map, len, KIT_RW, false), 0);
    CHECK_EQ(kit_add(&e, len, map, len, KIT_RW, true), 0);
    REQUIRE(kit.mmap(e.base, 2 * len, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) == e.base);
    wrong = (size_t)(memcmp(e.base, map, len) != 0) + (size_t)(memcmp(e.base + len, map, len) != 0);
    CHECK_EQ(wrong, 0);
    REQUIRE(kit_sign(&e, &sig, NULL));
    CHECK_EQ(kit_init(&e, &sig), 0);
    (void)munmap(map, len);
    kit_destroy(&e);
}

enum { NOEXEC_REFUSED, NOEXEC_TAKEN, NOEXEC_NO_MOUNT };

/* in a child with mounts of its own: a file on a noexec mount as a source */
static int add_from_noexec(void)
{
    static const char file_path[] = "/var/tmp/cm_emu_noexec";
    struct kit_enclave e;
    uint8_t *map = MAP_FAILED;
    int file = -1;

    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/var/tmp", "tmpfs", MS_NOEXEC, NULL) != 0) {
        return NOEXEC_NO_MOUNT;
    }
    file = open(file_path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, 4096) != 0 || !kit_create(&e, MIB, NULL)) {
        return NOEXEC_NO_MOUNT;
    }
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED) {
        return NOEXEC_NO_MOUNT;
    }
    if (kit_add(&e, 0, map, KIT_PAGE, KIT_RW, true) != EACCES) {
        return NOEXEC_TAKEN;
    }
    /* the same bytes from memory are fine, until the file takes their place */
    if (kit.munmap(map, KIT_PAGE) != 0 ||
        mmap(map, KIT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != map) {
        return NOEXEC_NO_MOUNT;
    }
    if (kit_add(&e, 0, map, KIT_PAGE, KIT_RW, true) != 0) {
        return NOEXEC_TAKEN;
    }
    if (kit.munmap(map, KIT_PAGE) != 0 ||
        mmap(map, KIT_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != map) {
        return NOEXEC_NO_MOUNT;
    }
    return kit_add(&e, KIT_PAGE, map, KIT_PAGE, KIT_RW, true) == EACCES ? NOEXEC_REFUSED
                                                                        : NOEXEC_TAKEN;
}

TEST(add_from_noexec_mount_is_refused)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(add_from_noexec());
    }
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == NOEXEC_NO_MOUNT) {
        SKIP("a mount of its own is not allowed here");
    }
    CHECK_EQ(WEXITSTATUS(status), NOEXEC_REFUSED);
}

/* ------------------------------------------------------------------ PROVISION, busy */

TEST(provision_wants_its_own_device)
{
    struct kit_enclave e;
    struct sgx_enclave_provision p = {0};
    int other = open("/dev/null", O_RDWR);
    int fd = kit.open_provision();

    REQUIRE(fd >= 0 && other >= 0 && kit_create(&e, MIB, NULL));
    p.fd = 12345;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, &p), EINVAL);
    p.fd = (uint64_t)other;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, &p), EINVAL);
    p.fd = (uint64_t)e.fd;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, &p), EINVAL);
    p.fd = (uint64_t)fd;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, &p), 0);
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_PROVISION, NULL), EFAULT);
    CHECK_EQ(kit.close(fd), 0);
    (void)close(other);
    kit_destroy(&e);
}

struct busy {
    int fd;
    atomic_int done;
    int err;
};

static void *big_add(void *arg)
{
    struct busy *b = arg;
    struct sgx_secinfo info = {.flags = KIT_RW};
    uint64_t len = 256 * MIB;
    void *src = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct sgx_enclave_add_pages add = {(uint64_t)(uintptr_t)src,   0, len,
                                        (uint64_t)(uintptr_t)&info, 0, 0};

    do {
        b->err = kit_add_raw(b->fd, &add); /* the other thread's may be under way */
    } while (b->err == EBUSY);
    (void)munmap(src, len);
    atomic_store(&b->done, 1);
    return NULL;
}

/* one big ADD_PAGES on a thread of its own; how many of our calls were refused meanwhile */
static int busy_round(void)
{
    struct kit_enclave e;
    struct busy b = {0};
    pthread_t t;
    int busy = 0;

    if (!kit_create(&e, 512 * MIB, NULL)) {
        return -1;
    }
    b.fd = e.fd;
    if (pthread_create(&t, NULL, big_add, &b) != 0) {
        return -1;
    }
    while (atomic_load(&b.done) == 0) {
        struct sgx_enclave_create create = {BAD};
        int err = kit_ioctl(e.fd, SGX_IOC_CREATE, &create);

        busy += err == EBUSY;
        CHECK(err == EBUSY || err == EINVAL);
    }
    (void)pthread_join(t, NULL);
    CHECK_EQ(b.err, 0);
    kit_destroy(&e);
    return busy;
}

TEST(second_ioctl_at_the_same_time_is_busy)
{
    int busy = 0;

    /* a call may also just wait for its turn, so more than one try */
    for (int i = 0; i < 100 && busy == 0; i++) {
        busy = busy_round();
    }
    CHECK(busy > 0);
}

TEST_MAIN
