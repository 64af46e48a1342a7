/* Creation: every argument, every kind of bad image, every message; on the fake device. */
#include "harness.h"
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sgx.h"
#include "fake_device.h"
#include "image/image.h"
#include "os/os.h"
#include "sign/elf_fixture.h"

static struct fixture fx;
static char said[8192]; /* what the last attempt wrote to stderr */

static oe_result_t try_create(uint32_t flags, const oe_enclave_setting_t *settings, uint32_t count)
{
    oe_enclave_t *e = NULL;
    int saved = listen_start();
    oe_result_t r = oe_create_enclave(fake_image(), OE_ENCLAVE_TYPE_SGX, flags, settings, count,
                                      NULL, 0, NULL, 0, &e);

    listen_end(saved, said, sizeof(said));
    CHECK(e == NULL);
    return r;
}

TEST(wrong_arguments)
{
    static const oe_ocall_func_t f = NULL;
    oe_enclave_t *e = &(oe_enclave_t){0};
    oe_enclave_setting_t s = {OE_SGX_ENCLAVE_CONFIG_DATA, {NULL}};
    const char *p = fake_image();
    int saved = listen_start();

    CHECK_EQ(oe_create_enclave(NULL, OE_ENCLAVE_TYPE_SGX, 1, NULL, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK(e == NULL);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 1, NULL, 0, &f, 1, NULL, 0, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_OPTEE, 1, NULL, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 1, NULL, 1, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 1, &s, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 4, NULL, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 8, NULL, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 0x80000000u, NULL, 0, &f, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 1, NULL, 0, NULL, 1, NULL, 0, &e),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_enclave(p, OE_ENCLAVE_TYPE_SGX, 1, NULL, 0, &f, 1, NULL, 1, &e),
             OE_INVALID_PARAMETER);
    listen_end(saved, said, sizeof(said));
}

TEST(wrong_settings)
{
    static const oe_enclave_setting_context_switchless_t none = {0, 0};
    static const oe_sgx_enclave_setting_config_data config = {{1}, 2, false};
    oe_enclave_setting_t s[2] = {{OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {NULL}}};

    CHECK_EQ(try_create(1, s, 1), OE_INVALID_PARAMETER);
    s[0].u.context_switchless_setting = &none;
    CHECK_EQ(try_create(1, s, 1), OE_INVALID_PARAMETER);
    CHECK(strstr(said, "switchless") != NULL);
    s[0].setting_type = (oe_enclave_setting_type_t)0x12345678;
    CHECK_EQ(try_create(1, s, 1), OE_INVALID_PARAMETER);
    CHECK(strstr(said, "0x12345678") != NULL);
    s[0].setting_type = OE_SGX_ENCLAVE_CONFIG_DATA;
    s[0].u.config_data = &config;
    s[1] = s[0];
    CHECK_EQ(try_create(1, s, 2), OE_INVALID_PARAMETER); /* twice */
}

TEST(without_hardware_nothing_is_emulated_silently)
{
    if (access(SGX_DEV_ENCLAVE, F_OK) == 0) {
        SKIP("this machine has SGX");
    }
    (void)unsetenv("OE_SIMULATION");
    CHECK_EQ(try_create(OE_ENCLAVE_FLAG_DEBUG, NULL, 0), OE_PLATFORM_ERROR);
    CHECK(strstr(said, "no SGX") != NULL);
    CHECK(strstr(said, "OE_SIMULATION=1") != NULL);
    CHECK(strstr(said, "OE_ENCLAVE_FLAG_SIMULATE") != NULL);
    CHECK_EQ(setenv("OE_SIMULATION", "yes", 1), 0); /* only 1 means it */
    CHECK_EQ(try_create(OE_ENCLAVE_FLAG_DEBUG, NULL, 0), OE_PLATFORM_ERROR);
    (void)unsetenv("OE_SIMULATION");
}

/* write the fixture as it stands now and create from it */
static oe_result_t create_with(struct cm_load_request *request, size_t len, oe_enclave_t **out)
{
    static char path[64];
    struct cm_tables tables = {NULL, 0, fake_names, FAKE_NAMES};
    oe_result_t r = OE_FAILURE;
    int saved = -1;

    (void)snprintf(path, sizeof(path), "/tmp/casemate_create_%ld.img", (long)getpid());
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make(fx.b, len), 0600, NULL), CM_OK);
    request->path = path;
    request->device = request->device == NULL ? &fake_device : request->device;
    *out = NULL;
    saved = listen_start();
    r = cm_create_on(request, &tables, out);
    listen_end(saved, said, sizeof(said));
    (void)unlink(path);
    return r;
}

/* the user database knows nobody */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t size, struct passwd **found)
{
    (void)uid;
    (void)entry;
    (void)buf;
    (void)size;
    *found = NULL;
    return 0;
}

