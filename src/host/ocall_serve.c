/*
 * The host's side of ocalls: the application's table and the built-in ones. Arguments are host
 * addresses that the enclave wrote; the enclave is not our enemy, but it may be broken, so that
 * everything that costs nothing to check is checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/hostlog.h"
#include "host/invoke.h"
#include "host/profile.h"
#include "host/switchless.h"
#include "host/symbols.h"

/* A host address as a pointer: the one place where the enclave's numbers become pointers. */
static void *host_pointer(const oe_enclave_t *e, uint64_t address, uint64_t size)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return address - e->base < e->size || e->base - address < size ? NULL : (void *)address;
}

oe_result_t cm_ocall_function(oe_enclave_t *e, struct cm_call_args *args)
{
    const uint64_t id = args->function_id;
    struct cm_profile_call profiled = {0, 0};
    size_t written = 0;

    if (id >= e->ocall_count || e->ocalls[id] == NULL) {
        cm_host_log(CM_LOG_ERROR, "ocall %llu is not in the host's table of %llu functions",
                    (unsigned long long)id, (unsigned long long)e->ocall_count);
        args->result = OE_NOT_FOUND;
        return OE_NOT_FOUND;
    }
    if (cm_profile_on) {
        cm_profile_enter(&profiled);
    }
    e->ocalls[id](host_pointer(e, args->input_buffer, args->input_buffer_size),
                  args->input_buffer_size,
                  host_pointer(e, args->output_buffer, args->output_buffer_size),
                  args->output_buffer_size, &written);
    if (cm_profile_on) {
        cm_profile_ocall(&profiled, e->ocalls[id], args->input_buffer_size, written);
    }
    args->output_bytes_written = written;
    args->result = OE_OK;
    return OE_OK;
}

static oe_result_t call_function(oe_enclave_t *e, uint64_t arg)
{
    struct cm_call_args *args = host_pointer(e, arg, sizeof(*args));

    return args == NULL ? OE_INVALID_PARAMETER : cm_ocall_function(e, args);
}

static oe_result_t host_malloc(oe_enclave_t *e, uint64_t arg)
{
    struct cm_host_alloc_args *args = host_pointer(e, arg, sizeof(*args));

    if (args == NULL) {
        return OE_INVALID_PARAMETER;
    }
    args->address = (uint64_t)(uintptr_t)malloc(args->size);
    return args->address != 0 ? OE_OK : OE_OUT_OF_MEMORY;
}

static oe_result_t get_time(oe_enclave_t *e, uint64_t arg)
{
    uint64_t *out = host_pointer(e, arg, sizeof(*out));
    struct timespec now;

    if (out == NULL || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return OE_INVALID_PARAMETER;
    }
    *out = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return OE_OK;
}

static oe_result_t wait_for(oe_enclave_t *e, uint64_t arg)
{
    const struct cm_wait_args *args = host_pointer(e, arg, sizeof(*args));

    return args == NULL ? OE_INVALID_PARAMETER : cm_slot_wait_for(e, args->tcs, args->nanoseconds);
}

static oe_result_t write_text(oe_enclave_t *e, uint64_t arg)
{
    const struct cm_write_args *args = host_pointer(e, arg, sizeof(*args));
    const char *data = args == NULL ? NULL : host_pointer(e, args->data, args->size);
    size_t left = args == NULL ? 0 : args->size;

    if (data == NULL || args->device > 1) {
        return OE_INVALID_PARAMETER;
    }
    while (left != 0) {
        ssize_t n = write(args->device == 0 ? STDOUT_FILENO : STDERR_FILENO, data, left);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return OE_FAILURE;
        }
        data += n;
        left -= (size_t)n;
    }
    return OE_OK;
}

static oe_result_t name_addresses(const oe_enclave_t *e, uint64_t arg)
{
    const struct cm_symbols_args *args = host_pointer(e, arg, sizeof(*args));
    const uint64_t *addresses;
    void *names;

    if (args == NULL || args->count > CM_ABORT_FRAMES_MAX) {
        return OE_INVALID_PARAMETER;
    }
    addresses = host_pointer(e, args->addresses, args->count * sizeof(*addresses));
    names = host_pointer(e, args->names, args->count * CM_SYMBOL_SIZE);
    if (addresses == NULL || names == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_symbols_find(e, addresses, args->count, names, NULL);
    return OE_OK;
}

oe_result_t cm_ocall_serve(oe_enclave_t *enclave, uint32_t func, uint64_t arg)
{
    switch (func) {
    case CM_OCALL_CALL_FUNCTION:
        return call_function(enclave, arg);
    case CM_OCALL_CALL_FUNCTION_WAKE:
        cm_switchless_wake_host_worker(enclave);
        return call_function(enclave, arg);
    case CM_OCALL_LINE_WAIT:
        return cm_switchless_line_wait(enclave, arg);
    case CM_OCALL_LINE_WAKE:
        return cm_switchless_line_wake(enclave, arg);
    case CM_OCALL_THREAD_WAKE:
        return cm_slot_wake(enclave, arg);
    case CM_OCALL_THREAD_WAIT:
        return cm_slot_wait(enclave, arg);
    case CM_OCALL_THREAD_WAIT_FOR:
        return wait_for(enclave, arg);
    case CM_OCALL_MALLOC:
        return host_malloc(enclave, arg);
    case CM_OCALL_FREE:
        free(host_pointer(enclave, arg, 1));
        return OE_OK;
    case CM_OCALL_GET_TIME:
        return get_time(enclave, arg);
    case CM_OCALL_WRITE:
        return write_text(enclave, arg);
    case CM_OCALL_SYMBOLS:
        return name_addresses(enclave, arg);
    default:
        cm_host_log(CM_LOG_ERROR, "the enclave made an unknown ocall (0x%x)", func);
        return OE_NOT_FOUND;
    }
}
