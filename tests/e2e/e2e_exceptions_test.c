/* Exceptions inside, as an application's handlers see them: rows E2, E3 and E4, and the API's promises. */
#include "harness.h"

#include <openenclave/host.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "exc_u.h"
#include "host/handle.h"
#include "listen.h"

enum {
    FAULT_UD2,
    FAULT_NULL,
    FAULT_WRITE_CODE,
    FAULT_OUTSIDE_ADDRESS,
    FAULT_OVERFLOW,
    FAULT_HEAP_CODE
};

enum { END_ASKED, END_ABORT, END_EXIT, END_SMASHED, END_EXCEPTION, END_COUNT };

static oe_enclave_t *e;

int exc_host(int value)
{
    return value + 1;
}

static bool start(const char *image)
{
    /* as a program for hardware under `casemate run --preload`, or with the emulator linked in */
    const uint32_t how = getenv("EXC_PRELOADED") != NULL ? 0 : OE_ENCLAVE_FLAG_SIMULATE;

    e = NULL;
    return oe_create_exc_enclave(image, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_DEBUG | how, NULL, 0,
                                 &e) == OE_OK;
}

TEST(E1_handlers_work_from_constructors_on)
{
    int r = 0;

    REQUIRE(start(EXC_IMAGE));
    CHECK_EQ(exc_constructed(e, &r), OE_OK);
    CHECK_EQ(r, 1);
    CHECK_EQ(exc_order(e, &r), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(exc_ocall(e, &r), OE_OK);
    CHECK_EQ(r, 21);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(E3_captured_faults_tell_their_address)
{
    int r = 1;

    REQUIRE(start(EXC_IMAGE));
    CHECK_EQ(exc_handlers(e, &r, 1), OE_OK);
    for (int kind = FAULT_UD2; kind <= FAULT_OUTSIDE_ADDRESS; kind++) {
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(exc_fault(e, &r, kind), OE_OK);
            CHECK_EQ(r, 0);
        }
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

static int ear;
static char said[4096];

static void listen_start_here(void)
{
    ear = listen_start();
}

static const char *heard(void)
{
    listen_end(ear, said, sizeof(said));
    return said;
}

/* Without EXINFO the processor tells the enclave nothing of memory faults, and the host is not asked. */
TEST(E3_faults_that_are_not_captured_end_the_enclave)
{
    for (int kind = FAULT_NULL; kind <= FAULT_HEAP_CODE; kind++) {
        uint64_t calls = 0;
        int r = 1;

        REQUIRE(start(EXC_PLAIN_IMAGE));
        CHECK_EQ(exc_handlers(e, &r, 1), OE_OK);
        CHECK_EQ(exc_fault(e, &r, FAULT_UD2), OE_OK);
        CHECK_EQ(r, 0);
        listen_start_here();
        CHECK_EQ(exc_fault(e, &r, kind), OE_ENCLAVE_ABORTING);
        CHECK(strstr(heard(), "exception 14") != NULL);
        CHECK_EQ(exc_calls(e, &calls), OE_ENCLAVE_ABORTING);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
}

TEST(E4_exceptions_in_handlers_and_their_end)
{
    int r = 0;

    REQUIRE(start(EXC_IMAGE));
    CHECK_EQ(exc_handlers(e, &r, 1), OE_OK);
    for (int depth = 0; depth < 4; depth++) {
        CHECK_EQ(exc_nested(e, &r, depth), OE_OK);
        CHECK_EQ(r, depth + 1);
    }
    CHECK_EQ(exc_nested(e, &r, 4), OE_ENCLAVE_ABORTING);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(E4_a_stack_that_overflows_ends_the_enclave)
{
    for (int handled = 0; handled < 2; handled++) {
        int r = 0;

        REQUIRE(start(EXC_IMAGE));
        CHECK_EQ(exc_handlers(e, &r, handled), OE_OK);
        CHECK_EQ(exc_fault(e, &r, FAULT_OVERFLOW), OE_ENCLAVE_ABORTING);
        CHECK_EQ(exc_handlers(e, &r, handled), OE_ENCLAVE_ABORTING);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
}

/* No end is silent: the host's log has the cause, and that later calls are refused, once. */
TEST(A9_the_host_says_why_an_enclave_ended)
{
    static const char *const causes[END_COUNT] = {
        "oe_abort() was called", "abort() was called", "exit() was called",
        "stack smashing",        "exception 6",
    };

    for (int how = 0; how < END_COUNT; how++) {
        const char *refused = NULL;
        int r = 0;

        REQUIRE(start(how % 2 == 0 ? EXC_PLAIN_IMAGE : EXC_IMAGE));
        listen_start_here();
        CHECK_EQ(exc_end(e, &r, how), OE_ENCLAVE_ABORTING);
        if (strstr(heard(), causes[how]) == NULL) {
            TEST_FAIL("no '%s' in '%s'", causes[how], said);
        }
        listen_start_here();
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(exc_end(e, &r, how), OE_ENCLAVE_ABORTING);
        }
        refused = strstr(heard(), "call refused: it aborted before");
        CHECK(refused != NULL && strstr(refused + 1, "call refused") == NULL);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
}

TEST(B1_a_pointer_into_the_enclave_is_named_in_the_log)
{
    REQUIRE(start(EXC_IMAGE));
    listen_start_here();
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the enclave */
    CHECK_EQ(exc_take(e, (const void *)(uintptr_t)e->base, 4096), OE_INVALID_PARAMETER);
    CHECK(strstr(heard(), "exc_take: the enclave refused an argument") != NULL);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* ------------------------------------------------------------------------------- E2 */

static int inside;
static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
    (void)sig;
    handled++;
}

static void *spin(void *arg)
{
    *(oe_result_t *)arg = exc_spin(e, &inside);
    return NULL;
}

static volatile oe_result_t from_handler;

static void call_from_signal(int sig)
{
    uint64_t calls = 0;

    (void)sig;
    from_handler = exc_calls(e, &calls);
    handled++;
}

/* A signal's handler on a thread that computes inside: a second ecall on its TCS. */
TEST(D1_an_ecall_from_a_signal_that_interrupted_an_ecall)
{
    oe_result_t result = OE_FAILURE;
    struct sigaction action;
    struct sigaction old;
    uint64_t calls = 1;
    pthread_t t;

    memset(&action, 0, sizeof(action));
    action.sa_handler = call_from_signal;
    REQUIRE(start(EXC_IMAGE));
    CHECK_EQ(sigaction(SIGUSR2, &action, &old), 0);
    CHECK_EQ(pthread_create(&t, NULL, spin, &result), 0);
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0) {
        (void)sched_yield();
    }
    handled = 0;
    for (int k = 1; k <= 5; k++) {
        from_handler = OE_FAILURE;
        CHECK_EQ(pthread_kill(t, SIGUSR2), 0);
        while (handled < k) {
            (void)sched_yield();
        }
        CHECK_EQ(from_handler, OE_REENTRANT_ECALL);
    }
    __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR2, &old, NULL), 0);
    CHECK_EQ(result, OE_OK);
    CHECK_EQ(exc_calls(e, &calls), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* A signal is not an exception, whatever its number. */
TEST(E2_signals_from_outside_reach_no_handler)
{
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGUSR1, SIGALRM};
    oe_result_t result = OE_FAILURE;
    uint64_t before = 0;
    uint64_t after = 1;
    struct sigaction action;
    struct sigaction old[sizeof(signals) / sizeof(signals[0])];
    pthread_t t;
    int r = 0;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    REQUIRE(start(EXC_IMAGE));
    CHECK_EQ(exc_handlers(e, &r, 1), OE_OK);
    CHECK_EQ(exc_calls(e, &before), OE_OK);
    CHECK_EQ(pthread_create(&t, NULL, spin, &result), 0);
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0) {
        (void)sched_yield();
    }
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        handled = 0;
        CHECK_EQ(sigaction(signals[i], &action, &old[i]), 0);
        for (int k = 1; k <= 20; k++) {
            CHECK_EQ(pthread_kill(t, signals[i]), 0);
            while (handled < k) {
                (void)sched_yield();
            }
        }
    }
    __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(t, NULL), 0);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        CHECK_EQ(sigaction(signals[i], &old[i], NULL), 0);
    }
    CHECK_EQ(result, OE_OK);
    CHECK_EQ(exc_calls(e, &after), OE_OK);
    CHECK_EQ(after, before);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST_MAIN
