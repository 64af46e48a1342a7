/* What the tests of the other folders do not call, and what only shows in an enclave made for it. */
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/bits/sgx/sgxtypes.h>
#include <openenclave/host.h>
#include <openenclave/trace.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "oealloc.h"
#include "oealloc_u.h"
#include "oeapi_u.h"

static char logged[4096];

static void keep(void *context, bool is_enclave, const struct tm *t, long usecs,
                 oe_log_level_t level, uint64_t thread, const char *message)
{
    (void)context;
    (void)is_enclave;
    (void)t;
    (void)usecs;
    (void)level;
    (void)thread;
    strncat(logged, message, sizeof(logged) - strlen(logged) - 1);
}

static int noted[8];
static size_t noted_count;

void api_note(int value)
{
    if (noted_count < sizeof(noted) / sizeof(noted[0])) {
        noted[noted_count++] = value;
    }
}

static oe_enclave_t *make_with(const char *path, const oe_enclave_setting_t *settings, uint32_t n,
                               oe_result_t expected)
{
    oe_enclave_t *e = NULL;
    oe_result_t result;

    logged[0] = '\0';
    (void)oe_log_set_callback(NULL, keep);
    result = oe_create_oeapi_enclave(path, OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_SIMULATE, settings,
                                     n, &e);
    if (result != expected) {
        TEST_FAIL("creation: %s (%s)", oe_result_str(result), logged);
    }
    return e;
}

static oe_enclave_t *make(void)
{
    return make_with(IMAGE, NULL, 0, OE_OK);
}

