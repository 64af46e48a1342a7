/* Calls into a real enclave and out of it, through everything that is between. */
#include "harness.h"

#include <openenclave/edger8r/host.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "e2e.h"
#include "host/handle.h"
#include "host/invoke.h"

static oe_enclave_t *current;
static oe_result_t seen[8];

TEST(data_in_and_out)
{
    oe_enclave_t *e = e2e_create();
    uint64_t sum = 0;
    char back[32] = "";
    int len = 0;
    uint32_t values[5] = {1, 2, 3, 4, 5};
    uint8_t out[3] = {0};

    REQUIRE(e != NULL);
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(enc_add(e, &sum, 40, 2), OE_OK);
    CHECK_EQ(sum, 42);
    CHECK_EQ(enc_reverse(e, &len, "enclave", back, sizeof(back)), OE_OK);
    CHECK_STR(back, "evalcne");
    CHECK_EQ(len, 7);
    CHECK_EQ(enc_inout(e, values, 5), OE_OK);
    CHECK_EQ(values[4], 10);
    CHECK_EQ(enc_out(e, out, sizeof(out), 9), OE_OK);
    CHECK_EQ(out[0], 9);
    CHECK_EQ(out[1], 0);
    CHECK_EQ(out[2], 10);
    CHECK_EQ(enc_echo(e, &sum, 77), OE_OK);
    CHECK_EQ(sum, 77);
    CHECK_EQ(enc_handle(e, &sum), OE_OK);
    CHECK_EQ(sum, (uintptr_t)e);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(sizes_around_every_buffer_limit)
{
    static uint8_t data[1 << 20];
    oe_enclave_t *e = e2e_create();
    uint64_t a = 0;
    uint64_t b = 0;

    REQUIRE(e != NULL);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t n = 0; n <= sizeof(data); n = n * 2 + 1) {
        CHECK_EQ(enc_in(e, &a, data, n), OE_OK);
        b = n;
        for (size_t i = 0; i < n; i += 4096) {
            b = b * 31 + data[i];
        }
        CHECK_EQ(a, n == 0 ? b : b * 31 + data[n - 1]);
        CHECK_EQ(enc_out(e, data, n, 3), OE_OK);
        CHECK(n == 0 || data[n - 1] == 4 || n == 1);
    }
    for (size_t n = 1; n <= 65536; n *= 2) {
        int r = -1;

        CHECK_EQ(enc_take(e, &r, n), OE_OK);
        CHECK_EQ(r, 0);
        CHECK_EQ(enc_give(e, &a, n), OE_OK);
        CHECK(a != 0);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(ocalls_in_great_number)
{
    oe_enclave_t *e = e2e_create();
    int r = -1;

    REQUIRE(e != NULL);
    e2e_null_ocalls = 0;
    CHECK_EQ(enc_ocalls(e, &r, 100000), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(e2e_null_ocalls, 100000);
    for (int i = 0; i < 100000; i++) {
        if (enc_null(e) != OE_OK) {
            TEST_FAIL("call %d failed", i);
            break;
        }
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(constructors_and_exit_handlers_may_call_the_host)
{
    oe_enclave_t *e = NULL;
    int r = -1;

    e2e_null_ocalls = 0;
    e = e2e_create();
    REQUIRE(e != NULL);
    CHECK_EQ(e2e_null_ocalls, 1);
    CHECK_EQ(enc_at_exit(e, &r), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(e2e_null_ocalls, 1);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(e2e_null_ocalls, 2);
}

/* D1: from an ocall, every way in again */
static void nest(uint64_t what)
{
    uint64_t sum = 0;

    (void)what;
    seen[0] = enc_null(current);
    seen[1] = enc_add(current, &sum, 1, 2);
    seen[2] = oe_terminate_enclave(current);
}

TEST(D1_a_nested_ecall_is_refused_and_harmless)
{
    int r = -1;

    current = e2e_create();
    REQUIRE(current != NULL);
    e2e_hook = nest;
    CHECK_EQ(enc_hook(current, &r, 0), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(seen[0], OE_REENTRANT_ECALL);
    CHECK_EQ(seen[1], OE_REENTRANT_ECALL);
    CHECK_EQ(seen[2], OE_BUSY);
    CHECK_EQ(enc_null(current), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

/* D1 with what generated code never does: the protocol's own calls, and numbers it does not have */
static void nest_raw(uint64_t what)
{
    struct cm_init_args args = {0};
    uint32_t func = (uint32_t)what;

    seen[0] = cm_invoke(current, CM_ENCLAVE_RUNNING, func,
                        func == CM_ECALL_INIT ? (uint64_t)(uintptr_t)&args : 0);
}

TEST(D1_no_call_of_the_protocol_goes_through_from_an_ocall)
{
    static const uint32_t funcs[] = {CM_ECALL_DESTRUCTOR,    CM_ECALL_INIT,
                                     CM_ECALL_CALL_FUNCTION, CM_ECALL_VIRTUAL_EXCEPTION,
                                     CM_ECALL_MAX,           0xffff};
    int r = -1;

    current = e2e_create();
    REQUIRE(current != NULL);
    for (size_t i = 0; i < sizeof(funcs) / sizeof(funcs[0]); i++) {
        e2e_hook = nest_raw;
        seen[0] = OE_OK;
        CHECK_EQ(enc_hook(current, &r, funcs[i]), OE_OK);
        CHECK_EQ(r, 0);
        CHECK_EQ(seen[0], OE_REENTRANT_ECALL);
    }
    CHECK_EQ(enc_null(current), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

static void *destroy(void *out)
{
    *(oe_result_t *)out = cm_invoke(current, CM_ENCLAVE_RUNNING, CM_ECALL_DESTRUCTOR, 0);
    return NULL;
}

/* another thread, while this one is in an ocall */
static void destroy_beside(uint64_t what)
{
    pthread_t thread;

    (void)what;
    if (pthread_create(&thread, NULL, destroy, &seen[0]) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

TEST(D2_the_enclave_begins_and_ends_once)
{
    struct cm_init_args args = {0};
    int r = -1;

    current = e2e_create();
    REQUIRE(current != NULL);
    CHECK_EQ(cm_invoke(current, CM_ENCLAVE_RUNNING, CM_ECALL_INIT, (uint64_t)(uintptr_t)&args),
             OE_ALREADY_INITIALIZED);
    e2e_hook = destroy_beside;
    seen[0] = OE_OK;
    CHECK_EQ(enc_hook(current, &r, 0), OE_OK);
    CHECK_EQ(seen[0], OE_BUSY);
    CHECK_EQ(enc_null(current), OE_OK); /* nothing was destroyed */
    (void)destroy(&seen[0]);
    CHECK_EQ(seen[0], OE_OK);
    CHECK_EQ(enc_null(current), OE_UNEXPECTED); /* now it was */
    (void)destroy(&seen[0]);
    CHECK_EQ(seen[0], OE_UNEXPECTED);
    (void)oe_terminate_enclave(current);
}

/* an ocall of one enclave may call another enclave */
static oe_enclave_t *second;

static void call_second(uint64_t what)
{
    uint64_t sum = 0;

    e2e_hook = nest;
    seen[0] = enc_add(second, &sum, what, 1);
    seen[1] = sum == what + 1 ? OE_OK : OE_FAILURE;
}

TEST(an_ocall_may_enter_another_enclave)
{
    int r = -1;

    current = e2e_create();
    second = e2e_create();
    REQUIRE(current != NULL && second != NULL);
    e2e_hook = call_second;
    CHECK_EQ(enc_hook(current, &r, 6), OE_OK);
    CHECK_EQ(seen[0], OE_OK);
    CHECK_EQ(seen[1], OE_OK);
    CHECK_EQ(oe_terminate_enclave(second), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST(bad_input_an_ecall_after_abort)
{
    oe_enclave_t *e = e2e_create();
    oe_result_t first = OE_OK;

    REQUIRE(e != NULL);
    first = enc_abort(e);
    CHECK_EQ(first, OE_ENCLAVE_ABORTING);
    CHECK_EQ(enc_null(e), first);
    CHECK_EQ(enc_null(e), first);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    e = e2e_create(); /* the host lives on */
    REQUIRE(e != NULL);
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(A9_every_unhandled_fault_ends_the_enclave_and_not_the_host)
{
    for (int kind = 0; kind <= 5; kind++) {
        oe_enclave_t *e = e2e_create();
        oe_result_t first = OE_OK;
        int r = 0;

        REQUIRE(e != NULL);
        first = enc_fault(e, &r, kind);
        if (first != OE_ENCLAVE_ABORTING) {
            TEST_FAIL("fault %d: %s", kind, oe_result_str(first));
        }
        CHECK_EQ(enc_null(e), first);
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
}

TEST(handled_faults_resume)
{
    oe_enclave_t *e = e2e_create();
    int n = 0;

    REQUIRE(e != NULL);
    CHECK_EQ(enc_handled_faults(e, &n, 100), OE_OK);
    CHECK_EQ(n, 100);
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(B1_bad_input_a_host_pointer_inside_the_enclave)
{
    oe_enclave_t *e = e2e_create();
    uint64_t id = OE_GLOBAL_ECALL_ID_NULL;
    uint64_t inside = 0;
    uint64_t room[16] = {0};
    size_t written = 0;
    int where = 0;

    REQUIRE(e != NULL);
    CHECK_EQ(enc_address(e, &inside), OE_OK);
    CHECK(inside >= e->base && inside < e->base + e->size);
    for (uint64_t at = e->base - 16; at < e->base + 64; at += 16) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        void *p = (void *)(uintptr_t)(at >= e->base + 16 ? inside : at);

        CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", p, 64, room, 64, &written),
                 OE_INVALID_PARAMETER);
        CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", room, 64, p, 64, &written),
                 OE_INVALID_PARAMETER);
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    CHECK_EQ(enc_within(e, &where, (void *)(uintptr_t)inside, 64), OE_OK);
    CHECK_EQ(where, 1);
    CHECK_EQ(enc_within(e, &where, room, 64), OE_OK);
    CHECK_EQ(where, 2);
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(B12_buffers_of_wrong_alignment_or_size_are_refused)
{
    oe_enclave_t *e = e2e_create();
    _Alignas(16) uint8_t room[256] = {0};
    uint64_t id = OE_GLOBAL_ECALL_ID_NULL;
    size_t written = 0;

    REQUIRE(e != NULL);
    for (size_t off = 1; off < 8; off++) {
        CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", room + off, 64, room, 64, &written),
                 OE_INVALID_PARAMETER);
        CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", room, 64, room + off, 64, &written),
                 OE_INVALID_PARAMETER);
    }
    for (size_t less = 1; less < 16; less++) {
        CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", room, 64 - less, room, 64, &written),
                 OE_INVALID_PARAMETER);
    }
    CHECK_EQ(oe_call_enclave_function(e, &id, "enc_null", room, SIZE_MAX - 15, room, 64, &written),
             OE_INVALID_PARAMETER);
    CHECK_EQ(enc_null(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* a thread that enters the TCS which the library is about to use */
static void *enter_busy(void *arg)
{
    uint64_t *out = arg;

    *out = (uint64_t)enc_null(current);
    return NULL;
}

static void others_are_out(uint64_t what)
{
    pthread_t thread;
    uint64_t result = OE_FAILURE;
    unsigned was = 0;

    (void)what;
    /* the library believes that this thread's TCS is free, and that the others are not */
    for (uint32_t i = 0; i < current->slot_count; i++) {
        was |= atomic_load(&current->slots[i].busy) << i;
        atomic_store(&current->slots[i].busy, 1u ^ (atomic_load(&current->slots[i].busy) & 1u));
    }
    if (pthread_create(&thread, NULL, enter_busy, &result) == 0) {
        (void)pthread_join(thread, NULL);
    }
    seen[0] = (oe_result_t)result;
    for (uint32_t i = 0; i < current->slot_count; i++) {
        atomic_store(&current->slots[i].busy, was >> i & 1u);
    }
}

TEST(D4_bad_input_a_busy_tcs)
{
    int r = -1;

    current = e2e_create();
    REQUIRE(current != NULL);
    e2e_hook = others_are_out;
    CHECK_EQ(enc_hook(current, &r, 0), OE_OK);
    /* the TCS itself is free during an ocall; the enclave sees that its thread is not */
    CHECK_EQ(seen[0], OE_REENTRANT_ECALL);
    CHECK_EQ(enc_null(current), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST(text_from_inside_reaches_standard_output)
{
    oe_enclave_t *e = e2e_create();
    char text[64] = "";
    int fds[2];
    int saved = dup(STDOUT_FILENO);
    int n = 0;
    ssize_t got = 0;

    REQUIRE(e != NULL);
    (void)fflush(stdout);
    CHECK_EQ(pipe(fds), 0);
    (void)dup2(fds[1], STDOUT_FILENO);
    CHECK_EQ(enc_print(e, &n, "printed inside"), OE_OK);
    (void)fflush(stdout);
    (void)dup2(saved, STDOUT_FILENO);
    (void)close(fds[1]);
    got = read(fds[0], text, sizeof(text) - 1);
    (void)close(fds[0]);
    (void)close(saved);
    CHECK(got > 0);
    CHECK_STR(text, "printed inside\n");
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* a fork in an ocall: the parent goes on, the child cannot enter */
static pid_t forked;

static void do_fork(uint64_t what)
{
    (void)what;
    forked = fork();
}

TEST(fork_inside_an_ocall_is_safe)
{
    int status = -1;
    int r = -1;

    current = e2e_create();
    REQUIRE(current != NULL);
    e2e_hook = do_fork;
    if (enc_hook(current, &r, 0) != OE_OK) {
        _exit(enc_null(current) == OE_ENCLAVE_ABORTED ? 0 : 1); /* the child */
    }
    CHECK(forked > 0);
    CHECK_EQ(waitpid(forked, &status, 0), forked);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(enc_null(current), OE_OK);
    CHECK_EQ(oe_terminate_enclave(current), OE_OK);
}

TEST_MAIN
