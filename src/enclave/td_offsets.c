/*
 * Compiled to assembly, never linked: each line "#define NAME value" of td_offsets.h, the constants
 * that entry.S uses, comes from here, so that no offset is typed by hand.
 */
#include <openenclave/bits/result.h>

#include "abi/call.h"
#include "enclave/td.h"

#define VALUE(name, value) __asm__ volatile("#define " #name " %c0" : : "i"(value))
/* compilers print only 32 bits of a constant */
#define VALUE64(name, value)                         \
    VALUE(name##_HIGH, (uint64_t)(value) >> 32);     \
    VALUE(name##_LOW, (uint64_t)(value)&0xffffffff); \
    __asm__ volatile("#define " #name " ((" #name "_HIGH << 32) | " #name "_LOW)")
#define OFFSET(name, type, member) VALUE(name, offsetof(struct type, member))
#define ERET(func, result)         CM_CALL_WORD(CM_CODE_ERET, func, 0, result)

void cm_td_offsets(void);

void cm_td_offsets(void)
{
    OFFSET(TD_SELF, cm_td, self);
    OFFSET(TD_TCS, cm_td, tcs);
    OFFSET(TD_STATE, cm_td, state);
    OFFSET(TD_SAVED_STATE, cm_td, saved_state);
    OFFSET(TD_HOST_RETURN, cm_td, host_return[0]);
    OFFSET(TD_HOST_RETURN_1, cm_td, host_return[1]);
    OFFSET(TD_CALLSITE, cm_td, callsite);
    OFFSET(TD_STACK_BASE, cm_td, stack_base);
    OFFSET(TD_STACK_LOW, cm_td, stack_low);
    OFFSET(TD_STACK_LOOK, cm_td, stack_look);
    OFFSET(TD_STACK_SHAPE, cm_td, stack_shape);
    OFFSET(SHAPE_CALLS, cm_stack_shape, calls);
    OFFSET(SHAPE_DEPTH, cm_stack_shape, depth);
    VALUE(SHAPE_SIZE, sizeof(struct cm_stack_shape));
    VALUE(STACK_SHAPES, CM_STACK_SHAPES);
    VALUE(TD_SIZE, CM_TD_SIZE);
    VALUE(TD_EXCEPTION_STACK, CM_TD_EXCEPTION_STACK);

    VALUE(STATE_IDLE, CM_TD_IDLE);
    VALUE(STATE_RUNNING, CM_TD_RUNNING);
    VALUE(STATE_IN_OCALL, CM_TD_IN_OCALL);
    VALUE(STATE_FIRST_LEVEL, CM_TD_FIRST_LEVEL);
    VALUE(STATE_SECOND_LEVEL, CM_TD_SECOND_LEVEL);
    VALUE(STATE_ABORTED, CM_TD_ABORTED);
    VALUE(STATE_LEAVING, CM_TD_LEAVING);

    OFFSET(SITE_MARK, cm_callsite, mark);
    OFFSET(SITE_PREVIOUS, cm_callsite, previous);
    OFFSET(SITE_FUNC, cm_callsite, func);
    OFFSET(SITE_STATE, cm_callsite, state);
    OFFSET(SITE_MXCSR, cm_callsite, mxcsr);
    OFFSET(SITE_FCW, cm_callsite, fcw);
    OFFSET(SITE_RFLAGS, cm_callsite, rflags);
    OFFSET(SITE_ANSWER, cm_callsite, answer);
    OFFSET(SITE_R15, cm_callsite, r15);
    VALUE64(CALLSITE_MARK, CM_CALLSITE_MARK);

    OFFSET(GPR_RAX, sgx_ssa_gpr, rax);
    OFFSET(GPR_RCX, sgx_ssa_gpr, rcx);
    OFFSET(GPR_RDX, sgx_ssa_gpr, rdx);
    OFFSET(GPR_RBX, sgx_ssa_gpr, rbx);
    OFFSET(GPR_RSP, sgx_ssa_gpr, rsp);
    OFFSET(GPR_RBP, sgx_ssa_gpr, rbp);
    OFFSET(GPR_RSI, sgx_ssa_gpr, rsi);
    OFFSET(GPR_RDI, sgx_ssa_gpr, rdi);
    OFFSET(GPR_R8, sgx_ssa_gpr, r8);
    OFFSET(GPR_R9, sgx_ssa_gpr, r9);
    OFFSET(GPR_R10, sgx_ssa_gpr, r10);
    OFFSET(GPR_R11, sgx_ssa_gpr, r11);
    OFFSET(GPR_R12, sgx_ssa_gpr, r12);
    OFFSET(GPR_R13, sgx_ssa_gpr, r13);
    OFFSET(GPR_R14, sgx_ssa_gpr, r14);
    OFFSET(GPR_R15, sgx_ssa_gpr, r15);
    OFFSET(GPR_RFLAGS, sgx_ssa_gpr, rflags);
    OFFSET(GPR_RIP, sgx_ssa_gpr, rip);
    VALUE(RED_ZONE, CM_RED_ZONE);
    VALUE(XSAVE_AREA, CM_XSAVE_AREA);

    VALUE(TCS_TO_GPR0, CM_TCS_TO_GPR(0));
    VALUE(TCS_TO_GPR1, CM_TCS_TO_GPR(1));
    OFFSET(GPR_URSP, sgx_ssa_gpr, ursp);
    OFFSET(GPR_URBP, sgx_ssa_gpr, urbp);
    VALUE(LEAF_EEXIT, SGX_EEXIT);

    VALUE(XSTATE_XRSTOR, CM_XSTATE_XRSTOR);
    VALUE(XSTATE_SSE, CM_XSTATE_SSE);
    VALUE(XSTATE_AVX, CM_XSTATE_AVX);

    VALUE(CODE_ECALL, CM_CODE_ECALL);
    VALUE(CODE_ORET, CM_CODE_ORET);
    VALUE(WORD_EXCEPTION_HIGH, CM_CALL_WORD(CM_CODE_ECALL, CM_ECALL_VIRTUAL_EXCEPTION, 0, 0) >> 32);
    VALUE(ECALL_FUNCS, CM_ECALL_VIRTUAL_EXCEPTION); /* those below it begin an ecall */
    VALUE64(ERET_ABORTED, ERET(0, OE_ENCLAVE_ABORTING));
    VALUE64(ERET_UNEXPECTED, ERET(0, OE_UNEXPECTED));
    VALUE64(ERET_REENTRANT, ERET(0, OE_REENTRANT_ECALL));
    VALUE64(ERET_EXCEPTION, ERET(CM_ECALL_VIRTUAL_EXCEPTION, 0));
}
