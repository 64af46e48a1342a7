/*
 * The way into an enclave and back: enter, serve ocalls until the ecall ends, hand exceptions to
 * the enclave. Called by the ecall path and by creation and termination. The enclave's words are
 * checked because a broken enclave must not break its host.
 */
#include "host/invoke.h"

#include <inttypes.h>

#include "abi/call.h"
#include "arch/sgx.h"
#include "host/hostlog.h"
#include "host/symbols.h"

static oe_result_t died(oe_enclave_t *enclave, const char *what)
{
    cm_host_log(CM_LOG_ERROR, "enclave at 0x%" PRIx64 ": %s; it is aborted", enclave->base, what);
    (void)cm_handle_abort(enclave, OE_ENCLAVE_ABORTING);
    return OE_ENCLAVE_ABORTING;
}

/* As died(), of an exception. */
static oe_result_t died_of(oe_enclave_t *enclave, const struct sgx_enclave_run *run,
                           const char *what)
{
    cm_host_log(CM_LOG_ERROR,
                "enclave at 0x%" PRIx64 ": exception %u at address 0x%" PRIx64
                ": %s; it is aborted",
                enclave->base, run->exception_vector, (uint64_t)run->exception_addr, what);
    (void)cm_handle_abort(enclave, OE_ENCLAVE_ABORTING);
    return OE_ENCLAVE_ABORTING;
}

/* The functions that an aborting enclave says were active; where: memory of the host, whatever is in it. */
static void log_frames(const struct cm_frame *frame, uint64_t why)
{
    const char *all = frame->enclave->arenas;
    const size_t offset = frame->slot->arena - (uintptr_t)all;

    cm_symbols_log(frame->enclave, (const void *)(all + offset), CM_ABORT_FRAMES(why));
}

/*
 * run says that the last entry ended by an exception. Ask the enclave's own handler, and resume
 * as long as it takes care; OE_OK when the enclave has left by EEXIT after that.
 */
static oe_result_t settle(struct cm_frame *frame, struct cm_regs *regs, struct sgx_enclave_run *run)
{
    oe_enclave_t *e = frame->enclave;

    while (run->function != SGX_EEXIT) {
        if (run->function != SGX_ERESUME) {
            if (frame->nested) {
                return OE_UNEXPECTED; /* the thread that a signal interrupted is in there */
            }
            /* EENTER itself failed: TCS in use elsewhere, no SSA frame left, or EPC lost */
            cm_host_log(CM_LOG_ERROR,
                        "enclave at 0x%" PRIx64 ": the thread at 0x%" PRIx64
                        " cannot be entered (vector %u): its TCS is busy or lost",
                        e->base, frame->slot->tcs, run->exception_vector);
            return OE_UNEXPECTED;
        }
        cm_host_log(CM_LOG_INFO,
                    "enclave at 0x%" PRIx64 ": exception %u, error 0x%x, address 0x%" PRIx64,
                    e->base, run->exception_vector, run->exception_error_code, run->exception_addr);
        if (!e->told_faults &&
            (run->exception_vector == SGX_VEC_PF || run->exception_vector == SGX_VEC_GP)) {
            /* the enclave would see no exception, go on, and fault again, for ever (E3) */
            return died_of(e, run, "a memory fault, and the image does not capture those");
        }
        const struct sgx_enclave_run fault = *run; /* the next entry writes there */

        regs->rdi = CM_CALL_WORD(CM_CODE_ECALL, CM_ECALL_VIRTUAL_EXCEPTION, 0, 0);
        regs->rsi = 0;
        if (cm_enter(e->device->enter, regs, SGX_EENTER, run) != 0 || run->function != SGX_EEXIT ||
            CM_CALL_CODE(regs->rdi) != CM_CODE_ERET || CM_CALL_RESULT(regs->rdi) != OE_OK) {
            const oe_result_t result = died_of(e, &fault, "the enclave did not handle it");

            if (run->function == SGX_EEXIT && CM_CALL_CODE(regs->rdi) == CM_CODE_ERET) {
                log_frames(frame, regs->rsi);
            }
            return result;
        }
        regs->rdi = 0;
        if (cm_enter(e->device->enter, regs, SGX_ERESUME, run) != 0) {
            return died(e, "it could not be resumed");
        }
    }
    return OE_OK;
}

