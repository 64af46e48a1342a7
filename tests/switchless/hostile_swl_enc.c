/* The enclave that the D6 tests attack: stubs by hand, straight on the runtime's interface. */
#include <openenclave/edger8r/enclave.h>
#include <openenclave/enclave.h>

#include "hostile_stub.h"
#include "hostile_swl.h"

struct _oe_host_worker_context_t;
struct _oe_enclave_worker_context_t;
oe_result_t oe_sgx_init_context_switchless_ecall(struct _oe_host_worker_context_t *contexts,
                                                 uint64_t count);
void oe_sgx_switchless_enclave_worker_thread_ecall(struct _oe_enclave_worker_context_t *context);

/* what must never be seen outside, over all that a host could aim at */
static volatile uint64_t secrets[512];
static uint64_t echoes;
static uint64_t others;

STUB(hs_lines)
{
    put(out, out_len, 0,
        oe_sgx_init_context_switchless_ecall((void *)word(in, in_len, 0), word(in, in_len, 1)));
    *written = out_len;
}

STUB(hs_worker)
{
    (void)out;
    oe_sgx_switchless_enclave_worker_thread_ecall((void *)word(in, in_len, 0));
    *written = out_len;
}

STUB(hs_echo)
{
    (void)__atomic_add_fetch(&echoes, 1, __ATOMIC_SEQ_CST);
    memcpy(out, in, in_len < out_len ? in_len : out_len);
    *written = out_len;
}

STUB(hs_unmarked)
{
    UNUSED;
    (void)__atomic_add_fetch(&others, 1, __ATOMIC_SEQ_CST);
    *written = out_len;
}

STUB(hs_call)
{
    const uint64_t bytes = word(in, in_len, 0);
    uint8_t *host = oe_allocate_switchless_ocall_buffer(bytes * 2);
    const uint64_t marks[4] = {1, 2, 3, 4};
    size_t answered = 0x77;
    uint64_t first = 0;

    cm_copy_out(host, marks, sizeof(marks) < bytes ? sizeof(marks) : bytes);
    put(out, out_len, 0,
        oe_switchless_call_host_function(9, host, bytes, host + bytes, bytes, &answered));
    put(out, out_len, 1, answered);
    cm_copy_in(&first, host + bytes, sizeof(first));
    put(out, out_len, 2, first);
    oe_free_switchless_ocall_buffer(host);
    *written = out_len;
}

STUB(hs_counts)
{
    (void)in;
    (void)in_len;
    for (size_t i = 0; i < OE_COUNTOF(secrets); i++) {
        secrets[i] = HS_SECRET;
    }
    put(out, out_len, 0, __atomic_load_n(&echoes, __ATOMIC_SEQ_CST));
    put(out, out_len, 1, __atomic_load_n(&others, __ATOMIC_SEQ_CST));
    put(out, out_len, 2, (uint64_t)secrets);
    *written = out_len;
}

STUB(hs_abort)
{
    UNUSED;
    (void)written;
    oe_abort();
}

oe_ecall_func_t oe_ecalls_table[] = {
    [HS_LINES] = hs_lines,       [HS_WORKER] = hs_worker, [HS_ECHO] = hs_echo,
    [HS_UNMARKED] = hs_unmarked, [HS_CALL] = hs_call,     [HS_COUNTS] = hs_counts,
    [HS_ABORT] = hs_abort,       [HS_EMPTY] = NULL,
};
size_t oe_ecalls_table_size = HS_COUNT;
const char *const oe_ecalls_names[HS_COUNT] = {"lines", "worker"};
const bool oe_ecalls_switchless[] = {
    [HS_ECHO] = true,
    [HS_ABORT] = true,
    [HS_EMPTY] = true,
};
const size_t oe_ecalls_switchless_size = OE_COUNTOF(oe_ecalls_switchless);

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, 1, 0, 0, 0, 512, 32, 4);
