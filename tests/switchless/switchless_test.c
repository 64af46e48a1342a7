/* Calls without a transition, both ways: results, workers that sleep and wake, too few TCS, the end. */
#include "harness.h"
#include "patience.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/switchless.h"
#include "swl_bare_u.h"
#include "swl_u.h"

#define TCS 4

static oe_enclave_t *e;

static oe_result_t create_with(size_t host, size_t enclave, oe_enclave_t **out)
{
    const oe_enclave_setting_context_switchless_t workers = {host, enclave};
    const oe_enclave_setting_t setting = {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&workers}};

    return oe_create_swl_enclave(SWL_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, &setting, 1,
                                 out);
}

/* pthread_create of the host library, with a limit */
static unsigned threads_left = UINT_MAX;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    if (threads_left == 0) {
        return EAGAIN;
    }
    threads_left -= threads_left != UINT_MAX;
    return __real_pthread_create(thread, attr, run, arg);
}

static void on_core(size_t core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* Workers on one core and callers on another: on a busy machine they might never meet otherwise. */
static bool start(size_t host, size_t enclave)
{
    bool ok;

    e = NULL;
    on_core(1);
    ok = create_with(host, enclave, &e) == OE_OK;
    on_core(0);
    return ok;
}

static void end(void)
{
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    e = NULL;
}

uint64_t host_next(uint64_t a)
{
    return a + 1;
}

uint64_t host_plain_next(uint64_t a)
{
    return a + 1;
}

uint64_t host_echo(const char *text, char *back, size_t n)
{
    (void)snprintf(back, n, "<%s>", text);
    return strlen(text);
}

uint64_t host_reenter(void)
{
    uint64_t sum = 0;

    return enc_add(e, &sum, 1, 2);
}

static atomic_int waiting;

void host_wait(void)
{
    atomic_store(&waiting, 1);
    while (atomic_load(&waiting) == 1) {
        (void)usleep(100);
    }
}

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static double processor_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Call until a worker has served so many: on a busy machine it may take a while to get the processor. */
static bool ecalls_by_worker(uint64_t wanted)
{
    const uint64_t from = cm_switchless_counts(e).ecalls;
    struct patience p = {0};

    for (uint64_t i = 0; cm_switchless_counts(e).ecalls - from < wanted; i++) {
        uint64_t sum = 0;

        if (enc_add(e, &sum, i, 3) != OE_OK || sum != i + 3 || !patient(&p)) {
            return false;
        }
    }
    return true;
}

static bool ocalls_by_worker(uint64_t wanted)
{
    const uint64_t from = cm_switchless_counts(e).ocalls;
    struct patience p = {0};

    while (cm_switchless_counts(e).ocalls - from < wanted) {
        uint64_t last = 0;

        if (enc_loop_ask(e, &last, 100) != OE_OK || last != 100 || !patient(&p)) {
            return false;
        }
    }
    return true;
}

/* Workers have served so many since the enclave began, or the time is over: then a check behind the loop fails. */
static bool served_since(uint64_t wanted, struct patience *p)
{
    return cm_switchless_counts(e).ecalls >= wanted || !patient(p);
}

TEST(ecalls_are_served_by_a_worker)
{
    REQUIRE(start(0, 1));
    CHECK(ecalls_by_worker(1000));
    CHECK_EQ(cm_switchless_counts(e).ocalls, 0);
    end();
}

TEST(ocalls_are_served_by_a_worker)
{
    REQUIRE(start(1, 0));
    CHECK(ocalls_by_worker(1000));
    CHECK_EQ(cm_switchless_counts(e).ecalls, 0);
    end();
}

TEST(without_workers_of_a_kind_calls_are_ordinary)
{
    uint64_t sum = 0;

    REQUIRE(start(1, 0));
    CHECK_EQ(enc_add(e, &sum, 20, 22), OE_OK);
    CHECK_EQ(sum, 42);
    CHECK_EQ(cm_switchless_counts(e).ecalls, 0);
    end();
    REQUIRE(start(0, 1));
    CHECK_EQ(enc_loop_ask(e, &sum, 100), OE_OK);
    CHECK_EQ(sum, 100);
    CHECK_EQ(cm_switchless_counts(e).ocalls, 0);
    end();
}

/* small: in the line; larger: by address; with and without a worker */
TEST(data_of_every_size)
{
    static uint8_t data[70000];
    static const size_t sizes[] = {0,  1,  7,  8,  15,  16,  17,   24,
                                   32, 40, 48, 64, 512, 513, 4096, 70000};

    REQUIRE(start(1, 1));
    for (int round = 0; round < 2; round++) {
        CHECK(round == 0 || ecalls_by_worker(10));
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint64_t sum = 0;

            memset(data, 0, sizeof(data));
            CHECK_EQ(enc_fill(e, data, sizes[i], 3), OE_OK);
            CHECK_EQ(enc_sum(e, &sum, data, sizes[i]), OE_OK);
            CHECK_EQ(sum, 3 * sizes[i]);
            CHECK(sizes[i] == sizeof(data) || data[sizes[i]] == 0);
        }
    }
    end();
}

