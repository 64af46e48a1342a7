/*
 * Images and loaders that are not what they should be: each ends in the documented error with a
 * text that names the cause, and the host lives on.
 */
#include "harness.h"
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sgx.h"
#include "arch/sgx_uapi.h"
#include "e2e.h"
#include "host/create.h"
#include "host/handle.h"
#include "image/image.h"
#include "os/os.h"

#define SIMULATED (OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE)

extern char **environ;

static char said[16384];
static char scratch[128];
static char config[128];
static uint8_t *file;
static size_t file_len;

static oe_result_t create(const char *path, uint32_t flags, oe_enclave_t **e)
{
    int saved = listen_start();
    oe_result_t r = oe_create_e2e_enclave(path, OE_ENCLAVE_TYPE_AUTO, flags, NULL, 0, e);

    listen_end(saved, said, sizeof(said));
    return r;
}

/* the file as it stands now, written and created from */
static oe_result_t create_changed(size_t len, uint32_t flags, oe_enclave_t **e)
{
    CHECK_EQ(cm_file_write_atomic(scratch, cm_span_make(file, len), 0600, NULL), CM_OK);
    return create(scratch, flags, e);
}

static void works(oe_enclave_t *e)
{
    uint64_t sum = 0;

    CHECK(e != NULL);
    if (e != NULL) {
        CHECK_EQ(enc_add(e, &sum, 2, 3), OE_OK);
        CHECK_EQ(sum, 5);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
}

static void reload(void)
{
    free(file);
    file = NULL;
    CHECK_EQ(cm_file_read(E2E_IMAGE, (size_t)1 << 30, &file, &file_len, NULL), CM_OK);
}

/* oesign with a config file of this text; its exit code. What it says is in said. */
static int sign(const char *text, const char *image)
{
    const char *const args[] = {"oesign", "sign", "-e", image,   "-c", config,
                                "-k",     KEY,    "-o", scratch, NULL};
    char *argv[sizeof(args) / sizeof(args[0])];
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = -1;
    int saved = listen_start();

    memcpy(argv, args, sizeof(argv));
    (void)unlink(scratch);
    CHECK_EQ(cm_file_write_atomic(config, cm_span_make(text, strlen(text)), 0600, NULL), CM_OK);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    CHECK_EQ(posix_spawn(&pid, OESIGN, &actions, NULL, argv, environ), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    (void)posix_spawn_file_actions_destroy(&actions);
    listen_end(saved, said, sizeof(said));
    (void)unlink(config);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(bad_input_truncated_images)
{
    oe_enclave_t *e = NULL;

    reload();
    for (size_t i = 0; i < 40; i++) {
        size_t len = file_len * i / 40;

        CHECK(create_changed(len, SIMULATED, &e) != OE_OK);
        CHECK(e == NULL);
        CHECK(strstr(said, scratch) != NULL);
    }
    CHECK(create_changed(file_len - 1, SIMULATED, &e) != OE_OK);
    CHECK_EQ(create_changed(file_len, SIMULATED, &e), OE_OK);
    works(e);
}

TEST(bad_input_a_patched_image)
{
    struct cm_image *image = NULL;
    oe_enclave_t *e = NULL;
    uint64_t entry = 0;

    reload();
    REQUIRE(cm_image_open(cm_span_make(file, file_len), &image, NULL) == CM_OK);
    entry = cm_image_entry(image);
    cm_image_free(image);
    file[entry] ^= 1; /* text lies at its own offset in the file */
    CHECK_EQ(create_changed(file_len, SIMULATED, &e), OE_VERIFY_FAILED);
    CHECK(e == NULL);
    CHECK(strstr(said, "changed after it was signed") != NULL);
    CHECK_EQ(create_changed(file_len, OE_ENCLAVE_FLAG_SIMULATE, &e), OE_VERIFY_FAILED);
}

TEST(bad_input_a_wrong_signature)
{
    struct cm_image *image = NULL;
    oe_enclave_t *e = NULL;
    struct cm_span signature;
    size_t at = 0;

    reload();
    REQUIRE(cm_image_open(cm_span_make(file, file_len), &image, NULL) == CM_OK);
    signature = cm_image_sigstruct(image);
    REQUIRE(signature.len == CM_SIGSTRUCT_SIZE);
    at = (size_t)(signature.ptr - file);
    cm_image_free(image);
    for (size_t field = 516; field < 1808; field += 300) { /* signature, hash, q1, q2 */
        file[at + field] ^= 4;
        CHECK_EQ(create_changed(file_len, SIMULATED, &e), OE_VERIFY_FAILED);
        CHECK(strstr(said, "signature") != NULL || strstr(said, "SIGSTRUCT") != NULL ||
              strstr(said, "q1") != NULL || strstr(said, "q2") != NULL);
        file[at + field] ^= 4;
    }
    CHECK_EQ(create_changed(file_len, SIMULATED, &e), OE_OK);
    works(e);
}

TEST(bad_input_configurations)
{
    static const struct {
        const char *text;
        const char *names;
    } bad[] = {
        {"Debug=1\nNumHeapPage=4\n", "NumHeapPage"},
        {"Debug=1\nNumTCS=2\nDebug=1\n", "Debug"},
        {"NumTCS=0\n", "NumTCS"},
        {"NumTCS=many\n", "NumTCS"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(sign(bad[i].text, E2E_DIR "/e2e_enclave"), 1);
        CHECK(strstr(said, bad[i].names) != NULL);
        CHECK(access(scratch, F_OK) != 0); /* nothing half-written */
    }
}

/* the address sanitiser reserves more than any limit would leave */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

TEST(bad_input_too_little_address_space)
{
    oe_enclave_t *e = NULL;
    int status = -1;
    pid_t child = 0;

    if (SANITIZED) {
        SKIP("under the address sanitiser");
    }
    REQUIRE(sign("Debug=1\nNumHeapPages=1048576\nNumStackPages=16\nNumTCS=2\n",
                 E2E_DIR "/e2e_enclave") == 0);
    child = fork();
    if (child == 0) {
        struct rlimit limit = {UINT64_C(2) << 30, UINT64_C(2) << 30};
        int bad = setrlimit(RLIMIT_AS, &limit) != 0;

        bad |= create(scratch, SIMULATED, &e) != OE_OUT_OF_MEMORY;
        bad |= strstr(said, "address space") == NULL;
        bad |= create(E2E_IMAGE, SIMULATED, &e) != OE_OK;
        bad |= enc_null(e) != OE_OK;
        _exit(bad);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(bad_input_too_small_a_limit_for_files)
{
    oe_enclave_t *e = NULL;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit limit = {1024, 1024}; /* ulimit -f 1 */
        int bad = setrlimit(RLIMIT_FSIZE, &limit) != 0;

        bad |= create(E2E_IMAGE, SIMULATED, &e) != OE_OUT_OF_MEMORY;
        bad |= strstr(said, "ulimit -f") == NULL;
        _exit(bad);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(an_enclave_with_a_gib_of_heap)
{
    oe_enclave_t *e = NULL;
    uint64_t sum = 0;

    REQUIRE(sign("Debug=1\nNumHeapPages=262144\nNumStackPages=16\nNumTCS=2\n",
                 E2E_DIR "/e2e_enclave") == 0);
    CHECK_EQ(create(scratch, SIMULATED, &e), OE_OK);
    REQUIRE(e != NULL);
    CHECK_EQ(enc_heap(e, &sum, 300 << 20), OE_OK);
    CHECK_EQ(sum, 300 << 8);
    works(e);
}

TEST(an_enclave_whose_range_begins_at_0)
{
    oe_enclave_t *e = NULL;
    oe_enclave_t *other = NULL;

    REQUIRE(sign("Debug=1\nNumHeapPages=64\nNumStackPages=16\nNumTCS=2\n"
                 "CreateZeroBaseEnclave=1\nStartAddress=0x100000\n",
                 E2E_DIR "/e2e_enclave") == 0);
    CHECK_EQ(create(scratch, SIMULATED, &e), OE_OK);
    REQUIRE(e != NULL);
    CHECK_EQ(e->base, 0);
    CHECK_EQ(create(scratch, SIMULATED, &other), OE_OUT_OF_MEMORY); /* the addresses are taken */
    CHECK(strstr(said, "address space") != NULL);
    works(e);
}

TEST(unsigned_images_run_emulated_and_in_debug)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(create(E2E_DIR "/e2e_enclave", SIMULATED, &e), OE_OK);
    works(e);
    e = NULL;
    CHECK_EQ(create(E2E_DIR "/e2e_enclave", OE_ENCLAVE_FLAG_SIMULATE, &e), OE_OK);
    works(e);
}

TEST(the_environment_may_ask_for_emulation)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(setenv("OE_SIMULATION", "1", 1), 0);
    CHECK_EQ(create(E2E_IMAGE, OE_ENCLAVE_FLAG_DEBUG, &e), OE_OK);
    works(e);
    (void)unsetenv("OE_SIMULATION");
}

/* ---- hostile loaders: a device between ours and the emulator's */

static const struct cm_sgx_device *emulator;
static struct cm_sgx_device hostile;
static bool force_debug;  /* CREATE asks for DEBUG */
static bool fill_heap;    /* pages that are not measured hold the attacker's bytes */
static bool change_page;  /* one measured page is another */
static bool skip_measure; /* one measured page is added without measuring it */

static int hostile_ioctl(int fd, unsigned long request, void *arg)
{
    static _Alignas(4096) uint8_t bytes[65536];
    struct sgx_enclave_add_pages add;

    if (request == SGX_IOC_CREATE && force_debug) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        struct sgx_secs *secs = (void *)(uintptr_t)((struct sgx_enclave_create *)arg)->src;

        secs->attributes.flags |= SGX_ATTR_DEBUG;
    }
    if (request == SGX_IOC_ADD_PAGES) {
        struct sgx_enclave_add_pages *asked = arg;
        int rc = 0;

        add = *asked;
        if (fill_heap && (add.flags & SGX_PAGE_MEASURE) == 0) {
            memset(bytes, 0xa5, sizeof(bytes));
            add.src = (uintptr_t)bytes;
            add.length = add.length < sizeof(bytes) ? add.length : sizeof(bytes);
        } else if ((change_page || skip_measure) && add.offset == 0) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
            memcpy(bytes, (const void *)(uintptr_t)add.src, 4096);
            bytes[4095] ^= change_page ? 1 : 0;
            add.src = (uintptr_t)bytes;
            add.length = 4096;
            add.flags = skip_measure ? 0 : add.flags;
        }
        rc = emulator->ioctl(fd, request, &add);
        asked->count = add.count;
        return rc;
    }
    return emulator->ioctl(fd, request, arg);
}

static oe_result_t create_hostile(const char *path, bool debug, oe_enclave_t **e)
{
    /* the tables of generated code reach oe_create_enclave only: by name, without ocalls */
    static const oe_ecall_info_t names[] = {{"enc_null"}, {"enc_heap_dirty"}, {"enc_add"}};
    struct cm_load_request request = {.path = path, .device = &hostile, .debug = debug};
    struct cm_tables tables = {NULL, 0, names, 3};
    int saved = listen_start();
    oe_result_t r = OE_FAILURE;

    *e = NULL;
    emulator = cm_sgxemu_device(NULL);
    if (emulator != NULL) {
        hostile = *emulator;
        hostile.ioctl = hostile_ioctl;
        r = cm_create_on(&request, &tables, e);
    }
    listen_end(saved, said, sizeof(said));
    return r;
}

TEST(G1_unmeasured_heap_full_of_the_hosts_bytes)
{
    oe_enclave_t *e = NULL;
    uint64_t dirty = 1;

    fill_heap = true;
    CHECK_EQ(create_hostile(E2E_IMAGE, true, &e), OE_OK);
    fill_heap = false;
    REQUIRE(e != NULL);
    for (size_t n = 16; n <= (size_t)1 << 20; n *= 4) {
        CHECK_EQ(enc_heap_dirty(e, &dirty, n), OE_OK);
        CHECK_EQ(dirty, 0);
    }
    works(e);
}

TEST(G2_a_production_signature_does_not_run_in_debug)
{
    oe_enclave_t *e = NULL;

    REQUIRE(sign("Debug=0\nNumHeapPages=64\nNumStackPages=16\nNumTCS=2\n",
                 E2E_DIR "/e2e_enclave") == 0);
    CHECK_EQ(create(scratch, SIMULATED, &e), OE_DEBUG_DOWNGRADE);
    CHECK(e == NULL);
    force_debug = true; /* a host that does not ask us */
    CHECK_EQ(create_hostile(scratch, false, &e), OE_VERIFY_FAILED);
    force_debug = false;
    CHECK(e == NULL);
    CHECK(strstr(said, "does not allow") != NULL);
    CHECK_EQ(create(scratch, OE_ENCLAVE_FLAG_SIMULATE, &e), OE_OK);
    works(e);
    e = NULL;
    CHECK_EQ(create(scratch, OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG_AUTO, &e), OE_OK);
    works(e);
}

TEST(G3_measured_is_mapped_a_loader_cannot_change_a_page)
{
    oe_enclave_t *e = NULL;

    change_page = true;
    CHECK_EQ(create_hostile(E2E_IMAGE, true, &e), OE_VERIFY_FAILED);
    change_page = false;
    CHECK(e == NULL);
    skip_measure = true;
    CHECK_EQ(create_hostile(E2E_IMAGE, true, &e), OE_VERIFY_FAILED);
    skip_measure = false;
    CHECK(e == NULL);
    CHECK_EQ(create_hostile(E2E_IMAGE, true, &e), OE_OK);
    works(e);
}

int main(int argc, char **argv)
{
    int rc = 0;

    (void)unsetenv("OE_SIMULATION");
    (void)setenv("OE_LOG_LEVEL", "ERROR", 1);
    (void)snprintf(scratch, sizeof(scratch), "/tmp/casemate_e2e_%ld.signed", (long)getpid());
    (void)snprintf(config, sizeof(config), "/tmp/casemate_e2e_%ld.conf", (long)getpid());
    rc = test_main(argc, argv);
    (void)unlink(scratch);
    free(file);
    return rc;
}
