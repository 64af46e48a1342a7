/*
 * Conformance of mmap, mprotect and munmap on the device, and of how long an enclave lives.
 * Runs linked and preloaded.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emu_kit.h"

#define MIB (1ull << 20)

static uint8_t source[8 * 4096] __attribute__((aligned(4096)));

/* 0 or errno */
static int map(struct kit_enclave *e, uint64_t page, uint64_t pages, int prot, int flags)
{
    uint8_t *at = e->base + page * KIT_PAGE;

    return kit.mmap(at, pages * KIT_PAGE, prot, flags, e->fd, 0) == at ? 0 : errno;
}

static int protect(struct kit_enclave *e, uint64_t page, uint64_t pages, int prot)
{
    return kit.mprotect(e->base + page * KIT_PAGE, pages * KIT_PAGE, prot) == 0 ? 0 : errno;
}

/* whether a byte can be read or written, asked of the kernel so that nothing crashes */
static bool readable(const uint8_t *p)
{
    int ends[2] = {-1, -1};
    bool ok = pipe(ends) == 0 && write(ends[1], p, 1) == 1;

    (void)close(ends[0]);
    (void)close(ends[1]);
    return ok;
}

static bool writable(uint8_t *p)
{
    int ends[2] = {-1, -1};
    uint8_t b = *p;
    bool ok = pipe(ends) == 0 && write(ends[1], &b, 1) == 1 && read(ends[0], p, 1) == 1;

    (void)close(ends[0]);
    (void)close(ends[1]);
    return ok;
}

/* page 0 R, 1 RW, 2 RX, 3 RWX, 4 TCS, 5 nothing, 6 absent */
static bool five(struct kit_enclave *e)
{
    static const uint64_t kinds[] = {KIT_R, KIT_RW, KIT_RX, KIT_RWX};
    struct sgx_tcs tcs_page __attribute__((aligned(4096)));

    memset(&tcs_page, 0, sizeof(tcs_page));
    tcs_page.nssa = 1;
    tcs_page.fslimit = 0xfff;
    tcs_page.gslimit = 0xfff;
    if (!kit_create(e, MIB, NULL)) {
        return false;
    }
    for (uint64_t i = 0; i < 4; i++) {
        if (kit_add(e, i * KIT_PAGE, source, KIT_PAGE, kinds[i], true) != 0) {
            return false;
        }
    }
    return kit_add(e, 4 * KIT_PAGE, &tcs_page, KIT_PAGE, KIT_TCS, true) == 0 &&
           kit_add(e, 5 * KIT_PAGE, source, KIT_PAGE, SGX_SECINFO_TYPE(SGX_PT_REG), true) == 0;
}

TEST(permissions_table)
{
    static const int most[] = {PROT_READ,
                               PROT_READ | PROT_WRITE,
                               PROT_READ | PROT_EXEC,
                               PROT_READ | PROT_WRITE | PROT_EXEC,
                               PROT_READ | PROT_WRITE,
                               0,
                               7};
    struct kit_enclave e;

    REQUIRE(five(&e));
    for (uint64_t page = 0; page < 7; page++) {
        for (int prot = 0; prot < 8; prot++) {
            int want = (prot & ~most[page]) != 0 ? EACCES : 0;

            if (map(&e, page, 1, prot, MAP_SHARED | MAP_FIXED) != want) {
                TEST_FAIL("mmap page %d prot %d: not %s", (int)page, prot, strerror(want));
            }
            CHECK_EQ(map(&e, page, 1, PROT_NONE, MAP_SHARED | MAP_FIXED), 0);
            if (protect(&e, page, 1, prot) != want) {
                TEST_FAIL("mprotect page %d prot %d: not %s", (int)page, prot, strerror(want));
            }
        }
    }
    kit_destroy(&e);
}

TEST(effective_access_is_vma_and_page)
{
    struct kit_enclave e;

    REQUIRE(five(&e));
    CHECK_EQ(map(&e, 0, 7, PROT_NONE, MAP_SHARED | MAP_FIXED), 0);
    CHECK(!readable(e.base));
    CHECK_EQ(protect(&e, 0, 4, PROT_READ), 0);
    for (int i = 0; i < 4; i++) {
        CHECK(readable(e.base + (uint64_t)i * KIT_PAGE));
        CHECK(!writable(e.base + (uint64_t)i * KIT_PAGE));
    }
    CHECK_EQ(protect(&e, 1, 1, PROT_READ | PROT_WRITE), 0);
    CHECK(writable(e.base + KIT_PAGE));
    CHECK(!writable(e.base + 2 * KIT_PAGE));
    CHECK_EQ(protect(&e, 4, 1, PROT_READ | PROT_WRITE), 0);
    CHECK(!readable(e.base + 4 * KIT_PAGE)); /* a TCS is nobody's to read */
    CHECK_EQ(protect(&e, 6, 1, PROT_READ | PROT_WRITE), 0);
    CHECK(!readable(e.base + 6 * KIT_PAGE)); /* nothing there */
    /* a range that covers one page that may not is refused as a whole */
    CHECK_EQ(protect(&e, 0, 4, PROT_READ | PROT_WRITE), EACCES);
    CHECK(!writable(e.base + 2 * KIT_PAGE));
    kit_destroy(&e);
}

