/*
 * The log across the boundary: what an enclave says is data to the host, and what the host wants is
 * a wish to the enclave.
 */
#include "harness.h"

#include <fcntl.h>
#include <openenclave/host.h>
#include <openenclave/trace.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "api_silent_u.h"
#include "api_u.h"

static oe_enclave_t *debug;
static oe_enclave_t *production;
static oe_enclave_t *silent;

static struct {
    size_t calls;
    char text[4096];
    bool is_enclave;
    oe_log_level_t level;
    void *context;
    uint64_t thread;
    long usecs;
    time_t when;
} heard;

static void listen_to(void *context, bool is_enclave, const struct tm *t, long int usecs,
                      oe_log_level_t level, uint64_t host_thread_id, const char *message)
{
    struct tm when = *t;

    heard.calls++;
    heard.context = context;
    heard.is_enclave = is_enclave;
    heard.when = timegm(&when);
    heard.usecs = usecs;
    heard.level = level;
    heard.thread = host_thread_id;
    (void)snprintf(heard.text, sizeof(heard.text), "%s", message);
    /* what the callback causes is not given to it, and nothing waits for itself */
    (void)oe_create_api_enclave("/nonexistent", OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                0, &(oe_enclave_t *){NULL});
}

static void forget(void)
{
    memset(&heard, 0, sizeof(heard));
}

static oe_enclave_t *start(uint32_t flags)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(oe_create_api_enclave(ENCLAVE, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE | flags,
                                   NULL, 0, &e),
             OE_OK);
    return e;
}

TEST(the_enclaves_start)
{
    debug = start(OE_ENCLAVE_FLAG_DEBUG);
    production = start(0);
    CHECK_EQ(oe_create_api_silent_enclave(SILENT, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE,
                                          NULL, 0, &silent),
             OE_OK);
}

TEST(level_names)
{
    CHECK_EQ(OE_LOG_LEVEL_MAX, 6);
    CHECK_STR(oe_log_level_strings[OE_LOG_LEVEL_NONE], "NONE");
    CHECK_STR(oe_log_level_strings[OE_LOG_LEVEL_WARNING], "WARN");
    CHECK_STR(oe_log_level_strings[OE_LOG_LEVEL_VERBOSE], "VERBOSE");
}

TEST(oe_log_set_callback_tells_who_when_and_what)
{
    oe_result_t r = OE_FAILURE;
    int here = 0;
    const time_t now = time(NULL);

    REQUIRE(debug != NULL);
    CHECK_EQ(oe_log_set_callback(&here, listen_to), OE_OK);
    forget();
    CHECK_EQ(api_say(debug, &r, OE_LOG_LEVEL_WARNING, "water is rising\n"), OE_OK);
    CHECK_EQ(heard.calls, 1);
    CHECK_STR(heard.text, "water is rising\n");
    CHECK(heard.is_enclave);
    CHECK_EQ(heard.level, OE_LOG_LEVEL_WARNING);
    CHECK(heard.context == &here);
    CHECK(heard.thread == (uint64_t)pthread_self());
    CHECK(heard.when >= now && heard.when <= time(NULL));
    CHECK(heard.usecs >= 0 && heard.usecs < 1000000);
    forget();
    (void)oe_create_api_enclave("/nonexistent", OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                0, &(oe_enclave_t *){NULL});
    CHECK_EQ(heard.calls, 1);
    CHECK(!heard.is_enclave);
    CHECK_EQ(heard.level, OE_LOG_LEVEL_ERROR);
    CHECK(strstr(heard.text, "/nonexistent") != NULL);
}

/* lines that were not logged, and orders to the terminal */
TEST(an_enclaves_text_is_data)
{
    static char longer[5000];
    oe_result_t r = OE_FAILURE;

    REQUIRE(debug != NULL);
    forget();
    CHECK_EQ(api_say(debug, &r, OE_LOG_LEVEL_ERROR,
                     "a\ncasemate [INFO] fine\x1b[2J\xc2\x9b\x7f%s%n\n\n"),
             OE_OK);
    CHECK_STR(heard.text, "a\\x0acasemate [INFO] fine\\x1b[2J\\xc2\\x9b\\x7f%s%n\n");
    forget();
    memset(longer, '\x01', sizeof(longer) - 1);
    CHECK_EQ(api_say(debug, &r, OE_LOG_LEVEL_ERROR, longer), OE_OK);
    CHECK_EQ(heard.calls, 1);
    CHECK(strncmp(heard.text, "\\x01\\x01", 8) == 0);
}