/*
 * An unsigned image with that state folder, in a child: whether the result is want, and the log has
 * both texts and not the name of the image alone. Before any test in which the key is kept.
 */
static bool unsigned_with_state(const char *state, oe_result_t want, const char *a, const char *b)
{
    struct cm_load_request request = {.device = &fake_device, .debug = true};
    oe_enclave_t *e = NULL;
    int status = -1;
    pid_t child = -1;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        bool good = false;

        fx_make(&fx);
        (void)unsetenv("HOME");
        (void)unsetenv("XDG_STATE_HOME");
        (void)(state == NULL ? unsetenv("CASEMATE_STATE_DIR")
                             : setenv("CASEMATE_STATE_DIR", state, 1));
        good = create_with(&request, sizeof(fx.b), &e) == want && strstr(said, a) != NULL &&
               strstr(said, b) != NULL;
        (void)(good ? 0 : printf("  %s\n", said));
        (void)fflush(stdout);
        _exit(good ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(no_place_for_a_debug_key_and_a_damaged_one)
{
    char dir[] = "/tmp/cm_host_state_XXXXXX";
    char path[64] = "";

    CHECK(unsigned_with_state(NULL, OE_PLATFORM_ERROR, "no home folder", "CASEMATE_STATE_DIR"));
    CHECK(unsigned_with_state("/proc/nowhere", OE_PLATFORM_ERROR, "/proc/nowhere", "not signed"));
    CHECK(unsigned_with_state("relative", OE_PLATFORM_ERROR, "absolute", "CASEMATE_STATE_DIR"));
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/debug-signer.pem", dir);
    CHECK_EQ(cm_file_write_atomic(path, cm_span_make("no key", 6), 0600, NULL), CM_OK);
    CHECK(unsigned_with_state(dir, OE_CRYPTO_ERROR, path, "damaged"));
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK(unsigned_with_state(dir, OE_PLATFORM_ERROR, path, "not a regular file"));
    (void)rmdir(path);
    (void)rmdir(dir);
}

TEST(bad_input_every_truncation_of_an_image)
{
    struct cm_load_request request = {.debug = true};
    oe_enclave_t *e = NULL;

    fx_make(&fx);
    for (size_t len = 0; len < sizeof(fx.b); len += len < 0x700 ? 13 : 61) {
        CHECK(create_with(&request, len, &e) != OE_OK);
        CHECK(e == NULL);
        CHECK(strstr(said, "casemate_create") != NULL);
    }
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

/* the name is a part of many messages, and must be said all the same */
TEST(bad_input_a_file_with_a_short_name)
{
    struct cm_load_request request = {.path = "e", .device = &fake_device};
    struct cm_tables tables = {NULL, 0, NULL, 0};
    char dir[] = "/tmp/casemate_create_XXXXXX";
    char here[4096] = "";
    oe_enclave_t *e = NULL;
    int saved = -1;

    REQUIRE(getcwd(here, sizeof(here)) != NULL && mkdtemp(dir) != NULL && chdir(dir) == 0);
    CHECK_EQ(cm_file_write_atomic("e", cm_span_make("no image", 8), 0600, NULL), CM_OK);
    saved = listen_start();
    CHECK(cm_create_on(&request, &tables, &e) != OE_OK);
    listen_end(saved, said, sizeof(said));
    CHECK(strstr(said, " e: ") != NULL);
    CHECK_EQ(unlink("e"), 0);
    CHECK(chdir(here) == 0 && rmdir(dir) == 0);
}

TEST(bad_input_no_such_file)
{
    struct cm_load_request request = {.path = "/nowhere/enclave", .device = &fake_device};
    struct cm_tables tables = {NULL, 0, NULL, 0};
    oe_enclave_t *e = NULL;
    int saved = listen_start();

    CHECK_EQ(cm_create_on(&request, &tables, &e), OE_NOT_FOUND);
    listen_end(saved, said, sizeof(said));
    CHECK(strstr(said, "/nowhere/enclave: No such file") != NULL);
}

TEST(debug_needs_the_image_to_allow_it)
{
    struct cm_load_request request = {.debug = true};
    oe_enclave_t *e = NULL;

    fx_make(&fx);
    fx64(&fx, FX_OEINFO + 72, 4); /* MODE64BIT alone */
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_DEBUG_DOWNGRADE);
    CHECK(strstr(said, "not a debug enclave") != NULL);
    request.debug = false;
    request.debug_auto = true;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_EQ(fake_secs.attributes.flags, SGX_ATTR_MODE64);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    fx64(&fx, FX_OEINFO + 72, 6);
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_EQ(fake_secs.attributes.flags, SGX_ATTR_MODE64 | SGX_ATTR_DEBUG);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    request.debug_auto = false;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_EQ(fake_secs.attributes.flags, SGX_ATTR_MODE64);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(an_unsigned_image_is_not_run_in_production)
{
    struct cm_sgx_device hardware = fake_device;
    struct cm_load_request request = {.device = &hardware};
    oe_enclave_t *e = NULL;

    hardware.emulated = 0;
    fx_make(&fx);
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_VERIFY_FAILED);
    CHECK(strstr(said, "not signed") != NULL);
    request.debug = true;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(the_debug_key_is_private_and_stays)
{
    char path[4096];
    struct stat sb;

    CHECK_EQ(cm_state_dir(path, sizeof(path) - 32, NULL), CM_OK);
    memcpy(path + strlen(path), "/debug-signer.pem", sizeof("/debug-signer.pem"));
    CHECK_EQ(stat(path, &sb), 0);
    CHECK_EQ(sb.st_mode & 0777, 0600);
    CHECK_EQ(sb.st_nlink, 1);
}

TEST(config_data_need_kss)
{
    struct cm_load_request request = {
        .debug = true, .config = true, .config_id = {1, 2, 3}, .config_svn = 9};
    oe_enclave_t *e = NULL;

    fx_make(&fx);
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_UNSUPPORTED);
    CHECK(strstr(said, "KSS") != NULL);
    request.config_optional = true;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_EQ(fake_secs.configid[0], 0);
    CHECK_EQ(fake_secs.configsvn, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    fx64(&fx, FX_OEINFO + 72, 6 | SGX_ATTR_KSS);
    request.config_optional = false;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK);
    CHECK_MEM(fake_secs.configid, request.config_id, 64);
    CHECK_EQ(fake_secs.configsvn, 9);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
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
    struct cm_load_request request = {.debug = true};
    oe_enclave_t *e = NULL;
    int status = 0;
    pid_t child = 0;

    if (SANITIZED) {
        SKIP("under the address sanitiser");
    }
    fx_make(&fx);
    fx64(&fx, FX_OEINFO + 8, (UINT64_C(4) << 30) / 4096); /* 4 GiB of heap */
    child = fork();
    if (child == 0) { /* the limit cannot be taken back */
        struct rlimit limit = {UINT64_C(2) << 30, UINT64_C(2) << 30};
        int bad = setrlimit(RLIMIT_AS, &limit) != 0;

        bad |= create_with(&request, sizeof(fx.b), &e) != OE_OUT_OF_MEMORY;
        bad |= strstr(said, "address space") == NULL;
        fx64(&fx, FX_OEINFO + 8, 16);
        bad |= create_with(&request, sizeof(fx.b), &e) != OE_OK; /* the host lives on */
        _exit(bad);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(bad_input_patched_and_wrongly_signed_images)
{
    struct cm_load_request request = {.debug = true};
    oe_enclave_t *e = NULL;
    struct cm_image *image = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    uint8_t mrenclave[32];
    uint8_t sig[CM_SIGSTRUCT_SIZE];

    fx_make(&fx);
    REQUIRE(cm_image_open(cm_span_make(fx.b, sizeof(fx.b)), &image, NULL) == CM_OK);
    cm_image_props(image, &props);
    REQUIRE(cm_plan_make(image, &props, &plan, NULL) == CM_OK);
    CHECK_EQ(cm_plan_mrenclave(plan, mrenclave), CM_OK);
    CHECK_EQ(cm_sigstruct_build(&props, mrenclave, 0x20260102, sig), CM_OK);
    CHECK_EQ(cm_debug_sign(sig, NULL), CM_OK);
    memcpy(fx.b + FX_OEINFO + 144, sig, sizeof(sig));
    cm_plan_free(plan);
    cm_image_free(image);

    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_OK); /* as it was signed */
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    fake_errno = EPERM; /* what the processor's verdict becomes */
    fx.b[FX_HELPER] ^= 1;
    fake_fail_ioctl = 15; /* INIT: CREATE and thirteen regions are before it */
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_VERIFY_FAILED);
    CHECK_EQ(fake_fail_ioctl, 0);
    CHECK(strstr(said, "changed after it was signed") != NULL);
    fx.b[FX_HELPER] ^= 1;
    fx.b[FX_OEINFO + 144 + 516] ^= 1; /* the signature itself */
    fake_fail_ioctl = 15;
    CHECK_EQ(create_with(&request, sizeof(fx.b), &e), OE_VERIFY_FAILED);
    CHECK(strstr(said, "signature") != NULL);
    fake_errno = EIO;
    fake_fail_ioctl = 0;
}

int main(int argc, char **argv)
{
    int rc = 0;

    (void)setenv("OE_LOG_LEVEL", "ERROR", 1);
    rc = test_main(argc, argv);
    (void)unlink(fake_image());
    return rc;
}