TEST(strings_through_a_switchless_ocall)
{
    char back[100];
    uint64_t len = 0;

    REQUIRE(start(1, 1));
    CHECK(ocalls_by_worker(10));
    CHECK_EQ(enc_echo(e, &len, "to and fro", back, sizeof(back)), OE_OK);
    CHECK_EQ(len, 10);
    CHECK_STR(back, "<to and fro>");
    end();
}

/* nested ocalls of both kinds from a function that a worker runs */
TEST(ocalls_from_a_switchless_ecall)
{
    struct patience p = {0};

    REQUIRE(start(1, 1));
    CHECK(ecalls_by_worker(10));
    for (uint64_t i = 0; i < 2000 || !served_since(10 + 50, &p); i++) {
        uint64_t last = 0;

        CHECK_EQ(enc_ask_host(e, &last, i, 5, (i & 1) != 0), OE_OK);
        CHECK_EQ(last, i + 5);
    }
    CHECK(cm_switchless_counts(e).ecalls >= 10 + 50);
    end();
}

TEST(D1_an_ecall_inside_a_switchless_ocall_is_refused)
{
    uint64_t result = 0;

    REQUIRE(start(1, 1));
    for (int i = 0; i < 200; i++) { /* by a worker and without one: the same */
        CHECK_EQ(enc_reenter(e, &result), OE_OK);
        CHECK_EQ(result, OE_REENTRANT_ECALL);
    }
    CHECK(ocalls_by_worker(10));
    CHECK_EQ(enc_reenter(e, &result), OE_OK);
    CHECK_EQ(result, OE_REENTRANT_ECALL);
    end();
}

TEST(D4_each_call_of_a_worker_is_a_new_tenant)
{
    const uint64_t mark = 0x5ec4e7c0ffee1234;
    struct patience p = {0};

    REQUIRE(start(0, 1));
    CHECK(ecalls_by_worker(10));
    for (int i = 0; i < 2000 || !served_since(10 + 100, &p); i++) {
        uint64_t found = 0;

        CHECK_EQ(enc_tenant(e, &found, mark), OE_OK);
        CHECK_EQ(found, 0);
    }
    CHECK(cm_switchless_counts(e).ecalls >= 10 + 100);
    end();
}

TEST(exceptions_in_a_worker_are_handled_and_its_destructors_run)
{
    uint64_t seen = 0;
    struct patience p = {0};

    REQUIRE(start(0, 1));
    CHECK(ecalls_by_worker(10));
    for (uint64_t i = 1; i <= 300 || !served_since(10 + 20, &p); i++) {
        CHECK_EQ(enc_fault(e, &seen), OE_OK);
        CHECK_EQ(seen, i);
        CHECK_EQ(enc_key(e), OE_OK);
        CHECK_EQ(enc_keys_destroyed(e, &seen), OE_OK);
        CHECK_EQ(seen, i); /* before the answer came */
    }
    CHECK(cm_switchless_counts(e).ecalls >= 10 + 20);
    end();
}

static bool fall_asleep(void)
{
    struct patience p = {0};

    while (patient(&p)) {
        const uint64_t sleeps = cm_switchless_counts(e).sleeps;

        pause_ms(5);
        if (cm_switchless_counts(e).sleeps == sleeps && !cm_handle_in_use(e)) {
            return true;
        }
    }
    return false;
}

TEST(workers_sleep_when_idle)
{
    REQUIRE(start(4, 4));
    CHECK(ecalls_by_worker(10));
    CHECK(ocalls_by_worker(10));
    CHECK(fall_asleep());
    CHECK(!cm_handle_in_use(e)); /* and occupy no TCS */
    const double before = processor_seconds();

    pause_ms(500);
    CHECK(processor_seconds() - before < 0.02); /* eight workers that spin would take 4 s */
    CHECK(ecalls_by_worker(10));                /* and are there again */
    CHECK(ocalls_by_worker(10));
    end();
}

static uint64_t go[2]; /* not 0: leave; how many came in */