TEST(bad_arguments)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    CHECK_EQ(map(&e, 1, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED), EINVAL);
    CHECK_EQ(map(&e, 1, 1, PROT_READ, MAP_FIXED), EINVAL); /* neither shared nor private */
    CHECK(kit.mmap(e.base + 1, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    CHECK(kit.mmap(e.base, 0, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    CHECK(kit.mmap(e.base, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 1) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    CHECK(kit.mmap(e.base, SIZE_MAX, PROT_READ, MAP_SHARED | MAP_FIXED, e.fd, 0) == MAP_FAILED);
    CHECK_EQ(errno, ENOMEM);
    /* initialised: outside ELRANGE nothing can be mapped any more */
    CHECK(kit.mmap(NULL, 4096, PROT_NONE, MAP_SHARED, e.fd, 0) == MAP_FAILED);
    CHECK_EQ(errno, EACCES);
    CHECK_EQ(kit.mprotect(e.base + 1, 4096, PROT_READ), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(kit.munmap(e.base + 1, 4096), -1);
    CHECK_EQ(errno, EINVAL);
    kit_destroy(&e);
}

TEST(noreplace_over_a_mapping)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    CHECK_EQ(map(&e, 1, 1, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE), EEXIST);
    CHECK(readable(e.base + KIT_PAGE));
    kit_destroy(&e);
}

/* mapped before CREATE: the host asks for the address range first and creates the enclave there */
TEST(mappings_before_create_become_views)
{
    struct kit_enclave e;
    struct sgx_enclave_create create;
    uint8_t *at = NULL;

    memset(&e, 0, sizeof(e));
    memset(source, 0x77, sizeof(source));
    e.fd = kit.open_enclave();
    REQUIRE(e.fd >= 0);
    at = kit.mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, e.fd, 0);
    REQUIRE(at != MAP_FAILED);
    e.base = (uint8_t *)(((uintptr_t)at + MIB - 1) & ~(uintptr_t)(MIB - 1));
    if (e.base > at) {
        CHECK_EQ(kit.munmap(at, (size_t)(e.base - at)), 0);
    }
    e.secs = kit_secs((uint64_t)(uintptr_t)e.base, MIB);
    create.src = (uint64_t)(uintptr_t)&e.secs;
    CHECK_EQ(kit_ioctl(e.fd, SGX_IOC_CREATE, &create), 0);
    CHECK(!readable(e.base));
    {
        struct sgx_secinfo info = {.flags = KIT_RW};
        struct sgx_enclave_add_pages arg = {(uint64_t)(uintptr_t)source, 0, 4096,
                                            (uint64_t)(uintptr_t)&info,  0, 0};

        CHECK_EQ(kit_add_raw(e.fd, &arg), 0);
        CHECK(readable(e.base) && e.base[5] == 0x77); /* at once, without another mmap */
        /* more permissions in the mapping than in the page: no access at all (SIGBUS) */
        info.flags = KIT_R;
        arg.offset = 4096;
        CHECK_EQ(kit_add_raw(e.fd, &arg), 0);
        CHECK(!readable(e.base + 4096));
    }
    CHECK_EQ(protect(&e, 1, 1, PROT_READ), 0);
    CHECK(readable(e.base + 4096));
    CHECK_EQ(kit.munmap(at, 2 * MIB), 0);
    CHECK_EQ(kit.close(e.fd), 0);
}

TEST(partial_unmap_and_back)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    e.base[KIT_PAGE] = 1;
    e.base[5 * KIT_PAGE] = 5;
    CHECK_EQ(kit.munmap(e.base + 4 * KIT_PAGE, 2 * KIT_PAGE), 0);
    CHECK(!readable(e.base + 5 * KIT_PAGE));
    CHECK(readable(e.base + 6 * KIT_PAGE));
    /* a hole in the middle: mprotect over it is ENOMEM, as for any memory */
    CHECK_EQ(protect(&e, 3, 4, PROT_READ), ENOMEM);
    CHECK_EQ(map(&e, 5, 1, PROT_READ, MAP_SHARED | MAP_FIXED), 0);
    CHECK_EQ(e.base[5 * KIT_PAGE], 5);
    kit_destroy(&e);
}

/* anonymous memory placed over an enclave's pages is ordinary memory */
TEST(other_memory_over_an_enclave)
{
    struct kit_enclave e;
    uint8_t *at = NULL;

    REQUIRE(kit_small(&e, MIB));
    at = mmap(e.base + 5 * KIT_PAGE, KIT_PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    REQUIRE(at == e.base + 5 * KIT_PAGE);
    at[0] = 9;
    CHECK_EQ(at[0], 9);
    kit_destroy(&e);
}

TEST(enclave_outlives_its_descriptor)
{
    struct kit_enclave e;

    REQUIRE(kit_small(&e, MIB));
    e.base[KIT_PAGE] = 0x42;
    CHECK_EQ(kit.close(e.fd), 0);
    e.fd = -1;
    CHECK_EQ(e.base[KIT_PAGE], 0x42);
    CHECK_EQ(protect(&e, 1, 1, PROT_READ), 0);
    CHECK_EQ(protect(&e, 1, 1, PROT_READ | PROT_EXEC), EACCES);
    CHECK_EQ(kit.munmap(e.base, MIB), 0);
    e.base = NULL;
    kit_destroy(&e);
}

TEST(duplicates_are_the_same_enclave)
{
    struct kit_enclave e;
    struct sgx_sigstruct sig;
    int twin = -1;

    REQUIRE(kit_create(&e, MIB, NULL));
    twin = dup(e.fd);
    REQUIRE(twin >= 0);
    CHECK_EQ(kit.close(e.fd), 0);
    e.fd = twin;
    CHECK_EQ(kit_add(&e, 0, source, KIT_PAGE, KIT_RW, true), 0);
    REQUIRE(kit_sign(&e, &sig, NULL));
    CHECK_EQ(kit_init(&e, &sig), 0);
    CHECK_EQ(map(&e, 0, 1, PROT_READ, MAP_SHARED | MAP_FIXED), 0);
    kit_destroy(&e);
}

TEST(many_enclaves_come_and_go)
{
    struct kit_enclave e[8];

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++) {
            REQUIRE(kit_small(&e[i], MIB));
            e[i].base[KIT_PAGE] = (uint8_t)i;
        }
        for (int i = 0; i < 8; i++) {
            CHECK_EQ(e[i].base[KIT_PAGE], i);
            kit_destroy(&e[i]);
        }
    }
}

TEST(no_descriptors_left)
{
    struct rlimit was;
    struct rlimit few;
    int held[64];
    int n = 0;
    int fd = -1;

    REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
    few = was;
    few.rlim_cur = 40;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (n < 64 && (held[n] = open("/dev/null", O_RDONLY)) >= 0) {
        n++;
    }
    for (int left = 0; left < 3; left++) {
        fd = kit.open_enclave();
        if (fd < 0) {
            CHECK_EQ(errno, EMFILE);
        } else {
            CHECK_EQ(kit.close(fd), 0);
        }
        if (left == 0) {
            CHECK_EQ(fd, -1);
        }
        (void)close(held[--n]);
    }
    while (n > 0) {
        (void)close(held[--n]);
    }
    fd = kit.open_enclave();
    CHECK(fd >= 0);
    CHECK_EQ(kit.close(fd), 0);
    (void)setrlimit(RLIMIT_NOFILE, &was);
}

/* a child of fork has its own descriptors: what it closes does not end the parent's enclave */
TEST(fork_does_not_disturb_the_parent)
{
    struct kit_enclave e;
    int status = 0;
    pid_t child = 0;

    REQUIRE(kit_small(&e, MIB));
    e.base[KIT_PAGE] = 3;
    child = fork();
    if (child == 0) {
        (void)kit.munmap(e.base, MIB);
        _exit(kit.close(e.fd) == 0 ? 0 : 1);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(e.base[KIT_PAGE], 3);
    CHECK_EQ(protect(&e, 1, 1, PROT_READ), 0);
    child = vfork();
    if (child == 0) {
        (void)kit.close(e.fd);
        _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_EQ(map(&e, 1, 1, PROT_READ, MAP_SHARED | MAP_FIXED), 0);
    kit_destroy(&e);
}

TEST_MAIN
