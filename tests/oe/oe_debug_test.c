/*
 * The debugging heap, its reports, backtraces, and what the host is told of an enclave's end; and that an
 * enclave without the DEBUG attribute tells no addresses.
 */
#include <openenclave/host.h>
#include <openenclave/trace.h>

#include <pthread.h>
#include <unistd.h>

#include "harness.h"
#include "host/symbols.h"
#include "oectr_u.h"
#include "oedbg.h"
#include "oedbg_u.h"

/* A host that lies about names. */
static bool lie;
void __real_cm_symbols_find(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count,
                            char (*names)[CM_SYMBOL_SIZE], uint64_t *offsets);
void __wrap_cm_symbols_find(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count,
                            char (*names)[CM_SYMBOL_SIZE], uint64_t *offsets);
void __wrap_cm_symbols_find(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count,
                            char (*names)[CM_SYMBOL_SIZE], uint64_t *offsets)
{
    __real_cm_symbols_find(enclave, addresses, count, names, offsets);
    for (size_t i = 0; lie && i < count; i++) {
        memset(names[i], 'x', CM_SYMBOL_SIZE); /* no terminator anywhere */
        names[i][0] = '\033';
    }
}

static char logged[65536];

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

/* what goes to a descriptor between the two calls */
static char said[65536];
static FILE *capture;
static int original = -1;

static void capture_begin(int fd)
{
    (void)fflush(NULL);
    logged[0] = '\0';
    said[0] = '\0';
    capture = tmpfile();
    original = dup(fd);
    if (capture == NULL || original < 0 || dup2(fileno(capture), fd) < 0) {
        abort();
    }
}

static void capture_end(int fd)
{
    size_t n;

    (void)fflush(NULL);
    if (dup2(original, fd) < 0) {
        abort();
    }
    (void)close(original);
    rewind(capture);
    n = fread(said, 1, sizeof(said) - 1, capture);
    said[n] = '\0';
    (void)fclose(capture);
}

static oe_enclave_t *make(bool debug)
{
    oe_enclave_t *e = NULL;
    const uint32_t flags = OE_ENCLAVE_FLAG_SIMULATE | (debug ? OE_ENCLAVE_FLAG_DEBUG : 0);

    (void)oe_log_set_callback(NULL, keep);
    if (oe_create_oedbg_enclave(IMAGE, OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &e) != OE_OK) {
        TEST_FAIL("the enclave was not created: %s", logged);
    }
    return e;
}

static const struct {
    int which;
    const char *text;
    const char *allocated_by; /* NULL: not known */
    const char *freed_by;
} mistakes[] = {
    {DBG_OVERRUN, "bytes behind the block were written to", "make_block()", NULL},
    {DBG_UNDERRUN, "bytes in front of it were written to", NULL, NULL},
    {DBG_DOUBLE_FREE, "the block was freed before", "make_block()", "drop_block()"},
    {DBG_USE_AFTER_FREE, "written to after it was freed", "make_block()", "drop_block()"},
    {DBG_FREE_INSIDE, "no block begins there", NULL, NULL},
    {DBG_FREE_STACK, "no block begins there", NULL, NULL},
    {DBG_RESIZE_FREED, "the block was freed before", "make_block()", "drop_block()"},
};

TEST(mistakes_end_the_enclave_and_are_explained)
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        oe_enclave_t *e = make(true);
        oe_result_t result;

        REQUIRE(e != NULL);
        capture_begin(STDERR_FILENO);
        result = dbg_mistake(e, mistakes[i].which);
        capture_end(STDERR_FILENO);
        CHECK_EQ(result, OE_ENCLAVE_ABORTING);
        if (strstr(said, mistakes[i].text) == NULL ||
            (mistakes[i].allocated_by != NULL && (strstr(said, mistakes[i].allocated_by) == NULL ||
                                                  strstr(said, "40 bytes") == NULL)) ||
            (mistakes[i].freed_by != NULL && strstr(said, mistakes[i].freed_by) == NULL)) {
            TEST_FAIL("mistake %zu: %s", i, said);
        }
        (void)oe_terminate_enclave(e);
    }
}

TEST(mistakes_are_found_at_the_end_as_well)
{
    for (int which = DBG_OVERRUN_AT_THE_END; which < DBG_MISTAKES; which++) {
        oe_enclave_t *e = make(true);

        REQUIRE(e != NULL);
        CHECK_EQ(dbg_mistake(e, which), OE_OK);
        capture_begin(STDERR_FILENO);
        CHECK_EQ(oe_terminate_enclave(e), OE_ENCLAVE_ABORTING);
        capture_end(STDERR_FILENO);
        CHECK(strstr(said, which == DBG_OVERRUN_AT_THE_END ? "bytes behind the block"
                                                           : "after it was freed") != NULL);
    }
}

