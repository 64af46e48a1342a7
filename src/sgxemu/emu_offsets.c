/* Offsets that emu_enter.S needs; compiled to assembly only (cmake/offsets.cmake). */
#include "arch/sgx_uapi.h"
#include "emu_cpu.h"

#define CM_OFFSET(name, value) __asm__ volatile(".ascii \"@offset " #name " %c0\"" ::"i"(value))
#define OF(name, type, field)  CM_OFFSET(name, offsetof(struct type, field))

void cm_emu_offsets(void);
void cm_emu_offsets(void)
{
    OF(RUN_TCS, sgx_enclave_run, tcs);
    OF(RUN_FUNCTION, sgx_enclave_run, function);
    OF(RUN_VECTOR, sgx_enclave_run, exception_vector);
    OF(RUN_ERROR, sgx_enclave_run, exception_error_code);
    OF(RUN_ADDR, sgx_enclave_run, exception_addr);
    OF(RUN_HANDLER, sgx_enclave_run, user_handler);
    OF(RUN_RESERVED, sgx_enclave_run, reserved);
    CM_OFFSET(RUN_SIZE, sizeof(struct sgx_enclave_run));

    OF(TCS_BUSY, emu_tcs, busy);
    OF(TCS_CSSA, emu_tcs, cssa);
    OF(TCS_FRAMES_OK, emu_tcs, frames_ok);
    OF(TCS_ENTRY, emu_tcs, entry);
    OF(TCS_FSBASE, emu_tcs, fsbase);
    OF(TCS_GSBASE, emu_tcs, gsbase);
    OF(TCS_AEP, emu_tcs, aep);
    OF(TCS_GPR, emu_tcs, gpr);
    OF(TCS_ADDR, emu_tcs, addr);
    OF(TCS_THREAD, emu_tcs, thread);
    OF(TCS_BASE, emu_tcs, base);
    OF(TCS_SIZE, emu_tcs, size);
    OF(TCS_FRAME, emu_tcs, ssa_frame);
    OF(TCS_XFRM, emu_tcs, xfrm);

    OF(T_FS, emu_thread, host_fs);
    OF(T_GS, emu_thread, host_gs);
    OF(T_INSIDE, emu_thread, inside);
    OF(T_LAST, emu_thread, last);
    OF(T_LAST_TCS, emu_thread, last_tcs);
    OF(T_GEN, emu_thread, gen);
    OF(T_SELECTOR, emu_thread, selector);
    OF(T_IN_LEAF, emu_thread, in_leaf);
    OF(T_TF, emu_thread, tf);
    OF(T_DEFERRED, emu_thread, deferred);
    OF(T_TID, emu_thread, tid);
    OF(T_RSP, emu_thread, host_rsp);
    OF(T_RBP, emu_thread, host_rbp);
    OF(T_SAVED, emu_thread, saved);
    OF(T_LEAF, emu_thread, leaf);
    OF(T_LEAF_FS, emu_thread, leaf_fs);
    OF(T_LEAF_GS, emu_thread, leaf_gs);
    OF(T_LEAF_FLAGS, emu_thread, leaf_flags);
    OF(T_LEAF_STACK, emu_thread, leaf_stack);

    OF(GPR_RAX, sgx_ssa_gpr, rax);
    OF(GPR_RCX, sgx_ssa_gpr, rcx);
    OF(GPR_RDX, sgx_ssa_gpr, rdx);
    OF(GPR_RBX, sgx_ssa_gpr, rbx);
    OF(GPR_RSP, sgx_ssa_gpr, rsp);
    OF(GPR_RBP, sgx_ssa_gpr, rbp);
    OF(GPR_RSI, sgx_ssa_gpr, rsi);
    OF(GPR_RDI, sgx_ssa_gpr, rdi);
    OF(GPR_R8, sgx_ssa_gpr, r8);
    OF(GPR_R9, sgx_ssa_gpr, r9);
    OF(GPR_R10, sgx_ssa_gpr, r10);
    OF(GPR_R11, sgx_ssa_gpr, r11);
    OF(GPR_R12, sgx_ssa_gpr, r12);
    OF(GPR_R13, sgx_ssa_gpr, r13);
    OF(GPR_R14, sgx_ssa_gpr, r14);
    OF(GPR_R15, sgx_ssa_gpr, r15);
    OF(GPR_RFLAGS, sgx_ssa_gpr, rflags);
    OF(GPR_RIP, sgx_ssa_gpr, rip);
    OF(GPR_URSP, sgx_ssa_gpr, ursp);
    OF(GPR_URBP, sgx_ssa_gpr, urbp);
    OF(GPR_FSBASE, sgx_ssa_gpr, fsbase);
    OF(GPR_GSBASE, sgx_ssa_gpr, gsbase);
    CM_OFFSET(GPR_SIZE, sizeof(struct sgx_ssa_gpr));

    OF(CTX_FS, emu_ctx, fs);
    OF(CTX_GS, emu_ctx, gs);
    OF(CTX_SELECTOR, emu_ctx, selector);
    CM_OFFSET(CTX_SIZE, sizeof(struct emu_ctx));

    CM_OFFSET(UC_GREGS, offsetof(ucontext_t, uc_mcontext.gregs));
    CM_OFFSET(EMU_EINVAL, 22);
}
