/*
 * Ocalls without a transition: an enclave's thread puts the call into a line of host memory that one of
 * the host's workers polls (lines.h). Off until the host says where its lines are, once, over
 * openenclave/edl/sgx/switchless.edl. Whenever no worker takes the call at once, it is an ordinary one.
 *
 * Everything that comes back is the host's word, as after an ordinary ocall: read once, the result held
 * to those that exist, the size to what there is room for (C1, D6). What the host can do besides is to
 * let the caller wait, as with any ocall.
 */
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/lines.h"
#include "enclave/runtime.h"

/* The EDL's names of the lines, of which the runtime's own type is struct cm_line. */
struct _oe_host_worker_context_t;
oe_result_t oe_sgx_init_context_switchless_ecall(struct _oe_host_worker_context_t *contexts,
                                                 uint64_t count);

oe_result_t oe_sgx_init_context_switchless_ecall(struct _oe_host_worker_context_t *contexts,
                                                 uint64_t count)
{
    const uint64_t at = (uint64_t)contexts;

    if (count == 0 || count > CM_LINES_MAX || at % sizeof(struct cm_line) != 0 ||
        !cm_outside(at, count * sizeof(struct cm_line))) {
        return OE_INVALID_PARAMETER;
    }
    cm_lfence();
    return cm_lines_set((struct cm_line *)contexts, (uint32_t)count) ? OE_OK
                                                                     : OE_ALREADY_INITIALIZED;
}

void cm_line_sleep(uint32_t index)
{
    (void)oe_ocall(CM_OCALL_LINE_WAIT, index, NULL);
}

bool cm_line_aborting(void)
{
    return __atomic_load_n(&cm_abort_latch, __ATOMIC_RELAXED) != 0;
}

/* From one place in host memory to another; nothing of the enclave is involved. */
static void move(void *to, const void *from, size_t size)
{
    uint64_t words[CM_LINE_DATA_MAX / sizeof(uint64_t)];

    cm_copy_in(words, from, size);
    cm_copy_out(to, words, size);
}

/* Sizes that the word of an answer can express, a function that the word of a call can. */
static bool fits(const struct cm_call_args *args)
{
    return args->function_id <= UINT32_MAX && args->input_buffer_size <= UINT32_MAX &&
           args->output_buffer_size <= UINT32_MAX;
}

static uint64_t put_call(struct cm_line *line, const struct cm_call_args *args)
{
    const struct cm_line_far far = {args->input_buffer, args->input_buffer_size,
                                    args->output_buffer, args->output_buffer_size};
    const bool near = args->input_buffer_size <= CM_LINE_DATA_MAX &&
                      args->output_buffer_size <= CM_LINE_DATA_MAX &&
                      args->input_buffer_size % CM_LINE_STEP == 0 &&
                      args->output_buffer_size % CM_LINE_STEP == 0;

    if (!near) {
        cm_copy_out(line->data, &far, sizeof(far));
        return CM_LINE_POST(args->function_id, false, 0, 0);
    }
    move(line->data, cm_ptr(args->input_buffer), args->input_buffer_size);
    return CM_LINE_POST(args->function_id, true, args->input_buffer_size / CM_LINE_STEP,
                        args->output_buffer_size / CM_LINE_STEP);
}

/* The host's answer, held to what it may be. */
static oe_result_t get_answer(const struct cm_line *line, uint64_t post, uint64_t answer,
                              const struct cm_call_args *args, size_t *written)
{
    const oe_result_t result = cm_host_result(CM_LINE_RESULT(answer));

    if (result != OE_OK) {
        return result;
    }
    if (CM_LINE_WRITTEN(answer) > args->output_buffer_size) {
        return OE_UNEXPECTED;
    }
    if ((post & CM_LINE_NEAR) != 0) {
        move(cm_ptr(args->output_buffer), line->data, args->output_buffer_size);
    }
    *written = CM_LINE_WRITTEN(answer);
    return OE_OK;
}

/* False: it did not run, and an ordinary call is to be made. */
static bool call_worker(const struct cm_call_args *args, size_t *written, oe_result_t *result)
{
    uint64_t answer = 0;
    uint32_t index = 0;
    enum cm_line_outcome outcome;
    struct cm_line *line;
    uint64_t post;

    if (cm_td()->state != CM_TD_RUNNING || !fits(args)) {
        return false;
    }
    line = cm_lines_claim((uint32_t)cm_td()->tid, &index);
    if (line == NULL) {
        return false;
    }
    post = put_call(line, args);
    outcome = cm_line_call(line, index, post, &answer);
    if (outcome == CM_LINE_ANSWERED) {
        *result = get_answer(line, post, answer, args, written);
    } else {
        *result = cm_line_aborting() ? OE_ENCLAVE_ABORTING : OE_UNEXPECTED;
    }
    cm_lines_release(index, outcome == CM_LINE_BROKEN);
    return outcome != CM_LINE_NOT_RUN;
}

oe_result_t oe_switchless_call_host_function(uint64_t function_id, const void *input_buffer,
                                             size_t input_buffer_size, void *output_buffer,
                                             size_t output_buffer_size,
                                             size_t *output_bytes_written)
{
    const struct cm_call_args args = {
        .function_id = function_id,
        .input_buffer = (uint64_t)input_buffer,
        .input_buffer_size = input_buffer_size,
        .output_buffer = (uint64_t)output_buffer,
        .output_buffer_size = output_buffer_size,
    };
    oe_result_t result = OE_UNEXPECTED;

    if (!cm_ocall_buffers_ok(&args) || output_bytes_written == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (oe_get_enclave_status() != OE_OK) {
        return OE_ENCLAVE_ABORTING;
    }
    return call_worker(&args, output_bytes_written, &result)
               ? result
               : cm_call_host(CM_OCALL_CALL_FUNCTION_WAKE, &args, output_bytes_written);
}

void *oe_allocate_switchless_ocall_buffer(size_t size)
{
    return oe_allocate_ocall_buffer(size);
}

void oe_free_switchless_ocall_buffer(void *buffer)
{
    oe_free_ocall_buffer(buffer);
}