TEST(copies_from_and_to_the_host)
{
    _Alignas(8) uint8_t host[64];
    oe_enclave_t *e = make();
    uint64_t product = 0;
    int line = -1;

    REQUIRE(e != NULL);
    for (unsigned i = 0; i < sizeof(host); i++) {
        host[i] = (uint8_t)i;
    }
    CHECK_EQ(api_host_copy(e, &line, host, sizeof(host)), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(host[0] == 100 && host[15] == 115 && host[16] == 16);
    memset(host, 0, sizeof(host));
    CHECK_EQ(api_barriers(e, &line, host, sizeof(host)), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(host[41] == 1 && host[43] == 0 && host[50] == 7 && host[54] == 7 && host[55] == 0);
    CHECK(host[56] == 4 && host[59] == 1 && host[60] == 9 && host[63] == 9);
    CHECK_EQ(api_errno(e, &line), OE_OK);
    CHECK_EQ(line, 0);
    CHECK_EQ(api_product(e, &product, 100000, 100000), OE_OK);
    CHECK_EQ(product, 10000000000);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(objects_of_a_thread_end_with_the_ecall_and_may_call_the_host)
{
    oe_enclave_t *e = make();
    int line = -1;

    REQUIRE(e != NULL);
    noted_count = 0;
    CHECK_EQ(api_object_of_thread(e, &line, 11), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(noted_count == 1 && noted[0] == 11);
    CHECK_EQ(api_object_of_thread(e, &line, 12), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(noted_count == 2 && noted[1] == 12);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(noted_count, 2);
}

TEST(an_allocator_of_the_enclaves_own)
{
    uint64_t counts[ALLOC_COUNTS] = {0};
    oe_enclave_t *e = NULL;
    int line = -1;

    REQUIRE(oe_create_oealloc_enclave(ALLOC_IMAGE, OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_SIMULATE,
                                      NULL, 0, &e) == OE_OK);
    CHECK_EQ(alloc_try(e, &line), OE_OK);
    CHECK_EQ(line, 0);
    CHECK_EQ(alloc_watch(e, counts), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(counts[ALLOC_INIT], 1);
    CHECK_EQ(counts[ALLOC_CLEANUP], 1);
    CHECK_EQ(counts[ALLOC_WRONG], 0);
    /* creation, the ecall of the log's level, two of ours, the end */
    CHECK_EQ(counts[ALLOC_THREAD_INIT], 5);
    CHECK_EQ(counts[ALLOC_THREAD_CLEANUP], 5);
}

/* bits/properties.h and the settings of host.h: what the image says and what the host adds */
TEST(key_separation_and_sharing)
{
    static const uint8_t family[16] = {9, 8, 7};
    static const uint8_t product[16] = {1, 2, 3};
    oe_sgx_enclave_setting_config_data data = {{0xc0, 0xff, 0xee}, 17, false};
    oe_enclave_setting_t setting = {OE_SGX_ENCLAVE_CONFIG_DATA, {NULL}};
    uint8_t said_family[16];
    uint8_t said_product[16];
    uint8_t config[64];
    uint16_t svn = 1;
    int line = -1;
    oe_enclave_t *e = NULL;

    setting.u.config_data = &data;
    for (int with = 0; with < 2; with++) {
        e = with == 0 ? make() : make_with(IMAGE, &setting, 1, OE_OK);
        REQUIRE(e != NULL);
        memset(config, 0xff, sizeof(config));
        CHECK_EQ(api_kss(e, &line, said_family, said_product, config, &svn), OE_OK);
        CHECK_EQ(line, 0);
        CHECK_MEM(said_family, family, 16);
        CHECK_MEM(said_product, product, 16);
        CHECK_EQ(svn, with == 0 ? 0 : 17);
        CHECK_EQ(config[0], with == 0 ? 0 : 0xc0);
        CHECK_EQ(config[3], 0);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
    /* an image without KSS refuses config data, unless they may be ignored */
    oe_enclave_t *plain = NULL;
    CHECK_EQ(oe_create_oealloc_enclave(ALLOC_IMAGE, OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_SIMULATE,
                                       &setting, 1, &plain),
             OE_UNSUPPORTED);
    data.ignore_if_unsupported = true;
    CHECK_EQ(oe_create_oealloc_enclave(ALLOC_IMAGE, OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_SIMULATE,
                                       &setting, 1, &plain),
             OE_OK);
    CHECK_EQ(oe_terminate_enclave(plain), OE_OK);
}

/* an image that is in memory and has no name: through its descriptor */
TEST(an_enclave_from_memory)
{
    char path[64];
    const int file = open(IMAGE, O_RDONLY | O_CLOEXEC);
    const int memory = memfd_create("enclave", MFD_CLOEXEC);
    const off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    oe_enclave_t *e = NULL;
    int line = -1;
    uint8_t *bytes = NULL;

    REQUIRE(file >= 0 && memory >= 0 && size > 0);
    bytes = malloc((size_t)size);
    REQUIRE(bytes != NULL && pread(file, bytes, (size_t)size, 0) == size);
    REQUIRE(write(memory, bytes, (size_t)size) == size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    e = make_with(path, NULL, 0, OE_OK);
    (void)close(memory);
    (void)close(file);
    free(bytes);
    REQUIRE(e != NULL);
    CHECK_EQ(api_errno(e, &line), OE_OK);
    CHECK_EQ(line, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(names_of_hosts_that_are_written_for_two_systems)
{
    char text[8] = "";
    char *copy = NULL;
    FILE *file = NULL;
    int number = 0;

    CHECK_EQ(strcpy_s(text, sizeof(text), "abc"), 0);
    CHECK_EQ(strcat_s(text, sizeof(text), "defg"), 0);
    CHECK_STR(text, "abcdefg");
    CHECK(strcat_s(text, sizeof(text), "h") != 0);
    CHECK_STR(text, "abcdefg");
    CHECK_EQ(strcpy_s(text, sizeof(text), "ab"), 0);
    CHECK_EQ(strncat_s(text, sizeof(text), "cdefghij", 3), 0);
    CHECK_STR(text, "abcde");
    CHECK(strncat_s(text, sizeof(text), "fgh", 3) != 0);
    CHECK(strcpy_s(text, sizeof(text), "too long a text") != 0);
    CHECK(strcpy_s(text, 0, "") != 0);
    CHECK_EQ(sprintf_s(text, sizeof(text), "%d", 123), 3);
    CHECK_EQ(sscanf_s(text, "%d", &number), 1);
    CHECK_EQ(number, 123);
    copy = _strdup(text);
    CHECK_STR(copy, "123");
    free(copy);
    CHECK(fopen_s(&file, "/nonexistent/file", "r") != 0 && file == NULL);
    CHECK_EQ(fopen_s(&file, "/dev/null", "r"), 0);
    (void)fclose(file);
    CHECK_EQ(_getpid(), getpid());
}

TEST(what_a_sigstruct_is_signed_over)
{
    sgx_sigstruct_t s;

    memset(&s, 0, sizeof(s));
    CHECK(sgx_sigstruct_header(&s) == (const void *)&s);
    CHECK_EQ(sgx_sigstruct_header_size(), 128);
    CHECK(sgx_sigstruct_body(&s) == (const void *)&s.miscselect);
    CHECK_EQ(sgx_sigstruct_body_size(), 128);
}

TEST(endorsements_of_tdx_are_not_made_of_nothing)
{
    static const uint8_t noise[64] = {1};
    uint8_t *endorsements = (uint8_t *)(uintptr_t)noise;
    uint32_t size = 7;

    CHECK_EQ(oe_get_tdx_endorsements(noise, sizeof(noise), NULL, &size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_tdx_endorsements(noise, sizeof(noise), &endorsements, NULL),
             OE_INVALID_PARAMETER);
    CHECK(oe_get_tdx_endorsements(noise, sizeof(noise), &endorsements, &size) != OE_OK);
    CHECK(endorsements == NULL && size == 0);
    oe_free_tdx_endorsements(NULL);
}

TEST_MAIN
