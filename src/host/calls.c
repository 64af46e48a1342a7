/*
 * Ecalls by name: what X_u.c calls. The caller's buffers are passed on as they are; the enclave
 * copies them in once.
 */
#include <openenclave/edger8r/host.h>
#include <string.h>

#include "abi/call.h"
#include "host/hostlog.h"
#include "host/invoke.h"
#include "host/names.h"
#include "host/profile.h"
#include "host/switchless.h"

/* The number of a name; the wrapper's static caches it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): stored to below */
static uint64_t name_id(uint64_t *cache, const char *name)
{
    uint64_t id = __atomic_load_n(cache, __ATOMIC_RELAXED);

    if (id == OE_GLOBAL_ECALL_ID_NULL) {
        id = cm_name_find(name);
        if (id != CM_NAME_NONE) {
            __atomic_store_n(cache, id, __ATOMIC_RELAXED);
        }
    }
    return id;
}

static oe_result_t call_bound(struct cm_frame *frame, uint64_t id, const char *name,
                              struct cm_call_args *args)
{
    const oe_enclave_t *e = frame->enclave;
    oe_result_t result = OE_OK;

    if (id >= e->ecall_id_count || e->ecall_ids[id] == CM_NAME_NONE) {
        cm_host_log(CM_LOG_ERROR, "the enclave has no function %s", name);
        return OE_NOT_FOUND;
    }
    args->function_id = e->ecall_ids[id];
    if (!frame->nested) {
        args->arena = frame->slot->arena;
        args->arena_size = CM_ARENA_SIZE;
    }
    result = cm_invoke_bound(frame, CM_ECALL_CALL_FUNCTION, (uint64_t)(uintptr_t)args);
    return result != OE_OK ? result : (oe_result_t)args->result;
}

/*
 * Say so when the enclave refused what came, which a caller would otherwise search for in his own
 * code. A stub says it in the first word of the output (oe_result of X_args.h), the runtime itself in
 * the call's result.
 */
static void name_refusal(oe_result_t result, const char *name, const struct cm_call_args *args,
                         const void *output)
{
    oe_result_t said = result;

    if (result == OE_OK && args->output_bytes_written >= sizeof(said) &&
        args->output_buffer_size >= sizeof(said)) {
        memcpy(&said, output, sizeof(said));
    }
    if (said == OE_INVALID_PARAMETER) {
        cm_host_log(CM_LOG_ERROR,
                    "%s: the enclave refused an argument: a pointer that leads into the enclave, a "
                    "string without an end, or sizes that do not fit",
                    name);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id, const char *name,
                                     const void *input_buffer, size_t input_buffer_size,
                                     void *output_buffer, size_t output_buffer_size,
                                     size_t *output_bytes_written)
{
    struct cm_call_args args = {
        .input_buffer = (uint64_t)(uintptr_t)input_buffer,
        .input_buffer_size = input_buffer_size,
        .output_buffer = (uint64_t)(uintptr_t)output_buffer,
        .output_buffer_size = output_buffer_size,
    };
    struct cm_profile_call profiled = {0, 0};
    struct cm_frame frame;
    oe_result_t result = OE_OK;

    if (enclave == NULL || enclave->magic != CM_HANDLE_MAGIC || global_id == NULL || name == NULL ||
        output_bytes_written == NULL) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_bind(enclave, CM_ENCLAVE_RUNNING, &frame);
    if (result != OE_OK) {
        return result;
    }
    if (cm_profile_on) {
        cm_profile_enter(&profiled);
    }
    result = call_bound(&frame, name_id(global_id, name), name, &args);
    if (cm_profile_on) {
        cm_profile_ecall(&profiled, name, input_buffer_size, args.output_bytes_written);
    }
    cm_unbind(&frame);
    name_refusal(result, name, &args, output_buffer);
    if (result == OE_OK) {
        *output_bytes_written = args.output_bytes_written;
    }
    return result;
}

/* By a worker, when one polls and this thread is not in an ocall of the enclave, which is refused in the
 * ordinary way. */
static bool call_worker(oe_enclave_t *enclave, uint64_t *global_id, const char *name,
                        struct cm_call_args *args)
{
    struct cm_profile_call profiled = {0, 0};
    bool done = false;

    if (enclave == NULL || enclave->magic != CM_HANDLE_MAGIC || global_id == NULL || name == NULL ||
        cm_is_bound(enclave)) {
        return false;
    }
    if (cm_profile_on) {
        cm_profile_enter(&profiled);
    }
    done = cm_switchless_ecall(enclave, name_id(global_id, name), args);
    if (cm_profile_on && done) {
        cm_profile_ecall(&profiled, name, args->input_buffer_size, args->output_bytes_written);
    } else if (cm_profile_on) {
        cm_profile_drop(&profiled);
    }
    return done;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_switchless_call_enclave_function(oe_enclave_t *enclave, uint64_t *global_id,
                                                const char *name, const void *input_buffer,
                                                size_t input_buffer_size, void *output_buffer,
                                                size_t output_buffer_size,
                                                size_t *output_bytes_written)
{
    struct cm_call_args args = {
        .input_buffer = (uint64_t)(uintptr_t)input_buffer,
        .input_buffer_size = input_buffer_size,
        .output_buffer = (uint64_t)(uintptr_t)output_buffer,
        .output_buffer_size = output_buffer_size,
    };

    if (output_bytes_written == NULL || !call_worker(enclave, global_id, name, &args)) {
        return oe_call_enclave_function(enclave, global_id, name, input_buffer, input_buffer_size,
                                        output_buffer, output_buffer_size, output_bytes_written);
    }
    name_refusal((oe_result_t)args.result, name, &args, output_buffer);
    if (args.result == OE_OK) {
        *output_bytes_written = args.output_bytes_written;
    }
    return (oe_result_t)args.result;
}
