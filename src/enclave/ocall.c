/*
 * Calls out of the enclave. Everything that comes back is the host's word: result codes are held to
 * their range, sizes to what was asked for (C1), addresses to outside the enclave.
 */
#include "common/checked.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

oe_result_t oe_ocall(uint16_t func, uint64_t argument, uint64_t *answer)
{
    const uint32_t state = cm_td()->state;
    uint64_t back = 0;
    uint64_t word;

    if (oe_get_enclave_status() != OE_OK) {
        return OE_ENCLAVE_ABORTING; /* the answer could not come in */
    }
    if (state != CM_TD_RUNNING && state != CM_TD_SECOND_LEVEL) {
        return OE_UNEXPECTED; /* judging an exception: no way out but its own answer */
    }
    word = cm_ocall_switch(CM_CALL_WORD(CM_CODE_OCALL, func, 0, 0), argument, &back);
    if (answer != NULL) {
        *answer = back;
    }
    return cm_host_result(CM_CALL_RESULT(word));
}

static bool outside_or_empty(uint64_t p, uint64_t size)
{
    return size == 0 || cm_outside(p, size);
}

bool cm_ocall_buffers_ok(const struct cm_call_args *args)
{
    return outside_or_empty(args->input_buffer, args->input_buffer_size) &&
           outside_or_empty(args->output_buffer, args->output_buffer_size);
}

oe_result_t cm_call_host(uint16_t func, const struct cm_call_args *asked, size_t *written)
{
    struct cm_call_args args = *asked;
    struct cm_call_args *host = oe_allocate_ocall_buffer(sizeof(args));
    oe_result_t result;

    if (host == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    args.result = OE_UNEXPECTED;
    cm_copy_out(host, &args, sizeof(args));
    result = oe_ocall(func, (uint64_t)host, NULL);
    if (result == OE_OK) {
        cm_copy_in(&args, host, sizeof(args)); /* once */
        result = cm_host_result(args.result);
    }
    oe_free_ocall_buffer(host);
    if (result == OE_OK && args.output_bytes_written > asked->output_buffer_size) {
        return OE_UNEXPECTED;
    }
    if (result == OE_OK) {
        *written = args.output_bytes_written;
    }
    return result;
}

oe_result_t oe_call_host_function(uint64_t function_id, const void *input_buffer,
                                  size_t input_buffer_size, void *output_buffer,
                                  size_t output_buffer_size, size_t *output_bytes_written)
{
    const struct cm_call_args args = {
        .function_id = function_id,
        .input_buffer = (uint64_t)input_buffer,
        .input_buffer_size = input_buffer_size,
        .output_buffer = (uint64_t)output_buffer,
        .output_buffer_size = output_buffer_size,
    };

    if (output_bytes_written == NULL || !cm_ocall_buffers_ok(&args)) {
        return OE_INVALID_PARAMETER;
    }
    return cm_call_host(CM_OCALL_CALL_FUNCTION, &args, output_bytes_written);
}

/* Waiters ask again until they have what they wait for, which nobody gives them after an abort. */
void cm_thread_wait(void)
{
    if (oe_get_enclave_status() != OE_OK) {
        oe_abort();
    }
    (void)oe_ocall(CM_OCALL_THREAD_WAIT, cm_td()->tcs, NULL);
}

void cm_thread_wait_for(uint64_t nanoseconds)
{
    const struct cm_wait_args args = {cm_td()->tcs, nanoseconds};
    struct cm_wait_args *host = NULL;

    if (oe_get_enclave_status() != OE_OK) {
        oe_abort();
    }
    host = oe_allocate_ocall_buffer(sizeof(args));
    if (host == NULL) {
        return;
    }
    cm_copy_out(host, &args, sizeof(args));
    (void)oe_ocall(CM_OCALL_THREAD_WAIT_FOR, (uint64_t)host, NULL);
    oe_free_ocall_buffer(host);
}

void cm_thread_wake(void *td)
{
    const struct cm_td *other = td;

    (void)oe_ocall(CM_OCALL_THREAD_WAKE, other->tcs, NULL);
}

uint64_t cm_host_time_ns(void)
{
    uint64_t *host = oe_allocate_ocall_buffer(sizeof(*host));
    uint64_t now = 0;

    if (host == NULL) {
        return 0;
    }
    cm_copy_out(host, &now, sizeof(now));
    if (oe_ocall(CM_OCALL_GET_TIME, (uint64_t)host, NULL) == OE_OK) {
        cm_copy_in(&now, host, sizeof(now));
    }
    oe_free_ocall_buffer(host);
    return now;
}

void cm_host_write(int device, const char *text, size_t size)
{
    struct cm_write_args args = {(uint64_t)device, 0, size};
    uint8_t *host = NULL;
    size_t total;

    if (size == 0 || cm_add_ovf(size, sizeof(args), &total)) {
        return;
    }
    host = oe_allocate_ocall_buffer(total);
    if (host == NULL) {
        return;
    }
    args.data = (uint64_t)host + sizeof(args);
    cm_copy_out(host, &args, sizeof(args));
    cm_copy_out(host + sizeof(args), text, size);
    (void)oe_ocall(CM_OCALL_WRITE, (uint64_t)host, NULL);
    oe_free_ocall_buffer(host);
}
