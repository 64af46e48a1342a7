/*
 * Both halves of calls without a transition, in one process: the host's workers and callers as they are, and
 * the enclave's half of the lines (src/enclave/lines.c), whose ecalls are replaced by functions of this file.
 * Built with ThreadSanitizer it shows that every hand-over orders what was written before it; without, that
 * each call runs once.
 */
#include "harness.h"
#include "patience.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "abi/call.h"
#include "cm_host_switchless_u.h"
#include "enclave/lines.h"
#include "host/names.h"
#include "host/switchless.h"

enum { WORKERS = 2, CALLERS = 3, CALLS = 20000 };

static oe_enclave_t *e;
static atomic_bool aborting;

/* plain memory, which only the protocol orders */
static uint64_t ran[2 * CALLERS][CALLS];

struct request {
    uint64_t caller;
    uint64_t number;
    uint64_t unused[2];
};

/* ---------------------------------------------------------- what the enclave would be */

bool cm_line_aborting(void)
{
    return atomic_load(&aborting);
}

void cm_line_sleep(uint32_t index)
{
    (void)cm_switchless_line_wait(e, index);
}

oe_result_t cm_host_switchless_oe_sgx_init_context_switchless_ecall(oe_enclave_t *enclave,
                                                                    oe_result_t *_retval,
                                                                    oe_host_worker_context_t *lines,
                                                                    uint64_t count)
{
    (void)enclave;
    *_retval = cm_lines_set((struct cm_line *)lines, (uint32_t)count) ? OE_OK : OE_FAILURE;
    return OE_OK;
}

static void run(const struct request *r)
{
    ran[r->caller][r->number]++;
}

oe_result_t cm_host_switchless_oe_sgx_switchless_enclave_worker_thread_ecall(
    oe_enclave_t *enclave, oe_enclave_worker_context_t *context)
{
    struct cm_line *line = (struct cm_line *)context;
    struct cm_frame frame;
    uint64_t word;

    if (cm_bind(enclave, CM_ENCLAVE_RUNNING, &frame) != OE_OK) {
        return OE_FAILURE;
    }
    if (cm_line_open(line)) {
        while ((word = cm_line_take(line)) != 0) {
            struct request r;

            memcpy(&r, line->data, sizeof(r));
            run(&r);
            memcpy(line->data, &r, sizeof(r));
            if (cm_line_answer(line, CM_LINE_ANSWER(OE_OK, sizeof(r)))) {
                (void)cm_switchless_line_wake(enclave, (uint64_t)line);
            }
        }
    }
    cm_unbind(&frame);
    return OE_OK;
}

/* An ocall of the application. */
static void served(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                   size_t *written)
{
    struct request r;

    memcpy(&r, in, in_size < sizeof(r) ? in_size : sizeof(r));
    run(&r);
    memcpy(out, &r, out_size < sizeof(r) ? out_size : sizeof(r));
    *written = out_size;
}

static const oe_ocall_func_t ocalls[] = {served};

/* Workers on one core and callers on another: on a busy machine they might never meet otherwise. */
static void on_core(size_t core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static bool start(void)
{
    static const char *const names[] = {"oe_sgx_init_context_switchless_ecall",
                                        "oe_sgx_switchless_enclave_worker_thread_ecall"};
    static uint64_t ids[16];
    uint64_t id = 0;

    e = cm_handle_get(WORKERS + 1);
    if (e == NULL || cm_name_add(names[0], &id) != CM_OK || cm_name_add(names[1], &id) != CM_OK) {
        return false;
    }
    e->ecall_ids = ids;
    e->ecall_id_count = cm_name_count();
    e->ocalls = ocalls;
    e->ocall_count = 1;
    atomic_store(&e->state, CM_ENCLAVE_RUNNING);
    return cm_switchless_start(e, WORKERS, WORKERS) == OE_OK;
}

/* ------------------------------------------------------------------------- callers */

static bool ecall(struct request *r)
{
    struct request back = {0};
    struct cm_call_args args = {
        .input_buffer = (uint64_t)r,
        .input_buffer_size = sizeof(*r),
        .output_buffer = (uint64_t)&back,
        .output_buffer_size = sizeof(back),
    };

    if (!cm_switchless_ecall(e, 0, &args)) {
        return false;
    }
    CHECK_EQ(args.result, OE_OK);
    CHECK_EQ(back.number, r->number);
    return true;
}

/* As ocall_switchless.c, without what it checks. */
static bool ocall(struct request *r)
{
    uint64_t answer = 0;
    uint32_t index = 0;
    struct cm_line *line = cm_lines_claim((uint32_t)r->caller, &index);
    enum cm_line_outcome outcome = CM_LINE_NOT_RUN;

    if (line == NULL) {
        cm_switchless_wake_host_worker(e);
        return false;
    }
    memcpy(line->data, r, sizeof(*r));
    outcome = cm_line_call(line, index, CM_LINE_POST(0, true, 2, 2), &answer);
    if (outcome == CM_LINE_ANSWERED) {
        struct request back;

        memcpy(&back, line->data, sizeof(back));
        CHECK_EQ(CM_LINE_RESULT(answer), OE_OK);
        CHECK_EQ(back.number, r->number);
    }
    cm_lines_release(index, false);
    CHECK(outcome != CM_LINE_BROKEN);
    return outcome == CM_LINE_ANSWERED;
}

static atomic_ulong by_worker[2];

static void *call(void *arg)
{
    const uint64_t caller = (uint64_t)(uintptr_t)arg;
    const bool out = caller >= CALLERS;

    for (uint64_t i = 0; i < CALLS; i++) {
        struct request r = {caller, i, {0, 0}};

        if (out ? ocall(&r) : ecall(&r)) {
            (void)atomic_fetch_add(&by_worker[out], 1);
        } else {
            run(&r); /* the ordinary call */
        }
    }
    return NULL;
}

/* How many calls did not run just once. */
static uint64_t all_callers(void)
{
    pthread_t threads[2 * CALLERS];
    uint64_t wrong = 0;

    memset(ran, 0, sizeof(ran));
    for (uintptr_t i = 0; i < 2 * CALLERS; i++) {
        if (pthread_create(&threads[i], NULL, call, (void *)i) != 0) {
            abort(); /* the others use what this function returns to */
        }
    }
    for (int i = 0; i < 2 * CALLERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < 2 * CALLERS; i++) {
        for (size_t k = 0; k < CALLS; k++) {
            wrong += ran[i][k] != 1;
        }
    }
    return wrong;
}

/* again and again until workers of both kinds took calls: on a busy machine they may not get to run */
TEST(D3_calls_of_both_kinds_by_many_threads)
{
    struct patience p = {0};

    on_core(1);
    REQUIRE(start());
    on_core(0);
    do {
        CHECK_EQ(all_callers(), 0);
    } while ((atomic_load(&by_worker[0]) == 0 || atomic_load(&by_worker[1]) == 0) && patient(&p));
    CHECK(atomic_load(&by_worker[0]) > 0);
    CHECK(atomic_load(&by_worker[1]) > 0);
    atomic_store(&e->state, CM_ENCLAVE_STOPPING);
    CHECK(cm_switchless_pause(e));
    cm_switchless_stop(e, true);
    CHECK(!cm_handle_in_use(e));
    cm_handle_put(e);
}

TEST_MAIN