TEST(a_level_that_is_none_is_dropped)
{
    static const uint32_t levels[] = {OE_LOG_LEVEL_NONE, OE_LOG_LEVEL_MAX, 77, UINT32_MAX};
    oe_result_t r = OE_FAILURE;

    REQUIRE(debug != NULL);
    forget();
    for (size_t i = 0; i < OE_COUNTOF(levels); i++) {
        CHECK_EQ(api_say(debug, &r, levels[i], "never"), OE_OK);
    }
    CHECK_EQ(heard.calls, 0);
}

TEST(oe_set_host_log_level_limits_the_host)
{
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_set_host_log_level((oe_log_level_t)-1), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_FATAL), OE_OK);
    forget();
    (void)oe_create_api_enclave("/nonexistent", OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                0, &(oe_enclave_t *){NULL});
    CHECK_EQ(heard.calls, 0);
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_ERROR), OE_OK);
}

/* Removing the callback is an INFO message of the runtime inside. */
static size_t told_at(oe_enclave_t *e, uint32_t level)
{
    oe_result_t r = OE_FAILURE;

    forget();
    CHECK_EQ(oe_set_enclave_log_level(e, level), OE_OK);
    CHECK_EQ(api_set_callback(e, &r, false), OE_OK);
    CHECK_EQ(r, OE_OK);
    return heard.calls;
}

TEST(oe_set_enclave_log_level_is_a_wish)
{
    oe_enclave_t *quiet = NULL;

    REQUIRE(debug != NULL && production != NULL && silent != NULL);
    CHECK_EQ(told_at(debug, OE_LOG_LEVEL_WARNING), 0);
    CHECK_EQ(told_at(debug, OE_LOG_LEVEL_INFO), 1);
    CHECK_STR(heard.text, "the enclave's log callback is removed\n");
    CHECK_EQ(told_at(debug, OE_LOG_LEVEL_NONE), 0);
    /* no host can make an enclave talk that is not for debugging */
    CHECK_EQ(told_at(production, OE_LOG_LEVEL_VERBOSE), 0);
    CHECK_EQ(oe_set_enclave_log_level(NULL, OE_LOG_LEVEL_INFO), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_set_enclave_log_level(debug, OE_LOG_LEVEL_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_set_enclave_log_level(silent, OE_LOG_LEVEL_INFO), OE_UNSUPPORTED);
    /* the host's level is what new enclaves are asked for */
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_INFO), OE_OK);
    quiet = start(OE_ENCLAVE_FLAG_DEBUG);
    REQUIRE(quiet != NULL);
    forget();
    CHECK_EQ(api_set_callback(quiet, &(oe_result_t){OE_FAILURE}, false), OE_OK);
    CHECK_EQ(heard.calls, 1);
    CHECK_EQ(oe_terminate_enclave(quiet), OE_OK);
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_ERROR), OE_OK);
}

/* A level that the public function refuses, as a host that is not ours would send it. */
TEST(a_wish_that_is_no_level_changes_nothing)
{
    oe_result_t r = OE_FAILURE;

    REQUIRE(debug != NULL);
    CHECK_EQ(told_at(debug, OE_LOG_LEVEL_WARNING), 0);
    CHECK_EQ(oe_log_init_ecall(debug, "x", 0xffffffffu), OE_OK);
    CHECK_EQ(oe_log_init_ecall(debug, NULL, OE_LOG_LEVEL_MAX), OE_OK);
    forget();
    CHECK_EQ(api_set_callback(debug, &r, false), OE_OK);
    CHECK_EQ(heard.calls, 0);
}

