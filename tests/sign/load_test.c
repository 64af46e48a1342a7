/*
 * usage: load_test IMAGE...
 *
 * The prediction against the emulator's own measurement: what we signed must pass EINIT, whose
 * MRENCLAVE comes from the ECREATE, EADD and EEXTEND that the emulator saw (it shares no code with
 * src/image). Then everything that must make EINIT refuse: a changed page, a page that was left
 * out, left unmeasured or given other permissions, DEBUG on a production signature (G2), other
 * attribute bits, MISCSELECT.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <casemate/sgxemu.h>

#include "arch/sgx.h"
#include "arch/sgx_uapi.h"
#include "crypto/crypto.h"
#include "harness.h"
#include "os/os.h"
#include "sign/sign.h"

static const char *const *images;
static int image_count;
static const struct cm_sgx_device *device;
static const struct cm_rsa_key *key;

/* What to do wrong while loading. */
struct fault {
    uint64_t flip;        /* bits of SECS.ATTRIBUTES */
    uint32_t misc;        /* bits of MISCSELECT */
    uint64_t xfrm;        /* bits of XFRM */
    const char *skip;     /* leave out the regions of this name */
    const char *no_hash;  /* do not measure them */
    const char *writable; /* add W to them */
    const char *patch;    /* flip a bit of their last byte */
};

static bool named(const char *want, const struct cm_region *r)
{
    return want != NULL && strcmp(want, r->what) == 0;
}