static void *spin_inside(void *arg)
{
    (void)arg;
    return (void *)(uintptr_t)enc_spin(e, go);
}

/* more callers than workers, and functions that run for long: nothing is lost, nobody waits for a worker */
TEST(long_calls_do_not_hold_up_others)
{
    pthread_t threads[2];
    uint64_t sum = 0;
    void *result = NULL;

    REQUIRE(start(1, 1));
    __atomic_store_n(&go[0], 0, __ATOMIC_SEQ_CST);
    CHECK(ecalls_by_worker(1)); /* there is one: the first of the two may have it for itself */
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, spin_inside, NULL), 0);
    }
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(enc_add(e, &sum, 1, 1), OE_OK);
    }
    __atomic_store_n(&go[0], 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], &result);
        CHECK(result == NULL);
    }
    end();
}

static void *wait_out(void *arg)
{
    uint64_t result = OE_FAILURE;

    (void)arg;
    return (void *)(uintptr_t)(enc_wait_out(e, &result) != OE_OK || result != OE_OK);
}

/* the caller, inside, goes to sleep by an ordinary ocall, and is woken when the host's worker is done */
TEST(a_long_switchless_ocall_lets_its_caller_sleep)
{
    pthread_t thread;
    void *result = NULL;
    double before = 0;

    REQUIRE(start(1, 0));
    for (int i = 0; i < 3; i++) {
        CHECK(ocalls_by_worker(1));
        atomic_store(&waiting, 0);
        CHECK_EQ(pthread_create(&thread, NULL, wait_out, NULL), 0);
        while (atomic_load(&waiting) == 0) {
            pause_ms(1);
        }
        pause_ms(20);
        before = processor_seconds();
        pause_ms(200);
        CHECK(processor_seconds() - before < 0.1);
        CHECK_EQ(oe_terminate_enclave(e), OE_BUSY);
        atomic_store(&waiting, 2);
        (void)pthread_join(thread, &result);
        CHECK(result == NULL);
    }
    end();
}

struct many {
    uint64_t wrong;
    uint64_t bumps;
};

static void *many(void *arg)
{
    struct many *m = arg;

    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t v = 0;
        oe_result_t r = (i & 3) == 0 ? enc_ask_host(e, &v, i, 3, (i & 4) != 0) : enc_bump(e, &v);

        if (r == OE_OUT_OF_THREADS) {
            continue;
        }
        m->wrong += r != OE_OK || ((i & 3) == 0 && v != i + 3);
        m->bumps += (i & 3) != 0;
    }
    return NULL;
}

TEST(D3_more_callers_than_workers_and_tcs)
{
    static struct many each[16];
    pthread_t threads[16];
    uint64_t bumps = 0;
    uint64_t seen = 0;

    REQUIRE(start(2, 2));
    memset(each, 0, sizeof(each));
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, many, &each[i]), 0);
    }
    for (int i = 0; i < 16; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(each[i].wrong, 0);
        bumps += each[i].bumps;
    }
    CHECK_EQ(enc_bumped(e, &seen), OE_OK);
    CHECK_EQ(seen, bumps); /* each call ran exactly once */
    CHECK(bumps > 0);
    end();
}

/* as many workers as TCS: an ordinary call gets one at once all the same */
TEST(idle_workers_give_way)
{
    uint64_t sum = 0;

    REQUIRE(start(0, 100)); /* as many as there are TCS */
    for (int i = 0; i < 300; i++) {
        CHECK_EQ(enc_add(e, &sum, 1, 1), OE_OK);
        CHECK_EQ(enc_plain_add(e, &sum, 2, 2), OE_OK);
        CHECK_EQ(sum, 4);
    }
    CHECK(ecalls_by_worker(10));
    CHECK_EQ(enc_plain_add(e, &sum, 2, 2), OE_OK);
    end();
}

TEST(a_worker_whose_function_aborts)
{
    uint64_t sum = 0;

    for (int i = 0; i < 5; i++) {
        REQUIRE(start(1, 1));
        CHECK(ecalls_by_worker(1));
        CHECK_EQ(enc_abort(e), OE_ENCLAVE_ABORTING);
        CHECK_EQ(enc_add(e, &sum, 1, 1), OE_ENCLAVE_ABORTING);
        CHECK_EQ(enc_plain_add(e, &sum, 1, 1), OE_ENCLAVE_ABORTING);
        end();
    }
}