TEST(oe_enclave_log_set_callback_hears_all_levels)
{
    char text[200] = "";
    uint32_t level = 0;
    bool same = false;
    size_t calls = 0;
    oe_result_t r = OE_FAILURE;

    REQUIRE(production != NULL);
    CHECK_EQ(oe_set_enclave_log_level(production, OE_LOG_LEVEL_NONE), OE_OK);
    forget();
    CHECK_EQ(api_set_callback(production, &r, true), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK_EQ(api_last_log(production, &calls, text, &level, &same), OE_OK);
    CHECK_EQ(calls, 1); /* once: not for what it did itself */
    CHECK_STR(text, "the enclave's log callback is set\n");
    CHECK_EQ(level, OE_LOG_LEVEL_INFO);
    CHECK(same);
    CHECK_EQ(heard.calls, 0);
    CHECK_EQ(api_set_callback(production, &r, false), OE_OK);
    CHECK_EQ(api_last_log(production, &calls, text, &level, &same), OE_OK);
    CHECK_EQ(calls, 1);
}

TEST(corelibc_names)
{
    int line = -1;

    REQUIRE(debug != NULL);
    CHECK_EQ(api_corelibc(debug, &line), OE_OK);
    CHECK_EQ(line, 0); /* of api_corelibc.c */
}

TEST(oe_allocator_mallinfo_inside)
{
    int line = -1;

    REQUIRE(production != NULL);
    CHECK_EQ(api_mallinfo(production, &line), OE_OK);
    CHECK_EQ(line, 0); /* of api_enclave.c */
}

TEST(an_enclave_that_cannot_log_works)
{
    oe_result_t r = OE_FAILURE;

    REQUIRE(silent != NULL);
    CHECK_EQ(api_silent_try(silent, &r), OE_OK);
    CHECK_EQ(r, OE_OK);
}

TEST(at_info_the_host_tells_of_each_enclave)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_INFO), OE_OK);
    forget();
    CHECK_EQ(oe_create_api_silent_enclave(SILENT, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE,
                                          NULL, 0, &e),
             OE_OK);
    CHECK_EQ(heard.calls, 1);
    CHECK_EQ(heard.level, OE_LOG_LEVEL_INFO);
    CHECK(!heard.is_enclave);
    CHECK(strstr(heard.text, SILENT ": enclave at 0x") == heard.text);
    CHECK(strstr(heard.text, "EMULATED, MRENCLAVE ") != NULL);
    CHECK_EQ(strspn(strstr(heard.text, "MRENCLAVE ") + 10, "0123456789abcdef"), 64);
    forget();
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(heard.calls, 1);
    CHECK(strstr(heard.text, "has ended: OE_OK") != NULL);
    CHECK_EQ(oe_set_host_log_level(OE_LOG_LEVEL_ERROR), OE_OK);
}

/* An image that is in memory, or came over a network, needs no folder: a path leads to it. */
TEST(an_enclave_is_created_from_memory)
{
    char path[64] = "";
    char block[4096] = "";
    ssize_t n = 0;
    oe_enclave_t *e = NULL;
    oe_result_t r = OE_FAILURE;
    const int from = open(SILENT, O_RDONLY | O_CLOEXEC);
    const int memory = memfd_create("image", MFD_CLOEXEC);

    REQUIRE(from >= 0 && memory >= 0);
    while ((n = read(from, block, sizeof(block))) > 0) {
        REQUIRE(write(memory, block, (size_t)n) == n);
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    CHECK_EQ(oe_create_api_silent_enclave(path, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                          0, &e),
             OE_OK);
    CHECK_EQ(api_silent_try(e, &r), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    (void)close(from);
    (void)close(memory);
}

TEST(the_enclaves_end)
{
    CHECK_EQ(oe_log_set_callback(NULL, NULL), OE_OK);
    forget();
    CHECK_EQ(oe_terminate_enclave(debug), OE_OK);
    CHECK_EQ(oe_terminate_enclave(production), OE_OK);
    CHECK_EQ(oe_terminate_enclave(silent), OE_OK);
    CHECK_EQ(heard.calls, 0);
}

TEST_MAIN
