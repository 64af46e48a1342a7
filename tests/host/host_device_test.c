/*
 * The kernel device: what it asks of the system is recorded (system calls are replaced by the
 * linker) and compared, call by call, with what the emulator is asked for the same image.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "arch/sgx.h"
#include "crypto/crypto.h"
#include "fake_device.h"
#include "host/devices.h"

#define RECORDS 256

/* one call, with addresses relative to ELRANGE and contents as a hash */
struct record {
    uint64_t what; /* o(pen) c(reate) a(dd) i(nit) m(ap) u(nmap) x: close */
    uint64_t a, b, c, d;
    uint8_t hash[32];
};
struct recording {
    struct record r[RECORDS];
    size_t count;
    uint64_t base;
};

static struct recording *rec; /* NULL: nobody listens */
static bool kernel_fake;      /* system calls of the kernel device are answered here */
static bool no_device;
static bool no_access;

static void note(struct record r)
{
    if (rec != NULL && rec->count < RECORDS) {
        rec->r[rec->count++] = r;
    }
}

static void hash(struct record *r, uint64_t address, size_t len)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    CHECK_EQ(cm_sha256_of(cm_span_make((const void *)(uintptr_t)address, len), r->hash), CM_OK);
}

static void note_ioctl(unsigned long request, void *arg)
{
    struct record r = {.what = '?'};
    struct sgx_secinfo secinfo;
    struct sgx_secs secs;

    if (rec == NULL) {
        return;
    }
    if (request == SGX_IOC_CREATE) {
        const struct sgx_enclave_create *c = arg;

        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        memcpy(&secs, (const void *)(uintptr_t)c->src, sizeof(secs));
        rec->base = secs.base;
        secs.base = 0;
        secs.attributes.xfrm = 0; /* what the processor lets an enclave use may differ */
        r.what = 'c';
        hash(&r, (uintptr_t)&secs, sizeof(secs));
    } else if (request == SGX_IOC_ADD_PAGES) {
        const struct sgx_enclave_add_pages *p = arg;

        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        memcpy(&secinfo, (const void *)(uintptr_t)p->secinfo, sizeof(secinfo));
        r = (struct record){'a', p->offset, p->length, p->flags, secinfo.flags, {0}};
        CHECK_EQ(p->src % 4096, 0);
        hash(&r, p->src, p->length);
    } else if (request == SGX_IOC_INIT) {
        r.what = 'i';
        hash(&r, ((const struct sgx_enclave_init *)arg)->sigstruct, 1808);
    }
    note(r);
}

static void note_mmap(uint64_t addr, size_t len, int prot, int flags)
{
    note((struct record){'m', addr - rec->base, len, (uint64_t)prot, (uint64_t)flags, {0}});
}

static void note_munmap(uint64_t addr, size_t len)
{
    if (addr == rec->base) { /* not what was reserved around it */
        note((struct record){'u', 0, len, 0, 0, {0}});
    }
}

/* ---- the recording device around another one */

static const struct cm_sgx_device *inner;

static int r_open(void)
{
    note((struct record){.what = 'o'});
    return inner->open();
}

static int r_close(int fd)
{
    note((struct record){.what = 'x'});
    return inner->close(fd);
}

static int r_ioctl(int fd, unsigned long request, void *arg)
{
    note_ioctl(request, arg);
    return inner->ioctl(fd, request, arg);
}

static void *r_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    CHECK_EQ(offset, 0);
    note_mmap((uintptr_t)addr, len, prot, flags);
    return inner->mmap(addr, len, prot, flags, fd, offset);
}

static int r_munmap(void *addr, size_t len)
{
    note_munmap((uintptr_t)addr, len);
    return inner->munmap(addr, len);
}

/* ---- the system under the kernel device */

#define KERNEL_FD 0x7ffffff0

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
const void *__real_cm_vdso_symbol(uintptr_t base, const char *name);
const void *__wrap_cm_vdso_symbol(uintptr_t base, const char *name);

int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    int mode = 0;

    if (strcmp(path, SGX_DEV_ENCLAVE) == 0) {
        CHECK_EQ(flags, O_RDWR | O_CLOEXEC);
        note((struct record){.what = 'o'});
        return KERNEL_FD;
    }
    va_start(ap, flags);
    mode = va_arg(ap, int);
    va_end(ap);
    return __real_open(path, flags, mode);
}

int __wrap_close(int fd)
{
    if (fd == KERNEL_FD) {
        note((struct record){.what = 'x'});
        return 0;
    }
    return __real_close(fd);
}

int __wrap_access(const char *path, int mode)
{
    if (strcmp(path, SGX_DEV_ENCLAVE) == 0) {
        errno = no_device ? ENOENT : EACCES;
        return no_device || (no_access && mode != F_OK) ? -1 : 0;
    }
    return __real_access(path, mode);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    void *arg = NULL;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (fd == KERNEL_FD) {
        note_ioctl(request, arg);
        if (request == SGX_IOC_ADD_PAGES) {
            struct sgx_enclave_add_pages *add = arg;

            add->count = add->length;
        }
        return 0;
    }
    return __real_ioctl(fd, request, arg);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    if (fd == KERNEL_FD) {
        CHECK_EQ(offset, 0);
        note_mmap((uintptr_t)addr, len, prot, flags);
        return addr; /* the reservation below stays */
    }
    return __real_mmap(addr, len, prot, flags, fd, offset);
}