static bool add_region(int fd, const struct cm_region *r, const struct fault *fault)
{
    uint8_t *pages =
        mmap(NULL, r->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sgx_secinfo secinfo = {.flags = r->secinfo_flags};
    struct sgx_enclave_add_pages add = {
        .src = (uintptr_t)pages,
        .offset = r->offset,
        .length = r->length,
        .secinfo = (uintptr_t)&secinfo,
        .flags = r->measured && !named(fault->no_hash, r) ? SGX_PAGE_MEASURE : 0,
    };
    int rc = -1;

    if (pages == MAP_FAILED) {
        return false;
    }
    if (r->data != NULL) {
        memcpy(pages, r->data, r->length);
    }
    if (named(fault->patch, r)) {
        pages[r->length - 1] ^= 1;
    }
    if (named(fault->writable, r)) {
        secinfo.flags |= SGX_SECINFO_W;
    }
    rc = device->ioctl(fd, SGX_IOC_ADD_PAGES, &add);
    (void)munmap(pages, r->length);
    return rc == 0 && add.count == r->length;
}

static bool create(int fd, const struct cm_sign_job *job, const struct fault *fault, uint64_t base)
{
    struct cm_secs_attrs a = cm_props_secs(&job->props, false, 0);
    struct sgx_secs *secs = aligned_alloc(SGX_PAGE_SIZE, sizeof(*secs));
    struct sgx_enclave_create arg = {.src = (uintptr_t)secs};
    int rc = -1;

    if (secs == NULL) {
        return false;
    }
    memset(secs, 0, sizeof(*secs));
    secs->size = job->plan->enclave_size;
    secs->base = base;
    secs->ssaframesize = job->plan->ssa_frame_pages;
    secs->miscselect = a.misc ^ fault->misc;
    secs->attributes.flags = a.attributes ^ fault->flip;
    secs->attributes.xfrm = a.xfrm ^ fault->xfrm;
    rc = device->ioctl(fd, SGX_IOC_CREATE, &arg);
    free(secs);
    return rc == 0;
}

/* 0, or the errno of INIT; -1 when loading did not get as far as INIT. */
static int load(const struct cm_sign_job *job, const struct fault *fault)
{
    const uint64_t size = job->plan->enclave_size;
    struct sgx_enclave_init init = {.sigstruct = (uintptr_t)job->sigstruct};
    uint8_t *range = MAP_FAILED;
    uint64_t base = 0;
    int fd = device->open();
    int result = -1;

    if (fd < 0) {
        TEST_FAIL("open: %s", strerror(errno));
        return -1;
    }
    if (!job->plan->zero_base) {
        range = mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (range == MAP_FAILED) {
            TEST_FAIL("no address range: %s", strerror(errno));
            goto out;
        }
        base = ((uintptr_t)range + size - 1) & ~(size - 1);
    }
    if (!create(fd, job, fault, base)) {
        TEST_FAIL("CREATE: %s", strerror(errno));
        goto out;
    }
    for (size_t i = 0; i < job->plan->region_count; i++) {
        const struct cm_region *r = &job->plan->regions[i];

        if (!named(fault->skip, r) && !add_region(fd, r, fault)) {
            TEST_FAIL("ADD_PAGES %s: %s", r->what, strerror(errno));
            goto out;
        }
    }
    result = device->ioctl(fd, SGX_IOC_INIT, &init) == 0 ? 0 : errno;
out:
    if (range != MAP_FAILED) {
        (void)munmap(range, size * 2);
    }
    (void)device->close(fd);
    return result;
}

static bool open_signed(const char *path, const struct cm_sign_config *config, uint8_t **file,
                        struct cm_sign_job *job)
{
    struct cm_why why = {{0}};
    size_t len = 0;

    *file = NULL;
    memset(job, 0, sizeof(*job));
    if (cm_file_read(path, 1 << 24, file, &len, &why) != CM_OK ||
        cm_sign_job_open(cm_span_make(*file, len), path, config, CM_SIGSTRUCT_DEFAULT_DATE, job,
                         &why) != CM_OK ||
        cm_sigstruct_sign(job->sigstruct, key, &why) != CM_OK) {
        TEST_FAIL("%s: %s", path, why.text);
        return false;
    }
    return true;
}

TEST(G3_predicted_measurements_pass_einit)
{
    for (int i = 0; i < image_count; i++) {
        const struct fault none = {0};
        struct cm_sign_job job;
        uint8_t *file = NULL;

        if (open_signed(images[i], NULL, &file, &job)) {
            const int rc = load(&job, &none);

            if (rc != 0) {
                TEST_FAIL("%s: EINIT gave %d", images[i], rc);
            }
        }
        cm_sign_job_close(&job);
        free(file);
    }
}

TEST(every_configuration_passes_einit)
{
    static const char *const texts[] = {
        "NumHeapPages=0\nNumStackPages=1\nNumTCS=1\n",
        "NumHeapPages=3\nNumStackPages=2\nNumTCS=17\nDebug=0\n",
        "FamilyID=00112233-4455-6677-8899-aabbccddeeff\nCapturePFGPExceptions=1\nProductID=9\n",
        "CreateZeroBaseEnclave=1\nStartAddress=0x10000\nNumTCS=2\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct fault none = {0};
        struct cm_sign_config config;
        struct cm_sign_job job;
        uint8_t *file = NULL;

        CHECK_EQ(cm_sign_config_parse(cm_span_make(texts[i], strlen(texts[i])), &config, NULL),
                 CM_OK);
        if (open_signed(images[0], &config, &file, &job)) {
            const int rc = load(&job, &none);

            if (rc != 0) {
                TEST_FAIL("configuration %zu: EINIT gave %d", i, rc);
            }
        }
        cm_sign_job_close(&job);
        free(file);
    }
}

static void check_faults(const char *config_text, const struct fault *faults, size_t count,
                         int expect)
{
    struct cm_sign_config config;
    struct cm_sign_job job;
    uint8_t *file = NULL;

    CHECK_EQ(cm_sign_config_parse(cm_span_make(config_text, strlen(config_text)), &config, NULL),
             CM_OK);
    if (open_signed(images[0], &config, &file, &job)) {
        for (size_t i = 0; i < count; i++) {
            const int rc = load(&job, &faults[i]);

            if (rc != expect) {
                TEST_FAIL("fault %zu: EINIT gave %d, not %d", i, rc, expect);
            }
        }
    }
    cm_sign_job_close(&job);
    free(file);
}

TEST(a_changed_enclave_fails_einit)
{
    static const struct fault faults[] = {
        {.patch = "text"},    {.patch = "rodata"},    {.patch = "data"},   {.patch = "bss"},
        {.patch = "stack"},   {.patch = "ssa"},       {.patch = "td"},     {.skip = "heap"},
        {.skip = "stack"},    {.skip = "td"},         {.no_hash = "text"}, {.no_hash = "tcs"},
        {.writable = "text"}, {.writable = "rodata"},
    };

    check_faults("Debug=0\n", faults, sizeof(faults) / sizeof(faults[0]), EPERM);
}

/* G1: heap pages are not measured, so whatever the host puts there passes: hostile until written. */
TEST(G1_heap_contents_are_not_measured)
{
    static const struct fault faults[] = {{.patch = "heap"}};

    check_faults("Debug=0\n", faults, 1, 0);
}

/* G2: a production signature admits no DEBUG and no other attribute, only AVX and AVX-512. */
TEST(G2_a_production_signature_refuses_debug)
{
    static const struct fault refused[] = {
        {.flip = SGX_ATTR_DEBUG}, {.flip = SGX_ATTR_KSS}, {.misc = SGX_MISC_EXINFO}};
    static const struct fault accepted[] = {{.xfrm = 0}};

    check_faults("Debug=0\n", refused, sizeof(refused) / sizeof(refused[0]), EPERM);
    check_faults("Debug=0\n", accepted, 1, 0);
}

TEST(G2_a_debug_signature_admits_debug_and_nothing_else)
{
    static const struct fault accepted[] = {{.flip = 0}, {.flip = SGX_ATTR_DEBUG}};
    static const struct fault refused[] = {{.flip = SGX_ATTR_KSS}, {.misc = SGX_MISC_EXINFO}};

    check_faults("Debug=1\n", accepted, 2, 0);
    check_faults("Debug=1\n", refused, 2, EPERM);
}

TEST(avx_follows_the_platform)
{
    static const struct fault avx[] = {{.xfrm = SGX_XFRM_YMM}};

    if (!__builtin_cpu_supports("avx")) {
        SKIP("no AVX here");
    }
    check_faults("Debug=0\n", avx, 1, 0);
}

int main(int argc, char **argv)
{
    struct cm_rsa_key *made = NULL;
    struct cm_why why = {{0}};
    char *none[] = {argv[0], NULL};

    images = (const char *const *)argv + 1;
    image_count = argc - 1;
    device = cm_sgxemu_device(&why);
    if (device == NULL) {
        (void)printf("skip: %s\n", why.text);
        return 77;
    }
    if (image_count == 0 || cm_rsa_key_generate(&made) != CM_OK) {
        return 2;
    }
    key = made;
    const int rc = test_main(1, none);

    cm_rsa_key_free(made);
    return rc;
}
