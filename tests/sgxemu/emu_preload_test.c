/*
 * The preloaded library seen by an ordinary program: the device files exist, every way to open,
 * duplicate and close them works, the rest of the system is as it was. Runs under LD_PRELOAD.
 */
#include "harness.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emu_kit.h"

#define MIB (1ull << 20)

/* what open() and openat() become in programs that are built with _FORTIFY_SOURCE */
int fortified_open(const char *path, int flags) __asm__("__open64_2");
int fortified_openat(int dir, const char *path, int flags) __asm__("__openat64_2");

static const char *const devices[] = {SGX_DEV_ENCLAVE, SGX_DEV_PROVISION, "/dev/sgx/enclave",
                                      "/dev/sgx/provision"};

TEST(devices_exist)
{
    struct stat sb;
    struct statx sx;

    for (size_t i = 0; i < 4; i++) {
        int fd = -1;

        CHECK(stat(devices[i], &sb) == 0 && S_ISCHR(sb.st_mode));
        CHECK(lstat(devices[i], &sb) == 0 && S_ISCHR(sb.st_mode));
        CHECK(fstatat(AT_FDCWD, devices[i], &sb, 0) == 0 && S_ISCHR(sb.st_mode));
        CHECK(statx(AT_FDCWD, devices[i], 0, STATX_TYPE, &sx) == 0 && S_ISCHR(sx.stx_mode));
        CHECK_EQ(access(devices[i], R_OK | W_OK), 0);
        CHECK_EQ(access(devices[i], X_OK), -1);
        CHECK_EQ(faccessat(AT_FDCWD, devices[i], F_OK, 0), 0);
        fd = open(devices[i], O_RDWR | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK(fstat(fd, &sb) == 0 && S_ISCHR(sb.st_mode));
        CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
        CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
        CHECK_EQ(close(fd), 0);
        CHECK_EQ(fcntl(fd, F_GETFD), -1);
        fd = openat(AT_FDCWD, devices[i], O_RDONLY);
        CHECK(fd >= 0);
        CHECK_EQ(fcntl(fd, F_GETFD), 0);
        CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
        CHECK_EQ(close(fd), 0);
        CHECK(open(devices[i], O_RDWR | O_DIRECTORY) == -1 && errno == ENOTDIR);
        CHECK(open(devices[i], O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    }
    CHECK(stat("/dev/sgx_nothing", &sb) == -1 && errno == ENOENT);
    CHECK(open("/dev/sgx_vepc", O_RDWR) == -1 && errno == ENOENT); /* not offered */
}

TEST(other_files_are_as_they_were)
{
    char path[] = "/tmp/cm_preload_XXXXXX";
    struct stat sb;
    char c = 0;
    int fd = mkstemp(path);
    int two = -1;
    void *map = NULL;

    REQUIRE(fd >= 0);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(close(fd), 0);
    fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd == -1 && errno == EEXIST);
    fd = open(path, O_RDWR);
    REQUIRE(fd >= 0);
    CHECK(fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size == 3);
    two = dup(fd);
    CHECK(pread(two, &c, 1, 2) == 1 && c == 'c');
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, two, 0);
    REQUIRE(map != MAP_FAILED);
    CHECK_EQ(((char *)map)[1], 'b');
    CHECK_EQ(mprotect(map, 4096, PROT_NONE), 0);
    CHECK_EQ(munmap(map, 4096), 0);
    CHECK(ioctl(fd, SGX_IOC_CREATE, NULL) == -1 && errno == ENOTTY);
    CHECK_EQ(close(two), 0);
    CHECK_EQ(close(fd), 0);
    (void)unlink(path); /* the name is free again: now made by open */
    fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0640);
    REQUIRE(fd >= 0);
    CHECK(fstat(fd, &sb) == 0 && (sb.st_mode & 0777) == 0640);
    CHECK_EQ(close(fd), 0);
    (void)unlink(path);
}