TEST(termination_while_a_worker_works_is_refused)
{
    pthread_t thread;
    void *result = NULL;
    uint64_t sum = 0;

    REQUIRE(start(1, 1));
    __atomic_store_n(&go[0], 0, __ATOMIC_SEQ_CST);
    CHECK(ecalls_by_worker(1));
    __atomic_store_n(&go[1], 0, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_create(&thread, NULL, spin_inside, NULL), 0);
    while (__atomic_load_n(&go[1], __ATOMIC_SEQ_CST) == 0) {
        pause_ms(1);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_BUSY);
    __atomic_store_n(&go[0], 1, __ATOMIC_SEQ_CST);
    (void)pthread_join(thread, &result);
    CHECK(result == NULL);
    CHECK_EQ(enc_add(e, &sum, 1, 1), OE_OK); /* it lives on, and so do its workers */
    CHECK(ecalls_by_worker(1));
    end();
}

TEST(termination_while_workers_poll)
{
    for (int i = 0; i < 20; i++) {
        uint64_t sum = 0;

        REQUIRE(start(4, 4));
        for (int k = 0; k < 50; k++) {
            CHECK_EQ(enc_add(e, &sum, 1, 1), OE_OK);
        }
        CHECK_EQ(enc_loop_ask(e, &sum, 50), OE_OK);
        end();
    }
}

TEST(a_forked_child_has_no_workers)
{
    uint64_t sum = 0;
    int status = 0;
    pid_t child;

    REQUIRE(start(1, 1));
    CHECK(ecalls_by_worker(1));
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool ok =
            enc_add(e, &sum, 1, 1) == OE_ENCLAVE_ABORTED && oe_terminate_enclave(e) == OE_OK;
        _exit(ok ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(ecalls_by_worker(1));
    end();
}

TEST(an_enclave_without_the_edl_file)
{
    static const oe_enclave_setting_context_switchless_t one = {1, 1};
    const oe_enclave_setting_t setting = {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&one}};
    const uint32_t flags = OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE;
    oe_enclave_t *bare = NULL;
    uint64_t sum = 0;

    CHECK_EQ(oe_create_swl_bare_enclave(BARE_IMAGE, OE_ENCLAVE_TYPE_SGX, flags, &setting, 1, &bare),
             OE_UNSUPPORTED);
    CHECK(bare == NULL);
    /* without the setting its calls are ordinary ones */
    REQUIRE(oe_create_swl_bare_enclave(BARE_IMAGE, OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &bare) ==
            OE_OK);
    CHECK_EQ(bare_add(bare, &sum, 40, 2), OE_OK);
    CHECK_EQ(sum, 42);
    CHECK_EQ(oe_terminate_enclave(bare), OE_OK);
}

/* whatever fails, creation fails, and nothing stays behind that would be in the way of the next one */
TEST(memory_and_threads_that_run_out)
{
    oe_enclave_t *made = NULL;
    oe_result_t r = OE_FAILURE;
    unsigned failures = 0;

    for (long k = 1; r != OE_OK && k < 5000; k++) {
        fail_alloc_at(k);
        r = create_with(2, 2, &made);
        CHECK(r == OE_OK || made == NULL);
        failures += r != OE_OK;
        if (r != OE_OK && k > 40) {
            k += k / 8; /* most allocations are the loader's, which has tests of its own */
        }
    }
    fail_alloc_at(-1);
    CHECK(failures > 5);
    CHECK_EQ(r, OE_OK);
    REQUIRE(made != NULL);
    e = made;
    end();
    threads_left = 1; /* of four */
    CHECK_EQ(create_with(2, 2, &made), OE_THREAD_CREATE_ERROR);
    CHECK(made == NULL);
    threads_left = UINT_MAX;
    REQUIRE(start(2, 2));
    CHECK(ecalls_by_worker(1));
    end();
}

TEST(settings_that_are_refused)
{
    static const oe_enclave_setting_context_switchless_t one = {1, 1};
    const oe_enclave_setting_t twice[2] = {
        {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&one}},
        {OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, {&one}},
    };
    oe_enclave_t *none = NULL;

    CHECK_EQ(create_with(0, 0, &none), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_create_swl_enclave(SWL_IMAGE, OE_ENCLAVE_TYPE_SGX,
                                   OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, twice, 2,
                                   &none),
             OE_INVALID_PARAMETER);
    CHECK(none == NULL);
    REQUIRE(start(SIZE_MAX, SIZE_MAX)); /* clipped to the TCS */
    CHECK(ecalls_by_worker(1));
    end();
}

int main(int argc, char **argv)
{
    /* skipped: workers need a processor of their own */
    return sysconf(_SC_NPROCESSORS_ONLN) < 2 ? 77 : test_main(argc, argv);
}