TEST(leaks_are_listed_when_the_enclave_ends)
{
    oe_enclave_t *e = make(true);

    REQUIRE(e != NULL);
    CHECK_EQ(dbg_leak(e, 77), OE_OK);
    CHECK_EQ(dbg_leak(e, 23), OE_OK);
    capture_begin(STDOUT_FILENO);
    CHECK_EQ(oe_terminate_enclave(e), OE_MEMORY_LEAK);
    capture_end(STDOUT_FILENO);
    CHECK(strstr(said, "=== debug malloc: 100 bytes in 2 blocks were not freed\n") != NULL);
    CHECK(strstr(said, "77 bytes\n") != NULL && strstr(said, "23 bytes\n") != NULL);
    CHECK(strstr(said, "lose(): 0x") != NULL && strstr(said, "dbg_leak(): 0x") != NULL);

    e = make(true);
    REQUIRE(e != NULL);
    for (int i = 0; i < 40; i++) {
        CHECK_EQ(dbg_leak(e, 10), OE_OK);
    }
    capture_begin(STDOUT_FILENO);
    CHECK_EQ(oe_terminate_enclave(e), OE_MEMORY_LEAK);
    capture_end(STDOUT_FILENO);
    CHECK(strstr(said, "400 bytes in 40 blocks") != NULL);
    CHECK(strstr(said, "and 8 older blocks\n") != NULL);
}

TEST(tracking_reports_a_part_of_the_enclaves_life)
{
    oe_enclave_t *e = make(true);
    char text[4096] = "";
    int line = -1;

    REQUIRE(e != NULL);
    CHECK_EQ(dbg_tracking(e, &line, text), OE_OK);
    CHECK_EQ(line, 0);
    /* newest first */
    const char *second = strstr(text, "second_culprit(): 0x");
    const char *first = strstr(text, "first_culprit(): 0x");
    CHECK(second != NULL && first != NULL && second < first);
    CHECK(strstr(text, "dbg_tracking(): 0x") != NULL);
    capture_begin(STDOUT_FILENO);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    capture_end(STDOUT_FILENO);
    CHECK_STR(said, "");
}