/* a device file opened for reading cannot be mapped for writing, now or later */
TEST(open_mode_counts)
{
    int fd = open(SGX_DEV_ENCLAVE, O_RDONLY);
    uint8_t *at = NULL;

    REQUIRE(fd >= 0);
    CHECK(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK_EQ(errno, EACCES);
    at = mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(at != MAP_FAILED);
    CHECK(mprotect(at, MIB, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
    CHECK_EQ(munmap(at, MIB), 0);
    CHECK_EQ(close(fd), 0);
    fd = open(SGX_DEV_PROVISION, O_RDONLY);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
    CHECK_EQ(close(fd), 0);
}

static bool is_enclave(int fd)
{
    return ioctl(fd, SGX_IOC_ADD_PAGES, NULL) == -1 && errno == EINVAL; /* not created yet */
}

TEST(all_ways_to_duplicate)
{
    int fd = open(SGX_DEV_ENCLAVE, O_RDWR);
    int all[6];

    REQUIRE(is_enclave(fd));
    all[0] = dup(fd);
    all[1] = dup2(fd, 100);
    all[2] = dup3(fd, 101, O_CLOEXEC);
    all[3] = fcntl(fd, F_DUPFD, 110);
    all[4] = fcntl(fd, F_DUPFD_CLOEXEC, 120);
    all[5] = open("/dev/null", O_RDONLY);
    CHECK_EQ(dup2(fd, all[5]), all[5]); /* over something else */
    CHECK_EQ(close(fd), 0);
    for (int i = 0; i < 6; i++) {
        CHECK(is_enclave(all[i]));
        CHECK_EQ(close(all[i]), 0);
        CHECK(!is_enclave(all[i]));
    }
    /* something else over the last descriptor ends it */
    fd = open(SGX_DEV_ENCLAVE, O_RDWR);
    all[0] = open("/dev/null", O_RDONLY);
    CHECK_EQ(dup2(all[0], fd), fd);
    CHECK(!is_enclave(fd));
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(close(all[0]), 0);
    fd = open(SGX_DEV_ENCLAVE, O_RDWR);
    REQUIRE(fd >= 0);
    CHECK_EQ(close_range((unsigned)fd, (unsigned)fd, 0), 0);
    CHECK(!is_enclave(fd));
}

/* every other function of the C library that opens a file by name */
TEST(all_ways_to_open)
{
    int (*old_open)(const char *, int, ...) = NULL;

    *(void **)&old_open = dlsym(RTLD_DEFAULT, "__open64");
    REQUIRE(old_open != NULL);
    for (size_t i = 0; i < 4; i++) {
        int fds[6] = {
            open64(devices[i], O_RDWR),         openat64(AT_FDCWD, devices[i], O_RDWR),
            fortified_open(devices[i], O_RDWR), fortified_openat(AT_FDCWD, devices[i], O_RDWR),
            old_open(devices[i], O_RDWR),       creat(devices[i], 0600)};

        for (int n = 0; n < 6; n++) {
            struct stat sb;

            CHECK(fds[n] >= 0 && fstat(fds[n], &sb) == 0 && S_ISCHR(sb.st_mode));
            CHECK_EQ(fcntl(fds[n], F_GETFL) & O_ACCMODE, n == 5 ? O_WRONLY : O_RDWR);
            CHECK_EQ(is_enclave(fds[n]), i % 2 == 0);
            CHECK_EQ(close(fds[n]), 0);
        }
    }
}

static void check_stream(FILE *f, int device, int mode)
{
    REQUIRE(f != NULL);
    CHECK_EQ(is_enclave(fileno(f)), device % 2 == 0);
    CHECK_EQ(fcntl(fileno(f), F_GETFL) & O_ACCMODE, mode);
}

TEST(streams_open_devices_too)
{
    for (int i = 0; i < 4; i++) {
        FILE *f = fopen(devices[i], "r+e");
        int fd = -1;

        check_stream(f, i, O_RDWR);
        CHECK_EQ(fcntl(fileno(f), F_GETFD), FD_CLOEXEC);
        fd = fileno(f);
        CHECK_EQ(fclose(f), 0);
        CHECK(!is_enclave(fd)); /* closed, and known to be */
        f = fopen64(devices[i], "r");
        check_stream(f, i, O_RDONLY);
        CHECK_EQ(fclose(f), 0);
        f = fopen("/dev/null", "r");
        REQUIRE(f != NULL);
        f = freopen(devices[i], "w", f);
        check_stream(f, i, O_WRONLY);
        f = freopen("/dev/null", "r", f);
        REQUIRE(f != NULL);
        CHECK(!is_enclave(fileno(f)));
        CHECK_EQ(fclose(f), 0);
        CHECK(fopen(devices[i], "nonsense") == NULL && errno == EINVAL);
        CHECK(fopen(devices[i], "wx") == NULL && errno == EEXIST);
    }
    CHECK(fopen("/dev/sgx_vepc", "r") == NULL && errno == ENOENT);
}

#define FAILS(call, err)            \
    do {                            \
        errno = 0;                  \
        CHECK_EQ((long)(call), -1); \
        CHECK_EQ(errno, err);       \
    } while (0)

/* The driver has none of these methods (Linux: fs/read_write.c, fs/open.c say what follows). */
static void no_methods(int fd)
{
    char buf[8] = "";
    struct iovec v = {buf, sizeof(buf)};
    int null = open("/dev/null", O_RDWR);
    int bytes = 0;

    FAILS(read(fd, buf, 1), EINVAL);
    FAILS(read(fd, buf, 0), EINVAL);
    FAILS(write(fd, buf, 1), EINVAL);
    FAILS(pread(fd, buf, 1, 0), EINVAL);
    FAILS(pwrite(fd, buf, 1, 0), EINVAL);
    FAILS(pread64(fd, buf, 1, 0), EINVAL);
    FAILS(pwrite64(fd, buf, 1, 0), EINVAL);
    FAILS(readv(fd, &v, 1), EINVAL);
    FAILS(writev(fd, &v, 1), EINVAL);
    FAILS(preadv(fd, &v, 1, 0), EINVAL);
    FAILS(pwritev(fd, &v, 1, 0), EINVAL);
    FAILS(preadv2(fd, &v, 1, 0, 0), EINVAL);
    FAILS(pwritev2(fd, &v, 1, 0, 0), EINVAL);
    FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
    FAILS(lseek64(fd, 0, SEEK_END), ESPIPE);
    FAILS(ftruncate(fd, 0), EINVAL);
    FAILS(ftruncate64(fd, 0), EINVAL);
    FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), ENODEV);
    CHECK_EQ(posix_fallocate(fd, 0, 4096), ENODEV);
    FAILS(fsync(fd), EINVAL);
    FAILS(fdatasync(fd), EINVAL);
    FAILS(sendfile(null, fd, NULL, 1), EINVAL);
    FAILS(copy_file_range(fd, NULL, null, NULL, 1, 0), EINVAL);
    FAILS(ioctl(fd, FIONREAD, &bytes), ENOTTY);
    CHECK_EQ(ioctl(fd, FIOCLEX), 0);
    CHECK_EQ(close(null), 0);
}

TEST(devices_cannot_be_read_or_written)
{
    struct kit_enclave e;
    uint8_t before[16];
    char c = 0;
    int fd = open(SGX_DEV_PROVISION, O_RDWR);
    int two = dup(fd);

    no_methods(fd);
    no_methods(two);
    CHECK_EQ(close(two), 0);
    CHECK_EQ(close(fd), 0);
    fd = open(SGX_DEV_ENCLAVE, O_RDWR);
    no_methods(fd);
    CHECK_EQ(close(fd), 0);
    /* not open for it: said first */
    fd = open(SGX_DEV_ENCLAVE, O_WRONLY);
    FAILS(read(fd, &c, 1), EBADF);
    FAILS(write(fd, &c, 1), EINVAL);
    CHECK_EQ(close(fd), 0);
    fd = open(SGX_DEV_ENCLAVE, O_RDONLY);
    FAILS(write(fd, &c, 1), EBADF);
    CHECK_EQ(close(fd), 0);
    /* an enclave's pages are as they were */
    REQUIRE(kit_small(&e, MIB));
    memcpy(before, e.base, sizeof(before));
    no_methods(e.fd);
    CHECK_EQ(memcmp(before, e.base, sizeof(before)), 0);
    kit_destroy(&e);
}

TEST(functions_asked_for_by_name_are_ours)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    int (*by_name_open)(const char *, int, ...) = NULL;
    int (*by_name_ioctl)(int, unsigned long, ...) = NULL;
    unsigned long (*by_name_auxv)(unsigned long) = NULL;
    void *enter = NULL;
    int fd = -1;

    REQUIRE(libc != NULL);
    *(void **)&by_name_open = dlsym(libc, "open");
    *(void **)&by_name_ioctl = dlsym(libc, "ioctl");
    *(void **)&by_name_auxv = dlsym(RTLD_DEFAULT, "getauxval");
    REQUIRE(by_name_open != NULL && by_name_ioctl != NULL && by_name_auxv != NULL);
    fd = by_name_open(SGX_DEV_ENCLAVE, O_RDWR);
    CHECK(fd >= 0);
    CHECK(by_name_ioctl(fd, SGX_IOC_ADD_PAGES, NULL) == -1 && errno == EINVAL);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(by_name_auxv(AT_SYSINFO_EHDR), getauxval(AT_SYSINFO_EHDR));
    CHECK_EQ(by_name_auxv(AT_PAGESZ), 4096);
    enter = dlsym(RTLD_DEFAULT, "__vdso_sgx_enter_enclave");
    CHECK(enter == (void *)(uintptr_t)kit.enter());
    CHECK(dlsym(libc, "no_such_function_anywhere") == NULL);
    CHECK(dlsym(RTLD_NEXT, "printf") != NULL);
    CHECK(dlsym(libc, "strlen") != NULL);
    (void)dlclose(libc);
}

