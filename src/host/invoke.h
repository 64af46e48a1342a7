/*
 * One call into an enclave, with the ocalls and the exceptions that it makes on its way.
 */
#ifndef CM_HOST_INVOKE_H
#define CM_HOST_INVOKE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/sgx_uapi.h"
#include "host/handle.h"

struct cm_regs {
    uint64_t rdi;
    uint64_t rsi;
};
_Static_assert(offsetof(struct cm_regs, rdi) == 0, "REGS_RDI of enter.S");
_Static_assert(offsetof(struct cm_regs, rsi) == 8, "REGS_RSI of enter.S");

int cm_enter(sgx_enter_enclave_t enter, struct cm_regs *regs, uint32_t function,
             struct sgx_enclave_run *run);

/**
 * Make the ecall `func` (enum cm_ecall_func) with a value or host address `arg`.
 *
 * @param life  The state that the enclave must be in, unless this thread is inside it already.
 * @return The result that the enclave gave, or why it was not entered.
 */
oe_result_t cm_invoke(oe_enclave_t *enclave, enum cm_enclave_state life, uint32_t func,
                      uint64_t arg);

/** cm_invoke on a thread that is bound. */
oe_result_t cm_invoke_bound(struct cm_frame *frame, uint32_t func, uint64_t arg);

/*
 * As cm_ocall_serve, with the caller's registers where a debugger that walks from an ocall into the
 * enclave and on to the host finds them (enter.S).
 */
oe_result_t cm_ocall_bridge(oe_enclave_t *enclave, uint32_t func, uint64_t arg);

/**
 * Serve one ocall.
 * @param func  From the enclave; every value is handled.
 * @return What goes back in the ORET word.
 */
oe_result_t cm_ocall_serve(oe_enclave_t *enclave, uint32_t func, uint64_t arg);

/** Call a function of the application's table; sets result and output_bytes_written in args. */
struct cm_call_args;
oe_result_t cm_ocall_function(oe_enclave_t *enclave, struct cm_call_args *args);

#endif
