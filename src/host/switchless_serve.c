/*
 * What worker threads do. One of the host's polls its line and runs ocalls; one of the enclave's enters,
 * polls inside, and comes out when it was idle for long, when its TCS is wanted or when the enclave broke.
 */
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/call.h"
#include "cm_host_switchless_u.h"
#include "host/invoke.h"
#include "host/switchless_worker.h"

void cm_event_wait(struct cm_event *event)
{
    while (atomic_exchange(&event->set, 0) == 0) {
        (void)syscall(SYS_futex, &event->set, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
}

void cm_event_set(struct cm_event *event)
{
    if (atomic_exchange(&event->set, 1) == 0) {
        (void)syscall(SYS_futex, &event->set, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void answer(struct cm_worker *w, uint64_t word)
{
    if (__atomic_exchange_n(&w->line->word, word, __ATOMIC_ACQ_REL) == CM_LINE_AWAITED) {
        cm_event_set(&w->answered);
    }
}

/* served: what it had served when it was woken */
static void judge_waking(struct cm_worker *w, unsigned long long served)
{
    unsigned in_vain = atomic_load(&w->in_vain);

    in_vain = atomic_load(&w->served) != served ? 0
              : in_vain < CM_IN_VAIN_MOST       ? in_vain + 1
                                                : in_vain;
    atomic_store(&w->in_vain, in_vain);
    atomic_store(&w->spare, (1u << in_vain) - 1);
}

static void sleep_until_wanted(struct cm_worker *w)
{
    (void)atomic_fetch_add_explicit(&w->sleeps, 1, memory_order_relaxed);
    atomic_store(&w->asleep, 1);
    cm_event_wait(&w->wanted);
    atomic_store(&w->asleep, 0);
}

/* The call is the worker's alone until it answers. Sizes come from the enclave, which may be broken. */
static void run_ocall(struct cm_worker *w, uint64_t word)
{
    _Alignas(16) uint8_t input[CM_LINE_DATA_MAX];
    _Alignas(16) uint8_t output[CM_LINE_DATA_MAX] = {0};
    struct cm_line_far far;
    struct cm_call_args args = {.function_id = CM_LINE_FUNCTION(word)};
    const bool near = (word & CM_LINE_NEAR) != 0;
    oe_result_t result = OE_INVALID_PARAMETER;

    if (near) {
        memcpy(input, w->line->data, sizeof(input));
        args.input_buffer = (uint64_t)(uintptr_t)input;
        args.input_buffer_size = CM_LINE_IN_SIZE(word);
        args.output_buffer = (uint64_t)(uintptr_t)output;
        args.output_buffer_size = CM_LINE_OUT_SIZE(word);
    } else {
        memcpy(&far, w->line->data, sizeof(far));
        args.input_buffer = far.input_buffer;
        args.input_buffer_size = far.input_buffer_size;
        args.output_buffer = far.output_buffer;
        args.output_buffer_size = far.output_buffer_size;
    }
    if (!near ||
        (args.input_buffer_size <= sizeof(input) && args.output_buffer_size <= sizeof(output))) {
        result = cm_ocall_function(w->enclave, &args);
    }
    if (near) {
        memcpy(w->line->data, output, sizeof(output));
    }
    answer(w, CM_LINE_ANSWER(result, args.output_bytes_written));
}

static void open_line(struct cm_worker *w)
{
    const uint64_t word = cm_line_load(w->line);

    (void)cm_line_change(w->line, word, cm_line_woken(word)); /* nobody posts to one who sleeps */
}

/* A call, or 0 after a time without one: the line is that of one who sleeps. */
static uint64_t poll_line(struct cm_worker *w)
{
    uint32_t looks = CM_LOOKS_IDLE;

    for (;;) {
        const uint64_t word = cm_line_load(w->line);

        if (CM_LINE_STATE(word) == CM_LINE_POSTED) {
            if (cm_line_change(w->line, word, CM_LINE_TAKEN)) {
                return word;
            }
        } else if (looks == 0 || atomic_load_explicit(&w->stop, memory_order_relaxed) != 0) {
            if (cm_line_change(w->line, word, cm_line_slept(word))) {
                return 0;
            }
        } else {
            looks--;
            __builtin_ia32_pause();
        }
    }
}

void cm_worker_serve_ocalls(struct cm_worker *worker)
{
    unsigned long long served = 0;
    struct cm_frame frame;

    cm_worker_frame(worker->enclave, &frame);
    open_line(worker);
    while (atomic_load(&worker->stop) == 0) {
        const uint64_t word = poll_line(worker);

        if (word != 0) {
            run_ocall(worker, word);
            (void)atomic_fetch_add_explicit(&worker->served, 1, memory_order_relaxed);
            if (atomic_load(&worker->enclave->state) == CM_ENCLAVE_LOST) {
                break; /* the function forked, and this is the child */
            }
        } else if (atomic_load(&worker->stop) == 0) {
            judge_waking(worker, served);
            sleep_until_wanted(worker);
            served = atomic_load(&worker->served);
            open_line(worker);
        }
    }
    cm_unbind(&frame);
}

/* The worker came out. A call that it took with it into the enclave's end gets the reason. */
static void settle_line(struct cm_worker *w, oe_result_t result)
{
    const uint64_t lost = CM_LINE_ANSWER(result != OE_OK ? result : OE_UNEXPECTED, 0);
    uint64_t word = cm_line_load(w->line);

    while (!cm_line_is_idle(word) || !cm_line_change(w->line, word, cm_line_slept(word))) {
        const uint32_t state = CM_LINE_STATE(word);

        if (state == CM_LINE_POSTED || state == CM_LINE_TAKEN || state == CM_LINE_AWAITED) {
            answer(w, lost);
        } else if (state == CM_LINE_KEPT || cm_line_change(w->line, word, CM_LINE_ASLEEP)) {
            return;
        }
        word = cm_line_load(w->line);
    }
}

void cm_worker_serve_ecalls(struct cm_worker *worker)
{
    while (atomic_load(&worker->stop) == 0) {
        oe_result_t result = OE_OK;
        unsigned long long served = 0;

        sleep_until_wanted(worker);
        served = atomic_load(&worker->served);
        if (atomic_load(&worker->stop) != 0) {
            break;
        }
        (void)cm_line_change(worker->line, CM_LINE_LEAVE, CM_LINE_ASLEEP);
        atomic_store(&worker->inside, 1);
        result = cm_reserve_for_worker(worker->enclave);
        if (result == OE_OK) {
            result = cm_host_switchless_oe_sgx_switchless_enclave_worker_thread_ecall(
                worker->enclave, (void *)worker->line);
        }
        settle_line(worker, result);
        judge_waking(worker, served);
        atomic_store(&worker->inside, 0);
    }
}