/* the other functions of the vDSO are still there and work */
TEST(vdso_keeps_its_symbols)
{
    const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)(const void *)image;
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)(const void *)(image + ehdr->e_phoff);
    const Elf64_Dyn *dyn = NULL;
    const Elf64_Sym *sym = NULL;
    const char *str = NULL;
    const uint32_t *hash = NULL;
    int (*gettime)(clockid_t, struct timespec *) = NULL;
    struct timespec a;
    struct timespec b;

    CHECK_EQ(memcmp(ehdr->e_ident, ELFMAG, SELFMAG), 0);
    for (int i = 0; i < ehdr->e_phnum; i++) {
        dyn = phdr[i].p_type == PT_DYNAMIC
                  ? (const Elf64_Dyn *)(const void *)(image + phdr[i].p_offset)
                  : dyn;
    }
    REQUIRE(dyn != NULL);
    for (; dyn->d_tag != DT_NULL; dyn++) {
        const uint8_t *at = image + dyn->d_un.d_ptr;

        sym = dyn->d_tag == DT_SYMTAB ? (const Elf64_Sym *)(const void *)at : sym;
        str = dyn->d_tag == DT_STRTAB ? (const char *)at : str;
        hash = dyn->d_tag == DT_HASH ? (const uint32_t *)(const void *)at : hash;
    }
    REQUIRE(sym != NULL && str != NULL && hash != NULL);
    /* by the hash table's chain, as a resolver walks it */
    for (uint32_t i = hash[2]; i != 0; i = hash[3 + i]) {
        if (strcmp(str + sym[i].st_name, "__vdso_clock_gettime") == 0) {
            uintptr_t at = (uintptr_t)image + sym[i].st_value;

            gettime = (int (*)(clockid_t, struct timespec *))at;
        }
    }
    if (gettime == NULL) {
        SKIP("this machine's vDSO has no clock_gettime");
    }
    CHECK_EQ(gettime(CLOCK_MONOTONIC, &a), 0);
    CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &b), 0);
    CHECK(b.tv_sec - a.tv_sec <= 60 && b.tv_sec >= a.tv_sec);
}

TEST(mremap_leaves_enclaves_alone)
{
    struct kit_enclave e;
    void *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(kit_small(&e, MIB) && mem != MAP_FAILED);
    CHECK(mremap(e.base + KIT_PAGE, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    mem = mremap(mem, 4096, 8192, MREMAP_MAYMOVE);
    CHECK(mem != MAP_FAILED);
    /* onto an enclave's page: it is ordinary memory from then on */
    CHECK(mremap(mem, 8192, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, e.base + 5 * KIT_PAGE) ==
          e.base + 5 * KIT_PAGE);
    e.base[5 * KIT_PAGE] = 1;
    kit_destroy(&e);
}

TEST(programs_start_under_it)
{
    CHECK_EQ(system("true"), 0);
    CHECK_EQ(system("ls / > /dev/null && cat /proc/self/status | grep -q Name"), 0);
    CHECK_EQ(system("test -c /dev/sgx_enclave"), 0);
}

TEST_MAIN