TEST(the_debugging_heap_is_a_heap)
{
    oe_enclave_t *e = make(true);
    int line = -1;

    REQUIRE(e != NULL);
    CHECK_EQ(dbg_heap(e, &line), OE_OK);
    CHECK_EQ(line, 0);
    CHECK_EQ(dbg_heap_full(e, &line), OE_OK);
    CHECK_EQ(line, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(the_debugging_heap_bears_that_memory_runs_out)
{
    oe_enclave_t *e = make(true);

    REQUIRE(e != NULL);
    for (int sticks = 0; sticks < 2; sticks++) {
        bool reached = true;
        uint32_t k = 1;

        for (; reached && k < 200; k++) {
            int line = -1;

            CHECK_EQ(dbg_out_of_memory(e, &line, k, sticks != 0, &reached), OE_OK);
            if (line != 0) {
                TEST_FAIL("allocation %u, %d: line %d", k, sticks, line);
            }
        }
        CHECK(k > 8 && k < 200);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

struct churn {
    oe_enclave_t *enclave;
    uint32_t seed;
    int line;
};

static void *churn(void *arg)
{
    struct churn *c = arg;

    c->line = -1;
    if (dbg_churn(c->enclave, &c->line, c->seed, 20000) != OE_OK) {
        c->line = -2;
    }
    return NULL;
}

TEST(the_debugging_heap_serves_threads)
{
    oe_enclave_t *e = make(true);
    struct churn two[2] = {{e, 1, -1}, {e, 99, -1}};
    pthread_t threads[2];

    REQUIRE(e != NULL);
    for (int i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, churn, &two[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(two[i].line, 0);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(backtraces_have_names)
{
    static const char *const expected[] = {"innermost\n", "middle\n", "dbg_backtrace\n",
                                           "cm_ecall_main\n"};
    oe_enclave_t *e = make(true);
    char text[4096] = "";
    const char *at = text;
    int line = -1;

    REQUIRE(e != NULL);
    CHECK_EQ(dbg_backtrace(e, &line, text), OE_OK);
    CHECK_EQ(line, 0);
    for (size_t i = 0; i < 4; i++) {
        at = at == NULL ? NULL : strstr(at, expected[i]);
        if (at == NULL) {
            TEST_FAIL("no %s in %s", expected[i], text);
        }
    }
    capture_begin(STDERR_FILENO);
    CHECK_EQ(dbg_print_backtrace(e), OE_OK);
    capture_end(STDERR_FILENO);
    CHECK(strstr(said, "oe_print_backtrace\ndbg_print_backtrace\n") != NULL);
    CHECK_EQ(dbg_by_ocalls(e, &line, text), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(strncmp(text, "dbg_by_ocalls\necall_dbg_by_ocalls\n", 34) == 0);
    CHECK(strstr(logged, "  #0 dbg_by_ocalls+0x") != NULL);
    CHECK(strstr(logged, "  #1 ecall_dbg_by_ocalls+0x") != NULL);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(C2_names_that_the_host_makes_up_are_cut_and_cleaned)
{
    oe_enclave_t *e = make(true);
    char text[4096] = "";
    char expected[CM_SYMBOL_SIZE + 1];
    int line = -1;

    REQUIRE(e != NULL);
    memset(expected, 'x', sizeof(expected));
    expected[0] = '?';
    expected[CM_SYMBOL_SIZE - 1] = '\n';
    expected[CM_SYMBOL_SIZE] = '\0';
    lie = true;
    CHECK_EQ(dbg_backtrace(e, &line, text), OE_OK);
    lie = false;
    CHECK_EQ(line, 0);
    CHECK(strncmp(text, expected, CM_SYMBOL_SIZE) == 0);
    CHECK(strchr(text, '\033') == NULL);
    (void)oe_terminate_enclave(e);
}

TEST(an_abort_comes_with_the_functions_that_were_active)
{
    static const char *const cause[DBG_ENDS] = {"oe_abort() was called", "abort() was called",
                                                "on a line of its own", "did not handle it",
                                                "did not handle it"};

    for (int how = 0; how < DBG_ENDS; how++) {
        oe_enclave_t *e = make(true);

        REQUIRE(e != NULL);
        capture_begin(STDERR_FILENO);
        CHECK_EQ(dbg_end(e, how), OE_ENCLAVE_ABORTING);
        capture_end(STDERR_FILENO);
        if (strstr(logged, cause[how]) == NULL || strstr(logged, " last_words+0x") == NULL ||
            strstr(logged, " ecall_dbg_end+0x") == NULL ||
            strstr(logged, "cm_ecall_main+0x") == NULL) {
            TEST_FAIL("end %d: %s", how, logged);
        }
        (void)oe_terminate_enclave(e);
    }
}

TEST(an_abort_in_a_constructor_is_explained_as_well)
{
    oe_enclave_t *e = NULL;

    for (int debug = 0; debug < 2; debug++) {
        logged[0] = '\0';
        (void)oe_log_set_callback(NULL, keep);
        CHECK_EQ(oe_create_oectr_enclave(CTR_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                         OE_ENCLAVE_FLAG_SIMULATE |
                                             (debug != 0 ? OE_ENCLAVE_FLAG_DEBUG : 0),
                                         NULL, 0, &e),
                 OE_ENCLAVE_ABORTING);
        CHECK(e == NULL && strstr(logged, "did not handle it") != NULL);
        CHECK_EQ(strstr(logged, "#0 build_up+0x") != NULL, debug != 0);
        CHECK_EQ(strstr(logged, "+0x") != NULL, debug != 0);
    }
}

TEST(production_enclaves_tell_no_addresses)
{
    oe_enclave_t *e = make(false);
    char text[4096] = "";
    int line = -1;

    REQUIRE(e != NULL);
    CHECK_EQ(dbg_backtrace(e, &line, text), OE_OK);
    CHECK_EQ(line, 0);
    CHECK(strncmp(text, "0x", 2) == 0 && strstr(text, "middle") == NULL);
    CHECK_EQ(dbg_leak(e, 77), OE_OK);
    capture_begin(STDOUT_FILENO);
    CHECK_EQ(oe_terminate_enclave(e), OE_MEMORY_LEAK);
    capture_end(STDOUT_FILENO);
    CHECK_STR(said, "=== debug malloc: 77 bytes in 1 blocks were not freed\n77 bytes\n");

    for (int how = 0; how < DBG_ENDS; how++) {
        e = make(false);
        REQUIRE(e != NULL);
        capture_begin(STDERR_FILENO);
        CHECK_EQ(dbg_end(e, how), OE_ENCLAVE_ABORTING);
        capture_end(STDERR_FILENO);
        CHECK(logged[0] != '\0' && strstr(logged, "+0x") == NULL && strstr(logged, "#0") == NULL);
        (void)oe_terminate_enclave(e);
    }
    e = make(false);
    REQUIRE(e != NULL);
    capture_begin(STDERR_FILENO);
    CHECK_EQ(dbg_mistake(e, DBG_DOUBLE_FREE), OE_ENCLAVE_ABORTING);
    capture_end(STDERR_FILENO);
    CHECK_STR(said, "debug malloc: block of 40 bytes: the block was freed before\n");
    (void)oe_terminate_enclave(e);
}

TEST_MAIN
