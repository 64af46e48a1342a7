/*
 * An enclave's worker: an ecall that polls a line of host memory (lines.h) and runs the calls that come
 * through it, until none has come for a while. Linked where the EDL imports
 * openenclave/edl/sgx/switchless.edl.
 *
 * What a call may be, the enclave decides alone (D6): only an ecall that its EDL marks with
 * transition_using_threads, with arguments that are checked like those of an entry. Each call is a new
 * tenant of the thread (D4): it finds thread-local storage as after an entry, and no traces of the last
 * one on the stack.
 */
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/lines.h"
#include "enclave/runtime.h"

struct _oe_enclave_worker_context_t; /* the EDL's name; struct cm_line is the runtime's own */
void oe_sgx_switchless_enclave_worker_thread_ecall(struct _oe_enclave_worker_context_t *context);

enum { HOLE = 2048, BLOCK = 128 };

typedef uint64_t pair __attribute__((vector_size(16), may_alias));

static struct cm_stack_shape of_workers; /* after a worker's ecall all of its stack is looked at */

/*
 * Zeroes the stack that the last call used: from where the runtime saw it at its lowest, or its function
 * ever was, up to this function's own frame, and on below while there is anything within the next 2 KiB.
 * What lies below such a hole goes when the worker's ecall ends (entry.S).
 */
static __attribute__((noinline)) CM_NO_CANARY void clear_stack(struct cm_td *td)
{
    uint64_t top;
    uint64_t low = td->stack_low & ~(uint64_t)(BLOCK - 1);
    uint64_t probe;

    __asm__ volatile("mov %%rsp, %0" : "=r"(top));
    top = (top - CM_RED_ZONE) & ~(uint64_t)(sizeof(pair) - 1);
    low = low < top ? low : top; /* nothing has looked yet: its frames are further down */
    probe = low;
    for (uint64_t at = low; at < top; at += sizeof(pair)) {
        *(volatile pair *)cm_ptr(at) = (pair){0, 0};
    }
    while (probe > td->stack_base && low - probe < HOLE) {
        volatile pair *at = cm_ptr(probe -= sizeof(pair));
        const pair found = *at;

        if ((found[0] | found[1]) != 0) {
            *at = (pair){0, 0};
            low = probe;
        }
    }
    td->stack_low = top;
}

/* The word is the enclave's copy. Sizes in it cannot pass CM_LINE_DATA_MAX unseen. */
static oe_result_t read_call(struct cm_line *line, uint64_t word, struct cm_call_args *args)
{
    struct cm_line_far far;

    args->function_id = CM_LINE_FUNCTION(word);
    if ((word & CM_LINE_NEAR) != 0) {
        args->input_buffer = (uint64_t)line->data;
        args->input_buffer_size = CM_LINE_IN_SIZE(word);
        args->output_buffer = (uint64_t)line->data;
        args->output_buffer_size = CM_LINE_OUT_SIZE(word);
        if (args->input_buffer_size > CM_LINE_DATA_MAX ||
            args->output_buffer_size > CM_LINE_DATA_MAX) {
            return OE_INVALID_PARAMETER;
        }
    } else {
        cm_copy_in(&far, line->data, sizeof(far)); /* once */
        args->input_buffer = far.input_buffer;
        args->input_buffer_size = far.input_buffer_size;
        args->output_buffer = far.output_buffer;
        args->output_buffer_size = far.output_buffer_size;
        if (args->output_buffer_size > UINT32_MAX) {
            return OE_INVALID_PARAMETER;
        }
    }
    if (args->function_id >= oe_ecalls_switchless_size) {
        return OE_NOT_FOUND;
    }
    cm_lfence();
    return oe_ecalls_switchless[args->function_id] ? OE_OK : OE_NOT_FOUND;
}

static uint64_t run_call(struct cm_td *td, struct cm_line *line, uint64_t word)
{
    struct cm_call_args args = {0};
    uint64_t written = 0;
    oe_result_t result = read_call(line, word, &args);

    if (result == OE_OK) {
        result = cm_call_taken(td, &args, &written);
        cm_musl_td_exit(); /* destructors of this thread's data: before the caller goes on */
    }
    return CM_LINE_ANSWER(result, written);
}

static CM_NO_CANARY void serve(struct cm_td *td, struct cm_line *line)
{
    const uint64_t arena_used = td->arena_used;
    uint64_t word;

    while ((word = cm_line_take(line)) != 0) {
        const uint64_t answer = run_call(td, line, word);

        if (cm_line_answer(line, answer)) {
            (void)oe_ocall(CM_OCALL_LINE_WAKE, (uint64_t)line, NULL);
        }
        /* the caller goes on meanwhile */
        td->arena_used = arena_used;
        cm_thread_end(td);
        clear_stack(td);
        cm_thread_begin(td);
    }
}

void oe_sgx_switchless_enclave_worker_thread_ecall(struct _oe_enclave_worker_context_t *context)
{
    struct cm_line *line = (struct cm_line *)context;

    if ((uint64_t)line % sizeof(*line) != 0 || !cm_outside((uint64_t)line, sizeof(*line))) {
        return;
    }
    cm_lfence();
    if (cm_line_open(line)) {
        serve(cm_td(), line);
        cm_td()->stack_shape = (uint64_t)&of_workers;
    }
}
