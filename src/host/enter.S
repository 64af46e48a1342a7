/*
 * int cm_enter(sgx_enter_enclave_t enter, struct cm_regs *regs, uint32_t function,
 *              struct sgx_enclave_run *run)
 *
 * Calls the device's entry (the kernel's vDSO function or the emulator's) with regs->rdi and
 * regs->rsi, and stores what RDI and RSI hold when it returns: the enclave's call word.
 *
 * in:   rdi enter, rsi regs, edx function (EENTER or ERESUME), rcx run
 * out:  eax what enter returned; regs
 * Duties, since neither the vDSO nor an enclave keeps the C calling convention:
 *   1. save and restore rbx, rbp and r12-r15 (an asynchronous exit clears them);
 *   2. save and restore MXCSR and the x87 control word (the enclave has its own, row A3);
 *   3. hand over nothing else: rdx, r8 and r9 are zero;
 *   4. clear DF for the C code behind.
 * Nothing above the frame depends on a register that the enclave could have changed: the vDSO
 * contract gives back RSP and RBP, everything else is read from the stack.
 */
#define REGS_RDI 0 /* invoke.h checks both */
#define REGS_RSI 8

    .text
    .globl cm_enter
    .hidden cm_enter
    .type cm_enter, @function
    .p2align 4
cm_enter:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rbx
    .cfi_offset %rbx, -24
    pushq %r12
    .cfi_offset %r12, -32
    pushq %r13
    .cfi_offset %r13, -40
    pushq %r14
    .cfi_offset %r14, -48
    pushq %r15
    .cfi_offset %r15, -56
    pushq %rsi                  /* -48(%rbp): regs */
    subq $24, %rsp
    stmxcsr -56(%rbp)
    fnstcw -64(%rbp)

    movq %rdi, %rax
    movl %edx, %r10d
    pushq %rcx                  /* the seventh argument; RSP is 16-aligned here */
    movq REGS_RDI(%rsi), %rdi
    movq REGS_RSI(%rsi), %rsi
    xorl %edx, %edx
    movl %r10d, %ecx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    call *%rax

    cld
    movq -48(%rbp), %rdx
    movq %rdi, REGS_RDI(%rdx)
    movq %rsi, REGS_RSI(%rdx)
    ldmxcsr -56(%rbp)
    fldcw -64(%rbp)
    movq -40(%rbp), %r15
    movq -32(%rbp), %r14
    movq -24(%rbp), %r13
    movq -16(%rbp), %r12
    movq -8(%rbp), %rbx
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size cm_enter, .-cm_enter

/*
 * oe_result_t cm_ocall_bridge(oe_enclave_t *enclave, uint32_t func, uint64_t arg)
 *
 * Calls cm_ocall_serve. On the stack are the registers that the caller has while the enclave waits:
 * rbp at RBP, rbx and r12-r15 below it. At cm_ocall_bridged a debugger turns to the enclave, and
 * takes the caller's registers from here when it has walked through (deploy/debugger).
 */
    .globl cm_ocall_bridge, cm_ocall_bridged
    .type cm_ocall_bridge, @function
    .p2align 4
cm_ocall_bridge:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rbx
    .cfi_offset %rbx, -24
    pushq %r12
    .cfi_offset %r12, -32
    pushq %r13
    .cfi_offset %r13, -40
    pushq %r14
    .cfi_offset %r14, -48
    pushq %r15
    .cfi_offset %r15, -56
    subq $8, %rsp
    call cm_ocall_serve
cm_ocall_bridged:
    movq -8(%rbp), %rbx /* the rest is as it was: cm_ocall_serve keeps it */
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size cm_ocall_bridge, .-cm_ocall_bridge

/*
 * Never executed: the frame that our debugger puts between stacks. R11 is where its caller goes on, RSP
 * the caller's. A signal frame, since debuggers refuse stacks that turn back, but for those.
 */
    .globl cm_debug_gate
    .type cm_debug_gate, @function
cm_debug_gate:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa %rsp, 0
    .cfi_register %rip, %r11
    ud2
    ud2
    .cfi_endproc
    .size cm_debug_gate, .-cm_debug_gate

    .section .note.GNU-stack, "", @progbits