/* the enclave's last word of an ecall */
static oe_result_t finish(const struct cm_frame *frame, uint64_t word, uint64_t why)
{
    static const char *const causes[CM_ABORT_MAX] = {
        [CM_ABORT_UNSAID] = "it does not say why",
        [CM_ABORT_ASKED] = "oe_abort() was called",
        [CM_ABORT_ABORT] = "abort() was called",
        [CM_ABORT_EXIT] = "exit() was called, and an enclave has no process to end",
        [CM_ABORT_SMASHED] = "a function's stack was overwritten (stack smashing)",
        [CM_ABORT_EXCEPTION] = "an exception that no handler took",
        [CM_ABORT_WRITTEN] = "for the reason that it wrote on a line of its own",
    };
    oe_enclave_t *e = frame->enclave;
    const uint32_t cause = CM_ABORT_CAUSE(why);
    oe_result_t result = (oe_result_t)CM_CALL_RESULT(word);

    if ((result == OE_ENCLAVE_ABORTING || result == OE_ENCLAVE_ABORTED) &&
        cm_handle_abort(e, result)) {
        cm_host_log(CM_LOG_ERROR, "enclave at 0x%" PRIx64 ": it aborted: %s", e->base,
                    causes[cause < CM_ABORT_MAX ? cause : CM_ABORT_UNSAID]);
        log_frames(frame, why);
    }
    return result;
}

/* An enclave may be anyone's: every field of its word is held to its range (docs/abi.md). */
static bool word_ok(uint64_t word)
{
    uint32_t result = CM_CALL_RESULT(word);

    if (CM_CALL_FLAGS(word) != 0) {
        return false;
    }
    return CM_CALL_CODE(word) == CM_CODE_ERET ? result <= OE_SGX_QUOTE_LIBRARY_ERROR
                                              : CM_CALL_CODE(word) == CM_CODE_OCALL && result == 0;
}

static oe_result_t run_call(struct cm_frame *frame, uint32_t func, uint64_t arg)
{
    oe_enclave_t *e = frame->enclave;
    struct sgx_enclave_run run = {.tcs = frame->slot->tcs};
    struct cm_regs regs = {CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0), arg};

    for (;;) {
        oe_result_t result = OE_OK;
        int rc = cm_enter(e->device->enter, &regs, SGX_EENTER, &run);

        if (rc != 0) {
            cm_host_log(CM_LOG_ERROR, "entering the enclave at 0x%" PRIx64 " failed (%d)", e->base,
                        rc);
            return OE_UNEXPECTED;
        }
        if (run.function != SGX_EEXIT) {
            result = settle(frame, &regs, &run);
            if (result != OE_OK) {
                return result;
            }
        }
        if (!word_ok(regs.rdi)) {
            return died(e, "it left with an unknown call word");
        }
        if (CM_CALL_CODE(regs.rdi) == CM_CODE_ERET) {
            return finish(frame, regs.rdi, regs.rsi);
        }
        func = CM_CALL_FUNC(regs.rdi);
        result = cm_ocall_bridge(e, func, regs.rsi);
        if (atomic_load_explicit(&e->state, memory_order_relaxed) == CM_ENCLAVE_LOST) {
            return cm_handle_refusal(e); /* the ocall forked, and this is the child */
        }
        regs.rdi = CM_CALL_WORD(CM_CODE_ORET, func, 0, result);
        regs.rsi = 0;
    }
}

oe_result_t cm_invoke_bound(struct cm_frame *frame, uint32_t func, uint64_t arg)
{
    const oe_result_t result = run_call(frame, func, arg);

    /* in the middle of an ecall, not of an ocall: a signal's handler on the thread that computes */
    return frame->nested && result == OE_UNEXPECTED ? OE_REENTRANT_ECALL : result;
}

oe_result_t cm_invoke(oe_enclave_t *enclave, enum cm_enclave_state life, uint32_t func,
                      uint64_t arg)
{
    struct cm_frame frame;
    oe_result_t result = cm_bind(enclave, life, &frame);

    if (result == OE_OK) {
        result = cm_invoke_bound(&frame, func, arg);
        cm_unbind(&frame);
    }
    return result;
}