int __wrap_munmap(void *addr, size_t len)
{
    if (kernel_fake && rec != NULL && rec->base != 0) {
        note_munmap((uintptr_t)addr, len);
    }
    return __real_munmap(addr, len);
}

const void *__wrap_cm_vdso_symbol(uintptr_t base, const char *name)
{
    const void *entry = NULL;
    int (*fake)(unsigned long, unsigned long, unsigned long, unsigned, unsigned long, unsigned long,
                struct sgx_enclave_run *) = cm_fake_enter;

    CHECK_EQ(base, getauxval(AT_SYSINFO_EHDR));
    CHECK_STR(name, "__vdso_sgx_enter_enclave");
    memcpy(&entry, &fake, sizeof(entry));
    return entry;
}

/* ---- tests */

TEST(a_missing_or_forbidden_device_is_named)
{
    struct cm_why why = {""};

    no_device = true;
    CHECK(cm_kernel_device(&why) == NULL);
    CHECK(strstr(why.text, "no SGX: /dev/sgx_enclave") != NULL);
    no_device = false;
    no_access = true;
    why.text[0] = '\0';
    CHECK(cm_kernel_device(&why) == NULL);
    CHECK(strstr(why.text, "group") != NULL);
    no_access = false;
}

static void load_on(const struct cm_sgx_device *device, struct recording *out)
{
    struct cm_load_request request = {.path = fake_image(), .device = device, .debug = true};
    struct cm_loaded loaded;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    rec = out;
    st = cm_load(&request, &loaded, &why);
    if (st == CM_OK) {
        cm_unload(device, &loaded);
    }
    rec = NULL;
    CHECK_EQ(st, CM_OK);
    CHECK_STR(why.text, "");
}

static void print(const char *side, const struct recording *r, size_t i)
{
    if (i < r->count) {
        (void)printf("  %s %c %llx %llx %llx %llx\n", side, (int)r->r[i].what,
                     (unsigned long long)r->r[i].a, (unsigned long long)r->r[i].b,
                     (unsigned long long)r->r[i].c, (unsigned long long)r->r[i].d);
    }
}

static void compare(const struct recording *kernel, const struct recording *other)
{
    CHECK_EQ(kernel->count, other->count);
    CHECK(kernel->count > 10 && kernel->count < RECORDS);
    for (size_t i = 0; i < kernel->count && i < other->count; i++) {
        if (memcmp(&kernel->r[i], &other->r[i], sizeof(kernel->r[i])) != 0) {
            TEST_FAIL("call %zu differs", i);
            print("kernel ", kernel, i);
            print("emulator", other, i);
        }
    }
}

TEST(the_kernel_is_asked_what_the_emulator_is_asked)
{
    static struct recording kernel;
    static struct recording emulator;
    struct cm_why why = {""};
    struct cm_sgx_device recorder;
    const struct cm_sgx_device *device = cm_kernel_device(&why);

    CHECK_STR(why.text, "");
    REQUIRE(device != NULL);
    CHECK(device->enter == cm_fake_enter);
    CHECK_EQ(device->emulated, 0);
    kernel_fake = true;
    load_on(device, &kernel);
    kernel_fake = false;
    inner = cm_sgxemu_device(&why);
    if (inner == NULL) {
        SKIP("no emulator on this machine");
    }
    recorder = *inner;
    recorder.open = r_open;
    recorder.close = r_close;
    recorder.ioctl = r_ioctl;
    recorder.mmap = r_mmap;
    recorder.munmap = r_munmap;
    load_on(&recorder, &emulator);
    compare(&kernel, &emulator);
}

TEST(the_vdso_is_read_as_the_loader_reads_it)
{
    uintptr_t base = getauxval(AT_SYSINFO_EHDR);
    const void *symbol = __real_cm_vdso_symbol(base, "__vdso_clock_gettime");
    int (*clock)(clockid_t, struct timespec *) = NULL;
    struct timespec a = {0, 0};
    struct timespec b = {0, 0};

    if (base == 0) {
        SKIP("no vDSO");
    }
    REQUIRE(symbol != NULL);
    memcpy(&clock, &symbol, sizeof(symbol));
    CHECK_EQ(clock(CLOCK_REALTIME, &a), 0);
    CHECK_EQ(clock_gettime(CLOCK_REALTIME, &b), 0);
    CHECK(b.tv_sec - a.tv_sec <= 60 && b.tv_sec >= a.tv_sec);
    CHECK(__real_cm_vdso_symbol(base, "__vdso_no_such_function") == NULL);
    CHECK(__real_cm_vdso_symbol(0, "__vdso_clock_gettime") == NULL);
    CHECK(__real_cm_vdso_symbol((uintptr_t) "not an ELF file", "x") == NULL);
}

int main(int argc, char **argv)
{
    int rc = test_main(argc, argv);

    (void)unlink(fake_image());
    return rc;
}
