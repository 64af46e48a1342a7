/* The call path and the life of an enclave, on a device that is not there. */
#include "harness.h"

#include <errno.h>
#include <openenclave/edger8r/host.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "fake_device.h"
#include "host/names.h"
#include "listen.h"

static oe_enclave_t *current;
static int ocalls_made;
static oe_result_t nested_result;
static uint64_t nested_tcs;
static pid_t child_status;

static void ocall_count(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                        size_t *written)
{
    (void)in;
    (void)in_size;
    (void)out;
    *written = out_size;
    ocalls_made++;
}

static void ocall_nested(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                         size_t *written)
{
    ocall_count(in, in_size, out, out_size, written);
    nested_result = fake_call(current, FAKE_NULL, 0, NULL);
    nested_tcs = fake_last_tcs;
}

static void ocall_terminate(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                            size_t *written)
{
    ocall_count(in, in_size, out, out_size, written);
    nested_result = oe_terminate_enclave(current);
}

static void ocall_fork(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                       size_t *written)
{
    ocall_count(in, in_size, out, out_size, written);
    child_status = fork();
}

static const oe_ocall_func_t table[] = {ocall_count, NULL};

static oe_enclave_t *create(void)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(fake_create(table, 2, &e), OE_OK);
    return e;
}

TEST(ecalls_are_found_by_name_whatever_their_order)
{
    oe_enclave_t *e = create();
    uint64_t out = 0;

    REQUIRE(e != NULL);
    CHECK_EQ(fake_call(e, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(fake_call(e, FAKE_SUM, 41, &out), OE_OK);
    CHECK_EQ(out, 42);
    CHECK(fake_arena != 0);
    CHECK_EQ(fake_call(e, FAKE_ABSENT, 0, NULL), OE_NOT_FOUND);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(a_name_of_no_enclave_is_not_found)
{
    oe_enclave_t *e = create();
    uint64_t id = OE_GLOBAL_ECALL_ID_NULL;
    uint64_t far = 1u << 20; /* a wrapper's number that nobody gave */
    size_t written = 7;

    REQUIRE(e != NULL);
    CHECK_EQ(oe_call_enclave_function(e, &id, "nobody", NULL, 0, NULL, 0, &written), OE_NOT_FOUND);
    CHECK_EQ(oe_call_enclave_function(e, &far, "null", NULL, 0, NULL, 0, &written), OE_NOT_FOUND);
    CHECK_EQ(written, 7);
    CHECK_EQ(oe_call_enclave_function(e, &id, NULL, NULL, 0, NULL, 0, &written),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_call_enclave_function(e, NULL, "null", NULL, 0, NULL, 0, &written),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_call_enclave_function(e, &id, "null", NULL, 0, NULL, 0, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_call_enclave_function(NULL, &id, "null", NULL, 0, NULL, 0, &written),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

static int call_null(void *e)
{
    return fake_call(e, FAKE_NULL, 0, NULL) == OE_OK ? 0 : 1;
}

TEST(A3_host_registers_survive_an_enclave_that_destroys_them)
{
    oe_enclave_t *e = create();

    REQUIRE(e != NULL);
    CHECK_EQ(cm_kept(call_null, e), 0);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(ocalls_are_served_and_bounded)
{
    oe_enclave_t *e = create();
    struct cm_call_args args;

    REQUIRE(e != NULL);
    ocalls_made = 0;
    CHECK_EQ(fake_call(e, FAKE_OCALLS, 5, NULL), OE_OK);
    CHECK_EQ(ocalls_made, 5);
    for (uint64_t id = 1; id < 4; id++) { /* 1: the table's NULL; 2 and 3: behind its end */
        memset(&args, 0, sizeof(args));
        args.function_id = id == 3 ? UINT64_MAX : id;
        fake_raw_func = CM_OCALL_CALL_FUNCTION;
        fake_raw_arg = (uint64_t)(uintptr_t)&args;
        CHECK_EQ(fake_call(e, FAKE_OCALL_RAW, 0, NULL), OE_NOT_FOUND);
        CHECK_EQ(args.result, OE_NOT_FOUND);
    }
    fake_raw_arg = e->base + 64; /* arguments inside the enclave */
    CHECK_EQ(fake_call(e, FAKE_OCALL_RAW, 0, NULL), OE_INVALID_PARAMETER);
    fake_raw_arg = e->base - 8; /* reaching into it */
    CHECK_EQ(fake_call(e, FAKE_OCALL_RAW, 0, NULL), OE_INVALID_PARAMETER);
    fake_raw_func = CM_OCALL_MAX;
    CHECK_EQ(fake_call(e, FAKE_OCALL_RAW, 0, NULL), OE_NOT_FOUND);
    fake_raw_func = 1;
    CHECK_EQ(fake_call(e, FAKE_OCALL_RAW, 0, NULL), OE_NOT_FOUND);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

static oe_result_t raw(oe_enclave_t *e, uint32_t func, uint64_t arg)
{
    fake_raw_func = func;
    fake_raw_arg = arg;
    return fake_call(e, FAKE_OCALL_RAW, 0, NULL);
}

TEST(built_in_ocalls)
{
    oe_enclave_t *e = create();
    struct cm_host_alloc_args alloc = {.size = 100};
    struct cm_write_args text = {.device = 1, .size = 6};
    uint64_t now = 0;

    REQUIRE(e != NULL);
    CHECK_EQ(raw(e, CM_OCALL_MALLOC, (uint64_t)(uintptr_t)&alloc), OE_OK);
    CHECK(alloc.address != 0 && alloc.address % 16 == 0);
    CHECK_EQ(raw(e, CM_OCALL_FREE, alloc.address), OE_OK);
    CHECK_EQ(raw(e, CM_OCALL_FREE, 0), OE_OK);
    CHECK_EQ(raw(e, CM_OCALL_FREE, e->base), OE_OK); /* not the host's: nothing happens */
    fail_alloc_at(1);
    CHECK_EQ(raw(e, CM_OCALL_MALLOC, (uint64_t)(uintptr_t)&alloc), OE_OUT_OF_MEMORY);
    CHECK_EQ(alloc.address, 0);
    CHECK_EQ(raw(e, CM_OCALL_GET_TIME, (uint64_t)(uintptr_t)&now), OE_OK);
    CHECK(llabs((long long)(now / 1000000000) - (long long)time(NULL)) < 60);
    CHECK_EQ(raw(e, CM_OCALL_GET_TIME, 0), OE_INVALID_PARAMETER);
    text.data = (uint64_t)(uintptr_t) "ocall\n";
    CHECK_EQ(raw(e, CM_OCALL_WRITE, (uint64_t)(uintptr_t)&text), OE_OK);
    text.device = 2;
    CHECK_EQ(raw(e, CM_OCALL_WRITE, (uint64_t)(uintptr_t)&text), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(D1_nested_ecall_goes_in_on_the_same_tcs)
{
    static const oe_ocall_func_t nested[] = {ocall_nested};

    CHECK_EQ(fake_create(nested, 1, &current), OE_OK);
    REQUIRE(current != NULL);
    nested_result = OE_OK;
    CHECK_EQ(fake_call(current, FAKE_OCALLS, 1, NULL), OE_OK);
    CHECK_EQ(nested_result, OE_REENTRANT_ECALL);
    CHECK_EQ(nested_tcs, fake_last_tcs);
    CHECK_EQ(fake_call(current, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST(terminate_is_refused_while_a_thread_is_inside)
{
    static const oe_ocall_func_t ends[] = {ocall_terminate};

    CHECK_EQ(fake_create(ends, 1, &current), OE_OK);
    REQUIRE(current != NULL);
    CHECK_EQ(fake_call(current, FAKE_OCALLS, 1, NULL), OE_OK);
    CHECK_EQ(nested_result, OE_BUSY);
    CHECK_EQ(fake_call(current, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST(a_terminated_enclave_cannot_be_called)
{
    oe_enclave_t *e = create();

    REQUIRE(e != NULL);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(fake_call(e, FAKE_NULL, 0, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(e), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

TEST(exceptions_are_handled_or_end_the_enclave)
{
    static const enum fake_ecall fatal[] = {FAKE_CRASH, FAKE_FAULT_BAD, FAKE_WORD, FAKE_ABORT};
    oe_enclave_t *e = create();

    REQUIRE(e != NULL);
    CHECK_EQ(fake_call(e, FAKE_FAULT, 0, NULL), OE_OK);
    CHECK_EQ(fake_call(e, FAKE_NO_ENTRY, 0, NULL), OE_UNEXPECTED);
    CHECK_EQ(fake_call(e, FAKE_EINVAL, 0, NULL), OE_UNEXPECTED);
    CHECK_EQ(fake_call(e, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        e = create();
        REQUIRE(e != NULL);
        CHECK_EQ(fake_call(e, fatal[i], 0, NULL), OE_ENCLAVE_ABORTING);
        CHECK_EQ(fake_call(e, FAKE_NULL, 0, NULL), OE_ENCLAVE_ABORTING); /* A9: not entered */
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

/* Each field of the enclave's word beyond its range, the others as they should be. */
TEST(A6_words_of_the_enclave_are_held_to_their_ranges)
{
    static const uint64_t words[] = {
        CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 1, OE_OK),
        CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, OE_SGX_QUOTE_LIBRARY_ERROR + 1),
        CM_CALL_WORD(CM_CODE_OCALL, CM_OCALL_GET_TIME, 0, 1),
        CM_CALL_WORD(CM_CODE_OCALL, CM_OCALL_GET_TIME, 1, 0),
        CM_CALL_WORD(CM_CODE_ECALL, CM_ECALL_CALL_FUNCTION, 0, 0),
        CM_CALL_WORD(0, 0, 0, 0),
        UINT64_MAX,
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        oe_enclave_t *e = create();

        REQUIRE(e != NULL);
        fake_word = words[i];
        CHECK_EQ(fake_call(e, FAKE_WORD, 0, NULL), OE_ENCLAVE_ABORTING);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
    fake_word = UINT64_MAX;
}

TEST(a_forked_child_never_enters)
{
    static const oe_ocall_func_t forks[] = {ocall_fork};
    int status = -1;

    CHECK_EQ(fake_create(forks, 1, &current), OE_OK);
    REQUIRE(current != NULL);
    if (fake_call(current, FAKE_OCALLS, 1, NULL) == OE_OK) {
        CHECK(child_status > 0);
        CHECK_EQ(waitpid(child_status, &status, 0), child_status);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    } else { /* the child: the ecall that it was forked in ends with an error, and so does any */
        int bad = fake_call(current, FAKE_NULL, 0, NULL) != OE_ENCLAVE_ABORTED;

        bad |= oe_terminate_enclave(current) != OE_OK;
        _exit(bad);
    }
    CHECK_EQ(fake_call(current, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

/* a thread that stays in an ocall until it is told to go */
static pthread_barrier_t inside;
static pthread_barrier_t leave_now;

static void ocall_stay(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                       size_t *written)
{
    (void)in;
    (void)in_size;
    (void)out;
    *written = out_size;
    (void)pthread_barrier_wait(&inside);
    (void)pthread_barrier_wait(&leave_now);
}

static void *stay(void *arg)
{
    oe_result_t *result = arg;

    *result = fake_call(current, FAKE_OCALLS, 1, NULL);
    return NULL;
}

TEST(each_thread_takes_a_tcs_until_there_is_none)
{
    static const oe_ocall_func_t stays[] = {ocall_stay};
    pthread_t threads[2];
    oe_result_t results[2] = {OE_FAILURE, OE_FAILURE};
    char said[2048] = "";
    int ear = -1;

    CHECK_EQ(fake_create(stays, 1, &current), OE_OK); /* the image has two TCS */
    REQUIRE(current != NULL);
    (void)pthread_barrier_init(&inside, NULL, 3);
    (void)pthread_barrier_init(&leave_now, NULL, 3);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, stay, &results[i]), 0);
    }
    (void)pthread_barrier_wait(&inside);
    ear = listen_start();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fake_call(current, FAKE_NULL, 0, NULL), OE_OUT_OF_THREADS);
    }
    listen_end(ear, said, sizeof(said));
    CHECK(strstr(said, "NumTCS") != NULL && strstr(strstr(said, "NumTCS") + 1, "NumTCS") == NULL);
    CHECK_EQ(oe_terminate_enclave(current), OE_BUSY);
    (void)pthread_barrier_wait(&leave_now);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(results[i], OE_OK);
    }
    CHECK_EQ(fake_call(current, FAKE_NULL, 0, NULL), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
    (void)pthread_barrier_destroy(&inside);
    (void)pthread_barrier_destroy(&leave_now);
}

static void *waiter(void *arg)
{
    *(oe_result_t *)arg = cm_slot_wait(current, current->tcs_first);
    return NULL;
}

TEST(a_waiting_thread_is_woken_by_wake_and_by_abort)
{
    pthread_t thread;
    oe_result_t result = OE_FAILURE;

    current = create();
    REQUIRE(current != NULL);
    CHECK_EQ(cm_slot_wake(current, current->tcs_first), OE_OK);
    CHECK_EQ(cm_slot_wait(current, current->tcs_first), OE_OK); /* woken before it waited */
    CHECK_EQ(pthread_create(&thread, NULL, waiter, &result), 0);
    CHECK_EQ(cm_slot_wake(current, current->tcs_first), OE_OK);
    (void)pthread_join(thread, NULL);
    CHECK_EQ(result, OE_OK);
    CHECK_EQ(cm_slot_wake(current, current->tcs_first + 8), OE_INVALID_PARAMETER);
    CHECK_EQ(cm_slot_wake(current, current->tcs_first + 2 * current->tcs_stride),
             OE_INVALID_PARAMETER);
    CHECK_EQ(cm_slot_wait(current, 0), OE_INVALID_PARAMETER);
    CHECK_EQ(pthread_create(&thread, NULL, waiter, &result), 0);
    cm_handle_abort(current, OE_ENCLAVE_ABORTING);
    (void)pthread_join(thread, NULL);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST(sixty_four_enclaves_at_once)
{
    oe_enclave_t *all[64];
    uint64_t out = 0;

    for (int i = 0; i < 64; i++) {
        all[i] = create();
        REQUIRE(all[i] != NULL);
    }
    for (int i = 0; i < 64; i++) {
        CHECK_EQ(fake_call(all[i], FAKE_SUM, (uint64_t)i, &out), OE_OK);
        CHECK_EQ(out, i + 1);
    }
    for (int i = 0; i < 64; i++) {
        CHECK_EQ(oe_terminate_enclave(all[i]), OE_OK);
    }
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

static void *churn(void *arg)
{
    int *bad = arg;

    for (int i = 0; i < 20; i++) {
        oe_enclave_t *e = NULL;
        uint64_t out = 0;

        if (fake_create(table, 2, &e) != OE_OK || fake_call(e, FAKE_SUM, 1, &out) != OE_OK ||
            out != 2 || oe_terminate_enclave(e) != OE_OK) {
            ++*bad;
        }
    }
    return NULL;
}

TEST(D2_many_threads_create_and_terminate)
{
    pthread_t threads[8];
    int bad[8] = {0};

    (void)fake_image();
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, &bad[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(bad[i], 0);
    }
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

TEST(every_refused_ioctl_ends_creation_without_a_trace)
{
    oe_enclave_t *e = NULL;
    int n = 0;

    for (n = 1; n < 100; n++) {
        fake_fail_ioctl = n;
        if (fake_create(table, 2, &e) == OE_OK) {
            break;
        }
        CHECK_EQ(fake_fail_ioctl, 0);
        CHECK(e == NULL);
        CHECK_EQ(fake_open_count, 0);
        CHECK_EQ(fake_mapped, 0);
    }
    fake_fail_ioctl = 0;
    CHECK(n > 5 && n < 100);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(pages_that_the_kernel_adds_in_parts_are_all_added_once)
{
    oe_enclave_t *e = create();
    uint64_t whole = 0;

    REQUIRE(e != NULL);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    fake_pages_added = 0;
    e = create();
    whole = fake_pages_added;
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    fake_pages_added = 0;
    fake_partial = true;
    e = create();
    fake_partial = false;
    REQUIRE(e != NULL);
    CHECK_EQ(fake_pages_added, whole);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(a_failing_initialisation_ends_creation)
{
    oe_enclave_t *e = NULL;

    fake_init_result = OE_OUT_OF_MEMORY;
    CHECK_EQ(fake_create(table, 2, &e), OE_OUT_OF_MEMORY);
    fake_init_result = OE_OK;
    CHECK(e == NULL);
    CHECK_EQ(fake_open_count, 0);
    CHECK_EQ(fake_mapped, 0);
}

TEST(out_of_memory_at_every_allocation)
{
    oe_enclave_t *e = NULL;
    long k = 0;

    for (k = 1; k < 500; k++) {
        oe_result_t result = OE_OK;

        e = NULL;
        fail_alloc_at(k);
        result = fake_create(table, 2, &e);
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK_EQ(result, OE_OK);
            CHECK_EQ(oe_terminate_enclave(e), OE_OK);
            break;
        }
        fail_alloc_at(-1);
        if (result == OE_OK) { /* an allocation that was not needed */
            CHECK_EQ(oe_terminate_enclave(e), OE_OK);
        } else {
            CHECK_EQ(result, OE_OUT_OF_MEMORY);
            CHECK(e == NULL);
        }
        CHECK_EQ(fake_open_count, 0);
        CHECK_EQ(fake_mapped, 0);
    }
    CHECK(k > 5 && k < 500);
    e = create();
    REQUIRE(e != NULL);
    fail_alloc_at(1); /* a call allocates nothing */
    CHECK_EQ(fake_call(e, FAKE_NULL, 0, NULL), OE_OK);
    CHECK(!fail_alloc_hit());
    fail_alloc_at(-1);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

int main(int argc, char **argv)
{
    int rc = test_main(argc, argv);

    (void)unlink(fake_image());
    return rc;
}
