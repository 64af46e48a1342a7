/* Threads that code inside an enclave makes, with hosts that do and do not play along (D5). */
#include "harness.h"

#include <openenclave/host.h>
#include <pthread.h>
#include <time.h>

#include "host/handle.h"
#include "thr_u.h"

static oe_enclave_t *e;

static bool start(void)
{
    e = NULL;
    return oe_create_thr_enclave(THR_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                 &e) == OE_OK;
}

/* What the library's ocall is replaced by for a while. */
uint32_t __real_cm_thread_start_ocall(uint64_t thread, uint64_t others);
uint32_t __wrap_cm_thread_start_ocall(uint64_t thread, uint64_t others);

enum { HONEST, REFUSE, LIE, TWICE } behaviour;
static uint64_t last_thread;

uint32_t __wrap_cm_thread_start_ocall(uint64_t thread, uint64_t others)
{
    uint32_t r = OE_OUT_OF_THREADS;

    last_thread = thread;
    if (behaviour != REFUSE) {
        r = __real_cm_thread_start_ocall(thread, others);
    }
    if (behaviour == TWICE) {
        (void)__real_cm_thread_start_ocall(thread, others);
        (void)__real_cm_thread_start_ocall(thread + 1, others);
        (void)__real_cm_thread_start_ocall(UINT64_MAX, others);
    }
    return behaviour == LIE ? OE_FAILURE : r;
}

TEST(threads_are_made_and_joined)
{
    int bad = 1;

    REQUIRE(start());
    for (int n = 1; n <= 3; n++) {
        for (int i = 0; i < 20; i++) {
            CHECK_EQ(thr_make(e, &bad, n), OE_OK);
            CHECK_EQ(bad, 0);
        }
    }
    CHECK_EQ(thr_exit(e, &bad), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK_EQ(thr_detached(e, &bad, 50), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK_EQ(thr_misuse(e, &bad), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK_EQ(oe_terminate_enclave(e),
             OE_OK); /* at once: those that have ended may not be out yet */
}

TEST(threads_beyond_the_tcs_are_refused)
{
    int bad = 1;

    REQUIRE(start());
    /* often: each round needs every TCS that the threads joined in the one before still may hold */
    for (int i = 0; i < 300; i++) {
        CHECK_EQ(thr_too_many(e, &bad), OE_OK);
        CHECK_EQ(bad, 0);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(D1_an_enclave_with_a_running_thread_is_not_terminated)
{
    int bad = 1;

    REQUIRE(start());
    CHECK_EQ(thr_leave_running(e, &bad), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_BUSY);
    CHECK_EQ(thr_release(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(D5_numbers_that_the_host_invents_run_nothing)
{
    uint64_t runs = 1;
    uint64_t after = 0;
    int r = 1;

    REQUIRE(start());
    CHECK_EQ(thr_run_count(e, &runs), OE_OK);
    for (uint64_t n = 0; n < 100; n++) {
        CHECK_EQ(cm_thread_run_ecall(e, n), OE_OK);
    }
    behaviour = REFUSE;
    CHECK_EQ(thr_host_failed(e, &r), OE_OK);
    CHECK_EQ(r, 11);                                      /* EAGAIN */
    CHECK_EQ(cm_thread_run_ecall(e, last_thread), OE_OK); /* too late */
    CHECK_EQ(thr_run_count(e, &after), OE_OK);
    CHECK_EQ(after, runs);
    behaviour = TWICE;
    CHECK_EQ(thr_host_failed(e, &r), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(thr_run_count(e, &after), OE_OK);
    CHECK_EQ(after, runs + 1);
    behaviour = LIE; /* "no", and runs it all the same: then it may be over before or after */
    CHECK_EQ(thr_host_failed(e, &r), OE_OK);
    CHECK(r == 0 || r == 11);
    behaviour = HONEST;
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* A host that wakes nobody, everybody, or the wrong thread, and lets sleepers come back by chance. */
enum { WAKE_RIGHT, WAKE_NONE, WAKE_TWICE, WAKE_OTHER } waking;

oe_result_t __real_cm_slot_wake(oe_enclave_t *enclave, uint64_t tcs);
oe_result_t __wrap_cm_slot_wake(oe_enclave_t *enclave, uint64_t tcs);
oe_result_t __real_cm_slot_wait(oe_enclave_t *enclave, uint64_t tcs);
oe_result_t __wrap_cm_slot_wait(oe_enclave_t *enclave, uint64_t tcs);

oe_result_t __wrap_cm_slot_wake(oe_enclave_t *enclave, uint64_t tcs)
{
    if (waking == WAKE_TWICE) {
        (void)__real_cm_slot_wake(enclave, tcs);
    }
    if (waking == WAKE_OTHER) {
        tcs = enclave->tcs_first + (tcs == enclave->tcs_first ? enclave->tcs_stride : 0);
    }
    return waking == WAKE_NONE ? OE_OK : __real_cm_slot_wake(enclave, tcs);
}

oe_result_t __wrap_cm_slot_wait(oe_enclave_t *enclave, uint64_t tcs)
{
    const struct timespec while_ago = {0, 100000};

    if (waking == WAKE_RIGHT || waking == WAKE_TWICE) {
        return __real_cm_slot_wait(enclave, tcs);
    }
    return (oe_result_t)nanosleep(&while_ago, NULL);
}

TEST(D5_wakes_that_are_lost_doubled_or_astray)
{
    int bad = 1;

    REQUIRE(start());
    for (waking = WAKE_NONE; waking <= WAKE_OTHER; waking++) {
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(thr_make(e, &bad, 3), OE_OK);
            CHECK_EQ(bad, 0);
            CHECK_EQ(thr_detached(e, &bad, 6), OE_OK);
            CHECK_EQ(bad, 0);
        }
    }
    waking = WAKE_RIGHT;
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

static uint64_t cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

TEST(sleep_and_limits_take_time_but_no_processor)
{
    uint64_t before = 0;
    int bad = 1;

    REQUIRE(start());
    before = cpu_ms(); /* without the start's measuring */
    CHECK_EQ(thr_sleep(e, &bad, 200), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK_EQ(thr_timeouts(e, &bad), OE_OK);
    CHECK_EQ(bad, 0);
    CHECK(cpu_ms() - before < 150);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST_MAIN
